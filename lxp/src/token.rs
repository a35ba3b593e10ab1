//! `lxp token`: tokens of the API for a person at a shell, signed by the local platform's own key.

use std::io::Read as _;
use std::path::{Path, PathBuf};

use anyhow::Context as _;
use chrono::TimeDelta;
use clap::Subcommand;
use service_kit::token::{MAX_TOKEN_BYTES, Mint, Role, Roles, SigningKey, inspect, subject_for};
use shard_map::InstitutionId;
use uuid::Uuid;

use crate::failure::Failure;
use crate::local::layout::Layout;
use crate::output::print;

/// What the local platform's tokens say of themselves.
pub(crate) const ISSUER: &str = "lxp-local";
pub(crate) const AUDIENCE: &str = "lxp";

/// The name of the signing key's file.
pub(crate) const SIGNING_KEY: &str = "signing.pem";

/// The name of the file of the key that nodes sign tokens of api clients with.
pub(crate) const CLIENT_KEY: &str = "clients.pem";

/// The longest a token lives.
const TTL_MAX_DAYS: i64 = 30;

/// `lxp token`.
#[derive(Debug, Subcommand)]
pub(crate) enum Command {
    /// Print a token, alone.
    Mint {
        /// The id of the institution that it is for.
        #[arg(long)]
        institution: InstitutionId,
        /// admin, staff, instructor, student, guardian or `api_client`.
        #[arg(long)]
        role: Role,
        /// The user's id [default: one that stands for the role]
        #[arg(long, value_name = "USER_ID")]
        subject: Option<Uuid>,
        /// How long it lives: a number and s, m, h or d.
        #[arg(long, default_value = "1h", value_parser = parse_ttl)]
        ttl: TimeDelta,
        /// The private key [default: .lxp/keys/signing.pem, here or above]
        #[arg(long, value_name = "FILE")]
        key: Option<PathBuf>,
        /// The local platform's data directory [default: .lxp here or above]
        #[arg(long, env = "LXP_DATA_DIR", value_name = "DIR")]
        data_dir: Option<PathBuf>,
    },
    /// Print what a token says, without verifying it.
    Inspect {
        /// The token [default: read from stdin]
        token: Option<String>,
        /// It is always JSON.
        #[arg(short, long, value_parser = ["json"], default_value = "json")]
        output: String,
    },
}

/// Runs the command.
pub(crate) fn run(command: &Command) -> anyhow::Result<()> {
    match command {
        Command::Mint { institution, role, subject, ttl, key, data_dir } => {
            let key = match key {
                Some(key) => key.clone(),
                None => local_key(&Layout::find(data_dir.as_deref())?)?,
            };
            let token = mint_for_role(&key, *institution, *role, *subject, *ttl)?;
            print(&format!("{token}\n"))
        }
        Command::Inspect { token, output: _ } => {
            let token = match token {
                Some(token) => token.clone(),
                None => read_stdin()?,
            };
            let said = inspect(&token).map_err(|error| Failure::usage(error.to_string()))?;
            print(&format!("{}\n", serde_json::to_string_pretty(&said)?))
        }
    }
}

fn read_stdin() -> anyhow::Result<String> {
    let mut text = String::new();
    // One byte more than is allowed, so that a longer one is seen to be.
    let limit = u64::try_from(MAX_TOKEN_BYTES)? + 1;
    std::io::stdin().take(limit).read_to_string(&mut text).context("no token on stdin")?;
    Ok(text.trim().to_owned())
}

/// The signing key of the local platform, here or above.
pub(crate) fn local_key(layout: &Layout) -> anyhow::Result<PathBuf> {
    let key = layout.key(SIGNING_KEY);
    if key.is_file() {
        return Ok(key);
    }
    Err(Failure::usage("no signing key: there is no local platform here or above")
        .next("lxp local up, or name a key with --key")
        .into())
}

/// A token for a role of an institution. Without a subject it is the one that always stands for that role.
pub(crate) fn mint_for_role(
    key: &Path,
    institution: InstitutionId,
    role: Role,
    subject: Option<Uuid>,
    ttl: TimeDelta,
) -> anyhow::Result<String> {
    Ok(read_signing_key(key)?.mint(&Mint {
        issuer: ISSUER,
        audience: AUDIENCE,
        subject: subject.unwrap_or_else(|| subject_for(institution, role)),
        institution,
        roles: Roles::from(role),
        issued_at: service_kit::clock::now(),
        ttl,
        token_id: Uuid::now_v7(),
    }))
}

/// Reads the private key.
pub(crate) fn read_signing_key(file: &Path) -> anyhow::Result<SigningKey> {
    let wrong = |why: String| {
        let what = format!("the signing key {}: {why}", file.display());
        Failure::usage(what).next("name an Ed25519 private key in PEM (PKCS #8) with --key")
    };
    let pem = std::fs::read_to_string(file).map_err(|error| wrong(error.to_string()))?;
    Ok(SigningKey::from_pem(&pem).map_err(|error| wrong(error.to_string()))?)
}

pub(crate) fn parse_ttl(text: &str) -> Result<TimeDelta, String> {
    let wrong =
        || format!("a number and s, m, h or d is expected, at most {TTL_MAX_DAYS}d, such as 90m");
    let unit = text.chars().last().ok_or_else(wrong)?;
    let number: i64 = text[..text.len() - unit.len_utf8()].parse().map_err(|_| wrong())?;
    let ttl = match unit {
        's' => TimeDelta::try_seconds(number),
        'm' => TimeDelta::try_minutes(number),
        'h' => TimeDelta::try_hours(number),
        'd' => TimeDelta::try_days(number),
        _ => None,
    };
    ttl.filter(|ttl| *ttl > TimeDelta::zero() && *ttl <= TimeDelta::days(TTL_MAX_DAYS))
        .ok_or_else(wrong)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_ttl_is_a_number_and_a_unit() {
        assert_eq!(parse_ttl("90m"), Ok(TimeDelta::minutes(90)));
        for wrong in ["", "h", "1", "-1h", "0s", "1w", "31d", "9999999999999999d", "1é"] {
            assert!(parse_ttl(wrong).is_err(), "{wrong:?} was taken");
        }
    }
}
