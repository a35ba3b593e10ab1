//! A notification goes out by mail: a job for each, under its lease and outside of any transaction.
//!
//! What must stay true:
//! - A mail that is known to be sent is not sent again: the delivery says so, and is read first. It is written in a
//!   transaction that holds the lease; a worker that dies between the server's word and that sends it once more, under
//!   the same Message-ID.
//! - Each end is written down: SENT, SKIPPED and why, FAILED and why. One that is tried again is QUEUED, with the last
//!   reason. What failed goes out when its job is queued anew, with all its tries.
//! - A mail server may be away for days ([`DELAYS_S`]), and so may nodes that send mail: one without leaves it to them.
//! - What a job says of a failure holds no address; the delivery does, for the institution's own eyes.

use std::time::Duration;

use serde::Deserialize;
use uuid::Uuid;

use super::render;
use super::store::{self, Outgoing};
use crate::jobs::{Failure, Handler, Job, JobContext};
use crate::mail::{Letter, NotSent, SEND_TIMEOUT};

pub(super) const KIND: &str = "NOTIFICATION_MAIL";

/// Beside the sending: what is read and written.
const BESIDE: Duration = Duration::from_secs(6);

/// What stands at a mail that only such nodes have seen.
const OFF: &str = "mail is off on the nodes that looked at it";

/// Mails that a node sends at once.
const AT_ONCE: usize = 4;

/// From one try to the next, in seconds. With the first one they are 14, over about three days.
const DELAYS_S: [u64; 13] =
    [1, 5, 30, 120, 600, 1_800, 3_600, 7_200, 14_400, 28_800, 43_200, 72_000, 86_400];

/// The handler of mails.
pub(super) fn handler() -> Handler {
    Handler::outside(KIND, |context, job| Box::pin(deliver(context, job)))
        .at_once(AT_ONCE)
        .attempts(attempts())
        .timeout(SEND_TIMEOUT + BESIDE)
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Payload {
    notification_id: Uuid,
}

/// What is written of a try.
struct Written {
    state: &'static str,
    why: Option<String>,
}

async fn deliver(context: &JobContext, job: &Job) -> Result<(), Failure> {
    let Payload { notification_id } = job.decode()?;
    let mut tx = context.read().await?;
    let outgoing = store::outgoing(&mut tx, notification_id).await?;
    tx.commit().await?;
    // It was deleted, went out already, or has nobody to go to. One that failed is here because somebody asked for it.
    let Some(outgoing) =
        outgoing.filter(|outgoing| !matches!(outgoing.state.as_str(), "SENT" | "SKIPPED"))
    else {
        return Ok(());
    };
    let (written, result) = send(context, job, notification_id, outgoing).await;
    let mut tx = context.begin().await?;
    store::settle(&mut tx, notification_id, written.state, written.why.as_deref()).await?;
    tx.commit().await?;
    result
}

async fn send(
    context: &JobContext,
    job: &Job,
    id: Uuid,
    outgoing: Outgoing,
) -> (Written, Result<(), Failure>) {
    let skipped = |why: &str| (Written { state: "SKIPPED", why: Some(why.to_owned()) }, Ok(()));
    let after = if job.attempt < job.attempts_max { delay(job.attempt, id) } else { None };
    let Some(mailer) = &context.node.mail else {
        // Where no node sends any, nothing has failed.
        return match after {
            Some(after) => again(OFF, OFF, after),
            None => skipped(OFF),
        };
    };
    let Some(to) = outgoing.email else { return skipped("the user has no address any more") };
    let words = render::words(&outgoing.kind, &outgoing.payload);
    let text = render::mail_text(&words, &outgoing.institution);
    let letter = Letter { id, to, subject: words.subject, text, at: outgoing.created_at };
    match mailer.send(&letter).await {
        Ok(()) => (Written { state: "SENT", why: None }, Ok(())),
        Err(NotSent::Refused(why)) => {
            let failure = Failure::fail("the mail was refused for good; its delivery says why");
            (Written { state: "FAILED", why: Some(why) }, Err(failure))
        }
        Err(NotSent::Later(why)) => {
            if let Some(after) = after {
                return again(&why, "the mail was not taken; its delivery says why", after);
            }
            let failure = Failure::fail("the mail was not taken for days; its delivery says why");
            (Written { state: "FAILED", why: Some(why) }, Err(failure))
        }
    }
}

/// Tried again after a while: why, to the institution and to operators.
fn again(why: &str, to_operators: &str, after: Duration) -> (Written, Result<(), Failure>) {
    let failure = Failure::Retry { why: to_operators.to_owned(), after: Some(after) };
    (Written { state: "QUEUED", why: Some(why.to_owned()) }, Err(failure))
}

/// How often a mail is tried.
fn attempts() -> i32 {
    i32::try_from(DELAYS_S.len() + 1).unwrap_or(i32::MAX)
}

/// How long to wait after so many tries; none where they were enough. What failed together comes back apart: up to a
/// quarter later, by the notification's id.
fn delay(tries: i32, id: Uuid) -> Option<Duration> {
    let index = usize::try_from(tries).ok()?.checked_sub(1)?;
    let base_ms = DELAYS_S.get(index)? * 1_000;
    Some(Duration::from_millis(base_ms + base_ms * u64::from(id.as_bytes()[15]) / 1_024))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn it_is_tried_for_days() {
        let delays: Vec<_> = (1..).map_while(|tries| delay(tries, Uuid::nil())).collect();
        assert_eq!(i32::try_from(delays.len() + 1), Ok(attempts()));
        assert!(delays.is_sorted());
        let all: Duration = delays.iter().sum();
        assert!(all > Duration::from_hours(48) && all < Duration::from_hours(24 * 4), "{all:?}");
        let late = delay(3, Uuid::max()).expect("a third");
        assert!(late > delays[2] && late < delays[2] * 5 / 4, "{late:?}");
    }
}
