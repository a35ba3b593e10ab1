//! The shard's Postgres from outside: SQL by psql, load by pgbench, what the node sends by the server's own log.

use std::collections::BTreeMap;
use std::path::Path;
use std::process::Stdio;
use std::time::Duration;

use anyhow::Context as _;
use service_kit::postgres::BY_INDEX;
use tokio::process::Command;

/// What came of a run of pgbench.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) struct Run {
    pub(crate) transactions: u32,
    pub(crate) latency_us: f64,
}

/// A script for pgbench with the values of its variables.
#[derive(Debug, Clone, Default)]
pub(crate) struct Script {
    pub(crate) text: String,
    pub(crate) variables: BTreeMap<String, String>,
}

/// How a script is run.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Pace {
    pub(crate) clients: u32,
    pub(crate) until: Until,
    /// Transactions a second, of all clients together; none is as many as they can.
    pub(crate) rate: Option<f64>,
}

/// When a run ends.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Until {
    Seconds(u32),
    /// So many transactions of each client.
    Transactions(u32),
}

/// Runs SQL; it ends at the first error.
pub(crate) async fn sql(dsn: &str, text: &str) -> anyhow::Result<String> {
    let output = Command::new("psql")
        .args(["-X", "-q", "-A", "-t", "-v", "ON_ERROR_STOP=1", "-d", dsn, "-c", text])
        .stdin(Stdio::null())
        .kill_on_drop(true)
        .output()
        .await
        .context("psql cannot be run")?;
    let said = String::from_utf8_lossy(&output.stderr);
    anyhow::ensure!(output.status.success(), "psql: {said}");
    Ok(String::from_utf8_lossy(&output.stdout).trim().to_owned())
}

/// Runs a script by prepared statements, planned as the node's are.
pub(crate) async fn bench(dsn: &str, script: &Script, pace: Pace) -> anyhow::Result<Run> {
    let directory = tempfile::tempdir()?;
    let file = directory.path().join("script.sql");
    std::fs::write(&file, &script.text)?;
    let (option, number) = match pace.until {
        Until::Seconds(seconds) => ("-T", seconds),
        Until::Transactions(transactions) => ("-t", transactions),
    };
    let rate = pace.rate.map(|rate| format!("--rate={rate}"));
    let variables = script.variables.iter().map(|(name, value)| format!("{name}={value}"));
    let planned = BY_INDEX.map(|(setting, value)| format!("-c {setting}={value}")).join(" ");
    let output = Command::new("pgbench")
        .env("PGOPTIONS", planned)
        .args(["-n", "-M", "prepared", "-c", &pace.clients.to_string(), "-j", "1"])
        .args([option, &number.to_string()])
        .args(rate)
        .args(variables.flat_map(|variable| ["-D".to_owned(), variable]))
        .args([Path::new("-f"), &file])
        .arg(dsn)
        .stdin(Stdio::null())
        .kill_on_drop(true)
        .output()
        .await
        .context("pgbench cannot be run")?;
    let said = String::from_utf8_lossy(&output.stdout);
    let complained = String::from_utf8_lossy(&output.stderr);
    anyhow::ensure!(output.status.success(), "pgbench: {complained}");
    parse(&said).with_context(|| format!("pgbench gave no result: {said}{complained}"))
}

fn parse(said: &str) -> Option<Run> {
    let after = |what: &str| said.lines().find_map(|line| line.strip_prefix(what));
    let transactions = after("number of transactions actually processed: ")?.split('/').next()?;
    let latency_ms: f64 = after("latency average = ")?.strip_suffix(" ms")?.parse().ok()?;
    Some(Run { transactions: transactions.trim().parse().ok()?, latency_us: latency_ms * 1e3 })
}

/// A statement as the server logged it, with its parameters in their order.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Logged {
    pub(crate) text: String,
    /// None is NULL.
    pub(crate) parameters: Vec<Option<String>>,
}

const PREFIX: &str = "lxp-bench-log <%a> ";
const MARK: &str = "lxp-bench-log <";

/// Has the server log every statement, or no longer.
pub(crate) async fn set_logging(superuser: &str, on: bool) -> anyhow::Result<()> {
    let statements = if on {
        [
            format!("ALTER SYSTEM SET log_line_prefix = '{PREFIX}'"),
            "ALTER SYSTEM SET log_statement = 'all'".to_owned(),
        ]
    } else {
        ["ALTER SYSTEM RESET log_statement", "ALTER SYSTEM RESET log_line_prefix"]
            .map(str::to_owned)
    };
    for statement in statements {
        sql(superuser, &statement).await?;
    }
    sql(superuser, "SELECT pg_reload_conf()").await?;
    // The server's processes hear of it by a signal, each when it is next between statements.
    tokio::time::sleep(Duration::from_millis(500)).await;
    Ok(())
}

/// The statements in a log that an application sent, in their order.
pub(crate) fn statements(log: &str, application: &str) -> Vec<Logged> {
    let mut entries: Vec<String> = Vec::new();
    for line in log.lines() {
        match (line.starts_with(MARK), entries.last_mut()) {
            (true, _) => entries.push(line.to_owned()),
            // What goes on over lines is indented by a tab.
            (false, Some(entry)) => {
                entry.push('\n');
                entry.push_str(line.trim_start_matches('\t'));
            }
            (false, None) => {}
        }
    }
    let own = format!("{MARK}{application}> ");
    let mut found: Vec<Logged> = Vec::new();
    for entry in entries.iter().filter_map(|entry| entry.strip_prefix(&own)) {
        if let Some(text) = entry.strip_prefix("LOG:  statement: ") {
            found.push(Logged { text: text.to_owned(), parameters: Vec::new() });
        } else if let Some(rest) = entry.strip_prefix("LOG:  execute ") {
            let text = rest.split_once(": ").map_or(rest, |(_, text)| text);
            found.push(Logged { text: text.to_owned(), parameters: Vec::new() });
        } else if let (Some(rest), Some(last)) =
            (entry.strip_prefix("DETAIL:  parameters: "), found.last_mut())
        {
            last.parameters = parameters(rest);
        }
    }
    found
}

/// Reads `$1 = 'a', $2 = NULL`; a quote within a value is doubled.
fn parameters(text: &str) -> Vec<Option<String>> {
    let mut found = Vec::new();
    let mut rest = text;
    while let Some((_, value)) = rest.split_once(" = ") {
        let Some(quoted) = value.strip_prefix('\'') else {
            found.push(None);
            rest = value.split_once(", ").map_or("", |(_, rest)| rest);
            continue;
        };
        let mut value = String::new();
        let mut characters = quoted.char_indices().peekable();
        let mut end = quoted.len();
        while let Some((at, character)) = characters.next() {
            if character != '\'' {
                value.push(character);
            } else if characters.next_if(|(_, next)| *next == '\'').is_some() {
                value.push('\'');
            } else {
                end = at + 1;
                break;
            }
        }
        found.push(Some(value));
        rest = quoted[end..].trim_start_matches(", ");
    }
    found
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pgbenchs_result_is_read() {
        let said = "number of transactions actually processed: 6000\nnumber of failed transactions: 0 (0.000%)\n\
                    latency average = 0.331 ms\n";
        let run = parse(said).expect("a run");
        assert_eq!(run.transactions, 6000);
        assert!((run.latency_us - 331.0).abs() < 1e-6);
        assert_eq!(parse("latency average = 0.331 ms\n"), None);
    }

    #[test]
    fn statements_are_found_with_their_parameters() {
        let log = "2026 something else\n\
                   lxp-bench-log <lxp-node> LOG:  statement: BEGIN; SELECT tenant_enter('1')\n\
                   lxp-bench-log <other> LOG:  statement: SELECT 7\n\
                   lxp-bench-log <lxp-node> LOG:  execute sqlx_s_1: SELECT id\n\
                   \t  FROM x WHERE a = $1 AND b = $2\n\
                   lxp-bench-log <lxp-node> DETAIL:  parameters: $1 = 'it''s, $2 = ''x', $2 = NULL, $3 = '{\"a\"}'\n";
        let found = statements(log, "lxp-node");
        assert_eq!(found.len(), 2);
        assert_eq!(found[0].text, "BEGIN; SELECT tenant_enter('1')");
        assert_eq!(found[1].text, "SELECT id\n  FROM x WHERE a = $1 AND b = $2");
        let expected = vec![Some("it's, $2 = 'x".to_owned()), None, Some("{\"a\"}".to_owned())];
        assert_eq!(found[1].parameters, expected);
    }
}
