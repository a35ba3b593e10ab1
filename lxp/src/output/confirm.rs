//! Plan, then confirm: what a command would change is said before it is done.

use std::io::{BufRead as _, IsTerminal as _, Write as _};

use clap::Args;

use super::say;
use crate::failure::Failure;

/// The option of every command with which a person changes something.
#[derive(Debug, Clone, Copy, Args)]
pub(crate) struct Confirm {
    /// Do it without asking.
    #[arg(short, long)]
    yes: bool,
}

impl Confirm {
    /// Says the plan and asks; an error unless the answer is yes. Answers whether somebody was asked.
    pub(crate) fn ask(self, plan: &str) -> anyhow::Result<bool> {
        say(plan);
        if self.yes {
            return Ok(false);
        }
        if !std::io::stdin().is_terminal() {
            let what = "it is not confirmed, and there is nobody to ask: nothing was changed";
            return Err(Failure::refused(what).next("the same command with --yes").into());
        }
        let mut out = std::io::stderr().lock();
        write!(out, "Do it? [y/N] ")?;
        out.flush()?;
        let mut answer = String::new();
        std::io::stdin().lock().read_line(&mut answer)?;
        if matches!(answer.trim(), "y" | "Y" | "yes") {
            Ok(true)
        } else {
            Err(Failure::refused("not confirmed: nothing was changed").into())
        }
    }
}
