//! The issuer's public keys, read from a JWKS (RFC 7517).

use std::collections::HashMap;

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use jsonwebtoken::{Algorithm, DecodingKey};
use serde::Deserialize;

use super::TokenSetupError;

/// Most keys that are taken from one document.
const MAX_KEYS: usize = 100;

/// Bytes of an RSA modulus: 2048 to 4096 bits.
const RSA_MODULUS_BYTES: std::ops::RangeInclusive<usize> = 256..=512;

/// A key and the one algorithm that it is used with.
#[derive(Debug)]
pub(super) struct VerifyingKey {
    algorithm: Algorithm,
    key: DecodingKey,
    signs: Signs,
}

/// Whose tokens a key is believed for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Signs {
    /// The issuer's: everybody's.
    All,
    /// A node's: those of api clients.
    Clients,
}

/// The keys by their ids.
#[derive(Debug, Default)]
pub struct KeySet {
    keys: HashMap<String, VerifyingKey>,
    /// The document, to tell whether a newly read one differs.
    document: Vec<u8>,
}

#[derive(Deserialize)]
struct Document {
    keys: Vec<Jwk>,
}

/// The members that are used; private ones, certificates and unknown ones are not even read.
#[derive(Deserialize)]
struct Jwk {
    kty: String,
    kid: Option<String>,
    #[serde(rename = "use")]
    usage: Option<String>,
    alg: Option<String>,
    crv: Option<String>,
    n: Option<String>,
    e: Option<String>,
    x: Option<String>,
    y: Option<String>,
}

impl KeySet {
    /// Reads a JWKS; `origin` names it in errors. Keys that cannot be used are left out, with a log line.
    pub fn from_jwks(json: &[u8], origin: &str) -> Result<Self, TokenSetupError> {
        let document: Document = serde_json::from_slice(json)
            .map_err(|error| TokenSetupError::Format(origin.to_owned(), error))?;
        let mut keys = HashMap::new();
        for jwk in document.keys.into_iter().take(MAX_KEYS) {
            let key = jwk.verifying_key();
            match (jwk.kid, key) {
                (Some(id), Some(key)) if !keys.contains_key(&id) => {
                    keys.insert(id, key);
                }
                (id, _) => tracing::warn!(
                    keys.origin = origin,
                    keys.id = id.as_deref().unwrap_or("none"),
                    keys.kty = jwk.kty,
                    "A key cannot be used and is left out"
                ),
            }
        }
        if keys.is_empty() {
            return Err(TokenSetupError::NoKey(origin.to_owned()));
        }
        Ok(Self { keys, document: json.to_vec() })
    }

    /// These keys, and those of another JWKS that are believed for api clients alone: also where the issuer has the same.
    pub fn with_client_keys(mut self, json: &[u8], origin: &str) -> Result<Self, TokenSetupError> {
        for (id, key) in Self::from_jwks(json, origin)?.keys {
            if self.keys.insert(id.clone(), VerifyingKey { signs: Signs::Clients, ..key }).is_some()
            {
                tracing::warn!(
                    keys.id = id,
                    "A key of nodes is the issuer's, too: it is believed for api clients alone"
                );
            }
        }
        self.document.push(b'\n');
        self.document.extend_from_slice(json);
        Ok(self)
    }

    /// Looks a key up; the id is an opaque text.
    pub(super) fn get(&self, id: &str) -> Option<&VerifyingKey> {
        self.keys.get(id)
    }

    /// Whether both come from the same document.
    pub(super) fn same_as(&self, other: &Self) -> bool {
        self.document == other.document
    }

    /// How many keys there are.
    pub fn len(&self) -> usize {
        self.keys.len()
    }

    /// Whether there is none.
    pub fn is_empty(&self) -> bool {
        self.keys.is_empty()
    }
}

impl VerifyingKey {
    /// Whose tokens it is believed for.
    pub(super) fn signs(&self) -> Signs {
        self.signs
    }

    /// Whether a token's `alg` names this key's algorithm.
    pub(super) fn is_for(&self, alg: &str) -> bool {
        alg == name(self.algorithm)
    }

    /// Whether `signature` (base64url) over `message` is this key's.
    pub(super) fn verifies(&self, message: &str, signature: &str) -> bool {
        let verified =
            jsonwebtoken::crypto::verify(signature, message.as_bytes(), &self.key, self.algorithm);
        verified.unwrap_or(false)
    }
}

impl Jwk {
    fn verifying_key(&self) -> Option<VerifyingKey> {
        if self.usage.as_deref().is_some_and(|usage| usage != "sig") {
            return None;
        }
        let (algorithm, key) = match (self.kty.as_str(), self.crv.as_deref()) {
            ("OKP", Some("Ed25519")) => (Algorithm::EdDSA, ed25519(self.x.as_deref()?)?),
            ("EC", Some("P-256")) => {
                (Algorithm::ES256, p256(self.x.as_deref()?, self.y.as_deref()?)?)
            }
            ("RSA", None) => (Algorithm::RS256, rsa(self.n.as_deref()?, self.e.as_deref()?)?),
            _ => return None,
        };
        let own = self.alg.as_deref().is_none_or(|alg| alg == name(algorithm));
        own.then_some(VerifyingKey { algorithm, key, signs: Signs::All })
    }
}

fn ed25519(x: &str) -> Option<DecodingKey> {
    let point: [u8; 32] = decode(x)?.try_into().ok()?;
    let key = ed25519_dalek::VerifyingKey::from_bytes(&point).ok()?;
    // A weak key accepts signatures that nobody made.
    (!key.is_weak()).then(|| DecodingKey::from_ed_components(x).ok()).flatten()
}

fn p256(x: &str, y: &str) -> Option<DecodingKey> {
    let sound = decode(x)?.len() == 32 && decode(y)?.len() == 32;
    sound.then(|| DecodingKey::from_ec_components(x, y).ok()).flatten()
}

fn rsa(n: &str, e: &str) -> Option<DecodingKey> {
    let (modulus, exponent) = (decode(n)?, decode(e)?);
    let sound = RSA_MODULUS_BYTES.contains(&modulus.len()) && matches!(exponent.len(), 1..=4);
    sound.then(|| DecodingKey::from_rsa_raw_components(&modulus, &exponent))
}

fn decode(text: &str) -> Option<Vec<u8>> {
    URL_SAFE_NO_PAD.decode(text).ok()
}

const fn name(algorithm: Algorithm) -> &'static str {
    match algorithm {
        Algorithm::EdDSA => "EdDSA",
        Algorithm::ES256 => "ES256",
        Algorithm::RS256 => "RS256",
        // No key is ever made for another one.
        _ => "",
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::token::SigningKey;

    fn read(json: &str) -> Result<KeySet, TokenSetupError> {
        KeySet::from_jwks(json.as_bytes(), "test")
    }

    #[test]
    fn keys_that_cannot_be_used_are_left_out() {
        let json = r#"{"keys":[
            {"kty":"oct","kid":"a","k":"c2VjcmV0"},
            {"kty":"OKP","crv":"Ed448","kid":"b","x":"AA"},
            {"kty":"OKP","crv":"Ed25519","kid":"short","x":"AA"},
            {"kty":"OKP","crv":"Ed25519","kid":"weak","x":"AQAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA"},
            {"kty":"RSA","kid":"c","n":"AQAB","e":"AQAB"},
            {"kty":"OKP","crv":"Ed25519","kid":"enc","use":"enc","x":"11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo"},
            {"kty":"OKP","crv":"Ed25519","kid":"alg","alg":"RS256","x":"11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo"},
            {"kty":"OKP","crv":"Ed25519","x":"11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo"},
            {"kty":"OKP","crv":"Ed25519","kid":"good","x":"11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo"}]}"#;
        let keys = read(json).expect("one good key");
        assert_eq!(keys.len(), 1);
        assert!(keys.get("good").is_some_and(|key| key.is_for("EdDSA") && !key.is_for("RS256")));
    }

    #[test]
    fn a_key_of_nodes_stays_one_wherever_else_it_stands() {
        let [issuer, node] = [(); 2].map(|()| SigningKey::generate().expect("a key"));
        let keys = read(&issuer.jwks()).expect("keys");
        let alone = read(&issuer.jwks()).expect("keys");
        let keys = keys.with_client_keys(node.jwks().as_bytes(), "nodes").expect("keys");
        assert!(!keys.same_as(&alone), "another document");
        let signs = |keys: &KeySet, key: &SigningKey| keys.get(key.id()).map(VerifyingKey::signs);
        assert_eq!(signs(&keys, &issuer), Some(Signs::All));
        assert_eq!(signs(&keys, &node), Some(Signs::Clients));
        let both = keys.with_client_keys(issuer.jwks().as_bytes(), "nodes").expect("keys");
        assert_eq!(signs(&both, &issuer), Some(Signs::Clients));
    }

    #[test]
    fn a_document_without_keys_is_refused() {
        assert!(matches!(read(r#"{"keys":[]}"#), Err(TokenSetupError::NoKey(_))));
        assert!(matches!(read("[]"), Err(TokenSetupError::Format(..))));
    }
}
