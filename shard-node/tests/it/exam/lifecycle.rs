//! Drafts, materials, publishing and closing.

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
