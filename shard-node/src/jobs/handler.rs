//! What is done with the jobs of one kind.
//!
//! What must stay true: whatever a handler does can be done twice. Its effect in the database stays once, because it
//! commits with the job's end; what it does outside of it (a mail, a webhook) may be seen twice.

use std::fmt;
use std::sync::Arc;
use std::time::{Duration, Instant};

use futures::future::BoxFuture;
use serde::de::DeserializeOwned;
use serde_json::Value;
use shard_map::{Epoch, InstitutionId};
use sqlx::PgPool;
use uuid::Uuid;

use super::board::Kind;
use super::store;
use crate::error::Error;
use crate::node::Node;
use crate::operation::Work;
use crate::store::TenantTx;

/// How often a job is tried unless its handler says otherwise.
const ATTEMPTS: i32 = 10;

/// How long one try may take unless its handler says otherwise.
const TIMEOUT: Duration = Duration::from_secs(10);

/// The longest reason that is kept, in characters.
const WHY_MAX: usize = 500;

/// A job that was leased.
#[derive(Debug, Clone)]
pub struct Job {
    /// Its id.
    pub id: Uuid,
    /// Its kind.
    pub kind: String,
    /// What it is about.
    pub payload: Value,
    /// Its key, where it has one.
    pub unique_key: Option<String>,
    /// Which attempt this is, from 1.
    pub attempt: i32,
    /// How many there are at most.
    pub attempts_max: i32,
    /// The token of its lease.
    pub fence: i64,
}

impl Job {
    /// Its payload as a type.
    ///
    /// # Errors
    /// [`Failure::Fail`] where it is none: it will not become one.
    pub fn decode<T: DeserializeOwned>(&self) -> Result<T, Failure> {
        T::deserialize(&self.payload).map_err(|error| Failure::fail(format!("payload: {error}")))
    }
}

/// Why a handler did not do it, and what is to become of the job.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Failure {
    /// Another try may succeed.
    Retry {
        /// What went wrong, for operators; nothing personal.
        why: String,
        /// When to try again; with exponential backoff where it is not said.
        after: Option<Duration>,
    },
    /// No further try will succeed.
    Fail {
        /// What went wrong, for operators; nothing personal.
        why: String,
    },
}

impl Failure {
    /// Another try may succeed, after the usual while.
    pub fn retry(why: impl Into<String>) -> Self {
        Self::Retry { why: why.into(), after: None }
    }

    /// No further try will succeed.
    pub fn fail(why: impl Into<String>) -> Self {
        Self::Fail { why: why.into() }
    }

    /// What went wrong, no longer than is kept.
    pub(crate) fn why(&self) -> String {
        let (Self::Retry { why, .. } | Self::Fail { why }) = self;
        // Postgres keeps no NUL.
        why.chars().filter(|char| *char != '\0').take(WHY_MAX).collect()
    }
}

impl From<Error> for Failure {
    fn from(error: Error) -> Self {
        match &error {
            // Of those that are the caller's, only this one goes away by itself.
            Error::Refused(problem)
                if (400..500).contains(&problem.status) && problem.status != 429 =>
            {
                Self::fail(format!("refused: {}", problem.code))
            }
            _ => Self::retry(error.to_string()),
        }
    }
}

/// Where a handler works outside of the database.
#[derive(Clone)]
pub struct JobContext {
    /// The node's parts.
    pub node: Arc<Node>,
    /// Whose job it is.
    pub institution: InstitutionId,
    /// The epoch at which this shard serves the institution.
    pub epoch: Epoch,
    /// When the handler must have ended.
    pub deadline: Instant,
    pub(crate) pool: PgPool,
    pub(crate) id: Uuid,
    pub fence: i64,
}

impl JobContext {
    /// Opens a transaction that writes, if the lease is still the job's: of a worker that has lost it nothing stays.
    ///
    /// # Errors
    /// [`Error::LeaseLost`]; and as [`TenantTx::begin_within`].
    pub async fn begin(&self) -> Result<TenantTx, Error> {
        let mut tx = self.read().await?;
        store::hold(&mut tx, self.id, self.fence).await?;
        Ok(tx)
    }

    /// Opens a transaction that only reads.
    ///
    /// # Errors
    /// As [`TenantTx::begin_within`].
    pub async fn read(&self) -> Result<TenantTx, Error> {
        TenantTx::begin_within(&self.pool, self.institution, self.deadline).await
    }
}

/// What is done in the transaction that ends the job.
pub(crate) type Effect =
    Box<dyn for<'w> Fn(&'w mut Work, &'w Job) -> BoxFuture<'w, Result<(), Failure>> + Send + Sync>;
/// What is done outside of any.
pub(crate) type Outside = Box<
    dyn for<'c> Fn(&'c JobContext, &'c Job) -> BoxFuture<'c, Result<(), Failure>> + Send + Sync,
>;

/// Where a handler works.
pub(crate) enum Body {
    /// In the transaction that ends the job.
    Effect(Effect),
    /// Outside of any; its answer is written afterwards.
    Outside(Outside),
}

/// What is done with the jobs of one kind.
pub struct Handler {
    /// The kind, such as `STUDENT_ENROLLED`.
    pub kind: &'static str,
    pub(crate) body: Body,
    pub(crate) at_once: Option<usize>,
    pub(crate) attempts: i32,
    pub(crate) timeout: Duration,
}

impl Handler {
    /// One whose effect is in the institution's rows: it commits with the job's end, or not at all. It waits for nothing
    /// else than its own statements: the server ends a transaction that idles for 5 s.
    pub fn effect<F>(kind: &'static str, effect: F) -> Self
    where
        F: for<'w> Fn(&'w mut Work, &'w Job) -> BoxFuture<'w, Result<(), Failure>>
            + Send
            + Sync
            + 'static,
    {
        Self::new(kind, Body::Effect(Box::new(effect)))
    }

    /// One whose work is outside of the database. It holds no transaction meanwhile; it may be done twice.
    pub fn outside<F>(kind: &'static str, outside: F) -> Self
    where
        F: for<'c> Fn(&'c JobContext, &'c Job) -> BoxFuture<'c, Result<(), Failure>>
            + Send
            + Sync
            + 'static,
    {
        Self::new(kind, Body::Outside(Box::new(outside)))
    }

    fn new(kind: &'static str, body: Body) -> Self {
        Self { kind, body, at_once: None, attempts: ATTEMPTS, timeout: TIMEOUT }
    }

    /// How many jobs of the kind a node does at once at most; without it, half of what it does at all.
    #[must_use]
    pub fn at_once(mut self, jobs: usize) -> Self {
        self.at_once = Some(jobs);
        self
    }

    /// How often a job is tried; without it, 10 times.
    #[must_use]
    pub fn attempts(mut self, attempts: i32) -> Self {
        self.attempts = attempts;
        self
    }

    /// How long one try may take; without it, 10 s.
    #[must_use]
    pub fn timeout(mut self, timeout: Duration) -> Self {
        self.timeout = timeout;
        self
    }

    /// Its places.
    pub(super) fn place(&self) -> Kind {
        Kind { name: self.kind, at_once: self.at_once, is_outside: self.is_outside() }
    }

    /// Whether it works outside of the database.
    pub(crate) fn is_outside(&self) -> bool {
        matches!(self.body, Body::Outside(_))
    }
}

impl fmt::Debug for Handler {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Handler").field("kind", &self.kind).finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use axum::http::StatusCode;
    use serde::Deserialize;
    use serde_json::json;
    use service_kit::Problem;

    use super::*;
    use crate::error::overloaded;

    #[derive(Debug, Deserialize)]
    #[serde(rename_all = "camelCase")]
    struct Enrolled {
        class_id: Uuid,
    }

    fn job(payload: Value) -> Job {
        let (id, kind) = (Uuid::nil(), "A".to_owned());
        Job { id, kind, payload, unique_key: None, attempt: 1, attempts_max: 10, fence: 1 }
    }

    #[test]
    fn a_malformed_payload_fails_for_good() {
        let good = job(json!({"classId": Uuid::max(), "more": 1}));
        assert_eq!(good.decode::<Enrolled>().expect("decoded").class_id, Uuid::max());
        assert!(matches!(job(json!({})).decode::<Enrolled>(), Err(Failure::Fail { .. })));
    }

    #[test]
    fn a_rules_refusal_fails_and_everything_else_is_tried_again() {
        let refused = Problem::new(StatusCode::CONFLICT, "class-full", "Full");
        assert_eq!(Failure::from(Error::from(refused)), Failure::fail("refused: class-full"));
        for error in [
            Error::from(overloaded()),
            Error::Abandoned,
            Error::Database(sqlx::Error::PoolTimedOut),
            Error::Defect("x".to_owned()),
        ] {
            assert!(matches!(Failure::from(error), Failure::Retry { after: None, .. }));
        }
    }

    #[test]
    fn what_is_kept_of_a_reason_has_an_end() {
        let why = Failure::fail("\0é".repeat(2 * WHY_MAX)).why();
        assert_eq!(why, "é".repeat(WHY_MAX));
    }
}
