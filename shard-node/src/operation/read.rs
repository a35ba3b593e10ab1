//! Runs a read: on a replica where that may answer, else from caches and the primary.
//!
//! What must stay true:
//! - With `Lxp-Session` the answer is never older than what the client has seen: caches are passed by, and a replica
//!   answers only past that place.
//! - Whatever a replica answers but a result or a refusal of ours, the primary is asked at once.
//! - While a move is closing, everything goes to the primary.

use std::sync::Arc;
use std::time::Duration;

use serde_json::Value;
use tokio::time::{timeout, timeout_at};

use super::{Answer, Caller, Operation, ReadHandler, Reader, Session};
use crate::error::{BEHIND, Error};
use crate::node::Node;
use crate::replica::{Choice, Source};
use crate::store::Seen;

/// How long a replica may take before the primary is asked instead.
const REPLICA_PATIENCE: Duration = Duration::from_secs(1);

/// Runs it within the caller's deadline.
pub(super) async fn run(
    node: Arc<Node>,
    operation: &Operation,
    serve: &ReadHandler,
    mut caller: Caller,
    input: Value,
) -> Result<Answer, Error> {
    let deadline = caller.deadline;
    caller.eventual &= operation.may_lag() && caller.cached;
    let choice = caller.cached.then(|| node.replicas.choose(&caller)).flatten();
    let read = async {
        if let Some(choice) = choice
            && let Some(result) = on_replica(&node, serve, &caller, input.clone(), choice).await
        {
            return result;
        }
        caller.cached &= caller.session.is_none();
        let reader = Reader::new(node, caller, None);
        let result = serve(reader.clone(), input).await;
        reader.node.replicas.count(reader.source());
        result.map(|answer| with_session(answer, &reader))
    };
    timeout_at(deadline.into(), read).await.map_err(|_| Error::Abandoned)?
}

/// None where the primary must be asked.
async fn on_replica(
    node: &Arc<Node>,
    serve: &ReadHandler,
    caller: &Caller,
    input: Value,
    choice: Choice,
) -> Option<Result<Answer, Error>> {
    let replica = choice.replica.clone();
    let caller = Caller { cached: false, ..caller.clone() };
    let reader = Reader::new(node.clone(), caller, Some(choice));
    // Waiting for it is not the replica's doing.
    let _share = node.queues.share(reader.caller.institution).await;
    match timeout(REPLICA_PATIENCE, serve(reader.clone(), input)).await {
        Ok(Ok(answer)) => {
            node.replicas.count(Source::Replica);
            Some(Ok(with_session(answer, &reader)))
        }
        Ok(Err(error @ Error::Refused(_))) => {
            node.replicas.count(Source::Replica);
            Some(Err(error))
        }
        // It has not replayed the activation.
        Ok(Err(Error::NotOwner(_))) => None,
        Ok(Err(error)) if error.sqlstate().as_deref() == Some(BEHIND) => {
            replica.was_behind();
            None
        }
        Ok(Err(error)) => {
            tracing::debug!(error = %error, "A replica failed; the primary is asked");
            replica.failed();
            None
        }
        Err(_) => {
            replica.failed();
            None
        }
    }
}

/// The newer of what came in and what was seen.
fn with_session(answer: Answer, reader: &Reader) -> Answer {
    let seen = reader
        .seen()
        .and_then(Seen::get)
        .map(|position| Session { epoch: reader.caller.epoch, position });
    Answer { session: reader.caller.session.max(seen), ..answer }
}
