//! Who asks, and how.

use std::sync::Arc;
use std::time::Instant;

use axum::http::StatusCode;
use service_kit::Problem;
use service_kit::token::{Role, Roles};
use shard_map::{Epoch, InstitutionId};
use uuid::Uuid;

use super::{OFFICE, Operation, Session};
use crate::error::Error;
use crate::limits::Place;
use crate::policy::Relations;

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
    /// Of these relations to what the operation is about one is enough; set when the caller is admitted to it.
    pub relations: Relations,
    /// Whether the token is a node's own: then the subject is an api client of the institution, which is asked for.
    pub is_own_client: bool,
    /// The epoch at which this shard serves the institution.
    pub epoch: Epoch,
    /// Whether caches may answer.
    pub cached: bool,
    /// The request's id.
    pub request_id: String,
    /// `Idempotency-Key`.
    pub idempotency_key: Option<String>,
    /// `If-Match`.
    pub if_match: Option<IfMatch>,
    /// When the answer is due.
    pub deadline: Instant,
    /// What the client has seen (`Lxp-Session`): an answer is never older.
    pub session: Option<Session>,
    /// Whether the client takes an answer that lags (`Lxp-Consistency: eventual`).
    pub eventual: bool,
    /// Its place among what is under way; free again when the last of its work has ended.
    pub place: Option<Arc<Place>>,
}

impl Caller {
    /// The platform itself, which does an institution's jobs: nobody's user, with an admin's roles. The id of what it
    /// does stands where a request's would.
    pub fn platform(institution: InstitutionId, epoch: Epoch, deadline: Instant, id: Uuid) -> Self {
        Self {
            institution,
            subject: Uuid::nil(),
            roles: Roles::from(Role::Admin),
            relations: Relations::ANY,
            is_own_client: false,
            epoch,
            cached: false,
            request_id: id.to_string(),
            idempotency_key: None,
            if_match: None,
            deadline,
            session: None,
            eventual: false,
            place: None,
        }
    }

    /// Whether the caller runs the institution.
    pub fn is_office(&self) -> bool {
        self.roles.intersects(OFFICE)
    }

    /// Whether the caller is here as a student and nothing more.
    pub fn is_student(&self) -> bool {
        self.roles.contains(Role::Student) && !self.is_office()
    }

    /// 403 unless the operation is for one of the caller's roles; 428 without a needed `If-Match`. What is left for the
    /// service to ask for is noted.
    pub fn admit(&mut self, operation: &Operation) -> Result<(), Error> {
        let roles = operation.policy.roles();
        if !self.roles.intersects(roles) {
            let allowed: Vec<_> = roles.iter().map(Role::as_str).collect();
            return Err(forbidden(&format!("{} is for {}", operation.name, allowed.join(", "))));
        }
        if operation.needs_if_match {
            self.expect_if_match()?;
        }
        self.relations = operation.policy.relations(self.roles);
        Ok(())
    }

    /// 428 without `If-Match`.
    pub fn expect_if_match(&self) -> Result<(), Error> {
        if self.if_match.is_some() {
            return Ok(());
        }
        let title = "This change needs If-Match";
        Err(Problem::new(StatusCode::PRECONDITION_REQUIRED, "if-match-required", title)
            .detail("send the ETag of the version that you have read")
            .into())
    }

    /// 412 where `If-Match` names another version than the row has.
    pub fn expect_version(&self, row_version: i64) -> Result<(), Error> {
        match &self.if_match {
            Some(wanted) if !wanted.holds(row_version) => Err(Problem::new(
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

/// The versions that a change is meant for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum IfMatch {
    /// `*`: whatever version there is.
    Any,
    /// One of these tags. A tag that no answer of ours had is legal, and no row's.
    Tags(Vec<String>),
}

impl IfMatch {
    fn holds(&self, row_version: i64) -> bool {
        match self {
            Self::Any => true,
            Self::Tags(tags) => tags.contains(&row_version.to_string()),
        }
    }
}

/// Takes an `If-Match`: `*`, or tags such as `"7"` or `"7", "8"`. A weak one (`W/"7"`) counts as the tag that a
/// compressing proxy made it from.
pub fn if_match(text: &str) -> Result<IfMatch, Error> {
    if text.trim() == "*" {
        return Ok(IfMatch::Any);
    }
    let tags = tags(text).filter(|tags| !tags.is_empty());
    tags.map(IfMatch::Tags).ok_or_else(|| {
        Problem::new(StatusCode::BAD_REQUEST, "if-match-malformed", "Bad If-Match")
            .detail("`*` or ETags of earlier answers are expected, such as \"7\"")
            .into()
    })
}

/// A comma-separated list of quoted tags (RFC 9110, 8.8.3; a tag may have a comma in it); none where it is not.
fn tags(text: &str) -> Option<Vec<String>> {
    let mut tags = Vec::new();
    let mut rest = text.trim();
    while !rest.is_empty() {
        let opened = rest.strip_prefix("W/").unwrap_or(rest).strip_prefix('"')?;
        let (tag, after) = opened.split_once('"')?;
        tags.push(tag.to_owned());
        let after = after.trim_start();
        rest = if after.is_empty() { after } else { after.strip_prefix(',')?.trim_start() };
    }
    Some(tags)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn holds(text: &str, row_version: i64) -> bool {
        if_match(text).expect("well-formed").holds(row_version)
    }

    #[test]
    fn a_version_is_matched_by_its_tag_alone_in_a_list_or_by_a_star() {
        for text in
            ["\"7\"", "\"1\", \"7\"", "\"1\",\"7\" ", "W/\"7\"", "\"a,b\", \"7\"", "*", " * "]
        {
            assert!(holds(text, 7), "{text}");
        }
        for text in ["\"8\"", "\"abc\"", "\"\"", "\"07\"", "\"1\", \"8\"", "\"7,8\"", "\"*\""] {
            assert!(!holds(text, 7), "{text}");
        }
    }

    #[test]
    fn what_is_no_list_of_tags_is_malformed() {
        for text in ["", "7", "x", "\"7", "7\"", "\"7\" \"8\"", "\"7\", *", ", ", "w/\"7\""] {
            assert!(if_match(text).is_err(), "{text}");
        }
    }
}
