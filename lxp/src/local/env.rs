//! `lxp local env`: what a shell needs to speak to the platform, as lines to be evaluated.

use std::path::PathBuf;

use chrono::TimeDelta;
use clap::Args;
use service_kit::token::Role;

use super::layout::Layout;
use super::platform::superuser_url;
use super::secrets::Secrets;
use super::state::State;
use crate::failure::Failure;
use crate::output::print;
use crate::token::{SIGNING_KEY, mint_for_role};

/// How long the token of a shell lives.
const TTL_HOURS: i64 = 12;

/// `lxp local env`.
#[derive(Debug, Args)]
pub(crate) struct Env {
    /// What the project's own tests need instead: the data directory, and a Postgres as its superuser.
    #[arg(long)]
    test: bool,
    /// The data directory [default: .lxp here or above]
    #[arg(long, value_name = "DIR")]
    data_dir: Option<PathBuf>,
}

/// Runs the command.
pub(crate) fn run(env: &Env) -> anyhow::Result<()> {
    let layout = Layout::find(env.data_dir.as_deref())?;
    let state = State::read(&layout);
    let missing = || Failure::unhealthy("no platform was ever up here").next("lxp local up");
    let secrets = Secrets::read(&layout).map_err(|_| missing())?;
    let lines = if env.test {
        let postgres = superuser_url(&state, &secrets).ok_or_else(missing)?;
        vec![
            ("LXP_TEST_DATA_DIR", layout.root().display().to_string()),
            ("LXP_TEST_POSTGRES", postgres),
        ]
    } else {
        let institution = state.institution.ok_or_else(missing)?;
        let ttl = TimeDelta::hours(TTL_HOURS);
        let token = mint_for_role(&layout.key(SIGNING_KEY), institution, Role::Admin, None, ttl)?;
        vec![
            ("LXP_DATA_DIR", layout.root().display().to_string()),
            ("LXP_URL", state.url("router").ok_or_else(missing)?.to_owned()),
            ("LXP_CONTROL_URL", state.url("control-plane").ok_or_else(missing)?.to_owned()),
            ("LXP_CONTROL_TOKEN", secrets.platform_ops),
            ("LXP_INSTITUTION", institution.to_string()),
            ("LXP_TOKEN", token),
        ]
    };
    let export = |(name, value): &(&str, String)| format!("export {name}={}\n", quoted(value));
    print(&lines.iter().map(export).collect::<String>())
}

/// A word for a POSIX shell.
fn quoted(value: &str) -> String {
    let plain = |c: char| c.is_ascii_alphanumeric() || "-_./:@=".contains(c);
    if value.chars().all(plain) {
        value.to_owned()
    } else {
        format!("'{}'", value.replace('\'', r"'\''"))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_a_shell_would_read_otherwise_is_quoted() {
        assert_eq!(quoted("http://127.0.0.1:8080"), "http://127.0.0.1:8080");
        assert_eq!(quoted("/tmp/a b'c"), r"'/tmp/a b'\''c'");
    }
}
