//! `work_ready`: who has something due is found however much others have, and looking costs little.

use std::collections::BTreeSet;

use serde_json::Value;
use shard_map::InstitutionId;
use shard_node::jobs::{JobSettings, Mode};
use shard_node::relay;
use sqlx::AssertSqlSafe;
use uuid::Uuid;

use super::Desk;

/// A desk at which nobody works.
async fn idle() -> Desk {
    let settings = JobSettings { mode: Mode::Serve, ..JobSettings::default() };
    Desk::open_with(settings, Vec::new).await
}

async fn ready(desk: &Desk, at_most: i32) -> BTreeSet<Uuid> {
    let ready: Vec<Uuid> = sqlx::query_scalar("SELECT institution_id FROM work_ready($1, 'jobs')")
        .bind(at_most)
        .fetch_all(&desk.sql)
        .await
        .expect("asked");
    ready.into_iter().collect()
}

/// Pages that one look touches, once its connection has a plan.
async fn pages(desk: &Desk, at_most: i32) -> i64 {
    let explain = format!(
        "EXPLAIN (ANALYZE, BUFFERS, FORMAT JSON) SELECT * FROM work_ready({at_most}, 'jobs')"
    );
    let mut connection = desk.sql.acquire().await.expect("a connection");
    let mut plan = Value::Null;
    for _ in 0..2 {
        let explained = sqlx::query_scalar(AssertSqlSafe(explain.clone()));
        plan = explained.fetch_one(&mut *connection).await.expect("a plan");
    }
    let plan = &plan[0]["Plan"];
    ["Shared Hit Blocks", "Shared Read Blocks"].iter().filter_map(|name| plan[name].as_i64()).sum()
}

async fn admit(desk: &Desk, count: usize) -> Vec<InstitutionId> {
    let mut admitted = Vec::new();
    for _ in 0..count {
        admitted.push(desk.shard.admit().await);
    }
    admitted
}

#[tokio::test]
async fn nobody_is_hidden_by_anothers_backlog_and_looking_is_cheap() {
    let desk = idle().await;
    desk.insert("LOUD", 100_000).await;
    let quiet = admit(&desk, 5).await;
    for institution in &quiet {
        desk.insert_with(*institution, "QUIET", 1, "priority", "0").await;
    }
    let expected: BTreeSet<_> =
        quiet.iter().chain([&desk.institution]).map(InstitutionId::as_uuid).collect();
    for _ in 0..20 {
        assert_eq!(ready(&desk, 100).await, expected);
    }
    let touched = pages(&desk, 100).await;
    println!("with 100,000 due jobs a look touches {touched} pages");
    assert!(touched < 1_500, "{touched} pages");
    desk.close().await;
}

#[tokio::test]
async fn those_whose_jobs_are_for_later_cost_nothing() {
    let desk = idle().await;
    desk.run(
        "INSERT INTO ownership (institution_id, state, epoch, owner)
         SELECT gen_random_uuid(), 'active', 1, 'shard-t' FROM generate_series(1, 1000);
         INSERT INTO jobs (institution_id, id, type, payload, run_at)
         SELECT institution_id, gen_random_uuid(), 'LATER', '{}', now() + interval '1 hour'
         FROM ownership, generate_series(1, 3)",
    )
    .await;
    assert!(ready(&desk, 100).await.is_empty());
    let touched = pages(&desk, 100).await;
    println!("with 1,000 institutions that have jobs for later a look touches {touched} pages");
    assert!(touched < 50, "{touched} pages");
    // The one with a due job is found among them, also behind a backlog that makes others be walked.
    let other = desk.shard.admit().await;
    desk.insert_with(other, "NOW", 1, "priority", "0").await;
    assert_eq!(ready(&desk, 100).await, BTreeSet::from([other.as_uuid()]));
    desk.insert("LOUD", 2_000).await;
    let expected = BTreeSet::from([other.as_uuid(), desk.institution.as_uuid()]);
    for _ in 0..20 {
        assert_eq!(ready(&desk, 100).await, expected);
    }
    let touched = pages(&desk, 100).await;
    println!("and {touched} pages where they are walked");
    assert!(touched < 10_000, "{touched} pages");
    desk.close().await;
}

#[tokio::test]
async fn who_is_left_out_comes_another_time() {
    let desk = idle().await;
    desk.run(
        "INSERT INTO ownership (institution_id, state, epoch, owner)
         SELECT gen_random_uuid(), 'active', 1, 'shard-t' FROM generate_series(1, 200);
         INSERT INTO jobs (institution_id, id, type, payload)
         SELECT institution_id, gen_random_uuid(), 'NOW', '{}' FROM ownership, generate_series(1, 3)",
    )
    .await;
    let mut seen = BTreeSet::new();
    for _ in 0..400 {
        let some = ready(&desk, 10).await;
        assert_eq!(some.len(), 10);
        seen.extend(some);
        if seen.len() == 201 {
            break;
        }
    }
    assert_eq!(seen.len(), 201, "somebody starves");
    desk.close().await;
}

#[tokio::test]
async fn leases_that_ran_out_and_what_need_not_be_kept_are_due_and_what_failed_is_not() {
    let desk = idle().await;
    let institutions = admit(&desk, 5).await;
    for (institution, (columns, values)) in institutions.iter().zip([
        ("state, leased_until", "'RUNNING', now() - interval '1 second'"),
        ("state, keep_until", "'DONE', now() - interval '1 second'"),
        ("state, leased_until", "'RUNNING', now() + interval '1 hour'"),
        ("state, keep_until", "'CANCELLED', now() + interval '1 hour'"),
        ("state, finished_at", "'FAILED', now() - interval '1 year'"),
    ]) {
        desk.insert_with(*institution, "ANY", 1, columns, values).await;
    }
    let expected = institutions[..2].iter().map(InstitutionId::as_uuid).collect();
    assert_eq!(ready(&desk, 100).await, expected);
    desk.close().await;
}

/// Events of an institution that the relay has not been at, since an hour.
async fn unrelayed(desk: &Desk, institution: InstitutionId, count: i32) {
    let events = format!(
        "INSERT INTO outbox_events (institution_id, id, type, aggregate, aggregate_id, aggregate_version, payload,
             touches, created_at)
         SELECT '{institution}', gen_random_uuid(), 'X', 'things', gen_random_uuid(), 1, '{{}}', '{{}}',
             now() - interval '1 hour' FROM generate_series(1, {count})"
    );
    desk.run(&events).await;
}

async fn to_relay(desk: &Desk, at_most: i32) -> Vec<Uuid> {
    sqlx::query_scalar("SELECT institution_id FROM work_ready($1, 'relay')")
        .bind(at_most)
        .fetch_all(&desk.sql)
        .await
        .expect("asked")
}

/// The relay believes Redis again when it was told of everybody: it goes by how many there are.
#[tokio::test]
async fn nobody_is_hidden_from_the_relay_by_anothers_events() {
    let desk = idle().await;
    let quiet = admit(&desk, 5).await;
    for institution in &quiet {
        unrelayed(&desk, *institution, 1).await;
    }
    unrelayed(&desk, desk.institution, 3_000).await;
    // One that is elsewhere, with the oldest of all.
    let moved = desk.shard.admit().await;
    unrelayed(&desk, moved, 3_000).await;
    desk.run(&format!(
        "UPDATE outbox_events SET created_at = now() - interval '1 day' WHERE institution_id = '{moved}';
         UPDATE ownership SET state = 'moved' WHERE institution_id = '{moved}'"
    ))
    .await;
    // And one whose event is so young that its own node may be at it.
    let young = desk.shard.admit().await;
    unrelayed(&desk, young, 1).await;
    desk.run(&format!("UPDATE outbox_events SET created_at = now() + interval '1 hour' WHERE institution_id = '{young}'"))
        .await;
    let mut expected: Vec<_> =
        quiet.iter().chain([&desk.institution]).map(InstitutionId::as_uuid).collect();
    expected.sort_unstable();
    for _ in 0..50 {
        let mut all = to_relay(&desk, 100).await;
        all.sort_unstable();
        assert_eq!(all, expected);
        let some = to_relay(&desk, 6).await;
        assert_eq!(some.len(), 6, "as many as were asked for: there may be more");
    }
    let mut seen = BTreeSet::new();
    for _ in 0..400 {
        let some = to_relay(&desk, 2).await;
        assert_eq!(some.len(), 2);
        seen.extend(some);
        if seen.len() == expected.len() {
            break;
        }
    }
    assert_eq!(seen.len(), expected.len(), "somebody starves");
    desk.close().await;
}

/// Keys past their time are found however many a single institution has.
#[tokio::test]
async fn nobodys_old_keys_are_hidden() {
    let desk = idle().await;
    let quiet = desk.shard.admit().await;
    for (institution, count, age) in [(desk.institution, 2_000, 26), (quiet, 1, 25)] {
        desk.run(&format!(
            "INSERT INTO idempotency_keys (institution_id, id, principal, key, request_hash, created_at)
             SELECT '{institution}', gen_random_uuid(), gen_random_uuid(), 'k', '', now() - interval '{age} hours'
             FROM generate_series(1, {count})"
        ))
        .await;
    }
    let ready: Vec<Uuid> = sqlx::query_scalar("SELECT institution_id FROM work_ready(10, 'keys')")
        .fetch_all(&desk.sql)
        .await
        .expect("asked");
    let expected = BTreeSet::from([desk.institution.as_uuid(), quiet.as_uuid()]);
    assert_eq!(ready.into_iter().collect::<BTreeSet<_>>(), expected);
    relay::sweep(&desk.served.node, &desk.served.node.pool).await.expect("swept");
    let left: i64 = sqlx::query_scalar("SELECT count(*) FROM idempotency_keys")
        .fetch_one(&desk.sql)
        .await
        .expect("a count");
    assert!(left <= 1_000, "{left} keys are left");
    desk.close().await;
}
