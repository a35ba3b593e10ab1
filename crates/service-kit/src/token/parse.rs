//! The compact form of a signed token, taken apart strictly.

use std::fmt;

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use serde::Deserialize;
use serde::de::{Deserializer, Error as _, MapAccess, Visitor};
use serde_json::{Map, Value};

use super::{MAX_TOKEN_BYTES, TokenError};

/// Header members that bring a key, say where to fetch one, or ask for what is not understood here.
const REFUSED_HEADERS: [&str; 5] = ["jku", "jwk", "x5u", "x5c", "crit"];

/// A token's parts; nothing of it is believed yet.
#[derive(Debug)]
pub(super) struct Compact<'t> {
    pub(super) algorithm: String,
    pub(super) key_id: Option<String>,
    /// What is signed.
    pub(super) message: &'t str,
    /// Base64url.
    pub(super) signature: &'t str,
    payload: &'t str,
}

/// Takes the token out of an `Authorization` header.
pub(super) fn bearer(authorization: Option<&[u8]>) -> Result<&str, TokenError> {
    let malformed = TokenError::Malformed("`Authorization: Bearer <token>` is expected");
    let header = authorization.ok_or(TokenError::Missing)?;
    let text = std::str::from_utf8(header).map_err(|_| malformed)?;
    let (scheme, token) = text.split_once(' ').ok_or(malformed)?;
    let token = token.trim_matches(' ');
    if !scheme.eq_ignore_ascii_case("bearer") || token.is_empty() {
        return Err(malformed);
    }
    if token.len() > MAX_TOKEN_BYTES {
        return Err(TokenError::Malformed("it is longer than 8 KiB"));
    }
    Ok(token)
}

impl<'t> Compact<'t> {
    pub(super) fn parse(token: &'t str) -> Result<Self, TokenError> {
        let (message, signature) = token.rsplit_once('.').ok_or(NOT_COMPACT)?;
        let (header, payload) = message.split_once('.').ok_or(NOT_COMPACT)?;
        if payload.contains('.') {
            return Err(NOT_COMPACT);
        }
        let header = object(header, TokenError::Malformed("its header is not a JSON object"))?;
        if REFUSED_HEADERS.iter().any(|name| header.contains_key(*name)) {
            return Err(TokenError::Malformed("jku, jwk, x5u, x5c and crit are not allowed"));
        }
        if header.get("typ").is_some_and(|typ| !is_token_type(typ)) {
            return Err(TokenError::Malformed("its `typ` is not JWT or at+jwt"));
        }
        let algorithm = header.get("alg").and_then(Value::as_str).ok_or(TokenError::Algorithm)?;
        let key_id = match header.get("kid") {
            None => None,
            Some(Value::String(id)) => Some(id.clone()),
            Some(_) => return Err(TokenError::Malformed("its `kid` is not a text")),
        };
        Ok(Self { algorithm: algorithm.to_owned(), key_id, message, signature, payload })
    }

    /// The claims. Call it when the signature holds.
    pub(super) fn payload(&self) -> Result<Map<String, Value>, TokenError> {
        object(self.payload, TokenError::Claims("not a JSON object in which each name stands once"))
    }
}

const NOT_COMPACT: TokenError = TokenError::Malformed("three parts with dots between are expected");

fn is_token_type(typ: &Value) -> bool {
    typ.as_str()
        .is_some_and(|typ| typ.eq_ignore_ascii_case("jwt") || typ.eq_ignore_ascii_case("at+jwt"))
}

fn object(part: &str, wrong: TokenError) -> Result<Map<String, Value>, TokenError> {
    let json = URL_SAFE_NO_PAD.decode(part).map_err(|_| wrong)?;
    let StrictObject(members) = serde_json::from_slice(&json).map_err(|_| wrong)?;
    Ok(members)
}

/// A JSON object in which no name stands twice: others would take the first or the last of them.
struct StrictObject(Map<String, Value>);

impl<'de> Deserialize<'de> for StrictObject {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Members;
        impl<'de> Visitor<'de> for Members {
            type Value = StrictObject;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("a JSON object")
            }

            fn visit_map<A: MapAccess<'de>>(self, mut access: A) -> Result<StrictObject, A::Error> {
                let mut members = Map::new();
                while let Some((name, value)) = access.next_entry::<String, Value>()? {
                    if members.insert(name, value).is_some() {
                        return Err(A::Error::custom("a name stands twice"));
                    }
                }
                Ok(StrictObject(members))
            }
        }
        deserializer.deserialize_map(Members)
    }
}

/// Header and claims of a token, unverified: for people to look at, never to act on.
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Inspected {
    /// The `alg` of its header.
    pub algorithm: String,
    /// The `kid` of its header.
    pub key_id: Option<String>,
    /// Its claims as they stand.
    pub claims: Map<String, Value>,
}

/// Takes a token apart without verifying it.
pub fn inspect(token: &str) -> Result<Inspected, TokenError> {
    let compact = Compact::parse(token.trim())?;
    let claims = compact.payload()?;
    Ok(Inspected { algorithm: compact.algorithm, key_id: compact.key_id, claims })
}
