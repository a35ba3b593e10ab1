//! Beginning, saving and handing in.

use std::collections::BTreeSet;

use axum::http::Method;
use futures::future::join_all;
use serde_json::{Value, json};
use sqlx::AssertSqlSafe;
use uuid::Uuid;

use super::{Exam, at, until};
use crate::plans::rows_read;

#[tokio::test]
async fn what_is_answered_is_graded_and_has_a_receipt() {
    let exam = Exam::open(1).await;
    let sitter = &exam.sitters[0];
    let assessment = exam.simple(2, json!({"timeLimitSeconds": 3_600})).await;
    let begun = sitter.start(assessment).await.expect(201);
    assert_eq!(begun.body["paper"]["items"].as_array().map(Vec::len), Some(2));
    let attempt = begun.id();
    let saved = sitter.save(attempt, 1, json!({"i1": true})).await.expect(200);
    let version = saved.body["rowVersion"].as_i64().expect("a version");
    sitter.save(attempt, version, json!({"i1": true, "i2": false})).await.expect(200);
    let read = sitter.client.get(&format!("/v1/attempts/{attempt}/answers")).await.expect(200);
    assert_eq!(read.body["answers"], json!({"i1": true, "i2": false}));
    let handed_in = sitter.submit(attempt, None).await.expect(200);
    assert_eq!(
        (&handed_in.body["status"], &handed_in.body["submittedBy"]),
        (&json!("SUBMITTED"), &json!("STUDENT"))
    );
    let again = sitter.submit(attempt, None).await.expect(200);
    assert_eq!(again.body["receipt"], handed_in.body["receipt"]);
    let graded = exam.until_status(attempt, "GRADED").await;
    assert_eq!((&graded["score"], &graded["graderVersion"]), (&json!("10"), &json!("1")));
    let grade = exam.grade(assessment, sitter.student).await;
    assert_eq!(grade, Some(("10".to_owned(), "0".to_owned(), true)));
    exam.close().await;
}

#[tokio::test]
async fn a_receipt_is_verified_and_one_that_was_changed_is_refused() {
    let exam = Exam::open(1).await;
    let sitter = &exam.sitters[0];
    let assessment = exam.simple(1, json!({})).await;
    let attempt = sitter.start(assessment).await.expect(201).id();
    let path = format!("/v1/submissions/{attempt}/receipt");
    assert_eq!(sitter.client.get(&path).await.expect(409).code(), "not-submitted");
    // What a JSON text and the database write differently is hashed as the database has it.
    let answers = json!({"i1": {"b": 1e16, "a": [1.0, 1e300, -0.0]}});
    let receipt = sitter.submit(attempt, Some(answers)).await.expect(200).body["receipt"].clone();
    assert_eq!(sitter.client.get(&path).await.expect(200).body, receipt);
    let verify = async |receipt: &Value| {
        let answer =
            sitter.client.post(&format!("{path}:verify"), json!({"receipt": receipt})).await;
        answer.expect(200).body
    };
    assert_eq!(verify(&receipt).await, json!({"valid": true, "signed": true, "matches": true}));
    for (member, value) in [
        ("submittedAt", json!("2026-01-01T00:00:00.000000Z")),
        ("answersSha256", json!("00".repeat(32))),
        ("signature", json!("00".repeat(32))),
        ("attempt", json!(2)),
        ("studentId", json!(Uuid::now_v7())),
    ] {
        let mut tampered = receipt.clone();
        tampered[member] = value;
        let verdict = verify(&tampered).await;
        assert_eq!(
            (&verdict["valid"], &verdict["signed"]),
            (&json!(false), &json!(false)),
            "{member}"
        );
    }
    // Somebody has changed what was answered.
    exam.school.run("UPDATE assessment_submissions SET answers = '{\"i1\": true}'").await;
    assert_eq!(verify(&receipt).await, json!({"valid": false, "signed": true, "matches": false}));
    exam.close().await;
}

#[tokio::test]
async fn whoever_begins_ten_times_at_once_has_begun_once() {
    let exam = Exam::open(1).await;
    let assessment = exam.simple(1, json!({"maxAttempts": 5})).await;
    let begun = join_all((0..10).map(|_| exam.sitters[0].start(assessment))).await;
    let ids: BTreeSet<Uuid> = begun.iter().map(super::Answer::id).collect();
    let made = begun.iter().filter(|answer| answer.status == 201).count();
    assert_eq!((ids.len(), made), (1, 1));
    assert_eq!(exam.school.count("SELECT count(*) FROM assessment_submissions").await, 1);
    exam.close().await;
}

#[tokio::test]
async fn a_save_names_what_it_has_read_and_of_two_one_is_told() {
    let exam = Exam::open(1).await;
    let sitter = &exam.sitters[0];
    let attempt = sitter.start(exam.simple(3, json!({})).await).await.expect(201).id();
    let path = format!("/v1/attempts/{attempt}/answers");
    let body = json!({"answers": {"i1": true}});
    let refused = sitter.client.send(Method::PUT, &path, Some(body), &[]).await.expect(428);
    assert_eq!(refused.code(), "if-match-required");
    let both = [json!({"i1": true}), json!({"i2": true})];
    let saves = join_all(both.iter().map(|answers| sitter.save(attempt, 1, answers.clone()))).await;
    let mut statuses: Vec<u16> = saves.iter().map(|answer| answer.status.as_u16()).collect();
    statuses.sort_unstable();
    assert_eq!(statuses, [200, 412]);
    let won = saves.iter().find(|answer| answer.status == 200).expect("one won");
    assert_eq!(sitter.client.get(&path).await.expect(200).body["answers"], won.body["answers"]);
    for (answers, pointer) in [
        (json!({"i4": true}), "/answers/i4"),
        (json!({"q1": true}), "/answers/q1"),
        (json!({"i1": "x".repeat(300 * 1024)}), "/answers"),
    ] {
        let refused = sitter.save(attempt, 2, answers).await.expect(400);
        assert_eq!(refused.body["errors"][0]["pointer"], pointer);
    }
    exam.close().await;
}

#[tokio::test]
async fn nobody_sits_outside_of_the_window_or_more_often_than_allowed() {
    let exam = Exam::open(2).await;
    let [first, second] = [&exam.sitters[0], &exam.sitters[1]];
    let early = exam.simple(1, json!({"opensAt": at(600)})).await;
    assert_eq!(first.start(early).await.expect(409).code(), "not-open");
    let over = exam.simple(1, json!({"closesAt": at(-1)})).await;
    assert_eq!(first.start(over).await.expect(409).code(), "closed");
    let own = |of: Uuid, student: Uuid| format!("/v1/assessments/{of}/overrides/{student}");
    for (of, different) in
        [(early, json!({"opensAt": at(-60)})), (over, json!({"closesAt": at(600)}))]
    {
        let path = own(of, first.student);
        exam.teacher.send(Method::PUT, &path, Some(different), &[]).await.expect(201);
        first.start(of).await.expect(201);
        assert_eq!(second.start(of).await.status, 409, "an override is one student's");
    }
    let once = exam.simple(1, json!({})).await;
    first.sit(once, json!({"i1": true})).await;
    assert_eq!(first.start(once).await.expect(409).code(), "attempts-exhausted");
    let more = Some(json!({"extraAttempts": 1}));
    exam.teacher.send(Method::PUT, &own(once, first.student), more, &[]).await.expect(201);
    assert_eq!(first.start(once).await.expect(201).body["attempt"], 2);
    let none = Method::DELETE;
    exam.teacher.send(none, &own(once, first.student), None, &[]).await.expect(204);
    first.start(once).await.expect(200);
    exam.close().await;
}

/// How long an attempt lasts, in seconds.
fn lasts(attempt: &Value) -> i64 {
    let instant = |name: &str| -> chrono::DateTime<chrono::Utc> {
        attempt[name].as_str().and_then(|text| text.parse().ok()).expect("an instant")
    };
    (instant("deadlineAt") - instant("startedAt")).num_seconds()
}

/// Attempts whose jobs come when the grace is over.
const JOBS_AT_THE_DEADLINE: &str = "SELECT count(*) FROM jobs j JOIN assessment_submissions s ON j.unique_key = s.id::text
    WHERE j.type = 'ATTEMPT_ENDED' AND abs(extract(epoch FROM j.run_at - s.deadline_at) - 5) < 0.001";

#[tokio::test]
async fn who_is_granted_more_time_has_it_and_a_change_counts_at_once() {
    let exam = Exam::open(2).await;
    let [first, second] = [&exam.sitters[0], &exam.sitters[1]];
    let granted = json!({"accommodations": {"extraTimePercent": 50}});
    exam.school.patch(&format!("/v1/students/{}", first.student), granted).await.expect(200);
    let assessment =
        exam.simple(1, json!({"timeLimitSeconds": 1_000, "closesAt": at(5_000)})).await;
    let begun = first.start(assessment).await.expect(201);
    assert_eq!(lasts(&begun.body), 1_500);
    assert_eq!(lasts(&second.start(assessment).await.expect(201).body), 1_000);
    let path = format!("/v1/assessments/{assessment}/overrides/{}", second.student);
    let more = Some(json!({"extraTimePercent": 100}));
    exam.teacher.send(Method::PUT, &path, more, &[]).await.expect(201);
    assert_eq!(lasts(&second.start(assessment).await.expect(200).body), 2_000);
    let shorter = json!({"timeLimitSeconds": 100});
    let path = format!("/v1/assessments/{assessment}");
    exam.teacher.send(Method::PATCH, &path, Some(shorter), &[]).await.expect(200);
    assert_eq!(lasts(&first.start(assessment).await.expect(200).body), 150);
    assert_eq!(exam.school.count(JOBS_AT_THE_DEADLINE).await, 2);
    exam.close().await;
}

#[tokio::test]
async fn what_a_student_is_granted_during_an_exam_counts_for_what_is_under_way() {
    let exam = Exam::open(2).await;
    let [granted, other] = [&exam.sitters[0], &exam.sitters[1]];
    let mut assessments = Vec::new();
    for _ in 0..2 {
        assessments.push(exam.simple(1, json!({"timeLimitSeconds": 1_000})).await);
    }
    for assessment in &assessments {
        assert_eq!(lasts(&granted.start(*assessment).await.expect(201).body), 1_000);
        other.start(*assessment).await.expect(201);
    }
    let path = format!("/v1/students/{}", granted.student);
    for (grant, expected) in [
        (json!({"extraTimePercent": 50}), 1_500),
        (json!({"extraTimePercent": 50, "notes": "a quiet room"}), 1_500),
        (Value::Null, 1_000),
        (json!({"extraTimePercent": 100}), 2_000),
    ] {
        exam.school.patch(&path, json!({"accommodations": grant})).await.expect(200);
        for assessment in &assessments {
            let found = granted.start(*assessment).await.expect(200).body;
            assert_eq!(lasts(&found), expected, "{grant}");
            assert_eq!(lasts(&other.start(*assessment).await.expect(200).body), 1_000);
        }
    }
    // A job that has less time is brought forward, and one that has more finds that, and comes again.
    assert_eq!(
        exam.school.count("SELECT count(*) FROM jobs WHERE type = 'ATTEMPT_ENDED'").await,
        4
    );
    exam.close().await;
}

#[tokio::test]
async fn final_answers_name_what_they_take_the_place_of() {
    let exam = Exam::open(1).await;
    let sitter = &exam.sitters[0];
    let attempt = sitter.start(exam.simple(2, json!({})).await).await.expect(201).id();
    let saved = json!({"i1": true, "i2": true});
    sitter.save(attempt, 1, saved.clone()).await.expect(200);
    // Another tab, which has read what was there before.
    let stale = Some(json!({"i1": false}));
    let refused = sitter.submit_over(attempt, stale.clone(), &[]).await.expect(428);
    assert_eq!(refused.code(), "if-match-required");
    let refused = sitter.submit_over(attempt, stale, &[("if-match", "\"1\"")]).await.expect(412);
    assert_eq!(refused.code(), "version-mismatch");
    let found = exam.submission(attempt).await;
    assert_eq!((&found["status"], &found["answers"]), (&json!("IN_PROGRESS"), &saved));
    // What takes the place of nothing needs none, and what was handed in is not changed by it.
    let handed_in = sitter.submit_over(attempt, None, &[]).await.expect(200);
    let again = sitter.submit_over(attempt, Some(saved), &[]).await.expect(200);
    assert_eq!(again.body["receipt"], handed_in.body["receipt"]);
    exam.close().await;
}

#[tokio::test]
async fn what_comes_too_late_is_refused_and_changes_nothing() {
    let exam = Exam::open(1).await;
    let sitter = &exam.sitters[0];
    let assessment = exam.simple(1, json!({"timeLimitSeconds": 600})).await;
    // The sweep does not come.
    exam.school.served.rest.cancel();
    let attempt = sitter.start(assessment).await.expect(201).id();
    sitter.save(attempt, 1, json!({"i1": true})).await.expect(200);
    exam.school
        .run("UPDATE assessment_submissions SET deadline_at = now() - interval '3 seconds'")
        .await;
    sitter.save(attempt, 3, json!({"i1": true})).await.expect(200);
    exam.school
        .run("UPDATE assessment_submissions SET deadline_at = now() - interval '6 seconds'")
        .await;
    let refused = sitter.save(attempt, 5, json!({"i1": false})).await.expect(409);
    assert_eq!(refused.code(), "closed");
    assert_eq!(
        sitter.submit(attempt, Some(json!({"i1": false}))).await.expect(409).code(),
        "closed"
    );
    let kept = sitter.client.get(&format!("/v1/attempts/{attempt}/answers")).await.expect(200);
    assert_eq!(kept.body["answers"], json!({"i1": true}));
    exam.close().await;
}

#[tokio::test]
async fn what_was_handed_in_is_not_handed_in_again_with_other_answers() {
    let exam = Exam::open(1).await;
    let sitter = &exam.sitters[0];
    let attempt = sitter.sit(exam.simple(1, json!({})).await, json!({"i1": 1e16})).await;
    sitter.submit(attempt, Some(json!({"i1": 1e16}))).await.expect(200);
    let refused = sitter.submit(attempt, Some(json!({"i1": false}))).await.expect(409);
    assert_eq!(refused.code(), "closed");
    assert_eq!(sitter.save(attempt, 9, json!({"i1": false})).await.expect(409).code(), "closed");
    exam.close().await;
}

#[tokio::test]
async fn nothing_of_the_server_is_taken_from_a_client() {
    let exam = Exam::open(1).await;
    let sitter = &exam.sitters[0];
    let assessment = exam.simple(1, json!({})).await;
    let attempt = sitter.start(assessment).await.expect(201).id();
    for member in ["gradingType", "subjectId", "score", "submittedAt", "studentId", "status"] {
        let mut body = json!({"answers": {"i1": true}});
        body[member] = json!("MANUAL");
        let refused =
            sitter.client.post(&format!("/v1/attempts/{attempt}:submit"), body.clone()).await;
        assert_eq!(refused.expect(400).body["errors"][0]["code"], "invalid", "{member}");
    }
    assert_eq!(exam.submission(attempt).await["status"], "IN_PROGRESS");
    exam.close().await;
}

#[tokio::test]
async fn handing_in_moves_progress_with_it_and_another_assessment_moves_it_back() {
    let exam = Exam::open(1).await;
    let sitter = &exam.sitters[0];
    let first = exam.simple(1, json!({})).await;
    let path = format!("/v1/enrollments/{}/progress", sitter.enrollment);
    let progress = async || {
        let items = exam.school.admin.get(&path).await.expect(200).body["items"].clone();
        (
            items[0]["status"].clone(),
            items[0]["completed"].to_string().trim_matches('"').parse::<f64>().expect("a number"),
        )
    };
    sitter.sit(first, json!({"i1": true})).await;
    assert_eq!(progress().await, (json!("COMPLETED"), 1.0));
    exam.simple(1, json!({})).await;
    super::until(async || match progress().await {
        (status, half) if status == "IN_PROGRESS" && (half - 0.5).abs() < 1e-9 => Ok(()),
        other => Err(other),
    })
    .await;
    exam.close().await;
}

/// The indexes of attempts that are under way were empty when they were last looked at, before the exam began.
#[tokio::test]
async fn neither_saves_nor_grading_read_what_others_sit() {
    const OTHERS: i64 = 3_000;
    const SAVES: u32 = 12;
    let exam = Exam::open(1).await;
    let (school, sitter) = (&exam.school, &exam.sitters[0]);
    school.run("ALTER TABLE assessment_submissions SET (autovacuum_enabled = off)").await;
    let earlier = exam.simple(1, json!({})).await;
    exam.until_status(sitter.sit(earlier, json!({"i1": true})).await, "GRADED").await;
    let mut superuser = school.shard.connect("postgres").await;
    let mut others = async |of: &str| {
        let others = format!(
            "INSERT INTO assessment_submissions SELECT (jsonb_populate_record(s, jsonb_build_object(
                 'id', gen_random_uuid(), 'student_id', gen_random_uuid()))).*
             FROM assessment_submissions s, generate_series(1, {OTHERS}) WHERE s.status = '{of}'"
        );
        sqlx::query("SET session_replication_role = replica").execute(&mut superuser).await?;
        sqlx::query(AssertSqlSafe(others)).execute(&mut superuser).await
    };
    others("GRADED").await.expect("earlier ones");
    school.run("ANALYZE assessment_submissions").await;
    let assessment = exam.simple(1, json!({"timeLimitSeconds": 3_600})).await;
    let attempt = sitter.start(assessment).await.expect(201).id();
    others("IN_PROGRESS").await.expect("others");
    drop(superuser);
    let pool = school.shard.pool("postgres", 1);
    // The node's connections tell of what they have done when they rest: all updates of the own attempts, at least.
    let institution = school.institution;
    let told = async || {
        let updates = "SELECT sum(row_version - 1)::bigint FROM assessment_submissions
                       WHERE institution_id = $1 AND student_id = $2";
        let updates = sqlx::query_scalar(updates).bind(institution.as_uuid()).bind(sitter.student);
        let updates: i64 = updates.fetch_one(&pool).await.expect("a sum");
        until(async || {
            let told: (i64, i64) = sqlx::query_as(
                "SELECT n_tup_ins, n_tup_upd FROM pg_stat_user_tables WHERE relname = 'assessment_submissions'",
            )
            .fetch_one(&pool)
            .await
            .expect("counts");
            if told.0 == 2 * OTHERS + 2 && told.1 >= updates { Ok(()) } else { Err(told) }
        })
        .await;
    };
    told().await;
    let before = rows_read(&pool, "assessment_submissions").await;
    let mut version = 1;
    for number in 0..SAVES {
        let saved = sitter.save(attempt, version, json!({"i1": number % 2 == 0})).await;
        version = saved.expect(200).body["rowVersion"].as_i64().expect("a version");
    }
    sitter.submit(attempt, None).await.expect(200);
    exam.until_status(attempt, "GRADED").await;
    told().await;
    let read = rows_read(&pool, "assessment_submissions").await - before;
    assert!(read < OTHERS, "{read} rows were read");
    pool.close().await;
    exam.close().await;
}
