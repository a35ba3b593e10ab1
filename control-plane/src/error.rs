//! Why a use case failed, and what the caller is told of it. The operator's message is logged here, once.

use axum::http::StatusCode;
use service_kit::Problem;
use service_kit::problem::FieldProblem;

/// Why a use case failed.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// There is no such thing.
    #[error("no {what} `{id}`")]
    NotFound {
        /// Its kind, as a noun.
        what: &'static str,
        /// The id that was asked for.
        id: String,
    },
    /// Fields are wrong.
    #[error("{} wrong fields", .0.len())]
    Invalid(Vec<FieldProblem>),
    /// It cannot be done as things are.
    #[error("{code}: {detail}")]
    Conflict {
        /// The stable word.
        code: &'static str,
        /// What stands against it, and what to do.
        detail: String,
    },
    /// It cannot be done for now.
    #[error("{code}: {detail}")]
    Unavailable {
        /// The stable word.
        code: &'static str,
        /// What is missing, and what to do.
        detail: String,
    },
    /// The control database failed.
    #[error("control database: {0}")]
    Database(#[from] sqlx::Error),
    /// What the control database holds makes no sense.
    #[error("control database holds {0}")]
    Corrupt(String),
}

impl Error {
    /// Something that is not there.
    pub fn not_found(what: &'static str, id: &(impl ToString + ?Sized)) -> Self {
        Self::NotFound { what, id: id.to_string() }
    }

    /// A state that stands against it.
    pub fn conflict(code: &'static str, detail: impl Into<String>) -> Self {
        Self::Conflict { code, detail: detail.into() }
    }

    /// What the caller is told. Logs what only operators may know.
    pub fn into_problem(self) -> Problem {
        match self {
            Self::NotFound { what, id } => Problem::new(
                StatusCode::NOT_FOUND,
                format!("{what}-unknown"),
                "There is no such thing",
            )
            .detail(format!("there is no {what} `{id}`")),
            Self::Invalid(fields) => fields.into_iter().fold(
                Problem::new(StatusCode::UNPROCESSABLE_ENTITY, "invalid", "Some fields are wrong"),
                Problem::field,
            ),
            Self::Conflict { code, detail } => {
                Problem::new(StatusCode::CONFLICT, code, "It cannot be done as things are")
                    .detail(detail)
            }
            Self::Unavailable { code, detail } => {
                Problem::new(StatusCode::SERVICE_UNAVAILABLE, code, "It cannot be done for now")
                    .detail(detail)
                    .retry_after_s(1)
            }
            Self::Database(error) => database_problem(&error),
            Self::Corrupt(what) => {
                tracing::error!(error = %what, "The control database holds what makes no sense");
                Problem::internal()
            }
        }
    }
}

fn database_problem(error: &sqlx::Error) -> Problem {
    let unavailable = |code: &'static str, detail: &str| {
        tracing::warn!(error = %error, problem.code = code, "The control database did not serve");
        Problem::new(StatusCode::SERVICE_UNAVAILABLE, code, "It cannot be done for now")
            .detail(detail)
            .retry_after_s(1)
    };
    let state = error.as_database_error().and_then(sqlx::error::DatabaseError::code);
    match (error, state.as_deref()) {
        (sqlx::Error::PoolTimedOut, _) => {
            unavailable("overloaded", "no connection to the control database came free in 2 s")
        }
        // lock_timeout, statement_timeout, deadlock, serialization
        (_, Some("55P03" | "57014" | "40P01" | "40001")) => {
            unavailable("overloaded", "others are changing the same; nothing was changed")
        }
        // The server is starting, stopping, or takes no more connections.
        (_, Some("57P01" | "57P02" | "57P03" | "53300")) | (sqlx::Error::Io(_), _) => {
            unavailable("database-unavailable", "the control database cannot be reached")
        }
        _ => {
            tracing::error!(error = %error, "A statement on the control database failed");
            Problem::internal()
        }
    }
}
