//! Bearer tokens: verified by the same code in router and node, minted for the local platform and for tests.
//!
//! What must stay true:
//! - Only `EdDSA`, RS256 and ES256, and a key is used with its own algorithm alone: the token's `alg` never
//!   chooses how a key is read.
//! - A header that brings a key or the address of one (`jwk`, `jku`, `x5c`, `x5u`) or asks for what is not
//!   understood (`crit`) is refused; so is a name that stands twice in header or claims.
//! - Nothing that a token says is believed before its signature holds, and no token makes this code panic.
//! - A key that a node signs with makes tokens of api clients and of nobody else: who has it is no admin anywhere.
//!
//! Left alone on purpose: revocation (tokens are short-lived; a node asks for its own api clients), and what roles allow
//! (the node's rows decide; roles are a ceiling).

mod claims;
mod error;
mod keys;
mod mint;
mod parse;
mod source;
mod verify;

#[cfg(test)]
mod bad_tokens;

pub use claims::{Claims, Role, Roles, UnknownRole};
pub use error::{TokenError, TokenSetupError};
pub use keys::KeySet;
pub use mint::{Mint, MintError, SigningKey, subject_for};
pub use parse::{Inspected, inspect};
pub use source::TokenSettings;
pub use verify::TokenVerifier;

/// Longest token that is looked at, in bytes.
pub const MAX_TOKEN_BYTES: usize = 8 * 1024;

/// How far an issuer's clock may run ahead of ours, in seconds. Expiry gets no leeway.
pub const LEEWAY_S: i64 = 30;
