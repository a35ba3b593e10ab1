//! Numbers of events: gapless, in the order of each thing's versions, across nodes, batches and moves; and how they are
//! followed. Against a real Postgres.

use std::collections::BTreeMap;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use axum::http::Method;
use futures::future::join_all;
use serde_json::{Value, json};
use service_kit::token::Role;
use shard_map::InstitutionId;
use shard_node::error::Error;
use shard_node::events::{self, Numbered, number};
use shard_node::jobs::{self, Registry};
use shard_node::store::TenantTx;
use sqlx::postgres::{PgConnection, PgPool};
use sqlx::{AssertSqlSafe, Executor as _};
use tokio_util::sync::CancellationToken;
use uuid::Uuid;

use crate::support::Shard;
use crate::support::api::Plan;
use crate::support::cable::Cable;
use crate::support::directory::FakeDirectory;
use crate::support::school::School;

const SOON: Duration = Duration::from_secs(20);

fn registry() -> Registry {
    Registry::new(jobs::handlers(), jobs::KINDS).expect("handlers")
}

impl School {
    /// Waits until every event has a number.
    pub(crate) async fn until_numbered(&self) {
        let began = Instant::now();
        while self.count("SELECT count(*) FROM outbox_events WHERE seq IS NULL").await > 0 {
            assert!(began.elapsed() < SOON, "events are left without a number");
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
    }

    pub(crate) async fn events(&self, query: &str) -> Value {
        self.admin.get(&format!("/v1/events{query}")).await.expect(200).body
    }
}

/// A shard with an institution whose events nobody numbers but the test.
struct Quiet {
    shard: Shard,
    institution: InstitutionId,
    pool: PgPool,
    superuser: PgConnection,
}

impl Quiet {
    async fn open() -> Self {
        let shard = Shard::create().await;
        let institution = shard.admit().await;
        let (pool, superuser) = (shard.pool("lxp_app", 4), shard.connect("postgres").await);
        Self { shard, institution, pool, superuser }
    }

    /// An event without a number, written so many seconds after the first.
    async fn write(&mut self, thing: u128, version: i64, at_s: i32) {
        sqlx::query(
            "INSERT INTO outbox_events (institution_id, id, type, aggregate, aggregate_id, aggregate_version,
                 payload, touches, created_at, actor_id, request_id)
             VALUES ($1, $2, 'THING_CHANGED', 'things', $3, $4, $5, '{}',
                 '2026-01-01T00:00:00Z'::timestamptz + make_interval(secs => $6), $7, 'r-1')",
        )
        .bind(self.institution.as_uuid())
        .bind(Uuid::now_v7())
        .bind(Uuid::from_u128(thing))
        .bind(version)
        .bind(json!({"thing": thing.to_string(), "version": version}))
        .bind(f64::from(at_s))
        .bind(Uuid::nil())
        .execute(&mut self.superuser)
        .await
        .expect("written");
    }

    async fn number(&self, batch: i64) -> Numbered {
        number(&self.pool, &registry(), self.institution, batch).await.expect("numbered")
    }

    /// (thing, version) in the order of their numbers.
    async fn order(&mut self) -> Vec<(u128, i64)> {
        let rows: Vec<(Uuid, i64)> = sqlx::query_as(
            "SELECT aggregate_id, aggregate_version FROM outbox_events
             WHERE institution_id = $1 AND seq IS NOT NULL ORDER BY seq",
        )
        .bind(self.institution.as_uuid())
        .fetch_all(&mut self.superuser)
        .await
        .expect("events");
        rows.into_iter().map(|(id, version)| (id.as_u128(), version)).collect()
    }

    async fn close(self) {
        self.pool.close().await;
        drop(self.superuser);
        self.shard.drop_database().await;
    }
}

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

/// Rows of a table as JSON, put into another shard as they are.
async fn carry(from: &mut PgConnection, to: &mut PgConnection, table: &str) {
    let read = format!("SELECT coalesce(jsonb_agg(to_jsonb(t)), '[]') FROM {table} t");
    let rows: Value = sqlx::query_scalar(AssertSqlSafe(read)).fetch_one(from).await.expect("rows");
    let write =
        format!("INSERT INTO {table} SELECT * FROM jsonb_populate_recordset(NULL::{table}, $1)");
    sqlx::query(AssertSqlSafe(write)).bind(rows).execute(to).await.expect("carried");
}

/// Some events have their numbers, some move without; the target's clock is behind.
#[tokio::test]
async fn numbers_and_the_chain_go_on_across_a_move() {
    let mut source = Quiet::open().await;
    for (thing, version, at_s) in [(1, 1, 10), (2, 1, 20)] {
        source.write(thing, version, at_s).await;
    }
    source.number(100).await;
    source.write(1, 2, 30).await;
    let mut target = Quiet::open().await;
    target.institution = source.institution;
    sqlx::query("SELECT institution_admit($1, 1, 'shard-t', 'moved', 'Moved', 'Europe/London')")
        .bind(source.institution.as_uuid())
        .execute(&mut target.shard.connect("lxp_owner").await)
        .await
        .expect("admitted");
    for table in ["outbox_events", "event_heads"] {
        carry(&mut source.superuser, &mut target.superuser, table).await;
    }
    target.write(1, 3, 5).await;
    target.number(100).await;
    target.write(2, 2, 1).await;
    target.number(100).await;
    assert_eq!(target.order().await, [(1, 1), (2, 1), (1, 2), (1, 3), (2, 2)]);
    let mut tx = TenantTx::begin(&target.pool, target.institution).await.expect("entered");
    let walk = events::verify::walk(&mut tx, 0, None, 100).await.expect("walked");
    tx.commit().await.expect("read");
    assert!(walk.ok && walk.complete, "{walk:?}");
    assert_eq!(walk.events, 5);
    source.close().await;
    target.close().await;
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

#[tokio::test]
async fn events_are_followed_by_their_numbers() {
    let school = School::open().await;
    assert_eq!(school.events("").await, json!({"items": [], "nextAfter": 0}));
    let course = school.admin.post("/v1/courses", json!({"code": "C", "title": "C"})).await;
    let course = course.expect(201).id();
    let path = format!("/v1/courses/{course}");
    for title in ["1", "2"] {
        school.patch(&path, json!({"title": title})).await.expect(200);
    }
    school.until_numbered().await;
    let all = school.events("").await;
    let seen: Vec<_> = all["items"].as_array().expect("events").iter().collect();
    let seqs: Vec<_> = seen.iter().map(|event| event["seq"].as_i64().expect("a number")).collect();
    assert_eq!(seqs, [1, 2, 3]);
    assert_eq!(seen[0]["type"], "COURSE_CREATED");
    assert_eq!(seen[2]["payload"]["title"], "2");
    assert_eq!(seen[2]["aggregateVersion"], 3);
    assert_eq!(all["nextAfter"], 3);
    let page = school.events("?after=1&limit=1").await;
    assert_eq!((&page["items"][0]["seq"], &page["nextAfter"]), (&json!(2), &json!(2)));
    let few = school.events("?types=COURSE_CREATED,NOTHING").await;
    assert_eq!((few["items"].as_array().map(Vec::len), &few["nextAfter"]), (Some(1), &json!(3)));
    let beyond = school.events("?after=500").await;
    assert_eq!(beyond, json!({"items": [], "nextAfter": 500}));
    for wrong in ["?after=-1", "?limit=0", "?limit=1001", "?types=a", "?types=", "?nope=1"] {
        school.admin.get(&format!("/v1/events{wrong}")).await.expect(400);
    }
    for (role, status) in [(Role::ApiClient, 200), (Role::Staff, 403), (Role::Student, 403)] {
        let client = school.served.client(school.institution, role, None);
        client.get("/v1/events").await.expect(status);
    }
    school.close().await;
}

/// Events without a number are not there yet for who follows.
#[tokio::test]
async fn what_has_no_number_is_not_shown() {
    let mut plan_shard = Quiet::open().await;
    plan_shard.write(1, 1, 1).await;
    let mut plan = Plan::new(&plan_shard.shard, FakeDirectory::start().await);
    plan.numbers = false;
    let served = plan.serve().await;
    served.until_leased().await;
    let admin = served.admin(plan_shard.institution);
    assert_eq!(admin.get("/v1/events").await.expect(200).body["items"], json!([]));
    assert_eq!(admin.get("/v1/audit").await.expect(200).body["items"], json!([]));
    plan_shard.number(10).await;
    let shown = admin.get("/v1/events").await.expect(200).body;
    assert_eq!(shown["items"][0]["seq"], 1);
    drop(served);
    plan_shard.close().await;
}

/// In a chain that nothing can be taken out of, nobody is named.
#[tokio::test]
async fn events_of_students_do_not_say_who_they_are() {
    let school = School::open().await;
    let student = json!({"studentNo": "S-1", "givenName": "Adalmira", "familyName": "Lovelock",
        "email": "ada@example.edu"});
    let id = school.admin.post("/v1/students", student.clone()).await.expect(201).id();
    school
        .patch(&format!("/v1/students/{id}"), json!({"familyName": "Kingsley"}))
        .await
        .expect(200);
    school
        .admin
        .post(
            "/v1/students:bulk",
            json!({"items": [{"studentNo": "S-2",
        "givenName": "Adalmira", "familyName": "Lovelock", "email": "b@example.edu"}]}),
        )
        .await
        .expect(200);
    school.until_numbered().await;
    let events = school.events("").await;
    assert_eq!(events["items"].as_array().map(Vec::len), Some(3));
    assert_eq!(events["items"][0]["payload"]["studentNo"], "S-1");
    for personal in ["Adalmira", "Lovelock", "Kingsley", "example.edu"] {
        assert!(!events.to_string().contains(personal), "{personal}: {events}");
    }
    school.close().await;
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

/// What the table of the audit says of its makers is read off the requests.
#[tokio::test]
async fn an_event_says_who_caused_it_and_by_which_request() {
    let school = School::open().await;
    let who = Uuid::now_v7();
    let client = school.served.client(school.institution, Role::Staff, Some(who));
    let body = Some(json!({"code": "C", "title": "C"}));
    let headers = [("x-request-id", "req-7")];
    client.send(Method::POST, "/v1/courses", body, &headers).await.expect(201);
    school.until_numbered().await;
    let entry = school.admin.get("/v1/audit").await.expect(200).body["items"][0].clone();
    let seen: BTreeMap<_, _> =
        ["actorId", "requestId"].map(|name| (name, entry[name].clone())).into();
    assert_eq!(seen, BTreeMap::from([("actorId", json!(who)), ("requestId", json!("req-7"))]));
    school.close().await;
}
