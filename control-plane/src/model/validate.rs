//! What is accepted from outside, field by field: what is wrong, where, and what is allowed.

use std::net::SocketAddr;
use std::str::FromStr;

use chrono_tz::Tz;
use control_api::{DownReason, ShardPostgres};
use control_api::{Dsn, Heartbeat, NewInstitution, NewShard, NodeRegistration, ShardChange};
use service_kit::problem::FieldProblem;
use sqlx::postgres::PgConnectOptions;

const SLUG_MAX_BYTES: usize = 63;
const NAME_MAX_CHARS: usize = 200;
const REASON_MAX_CHARS: usize = 500;
const WEIGHT_MAX: u32 = 100;
const ADDRESSES_MAX: usize = 64;
const DSN_MAX_BYTES: usize = 2_048;
const LOAD_MAX: f64 = 1_000.0;

/// Checks a new institution; all wrong fields at once.
pub fn institution(new: &NewInstitution) -> Vec<FieldProblem> {
    let mut wrong = Vec::new();
    let letters = |b: u8| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'-';
    if new.slug.is_empty() || new.slug.len() > SLUG_MAX_BYTES || !new.slug.bytes().all(letters) {
        wrong.push(FieldProblem::new("/slug", "slug", "1 to 63 of a-z, 0-9 and -"));
    }
    if !is_line(&new.name, NAME_MAX_CHARS) {
        let allowed = "1 to 200 characters, not only spaces, no control characters";
        wrong.push(FieldProblem::new("/name", "name", allowed));
    }
    if Tz::from_str(&new.timezone).is_err() {
        let allowed = "a time zone of the IANA database, such as Europe/London";
        wrong.push(FieldProblem::new("/timezone", "timezone", allowed));
    }
    wrong
}

/// Checks a new shard.
pub fn shard(new: &NewShard) -> Vec<FieldProblem> {
    let mut wrong = weight(new.weight);
    wrong.extend(postgres(&new.postgres));
    wrong.extend(redis(&new.redis));
    wrong
}

/// Checks a change of a shard.
pub fn shard_change(change: &ShardChange) -> Vec<FieldProblem> {
    // A weight of 0: nobody by the ring.
    let mut wrong = change.weight.filter(|of_it| *of_it > 0).map(weight).unwrap_or_default();
    wrong.extend(change.postgres.as_ref().map(postgres).unwrap_or_default());
    wrong.extend(change.redis.as_deref().map(redis).unwrap_or_default());
    if *change == ShardChange::default() {
        let allowed = "at least one of weight, capacity, postgres, redis";
        wrong.push(FieldProblem::new("", "nothing-to-change", allowed));
    }
    wrong
}

/// Checks a node's registration.
pub fn node(node: &NodeRegistration) -> Vec<FieldProblem> {
    let mut wrong = Vec::new();
    if !is_reachable(&node.url) {
        let allowed = "http://ip:port, as routers reach the node";
        wrong.push(FieldProblem::new("/url", "url", allowed));
    }
    if node.admin_url.as_deref().is_some_and(|url| !is_reachable(url)) {
        let allowed = "http://ip:port, as the control plane reaches the node's /readyz";
        wrong.push(FieldProblem::new("/adminUrl", "url", allowed));
    }
    wrong
}

/// `http://ip:port` that somebody else can connect to.
fn is_reachable(url: &str) -> bool {
    let address = url.strip_prefix("http://").map(str::parse::<SocketAddr>);
    matches!(address, Some(Ok(address)) if address.port() != 0 && !address.ip().is_unspecified())
}

/// Checks a heartbeat.
pub fn heartbeat(beat: &Heartbeat) -> Vec<FieldProblem> {
    if (0.0..=LOAD_MAX).contains(&beat.load) {
        Vec::new()
    } else {
        vec![FieldProblem::new("/load", "load", "0 to 1000; 1 is at its limit")]
    }
}

/// Checks why a node is held down.
pub fn down_reason(down: &DownReason) -> Vec<FieldProblem> {
    if is_line(&down.reason, REASON_MAX_CHARS) {
        Vec::new()
    } else {
        vec![FieldProblem::new("/reason", "reason", "1 to 500 characters: what was seen")]
    }
}

fn is_line(text: &str, max_chars: usize) -> bool {
    !text.trim().is_empty()
        && text.chars().count() <= max_chars
        && !text.chars().any(char::is_control)
}

fn weight(weight: u32) -> Vec<FieldProblem> {
    if (1..=WEIGHT_MAX).contains(&weight) {
        Vec::new()
    } else {
        vec![FieldProblem::new("/weight", "weight", "1 to 100")]
    }
}

fn postgres(postgres: &ShardPostgres) -> Vec<FieldProblem> {
    // What was sent is not repeated: it may hold a password.
    let allowed = "postgres://user:password@host:port/database";
    let fits = |dsn: &Dsn| {
        let url = dsn.expose();
        let scheme = url.starts_with("postgres://") || url.starts_with("postgresql://");
        scheme && url.len() <= DSN_MAX_BYTES && PgConnectOptions::from_str(url).is_ok()
    };
    let mut wrong = Vec::new();
    if !fits(&postgres.primary) {
        wrong.push(FieldProblem::new("/postgres/primary", "dsn", allowed));
    }
    for (index, _) in postgres.replicas.iter().enumerate().filter(|(_, dsn)| !fits(dsn)) {
        wrong.push(FieldProblem::new(format!("/postgres/replicas/{index}"), "dsn", allowed));
    }
    if postgres.replicas.len() > ADDRESSES_MAX {
        wrong.push(FieldProblem::new("/postgres/replicas", "too-many", "at most 64"));
    }
    wrong
}

fn redis(nodes: &[Dsn]) -> Vec<FieldProblem> {
    let fits = |dsn: &Dsn| {
        let url = dsn.expose();
        let host = url.strip_prefix("redis://").or_else(|| url.strip_prefix("rediss://"));
        host.is_some_and(|host| !host.is_empty()) && url.len() <= DSN_MAX_BYTES
    };
    let mut wrong = Vec::new();
    for (index, _) in nodes.iter().enumerate().filter(|(_, dsn)| !fits(dsn)) {
        wrong.push(FieldProblem::new(format!("/redis/{index}"), "dsn", "redis://host:port"));
    }
    if nodes.len() > ADDRESSES_MAX {
        wrong.push(FieldProblem::new("/redis", "too-many", "at most 64"));
    }
    wrong
}

#[cfg(test)]
mod tests {
    use super::*;

    fn institution_with(slug: &str, name: &str, timezone: &str) -> Vec<String> {
        let new = NewInstitution {
            id: None,
            slug: slug.to_owned(),
            name: name.to_owned(),
            timezone: timezone.to_owned(),
            shard: None,
        };
        institution(&new).into_iter().map(|field| field.pointer).collect()
    }

    #[test]
    fn a_good_institution_passes() {
        assert!(institution_with("north-west-1", "Nord-West", "Europe/London").is_empty());
    }

    #[test]
    fn each_wrong_field_of_an_institution_is_named() {
        let long = "a".repeat(64);
        for slug in ["", "A", "a_b", "a b", "ä", long.as_str()] {
            assert_eq!(institution_with(slug, "x", "UTC"), ["/slug"], "{slug:?}");
        }
        for name in ["", "  ", "a\nb", "a\0", "x".repeat(201).as_str()] {
            assert_eq!(institution_with("a", name, "UTC"), ["/name"], "{name:?}");
        }
        for timezone in ["", "Mars/Olympus", "+01:00"] {
            assert_eq!(institution_with("a", "x", timezone), ["/timezone"], "{timezone:?}");
        }
    }

    #[test]
    fn a_shard_with_a_wrong_dsn_is_told_so_without_repeating_it() {
        let new: NewShard = serde_json::from_value(serde_json::json!({
            "id": "shard-a", "weight": 0,
            "postgres": {"primary": "mysql://u:sesame@h/d"}, "redis": ["h:1"],
        }))
        .expect("a shard");
        let wrong = shard(&new);
        let pointers: Vec<_> = wrong.iter().map(|field| field.pointer.as_str()).collect();
        assert_eq!(pointers, ["/weight", "/postgres/primary", "/redis/0"]);
        assert!(!format!("{wrong:?} {new:?}").contains("sesame"));
    }

    #[test]
    fn a_node_is_reached_by_an_address_not_a_name() {
        let with = |url: &str| {
            node(&NodeRegistration {
                id: "n".parse().expect("an id"),
                shard: "s".parse().expect("an id"),
                url: "http://127.0.0.1:8080".to_owned(),
                admin_url: Some(url.to_owned()),
            })
        };
        assert!(with("http://127.0.0.1:8080").is_empty());
        assert!(with("http://[::1]:8080").is_empty());
        for bad in ["", "127.0.0.1:1", "http://host:1", "http://0.0.0.0:80", "http://1.2.3.4:1/x"] {
            assert_eq!(with(bad).len(), 1, "{bad}");
        }
    }
}
