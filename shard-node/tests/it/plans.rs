//! How Postgres plans what requests ask. Statistics are behind what was just written: an institution that comes in one go
//! is not in them.

use std::time::{Duration, Instant};

use serde_json::json;
use service_kit::postgres::{BY_INDEX, pool_with};
use shard_map::InstitutionId;
use shard_node::events::number;
use shard_node::jobs::store::{Line, due_lines, end, fail, give_back, hold, sweep, take};
use shard_node::jobs::{self, Failure, Registry};
use shard_node::store::{TenantTx, outbox};
use sqlx::postgres::PgPool;
use sqlx::{AssertSqlSafe, Executor as _};
use uuid::Uuid;

use crate::support::Shard;
use crate::support::school::School;

/// Courses of forty others, which Postgres knows of.
const OTHERS: &str = "INSERT INTO courses (institution_id, id, code, title)
    SELECT gen_random_uuid(), gen_random_uuid(), 'c', 'another' FROM generate_series(1, 40)";

/// Plans are kept: one that was made for an empty table would read all of what it becomes.
#[tokio::test]
async fn requests_plan_by_index() {
    let school = School::open().await;
    let scans: String = sqlx::query_scalar("SHOW enable_seqscan")
        .fetch_one(&school.served.node.pool)
        .await
        .expect("a setting");
    assert_eq!(scans, "off");
    school.close().await;
}

/// To a planner that knows its institution for one without rows each index is as good as another.
#[tokio::test]
async fn rows_that_just_came_are_found_by_their_ids() {
    let school = School::open().await;
    for statement in [
        "ALTER TABLE courses SET (autovacuum_enabled = off)",
        "ALTER TABLE courses DISABLE TRIGGER ALL",
        OTHERS,
        "ANALYZE courses",
    ] {
        school.run(statement).await;
    }
    let institution = school.institution;
    let mut superuser = school.shard.connect("postgres").await;
    let filled = format!(
        "INSERT INTO courses (institution_id, id, code, title)
         SELECT '{institution}', lpad(to_hex(n), 32, '0')::uuid, 'c' || n, 'filled' FROM generate_series(1, 20000) n"
    );
    superuser.execute(AssertSqlSafe(filled)).await.expect("filled");
    let mut tx = TenantTx::begin(&school.served.node.pool, institution).await.expect("begun");
    tx.connection()
        .execute(
            "PREPARE by_id (uuid, uuid) AS SELECT * FROM courses WHERE institution_id = $1 AND id = $2",
        )
        .await
        .expect("prepared");
    let asked = format!("EXPLAIN EXECUTE by_id ('{institution}', '{}')", Uuid::from_u128(1));
    let plan: Vec<String> =
        sqlx::query_scalar(AssertSqlSafe(asked)).fetch_all(tx.connection()).await.expect("a plan");
    tx.rollback().await.expect("ended");
    assert!(plan.join("\n").contains("courses_pkey"), "{plan:#?}");
    school.close().await;
}

/// Nobody has analysed the table of events yet, or somebody did while nothing waited, and many wait for their numbers.
#[tokio::test]
async fn what_waits_for_its_number_is_not_read_once_for_each() {
    const WAITING: i64 = 5_000;
    for is_analysed in [false, true] {
        let shard = Shard::create().await;
        let institution = shard.admit().await;
        let mut superuser = shard.connect("postgres").await;
        let events = |columns: &str, values: &str| {
            format!(
                "INSERT INTO outbox_events (institution_id, id, type, aggregate, aggregate_id, aggregate_version, payload,
                     touches, actor_id{columns})
                 SELECT '{institution}', gen_random_uuid(), 'THING_CHANGED', 'things', gen_random_uuid(), 1, '{{}}',
                     '{{}}', gen_random_uuid(){values}
                 FROM generate_series(1, {WAITING}) n"
            )
        };
        let off = "ALTER TABLE outbox_events SET (autovacuum_enabled = off)";
        superuser.execute(off).await.expect("off");
        if is_analysed {
            let numbered = events(", seq, hash", ", n, sha256('x')");
            superuser.execute(AssertSqlSafe(numbered)).await.expect("events");
            let head = format!(
                "INSERT INTO event_heads (institution_id, id, seq, hash)
                 VALUES ('{institution}', '{institution}', {WAITING}, sha256('x'))"
            );
            superuser.execute(AssertSqlSafe(head)).await.expect("a head");
            superuser.execute("ANALYZE outbox_events").await.expect("analysed");
        }
        superuser.execute(AssertSqlSafe(events("", ""))).await.expect("events");
        let pool = own_pool(&shard);
        let registry = Registry::new(jobs::handlers(), jobs::KINDS).expect("handlers");
        number(&pool, &registry, institution, 500).await.expect("numbered");
        let read = rows_read(&pool, "outbox_events").await;
        assert!((500..10 * WAITING).contains(&read), "{read} rows; analysed: {is_analysed}");
        pool.close().await;
        shard.drop_database().await;
    }
}

/// One connection, set up as a node's are: what it has read is counted by itself.
fn own_pool(shard: &Shard) -> PgPool {
    pool_with(shard.options("lxp_app").options(BY_INDEX), 1)
}

/// Rows of a table that have been read so far.
pub(crate) async fn rows_read(pool: &PgPool, table: &str) -> i64 {
    pool.execute("SELECT pg_stat_force_next_flush()").await.expect("flushed");
    let read = sqlx::query_scalar(
        "SELECT coalesce(idx_tup_fetch, 0) + seq_tup_read FROM pg_stat_user_tables WHERE relname = $1",
    );
    read.bind(table).fetch_one(pool).await.expect("a count")
}

/// Jobs of an institution, all alike.
fn jobs_of(
    institution: InstitutionId,
    kind: &str,
    count: i32,
    columns: &str,
    values: &str,
) -> String {
    format!(
        "INSERT INTO jobs (institution_id, id, type, payload, {columns})
         SELECT '{institution}', gen_random_uuid(), '{kind}', '{{}}', {values} FROM generate_series(1, {count}) n"
    )
}

/// Whether nobody has analysed jobs yet, or somebody did while nothing was queued.
async fn jobs_behind(shard: &Shard, is_analysed: bool) -> (InstitutionId, InstitutionId) {
    let (one, other) = (shard.admit().await, shard.admit().await);
    let mut superuser = shard.connect("postgres").await;
    superuser.execute("ALTER TABLE jobs SET (autovacuum_enabled = off)").await.expect("set");
    if is_analysed {
        let done = jobs_of(one, "DONE", 5_000, "state, finished_at", "'DONE', now()");
        superuser.execute(AssertSqlSafe(done)).await.expect("done");
        superuser.execute("ANALYZE jobs").await.expect("analysed");
    }
    for statement in [
        jobs_of(one, "SLOW", 20_000, "run_at", "now() - interval '1 hour'"),
        jobs_of(one, "QUICK", 100, "run_at", "now() - interval '1 minute'"),
        jobs_of(other, "OLD", 20_000, "state, keep_until", "'DONE', now() - interval '2 hours'"),
        jobs_of(one, "OLD", 1_500, "state, keep_until", "'DONE', now() - interval '1 hour'"),
    ] {
        superuser.execute(AssertSqlSafe(statement)).await.expect("jobs");
    }
    (one, other)
}

/// A job behind a hundred thousand of another type costs what it costs alone.
#[tokio::test]
async fn jobs_are_taken_and_swept_by_their_own_indexes_whatever_statistics_say() {
    for is_analysed in [false, true] {
        let shard = Shard::create().await;
        let (one, _) = jobs_behind(&shard, is_analysed).await;
        let pool = own_pool(&shard);
        let quick = Line { kind: "QUICK".to_owned(), priority: 0, jobs: 0, age_s: 0.0 };
        // Often enough for its plan to be kept.
        for _ in 0..8 {
            let before = rows_read(&pool, "jobs").await;
            let mut tx = TenantTx::begin(&pool, one).await.expect("begun");
            let taken = take(&mut tx, &quick, 8, Duration::from_secs(30)).await.expect("taken");
            tx.commit().await.expect("committed");
            assert_eq!(taken.len(), 8);
            let read = rows_read(&pool, "jobs").await - before;
            assert!((8..100).contains(&read), "{read} rows were read; analysed: {is_analysed}");
        }
        let before = rows_read(&pool, "jobs").await;
        let mut tx = TenantTx::begin(&pool, one).await.expect("begun");
        assert_eq!(due_lines(&mut tx, 1).await.expect("lines").len(), 2);
        assert!(sweep(&mut tx).await.expect("swept"), "there is more");
        assert!(!sweep(&mut tx).await.expect("swept"), "there is no more");
        tx.commit().await.expect("committed");
        let read = rows_read(&pool, "jobs").await - before;
        assert!((3_000..5_000).contains(&read), "{read} rows were read; analysed: {is_analysed}");
        pool.close().await;
        shard.drop_database().await;
    }
}

/// The index of leases was empty when it was last looked at: to the planner it is the shortest way to any row of it.
#[tokio::test]
async fn what_ends_a_job_does_not_read_what_else_is_leased() {
    const LEASED: i32 = 2_000;
    for is_analysed in [false, true] {
        let shard = Shard::create().await;
        let (one, _) = jobs_behind(&shard, is_analysed).await;
        let columns = "state, leased_until";
        let leased = jobs_of(one, "LONG", LEASED, columns, "'RUNNING', now() + interval '1 hour'");
        let mut superuser = shard.connect("postgres").await;
        superuser.execute(AssertSqlSafe(leased)).await.expect("leased");
        let pool = own_pool(&shard);
        let quick = Line { kind: "QUICK".to_owned(), priority: 0, jobs: 0, age_s: 0.0 };
        let mut tx = TenantTx::begin(&pool, one).await.expect("begun");
        let taken = take(&mut tx, &quick, 40, Duration::from_secs(30)).await.expect("taken");
        tx.commit().await.expect("committed");
        let before = rows_read(&pool, "jobs").await;
        // Often enough for their plans to be kept.
        for four in taken.chunks(4) {
            let [ended, held, failed, back] = four else { panic!("there are 40") };
            let mut tx = TenantTx::begin(&pool, one).await.expect("begun");
            hold(&mut tx, held.job.id, held.job.fence).await.expect("held");
            for done in [ended, held] {
                let is_again = end(&mut tx, &done.job, Duration::from_hours(1)).await;
                assert!(!is_again.expect("ended"));
            }
            let failed = [(failed.job.id, failed.job.fence)];
            let states = fail(&mut tx, &failed, &Failure::retry("so it is")).await.expect("failed");
            assert_eq!(states.len(), 1);
            let back = [(back.job.id, back.job.fence)];
            assert_eq!(give_back(&mut tx, &back).await.expect("given back"), 1);
            tx.commit().await.expect("committed");
        }
        let read = rows_read(&pool, "jobs").await - before;
        assert!((40..400).contains(&read), "{read} rows were read; analysed: {is_analysed}");
        pool.close().await;
        shard.drop_database().await;
    }
}

/// So many have failed that to read them all for each call is out of the question.
#[tokio::test]
async fn failed_jobs_are_queued_anew_without_a_look_at_all_of_them() {
    let school = School::open().await;
    school.run("ALTER TABLE jobs SET (autovacuum_enabled = off)").await;
    school.run("ANALYZE jobs").await;
    let mut superuser = school.shard.connect("postgres").await;
    let columns = "state, finished_at, unique_key, created_at";
    for (count, key) in [(10_000, "'k' || n"), (10_000, "NULL"), (50, "'same'")] {
        let values = format!("'FAILED', now(), {key}, now() - make_interval(secs => 50000 - n)");
        let failed = jobs_of(school.institution, "ANY", count, columns, &values);
        superuser.execute(AssertSqlSafe(failed)).await.expect("failed");
    }
    let pool = school.shard.pool("postgres", 1);
    let before = rows_read(&pool, "jobs").await;
    for _ in 0..3 {
        let retried = school.admin.post("/v1/jobs:retryFailed", json!({})).await.expect(200);
        assert_eq!(retried.body, json!({"retried": 1_000, "more": true}));
    }
    // The node's connections tell of what they have read when they rest.
    let began = Instant::now();
    let mut read = 0;
    while read < 3 * 2_000 {
        assert!(began.elapsed() < Duration::from_mins(1), "{read} rows were read");
        tokio::time::sleep(Duration::from_millis(100)).await;
        read = rows_read(&pool, "jobs").await - before;
    }
    assert!(read < 3 * 10_000, "{read} rows were read");
    let queued = "SELECT count(*) FROM jobs WHERE unique_key = 'same' AND state = 'QUEUED'";
    assert_eq!(school.count(queued).await, 1, "of those with one key the last");
    pool.close().await;
    school.close().await;
}

/// Another institution's many are not read for one's own few.
#[tokio::test]
async fn the_relay_reads_what_is_due_of_one_institution() {
    let shard = Shard::create().await;
    let (loud, quiet) = (shard.admit().await, shard.admit().await);
    let mut superuser = shard.connect("postgres").await;
    for (institution, count) in [(loud, 20_000), (quiet, 10)] {
        let due = format!(
            "INSERT INTO outbox_events (institution_id, id, type, aggregate, aggregate_id, aggregate_version, payload,
                 touches, created_at)
             SELECT '{institution}', gen_random_uuid(), 'X', 'things', gen_random_uuid(), 1, '{{}}', '{{}}',
                 now() - interval '1 hour' FROM generate_series(1, {count})"
        );
        superuser.execute(AssertSqlSafe(due)).await.expect("events");
    }
    let pool = own_pool(&shard);
    let before = rows_read(&pool, "outbox_events").await;
    let mut tx = TenantTx::begin(&pool, quiet).await.expect("begun");
    assert_eq!(outbox::take_due(&mut tx).await.expect("taken").0, 10);
    tx.commit().await.expect("committed");
    let read = rows_read(&pool, "outbox_events").await - before;
    assert!((10..100).contains(&read), "{read} rows were read");
    pool.close().await;
    shard.drop_database().await;
}

/// Nobody has analysed enrolments yet: to the planner those of one class are as few as those of one student in it.
#[tokio::test]
async fn an_enrolment_does_not_read_its_class() {
    const ENROLLED: i64 = 4_000;
    let school = School::open().await;
    school.run("ALTER TABLE enrollments SET (autovacuum_enabled = off)").await;
    school.run("ANALYZE enrollments").await;
    let class = school.class(10, 0).await;
    let institution = school.institution;
    let mut superuser = school.shard.connect("postgres").await;
    let filled = format!(
        "SET session_replication_role = replica;
         INSERT INTO enrollments (institution_id, id, class_id, student_id, status, enrolled_on)
         SELECT '{institution}', gen_random_uuid(), '{class}', gen_random_uuid(), 'ACTIVE', '2026-09-01'
         FROM generate_series(1, {ENROLLED})"
    );
    superuser.execute(AssertSqlSafe(filled)).await.expect("filled");
    drop(superuser);
    let pool = school.shard.pool("postgres", 1);
    let inserted = async || {
        let inserted = "SELECT n_tup_ins FROM pg_stat_user_tables WHERE relname = 'enrollments'";
        sqlx::query_scalar::<_, i64>(inserted).fetch_one(&pool).await.expect("a count")
    };
    assert_eq!(inserted().await, ENROLLED);
    let before = rows_read(&pool, "enrollments").await;
    for student in school.students(8).await {
        school.enroll(class, student, "reject").await.expect(201);
    }
    // The node's connections tell of what they have done when they rest.
    let began = Instant::now();
    while inserted().await < ENROLLED + 8 {
        assert!(began.elapsed() < Duration::from_mins(1), "{} are known of", inserted().await);
        tokio::time::sleep(Duration::from_millis(100)).await;
    }
    let read = rows_read(&pool, "enrollments").await - before;
    assert!(read < ENROLLED, "{read} rows were read");
    pool.close().await;
    school.close().await;
}
