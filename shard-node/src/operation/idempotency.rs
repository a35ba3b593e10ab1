//! `Idempotency-Key`: one effect and one answer for a key, in the effect's own transaction.
//!
//! What must stay true:
//! - The key's row is written first and commits with the effect. A second request with the key waits on its
//!   unique index for at most `lock_timeout` (1 s), then gets 409 `idempotency-in-flight`.
//! - Only a 2xx is stored: a refusal rolls the row back with everything else, and is judged anew.
//! - A key is kept for 24 h, its answer without what is shown once.

use axum::http::StatusCode;
use serde_json::Value;
use service_kit::Problem;
use sha2::{Digest, Sha256};
use uuid::Uuid;

use super::{Answer, Caller, Work};
use crate::error::{Error, LOCK_NOT_AVAILABLE};
use crate::store::idempotency as store;

/// What a key means for this request.
pub(super) enum Claim {
    /// It is new: run, then [`keep`] the answer.
    Fresh,
    /// It ran before: this was the answer.
    Replay(Answer),
}

/// SHA-256 of the operation and its input; members of JSON objects are sorted.
pub(super) fn request_hash(operation: &str, input: &Value) -> Vec<u8> {
    let mut hasher = Sha256::new();
    hasher.update(operation.as_bytes());
    hasher.update([0]);
    hasher.update(input.to_string().as_bytes());
    hasher.finalize().to_vec()
}

/// Takes the key for this transaction, or finds what was answered under it.
pub(super) async fn claim(work: &mut Work, key: &str, hash: &[u8]) -> Result<Claim, Error> {
    let principal = work.caller.subject;
    let inserted = store::insert(work.tx(), Uuid::now_v7(), principal, key, hash).await;
    match inserted {
        Ok(true) => return Ok(Claim::Fresh),
        Ok(false) => {}
        Err(error) if error.sqlstate().as_deref() == Some(LOCK_NOT_AVAILABLE) => {
            return Err(in_flight());
        }
        Err(error) => return Err(error),
    }
    let Some(row) = store::find(work.tx(), principal, key).await? else { return Err(in_flight()) };
    if row.request_hash != hash {
        return Err(mismatch());
    }
    let answer = row.answer.map(serde_json::from_value).transpose();
    match answer {
        Ok(Some(answer)) => Ok(Claim::Replay(answer)),
        Ok(None) => Err(in_flight()),
        Err(error) => Err(Error::Defect(format!("a stored answer does not decode: {error}"))),
    }
}

/// Stores the answer under the key.
pub(super) async fn keep(
    work: &mut Work,
    caller: &Caller,
    key: &str,
    answer: &Answer,
) -> Result<(), Error> {
    let answer = serde_json::to_value(answer)
        .map_err(|error| Error::Defect(format!("an answer does not encode: {error}")))?;
    store::set_answer(work.tx(), caller.subject, key, &answer).await
}

fn in_flight() -> Error {
    Problem::new(StatusCode::CONFLICT, "idempotency-in-flight", "The same request is still running")
        .detail("a request with this Idempotency-Key has not finished; ask again in a second")
        .retry_after_s(1)
        .into()
}

fn mismatch() -> Error {
    Problem::new(
        StatusCode::UNPROCESSABLE_ENTITY,
        "idempotency-mismatch",
        "The key was used for another request",
    )
    .detail("an Idempotency-Key names one request: send a new key with a new body")
    .into()
}
