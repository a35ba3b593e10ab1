//! Where the keys come from: a file or a JWKS URL, read at start and again from time to time.

use std::path::{Path, PathBuf};
use std::time::Duration;

use futures::StreamExt as _;
use schemars::JsonSchema;
use serde::Deserialize;

use super::{KeySet, TokenSetupError};

/// How long a fetch of keys may take, from connecting to the last byte.
const FETCH_TIMEOUT: Duration = Duration::from_secs(5);

/// Largest JWKS that is read, in bytes.
const MAX_DOCUMENT_BYTES: usize = 1024 * 1024;

/// The `[tokens]` section of a service's settings.
#[derive(Debug, Clone, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct TokenSettings {
    /// The `iss` that is trusted.
    pub issuer: String,
    /// The `aud` that a token must name.
    pub audience: String,
    /// A JWKS on disk; this or `jwks_url`.
    #[serde(default)]
    pub keys_file: Option<PathBuf>,
    /// A JWKS on the web; this or `keys_file`.
    #[serde(default)]
    pub jwks_url: Option<String>,
    /// A JWKS on disk of the keys by which nodes sign tokens of api clients (`api_clients.signing_key_file`). What such
    /// a key signs is believed for api clients alone; without it no token of `/oauth/token` is.
    #[serde(default)]
    pub client_keys_file: Option<PathBuf>,
}

/// Where the keys are read.
#[derive(Debug)]
pub(super) struct KeySource {
    issuer: IssuerKeys,
    client_keys: Option<PathBuf>,
}

#[derive(Debug)]
enum IssuerKeys {
    File(PathBuf),
    Url { url: reqwest::Url, client: reqwest::Client },
}

impl KeySource {
    pub(super) fn of(settings: &TokenSettings) -> Result<Self, TokenSetupError> {
        let issuer = IssuerKeys::of(settings)?;
        Ok(Self { issuer, client_keys: settings.client_keys_file.clone() })
    }

    /// Reads the keys once; the wait is bounded.
    pub(super) async fn read(&self) -> Result<KeySet, TokenSetupError> {
        let keys = self.issuer.read().await?;
        match &self.client_keys {
            Some(path) => {
                let (json, file) = read_file(path).await?;
                keys.with_client_keys(&json, &file)
            }
            None => Ok(keys),
        }
    }
}

impl IssuerKeys {
    fn of(settings: &TokenSettings) -> Result<Self, TokenSetupError> {
        match (&settings.keys_file, &settings.jwks_url) {
            (Some(file), None) => Ok(Self::File(file.clone())),
            (None, Some(text)) => {
                let url = reqwest::Url::parse(text)
                    .ok()
                    .filter(is_allowed)
                    .ok_or_else(|| TokenSetupError::Url(text.clone()))?;
                crate::tls::install_provider();
                let client = reqwest::Client::builder()
                    .timeout(FETCH_TIMEOUT)
                    .redirect(reqwest::redirect::Policy::none())
                    .build()
                    .map_err(|error| fetch_error(&url, &error))?;
                Ok(Self::Url { url, client })
            }
            _ => Err(TokenSetupError::Source),
        }
    }

    async fn read(&self) -> Result<KeySet, TokenSetupError> {
        match self {
            Self::File(path) => {
                let (json, file) = read_file(path).await?;
                KeySet::from_jwks(&json, &file)
            }
            Self::Url { url, client } => {
                let json = fetch(client, url).await?;
                KeySet::from_jwks(&json, url.as_str())
            }
        }
    }
}

/// The bytes of a file, and its name for errors.
async fn read_file(path: &Path) -> Result<(Vec<u8>, String), TokenSetupError> {
    let file = path.display().to_string();
    match tokio::fs::read(path).await {
        Ok(bytes) => Ok((bytes, file)),
        Err(source) => Err(TokenSetupError::File { file, source }),
    }
}

/// Plain http would let anybody on the way choose the keys.
fn is_allowed(url: &reqwest::Url) -> bool {
    let host = url.host_str().unwrap_or_default().trim_matches(['[', ']']);
    let loopback = host == "localhost"
        || host.parse::<std::net::IpAddr>().is_ok_and(|address| address.is_loopback());
    url.scheme() == "https" || (url.scheme() == "http" && loopback)
}

async fn fetch(client: &reqwest::Client, url: &reqwest::Url) -> Result<Vec<u8>, TokenSetupError> {
    let refused =
        |reason: &str| TokenSetupError::Fetch { url: url.to_string(), reason: reason.to_owned() };
    let response =
        client.get(url.clone()).send().await.map_err(|error| fetch_error(url, &error))?;
    if response.status() != http::StatusCode::OK {
        return Err(refused(&format!("status {} instead of 200", response.status())));
    }
    let mut body = Vec::new();
    let mut chunks = response.bytes_stream();
    while let Some(chunk) = chunks.next().await {
        body.extend_from_slice(&chunk.map_err(|error| fetch_error(url, &error))?);
        if body.len() > MAX_DOCUMENT_BYTES {
            return Err(refused("the document is larger than 1 MiB"));
        }
    }
    Ok(body)
}

/// The innermost cause says what happened ("connection refused"); the outer ones say only that it did.
fn fetch_error(url: &reqwest::Url, error: &reqwest::Error) -> TokenSetupError {
    let mut cause: &dyn std::error::Error = error;
    while let Some(inner) = cause.source() {
        cause = inner;
    }
    TokenSetupError::Fetch { url: url.to_string(), reason: cause.to_string() }
}
