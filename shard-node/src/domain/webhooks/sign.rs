//! Secrets and signatures of Standard Webhooks: `v1,` and the base64 of HMAC-SHA256 over `id.timestamp.body`.

use std::fmt;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use hmac::{Hmac, KeyInit as _, Mac as _};
use serde::{Deserialize, Serialize};
use sha2::Sha256;
use utoipa::ToSchema;

const PREFIX: &str = "whsec_";

/// What signs: `whsec_` and the base64 of the key. It is printed nowhere by itself.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize, sqlx::Type, ToSchema)]
#[serde(transparent)]
#[sqlx(transparent)]
#[schema(value_type = String)]
pub struct Secret(String);

impl Secret {
    /// The secret of a key; random bytes, 24 to 64 by the standard.
    pub fn of_key(key: &[u8; 32]) -> Self {
        Self(format!("{PREFIX}{}", STANDARD.encode(key)))
    }

    /// As it is stored and shown once.
    pub fn expose(&self) -> &str {
        &self.0
    }

    fn key(&self) -> Vec<u8> {
        // Each was made by `of_key`; what is none signs with nothing, and is believed by nobody.
        STANDARD.decode(self.0.strip_prefix(PREFIX).unwrap_or_default()).unwrap_or_default()
    }

    fn signature(&self, signed: &[u8]) -> String {
        let mut mac = Hmac::<Sha256>::new_from_slice(&self.key()).expect("HMAC takes any key");
        mac.update(signed);
        format!("v1,{}", STANDARD.encode(mac.finalize().into_bytes()))
    }
}

impl fmt::Debug for Secret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("whsec_...")
    }
}

/// The header `webhook-signature`: a signature by each of the secrets, so that either is believed while one replaces the
/// other.
pub(super) fn signatures(secrets: &[Secret], id: &str, timestamp_s: i64, body: &str) -> String {
    let signed = format!("{id}.{timestamp_s}.{body}");
    let signatures = secrets.iter().map(|secret| secret.signature(signed.as_bytes()));
    signatures.collect::<Vec<_>>().join(" ")
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The vector of the standard's own libraries.
    #[test]
    fn the_standards_vector_is_signed_alike() {
        let secret = Secret("whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw".to_owned());
        let body = r#"{"test": 2432232314}"#;
        let id = "msg_p5jXN8AQM9LWM0D4loKWxJek";
        assert_eq!(
            signatures(&[secret], id, 1_614_265_330, body),
            "v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE="
        );
    }

    #[test]
    fn two_secrets_sign_side_by_side() {
        let (one, other) = (Secret::of_key(&[1; 32]), Secret::of_key(&[2; 32]));
        let both = signatures(&[one.clone(), other], "evt_1", 7, "{}");
        let first = signatures(std::slice::from_ref(&one), "evt_1", 7, "{}");
        assert!(both.starts_with(&format!("{first} v1,")), "{both}");
    }

    #[test]
    fn a_secret_is_not_printed() {
        let secret = Secret::of_key(&[7; 32]);
        assert!(secret.expose().len() > 40);
        assert_eq!(format!("{secret:?}"), "whsec_...");
    }
}
