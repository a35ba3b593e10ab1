//! Why a token is refused, and why verifying could not be set up.

use http::StatusCode;

use crate::Problem;

/// Why a token is refused. Every one of these is a 401.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum TokenError {
    /// No `Authorization` header.
    #[error("this needs `Authorization: Bearer <token>`")]
    Missing,
    /// Not a signed JWT in compact form, or one with a header that is not allowed.
    #[error("the bearer token is not well-formed: {0}")]
    Malformed(&'static str),
    /// `exp` has passed.
    #[error("the token has expired; get a new one")]
    Expired,
    /// `nbf` or `iat` lies in the future.
    #[error("the token is not valid yet")]
    NotYetValid,
    /// The signature is not the key's.
    #[error("the token's signature does not hold")]
    Signature,
    /// No key of that `kid`.
    #[error("the token's `kid` names no key of the issuer")]
    KeyUnknown,
    /// Another algorithm than the key's.
    #[error(
        "the token's `alg` is not allowed: EdDSA, RS256 or ES256, whichever the key is made for"
    )]
    Algorithm,
    /// Another issuer.
    #[error("the token's `iss` is not the issuer that is trusted here")]
    Issuer,
    /// Not meant for us.
    #[error("the token's `aud` does not name this service")]
    Audience,
    /// A claim is missing, repeated or of another form.
    #[error("the token's claims are not usable: {0}")]
    Claims(&'static str),
}

impl TokenError {
    /// The stable word of the wire.
    pub const fn code(self) -> &'static str {
        match self {
            Self::Missing => "token-missing",
            Self::Malformed(_) => "token-malformed",
            Self::Expired => "token-expired",
            Self::NotYetValid => "token-not-yet-valid",
            Self::Signature => "token-signature",
            Self::KeyUnknown => "token-key-unknown",
            Self::Algorithm => "token-algorithm",
            Self::Issuer => "token-issuer",
            Self::Audience => "token-audience",
            Self::Claims(_) => "token-claims",
        }
    }
}

impl From<TokenError> for Problem {
    fn from(error: TokenError) -> Self {
        Self::new(StatusCode::UNAUTHORIZED, error.code(), "A valid bearer token is needed")
            .detail(error.to_string())
    }
}

/// Why verifying could not be set up; each says what to change.
#[derive(Debug, thiserror::Error)]
pub enum TokenSetupError {
    /// Neither or both sources of keys.
    #[error("[tokens] needs exactly one of keys_file and jwks_url")]
    Source,
    /// A URL that may not be used.
    #[error("tokens.jwks_url `{0}`: an https URL is expected (http only on a loopback address)")]
    Url(String),
    /// The file cannot be read.
    #[error("tokens.keys_file {file}: {source}")]
    File {
        /// The file that was named.
        file: String,
        /// Why it cannot be read.
        source: std::io::Error,
    },
    /// The keys cannot be fetched.
    #[error("tokens.jwks_url {url}: {reason}")]
    Fetch {
        /// The URL that was asked.
        url: String,
        /// What went wrong.
        reason: String,
    },
    /// The document is no JWKS.
    #[error("{0} is no JWKS: a JSON object with `keys` is expected: {1}")]
    Format(String, serde_json::Error),
    /// No key of the document can be used.
    #[error(
        "{0} has no usable key: Ed25519, P-256 or RSA (2048 to 4096 bits) with a `kid` is expected"
    )]
    NoKey(String),
}
