//! The audit: who did what, and that nobody changes it unseen. Against a real Postgres, with a superuser as the one who
//! tries.

use serde_json::{Value, json};
use service_kit::token::Role;
use shard_node::events::chain::{Fields, GENESIS};
use shard_node::events::number;
use shard_node::jobs::{self, Registry};
use sqlx::postgres::PgConnection;
use sqlx::{AssertSqlSafe, Executor as _, FromRow};
use uuid::Uuid;

use crate::support::Shard;
use crate::support::api::Served;
use crate::support::school::School;

impl School {
    /// Eight numbered events of one course.
    async fn with_history() -> (Self, Uuid) {
        let school = Self::open().await;
        let course = json!({"code": "C", "title": "0"});
        let course = school.admin.post("/v1/courses", course).await.expect(201).id();
        for title in 1..8 {
            let body = json!({"title": title.to_string()});
            school.patch(&format!("/v1/courses/{course}"), body).await.expect(200);
        }
        school.until_numbered().await;
        (school, course)
    }

    async fn verify(&self, query: &str) -> Value {
        self.admin.get(&format!("/v1/audit:verify{query}")).await.expect(200).body
    }
}

async fn run(superuser: &mut PgConnection, sql: &str) {
    superuser.execute(AssertSqlSafe(sql.to_owned())).await.expect(sql);
}

/// What somebody does, and where it is found.
const TAMPERINGS: &[(&str, &str, (i64, &str))] = &[
    (
        "a payload is changed",
        "UPDATE outbox_events SET payload = payload || '{\"title\": \"x\"}' WHERE seq = 3",
        (3, "changed"),
    ),
    (
        "it was somebody else",
        "UPDATE outbox_events SET actor_id = gen_random_uuid() WHERE seq = 5",
        (5, "changed"),
    ),
    (
        "it was another time",
        "UPDATE outbox_events SET created_at = created_at + interval '1 microsecond' WHERE seq = 1",
        (1, "changed"),
    ),
    (
        "it was another request",
        "UPDATE outbox_events SET request_id = NULL WHERE seq = 8",
        (8, "changed"),
    ),
    ("one is gone", "DELETE FROM outbox_events WHERE seq = 4", (4, "missing")),
    ("the first is gone", "DELETE FROM outbox_events WHERE seq = 1", (1, "missing")),
    ("the last is gone", "DELETE FROM outbox_events WHERE seq = 8", (8, "missing")),
    ("all are gone", "DELETE FROM outbox_events", (1, "missing")),
    (
        "one is gone and the others have closed up",
        "DELETE FROM outbox_events WHERE seq = 4;
         UPDATE outbox_events SET seq = seq + 100 WHERE seq > 4;
         UPDATE outbox_events SET seq = seq - 101 WHERE seq > 100;
         UPDATE event_heads SET seq = 7",
        (4, "changed"),
    ),
    (
        "two have changed places",
        "UPDATE outbox_events SET seq = seq + 100 WHERE seq IN (2, 6);
         UPDATE outbox_events SET seq = 108 - seq WHERE seq > 100",
        (2, "changed"),
    ),
    (
        "one is added past the end",
        "INSERT INTO outbox_events (institution_id, id, type, aggregate, aggregate_id, aggregate_version, payload,
             touches, seq, hash)
         SELECT institution_id, gen_random_uuid(), type, aggregate, aggregate_id, 9, payload, touches, 9, hash
         FROM outbox_events WHERE seq = 8",
        (9, "beyond-head"),
    ),
    (
        "the end has another hash",
        "UPDATE event_heads SET hash = sha256('x')",
        (8, "other-hash"),
    ),
    ("there is no end", "DELETE FROM event_heads", (1, "beyond-head")),
];

#[tokio::test]
async fn every_tampering_is_found_where_it_begins() {
    let (school, _) = School::with_history().await;
    let sound = school.verify("").await;
    assert_eq!(
        (&sound["ok"], &sound["complete"], &sound["events"], &sound["first"], &sound["last"]),
        (&json!(true), &json!(true), &json!(8), &json!(1), &json!(8)),
        "{sound}"
    );
    let mut superuser = school.shard.connect("postgres").await;
    run(
        &mut superuser,
        "CREATE TABLE kept AS TABLE outbox_events; CREATE TABLE kept_heads AS TABLE event_heads",
    )
    .await;
    for (what, sql, (seq, why)) in TAMPERINGS {
        run(&mut superuser, sql).await;
        let broken = school.verify("").await;
        assert_eq!(broken["ok"], false, "{what}: {broken}");
        assert_eq!(broken["broken"], json!({"seq": seq, "why": why}), "{what}");
        run(
            &mut superuser,
            "DELETE FROM outbox_events; INSERT INTO outbox_events SELECT * FROM kept;
             DELETE FROM event_heads; INSERT INTO event_heads SELECT * FROM kept_heads",
        )
        .await;
        assert_eq!(school.verify("").await, sound, "{what}: it was put back");
    }
    drop(superuser);
    school.close().await;
}

#[tokio::test]
async fn a_walk_goes_on_where_the_one_before_ended() {
    let (school, _) = School::with_history().await;
    let whole = school.verify("").await;
    let first = school.verify("?limit=3").await;
    assert_eq!(
        (&first["last"], &first["complete"], &first["ok"]),
        (&json!(3), &json!(false), &json!(true))
    );
    let head = first["head"].as_str().expect("a hash");
    let rest = school.verify(&format!("?after=3&hash={head}")).await;
    assert_eq!((&rest["first"], &rest["events"]), (&json!(4), &json!(5)));
    assert_eq!((&rest["head"], &rest["complete"]), (&whole["head"], &json!(true)));
    let end =
        school.verify(&format!("?after=8&hash={}", whole["head"].as_str().expect("a hash"))).await;
    assert_eq!(
        (&end["events"], &end["ok"], &end["complete"]),
        (&json!(0), &json!(true), &json!(true))
    );
    for wrong in ["?after=-1", "?hash=xyz", "?limit=0", "?limit=50001"] {
        school.admin.get(&format!("/v1/audit:verify{wrong}")).await.expect(400);
    }
    school.close().await;
}

#[derive(FromRow)]
struct Row {
    id: Uuid,
    seq: i64,
    r#type: String,
    aggregate: String,
    aggregate_id: Uuid,
    aggregate_version: i64,
    actor_id: Option<Uuid>,
    request_id: Option<String>,
    created_at: chrono::DateTime<chrono::Utc>,
    payload: String,
}

/// Who works out every hash anew is not found by the chain, but by a hash that somebody kept.
#[tokio::test]
async fn a_chain_that_was_written_anew_is_found_by_a_hash_that_was_kept() {
    let (school, _) = School::with_history().await;
    let kept = school.verify("?limit=5").await;
    let kept = kept["head"].as_str().expect("a hash");
    let mut superuser = school.shard.connect("postgres").await;
    run(&mut superuser, "UPDATE outbox_events SET payload = '{}' WHERE seq = 2").await;
    let rows: Vec<Row> = sqlx::query_as(
        "SELECT id, seq, type, aggregate, aggregate_id, aggregate_version, actor_id, request_id, created_at,
             payload::text AS payload
         FROM outbox_events ORDER BY seq",
    )
    .fetch_all(&mut superuser)
    .await
    .expect("events");
    let mut hash = GENESIS;
    for row in &rows {
        hash = hash.then(&Fields {
            institution: school.institution.as_uuid(),
            seq: row.seq,
            id: row.id,
            kind: &row.r#type,
            aggregate: &row.aggregate,
            aggregate_id: row.aggregate_id,
            aggregate_version: row.aggregate_version,
            actor_id: row.actor_id,
            request_id: row.request_id.as_deref(),
            created_at: row.created_at,
            payload: &row.payload,
        });
        sqlx::query("UPDATE outbox_events SET hash = $2 WHERE id = $1")
            .bind(row.id)
            .bind(&hash.0[..])
            .execute(&mut superuser)
            .await
            .expect("written");
    }
    sqlx::query("UPDATE event_heads SET hash = $1")
        .bind(&hash.0[..])
        .execute(&mut superuser)
        .await
        .expect("written");
    assert_eq!(school.verify("").await["ok"], true, "it looks sound by itself");
    let found = school.verify(&format!("?after=5&hash={kept}")).await;
    assert_eq!(found["broken"], json!({"seq": 5, "why": "other-hash"}));
    drop(superuser);
    school.close().await;
}

#[tokio::test]
async fn the_audit_is_read_the_latest_first_page_by_page() {
    let (school, course) = School::with_history().await;
    school.admin.post("/v1/courses", json!({"code": "D", "title": "D"})).await.expect(201);
    school.until_numbered().await;
    let mut seen = Vec::new();
    let mut cursor = String::new();
    loop {
        let page = school.admin.get(&format!("/v1/audit?limit=4{cursor}")).await.expect(200).body;
        let items = page["items"].as_array().expect("entries").clone();
        seen.extend(items.iter().map(|entry| entry["seq"].as_i64().expect("a number")));
        assert!(items.iter().all(|entry| entry["hash"].as_str().map(str::len) == Some(64)));
        let Some(next) = page["nextCursor"].as_str() else { break };
        cursor = format!("&cursor={next}");
    }
    assert_eq!(seen, (1..=9).rev().collect::<Vec<_>>());
    let of = school.admin.get(&format!("/v1/audit?of=courses/{course}")).await.expect(200).body;
    assert_eq!(of["items"].as_array().map(Vec::len), Some(8));
    let created = format!("/v1/audit?of=courses/{course}&type=COURSE_CREATED");
    let created = school.admin.get(&created).await.expect(200).body;
    assert_eq!(created["items"].as_array().map(Vec::len), Some(1));
    let nowhere = format!("/v1/audit?of=courses/{}", Uuid::now_v7());
    school.admin.get(&nowhere).await.expect(404);
    let nobody = format!("/v1/audit?actor={}", Uuid::now_v7());
    assert_eq!(school.admin.get(&nobody).await.expect(200).body["items"], json!([]));
    for wrong in ["?cursor=x", "?limit=0", "?of=courses", "?of=courses/7", "?type=x"] {
        school.admin.get(&format!("/v1/audit{wrong}")).await.expect(400);
    }
    for role in [Role::Staff, Role::ApiClient, Role::Instructor] {
        let client = school.served.client(school.institution, role, None);
        client.get("/v1/audit").await.expect(403);
        client.get("/v1/audit:verify").await.expect(403);
    }
    school.close().await;
}

/// Those who kept a hash from before still find it, and the chain is whole.
#[tokio::test]
async fn remarks_go_out_of_the_chain_and_it_is_worked_out_again() {
    let shard = Shard::create_before(20_261_129_000_057).await;
    let (institution, other) = (shard.admit().await, shard.admit().await);
    let mut superuser = shard.connect("postgres").await;
    for (institution, events) in [(institution, 6), (other, 3)] {
        let written = format!(
            r#"INSERT INTO outbox_events (institution_id, id, type, aggregate, aggregate_id, aggregate_version, payload,
                 touches, created_at, actor_id, request_id)
             SELECT '{institution}', gen_random_uuid(), 'ATTENDANCE_RECORD_CREATED',
                 CASE WHEN n IN (2, 4, 6) THEN 'attendance_records' ELSE 'things' END, gen_random_uuid(), 1,
                 CASE n WHEN 2 THEN '{{"note": "cried", "code": "LATE", "é": 1.50}}' WHEN 4 THEN '{{"note": null}}'
                        ELSE '{{"note": "of a thing"}}' END::jsonb,
                 '{{}}', timestamptz '2026-10-01 08:00:00.000001+01' + make_interval(secs => n),
                 CASE WHEN n <> 5 THEN gen_random_uuid() END, CASE WHEN n <> 4 THEN 'r-é' END
             FROM generate_series(1, {events}) n"#
        );
        run(&mut superuser, &written).await;
    }
    let pool = shard.pool("lxp_app", 1);
    let registry = Registry::new(jobs::handlers(), jobs::KINDS).expect("handlers");
    for institution in [institution, other] {
        number(&pool, &registry, institution, 5).await.expect("numbered");
    }
    pool.close().await;
    let hashes =
        "SELECT encode(hash, 'hex') FROM outbox_events WHERE seq <= 2 ORDER BY institution_id, seq";
    let before: Vec<String> =
        sqlx::query_scalar(hashes).fetch_all(&mut superuser).await.expect("hashes");
    shard.migrate().await;
    let after: Vec<String> =
        sqlx::query_scalar(hashes).fetch_all(&mut superuser).await.expect("hashes");
    assert_eq!((&before[0], &before[2]), (&after[0], &after[2]), "what stands before it stays");
    assert!(before[1] != after[1] && before[3] != after[3], "nothing was worked out again");
    let notes: i64 = sqlx::query_scalar(
        "SELECT count(*) FROM outbox_events WHERE aggregate = 'attendance_records' AND payload ? 'note'",
    )
    .fetch_one(&mut superuser)
    .await
    .expect("a count");
    assert_eq!(notes, 0);
    let served = Served::start(&shard, 4).await;
    for (institution, events) in [(institution, 6), (other, 3)] {
        let began = std::time::Instant::now();
        loop {
            let path = "/v1/audit:verify";
            let walk = served.admin(institution).get(path).await.expect(200).body;
            assert_eq!(walk["ok"], true, "{walk}");
            // The node goes on with the one that had no number.
            if walk["events"] == events {
                break;
            }
            assert!(began.elapsed() < std::time::Duration::from_mins(1), "{walk}");
            tokio::time::sleep(std::time::Duration::from_millis(50)).await;
        }
    }
    drop((served, superuser));
    shard.drop_database().await;
}

/// A type that is rare among very many is found step by step: no step looks at all of them.
#[tokio::test]
async fn what_is_rare_is_found_in_steps() {
    let school = School::open().await;
    let mut superuser = school.shard.connect("postgres").await;
    let many = format!(
        "INSERT INTO outbox_events (institution_id, id, type, aggregate, aggregate_id, aggregate_version, payload,
             touches, seq, hash, relayed_at)
         SELECT '{0}', gen_random_uuid(), CASE WHEN n IN (5, 59000) THEN 'RARE' ELSE 'COMMON' END, 'things',
             gen_random_uuid(), 1, '{{}}', '{{}}', n, sha256('x'), now() FROM generate_series(1, 60000) n;
         INSERT INTO event_heads (institution_id, id, seq, hash) VALUES ('{0}', '{0}', 60000, sha256('x'))",
        school.institution
    );
    run(&mut superuser, &many).await;
    let seqs = |page: &Value| -> Vec<i64> {
        let items = page["items"].as_array().expect("items").iter();
        items.map(|item| item["seq"].as_i64().expect("a number")).collect()
    };
    let first = school.events("?types=RARE").await;
    assert_eq!((seqs(&first), &first["nextAfter"]), (vec![5], &json!(50_000)));
    let none = school.events("?types=RARE&after=5").await;
    assert_eq!((seqs(&none), &none["nextAfter"]), (vec![], &json!(50_005)));
    let rest = school.events("?types=RARE&after=50005").await;
    assert_eq!((seqs(&rest), &rest["nextAfter"]), (vec![59_000], &json!(60_000)));
    let all = school.events("?after=59000&limit=1000").await;
    assert_eq!((seqs(&all).len(), &all["nextAfter"]), (1_000, &json!(60_000)));
    let page =
        async |query: &str| school.admin.get(&format!("/v1/audit?{query}")).await.expect(200).body;
    let first = page("type=RARE").await;
    assert_eq!((seqs(&first), &first["nextCursor"]), (vec![59_000], &json!("10001")));
    let last = page("type=RARE&cursor=10001").await;
    assert_eq!((seqs(&last), last.get("nextCursor")), (vec![5], None));
    let full = page("type=RARE&limit=1").await;
    assert_eq!((seqs(&full), &full["nextCursor"]), (vec![59_000], &json!("59000")));
    assert_eq!(seqs(&page("type=NEVER&cursor=5").await), [0_i64; 0]);
    drop(superuser);
    school.close().await;
}
