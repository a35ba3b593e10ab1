//! R12: a worker that is frozen past its leases, and leases that nobody ends.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use serde_json::json;
use shard_node::jobs::{Handler, JobSettings, Mode};

use super::{Desk, PATIENCE, eventually, mark, marks, serve};
use crate::support::api::Plan;
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
