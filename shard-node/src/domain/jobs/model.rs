//! A job as it is shown, and the ways between its states.

use std::time::Duration;

use axum::http::StatusCode;
use chrono::{DateTime, Utc};
use garde::Validate;
use serde::{Deserialize, Serialize};
use service_kit::Problem;
use sqlx::FromRow;
use utoipa::ToSchema;
use uuid::Uuid;

use crate::error::Error;
use crate::resource::{Field, Kind, Resource};

/// A job.
#[derive(Debug, Clone, Serialize, Deserialize, FromRow, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct Job {
    /// Its id.
    pub id: Uuid,
    /// What kind of work it is, such as `STUDENT_ENROLLED`.
    #[serde(rename = "type")]
    pub kind: String,
    /// QUEUED, RUNNING, DONE, FAILED or CANCELLED.
    pub state: String,
    /// Higher first.
    pub priority: i16,
    /// How often it was begun.
    pub attempts: i32,
    /// How often it may be.
    pub attempts_max: i32,
    /// When it is or was due.
    pub run_at: DateTime<Utc>,
    /// While it runs: until when it is its worker's.
    pub leased_until: Option<DateTime<Utc>>,
    /// One live job of its type has this key.
    pub unique_key: Option<String>,
    /// What went wrong at the last attempt that did.
    pub last_error: Option<String>,
    /// When it ended.
    pub finished_at: Option<DateTime<Utc>>,
    /// Raised by every change.
    pub row_version: i64,
    /// When it was queued.
    pub created_at: DateTime<Utc>,
    /// When it was changed last.
    pub updated_at: DateTime<Utc>,
}

/// Where a job stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum State {
    /// It is or will be due.
    Queued,
    /// A worker has it.
    Running,
    /// It was done.
    Done,
    /// It was given up, and is kept.
    Failed,
    /// Somebody gave it up.
    Cancelled,
}

/// A way that does not exist.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("a job that is {from:?} cannot do this")]
pub struct IllegalTransition {
    /// Where it stands.
    pub from: State,
    /// Where it may be sent from there.
    pub allowed: Vec<State>,
}

impl State {
    /// Every state.
    pub const ALL: [Self; 5] =
        [Self::Queued, Self::Running, Self::Done, Self::Failed, Self::Cancelled];

    /// The word in JSON and in the database.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Queued => "QUEUED",
            Self::Running => "RUNNING",
            Self::Done => "DONE",
            Self::Failed => "FAILED",
            Self::Cancelled => "CANCELLED",
        }
    }

    /// Where people may send it.
    pub fn allowed(self) -> Vec<Self> {
        match self {
            Self::Queued | Self::Running => vec![Self::Cancelled],
            Self::Failed | Self::Cancelled => vec![Self::Queued],
            Self::Done => Vec::new(),
        }
    }

    /// Queues it anew.
    pub fn retry(self) -> Result<Self, IllegalTransition> {
        self.to(Self::Queued)
    }

    /// Gives it up.
    pub fn cancel(self) -> Result<Self, IllegalTransition> {
        self.to(Self::Cancelled)
    }

    fn to(self, to: Self) -> Result<Self, IllegalTransition> {
        let allowed = self.allowed();
        if allowed.contains(&to) { Ok(to) } else { Err(IllegalTransition { from: self, allowed }) }
    }
}

impl From<IllegalTransition> for Error {
    fn from(refused: IllegalTransition) -> Self {
        let allowed: Vec<_> = refused.allowed.into_iter().map(State::as_str).collect();
        Problem::new(StatusCode::CONFLICT, "illegal-transition", "Not from where the job stands")
            .with("from", refused.from.as_str())
            .with("allowed", allowed)
            .into()
    }
}

impl Job {
    /// Where it stands.
    pub fn state(&self) -> Result<State, Error> {
        let known = State::ALL.into_iter().find(|state| state.as_str() == self.state);
        known.ok_or_else(|| Error::Defect(format!("a job is {}", self.state)))
    }
}

/// Which failed jobs are to be queued anew.
#[derive(Debug, Deserialize, Validate, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct RetryFailed {
    /// Those of this type; all where it is absent.
    #[serde(rename = "type")]
    #[garde(inner(length(chars, min = 1, max = 64), custom(valid_kind)))]
    pub kind: Option<String>,
}

fn valid_kind(value: &str, (): &()) -> garde::Result {
    let is_of_a_kind = |byte: u8| byte.is_ascii_alphanumeric() || byte == b'_';
    if value.bytes().all(is_of_a_kind) {
        Ok(())
    } else {
        Err(garde::Error::new("a type such as STUDENT_ENROLLED is expected"))
    }
}

/// How many were.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct Retried {
    /// So many failed jobs were queued anew.
    pub retried: i64,
    /// Whether there may be more of them: then ask again.
    pub more: bool,
}

/// What `state` may be.
const STATES: &[&str] = &["QUEUED", "RUNNING", "DONE", "FAILED", "CANCELLED"];

impl Resource for Job {
    const ENTITY: &'static str = "jobs";
    const KIND: &'static str = "JOB";
    const TOUCHES: &'static [&'static str] = &[];
    const NOUN: &'static str = "job";
    const SELECT: &'static str = "SELECT t.id, t.type AS kind, t.state, t.priority, t.attempts, t.attempts_max, \
        t.run_at, t.leased_until, t.unique_key, t.last_error, t.finished_at, t.row_version, t.created_at, \
        t.updated_at FROM jobs t";
    const FIELDS: &'static [Field] = &[
        Field::id("jobs", "job"),
        Field::filter("type", "t.type", Kind::Text),
        Field::filter("state", "t.state", Kind::OneOf(STATES)),
        Field::sort("priority", "t.priority", Kind::Integer),
        Field::sort("runAt", "t.run_at", Kind::Timestamp),
        Field::sort("createdAt", "t.created_at", Kind::Timestamp),
    ];
    const MEMBERS: &'static [&'static str] = &[
        "id",
        "type",
        "state",
        "priority",
        "attempts",
        "attemptsMax",
        "runAt",
        "leasedUntil",
        "uniqueKey",
        "lastError",
        "finishedAt",
        "rowVersion",
        "createdAt",
        "updatedAt",
    ];
    const CACHE_TTL: Option<Duration> = None;
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_live_is_cancelled_and_what_was_given_up_is_tried_again() {
        for state in State::ALL {
            let is_live = matches!(state, State::Queued | State::Running);
            let was_given_up = matches!(state, State::Failed | State::Cancelled);
            assert_eq!(state.cancel().is_ok(), is_live, "{state:?}");
            assert_eq!(state.retry().is_ok(), was_given_up, "{state:?}");
        }
    }

    #[test]
    fn the_words_are_those_of_the_filter() {
        assert_eq!(State::ALL.map(State::as_str), STATES);
    }
}
