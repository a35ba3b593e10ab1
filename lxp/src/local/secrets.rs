//! What only this platform knows: passwords, control tokens, the signing key. Made once, each in a file that
//! its owner alone reads.

use std::path::PathBuf;

use anyhow::Context as _;
use serde::{Deserialize, Serialize};
use serde_json::json;
use service_kit::token::SigningKey;
use sha2::{Digest as _, Sha256};
use uuid::Uuid;

use super::layout::{Layout, hex, write_private};
use crate::token::{CLIENT_KEY, SIGNING_KEY};

/// Every secret of one platform. Passwords and tokens are 32 hex digits.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Secrets {
    /// The superuser `postgres` of every Postgres.
    pub(crate) postgres: String,
    pub(crate) lxp_owner: String,
    pub(crate) lxp_app: String,
    pub(crate) lxp_mover: String,
    pub(crate) lxp_control: String,
    /// Bearer tokens of the control plane, by role.
    pub(crate) platform_ops: String,
    pub(crate) health_checker: String,
    pub(crate) router: String,
    pub(crate) node: String,
}

impl Secrets {
    /// Reads the secrets; makes them, and what is derived from them, when they are missing.
    pub(crate) fn ensure(layout: &Layout) -> anyhow::Result<Self> {
        let file = layout.secret("secrets.json");
        let secrets = if file.exists() {
            Self::read(layout)?
        } else {
            let made = Self::make();
            write_private(&file, &serde_json::to_vec_pretty(&made)?)?;
            made
        };
        for (role, token) in secrets.tokens() {
            write_private(&Self::token_file(layout, role), token.as_bytes())?;
        }
        write_private(&layout.secret("access.json"), secrets.access().as_bytes())?;
        ensure_signing_key(layout, SIGNING_KEY, "jwks.json")?;
        ensure_signing_key(layout, CLIENT_KEY, "client-jwks.json")?;
        Ok(secrets)
    }

    /// Reads the secrets of a platform that was started before.
    pub(crate) fn read(layout: &Layout) -> anyhow::Result<Self> {
        let file = layout.secret("secrets.json");
        let text =
            std::fs::read(&file).with_context(|| format!("cannot read {}", file.display()))?;
        serde_json::from_slice(&text).with_context(|| format!("{} is damaged", file.display()))
    }

    /// The file with the bearer token of a role.
    pub(crate) fn token_file(layout: &Layout, role: &str) -> PathBuf {
        layout.secret(&format!("{role}.token"))
    }

    fn make() -> Self {
        Self {
            postgres: random(),
            lxp_owner: random(),
            lxp_app: random(),
            lxp_mover: random(),
            lxp_control: random(),
            platform_ops: random(),
            health_checker: random(),
            router: random(),
            node: random(),
        }
    }

    fn tokens(&self) -> [(&'static str, &str); 4] {
        [
            ("platform-ops", &self.platform_ops),
            ("health-checker", &self.health_checker),
            ("router", &self.router),
            ("node", &self.node),
        ]
    }

    /// What the control plane knows of the tokens: their hashes and roles.
    fn access(&self) -> String {
        let entries = self.tokens().map(|(role, token)| {
            json!({"sha256": hex(&Sha256::digest(token)), "role": role, "name": format!("local-{role}")})
        });
        json!(entries).to_string()
    }
}

fn ensure_signing_key(layout: &Layout, name: &str, jwks: &str) -> anyhow::Result<()> {
    let file = layout.key(name);
    if !file.exists() {
        write_private(&file, SigningKey::generate()?.to_pem()?.as_bytes())?;
    }
    let key = crate::token::read_signing_key(&file)?;
    write_private(&layout.key(jwks), key.jwks().as_bytes())
}

fn random() -> String {
    Uuid::new_v4().simple().to_string()
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::PermissionsExt as _;

    use super::*;

    #[test]
    fn secrets_are_made_once_and_private() {
        let directory = tempfile::tempdir().expect("a directory");
        let layout = Layout::at(&directory.path().join("x")).expect("a layout");
        layout.make().expect("directories");
        let first = Secrets::ensure(&layout).expect("secrets");
        let again = Secrets::ensure(&layout).expect("secrets");
        assert_eq!(first.router, again.router);
        for file in [
            layout.secret("secrets.json"),
            layout.secret("router.token"),
            layout.key(SIGNING_KEY),
            layout.key(CLIENT_KEY),
        ] {
            let mode = std::fs::metadata(&file).expect("the file").permissions().mode();
            assert_eq!(mode & 0o777, 0o600, "{}", file.display());
        }
    }

    #[test]
    fn the_access_file_holds_hashes_alone() {
        let secrets = Secrets::make();
        let access = secrets.access();
        assert!(!access.contains(&secrets.node));
        assert!(access.contains(&hex(&Sha256::digest(&secrets.node))));
    }
}
