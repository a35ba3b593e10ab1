//! The real `lxp-router` with settings of its own.

use std::fs;
use std::path::Path;

use service_kit::token::SigningKey;

use super::Contender;
use crate::running::{Running, free_address, until_answers};
use crate::settings::Settings;

pub(super) const ISSUER: &str = "lxp-bench";
pub(super) const AUDIENCE: &str = "lxp";

/// Starts it and waits until it has its map.
pub(super) async fn contender(
    settings: &Settings,
    directory: &Path,
    key: &SigningKey,
    control_url: &str,
) -> anyhow::Result<Contender> {
    let (address, admin) = (free_address()?, free_address()?);
    let path = |name: &str| directory.join(name).display().to_string();
    let file = path("router.toml");
    fs::write(path("jwks.json"), key.jwks())?;
    fs::write(path("control.token"), "secret\n")?;
    let text = format!(
        "listen = '{address}'\nadmin_listen = '{admin}'\ncontrol_url = '{control_url}'\n\
         control_token_file = '{}'\nmap_file = '{}'\nthreads = 1\nlog = 'info'\n\
         [tokens]\nissuer = '{ISSUER}'\naudience = '{AUDIENCE}'\nkeys_file = '{}'\n",
        path("control.token"),
        path("map.json"),
        path("jwks.json"),
    );
    fs::write(&file, text)?;
    let mut process = Running::start(&settings.program("lxp-router")?, &["--config", &file])?;
    until_answers(&format!("http://{admin}/readyz"), &mut process).await?;
    Ok(Contender { name: "lxp-router", process, address, rounds: Vec::new() })
}
