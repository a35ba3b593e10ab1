//! `lxp schedule`: what an institution does by the calendar, through its API.

use clap::Subcommand;
use serde_json::{Value, json};
use uuid::Uuid;

use crate::api::Api;
use crate::failure::Failure;
use crate::jobs::short;
use crate::load::api::Page;
use crate::output::{Read, View};

const PATH: &str = "/v1/job-schedules";
const HEADER: [&str; 6] = ["ID", "KIND", "CADENCE", "ENABLED", "NEXT", "LAST"];

/// `lxp schedule`.
#[derive(Debug, Subcommand)]
pub(crate) enum Command {
    /// List them.
    List {
        #[command(flatten)]
        read: Read,
        #[command(flatten)]
        api: Api,
    },
    /// Do now what one of them does when it fires; its next time stays.
    Run {
        /// The schedule.
        id: Uuid,
        #[command(flatten)]
        read: Read,
        #[command(flatten)]
        api: Api,
    },
}

/// Runs the command.
pub(crate) async fn run(command: &Command) -> anyhow::Result<()> {
    match command {
        Command::List { read, api } => {
            let session = api.session()?;
            let fetch = || async {
                let page: Page<Value> =
                    session.list(PATH, &[("limit", "200")]).await.map_err(Failure::from)?;
                let rows = page.items.iter().map(row);
                View::list(&json!({"items": page.items}), &HEADER, rows, "no schedules")
            };
            read.show(fetch).await
        }
        Command::Run { id, read, api } => {
            let path = format!("{PATH}/{id}:run");
            let started: Value =
                api.session()?.post(&path, &json!({})).await.map_err(Failure::from)?;
            read.once(&View::object(&started)?)
        }
    }
}

fn row(schedule: &Value) -> Vec<String> {
    let text = |name: &str| match &schedule[name] {
        Value::Null => "-".to_owned(),
        Value::String(text) => text.clone(),
        other => other.to_string(),
    };
    let time = |name: &str| schedule[name].as_str().map_or("-".to_owned(), short);
    vec![
        text("id"),
        text("kind"),
        text("cadence"),
        text("enabled"),
        time("nextAt"),
        time("lastFiredAt"),
    ]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_row_says_when_it_fires() {
        let schedule = json!({"id": "x", "kind": "WEEKLY_REPORTS", "cadence": "WEEKLY", "enabled": true,
            "nextAt": "2026-11-30T00:00:00Z", "lastFiredAt": null});
        let expected = ["x", "WEEKLY_REPORTS", "WEEKLY", "true", "2026-11-30 00:00:00", "-"];
        assert_eq!(row(&schedule), expected);
    }
}
