//! Who Postgres runs as, and how every child is started so that it cannot outlive the supervisor.
//!
//! `setpriv` (util-linux) sets the parent-death signal after the change of credentials, which would clear it,
//! and becomes the program: no process more. The signal comes when the *thread* that started the child ends, so
//! the supervisor runs on one thread alone.

use std::ffi::OsStr;
use std::os::unix::fs::chown;
use std::path::Path;
use std::process::Stdio;

use anyhow::Context as _;
use nix::sys::signal::Signal;
use nix::unistd::{Gid, Uid, User};
use tokio::process::Command;

use crate::failure::Failure;

/// The user that Postgres runs as when we are root, which it refuses to be.
const POSTGRES_USER: &str = "postgres";

/// Whom a child runs as.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Account {
    /// Whoever runs the supervisor.
    Own,
    /// The user `postgres`.
    Postgres { uid: Uid, gid: Gid },
}

impl Account {
    /// Whom Postgres runs as here.
    pub(crate) fn for_postgres() -> anyhow::Result<Self> {
        if !nix::unistd::geteuid().is_root() {
            return Ok(Self::Own);
        }
        let user =
            User::from_name(POSTGRES_USER).context("the users of this system cannot be read")?;
        let missing = || {
            Failure::refused("there is no user `postgres`, and Postgres refuses to run as root")
                .next(
                    "apt-get install postgresql-15 (it makes the user), or run lxp as another user",
                )
        };
        let user = user.ok_or_else(missing)?;
        Ok(Self::Postgres { uid: user.uid, gid: user.gid })
    }

    /// Gives a file or directory to the account.
    pub(crate) fn own(self, path: &Path) -> anyhow::Result<()> {
        match self {
            Self::Own => Ok(()),
            Self::Postgres { uid, gid } => chown(path, Some(uid.as_raw()), Some(gid.as_raw()))
                .with_context(|| format!("cannot give {} to user postgres", path.display())),
        }
    }

    /// Whether the account gets to a directory, through all of its parents.
    pub(crate) fn can_pass(self, directory: &Path) -> bool {
        let mut test = std::process::Command::new("setpriv");
        test.args(self.setpriv_args()).args(["--", "test", "-x"]).arg(directory);
        test.stdin(Stdio::null())
            .stderr(Stdio::null())
            .status()
            .is_ok_and(|status| status.success())
    }

    /// A command that runs as the account and gets `death_signal` when the supervisor dies.
    ///
    /// It has a process group of its own, so that Ctrl-C on the terminal reaches the supervisor alone, which
    /// then stops everything in order.
    pub(crate) fn command(self, program: impl AsRef<OsStr>, death_signal: Signal) -> Command {
        let mut command = Command::new("setpriv");
        command.arg("--pdeathsig").arg(death_signal.as_str()).args(self.setpriv_args());
        command.arg("--").arg(program).stdin(Stdio::null()).process_group(0);
        command
    }

    fn setpriv_args(self) -> &'static [&'static str] {
        match self {
            Self::Own => &[],
            Self::Postgres { .. } => {
                &["--reuid", "postgres", "--regid", "postgres", "--init-groups"]
            }
        }
    }
}
