//! How events get their numbers: without gaps and in order, whoever writes and however many sequencers there are; one
//! at a time has the turn, and none without a lease.

use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use futures::future::join_all;
use serde_json::json;
use shard_node::error::Error;
use shard_node::events::{self, Numbered, number};
use shard_node::store::TenantTx;
use sqlx::Executor as _;
use tokio_util::sync::CancellationToken;
use uuid::Uuid;

use super::{Quiet, SOON, registry};
use crate::support::api::Plan;
use crate::support::cable::Cable;
use crate::support::directory::FakeDirectory;
use crate::support::school::School;

/// Gaps, numbers that are given twice, and versions of a thing that stand in the wrong order.
const WRONG: &str = "SELECT (SELECT count(*) FROM (SELECT seq, row_number() OVER (ORDER BY seq) AS place
         FROM outbox_events WHERE seq IS NOT NULL) n WHERE seq <> place)
     + (SELECT count(*) FROM outbox_events a JOIN outbox_events b USING (institution_id, aggregate, aggregate_id)
         WHERE a.aggregate_version < b.aggregate_version AND a.seq > b.seq)";

/// Sixteen writers on five courses, the node's own sequencer and two more that take small batches: each writer waits
/// for rows that others hold, so that transactions commit in another order than they began in.
#[tokio::test]
async fn numbers_are_gapless_and_ordered_under_sixteen_writers_and_three_sequencers() {
    let school = School::open().await;
    let course = |n: usize| json!({"code": format!("C{n}"), "title": "0"});
    let mut courses = Vec::new();
    for n in 0..5 {
        courses.push(school.admin.post("/v1/courses", course(n)).await.expect(201).id());
    }
    let is_done = AtomicBool::new(false);
    let pool = school.shard.pool("lxp_app", 4);
    let (registry, institution) = (registry(), school.institution);
    let sequencer = |batch: i64| {
        let (pool, registry, is_done) = (&pool, &registry, &is_done);
        async move {
            let mut given = 0;
            while !is_done.load(Ordering::Relaxed) {
                match number(pool, registry, institution, batch).await {
                    Ok(Numbered::Some { events, .. }) => given += events,
                    // On a busy machine: who got no connection in time numbers the next time.
                    Ok(Numbered::Busy)
                    | Err(Error::Abandoned | Error::Database(sqlx::Error::PoolTimedOut)) => {}
                    Err(error) => panic!("{error}"),
                }
                // The writers are to have the machine, too.
                tokio::time::sleep(Duration::from_millis(5)).await;
            }
            given
        }
    };
    let writers = async {
        let writer = |who: usize| {
            let (school, courses) = (&school, &courses);
            async move {
                for turn in 0..12 {
                    let path = format!("/v1/courses/{}", courses[(who + turn) % courses.len()]);
                    let body = json!({"title": format!("{who}.{turn}")});
                    school.patch(&path, body).await.expect(200);
                }
            }
        };
        join_all((0..16).map(writer)).await;
        school.until_numbered().await;
        is_done.store(true, Ordering::Relaxed);
    };
    let (few, fewer, ()) = tokio::join!(sequencer(7), sequencer(1), writers);
    assert_eq!(school.count("SELECT count(*) FROM outbox_events").await, 5 + 16 * 12);
    assert_eq!(school.count(WRONG).await, 0, "gaps, or versions in the wrong order");
    assert!(few + fewer > 0, "only one of the sequencers did anything");
    let sound = school.admin.get("/v1/audit:verify").await.expect(200).body;
    assert_eq!((&sound["ok"], &sound["events"]), (&json!(true), &json!(5 + 16 * 12)), "{sound}");
    pool.close().await;
    school.close().await;
}

/// It is the oldest of all, so a batch of one begins with it; what it waited for must come before.
#[tokio::test]
async fn who_waited_for_a_thing_is_numbered_after_those_who_had_it_in_any_batch() {
    let mut quiet = Quiet::open().await;
    for (thing, version, at_s) in [(1, 1, 30), (1, 2, 20), (1, 3, 10), (2, 1, 15), (2, 2, 40)] {
        quiet.write(thing, version, at_s).await;
    }
    let first = quiet.number(1).await;
    // Cut off at twice the batch, lower versions first.
    assert_eq!(first, Numbered::Some { events: 2, deliveries: 0 });
    for _ in 0..4 {
        quiet.number(1).await;
    }
    assert_eq!(quiet.order().await, [(1, 1), (1, 2), (1, 3), (2, 1), (2, 2)]);
    assert_eq!(quiet.number(1).await, Numbered::Some { events: 0, deliveries: 0 });
    quiet.close().await;
}

/// One that committed late gets a later number, whatever its time and its id say.
#[tokio::test]
async fn what_is_seen_later_is_numbered_later() {
    let mut quiet = Quiet::open().await;
    quiet.write(1, 1, 30).await;
    quiet.number(100).await;
    quiet.write(2, 1, 10).await;
    quiet.write(1, 2, 5).await;
    quiet.number(100).await;
    assert_eq!(quiet.order().await, [(1, 1), (1, 2), (2, 1)]);
    quiet.close().await;
}

#[tokio::test]
async fn one_sequencer_at_a_time_has_the_turn_and_keeps_it_to_its_end() {
    let mut quiet = Quiet::open().await;
    quiet.write(1, 1, 1).await;
    let mut holder = TenantTx::begin(&quiet.pool, quiet.institution).await.expect("entered");
    sqlx::query("SELECT pg_advisory_xact_lock(events_lock_key($1))")
        .bind(quiet.institution.as_uuid())
        .execute(holder.connection())
        .await
        .expect("the turn");
    assert_eq!(quiet.number(10).await, Numbered::Busy);
    holder.rollback().await.expect("given up");
    assert_eq!(quiet.number(10).await, Numbered::Some { events: 1, deliveries: 0 });
    quiet.close().await;
}

#[tokio::test]
async fn one_institution_with_many_events_hides_nobody_from_work_ready() {
    let mut many = Quiet::open().await;
    many.write(1, 1, 1).await;
    sqlx::query(
        "INSERT INTO outbox_events (institution_id, id, type, aggregate, aggregate_id, aggregate_version, payload,
             touches, relayed_at)
         SELECT $1, gen_random_uuid(), 'X', 'things', gen_random_uuid(), 1, '{}', '{}', now()
         FROM generate_series(1, 5000)",
    )
    .bind(many.institution.as_uuid())
    .execute(&mut many.superuser)
    .await
    .expect("written");
    let crowd = many.institution;
    let mut others = Vec::new();
    for thing in 0..3 {
        many.institution = many.shard.admit().await;
        many.write(thing, 1, 2).await;
        others.push(many.institution.as_uuid());
    }
    // No cache is to be invalidated: only numbers are due.
    many.superuser.execute("UPDATE outbox_events SET relayed_at = now()").await.expect("relayed");
    let mut app = many.shard.connect("lxp_app").await;
    let ready: Vec<Uuid> = sqlx::query_scalar("SELECT institution_id FROM work_ready(4)")
        .fetch_all(&mut app)
        .await
        .expect("ready");
    assert!(others.iter().all(|other| ready.contains(other)), "{ready:?} of {crowd}");
    drop(app);
    many.close().await;
}

/// The database that is cut off may be one that was deposed: what it would number, another one numbers too.
#[tokio::test]
async fn without_a_lease_nothing_is_numbered() {
    let mut quiet = Quiet::open().await;
    let cable = Cable::to(&quiet.shard.options("lxp_app")).await;
    let mut plan = Plan::new(&quiet.shard, FakeDirectory::start().await);
    (plan.primary, plan.numbers) = (cable.through(plan.primary), false);
    let served = plan.serve().await;
    served.until_leased().await;
    cable.set_swallows(true);
    let began = Instant::now();
    while served.node.ownership.lease.holds() {
        assert!(began.elapsed() < SOON, "the lease does not end");
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
    // Its own way to the database is sound.
    let stop = CancellationToken::new();
    let running = events::run(served.node.clone(), quiet.pool.clone(), stop.clone());
    let running = tokio::spawn(running);
    quiet.write(1, 1, 1).await;
    served.node.wakes.wake(quiet.institution);
    let watched = Instant::now();
    while watched.elapsed() < Duration::from_millis(2_500) {
        assert_eq!(quiet.order().await, [], "numbered without a lease");
        tokio::time::sleep(Duration::from_millis(100)).await;
    }
    assert!(!served.node.ownership.lease.holds(), "the lease came back meanwhile");
    cable.set_swallows(false);
    let back = Instant::now();
    while quiet.order().await.is_empty() {
        assert!(back.elapsed() < SOON, "it does not come back");
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
    stop.cancel();
    running.await.expect("ended");
    drop(served);
    quiet.close().await;
}
