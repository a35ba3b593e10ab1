//! The verifier that router and node share: keys behind a swap, verified tokens in a bounded cache.

use std::sync::Arc;
use std::time::Duration;

use arc_swap::ArcSwap;
use chrono::{DateTime, Utc};
use moka::sync::Cache;
use sha2::{Digest as _, Sha256};
use tokio::sync::Notify;
use tokio_util::sync::CancellationToken;

use super::claims::Expected;
use super::parse::{Compact, bearer};
use super::source::KeySource;
use super::{Claims, KeySet, TokenError, TokenSettings, TokenSetupError};

/// How often the keys are read again.
#[derive(Debug, Clone, Copy)]
struct Pace {
    /// Never sooner than this after the last time, whatever `kid` is asked for.
    at_most_every: Duration,
    /// This much later even if no unknown `kid` was asked for.
    then_after: Duration,
}

/// Every 5 minutes; an unknown `kid` makes it sooner, at most every 10 s.
const PACE: Pace =
    Pace { at_most_every: Duration::from_secs(10), then_after: Duration::from_secs(290) };

/// Verified tokens that are remembered; about 300 bytes each.
const CACHED_TOKENS: u64 = 50_000;

/// The longest that a verified token is remembered; its own expiry is asked each time.
const CACHED_FOR: Duration = Duration::from_hours(1);

/// Verifies tokens. A clone shares keys and cache.
#[derive(Debug, Clone)]
pub struct TokenVerifier(Arc<Shared>);

#[derive(Debug)]
struct Shared {
    expected: Expected,
    keys: ArcSwap<KeySet>,
    /// Claims of tokens that were verified, by SHA-256 of the token: a guess at a token finds nothing.
    verified: Cache<[u8; 32], Arc<Claims>>,
    unknown_key: Notify,
}

impl TokenVerifier {
    /// Reads the keys, then keeps them fresh until `stop` is cancelled. The last good set stays in use when a
    /// later read fails.
    pub async fn start(
        settings: &TokenSettings,
        stop: CancellationToken,
    ) -> Result<Self, TokenSetupError> {
        Self::start_at_pace(settings, PACE, stop).await
    }

    async fn start_at_pace(
        settings: &TokenSettings,
        pace: Pace,
        stop: CancellationToken,
    ) -> Result<Self, TokenSetupError> {
        let source = KeySource::of(settings)?;
        let verifier = Self::with_keys(&settings.issuer, &settings.audience, source.read().await?);
        tokio::spawn(refresh(verifier.clone(), source, pace, stop));
        Ok(verifier)
    }

    /// A verifier with keys that never change.
    pub fn with_keys(issuer: &str, audience: &str, keys: KeySet) -> Self {
        let verified =
            Cache::builder().max_capacity(CACHED_TOKENS).time_to_live(CACHED_FOR).build();
        Self(Arc::new(Shared {
            expected: Expected { issuer: issuer.to_owned(), audience: audience.to_owned() },
            keys: ArcSwap::from_pointee(keys),
            verified,
            unknown_key: Notify::new(),
        }))
    }

    /// Judges an `Authorization` header.
    pub fn verify(
        &self,
        authorization: Option<&[u8]>,
        now: DateTime<Utc>,
    ) -> Result<Arc<Claims>, TokenError> {
        let token = bearer(authorization)?;
        let digest: [u8; 32] = Sha256::digest(token.as_bytes()).into();
        if let Some(claims) = self.0.verified.get(&digest) {
            return if claims.expires_at > now { Ok(claims) } else { Err(TokenError::Expired) };
        }
        let keys = self.0.keys.load();
        let claims = Arc::new(self.judge(token, &keys, now)?);
        self.0.verified.insert(digest, Arc::clone(&claims));
        if !Arc::ptr_eq(&keys, &self.0.keys.load()) {
            // The keys changed meanwhile: this verdict may not outlive the clearing of the cache.
            self.0.verified.invalidate(&digest);
        }
        Ok(claims)
    }

    fn judge(&self, token: &str, keys: &KeySet, now: DateTime<Utc>) -> Result<Claims, TokenError> {
        let compact = Compact::parse(token)?;
        if !matches!(compact.algorithm.as_str(), "EdDSA" | "ES256" | "RS256") {
            return Err(TokenError::Algorithm);
        }
        let Some(key) = compact.key_id.as_deref().and_then(|id| keys.get(id)) else {
            self.0.unknown_key.notify_one();
            return Err(TokenError::KeyUnknown);
        };
        if !key.is_for(&compact.algorithm) {
            return Err(TokenError::Algorithm);
        }
        if !key.verifies(compact.message, compact.signature) {
            return Err(TokenError::Signature);
        }
        Claims::judge(&compact.payload()?, &self.0.expected, key.signs(), now)
    }

    fn replace_keys(&self, keys: KeySet) {
        if self.0.keys.load().same_as(&keys) {
            return;
        }
        tracing::info!(keys.count = keys.len(), "The issuer's keys have changed");
        self.0.keys.store(Arc::new(keys));
        // A key may have been withdrawn: what it signed must be judged anew.
        self.0.verified.invalidate_all();
    }
}

async fn refresh(verifier: TokenVerifier, source: KeySource, pace: Pace, stop: CancellationToken) {
    let again = async {
        loop {
            tokio::time::sleep(pace.at_most_every).await;
            let asked = verifier.0.unknown_key.notified();
            // Running out of time is the ordinary case: nobody asked.
            let _ = tokio::time::timeout(pace.then_after, asked).await;
            match source.read().await {
                Ok(keys) => verifier.replace_keys(keys),
                Err(error) => {
                    tracing::warn!(error = %error, "The issuer's keys cannot be read; the last ones stay in use");
                }
            }
        }
    };
    // Whichever ends first: only `stop` can.
    let () = stop.run_until_cancelled(again).await.unwrap_or_default();
}

#[cfg(test)]
mod tests {
    use std::path::PathBuf;

    use axum::Router;
    use axum::routing::get;
    use chrono::TimeDelta;
    use shard_map::InstitutionId;
    use uuid::Uuid;

    use super::*;
    use crate::token::{Mint, Role, SigningKey};

    const QUICK: Pace =
        Pace { at_most_every: Duration::from_millis(10), then_after: Duration::from_hours(1) };

    fn settings(keys_file: Option<PathBuf>, jwks_url: Option<String>) -> TokenSettings {
        let (issuer, audience) = ("i".to_owned(), "a".to_owned());
        TokenSettings { issuer, audience, keys_file, jwks_url, client_keys_file: None }
    }

    fn token(key: &SigningKey) -> String {
        token_of(key, &[Role::Staff])
    }

    fn token_of(key: &SigningKey, roles: &[Role]) -> String {
        let token = key.mint(&Mint {
            issuer: "i",
            audience: "a",
            subject: Uuid::from_u128(1),
            institution: InstitutionId::new(Uuid::from_u128(2)),
            roles: roles.iter().copied().collect(),
            issued_at: crate::clock::now(),
            ttl: TimeDelta::hours(1),
            token_id: Uuid::from_u128(3),
        });
        format!("Bearer {token}")
    }

    fn verify(verifier: &TokenVerifier, token: &str) -> Result<Arc<Claims>, TokenError> {
        verifier.verify(Some(token.as_bytes()), crate::clock::now())
    }

    async fn until_known(verifier: &TokenVerifier, token: &str) {
        let waited = tokio::time::timeout(Duration::from_secs(20), async {
            while verify(verifier, token).is_err() {
                tokio::time::sleep(Duration::from_millis(5)).await;
            }
        });
        waited.await.expect("the key becomes known");
    }

    #[tokio::test]
    async fn an_unknown_kid_has_the_keys_read_again_and_withdrawn_ones_are_forgotten() {
        let directory = tempfile::tempdir().expect("a directory");
        let file = directory.path().join("jwks.json");
        let [old, new] = [(); 2].map(|()| SigningKey::generate().expect("a key"));
        std::fs::write(&file, old.jwks()).expect("a file");
        let stop = CancellationToken::new();
        let settings = settings(Some(file.clone()), None);
        let verifier = TokenVerifier::start_at_pace(&settings, QUICK, stop.clone());
        let verifier = verifier.await.expect("a verifier");
        let (old, new, new_jwks) = (token(&old), token(&new), new.jwks());
        assert!(verify(&verifier, &old).is_ok());

        // A file that is no JWKS changes nothing.
        std::fs::write(&file, "{").expect("a file");
        assert_eq!(verify(&verifier, &new), Err(TokenError::KeyUnknown));
        assert!(verify(&verifier, &old).is_ok());

        std::fs::write(&file, new_jwks).expect("a file");
        until_known(&verifier, &new).await;
        assert_eq!(verify(&verifier, &old), Err(TokenError::KeyUnknown), "it was cached");
        stop.cancel();
    }

    #[tokio::test]
    async fn a_key_of_nodes_is_believed_for_api_clients_alone() {
        let directory = tempfile::tempdir().expect("a directory");
        let [issuer, node] = [(); 2].map(|()| SigningKey::generate().expect("a key"));
        let file = |name: &str, key: &SigningKey| {
            let file = directory.path().join(name);
            std::fs::write(&file, key.jwks()).expect("a file");
            file
        };
        let mut settings = settings(Some(file("jwks.json", &issuer)), None);
        settings.client_keys_file = Some(file("clients.json", &node));
        let verifier = TokenVerifier::start(&settings, CancellationToken::new());
        let verifier = verifier.await.expect("a verifier");
        let client = verify(&verifier, &token_of(&node, &[Role::ApiClient])).expect("a client");
        assert!(client.is_of_client);
        let others: [&[Role]; 5] =
            [&[], &[Role::Admin], &[Role::Student], &[Role::ApiClient, Role::Admin], &Role::ALL];
        for roles in others {
            let refused = verify(&verifier, &token_of(&node, roles)).expect_err("no client's");
            assert_eq!(refused.code(), "token-claims", "{roles:?}");
        }
        let by_issuer = verify(&verifier, &token_of(&issuer, &[Role::ApiClient]));
        assert!(!by_issuer.expect("the issuer's word").is_of_client);
        settings.client_keys_file = Some(directory.path().join("absent.json"));
        let absent = TokenVerifier::start(&settings, CancellationToken::new()).await;
        assert!(absent.expect_err("no file").to_string().contains("absent.json"));
    }

    #[tokio::test]
    async fn keys_come_from_a_url() {
        let key = SigningKey::generate().expect("a key");
        let jwks = key.jwks();
        let app = Router::new()
            .route("/jwks", get(move || async move { jwks }))
            .route("/large", get(|| async { " ".repeat(2 << 20) }))
            .route("/moved", get(|| async { axum::response::Redirect::to("/jwks") }));
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.expect("a port");
        let base = format!("http://{}", listener.local_addr().expect("an address"));
        let server = tokio::spawn(async move { axum::serve(listener, app).await });
        let start = async |path: &str| {
            let settings = settings(None, Some(format!("{base}{path}")));
            TokenVerifier::start(&settings, CancellationToken::new()).await
        };
        let verifier = start("/jwks").await.expect("a verifier");
        assert!(verify(&verifier, &token(&key)).is_ok());
        for path in ["/large", "/moved", "/absent"] {
            let error = start(path).await.expect_err(path);
            assert!(matches!(error, TokenSetupError::Fetch { .. }), "{path}: {error}");
        }
        server.abort();
    }

    #[tokio::test]
    async fn settings_that_cannot_work_are_refused() {
        let file = || Some(PathBuf::from("/nowhere/jwks.json"));
        let url = |url: &str| Some(url.to_owned());
        let start = async |settings: TokenSettings| {
            TokenVerifier::start(&settings, CancellationToken::new())
                .await
                .expect_err("unusable settings")
                .to_string()
        };
        for (settings, says) in [
            (settings(None, None), "exactly one"),
            (settings(file(), url("https://idp.example/jwks")), "exactly one"),
            (settings(file(), None), "/nowhere/jwks.json"),
            (settings(None, url("http://idp.example/jwks")), "https URL is expected"),
            (settings(None, url("file:///etc/passwd")), "https URL is expected"),
            (settings(None, url("http://127.0.0.1:1/jwks")), "refused"),
        ] {
            let error = start(settings).await;
            assert!(error.contains(says), "{says}: {error}");
        }
    }
}
