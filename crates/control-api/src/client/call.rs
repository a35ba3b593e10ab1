//! A call of the control plane and its answer, as they cross the wire.

use std::fmt;
use std::time::Duration;

use reqwest::{Method, StatusCode};
use serde::Serialize;
use serde::de::DeserializeOwned;

use super::CALL_DEADLINE;
use crate::{ClientError, Refusal};

/// A call before it is made.
pub(super) struct Call {
    pub(super) method: Method,
    pub(super) path: String,
    pub(super) query: Vec<(&'static str, String)>,
    pub(super) body: Option<Vec<u8>>,
    pub(super) deadline: Duration,
}

impl Call {
    pub(super) fn new(method: Method, path: &str) -> Self {
        let path = path.to_owned();
        Self { method, path, query: Vec::new(), body: None, deadline: CALL_DEADLINE }
    }

    pub(super) fn deadline(mut self, deadline: Duration) -> Self {
        self.deadline = deadline;
        self
    }

    pub(super) fn query(mut self, name: &'static str, value: Option<impl fmt::Display>) -> Self {
        self.query.extend(value.map(|value| (name, value.to_string())));
        self
    }

    pub(super) fn body(mut self, body: &impl Serialize) -> Result<Self, ClientError> {
        let body = serde_json::to_vec(body);
        self.body = Some(body.map_err(|error| unencodable(&self.path, &error.to_string()))?);
        Ok(self)
    }
}

pub(super) fn unencodable(url: &str, reason: &str) -> ClientError {
    ClientError::Setup { url: url.to_owned(), reason: reason.to_owned() }
}

/// An answer, read whole.
pub(super) struct Answer {
    pub(super) method: Method,
    pub(super) url: String,
    pub(super) status: StatusCode,
    pub(super) body: Vec<u8>,
}

impl Answer {
    pub(super) fn json<T: DeserializeOwned>(self) -> Result<T, ClientError> {
        serde_json::from_slice(&self.body).map_err(|error| self.garbled(error.to_string()))
    }

    pub(super) fn refused(self) -> ClientError {
        match serde_json::from_slice::<Refusal>(&self.body) {
            Ok(refusal) => {
                ClientError::Refused { method: self.method.to_string(), url: self.url, refusal }
            }
            Err(_) => self.garbled("it is no problem+json; is this the control plane?".to_owned()),
        }
    }

    pub(super) fn garbled(self, reason: String) -> ClientError {
        ClientError::Garbled {
            method: self.method.to_string(),
            url: self.url,
            status: self.status.as_u16(),
            reason,
        }
    }
}

/// The innermost cause: "Connection refused" rather than "error sending request".
pub(super) fn reason_of(error: &dyn std::error::Error) -> String {
    let mut cause = error;
    while let Some(inner) = cause.source() {
        cause = inner;
    }
    cause.to_string()
}
