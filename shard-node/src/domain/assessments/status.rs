//! The states of an assessment and the ways between them: DRAFT, PUBLISHED, CLOSED, and never back.

use axum::http::StatusCode;
use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};
use service_kit::Problem;
use utoipa::ToSchema;

/// Where an assessment stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, sqlx::Type, ToSchema)]
#[serde(rename_all = "UPPERCASE")]
#[sqlx(type_name = "text", rename_all = "UPPERCASE")]
#[schema(as = AssessmentStatus)]
pub enum Status {
    /// It is being made; students do not see it.
    Draft,
    /// Students may sit it, within its windows.
    Published,
    /// Nobody sits it any more.
    Closed,
}

/// It has become PUBLISHED.
#[derive(Debug, PartialEq, Eq)]
pub struct Published {
    /// When.
    pub at: DateTime<Utc>,
}

/// It has become CLOSED.
#[derive(Debug, PartialEq, Eq)]
pub struct Closed {
    /// When.
    pub at: DateTime<Utc>,
}

/// A way that does not exist.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("an assessment that is {from:?} cannot do this")]
pub struct InvalidTransition {
    /// Where it stands.
    pub from: Status,
    /// Where it may go from there.
    pub allowed: &'static [Status],
}

impl Status {
    /// The word in JSON and in the database.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Draft => "DRAFT",
            Self::Published => "PUBLISHED",
            Self::Closed => "CLOSED",
        }
    }

    /// From DRAFT.
    ///
    /// # Errors
    /// From anywhere else.
    pub fn publish(self, at: DateTime<Utc>) -> Result<Published, InvalidTransition> {
        match self {
            Self::Draft => Ok(Published { at }),
            _ => Err(self.refuse()),
        }
    }

    /// From PUBLISHED.
    ///
    /// # Errors
    /// From anywhere else.
    pub fn close(self, at: DateTime<Utc>) -> Result<Closed, InvalidTransition> {
        match self {
            Self::Published => Ok(Closed { at }),
            _ => Err(self.refuse()),
        }
    }

    fn refuse(self) -> InvalidTransition {
        let allowed: &[Self] = match self {
            Self::Draft => &[Self::Published],
            Self::Published => &[Self::Closed],
            Self::Closed => &[],
        };
        InvalidTransition { from: self, allowed }
    }
}

impl From<InvalidTransition> for Problem {
    fn from(refused: InvalidTransition) -> Self {
        let allowed: Vec<_> = refused.allowed.iter().map(|status| status.as_str()).collect();
        Self::new(
            StatusCode::CONFLICT,
            "illegal-transition",
            "Not from where the assessment stands",
        )
        .with("from", refused.from.as_str())
        .with("allowed", allowed)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn it_goes_one_way_step_by_step() {
        let at = DateTime::UNIX_EPOCH;
        assert_eq!(Status::Draft.publish(at), Ok(Published { at }));
        assert_eq!(Status::Published.close(at), Ok(Closed { at }));
        for (refused, allowed) in [
            (Status::Draft.close(at).map(drop), vec![Status::Published]),
            (Status::Published.publish(at).map(drop), vec![Status::Closed]),
            (Status::Closed.publish(at).map(drop), vec![]),
            (Status::Closed.close(at).map(drop), vec![]),
        ] {
            assert_eq!(refused.expect_err("refused").allowed, allowed);
        }
    }
}
