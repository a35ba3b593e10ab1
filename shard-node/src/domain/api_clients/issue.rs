//! The tokens of api clients: signed by a key of nodes, short-lived.

use std::path::{Path, PathBuf};
use std::time::Duration;

use chrono::{DateTime, TimeDelta, Utc};
use moka::sync::Cache as Moka;
use schemars::JsonSchema;
use serde::Deserialize;
use service_kit::token::{
    Mint, MintError, Role, Roles, SigningKey, TokenError, TokenSettings, TokenVerifier,
};
use sha2::{Digest as _, Sha256};
use uuid::Uuid;

use super::ClientId;

/// For how long it is remembered that a secret was right; longer than a token lives, so that who renews is known.
const GIVEN_TTL: Duration = Duration::from_hours(2);
/// Secrets that are remembered at most.
const GIVEN_MAX: u64 = 10_000;

/// `[api_clients]`.
#[derive(Debug, Clone, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct ApiClientSettings {
    /// An Ed25519 private key (PKCS #8, PEM) that signs tokens of api clients; its public key stands in
    /// `tokens.client_keys_file` of every router and node. Without it `/oauth/token` gives none.
    pub signing_key_file: Option<PathBuf>,
    /// How long such a token lives, 60 to 3600.
    #[schemars(extend("x-unit" = "s"))]
    pub token_ttl_s: u32,
}

impl Default for ApiClientSettings {
    fn default() -> Self {
        Self { signing_key_file: None, token_ttl_s: 600 }
    }
}

/// Why tokens cannot be signed; each says what to change.
#[derive(Debug, thiserror::Error)]
pub enum IssueError {
    /// The key's file cannot be read.
    #[error("api_clients.signing_key_file {file}: {source}")]
    File {
        /// The file that was named.
        file: String,
        /// Why it cannot be read.
        source: std::io::Error,
    },
    /// It holds no key.
    #[error("api_clients.signing_key_file {file}: {source}")]
    Key {
        /// The file that was named.
        file: String,
        /// Why it is none.
        source: MintError,
    },
    /// Too short, or too long for what cannot be called back.
    #[error("api_clients.token_ttl_s is {0}: 60 to 3600 is expected")]
    Ttl(u32),
    /// Nobody would believe its tokens.
    #[error(
        "the public key of api_clients.signing_key_file is not in tokens.client_keys_file: {0}"
    )]
    NotBelieved(TokenError),
    /// Its tokens would be believed for everybody.
    #[error(
        "the public key of api_clients.signing_key_file is the issuer's own: it belongs in tokens.client_keys_file, so that it signs for api clients alone"
    )]
    Unconfined,
}

/// Signs tokens of api clients.
#[derive(Debug)]
pub struct TokenIssuer {
    key: SigningKey,
    issuer: String,
    audience: String,
    ttl: TimeDelta,
    /// Client and secret, hashed together, that got a token here lately.
    given: Moka<[u8; 32], ()>,
}

impl TokenIssuer {
    /// One by settings; none where they name no key. Its tokens are those that this node believes, of api clients alone.
    ///
    /// # Errors
    /// When the key is none, or is not believed as it must be.
    pub fn of(
        settings: &ApiClientSettings,
        tokens: &TokenSettings,
        verifier: &TokenVerifier,
        now: DateTime<Utc>,
    ) -> Result<Option<Self>, IssueError> {
        let Some(file) = &settings.signing_key_file else { return Ok(None) };
        let key = read_key(file)?;
        if !(60..=3_600).contains(&settings.token_ttl_s) {
            return Err(IssueError::Ttl(settings.token_ttl_s));
        }
        let ttl = TimeDelta::seconds(i64::from(settings.token_ttl_s));
        let issuer = Self::new(key, &tokens.issuer, &tokens.audience, ttl);
        issuer.expect_confined(verifier, now)?;
        Ok(Some(issuer))
    }

    /// One with a key.
    pub fn new(key: SigningKey, issuer: &str, audience: &str, ttl: TimeDelta) -> Self {
        let given = Moka::builder().max_capacity(GIVEN_MAX).time_to_live(GIVEN_TTL).build();
        Self { key, issuer: issuer.to_owned(), audience: audience.to_owned(), ttl, given }
    }

    /// Whether a client got a token here by this secret lately. It may have been revoked since.
    pub(crate) fn knows(&self, of: ClientId, secret: &str) -> bool {
        self.given.contains_key(&together(of, secret))
    }

    /// Remembers that a secret was right, or forgets it.
    pub(crate) fn learn(&self, of: ClientId, secret: &str, is_right: bool) {
        let pair = together(of, secret);
        if is_right {
            self.given.insert(pair, ());
        } else {
            self.given.invalidate(&pair);
        }
    }

    /// A token of a client, which ends before the client does; and its seconds.
    pub(crate) fn issue(
        &self,
        of: ClientId,
        ends_in_s: Option<i64>,
        now: DateTime<Utc>,
    ) -> (String, i64) {
        let ttl = self.ttl.min(ends_in_s.map_or(self.ttl, TimeDelta::seconds));
        let token = self.key.mint(&Mint {
            issuer: &self.issuer,
            audience: &self.audience,
            subject: of.client,
            institution: of.institution,
            roles: Roles::from(Role::ApiClient),
            issued_at: now,
            ttl,
            token_id: Uuid::now_v7(),
        });
        (token, ttl.num_seconds())
    }

    fn expect_confined(
        &self,
        verifier: &TokenVerifier,
        now: DateTime<Utc>,
    ) -> Result<(), IssueError> {
        let nobody = ClientId {
            institution: shard_map::InstitutionId::new(Uuid::nil()),
            client: Uuid::nil(),
        };
        let bearer = format!("Bearer {}", self.issue(nobody, None, now).0);
        match verifier.verify(Some(bearer.as_bytes()), now) {
            Ok(claims) if claims.is_of_client => Ok(()),
            Ok(_) => Err(IssueError::Unconfined),
            Err(error) => Err(IssueError::NotBelieved(error)),
        }
    }
}

fn together(of: ClientId, secret: &str) -> [u8; 32] {
    let hash = Sha256::new().chain_update(of.client).chain_update(secret);
    hash.finalize().into()
}

fn read_key(file: &Path) -> Result<SigningKey, IssueError> {
    let name = || file.display().to_string();
    let pem = std::fs::read_to_string(file)
        .map_err(|source| IssueError::File { file: name(), source })?;
    SigningKey::from_pem(&pem).map_err(|source| IssueError::Key { file: name(), source })
}

#[cfg(test)]
mod tests {
    use service_kit::clock;
    use service_kit::token::KeySet;

    use super::*;

    fn keys(key: &SigningKey) -> KeySet {
        KeySet::from_jwks(key.jwks().as_bytes(), "test").expect("keys")
    }

    fn issuer(
        key: &SigningKey,
        keys: KeySet,
        ttl_s: u32,
    ) -> Result<Option<TokenIssuer>, IssueError> {
        let directory = tempfile::tempdir().expect("a directory");
        let file = directory.path().join("clients.pem");
        std::fs::write(&file, key.to_pem().expect("a pem")).expect("a file");
        let settings = ApiClientSettings { signing_key_file: Some(file), token_ttl_s: ttl_s };
        let tokens = TokenSettings {
            issuer: "i".to_owned(),
            audience: "a".to_owned(),
            keys_file: None,
            jwks_url: None,
            client_keys_file: None,
        };
        let verifier = TokenVerifier::with_keys("i", "a", keys);
        TokenIssuer::of(&settings, &tokens, &verifier, clock::now())
    }

    #[test]
    fn only_a_key_that_signs_for_clients_alone_is_taken() {
        let [platform, node] = [(); 2].map(|()| SigningKey::generate().expect("a key"));
        let both = || {
            let jwks = node.jwks();
            keys(&platform).with_client_keys(jwks.as_bytes(), "test").expect("keys")
        };
        assert!(issuer(&node, both(), 600).expect("an issuer").is_some());
        let refused = issuer(&platform, both(), 600).expect_err("the platform's own");
        assert!(matches!(refused, IssueError::Unconfined), "{refused}");
        let refused = issuer(&node, keys(&platform), 600).expect_err("not believed");
        assert!(matches!(refused, IssueError::NotBelieved(_)), "{refused}");
        for ttl_s in [0, 59, 3_601] {
            let refused = issuer(&node, both(), ttl_s).expect_err("a wrong life");
            assert!(matches!(refused, IssueError::Ttl(_)), "{refused}");
        }
    }
}
