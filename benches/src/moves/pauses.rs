//! How long nobody is served: of many small moves, and what a number of them say together.

use std::fmt::Write as _;

use futures::stream::{self, StreamExt as _, TryStreamExt as _};
use tokio_util::sync::CancellationToken;

use super::writers::{self, Seen};
use super::{fill, mover};
use crate::platform::Platform;
use crate::table::{Table, short};

/// Moves at once: no more than a control plane has under way, and few enough for two cores.
pub(super) const AT_ONCE: usize = 2;
const SMALL_ROWS: u32 = 100;
/// What each client of a small institution writes.
const WRITES_PER_SECOND: u32 = 10;

/// Numbers of one kind.
#[derive(Debug, Default)]
pub(crate) struct Numbers(pub(crate) Vec<f64>);

impl Numbers {
    /// The number below which a share of them lies; 1.0 is the highest. Zero of none.
    pub(crate) fn at(&self, share: f64) -> f64 {
        let mut sorted = self.0.clone();
        sorted.sort_by(f64::total_cmp);
        #[expect(
            clippy::cast_possible_truncation,
            clippy::cast_sign_loss,
            clippy::cast_precision_loss,
            reason = "a place in a list"
        )]
        let place = (sorted.len() as f64 * share) as usize;
        sorted.get(place.min(sorted.len().saturating_sub(1))).copied().unwrap_or(0.0)
    }

    pub(super) fn cells(&self, what: &str, of: u32) -> [String; 5] {
        let at = |share| short(self.at(share));
        [what.to_owned(), of.to_string(), at(0.5), at(0.95), at(1.0)]
    }

    /// How many lie in each of some ranges.
    fn histogram(&self) -> String {
        const ENDS: [f64; 9] =
            [20.0, 30.0, 50.0, 75.0, 100.0, 150.0, 300.0, 1_000.0, f64::INFINITY];
        let (mut text, mut from) = (String::new(), 0.0);
        for end in ENDS {
            let count = self.0.iter().filter(|number| (from..end).contains(*number)).count();
            if count > 0 {
                let end = if end.is_finite() { short(end) } else { "more".to_owned() };
                // Writing to a String cannot fail.
                let _ = write!(text, " {} to {end}: {count},", short(from));
            }
            from = end;
        }
        text.trim_end_matches(',').to_owned()
    }
}

/// What a number of moves say.
#[derive(Debug, Default)]
pub(super) struct Moves {
    pub(super) pauses: Numbers,
    pub(super) requests: Numbers,
    pub(super) failed: u32,
}

impl Moves {
    pub(super) fn saw(&mut self, seen: Seen) {
        self.requests.0.extend(seen.took_ms);
        self.failed += seen.failed;
    }

    pub(super) fn describe(&self, name: &str, table: &mut Table, text: &mut String) {
        let count = |numbers: &Numbers| u32::try_from(numbers.0.len()).unwrap_or(u32::MAX);
        let pauses = format!("pause, {name} moves");
        table.row(self.pauses.cells(&pauses, count(&self.pauses)));
        let requests = format!("requests meanwhile, {name} moves");
        table.row(self.requests.cells(&requests, count(&self.requests)));
        // Writing to a String cannot fail.
        let _ = writeln!(text, "Pauses of {name} moves:{} ms.", self.pauses.histogram());
    }
}

/// Moves as many institutions of a hundred rows, each once.
pub(super) async fn small(platform: &Platform, moves: u32) -> anyhow::Result<Moves> {
    let done = stream::iter(0..moves).map(|number| one(platform, number)).buffer_unordered(AT_ONCE);
    let all: Vec<_> = done.try_collect().await?;
    let mut together = Moves::default();
    for (pause_ms, seen) in all {
        together.pauses.0.push(pause_ms);
        together.saw(seen);
    }
    Ok(together)
}

async fn one(platform: &Platform, number: u32) -> anyhow::Result<(f64, Seen)> {
    let slug = format!("small-{number}");
    let institution = platform.institution_on(&slug, "shard-a").await?;
    fill(&platform.superuser_of("shard-a")?, &institution, SMALL_ROWS).await?;
    let stop = CancellationToken::new();
    let writing = writers::run(platform, institution, SMALL_ROWS, WRITES_PER_SECOND, &stop);
    let moving = async {
        let moved = mover::run(platform, institution, "shard-b").await;
        stop.cancel();
        moved
    };
    let (seen, moved) = tokio::try_join!(writing, moving)?;
    Ok((moved.pause_ms, seen))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn shares_are_places_in_order() {
        let numbers = Numbers((1..=100).rev().map(f64::from).collect());
        assert!((numbers.at(0.5) - 51.0).abs() < 1e-9 && (numbers.at(1.0) - 100.0).abs() < 1e-9);
        assert!(Numbers::default().at(0.5).abs() < 1e-9);
        let few = Numbers(vec![25.0, 26.0, 2_000.0]);
        assert_eq!(few.histogram(), " 20.0 to 30.0: 2, 1000 to more: 1");
    }
}
