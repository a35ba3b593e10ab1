//! The key, marked, is nowhere before release: in nothing that a student can get, in no event, job, notification or cache.

use axum::http::Method;
use serde_json::json;
use uuid::Uuid;

use super::logs::Logs;
use super::{Exam, fixed};
use crate::support::api::Client;
use crate::support::redis::TestRedis;

/// What stands in the keys and nowhere else.
const MARKER: &str = "xyzzyMARKERxyzzy";

/// Tables that hold keys.
const WITH_KEYS: &str =
    "assessment_materials assessment_regrades assessment_variants question_versions";

/// Everything that a client can read, by the document: each GET, with whatever ids there are.
async fn everything(client: &Client, ids: &[(&str, Uuid)]) -> Vec<(String, String)> {
    let document = client.get("/openapi.json").await.expect(200).body;
    let mut read = Vec::new();
    for (path, item) in document["paths"].as_object().expect("paths") {
        if item.get("get").is_none() {
            continue;
        }
        let collection = path.trim_start_matches("/v1/").split('/').next().unwrap_or_default();
        for (_, id) in ids.iter().filter(|(of, _)| *of == collection || !path.contains('{')) {
            let filled =
                path.split('{').map(|part| part.split_once('}').map_or(part, |(_, rest)| rest));
            let filled: Vec<&str> = filled.collect();
            let answer = client.get(&filled.join(&id.to_string())).await;
            read.push((path.clone(), answer.body.to_string()));
        }
    }
    assert!(read.len() > 20, "only {} were read", read.len());
    read
}

/// Rows of every table but those that hold keys, as text, that have the marker in them.
async fn marked_rows(exam: &Exam) -> Vec<String> {
    let mut watcher = exam.school.shard.connect("postgres").await;
    let tables: Vec<String> = sqlx::query_scalar(
        "SELECT relname::text FROM pg_class WHERE relkind = 'r' AND relnamespace = 'public'::regnamespace",
    )
    .fetch_all(&mut watcher)
    .await
    .expect("tables");
    let mut marked = Vec::new();
    for table in
        tables.into_iter().filter(|table| !WITH_KEYS.split(' ').any(|known| known == table))
    {
        let sql = format!("SELECT count(*) FROM {table} t WHERE t::text LIKE '%{MARKER}%'");
        let found: i64 = sqlx::query_scalar(sqlx::AssertSqlSafe(sql))
            .fetch_one(&mut watcher)
            .await
            .expect("counted");
        if found > 0 {
            marked.push(format!("{table}: {found}"));
        }
    }
    marked
}

#[tokio::test]
async fn a_key_is_in_nothing_but_its_own_tables_until_it_is_released() {
    let logs = Logs::capture();
    let redis = TestRedis::start().await;
    let exam = Exam::open_with(2, &redis.url()).await;
    exam.school.served.trusts_redis(true).await;
    let accepted = json!([{"text": MARKER}, {"text": "partly", "fraction": "0.5"}]);
    let text = exam.question(json!({"type": "SHORT_TEXT", "accepted": accepted})).await;
    let essay = exam.question(json!({"type": "ESSAY"})).await;
    let more = json!({"releasePolicy": "MANUAL", "timeLimitSeconds": 3_600, "maxAttempts": 2});
    let assessment = exam.published(fixed(&[text, essay]), more).await;
    let sitter = &exam.sitters[0];
    let begun = sitter.start(assessment).await.expect(201);
    let attempt = begun.id();
    let mut said = vec![("start".to_owned(), begun.body.to_string())];
    let saved = sitter.save(attempt, 1, json!({"i1": "partly", "i2": "x"})).await.expect(200);
    said.push(("save".to_owned(), saved.body.to_string()));
    let refused = sitter.save(attempt, 1, json!({"i1": "other"})).await.expect(412);
    said.push(("refused save".to_owned(), refused.body.to_string()));
    let handed_in = sitter.submit(attempt, None).await.expect(200);
    said.push(("submit".to_owned(), handed_in.body.to_string()));
    let waiting = exam.until_status(attempt, "IN_REVIEW").await;
    let points = json!([{"item": "i2", "points": "5"}]);
    let graded = exam.give(attempt, &waiting["rowVersion"], points).await.expect(200);
    said.push(("score".to_owned(), graded.body.to_string()));
    let dry = json!({"dryRun": true});
    let dry =
        exam.teacher.post(&format!("/v1/assessments/{assessment}:regrade"), dry).await.expect(200);
    said.push(("dry run".to_owned(), dry.body.to_string()));
    let run = json!({"dryRun": false});
    let run =
        exam.teacher.post(&format!("/v1/assessments/{assessment}:regrade"), run).await.expect(202);
    said.push(("regrade".to_owned(), run.body.to_string()));
    exam.school.until_idle().await;
    let ids = [
        ("assessments", assessment),
        ("attempts", attempt),
        ("submissions", attempt),
        ("classes", exam.class),
        ("students", sitter.student),
        ("enrollments", sitter.enrollment),
        ("question-banks", exam.bank),
        ("questions", text),
    ];
    let student = everything(&sitter.client, &ids).await;
    let office: Vec<_> = everything(&exam.school.admin, &ids)
        .await
        .into_iter()
        .filter(|(path, _)| !path.starts_with("/v1/question"))
        .collect();
    for (path, body) in student.iter().chain(&office).chain(&said) {
        assert!(!body.contains(MARKER), "{path}: {body}");
    }
    // What the search itself asks the database is logged, too: logs come first.
    assert_eq!(logs.with(MARKER), Vec::<String>::new());
    assert_eq!(marked_rows(&exam).await, Vec::<String>::new());
    assert_eq!(redis.holding(MARKER).await, Vec::<String>::new());
    // And it is there to be found: the search finds it once it may be seen.
    exam.act(assessment, "close").await.expect(200);
    exam.act(assessment, "release").await.expect(200);
    exam.school.run("UPDATE assessments SET closed_at = closed_at - interval '1 minute'").await;
    let student = everything(&sitter.client, &ids).await;
    let shown: Vec<&String> =
        student.iter().filter(|(_, body)| body.contains(MARKER)).map(|(path, _)| path).collect();
    assert_eq!(shown, ["/v1/submissions/{id}"]);
    exam.close().await;
}

#[tokio::test]
async fn a_job_that_fails_over_a_key_does_not_say_it() {
    let logs = Logs::capture();
    let exam = Exam::open(1).await;
    let accepted = json!([{"text": MARKER}]);
    let text = exam.question(json!({"type": "SHORT_TEXT", "accepted": accepted})).await;
    let assessment = exam.published(fixed(&[text]), json!({})).await;
    let attempt = exam.sitters[0].start(assessment).await.expect(201).id();
    // A key of a later version, which this grader does not understand. The marker is put together by the database.
    exam.school
        .run(
            "UPDATE assessment_variants SET key = jsonb_set(key, '{items,0,rule,type}',
                 to_jsonb('xyzzy' || 'MARKER' || 'xyzzy'))",
        )
        .await;
    exam.sitters[0].submit(attempt, Some(json!({"i1": "x"}))).await.expect(200);
    let tried =
        "SELECT count(*) FROM jobs WHERE type = 'GRADE_ASSESSMENT' AND last_error IS NOT NULL";
    exam.school.until(tried, 1).await;
    let shown = exam.teacher.get(&format!("/v1/submissions/{attempt}")).await;
    assert!(!shown.body.to_string().contains(MARKER), "{}", shown.body);
    let jobs =
        exam.school.admin.send(Method::GET, "/v1/jobs?type=GRADE_ASSESSMENT", None, &[]).await;
    assert!(!jobs.body.to_string().contains(MARKER), "{}", jobs.body);
    assert_eq!(logs.with(MARKER), Vec::<String>::new());
    assert!(!logs.with("does not decode").is_empty(), "the logs are not captured");
    assert_eq!(marked_rows(&exam).await, Vec::<String>::new());
    exam.close().await;
}
