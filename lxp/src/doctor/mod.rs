//! `lxp doctor`: looks at every part of a platform and says what is wrong, with its remedy. It changes nothing.
//!
//! `observe` asks, `judge` decides (pure), and this prints. 5 is the exit code where something is broken; a warning
//! is none.

mod failpoints;
mod judge;
mod observe;

use clap::Args;
use serde::Serialize;
use serde_json::json;

use crate::connection::Connection;
use crate::failure::Failure;
use crate::output::{Format, View, print};

/// `lxp doctor`.
#[derive(Debug, Args)]
pub(crate) struct Doctor {
    /// Instead: the names that `FAILPOINTS` takes, where a test kills, freezes or holds a mover.
    #[arg(long)]
    failpoints: bool,
    /// How to print it.
    #[arg(short, long, value_enum, default_value_t = Format::Table)]
    output: Format,
    #[command(flatten)]
    connection: Connection,
}

/// How bad a finding is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "lowercase")]
enum Level {
    Ok,
    Warning,
    Broken,
}

/// What was found of one part.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
struct Finding {
    level: Level,
    /// What was looked at: `map`, `schema`, `clock`, `replica`, `residue`, `node`, `process`, `router`, `shard`.
    check: &'static str,
    /// Of which part.
    part: String,
    what: String,
    /// What to do about it.
    next: Option<String>,
}

/// Runs the command.
pub(crate) async fn run(doctor: &Doctor) -> anyhow::Result<()> {
    if doctor.failpoints {
        return failpoints::list(doctor.output);
    }
    let findings = judge::judge(&observe::observe(&doctor.connection).await?);
    print(&view(&findings)?.text(doctor.output))?;
    let broken = findings.iter().filter(|finding| finding.level == Level::Broken).count();
    if broken == 0 {
        return Ok(());
    }
    let what = format!("{broken} of {} checks found something broken", findings.len());
    Err(Failure::unhealthy(what).next("what stands beside each, then `lxp doctor` again").into())
}

fn view(findings: &[Finding]) -> anyhow::Result<View> {
    let rows = findings.iter().map(|finding| {
        let Finding { level, check, part, what, next } = finding;
        let level = match level {
            Level::Ok => "ok",
            Level::Warning => "warning",
            Level::Broken => "BROKEN",
        };
        let next = next.as_ref().map(|next| format!("\n-> {next}")).unwrap_or_default();
        vec![level.to_owned(), (*check).to_owned(), part.clone(), format!("{what}{next}")]
    });
    View::list(
        &json!({"items": findings}),
        &["STATE", "CHECK", "OF", "FOUND"],
        rows,
        "nothing was looked at",
    )
}
