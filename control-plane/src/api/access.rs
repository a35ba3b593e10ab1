//! Bearer tokens by role. Every request needs one, on loopback too.
//!
//! What must stay true: only digests of tokens are held, and looking one up tells nothing about another: the
//! digest is the key.

use std::collections::HashMap;
use std::fmt::Write as _;
use std::sync::Arc;

use axum::http::{HeaderMap, StatusCode, header};
use serde::Deserialize;
use service_kit::Problem;
use sha2::{Digest, Sha256};

use crate::store::journal::Actor;

const TOKEN_MAX_BYTES: usize = 4_096;

/// What a token's holder is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Role {
    /// A person who runs the platform, or a script of theirs.
    PlatformOps,
    /// A health checker.
    HealthChecker,
    /// A router.
    Router,
    /// A shard node.
    Node,
}

impl Role {
    /// All roles.
    pub const ALL: [Self; 4] = [Self::PlatformOps, Self::HealthChecker, Self::Router, Self::Node];

    /// The word in the access file.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::PlatformOps => "platform-ops",
            Self::HealthChecker => "health-checker",
            Self::Router => "router",
            Self::Node => "node",
        }
    }
}

/// One token in the access file.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct TokenEntry {
    /// SHA-256 of the token, 64 hex digits.
    pub sha256: String,
    /// What its holder is.
    pub role: Role,
    /// Its name in the audit.
    pub name: String,
}

/// Who asks.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Caller {
    /// The token's name.
    pub name: String,
    /// The token's role.
    pub role: Role,
}

impl Caller {
    /// As the audit names them.
    pub fn actor(&self) -> Actor {
        Actor { name: self.name.clone(), role: self.role.as_str() }
    }
}

/// All tokens.
#[derive(Debug, Clone)]
pub struct Access(Arc<HashMap<String, Caller>>);

/// Why a list of tokens is not taken.
#[derive(Debug, PartialEq, Eq, thiserror::Error)]
pub enum AccessError {
    /// It is empty: nobody could ask anything.
    #[error("it names no token")]
    Empty,
    /// Not a digest.
    #[error("the sha256 of `{0}` is not 64 hex digits")]
    Digest(String),
    /// One token, two entries.
    #[error("`{0}` has the token of another entry")]
    Twice(String),
}

impl Access {
    /// Takes a list of tokens.
    pub fn new(entries: Vec<TokenEntry>) -> Result<Self, AccessError> {
        if entries.is_empty() {
            return Err(AccessError::Empty);
        }
        let mut tokens = HashMap::new();
        for TokenEntry { sha256, role, name } in entries {
            let digest = sha256.to_ascii_lowercase();
            if digest.len() != 64 || !digest.bytes().all(|b| b.is_ascii_hexdigit()) {
                return Err(AccessError::Digest(name));
            }
            let caller = Caller { name: name.clone(), role };
            if tokens.insert(digest, caller).is_some() {
                return Err(AccessError::Twice(name));
            }
        }
        Ok(Self(Arc::new(tokens)))
    }

    /// Who sent this request.
    pub fn caller(&self, headers: &HeaderMap) -> Result<Caller, Problem> {
        let mut values = headers.get_all(header::AUTHORIZATION).iter();
        let (Some(value), None) = (values.next(), values.next()) else {
            return Err(unauthorized("token-missing", "one `Authorization: Bearer ...` is needed"));
        };
        let token = value
            .to_str()
            .ok()
            .and_then(|value| value.split_once(' '))
            .filter(|(scheme, _)| scheme.eq_ignore_ascii_case("bearer"))
            .map(|(_, token)| token.trim())
            .filter(|token| !token.is_empty() && token.len() <= TOKEN_MAX_BYTES)
            .ok_or_else(|| {
                unauthorized("token-malformed", "`Authorization: Bearer <token>` is needed")
            })?;
        self.holder(token)
            .ok_or_else(|| unauthorized("token-unknown", "this token is not in the access file"))
    }

    /// Who holds a token.
    pub fn holder(&self, token: &str) -> Option<Caller> {
        self.0.get(&digest(token)).cloned()
    }
}

/// SHA-256 of a token, as the access file has it.
pub fn digest(token: &str) -> String {
    Sha256::digest(token.as_bytes()).iter().fold(String::with_capacity(64), |mut text, byte| {
        // Writing to a String cannot fail.
        let _ = write!(text, "{byte:02x}");
        text
    })
}

fn unauthorized(code: &'static str, detail: &'static str) -> Problem {
    Problem::new(StatusCode::UNAUTHORIZED, code, "A valid bearer token is needed").detail(detail)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn entry(name: &str, token: &str) -> TokenEntry {
        TokenEntry { sha256: digest(token), role: Role::Router, name: name.to_owned() }
    }

    #[test]
    fn a_known_token_is_its_caller_and_nothing_else_is() {
        let access = Access::new(vec![entry("r", "sesame")]).expect("access");
        let ask = |values: &[&str]| {
            let mut headers = HeaderMap::new();
            for value in values {
                headers.append(header::AUTHORIZATION, value.parse().expect("a header"));
            }
            access.caller(&headers).map(|caller| caller.name).map_err(|problem| problem.code)
        };
        assert_eq!(ask(&["Bearer sesame"]), Ok("r".to_owned()));
        assert_eq!(ask(&["bearer sesame"]), Ok("r".to_owned()));
        assert_eq!(ask(&[]), Err("token-missing".into()));
        assert_eq!(ask(&["Bearer sesame", "Bearer sesame"]), Err("token-missing".into()));
        assert_eq!(ask(&["Basic sesame"]), Err("token-malformed".into()));
        assert_eq!(ask(&["Bearer "]), Err("token-malformed".into()));
        assert_eq!(ask(&["Bearer Sesame"]), Err("token-unknown".into()));
    }

    #[test]
    fn a_list_that_is_not_sound_is_refused() {
        assert_eq!(Access::new(vec![]).err(), Some(AccessError::Empty));
        let twice = vec![entry("a", "x"), entry("b", "x")];
        assert_eq!(Access::new(twice).err(), Some(AccessError::Twice("b".to_owned())));
    }

    #[test]
    fn the_digest_is_sha_256() {
        let abc = "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad";
        assert_eq!(digest("abc"), abc);
    }
}
