//! Moves: their steps, rows, keys to catch up with over time, time in state, ETA, retries; and the plans that begin them.
//!
//! What must stay true: a curve shows what was seen while somebody looked, and nothing in between.

use std::collections::{BTreeMap, VecDeque};
use std::fmt::Write as _;
use std::sync::{Mutex, PoisonError};
use std::time::{Duration, Instant};

use askama::Template;
use chrono::{DateTime, TimeDelta, Utc};
use control_api::{Move, Plan, STEPS, short_digits, span};
use service_kit::clock;
use shard_map::{InstitutionId, PlanKind, PlanState};
use uuid::Uuid;

use super::words::{count, millis, time};
use super::{Inner, rendered};
use crate::error::Error;
use crate::service::Platform;

const ACTIVE_MAX: i64 = 50;
const ENDED_MAX: usize = 20;
const LIST_MAX: i64 = 100;
const PLANS_MAX: i64 = 10;
/// Points of a curve, and the time between two.
const POINTS_MAX: usize = 120;
const POINT_EVERY: Duration = Duration::from_millis(900);
/// The box that a curve is drawn into.
const WIDTH: usize = 200;
const HEIGHT: i64 = 32;

/// Keys to catch up with, of each move that somebody watches.
#[derive(Debug, Default)]
pub(super) struct Curves(Mutex<BTreeMap<Uuid, VecDeque<(Instant, i64)>>>);

impl Curves {
    /// Notes where moves are, forgets those that have ended, and answers each one's curve.
    fn of(&self, moves: &[Move], now: Instant) -> BTreeMap<Uuid, Vec<i64>> {
        let mut all = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        all.retain(|id, _| moves.iter().any(|it| it.id == *id));
        for it in moves {
            let points = all.entry(it.id).or_default();
            if points.back().is_none_or(|(at, _)| now.duration_since(*at) >= POINT_EVERY) {
                points.push_back((now, it.keys_to_catch_up));
            }
            if points.len() > POINTS_MAX {
                points.pop_front();
            }
        }
        let keys =
            |points: &VecDeque<(Instant, i64)>| points.iter().map(|(_, keys)| *keys).collect();
        all.iter().map(|(id, points)| (*id, keys(points))).collect()
    }
}

#[derive(Template)]
#[template(path = "console/moves.html")]
struct Moves {
    plans: Vec<PlanRow>,
    active: Vec<Row>,
    ended: Vec<Ended>,
}

struct PlanRow {
    name: String,
    what: String,
    progress: String,
    eta: String,
}

struct Row {
    name: String,
    slug: String,
    institution: InstitutionId,
    from: String,
    to: String,
    phase: String,
    steps: Vec<(&'static str, &'static str)>,
    given_up: Option<String>,
    percent: usize,
    rows: String,
    keys: String,
    curve: Option<String>,
    in_state: String,
    eta: String,
    retries: String,
    traffic: String,
}

/// A line of moves that have ended.
pub(super) struct Ended {
    pub(super) name: String,
    pub(super) slug: String,
    pub(super) institution: InstitutionId,
    pub(super) from: String,
    pub(super) to: String,
    pub(super) phase: String,
    pub(super) is_well: bool,
    pub(super) rows: String,
    pub(super) pause: String,
    pub(super) took: String,
    pub(super) started: String,
    pub(super) why: String,
}

pub(super) async fn body(inner: &Inner) -> Result<String, Error> {
    let platform = &inner.platform;
    let active = platform.moves(None, true, ACTIVE_MAX).await?;
    let mut ended = platform.moves(None, false, LIST_MAX).await?;
    ended.retain(|it| !it.is_active());
    ended.truncate(ENDED_MAX);
    let plans = platform.plans(PLANS_MAX).await?;
    let slugs = slugs(platform, active.iter().chain(&ended)).await?;
    let curves = inner.curves.of(&active, Instant::now());
    let now = clock::now();
    let slug = |it: &Move| {
        slugs.get(&it.institution).cloned().unwrap_or_else(|| it.institution.to_string())
    };
    let shown = |it: &Move| row(it, slug(it), curves.get(&it.id), now);
    // A plan of one move is that move.
    let open = |plan: &&Plan| {
        plan.kind != PlanKind::Move && matches!(plan.state, PlanState::Running | PlanState::Paused)
    };
    Ok(rendered(&Moves {
        plans: plans.iter().filter(open).map(plan).collect(),
        active: active.iter().map(shown).collect(),
        ended: ended.iter().map(|it| line(it, slug(it), now)).collect(),
    }))
}

async fn slugs(
    platform: &Platform,
    moves: impl Iterator<Item = &Move>,
) -> Result<BTreeMap<InstitutionId, String>, Error> {
    let mut ids: Vec<_> = moves.map(|it| it.institution).collect();
    ids.sort_unstable();
    ids.dedup();
    let limit = i64::try_from(ids.len().max(1)).unwrap_or(i64::MAX);
    let page = platform.institutions(None, Some(&ids), 1, limit).await?;
    Ok(page.items.into_iter().map(|it| (it.id, it.slug)).collect())
}

fn plan(plan: &Plan) -> PlanRow {
    let progress = plan.progress;
    let shard = plan.shard.as_ref().map(|shard| format!(" of {shard}")).unwrap_or_default();
    let window =
        plan.window.map(|hours| format!(", from {}:00 to {}:00 UTC", hours.from, hours.to));
    let mut shown =
        format!("{} done, {} moving, {} waiting", progress.done, progress.moving, progress.waiting);
    for (number, word) in [(progress.aborted, "given up"), (progress.skipped, "left out")] {
        if number > 0 {
            // Writing to a String cannot fail.
            let _ = write!(shown, ", {number} {word}");
        }
    }
    PlanRow {
        name: format!("pl-{}", short_digits(plan.id)),
        what: format!("{}{shard}, {}{}", plan.kind, plan.state, window.unwrap_or_default()),
        progress: shown,
        eta: eta(plan.eta_seconds),
    }
}

fn eta(seconds: Option<i64>) -> String {
    let time = seconds.and_then(TimeDelta::try_seconds);
    time.map_or_else(|| "not known yet".to_owned(), span)
}

fn row(it: &Move, slug: String, curve: Option<&Vec<i64>>, now: DateTime<Utc>) -> Row {
    let at = it.step();
    let state = |number: usize| match at {
        Some(at) if number < at => "done",
        Some(at) if number == at => "now",
        _ => "next",
    };
    let retries = match it.retries.last() {
        None => "0".to_owned(),
        Some(last) => {
            format!("{} (last {} ago: {})", it.retries.len(), span(now - last.at), last.why)
        }
    };
    let traffic = match it.traffic() {
        (shard, true) => format!("{shard}, held back for a moment"),
        (shard, false) => shard.to_string(),
    };
    Row {
        name: it.short(),
        slug,
        institution: it.institution,
        from: it.from.to_string(),
        to: it.to.to_string(),
        phase: it.phase.to_string(),
        steps: STEPS.iter().enumerate().map(|(number, name)| (*name, state(number))).collect(),
        given_up: at.is_none().then(|| it.why_given_up().to_owned()),
        percent: it.percent(),
        rows: format!("{} of {}", count(it.rows_copied), count(it.rows)),
        keys: count(it.keys_to_catch_up),
        curve: curve.and_then(|keys| points(keys)),
        in_state: span(now - it.phase_started_at),
        eta: if it.step().is_some_and(|at| at > 2) {
            "–".to_owned()
        } else {
            eta(it.eta_seconds)
        },
        retries,
        traffic,
    }
}

/// A move that has ended, as a line.
pub(super) fn line(it: &Move, slug: String, now: DateTime<Utc>) -> Ended {
    let is_well = it.step().is_some();
    Ended {
        name: it.short(),
        slug,
        institution: it.institution,
        from: it.from.to_string(),
        to: it.to.to_string(),
        phase: it.phase.to_string(),
        is_well,
        rows: count(it.rows_copied),
        pause: it.pause_ms.map_or_else(|| "–".to_owned(), millis),
        took: span(it.finished_at.unwrap_or(now) - it.started_at),
        started: time(it.started_at),
        why: if is_well { String::new() } else { it.why_given_up().to_owned() },
    }
}

/// A polyline's points; none before there are two.
fn points(keys: &[i64]) -> Option<String> {
    let last = keys.len().checked_sub(1).filter(|last| *last > 0)?;
    let most = keys.iter().copied().max().unwrap_or(0).max(1);
    let point = |(at, keys): (usize, &i64)| {
        format!("{},{}", at * WIDTH / last, HEIGHT - 1 - keys.max(&0) * (HEIGHT - 2) / most)
    };
    Some(keys.iter().enumerate().map(point).collect::<Vec<_>>().join(" "))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_curve_fills_its_box_from_the_second_point_on() {
        assert_eq!(points(&[5]), None);
        assert_eq!(points(&[0, 10, 5]).as_deref(), Some("0,31 100,1 200,16"));
        assert_eq!(points(&[0, 0]).as_deref(), Some("0,31 200,31"));
    }
}
