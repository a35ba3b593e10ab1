//! The failpoints of the control plane beside this command, of which a build that is used has none.

use std::process::Command;

use anyhow::Context as _;
use serde_json::json;

use crate::failure::{Exit, Failure};
use crate::local::services::Programs;
use crate::output::{Format, View, print, say};

/// Prints their names.
pub(super) fn list(output: Format) -> anyhow::Result<()> {
    let program = Programs::find()?.control_plane;
    let answer = Command::new(&program).arg("--failpoints").output();
    let answer = answer.with_context(|| format!("{} cannot be run", program.display()))?;
    if !answer.status.success() {
        let said = String::from_utf8_lossy(&answer.stderr).trim().to_owned();
        return Err(Failure::new(Exit::Other, said).into());
    }
    let names = String::from_utf8(answer.stdout)?;
    let names: Vec<_> = names.lines().collect();
    let rows = names.iter().map(|name| vec![(*name).to_owned()]);
    let none = "no failpoints: this build is not one of tests";
    let view = View::list(&json!({"items": names}), &["FAILPOINT"], rows, none)?;
    if names.is_empty() && output == Format::Table {
        say(none);
    }
    print(&view.text(output))
}
