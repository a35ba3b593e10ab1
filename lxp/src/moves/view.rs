//! How a move looks to people: the block of `lxp move status`, the line of a log, the row of a list. Pure.

use chrono::{DateTime, TimeDelta, Utc};
use control_api::{Move, Retry, STEPS, span};
use indicatif::HumanCount;
use shard_map::MovePhase;

const BAR_WIDTH: usize = 16;
/// So many retries are kept by the control plane: there may have been more.
const RETRIES_KEPT: usize = 20;

/// Four lines: where it is, its steps, its rows, what comes next.
pub(super) fn block(it: &Move, slug: &str, now: DateTime<Utc>) -> String {
    let Move { from, to, .. } = it;
    let (rows, retries) = (rows(it), retries(it, now));
    let pause = it.pause_ms.map_or_else(String::new, |ms| format!("    pause {}", millis(ms)));
    let next = next(it, slug);
    format!(
        "{}  {slug}  {from} -> {to}   {}\n {}\n {rows}   to catch up {} keys   {retries}\n traffic: {}{pause}    next: {next}\n",
        it.short(),
        state(it, now),
        steps(it),
        HumanCount(it.keys_to_catch_up.unsigned_abs()),
        traffic(it),
    )
}

/// The same in one line, for where nothing can be repainted.
pub(super) fn line(it: &Move, slug: &str, now: DateTime<Utc>) -> String {
    let Move { from, to, .. } = it;
    let why =
        it.cancel_reason.as_ref().map_or_else(String::new, |why| format!("   given up: {why}"));
    let pause = it.pause_ms.map_or_else(String::new, |ms| format!("   pause {}", millis(ms)));
    format!(
        "{}  {slug}  {from} -> {to}   {}   rows {}%   {}{pause}{why}\n",
        it.short(),
        state(it, now),
        it.percent(),
        retries(it, now),
    )
}

/// What of a move is worth a new line: not each row, not each second, not each time that the same fails again.
pub(super) fn landmark(it: &Move) -> impl PartialEq + use<> {
    (
        it.phase,
        it.step(),
        it.percent() / 10,
        it.retries.last().map(|retry| retry.why.clone()),
        it.cancel_reason.clone(),
    )
}

/// `COPYING 2/6   in this state 18s   ETA 22s`.
fn state(it: &Move, now: DateTime<Utc>) -> String {
    let word = it.phase.as_str().to_uppercase();
    if let Some(finished_at) = it.finished_at {
        return format!("{word}   took {}", span(finished_at - it.started_at));
    }
    let step = it.step().map_or_else(String::new, |step| format!(" {}/{}", step + 1, STEPS.len()));
    let eta = it.eta_seconds.map_or_else(String::new, |s| {
        format!("   ETA {}", span(TimeDelta::try_seconds(s).unwrap_or(TimeDelta::MAX)))
    });
    format!("{word}{step}   in this state {}{eta}", span(now - it.phase_started_at))
}

/// ` ok prepare  > copy  . catch up ...`.
fn steps(it: &Move) -> String {
    let Some(at) = it.step() else { return format!("given up: {}", it.why_given_up()) };
    let word = |(number, name): (usize, &&str)| match number.cmp(&at) {
        std::cmp::Ordering::Less => format!("ok {name}"),
        std::cmp::Ordering::Equal => format!("> {name}"),
        std::cmp::Ordering::Greater => format!(". {name}"),
    };
    STEPS.iter().enumerate().map(word).collect::<Vec<_>>().join("  ")
}

/// `rows 61% ==========------`.
fn rows(it: &Move) -> String {
    let percent = it.percent();
    let full = percent * BAR_WIDTH / 100;
    format!("rows {percent}% {}{}", "=".repeat(full), "-".repeat(BAR_WIDTH - full))
}

/// `retries 1 (target restarted 12s ago)`.
fn retries(it: &Move, now: DateTime<Utc>) -> String {
    let count = it.retries.len();
    let more = if count >= RETRIES_KEPT { "+" } else { "" };
    match it.retries.last() {
        None => "retries 0".to_owned(),
        Some(Retry { at, why }) => format!("retries {count}{more} ({why} {} ago)", span(now - at)),
    }
}

/// Who answers requests.
fn traffic(it: &Move) -> String {
    match it.traffic() {
        (shard, true) => format!("{shard}, held back for a moment"),
        (shard, false) => shard.to_string(),
    }
}

fn next(it: &Move, slug: &str) -> String {
    match (it.phase, it.step()) {
        (MovePhase::Done, _) => "nothing is left to do".to_owned(),
        (MovePhase::Aborting, _) => format!("what {} has of it is deleted", it.to),
        (MovePhase::Aborted, _) => format!("lxp move start {slug} --to {} tries again", it.to),
        (_, Some(step)) => (*STEPS.get(step + 1).unwrap_or(&"done")).to_owned(),
        (_, None) => "-".to_owned(),
    }
}

/// `43 ms`, `1.2s`.
fn millis(ms: f64) -> String {
    if ms < 1_000.0 { format!("{ms:.0} ms") } else { format!("{:.1}s", ms / 1_000.0) }
}

/// A row of `lxp move list`.
pub(super) fn row(it: &Move, slug: &str, now: DateTime<Utc>) -> Vec<String> {
    vec![
        it.short(),
        slug.to_owned(),
        it.from.to_string(),
        it.to.to_string(),
        it.phase.to_string(),
        HumanCount(it.rows.unsigned_abs()).to_string(),
        it.pause_ms.map_or_else(|| "-".to_owned(), millis),
        it.started_at.format("%F %T").to_string(),
        span(it.finished_at.unwrap_or(now) - it.started_at),
        it.requested_by.clone(),
    ]
}

#[cfg(test)]
mod tests {
    use control_api::MoveEpochs;
    use shard_map::{Epoch, InstitutionId};
    use uuid::Uuid;

    use super::*;

    fn at(s: i64) -> DateTime<Utc> {
        DateTime::from_timestamp(1_795_000_000 + s, 0).expect("a time")
    }

    /// At 100 s: a move that began at 0 s and entered its phase at 82 s.
    fn moving(phase: MovePhase) -> Move {
        Move {
            id: Uuid::from_u128(0x0199_0000_0000_7000_8000_0000_8f2c_91ab),
            plan: None,
            institution: InstitutionId::new(Uuid::nil()),
            from: "shard-a".parse().expect("an id"),
            to: "shard-c".parse().expect("an id"),
            phase,
            epochs: MoveEpochs::after(Epoch(1)),
            rows: 1_000,
            rows_copied: 615,
            keys_to_catch_up: 0,
            round: 7,
            pause_ms: None,
            requested_by: "ann".to_owned(),
            cancel_reason: None,
            started_at: at(0),
            phase_started_at: at(82),
            finished_at: None,
            eta_seconds: None,
            retries: vec![],
        }
    }

    fn shown(it: &Move) -> String {
        block(it, "inst-017", at(100))
    }

    #[test]
    fn a_copy_shows_its_step_rows_keys_time_eta_and_the_last_retry() {
        let mut it = moving(MovePhase::Copying);
        it.eta_seconds = Some(82);
        it.keys_to_catch_up = 1_212;
        it.retries = vec![Retry { at: at(88), why: "target restarted".to_owned() }];
        let golden = "\
mv-8f2c91ab  inst-017  shard-a -> shard-c   COPYING 2/6   in this state 18s   ETA 1m 22s
 ok prepare  > copy  . catch up  . verify  . cutover  . clean up
 rows 61% =========-------   to catch up 1,212 keys   retries 1 (target restarted 12s ago)
 traffic: shard-a    next: catch up
";
        assert_eq!(shown(&it), golden);
        let line_golden = "mv-8f2c91ab  inst-017  shard-a -> shard-c   COPYING 2/6   in this state 18s   ETA 1m 22s   \
                           rows 61%   retries 1 (target restarted 12s ago)\n";
        assert_eq!(line(&it, "inst-017", at(100)), line_golden);
    }

    #[test]
    fn each_phase_has_its_step_its_traffic_and_what_comes_next() {
        let mut told = vec![];
        for phase in [
            MovePhase::Preflight,
            MovePhase::Verifying,
            MovePhase::Closing,
            MovePhase::Cutover,
            MovePhase::Cleaning,
        ] {
            let text = shown(&moving(phase));
            let lines: Vec<&str> = text.lines().collect();
            let word = lines[0].rsplit("   ").nth(1).expect("a state");
            told.push(format!("{word}|{}|{}\n", lines[1], lines[3]));
        }
        let golden = "\
PREFLIGHT 1/6| > prepare  . copy  . catch up  . verify  . cutover  . clean up| traffic: shard-a    next: copy
VERIFYING 4/6| ok prepare  ok copy  ok catch up  > verify  . cutover  . clean up| traffic: shard-a    next: cutover
CLOSING 5/6| ok prepare  ok copy  ok catch up  ok verify  > cutover  . clean up| traffic: shard-a    next: clean up
CUTOVER 5/6| ok prepare  ok copy  ok catch up  ok verify  > cutover  . clean up| traffic: shard-a, held back for a moment    next: clean up
CLEANING 6/6| ok prepare  ok copy  ok catch up  ok verify  ok cutover  > clean up| traffic: shard-c    next: done
";
        assert_eq!(told.concat(), golden);
    }

    #[test]
    fn what_is_copied_is_caught_up_with() {
        let mut it = moving(MovePhase::Copying);
        it.rows_copied = 1_003;
        let text = shown(&it);
        assert!(text.contains("COPYING 3/6") && text.contains("ok copy  > catch up"), "{text}");
        assert!(text.contains("rows 100% ================ "), "{text}");
        it.rows = 0;
        it.rows_copied = 0;
        assert!(shown(&it).contains("rows 100%"), "an empty institution is copied at once");
    }

    #[test]
    fn a_move_that_ended_shows_how_long_it_took_and_its_pause() {
        let mut it = moving(MovePhase::Done);
        it.finished_at = Some(at(95));
        it.pause_ms = Some(43.4);
        let golden = "\
mv-8f2c91ab  inst-017  shard-a -> shard-c   DONE   took 1m 35s
 ok prepare  ok copy  ok catch up  ok verify  ok cutover  ok clean up
 rows 100% ================   to catch up 0 keys   retries 0
 traffic: shard-c    pause 43 ms    next: nothing is left to do
";
        assert_eq!(shown(&it), golden);
    }

    #[test]
    fn one_that_is_given_up_says_why_and_what_to_do() {
        let mut it = moving(MovePhase::Aborting);
        it.cancel_reason = Some("cancelled by ann".to_owned());
        let golden = "\
mv-8f2c91ab  inst-017  shard-a -> shard-c   ABORTING   in this state 18s
 given up: cancelled by ann
 rows 61% =========-------   to catch up 0 keys   retries 0
 traffic: shard-a    next: what shard-c has of it is deleted
";
        assert_eq!(shown(&it), golden);
        it.phase = MovePhase::Aborted;
        assert!(shown(&it).contains("next: lxp move start inst-017 --to shard-c tries again"));
    }

    #[test]
    fn a_line_is_due_for_a_step_a_tenth_of_the_rows_and_a_retry_alone() {
        let it = moving(MovePhase::Copying);
        let with = |change: fn(&mut Move)| {
            let mut other = it.clone();
            change(&mut other);
            landmark(&other) != landmark(&it)
        };
        assert!(!with(|it| (it.rows_copied, it.keys_to_catch_up, it.round) = (690, 9, 8)));
        assert!(with(|it| it.rows_copied = 700));
        assert!(with(|it| it.phase = MovePhase::Verifying));
        assert!(with(|it| it.retries = vec![Retry { at: at(1), why: "x".to_owned() }]));
        let failed = |at| Retry { at, why: "x".to_owned() };
        let (mut once, mut twice) = (it.clone(), it.clone());
        once.retries = vec![failed(at(1))];
        twice.retries = vec![failed(at(1)), failed(at(2))];
        assert!(landmark(&once) == landmark(&twice), "the same again is no news");
    }

    #[test]
    fn retries_beyond_those_that_are_kept_and_clocks_that_differ_are_shown_as_such() {
        let mut it = moving(MovePhase::Copying);
        it.retries = vec![Retry { at: at(101), why: "x".to_owned() }; RETRIES_KEPT];
        assert!(shown(&it).contains("retries 20+ (x 0s ago)"));
        assert_eq!(span(TimeDelta::seconds(3_780)), "1h 03m");
    }
}
