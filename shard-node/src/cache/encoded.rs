//! Values as caches hold them: JSON, as answers are. One that is asked for whole is never decoded.

use std::marker::PhantomData;

use bytes::Bytes;
use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};

use crate::error::Error;

/// What `None` is in JSON.
const NONE: &[u8] = b"null";

/// A value in JSON, with what an answer says of it beside its body.
#[derive(Debug, Clone)]
pub struct Encoded<T> {
    json: Bytes,
    version: Option<i64>,
    of: PhantomData<fn() -> T>,
}

impl<T: Serialize + DeserializeOwned> Encoded<T> {
    /// Encodes a value.
    pub fn encode(value: &T) -> Result<Self, Error> {
        let json: Bytes = encode(value)?.into();
        Ok(Self { version: version(&json), json, of: PhantomData })
    }

    /// The value.
    pub fn decode(&self) -> Result<T, Error> {
        serde_json::from_slice(&self.json)
            .map_err(|error| Error::Defect(format!("a cached value does not decode: {error}")))
    }

    /// Its JSON, and its `rowVersion` where it has one.
    pub fn into_parts(self) -> (Bytes, Option<i64>) {
        (self.json, self.version)
    }
}

/// What the process holds under a key.
#[derive(Debug, Clone)]
pub(super) struct Held {
    json: Bytes,
    version: Option<i64>,
}

impl Held {
    /// The JSON of an `Option`.
    pub(super) fn of(json: Vec<u8>) -> Self {
        let json: Bytes = json.into();
        Self { version: version(&json), json }
    }

    pub(super) fn encoded<T>(self) -> Option<Encoded<T>> {
        let Self { json, version } = self;
        (json != NONE).then_some(Encoded { json, version, of: PhantomData })
    }
}

pub(super) fn encode<T: Serialize>(value: &T) -> Result<Vec<u8>, Error> {
    serde_json::to_vec(value)
        .map_err(|error| Error::Defect(format!("a value does not encode: {error}")))
}

/// The `rowVersion` of an object; none where there is none.
fn version(json: &[u8]) -> Option<i64> {
    #[derive(Deserialize)]
    #[serde(rename_all = "camelCase")]
    struct Versioned {
        row_version: Option<i64>,
    }
    serde_json::from_slice::<Versioned>(json).ok()?.row_version
}

#[cfg(test)]
mod tests {
    use super::*;

    #[derive(Debug, PartialEq, Serialize, Deserialize)]
    #[serde(rename_all = "camelCase")]
    struct Thing {
        name: String,
        row_version: i64,
    }

    #[test]
    fn what_is_kept_is_what_an_answer_says() {
        let thing = Thing { name: "a\"b".to_owned(), row_version: 7 };
        let held = Held::of(encode(&Some(&thing)).expect("json"));
        let kept = held.encoded::<Thing>().expect("a thing");
        assert_eq!(kept.decode().expect("a thing"), thing);
        let made = Encoded::encode(&thing).expect("json").into_parts();
        assert_eq!(kept.into_parts(), made);
        assert_eq!(made.1, Some(7));
    }

    #[test]
    fn nothing_is_a_value_and_versions_may_be_missing() {
        let nothing = Held::of(encode(&None::<Thing>).expect("json"));
        assert!(nothing.encoded::<Thing>().is_none());
        for json in ["{}", "7", "[]", r#"{"rowVersion":null}"#, r#"{"rowVersion":"7"}"#] {
            assert_eq!(version(json.as_bytes()), None, "{json}");
        }
    }
}
