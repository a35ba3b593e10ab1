//! R11, R12 in the whole: nodes are killed with -9 at any moment while students enrol and their institutions move. Every
//! enrolment that was acknowledged has its job, each job was done, and its effects are in the database once; a webhook
//! has got each event at least once, always under one id.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::time::{Duration, Instant};

use futures::future::join_all;
use lxp_tests::{Client, Institution, Own, Sink, Size};
use reqwest::Method;
use serde_json::{Value, json};
use service_kit::token::Role;
use sqlx::postgres::PgPool;
use uuid::Uuid;

const SHARDS: [&str; 2] = ["shard-a", "shard-b"];
const INSTITUTIONS: usize = 3;
const CLASSES: usize = 4;
/// Who enrol at once in an institution.
const CALLERS: usize = 4;
/// A write with a key is asked for until it is settled, so long at the most.
const SETTLED_WITHIN: Duration = Duration::from_secs(90);
/// After the last kill: the leases of those who were killed run out, then their jobs are done.
const DONE_WITHIN: Duration = Duration::from_mins(2);
const MOVED_WITHIN: Duration = Duration::from_secs(100);

/// An institution with its classes, and who is to be enrolled where.
struct School {
    institution: Institution,
    /// Where its events go.
    sink: Sink,
    /// Users of their own: each may ask 1,000 times a minute.
    callers: Vec<Client>,
    /// (class, student), each once.
    wanted: Vec<(Uuid, Uuid)>,
}

#[tokio::test(flavor = "multi_thread")]
async fn however_nodes_are_killed_every_enrolment_has_its_job_and_its_effects_once() {
    let size = Size::of_this_run();
    let enrolments = size.pick(600, 20_000);
    let platform = Arc::new(Own::start(2, 1).await);
    let schools = join_all((0..INSTITUTIONS).map(|_| open(&platform, enrolments / INSTITUTIONS)));
    let schools: Arc<Vec<School>> = Arc::new(schools.await);
    let stop = Arc::new(AtomicBool::new(false));
    let (kills, moves) = (Arc::new(AtomicUsize::new(0)), Arc::new(AtomicUsize::new(0)));
    let killing = tokio::spawn(keep_killing(platform.clone(), stop.clone(), kills.clone()));
    let moving = tokio::spawn(keep_moving(
        platform.control(),
        schools[0].institution.clone(),
        stop.clone(),
        moves.clone(),
    ));
    let began = Instant::now();
    let pace = Duration::from_millis(size.pick(300, 65));
    let acknowledged = join_all(schools.iter().map(|school| enrol_all(school, pace))).await;
    stop.store(true, Ordering::SeqCst);
    killing.await.expect("nobody panicked");
    moving.await.expect("nobody panicked");
    platform.expect_all_up().await;
    eprintln!(
        "{enrolments} enrolments in {:?}, {} kills, {} moves",
        began.elapsed(),
        kills.load(Ordering::SeqCst),
        moves.load(Ordering::SeqCst)
    );
    assert!(kills.load(Ordering::SeqCst) > 0 && moves.load(Ordering::SeqCst) > 0);
    let databases = join_all(SHARDS.map(|shard| database(&platform, shard))).await;
    for (school, acknowledged) in schools.iter().zip(acknowledged) {
        assert_eq!(acknowledged.len(), school.wanted.len(), "not all were settled");
        until_done(&databases, &school.institution).await;
        expect_each_once(&databases, school, &acknowledged).await;
    }
}

/// Its classes have room for everybody.
async fn open(platform: &Own, enrolments: usize) -> School {
    let institution = platform.institution(Some("shard-a")).await;
    let admin = platform.admin(institution.id);
    let each = enrolments.div_ceil(CLASSES);
    let term = json!({"code": "T", "name": "T", "startsOn": "2026-09-01", "endsOn": "2026-12-14"});
    let term = admin.post("/v1/terms", term).await.expect(201).id();
    // Of whom each class's staff is, who hears of each enrolment, too.
    let teacher = json!({"givenName": "G", "familyName": "F", "roles": [{"role": "INSTRUCTOR"}]});
    let teacher = admin.post("/v1/users", teacher).await.expect(201).id();
    let mut classes = Vec::new();
    for number in 0..CLASSES {
        let code = format!("C{number}");
        let course = json!({"code": code, "title": "C"});
        let course = admin.post("/v1/courses", course).await.expect(201).id();
        let class = json!({"courseId": course, "termId": term, "code": code, "capacity": each});
        let class = admin.post("/v1/classes", class).await.expect(201).id();
        let path = format!("/v1/classes/{class}/staff");
        let _added = admin.post(&path, json!({"userId": teacher})).await.expect(201);
        classes.push(class);
    }
    let mut students: Vec<Uuid> = Vec::new();
    while students.len() < each {
        let from = students.len();
        let student = |number: usize| json!({"studentNo": format!("S{number}"), "givenName": "G", "familyName": "F"});
        let items: Vec<Value> = (from..each.min(from + 500)).map(student).collect();
        let made = admin.post("/v1/students:bulk", json!({"items": items})).await.expect(200);
        let rows = made.body["items"].as_array().expect("rows").iter();
        students.extend(
            rows.map(|row| row["id"].as_str().expect("an id").parse::<Uuid>().expect("an id")),
        );
    }
    let pairs = students.iter().flat_map(|student| classes.iter().map(|class| (*class, *student)));
    let wanted = pairs.take(enrolments).collect();
    let caller = |_| {
        let token = platform.token_of(institution.id, Role::Admin, Uuid::now_v7());
        admin.with_token(&token)
    };
    let callers = (0..CALLERS).map(caller).collect();
    let sink = Sink::start().await;
    let webhook = json!({"url": sink.url, "eventTypes": ["STUDENT_ENROLLED"]});
    let _made = admin.post("/v1/webhooks", webhook).await.expect(201);
    School { institution, sink, callers, wanted }
}

/// Everybody is enrolled, by several callers; answers the enrolments that were acknowledged.
async fn enrol_all(school: &School, pace: Duration) -> Vec<Uuid> {
    let callers = school.callers.iter().enumerate().map(async |(number, caller)| {
        let mut enrolled = Vec::new();
        for (class, student) in school.wanted.iter().skip(number).step_by(CALLERS) {
            let next = Instant::now() + pace;
            enrolled.extend(enrol(caller, *class, *student).await);
            tokio::time::sleep_until(next.into()).await;
        }
        enrolled
    });
    join_all(callers).await.concat()
}

/// With a key, until it is known what became of it.
async fn enrol(caller: &Client, class: Uuid, student: Uuid) -> Option<Uuid> {
    let (key, began) = (Uuid::now_v7().to_string(), Instant::now());
    let path = format!("/v1/classes/{class}/enrollments");
    while began.elapsed() < SETTLED_WITHIN {
        let body = Some(json!({"studentId": student}));
        let headers = [("idempotency-key", key.as_str())];
        let answer = caller.try_send(Method::POST, &path, body, &headers).await;
        if answer.status == 201 {
            return Some(answer.id());
        }
        let is_open = answer.status == 0
            || answer.status == 429
            || answer.status >= 500
            || answer.code() == "idempotency-in-flight";
        assert!(is_open, "{}", answer.body);
        tokio::time::sleep(Duration::from_millis(200)).await;
    }
    None
}

/// One node after the other, at moments that nobody chose; each is waited for.
async fn keep_killing(platform: Arc<Own>, stop: Arc<AtomicBool>, kills: Arc<AtomicUsize>) {
    for node in ["node-shard-a-1", "node-shard-b-1"].into_iter().cycle() {
        let (random, _) = Uuid::new_v4().as_u64_pair();
        tokio::time::sleep(Duration::from_millis(500 + random % 2_500)).await;
        if stop.load(Ordering::SeqCst) {
            return;
        }
        let before = platform.kill(node);
        kills.fetch_add(1, Ordering::SeqCst);
        platform.is_up_again(node, before).await;
    }
}

/// To and fro, a move at a time. One that is given up for a node's sake is begun again.
async fn keep_moving(
    control: Client,
    institution: Institution,
    stop: Arc<AtomicBool>,
    moves: Arc<AtomicUsize>,
) {
    while !stop.load(Ordering::SeqCst) {
        let path = format!("/v1/institutions/{}", institution.id);
        let shown = control.get(&path).await.expect(200).body;
        let to = if shown["shard"] == SHARDS[0] { SHARDS[1] } else { SHARDS[0] };
        let wanted = json!({"kind": "move", "institution": institution.id, "to": to});
        let plan = control.post("/v1/plans", wanted).await;
        if plan.status == 201 {
            let apply = format!("/v1/plans/{}:apply", plan.id());
            let applied = control.send(Method::POST, &apply, None, &[]).await;
            if let Some(id) = applied.body["moves"][0]["move"].as_str() {
                let phase = ended(&control, id).await;
                moves.fetch_add(usize::from(phase == "done"), Ordering::SeqCst);
            }
        }
        tokio::time::sleep(Duration::from_millis(500)).await;
    }
}

async fn ended(control: &Client, id: &str) -> String {
    let began = Instant::now();
    loop {
        let shown = control.get(&format!("/v1/moves/{id}")).await.expect(200).body;
        let phase = shown["phase"].as_str().expect("a phase").to_owned();
        if matches!(phase.as_str(), "done" | "aborted") {
            return phase;
        }
        assert!(began.elapsed() < MOVED_WITHIN, "{shown}");
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
}

/// A shard's database, where a superuser sees all rows.
async fn database(platform: &Own, shard: &str) -> PgPool {
    let dsn = platform.superuser(&format!("postgres-{shard}-primary"));
    let (server, _) = dsn.rsplit_once('/').expect("a database");
    PgPool::connect(&format!("{server}/lxp")).await.expect("a connection")
}

/// Events of an institution that have no number yet.
const UNNUMBERED: &str = "SELECT 'unnumbered', count(*) FROM outbox_events
    WHERE institution_id = $1 AND seq IS NULL HAVING count(*) > 0";

/// Jobs of an institution by their states, wherever it is. One that has just moved is for a moment at both.
async fn states(databases: &[PgPool], institution: &Institution) -> BTreeMap<String, i64> {
    let mut all = BTreeMap::new();
    for database in databases {
        let rows: Vec<(String, i64)> = sqlx::query_as(
            "SELECT state, count(*) FROM jobs WHERE institution_id = $1 GROUP BY state",
        )
        .bind(institution.id.as_uuid())
        .fetch_all(database)
        .await
        .expect("states");
        for (state, count) in rows {
            *all.entry(state).or_insert(0) += count;
        }
    }
    all
}

async fn until_done(databases: &[PgPool], institution: &Institution) {
    let (began, mut before) = (Instant::now(), BTreeMap::new());
    loop {
        let states = states(databases, institution).await;
        assert_eq!(states.get("FAILED"), None, "{states:?}");
        // Numbers come first: they queue what is sent.
        let unnumbered = counted(databases, institution, UNNUMBERED).await;
        let are_done = states.keys().all(|state| state == "DONE") && !states.is_empty();
        if are_done && unnumbered.is_empty() && before == states {
            return;
        }
        before = states.clone();
        assert!(began.elapsed() < DONE_WITHIN, "not done: {states:?}");
        tokio::time::sleep(Duration::from_millis(200)).await;
    }
}

/// Each enrolment has one job, and what that job does is there once; the webhook has got all of them.
async fn expect_each_once(databases: &[PgPool], school: &School, enrolments: &[Uuid]) {
    let institution = &school.institution;
    let once: BTreeMap<String, i64> = enrolments.iter().map(|id| (id.to_string(), 1)).collect();
    assert_eq!(once.len(), enrolments.len(), "an enrolment was acknowledged twice");
    let by_enrolment = "SELECT payload->>'enrollmentId', count(*) FROM jobs
        WHERE institution_id = $1 AND type = 'STUDENT_ENROLLED' AND state = 'DONE' GROUP BY 1";
    assert_eq!(counted(databases, institution, by_enrolment).await, once, "jobs");
    let rows = "SELECT id::text, count(*) FROM enrollments WHERE institution_id = $1 GROUP BY 1";
    assert_eq!(counted(databases, institution, rows).await, once, "enrolments");
    let told = "SELECT split_part(dedup_key, ':', 2), count(*) FROM notifications
        WHERE institution_id = $1 AND type = 'STUDENT_ENROLLED' GROUP BY 1";
    assert_eq!(counted(databases, institution, told).await, once, "notifications");
    let staff = "SELECT split_part(dedup_key, ':', 2), count(*) FROM notifications
        WHERE institution_id = $1 AND type = 'STUDENT_JOINED' GROUP BY 1";
    assert_eq!(counted(databases, institution, staff).await, once, "notifications of the staff");
    let events = "SELECT aggregate_id::text, count(*) FROM outbox_events
        WHERE institution_id = $1 AND type = 'STUDENT_ENROLLED' AND seq IS NOT NULL GROUP BY 1";
    assert_eq!(counted(databases, institution, events).await, once, "numbered events");
    let gaps = "SELECT 'gaps', max(seq) - count(seq) FROM outbox_events WHERE institution_id = $1
        HAVING count(*) > 0";
    let gapless = BTreeMap::from([("gaps".to_owned(), 0)]);
    assert_eq!(counted(databases, institution, gaps).await, gapless);
    let sent = school.sink.ids();
    let ids: BTreeSet<&String> = sent.iter().collect();
    assert_eq!(ids.len(), once.len(), "{} deliveries", sent.len());
}

async fn counted(
    databases: &[PgPool],
    institution: &Institution,
    sql: &'static str,
) -> BTreeMap<String, i64> {
    let mut all = BTreeMap::new();
    for database in databases {
        let rows: Vec<(String, i64)> = sqlx::query_as(sql)
            .bind(institution.id.as_uuid())
            .fetch_all(database)
            .await
            .expect("counted");
        for (what, count) in rows {
            *all.entry(what).or_insert(0) += count;
        }
    }
    all
}
