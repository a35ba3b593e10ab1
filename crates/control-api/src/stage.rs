//! How far a move is, as people count it: six steps, a share of its rows, who serves meanwhile. Pure.
//!
//! What must stay true: `lxp` and the console say the same of a move, because both ask here.

use chrono::TimeDelta;
use shard_map::{MovePhase, ShardId};
use uuid::Uuid;

use crate::Move;

/// The steps of a move, in order.
pub const STEPS: [&str; 6] = ["prepare", "copy", "catch up", "verify", "cutover", "clean up"];
/// Digits of an id that name it to people.
const SHORT_DIGITS: usize = 8;

/// The last digits of an id: the first ones are its time.
pub fn short_digits(id: Uuid) -> String {
    let digits = id.simple().to_string();
    digits[digits.len() - SHORT_DIGITS..].to_owned()
}

/// `18s`, `2m 05s`, `1h 03m`. Two clocks may differ: nothing is before zero.
pub fn span(time: TimeDelta) -> String {
    match time.num_seconds().max(0) {
        s @ ..60 => format!("{s}s"),
        s @ ..3_600 => format!("{}m {:02}s", s / 60, s % 60),
        s => format!("{}h {:02}m", s / 3_600, s % 3_600 / 60),
    }
}

impl Move {
    /// Its name for people.
    pub fn short(&self) -> String {
        format!("mv-{}", short_digits(self.id))
    }

    /// Whether it goes on.
    pub fn is_active(&self) -> bool {
        !matches!(self.phase, MovePhase::Done | MovePhase::Aborted)
    }

    /// Which of [`STEPS`] it is at, as many as there are where it is done; none where it was given up.
    pub fn step(&self) -> Option<usize> {
        match self.phase {
            MovePhase::Preflight => Some(0),
            MovePhase::Copying if self.rows_copied < self.rows => Some(1),
            MovePhase::Copying => Some(2),
            MovePhase::Verifying => Some(3),
            MovePhase::Closing | MovePhase::Cutover => Some(4),
            MovePhase::Cleaning => Some(5),
            MovePhase::Done => Some(STEPS.len()),
            MovePhase::Aborting | MovePhase::Aborted => None,
        }
    }

    /// How much of what was counted at the start is copied: more may come meanwhile, and some may go.
    pub fn percent(&self) -> usize {
        match self.phase {
            MovePhase::Preflight => 0,
            MovePhase::Copying | MovePhase::Aborting | MovePhase::Aborted => {
                let (rows, copied) = (self.rows.max(0), self.rows_copied.max(0));
                if copied >= rows {
                    return 100;
                }
                usize::try_from(i128::from(copied) * 100 / i128::from(rows)).unwrap_or(100)
            }
            _ => 100,
        }
    }

    /// The shard that answers requests, and whether they are held back for a moment.
    pub fn traffic(&self) -> (&ShardId, bool) {
        match self.phase {
            MovePhase::Cutover => (&self.from, true),
            MovePhase::Cleaning | MovePhase::Done => (&self.to, false),
            _ => (&self.from, false),
        }
    }

    /// Why it is given up, as far as anything was noted.
    pub fn why_given_up(&self) -> &str {
        let why = self.cancel_reason.as_deref();
        why.or(self.retries.last().map(|retry| &*retry.why)).unwrap_or("no reason was noted")
    }
}
