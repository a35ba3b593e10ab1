//! Shards: how many institutions each has and is to have, its nodes, its databases and how far replicas are behind.

use std::collections::BTreeMap;

use askama::Template;
use chrono::TimeDelta;
use control_api::{DatabaseInspection, Node, Plan, Shard, short_digits, span};
use shard_map::{MovePhase, NodeState, PlanState, ShardId};

use super::databases::Known;
use super::words::count;
use super::{Inner, rendered};
use crate::error::Error;

/// Shards of one page: each page asks their databases.
const PAGE: usize = 25;
const PLANS_MAX: i64 = 10;
/// How long a bar is, in its own units.
const BAR: i64 = 200;

#[derive(Template)]
#[template(path = "console/shards.html")]
struct Shards {
    /// What the ghosts show.
    after: String,
    rows: Vec<Row>,
    number: i64,
    pages: i64,
}

struct Row {
    id: String,
    state: String,
    is_well: bool,
    weight: u32,
    nodes: String,
    load: String,
    institutions: String,
    after: String,
    bar: i64,
    ghost: i64,
    capacity: Option<i64>,
    databases: Vec<Database>,
    error: Option<String>,
    next: Option<String>,
}

struct Database {
    role: &'static str,
    place: String,
    state: String,
    is_well: bool,
}

pub(super) async fn body(inner: &Inner, number: i64) -> Result<String, Error> {
    let platform = &inner.platform;
    let (shards, nodes) = (platform.shards().await?, platform.nodes().await?);
    let plans = platform.plans(PLANS_MAX).await?;
    let placement = platform.feed.latest().map().placement_version();
    let open = open_plans(&plans, placement);
    let after = after(&shards, &open);
    let pages = i64::try_from(shards.len().div_ceil(PAGE).max(1)).unwrap_or(i64::MAX);
    let number = number.min(pages);
    let skipped = usize::try_from(number - 1).unwrap_or(0) * PAGE;
    let here: Vec<_> = shards.iter().skip(skipped).take(PAGE).collect();
    let ids: Vec<_> = here.iter().map(|shard| shard.id.clone()).collect();
    let known = inner.databases.of(platform, &ids).await;
    let most = shards.iter().map(|shard| shard.institutions.max(after[&shard.id])).max();
    let scale = most.unwrap_or(1).max(1);
    let row = |shard: &&Shard| row(shard, &nodes, after[&shard.id], known.get(&shard.id), scale);
    let rows = here.iter().map(row).collect();
    Ok(rendered(&Shards { after: said(&open), rows, number, pages }))
}

/// Plans that run; else the newest that is proposed and still fits.
fn open_plans(plans: &[Plan], placement: shard_map::MapVersion) -> Vec<&Plan> {
    let running = |plan: &&Plan| matches!(plan.state, PlanState::Running | PlanState::Paused);
    let running: Vec<_> = plans.iter().filter(running).collect();
    let fits = |plan: &&Plan| {
        plan.state == PlanState::Proposed
            && plan.placement_version == placement
            && !plan.moves.is_empty()
    };
    if running.is_empty() { plans.iter().find(fits).into_iter().collect() } else { running }
}

fn said(open: &[&Plan]) -> String {
    let Some(plan) = open.first() else {
        return "where pins and the ring want institutions; no plan is open".to_owned();
    };
    let of_one =
        |plan: &&Plan| format!("pl-{} ({}, {})", short_digits(plan.id), plan.kind, plan.state);
    let all: Vec<_> = open.iter().map(of_one).collect();
    let plans = if plan.state == PlanState::Proposed { "if applied" } else { "when it has ended" };
    format!("after plan {}, {plans}", all.join(", "))
}

/// How many institutions each shard will have.
fn after(shards: &[Shard], open: &[&Plan]) -> BTreeMap<ShardId, i64> {
    let mut after: BTreeMap<ShardId, i64> =
        shards.iter().map(|shard| (shard.id.clone(), shard.institutions)).collect();
    if open.is_empty() {
        for shard in shards {
            after.insert(shard.id.clone(), shard.institutions + shard.arriving - shard.leaving);
        }
        return after;
    }
    for it in open.iter().flat_map(|plan| &plan.moves).filter(|it| it.skipped.is_none()) {
        let arrived = matches!(it.phase, Some(MovePhase::Cleaning | MovePhase::Done));
        let given_up = matches!(it.phase, Some(MovePhase::Aborting | MovePhase::Aborted));
        if !arrived && !given_up {
            *after.entry(it.from.clone()).or_default() -= 1;
            *after.entry(it.to.clone()).or_default() += 1;
        }
    }
    after
}

fn row(shard: &Shard, nodes: &[Node], after: i64, known: Option<&Known>, scale: i64) -> Row {
    let of_shard: Vec<_> = nodes.iter().filter(|node| node.shard == shard.id).collect();
    let up = of_shard.iter().filter(|node| node.state == NodeState::Up).count();
    Row {
        id: shard.id.to_string(),
        state: shard.state.to_string(),
        is_well: up == of_shard.len() && up > 0 && shard.last_error.is_none(),
        weight: shard.weight,
        nodes: format!("{up} of {} up", of_shard.len()),
        load: shard.load.map_or_else(|| "–".to_owned(), |load| format!("{:.0} %", load * 100.0)),
        institutions: count(shard.institutions),
        after: count(after),
        bar: shard.institutions * BAR / scale,
        ghost: after.max(0) * (BAR - 1) / scale,
        capacity: shard.capacity,
        databases: databases(known),
        error: shard.last_error.clone(),
        next: shard.next.clone(),
    }
}

fn databases(known: Option<&Known>) -> Vec<Database> {
    let one = |state: &str| {
        vec![Database { role: "", place: String::new(), state: state.to_owned(), is_well: false }]
    };
    match known.map(|known| (&known.databases, known.at.elapsed())) {
        None => one("being asked"),
        Some((Err(why), _)) => one(why),
        Some((Ok(all), ago)) => {
            let ago = TimeDelta::from_std(ago).unwrap_or(TimeDelta::MAX);
            all.iter().map(|it| database(it, ago)).collect()
        }
    }
}

fn database(it: &DatabaseInspection, ago: TimeDelta) -> Database {
    let (is_well, state) = match (it.error.as_deref(), it.replica) {
        (Some(error), _) => (false, error.to_owned()),
        (None, false) if it.in_recovery == Some(true) => (false, "is in recovery".to_owned()),
        (None, false) => (true, "answers".to_owned()),
        (None, true) => match (it.receiving, it.lag_ms) {
            (Some(false), _) => (false, "receives nothing".to_owned()),
            (_, Some(0)) => (true, "has applied all it received".to_owned()),
            (_, Some(lag)) => (true, format!("{} ms behind", count(lag))),
            _ => (true, "answers".to_owned()),
        },
    };
    // A lag is old at once; how old it is, is said where it is not new.
    let state = if ago.num_seconds() > 9 { format!("{state} ({} ago)", span(ago)) } else { state };
    let role = if it.replica { "replica" } else { "primary" };
    Database { role, place: it.place.clone(), state, is_well }
}
