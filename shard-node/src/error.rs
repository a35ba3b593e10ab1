//! What can go wrong in a node, and the one place where it becomes an answer.

use axum::http::StatusCode;
use serde::{Deserialize, Serialize};
use service_kit::Problem;
use service_kit::problem::FieldProblem;
use shard_map::{Epoch, MapVersion};
use sqlx::postgres::PgDatabaseError;

use crate::operation::invalid;

/// What a service, a store or the guard answers instead of a result.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// A rule refused; the problem is the user's.
    #[error("refused: {}", .0.code)]
    Refused(Box<Problem>),
    /// The guard refused: the institution is not served here.
    #[error("not the owner: {0:?}")]
    NotOwner(NotOwner),
    /// The database failed, or could not be asked.
    #[error(transparent)]
    Database(sqlx::Error),
    /// The request was given up before it could commit.
    #[error("given up at its deadline")]
    Abandoned,
    /// A job is no longer its worker's: the lease ran out, or somebody cancelled it.
    #[error("the job's lease was lost")]
    LeaseLost,
    /// A defect.
    #[error("defect: {0}")]
    Defect(String),
}

/// Who owns an institution, as far as this shard knows.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct NotOwner {
    /// The state of the row here; none where there is no row.
    pub state: Option<String>,
    /// The owning shard.
    pub owner: Option<String>,
    /// The epoch that it owns at.
    pub epoch: Option<Epoch>,
    /// The map version that published it.
    pub map_version: Option<MapVersion>,
}

impl NotOwner {
    /// Where the shard has no row at all.
    pub const UNKNOWN: Self = Self { state: None, owner: None, epoch: None, map_version: None };

    /// The 421 that routers follow and no client sees.
    pub fn into_problem(self) -> Problem {
        if self.state.as_deref() == Some("fenced") {
            return cutover_timeout();
        }
        Problem::new(
            StatusCode::MISDIRECTED_REQUEST,
            "not-owner",
            "This shard does not own the institution",
        )
        .with("owner", self.owner)
        .with("epoch", self.epoch.map(|epoch| epoch.0))
        .with("mapVersion", self.map_version.map(|version| version.0))
    }
}

const CUTOVER_TIMEOUT: &str = "cutover-timeout";

/// 503: the institution is fenced, and its move was not decided in time.
pub fn cutover_timeout() -> Problem {
    Problem::new(StatusCode::SERVICE_UNAVAILABLE, CUTOVER_TIMEOUT, "The institution is being moved")
        .detail("nothing was applied; try again")
        .retry_after_s(1)
}

/// Whether an operation met the fence. It may have done so behind a cache, which hands on problems.
pub fn met_the_fence(problem: &Problem) -> bool {
    problem.code == CUTOVER_TIMEOUT
}

impl From<Problem> for Error {
    fn from(problem: Problem) -> Self {
        Self::Refused(Box::new(problem))
    }
}

impl From<sqlx::Error> for Error {
    fn from(error: sqlx::Error) -> Self {
        let refused = error
            .as_database_error()
            .and_then(|error| error.try_downcast_ref::<PgDatabaseError>())
            .filter(|error| error.code() == "LX001")
            .map(|error| serde_json::from_str(error.detail().unwrap_or_default()));
        match refused {
            Some(Ok(not_owner)) => Self::NotOwner(not_owner),
            Some(Err(error)) => Self::Defect(format!("the guard's detail is not JSON: {error}")),
            None => Self::Database(error),
        }
    }
}

/// SQLSTATEs that say: the same transaction may well succeed when it is run again.
pub const LOCK_NOT_AVAILABLE: &str = "55P03";
/// The replica has not replayed what was asked for, or is none.
pub const BEHIND: &str = "LX004";
/// A unique violation that no store explained is a race with another writer: run again, it sees the other's row.
const RETRYABLE: [&str; 4] = ["40001", "40P01", "23505", LOCK_NOT_AVAILABLE];

impl Error {
    /// The SQLSTATE, where the database gave one.
    pub fn sqlstate(&self) -> Option<String> {
        match self {
            Self::Database(error) => Some(error.as_database_error()?.code()?.into_owned()),
            _ => None,
        }
    }

    /// The unique or foreign key, or check, that refused.
    pub fn constraint(&self) -> Option<&str> {
        match self {
            Self::Database(error) => error.as_database_error()?.constraint(),
            _ => None,
        }
    }

    /// Whether nothing was applied and another try may succeed: a deadlock or a lock that was not granted.
    pub fn is_retryable(&self) -> bool {
        self.sqlstate().is_some_and(|state| RETRYABLE.contains(&state.as_str()))
    }

    /// Whether the connection ended instead of an answer: the server was stopped, killed or cut off.
    pub fn is_disconnection(&self) -> bool {
        matches!(self, Self::Database(sqlx::Error::Io(_)))
            || self.sqlstate().is_some_and(|state| ["57P01", "57P02"].contains(&state.as_str()))
    }

    /// Whether the database has answered that it did nothing. What ended with the connection or the server may
    /// have been done.
    pub fn is_refusal(&self) -> bool {
        let gone =
            |state: &str| ["08", "57", "58", "XX"].iter().any(|class| state.starts_with(class));
        self.sqlstate().is_some_and(|state| !gone(&state))
    }

    /// The answer; what only operators may know is logged here and nowhere else.
    pub fn into_problem(self) -> Problem {
        match self {
            Self::Refused(problem) => *problem,
            Self::NotOwner(not_owner) => not_owner.into_problem(),
            Self::Abandoned | Self::LeaseLost => overloaded(),
            Self::Database(error) => database_problem(&error),
            Self::Defect(what) => {
                tracing::error!(error = what, "A defect was met");
                Problem::internal()
            }
        }
    }
}

/// 503: nothing was applied, come again.
pub fn overloaded() -> Problem {
    Problem::new(StatusCode::SERVICE_UNAVAILABLE, "overloaded", "Too much is going on right now")
        .detail("nothing was applied; try again")
        .retry_after_s(1)
}

fn database_problem(error: &sqlx::Error) -> Problem {
    let state = error.as_database_error().and_then(|error| Some(error.code()?.into_owned()));
    match (error, state.as_deref()) {
        (_, Some("23503")) => Problem::new(
            StatusCode::CONFLICT,
            "in-use",
            "Something else refers to it, or it refers to something that is not there",
        ),
        // A value that no rule of ours refused; all but 22P02, which a missing tenant causes, too.
        (_, Some(state)) if state.starts_with("22") && state != "22P02" => {
            tracing::error!(error = %error, "The database refused a value that no rule did");
            invalid().detail("a value is out of the range that can be stored")
        }
        (sqlx::Error::PoolTimedOut, _)
        | (_, Some(LOCK_NOT_AVAILABLE | "40001" | "40P01" | "57014" | "25P03")) => overloaded(),
        (sqlx::Error::Io(_) | sqlx::Error::PoolClosed | sqlx::Error::Tls(_), _)
        | (_, Some("57P01" | "57P02" | "57P03" | "53300" | "53100" | "25006")) => {
            tracing::error!(error = %error, "The shard's database cannot be used");
            shard_unavailable()
        }
        _ => {
            tracing::error!(error = %error, "A statement failed");
            Problem::internal()
        }
    }
}

/// 503: the shard's database is away.
pub fn shard_unavailable() -> Problem {
    Problem::new(
        StatusCode::SERVICE_UNAVAILABLE,
        "shard-unavailable",
        "The institution's shard cannot be reached",
    )
    .detail("nothing was applied; try again")
    .retry_after_s(1)
}

/// 502: a COMMIT went out and its answer did not come in time.
pub fn outcome_unknown() -> Problem {
    Problem::new(
        StatusCode::BAD_GATEWAY,
        "outcome-unknown",
        "Whether the request was applied is not known",
    )
    .detail("send it again with the same Idempotency-Key to learn what became of it")
}

/// 404, also for every id of another institution.
pub fn not_found(what: &str) -> Error {
    Problem::new(StatusCode::NOT_FOUND, "not-found", "There is no such thing")
        .detail(format!("no {what} with this id"))
        .into()
}

/// 404 for an id in a body or query that leads nowhere, with its place: another institution's among them.
pub fn unknown_reference(pointer: impl Into<String>, what: &str) -> Problem {
    Problem::new(
        StatusCode::NOT_FOUND,
        "not-found",
        "The request refers to something that is not there",
    )
    .field(FieldProblem::new(pointer, "not-found", format!("no {what} with this id")))
}

/// 409 for a code or number that another row has.
pub fn taken(code: &'static str, pointer: &str, what: &str) -> Error {
    Problem::new(StatusCode::CONFLICT, code, "Another one has this already")
        .field(FieldProblem::new(pointer, code, format!("{what} is taken; choose another")))
        .into()
}
