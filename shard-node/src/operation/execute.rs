//! Runs an operation: the one road from a caller's input to an answer, for REST and tRPC alike.
//!
//! What must stay true:
//! - Database work runs in a task of its own: a client that goes away cannot drop it. It ends at the deadline by
//!   itself, in the middle of a statement if need be (`TenantTx` sees to the connection), but never in a COMMIT.
//! - Past its deadline a request that has not begun to commit never will; one that has is `outcome-unknown`.
//! - Caches are invalidated after the commit and before the answer; if the process dies between, the event
//!   that commits with the change makes the relay do it.
//! - A refusal leaves nothing, but for what an operation keeps of it on purpose (a wrong code that counts).

use std::sync::Arc;
use std::sync::atomic::{AtomicU8, Ordering};
use std::time::{Duration, Instant};

use serde_json::Value;
use service_kit::Problem;
use tokio::time::timeout_at;

use super::idempotency::{self, Claim};
use super::queue::Turn;
use super::work::Finished;
use super::{Answer, Caller, Handler, Operation, Session, Work, read};
use crate::error::{Error, outcome_unknown, overloaded};
use crate::node::Node;
use crate::store::{Position, TenantTx};

/// How often a write is run when the database says that another try may succeed.
const ATTEMPTS: u32 = 3;

/// How long past its request's deadline a COMMIT is waited for.
const COMMIT_PATIENCE: Duration = Duration::from_secs(2);

/// Where a request stands; moved by compare-and-set, so that a deadline and a commit never both win.
struct Phase(AtomicU8);

const RUNNING: u8 = 0;
const COMMITTING: u8 = 1;
const ABANDONED: u8 = 2;

impl Phase {
    fn enter(&self, phase: u8) -> bool {
        self.0.compare_exchange(RUNNING, phase, Ordering::AcqRel, Ordering::Acquire).is_ok()
    }
}

/// Runs it and gives the answer, or the problem to send instead.
pub async fn run(
    node: &Arc<Node>,
    operation: &'static Operation,
    caller: Caller,
    input: Arc<Value>,
) -> Result<Answer, Problem> {
    caller.may_call(operation).map_err(Error::into_problem)?;
    let deadline = caller.deadline;
    let phase = Arc::new(Phase(AtomicU8::new(RUNNING)));
    let task = {
        let (node, phase) = (node.clone(), phase.clone());
        async move {
            match &operation.handler {
                Handler::Read(serve) => {
                    let input = Arc::unwrap_or_clone(input);
                    read::run(node, operation, serve, caller, input).await
                }
                // Boxed, because it is several times larger: a read would carry its room about.
                Handler::Write(_) => {
                    Box::pin(write(&node, operation, caller, &input, &phase)).await
                }
            }
        }
    };
    let running = node.tasks.spawn(task);
    match tokio::time::timeout_at(deadline.into(), running).await {
        Ok(Ok(result)) => result.map_err(Error::into_problem),
        Ok(Err(panic)) => {
            tracing::error!(operation = operation.name, error = %panic, "An operation panicked");
            Err(Problem::internal())
        }
        Err(_) if phase.enter(ABANDONED) => Err(overloaded()),
        Err(_) => Err(outcome_unknown()),
    }
}

async fn write(
    node: &Arc<Node>,
    operation: &'static Operation,
    caller: Caller,
    input: &Value,
    phase: &Phase,
) -> Result<Answer, Error> {
    let mut attempt = 1;
    loop {
        let result = write_once(node, operation, caller.clone(), input.clone(), phase).await;
        match result {
            Err(error)
                if error.is_retryable()
                    && attempt < ATTEMPTS
                    && Instant::now() < caller.deadline =>
            {
                attempt += 1;
            }
            result => return result,
        }
    }
}

async fn write_once(
    node: &Arc<Node>,
    operation: &'static Operation,
    caller: Caller,
    input: Value,
    phase: &Phase,
) -> Result<Answer, Error> {
    let (institution, epoch, deadline) = (caller.institution, caller.epoch, caller.deadline);
    let prepared = timeout_at(deadline.into(), prepare(node, operation, caller, input)).await;
    let (finished, answer, turn) = match prepared.map_err(|_| Error::Abandoned)?? {
        Prepared::Commit { finished, answer, turn } => (finished, answer, turn),
        Prepared::Replayed { tx, answer } => {
            let position = tx.commit_durably().await.ok().flatten();
            let session = position.map(|position| Session { epoch, position });
            return Ok(Answer { session, ..answer });
        }
    };
    let Finished { tx, touched, wakes, recorded } = finished;
    if !phase.enter(COMMITTING) {
        let _ = tx.rollback().await;
        return Err(Error::Abandoned);
    }
    let committed = commit(tx, deadline).await;
    drop(turn);
    // Where the outcome is not known, it may have been applied.
    if wakes {
        node.jobs.wake(institution);
    }
    node.cache.invalidate(&node.pool, institution, epoch, &touched).await;
    if recorded {
        node.wakes.wake(institution);
    }
    let session = committed?.map(|position| Session { epoch, position });
    Ok(Answer { session, ..answer? })
}

/// What a write comes to before its commit.
enum Prepared {
    Commit {
        finished: Finished,
        /// A refusal where that is to be remembered.
        answer: Result<Answer, Error>,
        turn: Turn,
    },
    /// What was answered before; the transaction has changed nothing.
    Replayed { tx: TenantTx, answer: Answer },
}

/// Everything up to the commit; may be dropped at any moment.
async fn prepare(
    node: &Arc<Node>,
    operation: &'static Operation,
    caller: Caller,
    input: Value,
) -> Result<Prepared, Error> {
    let turn = node.queues.turn(caller.institution, &input, operation.queues_at).await;
    let share = node.queues.share(caller.institution).await;
    let tx = TenantTx::begin_until(&node.pool, caller.institution, caller.deadline, share).await?;
    let work = Work::new(caller.clone(), node.now(), tx, node.jobs.clone());
    let mut work = work.with_addresses(node.webhooks.addresses());
    match effect(operation, &mut work, &caller, input).await {
        Ok(Effect::Done(answer)) => {
            let finished = work.finish().await?;
            Ok(Prepared::Commit { finished, answer: Ok(answer), turn })
        }
        // Under a key it would look as if it still ran.
        Err(error @ Error::Refused(_)) if work.is_kept() && !operation.keeps_answer => {
            let finished = work.finish().await?;
            Ok(Prepared::Commit { finished, answer: Err(error), turn })
        }
        Ok(Effect::Replayed(answer)) => {
            let Finished { tx, .. } = work.finish().await?;
            Ok(Prepared::Replayed { tx, answer })
        }
        Err(error) => {
            work.abandon().await;
            Err(error)
        }
    }
}

enum Effect {
    Done(Answer),
    Replayed(Answer),
}

async fn effect(
    operation: &'static Operation,
    work: &mut Work,
    caller: &Caller,
    input: Value,
) -> Result<Effect, Error> {
    let Handler::Write(serve) = &operation.handler else {
        return Err(Error::Defect(format!("{} is no write", operation.name)));
    };
    let Some(key) = caller.idempotency_key.as_ref().filter(|_| operation.keeps_answer) else {
        return Ok(Effect::Done(serve(work, input).await?));
    };
    let hash = idempotency::request_hash(operation.name, &input);
    if let Claim::Replay(answer) = idempotency::claim(work, key, &hash).await? {
        return Ok(Effect::Replayed(answer));
    }
    let answer = serve(work, input).await?;
    if operation.shown_once.is_empty() {
        idempotency::keep(work, caller, key, &answer).await?;
    } else {
        let rest = answer.without(operation.shown_once)?;
        idempotency::keep(work, caller, key, &rest).await?;
    }
    Ok(Effect::Done(answer))
}

/// A COMMIT whose answer did not arrive may have been applied. It is waited for a little longer than the request
/// itself waits, so that caches hear of it; then its connection is closed.
async fn commit(tx: TenantTx, deadline: Instant) -> Result<Option<Position>, Error> {
    match timeout_at((deadline + COMMIT_PATIENCE).into(), tx.commit_durably()).await {
        Ok(Ok(position)) => Ok(position),
        Ok(Err(error)) if error.is_refusal() => Err(error),
        Ok(Err(error)) => {
            tracing::error!(error = %error, "The outcome of a COMMIT is not known");
            Err(outcome_unknown().into())
        }
        Err(_) => Err(outcome_unknown().into()),
    }
}
