//! What a read prints: the same answer as a table for people or as JSON for programs, once or again and again.
//!
//! JSON stands alone on stdout; everything else that is said goes to stderr.

pub(crate) mod confirm;
pub(crate) mod progress;

use std::io::{IsTerminal as _, Write as _};
use std::time::Duration;

use clap::{Args, ValueEnum};
use comfy_table::{Table, presets};
use serde::Serialize;
use serde_json::Value;

/// How often `--watch` asks again.
const WATCH_EVERY: Duration = Duration::from_secs(2);

/// The options of every read.
#[derive(Debug, Clone, Copy, Args)]
pub(crate) struct Read {
    /// How to print it.
    #[arg(short, long, value_enum, default_value_t = Format::Table)]
    output: Format,
    /// Print it again every 2 s, until Ctrl-C.
    #[arg(short, long)]
    watch: bool,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(crate) enum Format {
    Table,
    Json,
}

/// One answer in both forms.
#[derive(Debug)]
pub(crate) struct View {
    json: Value,
    header: Vec<&'static str>,
    rows: Vec<Vec<String>>,
    empty: &'static str,
}

impl View {
    /// A list. `empty` is said of one without rows.
    pub(crate) fn list(
        json: &impl Serialize,
        header: &[&'static str],
        rows: impl IntoIterator<Item = Vec<String>>,
        empty: &'static str,
    ) -> anyhow::Result<Self> {
        Ok(Self {
            json: serde_json::to_value(json)?,
            header: header.to_vec(),
            rows: rows.into_iter().collect(),
            empty,
        })
    }

    /// One object: a line for each of its members.
    pub(crate) fn object(json: &impl Serialize) -> anyhow::Result<Self> {
        let json = serde_json::to_value(json)?;
        let members = json.as_object().into_iter().flatten();
        let rows = members.map(|(name, value)| vec![name.clone(), plain(value)]).collect();
        Ok(Self { json, header: Vec::new(), rows, empty: "" })
    }

    /// As it is printed.
    pub(crate) fn text(&self, format: Format) -> String {
        match format {
            Format::Json => format!("{}\n", self.json),
            Format::Table if self.rows.is_empty() => String::new(),
            Format::Table => {
                let mut table = Table::new();
                table.load_style(presets::NOTHING);
                if !self.header.is_empty() {
                    table.set_header(&self.header);
                }
                table.add_rows(&self.rows);
                let lines = table.lines().map(|line| format!("{}\n", line.trim_end()));
                lines.collect()
            }
        }
    }
}

impl Read {
    /// Fetches and prints, once or until Ctrl-C.
    pub(crate) async fn show<F>(self, mut fetch: impl FnMut() -> F) -> anyhow::Result<()>
    where
        F: Future<Output = anyhow::Result<View>>,
    {
        loop {
            let view = fetch().await?;
            let clear =
                self.watch && self.output == Format::Table && std::io::stdout().is_terminal();
            print(&format!(
                "{}{}",
                if clear { "\x1b[H\x1b[2J" } else { "" },
                view.text(self.output)
            ))?;
            if self.output == Format::Table && view.rows.is_empty() {
                say(view.empty);
            }
            if !self.watch {
                return Ok(());
            }
            tokio::time::sleep(WATCH_EVERY).await;
        }
    }
}

impl Read {
    /// Prints the answer of a change, once: there is nothing to watch.
    pub(crate) fn once(self, view: &View) -> anyhow::Result<()> {
        print(&view.text(self.output))
    }
}

/// Writes to stdout; a reader that has gone (`| head`) is no error.
pub(crate) fn print(text: &str) -> anyhow::Result<()> {
    let mut out = std::io::stdout().lock();
    match out.write_all(text.as_bytes()).and_then(|()| out.flush()) {
        Err(error) if error.kind() == std::io::ErrorKind::BrokenPipe => std::process::exit(0),
        other => Ok(other?),
    }
}

/// Says something on stderr. The terminal may be gone: a supervisor must not end for that.
pub(crate) fn say(what: &str) {
    let _ = writeln!(std::io::stderr(), "{what}");
}

/// A value as it reads best in a table.
fn plain(value: &Value) -> String {
    match value {
        Value::Null => "-".to_owned(),
        Value::String(text) => text.clone(),
        Value::Array(items) if items.is_empty() => "-".to_owned(),
        Value::Array(items) => items.iter().map(plain).collect::<Vec<_>>().join("\n"),
        Value::Object(members) => members
            .iter()
            .map(|(name, value)| format!("{name}={}", plain(value)))
            .collect::<Vec<_>>()
            .join(" "),
        other => other.to_string(),
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn a_list_is_a_table_or_json() {
        let json = json!({"items": [{"id": "shard-a"}]});
        let rows = [vec!["shard-a".to_owned(), "1".to_owned()]];
        let view = View::list(&json, &["ID", "WEIGHT"], rows, "no shards").expect("a view");
        assert_eq!(view.text(Format::Table), " ID       WEIGHT\n shard-a  1\n");
        assert_eq!(view.text(Format::Json), "{\"items\":[{\"id\":\"shard-a\"}]}\n");
    }

    #[test]
    fn an_empty_list_prints_nothing_but_json() {
        let view = View::list(&json!({"items": []}), &["ID"], [], "no shards").expect("a view");
        assert_eq!(view.text(Format::Table), "");
        assert_eq!(view.text(Format::Json), "{\"items\":[]}\n");
    }

    #[test]
    fn an_object_is_a_line_a_member() {
        let view = View::object(&json!({"id": "x", "history": [{"epoch": 1}]})).expect("a view");
        let text = view.text(Format::Table);
        assert!(text.contains("epoch=1") && text.lines().count() == 2, "{text}");
    }
}
