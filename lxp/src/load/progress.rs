//! How far a load is, on stderr: a bar on a terminal, a line for each tenth elsewhere.

use std::cell::Cell;
use std::io::IsTerminal as _;

use indicatif::{ProgressBar, ProgressDrawTarget, ProgressStyle};

use crate::output::say;

const TEMPLATE: &str =
    " {bar:30} {percent}%  {human_pos} of {human_len} rows  {per_sec}  ETA {eta}";

/// Rows done of all.
#[derive(Debug)]
pub(super) struct Progress {
    bar: Option<ProgressBar>,
    done: Cell<u64>,
    all: u64,
}

impl Progress {
    pub(super) fn new(all: u64) -> Self {
        let bar = std::io::stderr().is_terminal().then(|| {
            let target = ProgressDrawTarget::stderr();
            let style = ProgressStyle::with_template(TEMPLATE)
                .unwrap_or_else(|_| ProgressStyle::default_bar());
            ProgressBar::with_draw_target(Some(all), target).with_style(style)
        });
        Self { bar, done: Cell::new(0), all }
    }

    /// So many more rows are done.
    pub(super) fn rows(&self, rows: usize) {
        let before = self.done.get();
        let done = before + u64::try_from(rows).unwrap_or(u64::MAX);
        self.done.set(done);
        match &self.bar {
            Some(bar) => bar.set_position(done),
            None if tenth(done, self.all) > tenth(before, self.all) => {
                say(&format!("{done} of {} rows", self.all));
            }
            None => {}
        }
    }

    /// Says a line.
    pub(super) fn say(&self, line: &str) {
        match &self.bar {
            Some(bar) => bar.suspend(|| say(line)),
            None => say(line),
        }
    }

    /// Leaves nothing behind: the report follows.
    pub(super) fn finish(&self) {
        if let Some(bar) = &self.bar {
            bar.finish_and_clear();
        }
    }
}

fn tenth(done: u64, all: u64) -> u64 {
    (done * 10).checked_div(all).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_tenth_is_passed_ten_times() {
        let passed = (1..=71_450).filter(|done| tenth(*done, 71_450) > tenth(done - 1, 71_450));
        assert_eq!(passed.count(), 10);
        assert_eq!(tenth(5, 0), 0);
    }
}
