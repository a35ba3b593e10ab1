//! What a service function gives, and what it becomes on the wire.

use axum::http::StatusCode;
use bytes::Bytes;
use serde::de::{DeserializeOwned, Deserializer};
use serde::ser::{Error as _, Serializer};
use serde::{Deserialize, Serialize};
use serde_json::Value;
use serde_json::value::RawValue;

use super::{Output, Session};
use crate::cache::Encoded;
use crate::error::Error;

/// A result with its status, place and version.
#[derive(Debug)]
pub struct Reply<T> {
    status: StatusCode,
    body: T,
    location: Option<String>,
    version: Option<i64>,
}

impl<T> Reply<T> {
    /// 200.
    pub fn ok(body: T) -> Self {
        Self { status: StatusCode::OK, body, location: None, version: None }
    }

    /// 201 with the place of what was made.
    pub fn created(body: T, location: String) -> Self {
        Self { status: StatusCode::CREATED, body, location: Some(location), version: None }
    }

    /// 202: taken, but not yet what was asked for.
    pub fn accepted(body: T, location: String) -> Self {
        Self { status: StatusCode::ACCEPTED, body, location: Some(location), version: None }
    }

    /// Adds the row version, for `ETag`.
    #[must_use]
    pub fn version(mut self, row_version: i64) -> Self {
        self.version = Some(row_version);
        self
    }
}

impl Reply<()> {
    /// 204.
    pub fn no_content() -> Self {
        Self { status: StatusCode::NO_CONTENT, body: (), location: None, version: None }
    }
}

/// JSON to be sent.
#[derive(Debug, Clone)]
pub enum Body {
    /// Made for this answer.
    Value(Value),
    /// As a cache holds it.
    Encoded(Bytes),
}

impl Body {
    /// The bytes of it.
    pub fn into_bytes(self) -> Bytes {
        match self {
            Self::Value(value) => value.to_string().into(),
            Self::Encoded(json) => json,
        }
    }
}

impl Serialize for Body {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        match self {
            Self::Value(value) => value.serialize(serializer),
            Self::Encoded(json) => serde_json::from_slice::<&RawValue>(json)
                .map_err(S::Error::custom)?
                .serialize(serializer),
        }
    }
}

impl<'de> Deserialize<'de> for Body {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        Value::deserialize(deserializer).map(Self::Value)
    }
}

/// An answer ready for the wire, and for the idempotency row that replays it.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct Answer {
    /// A 2xx.
    pub status: u16,
    /// The body; none for 204.
    pub body: Option<Body>,
    /// `Location`.
    pub location: Option<String>,
    /// The row version of `ETag`.
    pub version: Option<i64>,
    /// `Lxp-Session`: where the log was when it was made. A replay has its own.
    #[serde(skip)]
    pub session: Option<Session>,
}

impl Answer {
    /// Encodes a reply. Where it names no version, `rowVersion` of the body is it.
    pub fn encode<T: Output>(reply: Reply<T>) -> Result<Self, Error> {
        let body = serde_json::to_value(&reply.body)
            .map_err(|error| Error::Defect(format!("an answer does not encode: {error}")))?;
        let version = reply.version.or_else(|| body.get("rowVersion").and_then(Value::as_i64));
        Ok(Self {
            status: reply.status.as_u16(),
            body: (!body.is_null()).then_some(Body::Value(body)),
            location: reply.location,
            version,
            session: None,
        })
    }

    /// The same without some members of its body.
    pub(super) fn without(&self, members: &[&str]) -> Result<Self, Error> {
        let mut answer = self.clone();
        match &mut answer.body {
            Some(Body::Value(Value::Object(body))) => {
                body.retain(|name, _| !members.contains(&name.as_str()));
            }
            _ => return Err(Error::Defect("an answer with secrets is no object".to_owned())),
        }
        Ok(answer)
    }

    /// 200 with a body that is encoded already.
    pub fn encoded<T: Output + DeserializeOwned>(found: Encoded<T>) -> Self {
        let (json, version) = found.into_parts();
        let body = Some(Body::Encoded(json));
        Self { status: StatusCode::OK.as_u16(), body, location: None, version, session: None }
    }
}
