//! How a plan looks to people: what it would do, and how far it is. Pure.

use std::collections::BTreeMap;

use chrono::{DateTime, TimeDelta, Utc};
use control_api::{Hours, Plan, PlannedMove, short_digits, span};
use indicatif::{DecimalBytes, HumanCount};
use shard_map::{MovePhase, PlanKind, PlanState, ShardId};
use uuid::Uuid;

use crate::moves::find::Slugs;
use crate::output::{Format, View};

const HEADER: [&str; 6] = ["INSTITUTION", "FROM", "TO", "ROWS", "SIZE", "WHY"];
const BAR_WIDTH: i64 = 20;
/// Moves that did not arrive and are named one by one.
const NAMED_MAX: usize = 8;

/// A plan's name for people: its id's last digits, because the first ones are its time.
pub(crate) fn short(id: Uuid) -> String {
    format!("pl-{}", short_digits(id))
}

/// What it would do.
pub(crate) fn proposal(plan: &Plan, slugs: &Slugs) -> anyhow::Result<String> {
    let rows = plan.moves.iter().map(|planned| row(planned, slugs));
    let table = View::list(plan, &HEADER, rows, "")?.text(Format::Table);
    let notes = notes(plan);
    let next = match (plan.state, plan.moves.is_empty()) {
        (PlanState::Proposed, false) => format!(" next: lxp rebalance apply {}\n", plan.id),
        _ => String::new(),
    };
    Ok(format!("plan {}  {}\n{table} {}\n{notes}{next}", plan.id, aim(plan), sum(plan)))
}

fn notes(plan: &Plan) -> String {
    plan.notes.iter().map(|note| format!(" {note}\n")).collect::<Vec<_>>().concat()
}

/// `drain of shard-a, between 22 and 6 UTC`.
fn aim(plan: &Plan) -> String {
    let what = match (&plan.kind, &plan.shard) {
        (PlanKind::Drain, Some(shard)) => format!("drain of {shard}"),
        (kind, _) => kind.to_string(),
    };
    match plan.window {
        Some(Hours { from, to }) => format!("{what}, moves begin between {from} and {to} UTC"),
        None => what,
    }
}

fn row(planned: &PlannedMove, slugs: &Slugs) -> Vec<String> {
    let or_dash = |text: Option<String>| text.unwrap_or_else(|| "-".to_owned());
    let count = |rows: i64| HumanCount(rows.unsigned_abs()).to_string();
    let amount = |bytes: i64| DecimalBytes(bytes.unsigned_abs()).to_string();
    vec![
        slugs.name(planned.institution),
        planned.from.to_string(),
        planned.to.to_string(),
        or_dash(planned.rows.map(count)),
        or_dash(planned.bytes.map(amount)),
        planned.reason.clone(),
    ]
}

/// `3 institutions, 12,345 rows, 4.44 MB: shard-a -3, shard-c +3`.
fn sum(plan: &Plan) -> String {
    if plan.moves.is_empty() {
        return match plan.kind {
            PlanKind::Drain => "nobody is to leave it".to_owned(),
            _ => "nothing is to be moved: everybody lives where pins and the ring want them"
                .to_owned(),
        };
    }
    let mut changes: BTreeMap<&ShardId, i64> = BTreeMap::new();
    for planned in &plan.moves {
        *changes.entry(&planned.from).or_default() -= 1;
        *changes.entry(&planned.to).or_default() += 1;
    }
    let changes: Vec<_> = changes.iter().map(|(shard, by)| format!("{shard} {by:+}")).collect();
    let all = |of: fn(&PlannedMove) -> Option<i64>| plan.moves.iter().map(of).sum::<Option<i64>>();
    let size = match (all(|planned| planned.rows), all(|planned| planned.bytes)) {
        (Some(rows), Some(bytes)) => {
            let (rows, bytes) = (rows.unsigned_abs(), bytes.unsigned_abs());
            format!("{} rows, {}", HumanCount(rows), DecimalBytes(bytes))
        }
        _ => "not all shards say how many rows".to_owned(),
    };
    let (count, word) = counted(plan.moves.len());
    format!("{count} {word}, {size}: {}", changes.join(", "))
}

fn counted(count: usize) -> (usize, &'static str) {
    (count, if count == 1 { "institution" } else { "institutions" })
}

/// How far it is.
pub(crate) fn block(plan: &Plan, slugs: &Slugs, now: DateTime<Utc>) -> String {
    let progress = plan.progress;
    let eta = plan.eta_seconds.map_or_else(String::new, |s| {
        format!("   ETA {}", span(TimeDelta::try_seconds(s).unwrap_or(TimeDelta::MAX)))
    });
    let since = plan.applied_at.map_or_else(String::new, |at| format!("   for {}", span(now - at)));
    let since = if is_over(plan) { String::new() } else { since };
    let head = format!(
        "{}  {}   {}{since}{eta}\n",
        short(plan.id),
        aim(plan),
        plan.state.as_str().to_uppercase()
    );
    let all = i64::try_from(plan.moves.len()).unwrap_or(i64::MAX);
    let share = if all == 0 { BAR_WIDTH } else { progress.done * BAR_WIDTH / all };
    let full = usize::try_from(share).unwrap_or(0);
    let rest = usize::try_from(BAR_WIDTH - share).unwrap_or(0);
    let bar = format!("{}{}", "=".repeat(full), "-".repeat(rest));
    let counts = format!(
        " {bar} {} of {all} arrived   moving {}   waiting {}   given up {}   left out {}\n",
        progress.done, progress.moving, progress.waiting, progress.aborted, progress.skipped
    );
    let notes = notes(plan);
    format!("{head}{counts}{}{notes} next: {}\n", failed(plan, slugs), next(plan))
}

/// Whether nothing more will happen by it.
pub(crate) fn is_over(plan: &Plan) -> bool {
    let ended = matches!(plan.state, PlanState::Done | PlanState::Cancelled);
    ended && plan.progress.moving == 0
}

/// Those that did not arrive, and why.
fn failed(plan: &Plan, slugs: &Slugs) -> String {
    let aborted = |planned: &&PlannedMove| planned.phase == Some(MovePhase::Aborted);
    let given_up = plan.moves.iter().filter(aborted).map(|planned| {
        let slug = slugs.name(planned.institution);
        format!(
            " given up: {slug}, which is on {} as before: lxp move status {slug}\n",
            planned.from
        )
    });
    let skipped = plan.moves.iter().filter_map(|planned| {
        let why = planned.skipped.as_ref()?;
        Some(format!(" left out: {}: {why}\n", slugs.name(planned.institution)))
    });
    let all: Vec<String> = given_up.chain(skipped).collect();
    let more = match all.len().saturating_sub(NAMED_MAX) {
        0 => String::new(),
        more => format!(" and {more} more: lxp rebalance status {} -o json\n", plan.id),
    };
    format!("{}{more}", all[..all.len().min(NAMED_MAX)].concat())
}

fn next(plan: &Plan) -> String {
    let progress = plan.progress;
    match (plan.state, &plan.shard) {
        (PlanState::Proposed, _) => format!("lxp rebalance apply {}", plan.id),
        (PlanState::Paused, _) => format!("lxp rebalance resume {}", short(plan.id)),
        (PlanState::Running, _) if progress.moving > 0 => "lxp move status -w".to_owned(),
        (PlanState::Running, _) => match plan.window {
            Some(Hours { from, .. }) => format!("moves begin at {from} UTC"),
            None => "moves begin as there is room".to_owned(),
        },
        _ if progress.moving > 0 => "lxp move status -w".to_owned(),
        _ if progress.aborted + progress.skipped > 0 => match &plan.shard {
            Some(shard) => format!("lxp shard drain {shard} tries again"),
            None => "lxp rebalance plan tries again".to_owned(),
        },
        (PlanState::Done, Some(shard)) => format!("lxp shard remove {shard}"),
        _ => "nothing is left to do".to_owned(),
    }
}

#[cfg(test)]
pub(crate) mod tests {
    use serde_json::json;
    use shard_map::InstitutionId;

    use super::*;

    fn at(s: i64) -> DateTime<Utc> {
        DateTime::from_timestamp(1_795_000_000 + s, 0).expect("a time")
    }

    fn institution(number: u128) -> InstitutionId {
        InstitutionId::new(Uuid::from_u128(number))
    }

    fn slugs() -> Slugs {
        Slugs::of_these((1..20).map(|number| (institution(number), format!("inst-{number:03}"))))
    }

    /// Three institutions go to a shard that was added.
    pub(crate) fn plan() -> Plan {
        let move_of = |number: u128, from: &str| {
            json!({
                "institution": institution(number), "from": from, "to": "shard-c", "reason": "the ring gives it to shard-c",
                "rows": 4_115 * number, "bytes": 1_480_000 * number, "move": null,
            })
        };
        let json = json!({
            "id": "01990000-0000-7000-8000-00008f2c91ab", "kind": "rebalance", "placementVersion": 7,
            "state": "proposed", "moves": [move_of(1, "shard-a"), move_of(2, "shard-a"), move_of(3, "shard-b")],
            "createdBy": "ann", "createdAt": at(0), "appliedAt": null,
        });
        serde_json::from_value(json).expect("a plan")
    }

    #[test]
    fn a_proposal_says_who_moves_where_how_much_why_and_what_is_next() {
        let golden = "\
plan 01990000-0000-7000-8000-00008f2c91ab  rebalance
 INSTITUTION  FROM     TO       ROWS    SIZE     WHY
 inst-001     shard-a  shard-c  4,115   1.48 MB  the ring gives it to shard-c
 inst-002     shard-a  shard-c  8,230   2.96 MB  the ring gives it to shard-c
 inst-003     shard-b  shard-c  12,345  4.44 MB  the ring gives it to shard-c
 3 institutions, 24,690 rows, 8.88 MB: shard-a -2, shard-b -1, shard-c +3
 next: lxp rebalance apply 01990000-0000-7000-8000-00008f2c91ab
";
        assert_eq!(proposal(&plan(), &slugs()).expect("a text"), golden);
    }

    #[test]
    fn a_proposal_without_moves_says_so_and_what_stays() {
        let mut plan = Plan { moves: vec![], ..plan() };
        let golden = "\
plan 01990000-0000-7000-8000-00008f2c91ab  rebalance
 nothing is to be moved: everybody lives where pins and the ring want them
";
        assert_eq!(proposal(&plan, &slugs()).expect("a text"), golden);
        plan.notes = vec!["4 more belong on shard-b, which is full".to_owned()];
        plan.window = Some(Hours { from: 22, to: 6 });
        let text = proposal(&plan, &slugs()).expect("a text");
        assert!(text.contains(" 4 more belong on shard-b, which is full\n"), "{text}");
        assert!(text.contains("rebalance, moves begin between 22 and 6 UTC\n"), "{text}");
    }

    #[test]
    fn a_proposal_says_where_sizes_are_not_known() {
        let mut plan = plan();
        (plan.moves[1].rows, plan.moves[1].bytes) = (None, None);
        let text = proposal(&plan, &slugs()).expect("a text");
        assert!(
            text.contains(" inst-002     shard-a  shard-c  -       -        the ring"),
            "{text}"
        );
        assert!(
            text.contains("3 institutions, not all shards say how many rows: shard-a -2"),
            "{text}"
        );
    }

    fn running() -> Plan {
        let mut plan = plan();
        plan.state = PlanState::Running;
        plan.applied_at = Some(at(0));
        plan.moves[0].phase = Some(MovePhase::Done);
        plan.moves[1].phase = Some(MovePhase::Copying);
        (plan.progress.done, plan.progress.moving, plan.progress.waiting) = (1, 1, 1);
        plan.eta_seconds = Some(82);
        plan
    }

    #[test]
    fn a_plan_that_runs_shows_how_far_it_is_and_how_long_it_will_take() {
        let golden = "\
pl-8f2c91ab  rebalance   RUNNING   for 41s   ETA 1m 22s
 ======-------------- 1 of 3 arrived   moving 1   waiting 1   given up 0   left out 0
 next: lxp move status -w
";
        assert_eq!(block(&running(), &slugs(), at(41)), golden);
    }

    #[test]
    fn each_state_says_what_is_next() {
        let next_of = |change: fn(&mut Plan)| {
            let mut plan = running();
            change(&mut plan);
            next(&plan)
        };
        let idle = |plan: &mut Plan| (plan.progress.moving, plan.progress.waiting) = (0, 2);
        assert_eq!(next_of(idle), "moves begin as there is room");
        let night = next_of(|plan| {
            (plan.progress.moving, plan.window) = (0, Some(Hours { from: 22, to: 6 }));
        });
        assert_eq!(night, "moves begin at 22 UTC");
        assert_eq!(
            next_of(|plan| plan.state = PlanState::Paused),
            "lxp rebalance resume pl-8f2c91ab"
        );
        let done = next_of(|plan| {
            plan.state = PlanState::Done;
            (plan.progress.moving, plan.shard) = (0, "shard-a".parse().ok());
        });
        assert_eq!(done, "lxp shard remove shard-a");
    }

    #[test]
    fn a_plan_that_ended_names_who_did_not_arrive() {
        let mut plan = running();
        (plan.kind, plan.shard) = (PlanKind::Drain, "shard-a".parse().ok());
        plan.state = PlanState::Done;
        plan.moves[1].phase = Some(MovePhase::Aborted);
        plan.moves[2].skipped = Some("it is pinned to shard-b now".to_owned());
        (plan.progress.moving, plan.progress.waiting) = (0, 0);
        (plan.progress.aborted, plan.progress.skipped) = (1, 1);
        plan.eta_seconds = None;
        let golden = "\
pl-8f2c91ab  drain of shard-a   DONE
 ======-------------- 1 of 3 arrived   moving 0   waiting 0   given up 1   left out 1
 given up: inst-002, which is on shard-a as before: lxp move status inst-002
 left out: inst-003: it is pinned to shard-b now
 next: lxp shard drain shard-a tries again
";
        assert_eq!(block(&plan, &slugs(), at(41)), golden);
    }
}
