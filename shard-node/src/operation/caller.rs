//! Who asks, and how.

use std::time::Instant;

use axum::http::StatusCode;
use service_kit::Problem;
use service_kit::token::{Role, Roles};
use shard_map::{Epoch, InstitutionId};
use uuid::Uuid;

use super::{OFFICE, Operation};
use crate::error::Error;

/// Longest idempotency key, in bytes.
const KEY_MAX_BYTES: usize = 255;

/// A verified caller and the conditions of one request.
#[derive(Debug, Clone)]
pub struct Caller {
    /// The tenant, from the token.
    pub institution: InstitutionId,
    /// `users.id`, from the token.
    pub subject: Uuid,
    /// The ceiling of what it may do.
    pub roles: Roles,
    /// The epoch at which this shard serves the institution.
    pub epoch: Epoch,
    /// Whether caches may answer.
    pub cached: bool,
    /// The request's id.
    pub request_id: String,
    /// `Idempotency-Key`.
    pub idempotency_key: Option<String>,
    /// The row version that `If-Match` names.
    pub if_match: Option<i64>,
    /// When the answer is due.
    pub deadline: Instant,
}

impl Caller {
    /// Whether the caller runs the institution.
    pub fn is_office(&self) -> bool {
        self.roles.intersects(OFFICE)
    }

    /// Whether the caller is here as a student and nothing more.
    pub fn is_student(&self) -> bool {
        self.roles.contains(Role::Student) && !self.is_office()
    }

    /// 403 unless the operation is for one of the caller's roles; 428 without a needed `If-Match`.
    pub fn may_call(&self, operation: &Operation) -> Result<(), Error> {
        if !self.roles.intersects(operation.roles) {
            let allowed: Vec<_> = operation.roles.iter().map(Role::as_str).collect();
            return Err(forbidden(&format!("{} is for {}", operation.name, allowed.join(", "))));
        }
        if operation.needs_if_match && self.if_match.is_none() {
            let problem = Problem::new(
                StatusCode::PRECONDITION_REQUIRED,
                "if-match-required",
                "This change needs If-Match",
            );
            return Err(problem.detail("send the ETag of the version that you have read").into());
        }
        Ok(())
    }

    /// 412 where `If-Match` names another version than the row has.
    pub fn expect_version(&self, row_version: i64) -> Result<(), Error> {
        match self.if_match {
            Some(version) if version != row_version => Err(Problem::new(
                StatusCode::PRECONDITION_FAILED,
                "version-mismatch",
                "Somebody else changed it meanwhile",
            )
            .detail(format!("it is at version {row_version}; read it again, then change it"))
            .into()),
            _ => Ok(()),
        }
    }
}

/// 403.
pub fn forbidden(detail: &str) -> Error {
    Problem::new(StatusCode::FORBIDDEN, "forbidden", "Not allowed").detail(detail).into()
}

/// Takes an `Idempotency-Key`: 1 to 255 visible ASCII characters.
pub fn idempotency_key(text: &str) -> Result<String, Error> {
    let visible = text.bytes().all(|b| b.is_ascii_graphic());
    if visible && !text.is_empty() && text.len() <= KEY_MAX_BYTES {
        return Ok(text.to_owned());
    }
    Err(Problem::new(StatusCode::BAD_REQUEST, "idempotency-key-malformed", "Bad Idempotency-Key")
        .detail("1 to 255 visible ASCII characters are allowed, a UUID for example")
        .into())
}

/// Takes an `If-Match`: `"7"`, `W/"7"` or `*` (any version).
pub fn if_match(text: &str) -> Result<Option<i64>, Error> {
    if text.trim() == "*" {
        return Ok(None);
    }
    let digits = text.trim().trim_start_matches("W/").trim_matches('"');
    digits.parse().map(Some).map_err(|_| {
        Problem::new(StatusCode::BAD_REQUEST, "if-match-malformed", "Bad If-Match")
            .detail("the ETag of an earlier answer is expected, such as \"7\"")
            .into()
    })
}
