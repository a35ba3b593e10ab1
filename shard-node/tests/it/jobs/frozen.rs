//! R12: a worker that is frozen past its leases, and leases that nobody ends.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::time::{Duration, Instant};

use serde_json::json;
use shard_node::error::Error;
use shard_node::jobs::{self, Failure, Handler, JobSettings, Mode};
use tokio::sync::Semaphore;
use tokio_util::sync::CancellationToken;

use super::{Desk, PATIENCE, eventually, mark, marks, pass, serve};
use crate::support::api::Plan;
use crate::support::cable::Cable;
use crate::support::directory::FakeDirectory;

const INSTITUTIONS: usize = 4;
const JOBS_EACH: i32 = 250;
const JOBS: i64 = 1_000;

/// What the test and the worker that freezes say to each other.
#[derive(Default)]
struct Ice {
    freeze: AtomicBool,
    is_frozen: AtomicBool,
    thaw: AtomicBool,
}

/// Leases longer than the test: the frozen one believes to the end that it has all the time in the world.
fn settings() -> JobSettings {
    JobSettings {
        at_once: 8,
        batch: JOBS_EACH.unsigned_abs(),
        lease_s: 600,
        ..JobSettings::default()
    }
}

/// The same mark; on the way there the whole runtime stands still: its clocks, its polls, its open transactions.
fn freezes(ice: &Arc<Ice>) -> Handler {
    let ice = ice.clone();
    let freezes = Handler::effect("EFFECT", move |work, job| {
        let ice = ice.clone();
        Box::pin(async move {
            if job.payload["warm"] == true {
                return Ok(());
            }
            mark(work, job).await?;
            while !ice.freeze.load(Ordering::SeqCst) {
                tokio::time::sleep(Duration::from_millis(5)).await;
            }
            while !ice.thaw.load(Ordering::SeqCst) {
                ice.is_frozen.store(true, Ordering::SeqCst);
                std::thread::sleep(Duration::from_millis(5));
            }
            Ok(())
        })
    });
    freezes.timeout(Duration::from_mins(2))
}

fn lost(metrics: &str) -> i64 {
    let line = metrics.lines().find_map(|line| {
        line.strip_prefix(r#"lxp_jobs_ended_total{outcome="lost",type="EFFECT"} "#)
    });
    line.and_then(|count| count.parse().ok()).unwrap_or_default()
}

/// A node on a thread of its own, until it has lost all of its jobs; what it counted then.
fn works_and_freezes(plan: Plan) -> std::thread::JoinHandle<String> {
    std::thread::spawn(move || {
        let own = tokio::runtime::Builder::new_current_thread().enable_all().build();
        own.expect("a runtime").block_on(async {
            let served = plan.serve().await;
            let began = Instant::now();
            while lost(&served.node.metrics.render()) < JOBS && began.elapsed() < 2 * PATIENCE {
                tokio::time::sleep(Duration::from_millis(20)).await;
            }
            served.node.metrics.render()
        })
    })
}

/// What is leased and not locked has run out by the database's clock.
const RUN_OUT: &str = "UPDATE jobs SET leased_until = now() - interval '1 second' WHERE id IN (
    SELECT id FROM jobs WHERE state = 'RUNNING' AND leased_until > now() + interval '1 minute' AND attempts = 1
    FOR UPDATE SKIP LOCKED)";

/// It takes 1,000 jobs and freezes in the middle of the first ones. Their leases run out, and another node does them.
/// Then it thaws and goes on with all of them as if nothing had been.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn of_1_000_jobs_of_a_worker_that_freezes_past_its_leases_none_has_its_effect_twice() {
    let idle = JobSettings { mode: Mode::Serve, ..settings() };
    let desk = Desk::open_with(idle, || vec![marks("EFFECT")]).await;
    let ice = Arc::new(Ice::default());
    let mut plan = Plan::new(&desk.shard, FakeDirectory::start().await);
    let handler = ice.clone();
    plan.jobs = settings();
    plan.handlers = Box::new(move || vec![freezes(&handler).at_once(8)]);
    let first = works_and_freezes(plan);
    // It knows then that these are quick: it takes as many as there are.
    let warm = format!(
        "INSERT INTO jobs (institution_id, id, type, payload)
         VALUES ('{}', gen_random_uuid(), 'EFFECT', '{{\"warm\": true}}')",
        desk.institution
    );
    desk.run(&warm).await;
    desk.until_all("EFFECT", "DONE", 1).await;
    desk.run("DELETE FROM jobs").await;
    let mut jobs = desk.insert("EFFECT", JOBS_EACH).await;
    for _ in 1..INSTITUTIONS {
        let other = desk.shard.admit().await;
        jobs.extend(desk.insert_with(other, "EFFECT", JOBS_EACH, "priority", "0").await);
    }
    desk.until_all("EFFECT", "RUNNING", JOBS).await;
    ice.freeze.store(true, Ordering::SeqCst);
    eventually("it is frozen", async || ice.is_frozen.load(Ordering::SeqCst)).await;
    desk.run(RUN_OUT).await;
    let second = serve(&desk.shard, settings(), || vec![marks("EFFECT")]).await;
    eventually("another has done them all", async || {
        // Those in open transactions are let go by the server when these have idled for too long.
        desk.run(RUN_OUT).await;
        desk.states("EFFECT").await.get("DONE") == Some(&JOBS)
    })
    .await;
    ice.thaw.store(true, Ordering::SeqCst);
    let metrics = tokio::task::spawn_blocking(move || first.join().expect("the first node"));
    let metrics = metrics.await.expect("joined");
    assert_eq!(lost(&metrics), JOBS, "it was to find that none is its own");
    desk.expect_once(&jobs).await;
    desk.until_all("EFFECT", "DONE", JOBS).await;
    drop(second);
    desk.close().await;
}

#[tokio::test]
async fn a_lease_that_nobody_ends_was_an_attempt() {
    let desk = Desk::open(|| vec![marks("EFFECT")]).await;
    let columns = "state, attempts, leased_until";
    let mut put = Vec::new();
    for attempts in [1, 3] {
        let values = format!("'RUNNING', {attempts}, now() - interval '1 second'");
        put.extend(desk.insert_with(desk.institution, "EFFECT", 1, columns, &values).await);
    }
    eventually("the first is done", async || desk.job(put[0]).await["state"] == "DONE").await;
    eventually("the second has failed", async || desk.job(put[1]).await["state"] == "FAILED").await;
    let (first, second) = (desk.job(put[0]).await, desk.job(put[1]).await);
    assert_eq!((&first["attempts"], &second["attempts"]), (&json!(2), &json!(3)));
    let why = second["last_error"].as_str().expect("a reason");
    assert!(why.starts_with("its lease ran out"), "{why}");
    desk.expect_once(&put[..1]).await;
    desk.close().await;
}

/// Works outside of the database: waits at the gate, then does what its type says.
fn comes_late(kind: &'static str, begun: &Arc<AtomicUsize>, gate: &Arc<Semaphore>) -> Handler {
    let (begun, gate) = (begun.clone(), gate.clone());
    Handler::outside(kind, move |cx, job| {
        let (begun, gate) = (begun.clone(), gate.clone());
        Box::pin(async move {
            begun.fetch_add(1, Ordering::SeqCst);
            pass(Some(&gate)).await;
            if kind == "FAILS" {
                return Err(Failure::fail("too late"));
            }
            if kind == "WRITES" {
                let mut tx = cx.begin().await?;
                let insert = "INSERT INTO courses (institution_id, id, code, title)
                              VALUES ($1, gen_random_uuid(), 'late', $2)";
                sqlx::query(insert)
                    .bind(cx.institution.as_uuid())
                    .bind(job.id.to_string())
                    .execute(tx.connection())
                    .await
                    .map_err(Error::from)?;
                tx.commit().await?;
            }
            Ok(())
        })
    })
}

/// The jobs run, at another worker: their state says nothing, the fence alone does.
#[tokio::test]
async fn who_has_lost_its_leases_neither_ends_nor_fails_nor_writes_what_another_has_in_hand() {
    const KINDS: [&str; 4] = ["ENDS", "FAILS", "WRITES", "KEYED"];
    let (begun, gate) = (Arc::new(AtomicUsize::new(0)), Arc::new(Semaphore::new(0)));
    let (count, at_gate) = (begun.clone(), gate.clone());
    let desk = Desk::open(move || {
        let (begun, gate) = (count.clone(), at_gate.clone());
        let keyed = Handler::effect("KEYED", move |work, job| {
            let (begun, gate) = (begun.clone(), gate.clone());
            Box::pin(async move {
                mark(work, job).await?;
                begun.fetch_add(1, Ordering::SeqCst);
                pass(Some(&gate)).await;
                Ok(())
            })
        });
        let late = |kind| comes_late(kind, &count, &at_gate);
        vec![late("ENDS"), late("FAILS"), late("WRITES"), keyed]
    })
    .await;
    for kind in ["ENDS", "FAILS", "WRITES"] {
        desk.insert(kind, 1).await;
    }
    desk.insert_with(desk.institution, "KEYED", 1, "unique_key", "'k'").await;
    eventually("all have begun", async || begun.load(Ordering::SeqCst) == 4).await;
    // Another one has leased them since.
    desk.run(
        "UPDATE jobs SET fence = fence + 1, attempts = 2, leased_until = now() + interval '1 hour'",
    )
    .await;
    gate.add_permits(4);
    let idle = KINDS.map(|kind| format!(r#"lxp_jobs_running{{type="{kind}"}} 0"#));
    eventually("their first worker is through with them", async || {
        let metrics = desk.served.node.metrics.render();
        idle.iter().all(|line| metrics.contains(line.as_str()))
    })
    .await;
    for kind in KINDS {
        let running = BTreeMap::from([("RUNNING".to_owned(), 1)]);
        assert_eq!(desk.states(kind).await, running, "{kind}");
    }
    desk.expect_once(&[]).await;
    let lost =
        KINDS.map(|kind| format!(r#"lxp_jobs_ended_total{{outcome="lost",type="{kind}"}} 1"#));
    eventually("it has found out", async || {
        let metrics = desk.served.node.metrics.render();
        lost.iter().all(|line| metrics.contains(line.as_str()))
    })
    .await;
    desk.close().await;
}

/// They were leased with a slow one, and would begin with too little of their lease.
#[tokio::test]
async fn what_might_outlast_its_lease_is_given_back_and_not_begun() {
    let settings = JobSettings { lease_s: 6, ..JobSettings::default() };
    let desk = Desk::open_with(settings, || {
        let step = Handler::effect("STEP", |_, job| {
            let is_slow = job.payload["n"] == 26;
            Box::pin(async move {
                if is_slow {
                    tokio::time::sleep(Duration::from_millis(2_500)).await;
                }
                Ok(())
            })
        });
        vec![step.timeout(Duration::from_secs(4))]
    })
    .await;
    // Known to be quick then: they are taken by the batch.
    desk.insert("STEP", 25).await;
    desk.until_all("STEP", "DONE", 25).await;
    desk.run("DELETE FROM jobs").await;
    // The slow one is due first.
    let first = "now() - n * interval '1 second'";
    desk.insert_with(desk.institution, "STEP", 26, "run_at", first).await;
    desk.until_all("STEP", "DONE", 26).await;
    let twice = "SELECT count(*) FROM jobs WHERE fence > 1 AND attempts = 1";
    let twice: i64 = sqlx::query_scalar(twice).fetch_one(&desk.sql).await.expect("a count");
    assert!(twice > 0, "what was leased behind the slow one was begun all the same");
    desk.close().await;
}

/// The database that is cut off may be one that was deposed: what is done there, another one does, too.
#[tokio::test]
async fn without_a_lease_no_job_is_begun() {
    let idle = JobSettings { mode: Mode::Serve, ..JobSettings::default() };
    let desk = Desk::open_with(idle, || vec![marks("EFFECT")]).await;
    let cable = Cable::to(&desk.shard.options("lxp_app")).await;
    let mut plan = Plan::new(&desk.shard, FakeDirectory::start().await);
    plan.primary = cable.through(plan.primary);
    plan.handlers = Box::new(|| vec![marks("EFFECT")]);
    let served = plan.serve().await;
    served.until_leased().await;
    cable.set_swallows(true);
    eventually("the lease ends", async || !served.node.ownership.lease.holds()).await;
    // Its own way to the database is sound.
    let (stop, pool) = (CancellationToken::new(), desk.shard.pool("lxp_app", 4));
    let working = jobs::work(served.node.clone(), pool.clone(), stop.clone());
    let working = tokio::spawn(working);
    let put = desk.insert("EFFECT", 3).await;
    let watched = Instant::now();
    while watched.elapsed() < Duration::from_millis(2_500) {
        let states = desk.states("EFFECT").await;
        assert_eq!(states, BTreeMap::from([("QUEUED".to_owned(), 3)]), "begun without a lease");
        tokio::time::sleep(Duration::from_millis(100)).await;
    }
    assert!(!served.node.ownership.lease.holds(), "the lease came back meanwhile");
    cable.set_swallows(false);
    desk.until_all("EFFECT", "DONE", 3).await;
    desk.expect_once(&put).await;
    stop.cancel();
    working.await.expect("ended");
    drop(served);
    pool.close().await;
    desk.close().await;
}
