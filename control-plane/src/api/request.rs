//! What is read from a request: ids, query and body, each with a clear word on what is wrong.

use std::collections::BTreeMap;
use std::net::IpAddr;
use std::str::FromStr;

use axum::body::Body;
use axum::http::StatusCode;
use bytes::Bytes;
use http_body_util::{BodyExt, LengthLimitError, Limited};
use serde::de::DeserializeOwned;
use service_kit::Problem;
use service_kit::problem::FieldProblem;

use super::access::Caller;
use super::routes::Operation;
use crate::error::Error;
use crate::store::journal::Actor;

/// Longest body that is read, in bytes.
pub const BODY_MAX_BYTES: usize = 1 << 20;
const LIMIT_DEFAULT: i64 = 50;
const LIMIT_MAX: i64 = 200;
/// Pages end where an offset becomes costly.
const PAGE_MAX: i64 = 50_000;

/// A request, read whole.
#[derive(Debug)]
pub(super) struct Request {
    pub(super) caller: Caller,
    /// Where it came from, if the listener says so.
    pub(super) peer: Option<IpAddr>,
    pub(super) operation: Operation,
    pub(super) id: String,
    pub(super) query: Option<String>,
    pub(super) body: Bytes,
}

impl Request {
    /// Who is asking, for the audit.
    pub(super) fn actor(&self) -> Actor {
        self.caller.actor()
    }

    /// The id in the path. One that cannot be is one that is not there.
    pub(super) fn id<T: FromStr>(&self, what: &'static str) -> Result<T, Problem> {
        self.id.parse().map_err(|_| Error::not_found(what, &self.id).into_problem())
    }

    /// The body as JSON. Unknown members are refused, and the allowed ones named.
    pub(super) fn json<T: DeserializeOwned>(&self) -> Result<T, Problem> {
        // Serde would take an array for a struct, member by member.
        if self.body.trim_ascii_start().starts_with(b"[") {
            return Err(no_fit("an array was sent; a JSON object is expected"));
        }
        serde_json::from_slice(&self.body).map_err(|error| match error.classify() {
            serde_json::error::Category::Data => no_fit(&without_values(&error.to_string())),
            _ => Problem::new(StatusCode::BAD_REQUEST, "malformed-json", "The body is no JSON")
                .detail(if self.body.is_empty() {
                    "the body is empty; a JSON object is expected".to_owned()
                } else {
                    error.to_string()
                }),
        })
    }

    /// The body as JSON; no body says what is usual.
    pub(super) fn json_or_default<T: DeserializeOwned + Default>(&self) -> Result<T, Problem> {
        if self.body.trim_ascii().is_empty() { Ok(T::default()) } else { self.json() }
    }

    /// An operation that takes no body gets none, or `{}`.
    pub(super) fn no_body(&self) -> Result<(), Problem> {
        match self.body.trim_ascii() {
            b"" | b"{}" => Ok(()),
            _ => Err(no_fit("this operation takes no body; leave it out")),
        }
    }

    /// The query's parameters: each at most once, none but those of the operation.
    pub(super) fn query(&self) -> Result<Query, Problem> {
        let allowed = self.operation.query();
        let mut values = BTreeMap::new();
        let pairs = self.query.as_deref().unwrap_or_default();
        for pair in pairs.split('&').filter(|pair| !pair.is_empty()) {
            let (name, value) = pair.split_once('=').unwrap_or((pair, ""));
            if !allowed.contains(&name) {
                let known = if allowed.is_empty() { "none".to_owned() } else { allowed.join(", ") };
                return Err(bad_query(name, format!("allowed here: {known}")));
            }
            if values.insert(name.to_owned(), value.to_owned()).is_some() {
                return Err(bad_query(name, "it is allowed once"));
            }
        }
        Ok(Query(values))
    }
}

/// A query's parameters.
#[derive(Debug)]
pub(super) struct Query(BTreeMap<String, String>);

impl Query {
    pub(super) fn text(&self, name: &str) -> Option<&str> {
        self.0.get(name).map(String::as_str)
    }

    /// A number of the given range, if there is one.
    pub(super) fn number(&self, name: &str, least: i64, most: i64) -> Result<Option<i64>, Problem> {
        let Some(text) = self.0.get(name) else { return Ok(None) };
        match text.parse() {
            Ok(number) if (least..=most).contains(&number) => Ok(Some(number)),
            _ => Err(bad_query(name, format!("a number from {least} to {most} is expected"))),
        }
    }

    /// Ids, with commas between them (bare or as `%2C`), if there are any: as many as a page has entries.
    pub(super) fn ids<T: FromStr>(&self, name: &str) -> Result<Option<Vec<T>>, Problem>
    where
        T::Err: std::fmt::Display,
    {
        let Some(text) = self.0.get(name) else { return Ok(None) };
        let text = text.replace("%2C", ",");
        let ids = text.split(',').map(str::parse).collect::<Result<Vec<T>, _>>();
        let ids = ids.map_err(|error| bad_query(name, error.to_string()))?;
        if i64::try_from(ids.len()).is_ok_and(|count| count > LIMIT_MAX) {
            return Err(bad_query(name, format!("at most {LIMIT_MAX} are taken")));
        }
        Ok(Some(ids))
    }

    /// One id, if there is one.
    pub(super) fn id<T: FromStr>(&self, name: &str) -> Result<Option<T>, Problem>
    where
        T::Err: std::fmt::Display,
    {
        let id = self.0.get(name).map(|text| text.parse());
        id.transpose().map_err(|error: T::Err| bad_query(name, error.to_string()))
    }

    /// `true` or `false`; false where it is left out.
    pub(super) fn flag(&self, name: &str) -> Result<bool, Problem> {
        match self.0.get(name).map(String::as_str) {
            None | Some("false") => Ok(false),
            Some("true") => Ok(true),
            Some(_) => Err(bad_query(name, "true or false is expected")),
        }
    }

    pub(super) fn after(&self) -> Result<Option<i64>, Problem> {
        self.number("after", 0, i64::MAX)
    }

    pub(super) fn page(&self) -> Result<i64, Problem> {
        Ok(self.number("page", 1, PAGE_MAX)?.unwrap_or(1))
    }

    pub(super) fn limit(&self) -> Result<i64, Problem> {
        Ok(self.number("limit", 1, LIMIT_MAX)?.unwrap_or(LIMIT_DEFAULT))
    }
}

/// Reads a body whole, up to the limit.
pub(super) async fn read(body: Body) -> Result<Bytes, Problem> {
    match Limited::new(body, BODY_MAX_BYTES).collect().await {
        Ok(whole) => Ok(whole.to_bytes()),
        Err(error) if error.is::<LengthLimitError>() => Err(Problem::new(
            StatusCode::PAYLOAD_TOO_LARGE,
            "body-too-large",
            "The body is too long",
        )
        .detail(format!("at most {BODY_MAX_BYTES} bytes are read"))),
        Err(_) => Err(Problem::new(
            StatusCode::BAD_REQUEST,
            "body-incomplete",
            "The body ended before its end",
        )),
    }
}

fn no_fit(detail: &str) -> Problem {
    Problem::new(StatusCode::UNPROCESSABLE_ENTITY, "invalid-body", "The body does not fit")
        .detail(detail)
}

fn bad_query(name: &str, detail: impl Into<String>) -> Problem {
    Problem::new(StatusCode::BAD_REQUEST, "invalid-query", "A query parameter does not fit")
        .field(FieldProblem::new(format!("?{name}"), "invalid-query", detail))
}

/// The decoder's words without what was sent: it may be a password in the wrong place.
fn without_values(message: &str) -> String {
    match (message.find("string \""), message.rfind("\", expected")) {
        (Some(from), Some(to)) if from < to => {
            format!("{}a string{}", &message[..from], &message[to + 1..])
        }
        _ => message.to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use control_api::NewShard;

    use super::*;
    use crate::api::access::Role;

    fn request(query: &str, body: &str) -> Request {
        Request {
            caller: Caller { name: "t".to_owned(), role: Role::PlatformOps },
            peer: None,
            operation: Operation::ListInstitutions,
            id: String::new(),
            query: Some(query.to_owned()),
            body: Bytes::copy_from_slice(body.as_bytes()),
        }
    }

    #[test]
    fn an_unknown_member_is_refused_and_the_allowed_ones_are_named() {
        let body = r#"{"id": "shard-a", "wheight": 1, "postgres": {"primary": "x"}}"#;
        let problem = request("", body).json::<NewShard>().expect_err("an unknown member");
        let detail = problem.detail.expect("a detail");
        assert!(detail.contains("wheight") && detail.contains("weight"), "{detail}");
        assert_eq!(problem.status, 422);
    }

    #[test]
    fn a_secret_in_the_wrong_place_is_not_repeated() {
        let body = r#"{"id": "shard-a", "postgres": "postgres://u:se\"same@h/d"}"#;
        let problem = request("", body).json::<NewShard>().expect_err("a wrong type");
        let detail = problem.detail.expect("a detail");
        assert!(!detail.contains("same") && detail.contains("expected"), "{detail}");
    }

    #[test]
    fn an_array_is_no_object_and_a_body_that_nobody_reads_is_refused() {
        let problem = request("", " [1]").json::<NewShard>().expect_err("an array");
        assert_eq!((problem.status, &*problem.code), (422, "invalid-body"));
        for (body, fits) in [("", true), (" {} ", true), ("{\"junk\":1}", false), ("{", false)] {
            assert_eq!(request("", body).no_body().is_ok(), fits, "{body}");
        }
    }

    #[test]
    fn malformed_json_is_told_where() {
        let problem = request("", "{\n  nope").json::<NewShard>().expect_err("no json");
        assert_eq!((problem.status, &*problem.code), (400, "malformed-json"));
        assert!(problem.detail.expect("a detail").contains("line 2"));
    }

    #[test]
    fn a_query_parameter_that_does_not_fit_is_named() {
        let wrong = |query| request(query, "").query().map(|_| ());
        assert!(wrong("page=1&limit=2").is_ok());
        assert!(wrong("pgae=1").is_err());
        assert!(wrong("page=1&page=2").is_err());
        let limit = |query| request(query, "").query().and_then(|query| query.limit());
        assert_eq!(limit("").ok(), Some(50));
        assert_eq!(limit("limit=200").ok(), Some(200));
        for bad in ["limit=0", "limit=201", "limit=x", "limit="] {
            assert!(limit(bad).is_err(), "{bad}");
        }
    }
}
