//! Overview: how it is in one sentence, the figures behind it, who follows the map, what happened last.

use std::time::Instant;

use askama::Template;
use chrono::TimeDelta;
use control_api::{Event, span};

use super::health::{Health, Known, judge};
use super::traffic::Figures;
use super::words::{count, counted, time};
use super::{Inner, rendered};
use crate::error::Error;
use crate::feed::followers::Follower;

const MOVES_MAX: i64 = 200;
const EVENTS_MAX: i64 = 15;

#[derive(Template)]
#[template(path = "console/overview.html")]
struct Overview {
    health: Health,
    traffic: Traffic,
    version: String,
    routers: Vec<RouterRow>,
    behind: usize,
    shards: String,
    nodes: String,
    institutions: String,
    moves: String,
    events: Vec<EventRow>,
}

/// Availability and p99, in words.
struct Traffic {
    availability: String,
    p99: String,
    of: String,
}

struct RouterRow {
    name: String,
    version: String,
    state: String,
    is_well: bool,
}

struct EventRow {
    at: String,
    kind: String,
    subject: String,
    detail: String,
}

pub(super) async fn body(inner: &Inner) -> Result<String, Error> {
    let platform = &inner.platform;
    let (shards, nodes) = (platform.shards().await?, platform.nodes().await?);
    let moves = platform.moves(None, true, MOVES_MAX).await?;
    let events = platform.events(None, EVENTS_MAX).await?;
    let figures = inner.traffic.figures(&nodes).await;
    let latest = platform.feed.latest().version();
    let followers = platform.feed.followers.all(Instant::now());
    let known =
        Known { shards: &shards, nodes: &nodes, moves: &moves, followers: &followers, latest };
    let routers: Vec<_> = followers.iter().map(|it| router(it, latest.0)).collect();
    let up = nodes.iter().filter(|node| node.state == shard_map::NodeState::Up).count();
    Ok(rendered(&Overview {
        health: judge(&known),
        traffic: traffic(figures.as_ref(), nodes.len()),
        version: count(latest.0),
        behind: routers.iter().filter(|router| !router.is_well).count(),
        routers,
        shards: counted(shards.len(), "shard"),
        nodes: format!("{up} of {} up", counted(nodes.len(), "node")),
        institutions: count(shards.iter().map(|shard| shard.institutions).sum()),
        moves: count(i64::try_from(moves.len()).unwrap_or(i64::MAX)),
        events: events.into_iter().map(event).collect(),
    }))
}

fn traffic(figures: Option<&Figures>, nodes: usize) -> Traffic {
    let unknown =
        |of: &str| Traffic { availability: "–".into(), p99: "–".into(), of: of.to_owned() };
    let Some(figures) = figures else {
        return unknown("measured from now on; known in a few seconds");
    };
    if figures.nodes == 0 {
        return unknown("no node's own figures can be read from here");
    }
    let of = format!(
        "{:.0} answers of {} of {} in {:.0} s",
        figures.answers,
        figures.nodes,
        counted(nodes, "node"),
        figures.seconds
    );
    if figures.answers < 1.0 {
        return unknown(&of);
    }
    // Cut, not rounded: 99.999 is not 100.
    let share = ((1.0 - figures.errors / figures.answers) * 100_000.0).floor() / 1_000.0;
    let p99 = match figures.p99_below_s {
        Some(s) if s < 1.0 => format!("≤ {} ms", s * 1_000.0),
        Some(s) => format!("≤ {s} s"),
        None => "> 10 s".to_owned(),
    };
    Traffic { availability: format!("{share} %"), p99, of }
}

fn router(it: &Follower, latest: i64) -> RouterRow {
    let behind = latest - it.version.0;
    let ago = span(TimeDelta::from_std(it.asked_ago).unwrap_or(TimeDelta::MAX));
    let (is_well, state) = match (it.is_silent(), behind) {
        (true, _) => (false, format!("silent for {ago}")),
        (false, ..=0) => (true, "has the newest".to_owned()),
        (false, behind) => (false, format!("{} behind", count(behind))),
    };
    RouterRow { name: it.name.clone(), version: count(it.version.0), state, is_well }
}

fn event(event: Event) -> EventRow {
    let Event { at, kind, subject, detail, .. } = event;
    let said = |value: &serde_json::Value| match value {
        serde_json::Value::String(text) => text.clone(),
        other => other.to_string(),
    };
    let detail = detail.as_object().into_iter().flatten();
    let detail: Vec<_> = detail.map(|(name, value)| format!("{name} {}", said(value))).collect();
    EventRow { at: time(at), kind, subject, detail: detail.join(", ") }
}
