//! A client's secret: `lxpcs_` and 256 random bits in base64url. Printed nowhere by itself; kept as its SHA-256.

use std::fmt;

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use serde::{Deserialize, Serialize};
use sha2::{Digest as _, Sha256};
use utoipa::ToSchema;

use crate::error::Error;

/// What it begins with, so that who finds one somewhere knows what was lost.
const PREFIX: &str = "lxpcs_";

/// A secret.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize, sqlx::Type, ToSchema)]
#[serde(transparent)]
#[sqlx(transparent)]
#[schema(value_type = String)]
pub struct ClientSecret(String);

impl ClientSecret {
    /// Another one.
    ///
    /// # Errors
    /// When the system gives no randomness.
    pub(super) fn random() -> Result<Self, Error> {
        let mut bits = [0; 32];
        getrandom::fill(&mut bits)
            .map_err(|error| Error::Defect(format!("no randomness: {error}")))?;
        Ok(Self(format!("{PREFIX}{}", URL_SAFE_NO_PAD.encode(bits))))
    }

    /// What is kept of it, and what a presented one is compared by.
    pub(super) fn digest(&self) -> SecretDigest {
        SecretDigest(Sha256::digest(&self.0).into())
    }
}

impl fmt::Debug for ClientSecret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("lxpcs_...")
    }
}

/// The SHA-256 of a secret.
#[derive(Debug, Clone, Copy)]
pub(super) struct SecretDigest(pub(super) [u8; 32]);

impl SecretDigest {
    /// Whether it is the one that is kept, in a time that does not say where they part.
    pub(super) fn is(&self, kept: &[u8]) -> bool {
        let differing = self.0.iter().zip(kept).fold(0, |differing, (a, b)| differing | (a ^ b));
        kept.len() == self.0.len() && std::hint::black_box(differing) == 0
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_is_another_and_none_is_printed() {
        let [one, other] = [(); 2].map(|()| ClientSecret::random().expect("randomness"));
        assert_ne!(one, other);
        assert_eq!(one.0.len(), PREFIX.len() + 43);
        assert_eq!(format!("{one:?}"), "lxpcs_...");
        assert!(one.digest().is(&one.digest().0));
        assert!(!one.digest().is(&other.digest().0));
    }

    #[test]
    fn every_byte_counts_and_so_does_the_length() {
        let digest = ClientSecret("x".to_owned()).digest();
        for place in 0..32 {
            let mut kept = digest.0;
            kept[place] ^= 1;
            assert!(!digest.is(&kept), "{place}");
        }
        assert!(!digest.is(&digest.0[..31]) && !digest.is(&[]));
    }
}
