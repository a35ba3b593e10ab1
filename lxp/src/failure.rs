//! A failure as its reader wants it: what went wrong, in which part, that part's log and last lines, and what
//! to do next; and the exit code that scripts go by.

use std::fmt;
use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};

/// How many of a log's last lines stand in a failure.
const LAST_LINES: usize = 12;

/// No more than this is read from the end of a log, in bytes.
const TAIL_BYTES: u64 = 64 * 1024;

/// What a failure means to a script.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub(crate) enum Exit {
    /// Anything that has no code of its own, such as a full disk: 1.
    Other,
    /// The command was used wrongly: 2.
    Usage,
    /// A check refused it, nothing was changed: 3.
    Refused,
    /// It took too long and goes on: 4.
    TimedOut,
    /// A part is not well: 5.
    Unhealthy,
}

impl Exit {
    pub(crate) const fn code(self) -> u8 {
        match self {
            Self::Other => 1,
            Self::Usage => 2,
            Self::Refused => 3,
            Self::TimedOut => 4,
            Self::Unhealthy => 5,
        }
    }
}

/// Why a command failed.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct Failure {
    exit: Exit,
    what: String,
    log: Option<PathBuf>,
    last_lines: Vec<String>,
    next: Option<String>,
}

impl Failure {
    pub(crate) fn new(exit: Exit, what: impl Into<String>) -> Self {
        Self { exit, what: what.into(), log: None, last_lines: Vec::new(), next: None }
    }

    pub(crate) fn usage(what: impl Into<String>) -> Self {
        Self::new(Exit::Usage, what)
    }

    pub(crate) fn refused(what: impl Into<String>) -> Self {
        Self::new(Exit::Refused, what)
    }

    pub(crate) fn unhealthy(what: impl Into<String>) -> Self {
        Self::new(Exit::Unhealthy, what)
    }

    /// Names a log and takes its last lines along.
    #[must_use]
    pub(crate) fn log(mut self, log: &Path) -> Self {
        self.last_lines = last_lines(log, LAST_LINES);
        self.log = Some(log.to_owned());
        self
    }

    /// Says what to do next: a command, or a sentence.
    #[must_use]
    pub(crate) fn next(mut self, next: impl Into<String>) -> Self {
        self.next = Some(next.into());
        self
    }

    /// The code that the process ends with.
    pub(crate) fn exit(&self) -> Exit {
        self.exit
    }

    /// The failure in an error's chain; what has none is something unforeseen.
    pub(crate) fn of(error: &anyhow::Error) -> Self {
        match error.downcast_ref::<Self>() {
            Some(failure) => failure.clone(),
            None => Self::new(Exit::Other, format!("{error:#}")),
        }
    }
}

impl std::error::Error for Failure {}

impl fmt::Display for Failure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}", self.what)?;
        if let Some(log) = &self.log {
            write!(f, "\n  log   {}", log.display())?;
        }
        for line in &self.last_lines {
            write!(f, "\n        | {line}")?;
        }
        match &self.next {
            Some(next) => write!(f, "\n  next  {next}"),
            None => Ok(()),
        }
    }
}

/// The last lines of a log; none when it cannot be read.
pub(crate) fn last_lines(log: &Path, count: usize) -> Vec<String> {
    let text = read_tail(log).unwrap_or_default();
    let lines: Vec<&str> = text.lines().filter(|line| !line.trim().is_empty()).collect();
    lines.iter().skip(lines.len().saturating_sub(count)).map(|line| (*line).to_owned()).collect()
}

fn read_tail(log: &Path) -> std::io::Result<String> {
    use std::io::{Read as _, Seek as _, SeekFrom};
    let mut file = std::fs::File::open(log)?;
    let length = file.metadata()?.len();
    file.seek(SeekFrom::Start(length.saturating_sub(TAIL_BYTES)))?;
    let mut bytes = Vec::new();
    file.take(TAIL_BYTES).read_to_end(&mut bytes)?;
    Ok(String::from_utf8_lossy(&bytes).into_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_failure_names_part_log_last_lines_and_next() {
        let directory = tempfile::tempdir().expect("a directory");
        let log = directory.path().join("router.log");
        std::fs::write(&log, "one\ntwo\n\n").expect("a log");
        let text = Failure::unhealthy("router ended").log(&log).next("lxp local up").to_string();
        let expected = format!(
            "router ended\n  log   {}\n        | one\n        | two\n  next  lxp local up",
            log.display()
        );
        assert_eq!(text, expected);
    }

    #[test]
    fn only_the_last_lines_are_taken() {
        let directory = tempfile::tempdir().expect("a directory");
        let log = directory.path().join("x.log");
        std::fs::write(&log, "line\n".repeat(50_000)).expect("a log");
        assert_eq!(last_lines(&log, 3), ["line", "line", "line"]);
        assert!(last_lines(&directory.path().join("none"), 3).is_empty());
    }
}
