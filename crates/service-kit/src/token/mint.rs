//! Tokens of our own: for the local platform (`lxp token mint`) and for tests. `EdDSA` alone.

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use chrono::{DateTime, TimeDelta, Utc};
use ed25519_dalek::Signer as _;
use ed25519_dalek::pkcs8::spki::der::pem::LineEnding;
use ed25519_dalek::pkcs8::{DecodePrivateKey as _, EncodePrivateKey as _, KeypairBytes};
use serde_json::json;
use sha2::{Digest as _, Sha256};
use shard_map::InstitutionId;
use uuid::Uuid;

use super::{Role, Roles};

/// Why a signing key cannot be had.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum MintError {
    /// The system gives no randomness.
    #[error("no random bytes from the system: {0}")]
    Random(String),
    /// Not an Ed25519 key.
    #[error("the signing key is not an Ed25519 private key in PKCS#8 PEM: {0}")]
    Key(String),
}

/// An Ed25519 key that signs tokens. Its `Debug` shows the public part alone.
#[derive(Debug, Clone)]
pub struct SigningKey {
    key: ed25519_dalek::SigningKey,
    /// RFC 7638 thumbprint.
    id: String,
}

/// What a token shall say.
#[derive(Debug, Clone)]
pub struct Mint<'a> {
    /// `iss`.
    pub issuer: &'a str,
    /// `aud`.
    pub audience: &'a str,
    /// `sub`.
    pub subject: Uuid,
    /// `institution_id`.
    pub institution: InstitutionId,
    /// `roles`.
    pub roles: Roles,
    /// `iat`.
    pub issued_at: DateTime<Utc>,
    /// `exp` is this much later.
    pub ttl: TimeDelta,
    /// `jti`.
    pub token_id: Uuid,
}

impl SigningKey {
    /// Makes a new key.
    pub fn generate() -> Result<Self, MintError> {
        let mut seed = [0; 32];
        getrandom::fill(&mut seed).map_err(|error| MintError::Random(error.to_string()))?;
        Ok(Self::of(ed25519_dalek::SigningKey::from_bytes(&seed)))
    }

    /// Reads a key as `openssl genpkey -algorithm ed25519` or [`Self::to_pem`] write it.
    pub fn from_pem(pem: &str) -> Result<Self, MintError> {
        ed25519_dalek::SigningKey::from_pkcs8_pem(pem)
            .map(Self::of)
            .map_err(|error| MintError::Key(error.to_string()))
    }

    /// The private key in PKCS#8 PEM. A secret.
    pub fn to_pem(&self) -> Result<String, MintError> {
        // Version 1, without the public key: OpenSSL before 3.2 reads no other.
        KeypairBytes { secret_key: self.key.to_bytes(), public_key: None }
            .to_pkcs8_pem(LineEnding::LF)
            .map(|pem| pem.as_str().to_owned())
            .map_err(|error| MintError::Key(error.to_string()))
    }

    /// Its `kid`: the RFC 7638 thumbprint of the public key.
    pub fn id(&self) -> &str {
        &self.id
    }

    /// The JWKS that holds the public key alone, as JSON.
    pub fn jwks(&self) -> String {
        let x = public_x(&self.key);
        let key = json!({"kty": "OKP", "crv": "Ed25519", "alg": "EdDSA", "use": "sig", "kid": self.id, "x": x});
        json!({ "keys": [key] }).to_string()
    }

    /// Mints a token.
    pub fn mint(&self, mint: &Mint<'_>) -> String {
        let claims = json!({
            "iss": mint.issuer,
            "aud": mint.audience,
            "sub": mint.subject,
            "institution_id": mint.institution,
            "roles": mint.roles,
            "iat": mint.issued_at.timestamp(),
            "exp": (mint.issued_at + mint.ttl).timestamp(),
            "jti": mint.token_id,
        });
        let header = json!({"alg": "EdDSA", "typ": "JWT", "kid": self.id});
        self.sign(&header.to_string(), &claims.to_string())
    }

    /// Signs whatever header and payload are given, sound or not.
    pub fn sign(&self, header: &str, payload: &str) -> String {
        let encode = |text: &str| URL_SAFE_NO_PAD.encode(text);
        let message = format!("{}.{}", encode(header), encode(payload));
        let signature = self.key.sign(message.as_bytes()).to_bytes();
        format!("{message}.{}", URL_SAFE_NO_PAD.encode(signature))
    }

    fn of(key: ed25519_dalek::SigningKey) -> Self {
        let canonical = format!(r#"{{"crv":"Ed25519","kty":"OKP","x":"{}"}}"#, public_x(&key));
        Self { id: URL_SAFE_NO_PAD.encode(Sha256::digest(canonical)), key }
    }
}

/// The user id that stands for a role where no user is named; the same for the same institution and role.
pub fn subject_for(institution: InstitutionId, role: Role) -> Uuid {
    let digest: [u8; 32] = Sha256::digest(format!("lxp-subject:{institution}:{role}")).into();
    let mut bytes = [0; 16];
    bytes.copy_from_slice(&digest[..16]);
    uuid::Builder::from_custom_bytes(bytes).into_uuid()
}

fn public_x(key: &ed25519_dalek::SigningKey) -> String {
    URL_SAFE_NO_PAD.encode(key.verifying_key().as_bytes())
}

#[cfg(test)]
mod tests {
    use super::*;

    /// RFC 8037, appendix A: a key, its public part and its thumbprint.
    #[test]
    fn the_thumbprint_is_that_of_the_rfc() {
        let seed =
            URL_SAFE_NO_PAD.decode("nWGxne_9WmC6hEr0kuwsxERJxWl7MmkZcDusAxyuf2A").expect("base64");
        let seed: [u8; 32] = seed.try_into().expect("32 bytes");
        let key = SigningKey::of(ed25519_dalek::SigningKey::from_bytes(&seed));
        assert_eq!(key.id(), "kPrK_qmxVWaYVA9wwBF6Iuo3vVzz7TxHCTwXBygrS4k");
        assert!(key.jwks().contains("11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo"));
    }

    #[test]
    fn a_key_survives_its_pem() {
        let key = SigningKey::generate().expect("a key");
        let pem = key.to_pem().expect("a pem");
        assert_eq!(SigningKey::from_pem(&pem).expect("the key").id(), key.id());
        assert!(SigningKey::from_pem("-----BEGIN NOTHING-----").is_err());
    }

    #[test]
    fn the_subject_of_a_role_is_stable() {
        let institution = InstitutionId::new(Uuid::from_u128(7));
        assert_eq!(subject_for(institution, Role::Admin), subject_for(institution, Role::Admin));
        assert_ne!(subject_for(institution, Role::Admin), subject_for(institution, Role::Staff));
    }
}
