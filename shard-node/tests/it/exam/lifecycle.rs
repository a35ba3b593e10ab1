//! Drafts, materials, publishing and closing.

use std::time::{Duration, Instant};

use axum::http::Method;
use serde_json::json;
use uuid::Uuid;

use super::{Exam, at, fixed, true_false};

#[tokio::test]
async fn what_has_no_materials_yet_is_not_published() {
    let exam = Exam::open(0).await;
    let question = exam.question(true_false()).await;
    // Nobody does this node's jobs any more.
    exam.school.served.rest.cancel();
    let draft = exam.draft(fixed(&[question]), json!({})).await;
    let refused = exam.act(draft, "publish").await.expect(409);
    assert_eq!(refused.code(), "materials-not-ready");
    assert_eq!(exam.assessment(draft).await["materialsStatus"], "PENDING");
    let second = exam.another_node().await;
    exam.until_materials(draft, "READY").await;
    exam.act(draft, "publish").await.expect(200);
    drop(second);
    exam.close().await;
}

#[tokio::test]
async fn a_bank_with_too_few_questions_is_told_and_can_be_mended() {
    let exam = Exam::open(0).await;
    exam.question(true_false()).await;
    let draw = json!({"sections": [{"kind": {"type": "DRAW", "bankId": exam.bank, "count": 2, "points": "5"}}]});
    let draft = exam.draft(draw, json!({})).await;
    let failed = exam.until_materials(draft, "FAILED").await;
    assert!(!failed["problems"].as_array().expect("problems").is_empty());
    let refused = exam.act(draft, "publish").await.expect(409);
    assert_eq!(refused.code(), "materials-not-ready");
    exam.question(true_false()).await;
    exam.act(draft, "generate").await.expect(202);
    let made = exam.until_materials(draft, "READY").await;
    assert_eq!(made["hash"].as_str().map(str::len), Some(64));
    assert_eq!(exam.act(draft, "publish").await.expect(200).body["pointsPossible"], "10");
    exam.close().await;
}

#[tokio::test]
async fn another_blueprint_is_another_revision_and_what_is_published_stays() {
    let exam = Exam::open(1).await;
    let (first, second) = (exam.question(true_false()).await, exam.question(true_false()).await);
    let draft = exam.draft(fixed(&[first]), json!({})).await;
    let made = exam.until_materials(draft, "READY").await;
    assert_eq!(
        (&made["revision"], exam.assessment(draft).await["pointsPossible"].clone()),
        (&json!(1), json!("10"))
    );
    let path = format!("/v1/assessments/{draft}");
    let change = json!({"blueprint": fixed(&[first, second])});
    let patched =
        exam.teacher.send(Method::PATCH, &path, Some(change.clone()), &[]).await.expect(200);
    assert_eq!(
        (&patched.body["pointsPossible"], &patched.body["revision"]),
        (&json!("20"), &json!(2))
    );
    let again = exam.until_materials(draft, "READY").await;
    assert_ne!(again["hash"], made["hash"]);
    exam.act(draft, "publish").await.expect(200);
    let refused = exam.teacher.send(Method::PATCH, &path, Some(change), &[]).await.expect(409);
    assert_eq!(refused.code(), "assessment-published");
    assert_eq!(exam.act(draft, "generate").await.expect(409).code(), "assessment-published");
    assert_eq!(exam.school.delete(&path).await.expect(409).code(), "assessment-published");
    // The bank goes on; the paper is what was published.
    let edit = json!({"body": {"type": "TRUE_FALSE", "answer": false}});
    let question = format!("/v1/questions/{first}");
    let any = [("if-match", "*")];
    exam.school.admin.send(Method::PATCH, &question, Some(edit), &any).await.expect(200);
    let submission = exam.sitters[0].sit(draft, json!({"i1": true, "i2": true})).await;
    assert_eq!(exam.until_status(submission, "GRADED").await["score"], "20");
    exam.close().await;
}

#[tokio::test]
async fn it_goes_from_draft_to_published_to_closed_and_never_back() {
    let exam = Exam::open(0).await;
    let draft = exam.draft(fixed(&[exam.question(true_false()).await]), json!({})).await;
    let refused = exam.act(draft, "close").await.expect(409);
    assert_eq!(
        (refused.code(), &refused.body["allowed"]),
        ("illegal-transition", &json!(["PUBLISHED"]))
    );
    exam.until_materials(draft, "READY").await;
    exam.act(draft, "publish").await.expect(200);
    assert_eq!(exam.act(draft, "publish").await.expect(409).code(), "illegal-transition");
    let closed = exam.act(draft, "close").await.expect(200);
    assert_eq!(closed.body["status"], "CLOSED");
    assert!(closed.body["releasedAt"].is_string(), "IMMEDIATE is released when it is closed");
    assert_eq!(exam.act(draft, "close").await.expect(409).code(), "illegal-transition");
    exam.close().await;
}

#[tokio::test]
async fn an_automated_one_needs_a_blueprint_unless_it_is_graded_by_hand_or_elsewhere() {
    let exam = Exam::open(1).await;
    let new = |grading: &str| {
        json!({"classId": exam.class, "title": "TMA", "gradingType": grading, "kind": "TMA",
        "pointsPossible": "40", "source": "sis", "externalId": grading})
    };
    let manual = exam.teacher.post("/v1/assessments", new("MANUAL")).await.expect(201).id();
    assert_eq!(exam.act(manual, "publish").await.expect(200).body["materialsStatus"], "NONE");
    let refused = exam.sitters[0].start(manual).await.expect(409);
    assert_eq!(refused.code(), "nothing-to-sit");
    let elsewhere = exam.teacher.post("/v1/assessments", new("AUTOMATED")).await.expect(201).id();
    assert_eq!(exam.act(elsewhere, "publish").await.expect(200).body["materialsStatus"], "NONE");
    let automated = json!({"classId": exam.class, "title": "CMA", "gradingType": "AUTOMATED"});
    let automated = exam.teacher.post("/v1/assessments", automated).await.expect(201).id();
    assert_eq!(exam.act(automated, "publish").await.expect(409).code(), "materials-not-ready");
    let again = exam.teacher.post("/v1/assessments", new("MANUAL")).await.expect(409);
    assert_eq!(again.code(), "external-id-taken");
    exam.close().await;
}

#[tokio::test]
async fn it_closes_by_itself_when_the_last_window_has_ended() {
    let exam = Exam::open(2).await;
    let more = json!({"closesAt": at(3_600), "releasePolicy": "AFTER_CLOSE"});
    let assessment = exam.simple(1, more).await;
    let own = format!("/v1/assessments/{assessment}/overrides/{}", exam.sitters[0].student);
    let later = json!({"closesAt": at(7_200)});
    exam.teacher.send(Method::PUT, &own, Some(later), &[]).await.expect(201);
    // The first look finds one whose window has not ended.
    exam.school.run("UPDATE assessments SET closes_at = now() - interval '1 minute'").await;
    exam.school.run("UPDATE jobs SET run_at = now() WHERE type = 'CLOSE_ASSESSMENT'").await;
    let waits = "SELECT count(*) FROM jobs WHERE type = 'CLOSE_ASSESSMENT' AND state = 'QUEUED'
        AND run_at > now() + interval '1 hour'";
    exam.school.until(waits, 1).await;
    assert_eq!(exam.assessment(assessment).await["status"], "PUBLISHED");
    exam.school
        .run("UPDATE assessment_overrides SET closes_at = now() - interval '1 minute'")
        .await;
    exam.school.run("UPDATE jobs SET run_at = now() WHERE type = 'CLOSE_ASSESSMENT'").await;
    exam.school
        .until(
            "SELECT count(*) FROM assessments WHERE status = 'CLOSED' AND released_at IS NOT NULL",
            1,
        )
        .await;
    exam.close().await;
}

#[tokio::test]
async fn what_an_assessment_refers_to_is_of_its_class() {
    let exam = Exam::open(0).await;
    let new = |name: &str, id: Uuid| {
        let mut new = json!({"classId": exam.class, "title": "E", "gradingType": "MANUAL"});
        new[name] = json!(id);
        new
    };
    for name in ["classId", "subjectId", "categoryId", "latePolicyId"] {
        let refused =
            exam.school.admin.post("/v1/assessments", new(name, Uuid::now_v7())).await.expect(404);
        assert_eq!(refused.body["errors"][0]["pointer"], format!("/{name}"));
    }
    let wrong = json!({"classId": exam.class, "title": "E", "gradingType": "MANUAL", "dueAt": at(10), "closesAt": at(5)});
    let refused = exam.teacher.post("/v1/assessments", wrong).await.expect(400);
    assert_eq!(refused.body["errors"][0]["pointer"], "/closesAt");
    exam.close().await;
}

/// How long a transaction that has read questions idles just now, in seconds.
const IDLES: &str =
    "SELECT coalesce(max(extract(epoch FROM clock_timestamp() - state_change)), 0)::float8
    FROM pg_stat_activity WHERE datname = current_database() AND state = 'idle in transaction'
        AND query LIKE '%question_versions%'";

/// Until the materials are there: for how long at most this thread did nothing else, and such a transaction idled.
async fn waited_for_materials(exam: &Exam, draft: Uuid) -> (Duration, Duration) {
    let mut watcher = exam.school.shard.connect("postgres").await;
    let ready = exam.until_materials(draft, "READY");
    tokio::pin!(ready);
    let (mut paused, mut idled) = (Duration::ZERO, Duration::ZERO);
    loop {
        let looked = Instant::now();
        let is_ready = tokio::select! {
            _ = &mut ready => true,
            () = tokio::time::sleep(Duration::from_millis(10)) => false,
        };
        let waited_s: f64 =
            sqlx::query_scalar(IDLES).fetch_one(&mut watcher).await.expect("a time");
        paused = paused.max(looked.elapsed());
        idled = idled.max(Duration::from_secs_f64(waited_s.max(0.0)));
        if is_ready {
            return (paused, idled);
        }
    }
}

/// All that the node does here is done by one thread, which a proof would keep.
#[tokio::test]
async fn a_proof_keeps_neither_a_worker_nor_a_transaction_waiting() {
    let exam = Exam::open(0).await;
    let sum = ["a"; 200].join("+");
    let mut parameters = vec![json!({"kind": "RANGE", "name": "a", "min": 1, "max": 1_000})];
    parameters.extend(
        (0..8).map(|n| json!({"kind": "DERIVED", "name": format!("d{n}"), "expression": sum})),
    );
    let long = json!({"statement": "{{a}}?", "parameters": parameters,
        "body": {"type": "NUMERIC", "accepted": [{"value": "a"}]}});
    let mut questions = Vec::new();
    for _ in 0..5 {
        questions.push(exam.question_with(long.clone()).await);
    }
    let began = Instant::now();
    let draft = exam.draft(fixed(&questions), json!({})).await;
    let (paused, idled) = waited_for_materials(&exam, draft).await;
    // A build that proves this in no time shows nothing.
    let most = (began.elapsed() / 2).max(Duration::from_millis(250));
    assert!(paused < most, "the thread did nothing else for {paused:?}");
    assert!(idled < most, "a transaction idled for {idled:?}");
    exam.close().await;
}

#[tokio::test]
async fn of_a_blueprint_that_took_the_place_of_another_the_materials_are_made() {
    let exam = Exam::open(0).await;
    let (first, second) = (exam.question(true_false()).await, exam.question(true_false()).await);
    let draft = exam.draft(fixed(&[first]), json!({})).await;
    let path = format!("/v1/assessments/{draft}");
    for round in 0..10 {
        let questions = if round % 2 == 0 { vec![first, second] } else { vec![first] };
        let change = Some(json!({"blueprint": fixed(&questions)}));
        exam.teacher.send(Method::PATCH, &path, change, &[]).await.expect(200);
    }
    let made = exam.until_materials(draft, "READY").await;
    assert_eq!(made["revision"], 11);
    exam.school.until_idle().await;
    let asked = "SELECT jsonb_array_length(pool->'questions')::bigint FROM assessment_materials
        WHERE revision = 11";
    assert_eq!(exam.school.count(asked).await, 1, "the last one's");
    assert_eq!(exam.school.count("SELECT count(*) FROM jobs WHERE state = 'FAILED'").await, 0);
    exam.close().await;
}

#[tokio::test]
async fn what_cannot_be_drawn_any_more_is_not_published() {
    let exam = Exam::open(0).await;
    let draft = exam.draft(fixed(&[exam.question(true_false()).await]), json!({})).await;
    exam.until_materials(draft, "READY").await;
    // Somebody has changed what is frozen.
    exam.school.run("UPDATE assessment_materials SET pool = '{\"questions\": []}'").await;
    let refused = exam.act(draft, "publish").await.expect(409);
    assert_eq!(refused.code(), "materials-not-ready");
    assert_eq!(exam.assessment(draft).await["status"], "DRAFT");
    exam.close().await;
}

#[tokio::test]
async fn what_was_promised_stays_when_it_is_published_and_windows_when_it_is_closed() {
    let exam = Exam::open(0).await;
    let assessment = exam.simple(1, json!({})).await;
    let path = format!("/v1/assessments/{assessment}");
    let changed = async |change: &serde_json::Value| {
        exam.teacher.send(Method::PATCH, &path, Some(change.clone()), &[]).await
    };
    for change in [
        json!({"gradingType": "MANUAL"}),
        json!({"pointsPossible": "10"}),
        json!({"attemptPolicy": "LAST"}),
        json!({"releasePolicy": "MANUAL"}),
        json!({"subjectId": null}),
    ] {
        let refused = changed(&change).await;
        assert_eq!(refused.code(), "assessment-published", "{change}");
    }
    changed(&json!({"closesAt": at(3_600), "maxAttempts": 2})).await.expect(200);
    exam.act(assessment, "close").await.expect(200);
    for change in [
        json!({"opensAt": at(0)}),
        json!({"dueAt": at(10)}),
        json!({"closesAt": at(7_200)}),
        json!({"timeLimitSeconds": 60}),
        json!({"maxAttempts": 3}),
    ] {
        let refused = changed(&change).await;
        assert_eq!(refused.code(), "closed", "{change}");
    }
    changed(&json!({"counts": false})).await.expect(200);
    exam.close().await;
}

#[tokio::test]
async fn a_late_policy_is_every_classs_or_the_assessments_own() {
    let exam = Exam::open(0).await;
    let admin = &exam.school.admin;
    let class = admin.get(&format!("/v1/classes/{}", exam.class)).await.expect(200).body;
    let other = json!({"courseId": class["courseId"], "termId": class["termId"], "code": "B", "capacity": 1});
    let other = admin.post("/v1/classes", other).await.expect(201).id();
    let policy = async |of: Option<Uuid>| {
        let policy = json!({"classId": of, "name": "Late", "ratePercent": "10", "interval": "DAY"});
        admin.post("/v1/late-policies", policy).await.expect(201).id()
    };
    let new = |policy: Uuid| json!({"classId": exam.class, "title": "E", "gradingType": "MANUAL", "latePolicyId": policy});
    let (own, all, theirs) =
        (policy(Some(exam.class)).await, policy(None).await, policy(Some(other)).await);
    let made = exam.teacher.post("/v1/assessments", new(own)).await.expect(201).id();
    exam.teacher.post("/v1/assessments", new(all)).await.expect(201);
    let refused = exam.teacher.post("/v1/assessments", new(theirs)).await.expect(404);
    assert_eq!(refused.body["errors"][0]["pointer"], "/latePolicyId");
    let path = format!("/v1/assessments/{made}");
    let change = Some(json!({"latePolicyId": theirs}));
    let refused = exam.teacher.send(Method::PATCH, &path, change, &[]).await.expect(404);
    assert_eq!(refused.body["errors"][0]["pointer"], "/latePolicyId");
    exam.close().await;
}
