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

/// The keys are read again this long after the pause of [`REFRESH_AT_MOST_EVERY`]: every 5 minutes in all.
const REFRESH_AFTER: Duration = Duration::from_secs(290);

/// An unknown `kid` makes the keys be read again, at most this often.
const REFRESH_AT_MOST_EVERY: Duration = Duration::from_secs(10);

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
        let source = KeySource::of(settings)?;
        let verifier = Self::with_keys(&settings.issuer, &settings.audience, source.read().await?);
        tokio::spawn(refresh(verifier.clone(), source, stop));
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
        Claims::judge(&compact.payload()?, &self.0.expected, now)
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

async fn refresh(verifier: TokenVerifier, source: KeySource, stop: CancellationToken) {
    let again = async {
        loop {
            tokio::time::sleep(REFRESH_AT_MOST_EVERY).await;
            let asked = verifier.0.unknown_key.notified();
            // Running out of time is the ordinary case: nobody asked.
            let _ = tokio::time::timeout(REFRESH_AFTER, asked).await;
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
