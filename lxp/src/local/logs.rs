//! `lxp local logs`: the end of one log or of all, and what is added to them.

use std::fs::File;
use std::io::{Read as _, Seek as _, SeekFrom};
use std::path::PathBuf;
use std::time::Duration;

use clap::Args;

use super::layout::Layout;
use crate::failure::{Failure, last_lines};
use crate::output::print;

const LOOK_EVERY: Duration = Duration::from_millis(200);

/// At most this much of a log is printed at a time, in bytes.
const CHUNK_BYTES: u64 = 256 * 1024;

/// `lxp local logs`.
#[derive(Debug, Args)]
pub(crate) struct Logs {
    /// A process's name as `status` has it, or `supervisor` [default: all]
    name: Option<String>,
    /// Go on with what is added, until Ctrl-C.
    #[arg(short, long)]
    follow: bool,
    /// How many lines of the end.
    #[arg(short = 'n', long, default_value_t = 20, value_name = "N")]
    lines: usize,
    /// The data directory [default: .lxp here or above]
    #[arg(long, value_name = "DIR")]
    data_dir: Option<PathBuf>,
}

#[derive(Debug)]
struct Log {
    name: String,
    path: PathBuf,
    read_to: u64,
}

/// Runs the command.
pub(crate) async fn run(logs: &Logs) -> anyhow::Result<()> {
    let layout = Layout::find(logs.data_dir.as_deref())?;
    let mut all = find(&layout)?;
    if let Some(name) = &logs.name {
        let names = all.iter().map(|log| &*log.name).collect::<Vec<_>>().join(" ");
        all.retain(|log| log.name == *name);
        if all.is_empty() {
            return Err(Failure::usage(format!("no log of `{name}`: there are {names}")).into());
        }
    }
    let prefix = all.len() > 1;
    for log in &mut all {
        log.read_to = log.length();
        let lines = last_lines(&log.path, logs.lines);
        print(&lines.iter().map(|line| log.line(line, prefix)).collect::<String>())?;
    }
    if !logs.follow {
        return Ok(());
    }
    loop {
        tokio::time::sleep(LOOK_EVERY).await;
        for log in &mut all {
            let added = log.added()?;
            print(&added.lines().map(|line| log.line(line, prefix)).collect::<String>())?;
        }
    }
}

fn find(layout: &Layout) -> anyhow::Result<Vec<Log>> {
    let directory = layout.log("x").with_file_name("");
    let missing = || {
        Failure::usage(format!("no logs in {}", directory.display()))
            .next("lxp local up, or name the data directory with --data-dir")
    };
    let entries = std::fs::read_dir(&directory).map_err(|_| missing())?;
    let mut logs: Vec<Log> = entries
        .flatten()
        .filter_map(|entry| {
            let path = entry.path();
            let name = path.file_name()?.to_str()?.strip_suffix(".log")?.to_owned();
            Some(Log { name, path, read_to: 0 })
        })
        .collect();
    logs.sort_by(|one, other| one.name.cmp(&other.name));
    Ok(logs)
}

impl Log {
    fn length(&self) -> u64 {
        std::fs::metadata(&self.path).map_or(0, |log| log.len())
    }

    fn line(&self, line: &str, prefix: bool) -> String {
        if prefix { format!("{} | {line}\n", self.name) } else { format!("{line}\n") }
    }

    /// Whole lines that were added since the last look. A log that has become shorter was put aside: from its
    /// beginning.
    fn added(&mut self) -> anyhow::Result<String> {
        let length = self.length();
        if length < self.read_to {
            self.read_to = 0;
        }
        if length == self.read_to {
            return Ok(String::new());
        }
        let mut file = File::open(&self.path)?;
        file.seek(SeekFrom::Start(self.read_to))?;
        let mut bytes = Vec::new();
        file.take(CHUNK_BYTES).read_to_end(&mut bytes)?;
        let whole = match bytes.iter().rposition(|byte| *byte == b'\n') {
            Some(end) => end + 1,
            None if bytes.len() as u64 == CHUNK_BYTES => bytes.len(),
            None => 0,
        };
        self.read_to += whole as u64;
        Ok(String::from_utf8_lossy(&bytes[..whole]).into_owned())
    }
}
