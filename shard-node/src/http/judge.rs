//! Whether this shard answers for an institution; where that is not decided yet, the request waits in the park.
//!
//! What must stay true:
//! - Nobody is sent away by a table that may be older than the request: a router with two follow-ups would meet the
//!   other side of the same move twice. Nor is anybody told that an institution is unknown by such a one: it may have
//!   been created meanwhile, and the router would make a 404 of it.
//! - Where the guard met the fence, nothing was applied; the table is believed again once a poll that began later has
//!   filled it. So a try costs a poll, and nothing spins.
//! - A wait gives back its place in the node, and takes one again, in turn, before anything is run. It may outlast the
//!   lease: what counts is the lease when it ends.

use std::time::{Duration, Instant};

use axum::http::StatusCode;
use service_kit::Problem;
use shard_map::{Epoch, InstitutionId};
use tokio::time::timeout_at;

use super::{Admitted, Incoming};
use crate::error::{Error, cutover_timeout, overloaded, shard_unavailable};
use crate::limits::Place;
use crate::node::Node;
use crate::operation::Caller;
use crate::tenancy::{Outcome, Parked, Verdict};

/// How long a "no" may wait to be confirmed.
const CONFIRM: Duration = Duration::from_secs(1);

/// How the institution is served here.
pub(super) struct Judged {
    pub(super) epoch: Epoch,
    /// Whether caches and replicas may answer.
    pub(super) cached: bool,
    /// Its institution's place, where the request has waited.
    pub(super) place: Option<Place>,
}

/// Admits a request with so many calls, or says why not.
pub(super) async fn judge(
    node: &Node,
    incoming: &Incoming,
    institution: InstitutionId,
    calls: u32,
) -> Result<Judged, Problem> {
    let came = Instant::now();
    // Without a lease the primary is asked first; where it does not answer, neither do we.
    if !node.ownership.lease.renewed(incoming.deadline).await {
        return Err(shard_unavailable());
    }
    let mut term = node.ownership.lease.term();
    let mut verdict = node.ownership.verdict(institution);
    if matches!(verdict, Verdict::NotOwner(_)) {
        let until = incoming.deadline.min(came + CONFIRM);
        let confirmed = node.ownership.refreshed(came, until).await;
        term = node.ownership.lease.term();
        verdict = node.ownership.verdict(institution);
        if !confirmed && matches!(&verdict, Verdict::NotOwner(known) if known.owner.is_none()) {
            return Err(shard_unavailable());
        }
    }
    match verdict {
        Verdict::Serve { epoch, cached } => {
            incoming.admission.add(Admitted { term, institution, epoch });
            Ok(Judged { epoch, cached, place: None })
        }
        Verdict::Fenced => wait(node, incoming, institution, Some(calls), None).await,
        other => Err(refusal(other)),
    }
}

/// Admits a caller again after the guard has met the fence: its `epoch` is then the one to go on with.
///
/// Where nothing was answered under the earlier admission, that one is `void`.
pub(crate) async fn again(
    node: &Node,
    incoming: &Incoming,
    caller: &mut Caller,
    void: bool,
) -> Result<(), Problem> {
    if void {
        incoming.admission.void();
    }
    let since = Some(Instant::now());
    let judged = wait(node, incoming, caller.institution, None, since).await?;
    (caller.epoch, caller.cached) = (judged.epoch, judged.cached);
    Ok(())
}

/// Waits until it is decided by what was known after `since`. Takes places for so many calls; none where it has them.
async fn wait(
    node: &Node,
    incoming: &Incoming,
    institution: InstitutionId,
    calls: Option<u32>,
    since: Option<Instant>,
) -> Result<Judged, Problem> {
    let parked = node.park.enter(institution, incoming.body.len()).ok_or_else(overloaded)?;
    incoming.give_up_place();
    if since.is_some() {
        node.ownership.lease.ask();
    }
    let until = incoming.patience();
    loop {
        let decided = node.ownership.decided(institution, since);
        let Ok(verdict) = timeout_at(until.into(), decided).await else {
            parked.leave(Outcome::TimedOut);
            let leased = node.ownership.lease.holds();
            return Err(if leased { cutover_timeout() } else { shard_unavailable() });
        };
        if !matches!(verdict, Verdict::Serve { .. }) {
            return Err(refuse(parked, verdict));
        }
        let Ok(places) =
            timeout_at(incoming.deadline.into(), places(node, institution, calls)).await
        else {
            parked.leave(Outcome::TimedOut);
            return Err(overloaded());
        };
        // It may have been fenced again while it waited for a place: it then waits on, without one.
        let (term, leased) = (node.ownership.lease.term(), node.ownership.lease.holds());
        if leased && let Verdict::Serve { epoch, cached } = node.ownership.verdict(institution) {
            incoming.take_place(places.0);
            incoming.admission.add(Admitted { term, institution, epoch });
            parked.leave(Outcome::Served);
            return Ok(Judged { epoch, cached, place: places.1 });
        }
    }
}

/// A place in the node, and one of the institution where calls are to be counted.
async fn places(
    node: &Node,
    institution: InstitutionId,
    calls: Option<u32>,
) -> (Option<Place>, Option<Place>) {
    let in_flight = &node.limits.in_flight;
    // In this order the node's places go to those who can use them.
    let own = match calls {
        Some(calls) => in_flight.enter_institution_in_turn(institution, calls).await,
        None => None,
    };
    (in_flight.enter_again().await, own)
}

fn refuse(parked: Parked, verdict: Verdict) -> Problem {
    let problem = refusal(verdict);
    let moved = problem.status_code() == StatusCode::MISDIRECTED_REQUEST;
    parked.leave(if moved { Outcome::Moved } else { Outcome::Refused });
    problem
}

fn refusal(verdict: Verdict) -> Problem {
    match verdict {
        Verdict::NotOwner(not_owner) => Error::NotOwner(not_owner).into_problem(),
        Verdict::Suspended => Problem::new(
            StatusCode::FORBIDDEN,
            "institution-suspended",
            "The institution is suspended",
        ),
        Verdict::Fenced => cutover_timeout(),
        // Not reached with `Serve`: whoever serves does not ask for a refusal.
        Verdict::Withheld | Verdict::Serve { .. } => shard_unavailable(),
    }
}
