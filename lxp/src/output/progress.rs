//! How far a start is: one line that changes on a terminal, a line for each finished step elsewhere.

use std::io::IsTerminal as _;

use indicatif::{ProgressBar, ProgressDrawTarget, ProgressStyle};

use super::say;
use crate::local::state::{State, Step};

/// What was shown so far.
#[derive(Debug)]
pub(crate) struct Progress {
    line: Option<ProgressBar>,
    notes: usize,
    done: Vec<String>,
}

impl Progress {
    pub(crate) fn new() -> Self {
        let line = std::io::stderr().is_terminal().then(|| {
            let bar = ProgressBar::with_draw_target(None, ProgressDrawTarget::stderr());
            bar.with_style(
                ProgressStyle::with_template(" {msg}")
                    .unwrap_or_else(|_| ProgressStyle::default_bar()),
            )
        });
        Self { line, notes: 0, done: Vec::new() }
    }

    /// Shows what is new.
    pub(crate) fn show(&mut self, state: &State) {
        for note in state.notes.iter().skip(self.notes) {
            match &self.line {
                Some(line) => line.suspend(|| say(note)),
                None => say(note),
            }
        }
        self.notes = state.notes.len();
        if let Some(line) = &self.line {
            line.set_message(state.steps.iter().map(word).collect::<Vec<_>>().join("   "));
            return;
        }
        for step in state.steps.iter().filter(|step| step.took_ms.is_some()) {
            if !self.done.contains(&step.name) {
                say(&word(step));
                self.done.push(step.name.clone());
            }
        }
    }

    /// Leaves the line as it is.
    pub(crate) fn finish(&self) {
        if let Some(line) = &self.line {
            line.abandon();
        }
    }
}

fn word(step: &Step) -> String {
    match step.took_ms {
        None => format!("{} ..", step.name),
        Some(ms) if ms < 100 => format!("{} ok", step.name),
        Some(ms) => format!("{} ok {}", step.name, seconds(ms)),
    }
}

/// `6.2s`.
pub(crate) fn seconds(ms: u64) -> String {
    format!("{}.{}s", ms / 1000, ms % 1000 / 100)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_step_is_said_with_its_time_when_it_took_any() {
        let step = |took_ms| word(&Step { name: "shard-a".to_owned(), took_ms });
        assert_eq!(step(None), "shard-a ..");
        assert_eq!(step(Some(4)), "shard-a ok");
        assert_eq!(step(Some(4149)), "shard-a ok 4.1s");
    }
}
