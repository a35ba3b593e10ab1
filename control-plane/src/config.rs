//! Settings of the control plane, and the file of bearer tokens.

use std::net::SocketAddr;
use std::num::NonZeroUsize;
use std::path::{Path, PathBuf};

use anyhow::{Context, ensure};
use schemars::JsonSchema;
use serde::Deserialize;

use crate::api::access::{Access, TokenEntry};
use crate::operation::lead;

/// The prefix of variables that override settings.
pub const PREFIX: &str = "LXP_CONTROL";

/// The settings, from one TOML file and the environment over it.
#[derive(Debug, Clone, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Settings {
    /// Where the API listens.
    pub listen: SocketAddr,
    /// Where `/healthz`, `/readyz` and `/metrics` are.
    pub admin_listen: SocketAddr,
    /// A `tracing` filter.
    #[serde(default = "info")]
    pub log: String,
    /// A file with the hashes of the bearer tokens: `[{"sha256": "<hex>", "role": "platform-ops", "name": "..."}]`.
    pub access_file: PathBuf,
    /// The control database.
    pub postgres: Postgres,
    /// Moves of institutions.
    #[serde(default)]
    pub moves: Moves,
}

/// Moves of institutions.
#[derive(Debug, Clone, Copy, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct Moves {
    /// How many are under way at once; each has three connections to shards.
    #[schemars(extend("x-unit" = "moves"))]
    pub at_once: NonZeroUsize,
    /// How many of those that plans begin touch one shard at once.
    #[schemars(extend("x-unit" = "moves"))]
    pub at_once_a_shard: NonZeroUsize,
}

impl Default for Moves {
    fn default() -> Self {
        Self { at_once: lead::AT_ONCE, at_once_a_shard: lead::AT_ONCE_A_SHARD }
    }
}

/// The control database.
#[derive(Clone, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Postgres {
    /// Its URL, as the role that owns it.
    pub url: String,
    /// Connections at most; one of them listens for news of the map.
    #[schemars(extend("x-unit" = "connections"))]
    #[serde(default = "eight")]
    pub max_connections: u32,
}

impl std::fmt::Debug for Postgres {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Postgres")
            .field("max_connections", &self.max_connections)
            .finish_non_exhaustive()
    }
}

fn info() -> String {
    "info".to_owned()
}

const fn eight() -> u32 {
    8
}

/// Whether settings that can be read can be served with, too.
pub fn check(settings: &Settings) -> anyhow::Result<()> {
    ensure!(
        settings.postgres.max_connections >= 3,
        "postgres.max_connections is {}; at least 3 are needed",
        settings.postgres.max_connections
    );
    Ok(())
}

/// Reads the bearer tokens.
pub fn load_access(file: &Path) -> anyhow::Result<Access> {
    let text = std::fs::read_to_string(file)
        .with_context(|| format!("access file {} cannot be read", file.display()))?;
    let expected =
        r#"[{"sha256": "<64 hex digits>", "role": "platform-ops", "name": "..."}] is expected"#;
    let entries: Vec<TokenEntry> = serde_json::from_str(&text)
        .with_context(|| format!("access file {}: {expected}", file.display()))?;
    Access::new(entries).with_context(|| format!("access file {}", file.display()))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn access(text: &str) -> anyhow::Result<Access> {
        let directory = tempfile::tempdir().expect("a directory");
        let file = directory.path().join("access.json");
        std::fs::write(&file, text).expect("a file");
        load_access(&file)
    }

    #[test]
    fn a_wrong_access_file_is_refused_with_what_is_expected() {
        let hash = "0".repeat(64);
        let entry = |role: &str| format!(r#"[{{"sha256":"{hash}","role":"{role}","name":"x"}}]"#);
        assert!(access(&entry("router")).is_ok());
        for bad in ["", "[]", "{}", &entry("boss"), r#"[{"sha256":"00","role":"node","name":"x"}]"#]
        {
            let error =
                format!("{:#}", access(bad).err().unwrap_or_else(|| panic!("{bad} was taken")));
            assert!(error.contains("access.json"), "{error}");
        }
    }

    #[test]
    fn the_database_url_is_not_shown() {
        let postgres = Postgres { url: "postgres://u:sesame@h/d".to_owned(), max_connections: 8 };
        assert!(!format!("{postgres:?}").contains("sesame"));
    }
}
