//! When a student sees points, and when the key.

use axum::http::Method;
use serde_json::{Value, json};
use uuid::Uuid;

use super::{Exam, Sitter, TIME_IS_UP, at};

async fn seen(sitter: &Sitter, submission: Uuid) -> (Value, Value, bool) {
    let found = sitter.client.get(&format!("/v1/submissions/{submission}")).await.expect(200).body;
    let listed =
        sitter.client.get("/v1/submissions?select=id,score,released").await.expect(200).body;
    let of = |item: &&Value| item["id"] == json!(submission);
    let row = listed["items"].as_array().expect("rows").iter().find(of).expect("listed").clone();
    assert_eq!((&row["score"], &row["released"]), (&found["score"], &found["released"]));
    let items = !found["items"].as_array().expect("items").is_empty();
    (found["score"].clone(), found["key"].clone(), items)
}

/// The assessments that are closed were closed a minute ago.
pub(super) const A_MINUTE_AGO: &str =
    "UPDATE assessments SET closed_at = closed_at - interval '1 minute' WHERE status = 'CLOSED'";

#[tokio::test]
async fn points_are_seen_by_the_policy_and_the_key_when_all_is_over() {
    let exam = Exam::open(1).await;
    let sitter = &exam.sitters[0];
    for policy in ["IMMEDIATE", "AFTER_CLOSE", "MANUAL"] {
        let assessment = exam.simple(1, json!({"releasePolicy": policy})).await;
        let submission = sitter.sit(assessment, json!({"i1": true})).await;
        exam.until_status(submission, "GRADED").await;
        let at_once = policy == "IMMEDIATE";
        let (score, key, items) = seen(sitter, submission).await;
        assert_eq!((score.is_string(), key.is_null(), items), (at_once, true, at_once), "{policy}");
        let released = exam.grade(assessment, sitter.student).await.expect("a grade").2;
        assert_eq!(released, at_once, "{policy}");
        if policy == "AFTER_CLOSE" {
            assert_eq!(exam.act(assessment, "release").await.expect(409).code(), "not-releasable");
        }
        exam.act(assessment, "close").await.expect(200);
        let (score, key, _) = seen(sitter, submission).await;
        assert_eq!((score.is_string(), key.is_null()), (policy != "MANUAL", true), "{policy}");
        exam.school.run(A_MINUTE_AGO).await;
        let (_, key, _) = seen(sitter, submission).await;
        assert_eq!(key.is_null(), policy == "MANUAL", "{policy}");
        exam.act(assessment, "release").await.expect(200);
        exam.act(assessment, "release").await.expect(200);
        let (score, key, items) = seen(sitter, submission).await;
        assert_eq!((score.is_string(), key.is_null(), items), (true, false, true), "{policy}");
        assert!(exam.grade(assessment, sitter.student).await.expect("a grade").2, "{policy}");
    }
    exam.close().await;
}

#[tokio::test]
async fn what_is_graded_after_the_release_is_released_with_its_grade() {
    let exam = Exam::open(1).await;
    let sitter = &exam.sitters[0];
    let assessment = exam.simple(1, json!({"releasePolicy": "MANUAL"})).await;
    exam.act(assessment, "release").await.expect(200);
    let submission = sitter.sit(assessment, json!({"i1": true})).await;
    exam.until_status(submission, "GRADED").await;
    assert_eq!(seen(sitter, submission).await.0, json!("10"));
    assert!(exam.grade(assessment, sitter.student).await.expect("a grade").2);
    exam.close().await;
}

/// The student's own grades in the class, as the gradebook shows them.
async fn own_scores(exam: &Exam, sitter: &Sitter) -> Vec<Value> {
    let path = format!("/v1/classes/{}/gradebook/mine", exam.class);
    let mine = sitter.client.get(&path).await.expect(200).body;
    let grades = mine["items"][0]["grades"].as_array().expect("grades");
    grades.iter().map(|grade| grade["score"].clone()).collect()
}

#[tokio::test]
async fn a_score_that_is_not_released_is_not_seen_though_an_earlier_attempt_was_given_back() {
    for policy in ["BEST", "LAST"] {
        let exam = Exam::open(1).await;
        let sitter = &exam.sitters[0];
        let more = json!({"releasePolicy": "MANUAL", "maxAttempts": 2, "attemptPolicy": policy});
        let assessment = exam.simple(2, more).await;
        let first = sitter.sit(assessment, json!({"i1": true})).await;
        exam.until_status(first, "GRADED").await;
        exam.give_back(first).await.expect(200);
        assert_eq!(own_scores(&exam, sitter).await, ["10"], "{policy}");
        let second = sitter.sit(assessment, json!({"i1": true, "i2": true})).await;
        exam.until_status(second, "GRADED").await;
        let grade = exam.grade(assessment, sitter.student).await;
        assert_eq!(grade, Some(("20".to_owned(), "0".to_owned(), false)), "{policy}");
        assert!(own_scores(&exam, sitter).await.is_empty(), "{policy}");
        for told in [
            "SELECT count(*) FROM notifications WHERE payload->>'score' = '20'",
            "SELECT count(*) FROM outbox_events WHERE payload->>'score' = '20'",
            "SELECT count(*) FROM progress_tracking WHERE percent > 50",
        ] {
            assert_eq!(exam.school.count(told).await, 0, "{policy}: {told}");
        }
        // The points of the first are still there to be read.
        assert_eq!(seen(sitter, first).await.0, json!("10"), "{policy}");
        assert_eq!(seen(sitter, second).await.0, Value::Null, "{policy}");
        exam.give_back(second).await.expect(200);
        assert_eq!(own_scores(&exam, sitter).await, ["20"], "{policy}");
        exam.close().await;
    }
}

#[tokio::test]
async fn a_mean_is_seen_when_all_that_it_is_made_of_is() {
    let exam = Exam::open(1).await;
    let sitter = &exam.sitters[0];
    let more = json!({"releasePolicy": "MANUAL", "maxAttempts": 2, "attemptPolicy": "AVERAGE"});
    let assessment = exam.simple(2, more).await;
    let mut submissions = Vec::new();
    for answers in [json!({"i1": true}), json!({"i1": true, "i2": true})] {
        let submission = sitter.sit(assessment, answers).await;
        exam.until_status(submission, "GRADED").await;
        submissions.push(submission);
    }
    exam.give_back(submissions[1]).await.expect(200);
    assert!(own_scores(&exam, sitter).await.is_empty(), "it would say the first one's");
    exam.give_back(submissions[0]).await.expect(200);
    assert_eq!(own_scores(&exam, sitter).await, ["15"]);
    exam.close().await;
}

#[tokio::test]
async fn an_override_does_not_open_what_is_closed_and_who_was_at_it_sees_no_key() {
    let exam = Exam::open(1).await;
    let sitter = &exam.sitters[0];
    let assessment = exam.simple(1, json!({"closesAt": at(3_600)})).await;
    // The sweep does not come.
    exam.school.served.rest.cancel();
    let attempt = sitter.start(assessment).await.expect(201).id();
    let own = format!("/v1/assessments/{assessment}/overrides/{}", sitter.student);
    let set =
        async |different: Value| exam.teacher.send(Method::PUT, &own, Some(different), &[]).await;
    set(json!({"closesAt": at(7_200)})).await.expect(201);
    exam.act(assessment, "close").await.expect(200);
    let ended = "SELECT count(*) FROM assessment_submissions WHERE deadline_at <= now()";
    assert_eq!(set(json!({"closesAt": at(9_999)})).await.expect(409).code(), "closed");
    set(json!({"note": "ill"})).await.expect(200);
    assert_eq!(exam.school.count(ended).await, 1, "it goes on by the class's end");
    exam.teacher.send(Method::DELETE, &own, None, &[]).await.expect(204);
    assert_eq!(exam.school.count(ended).await, 1, "it goes on without an override");
    exam.school.run(A_MINUTE_AGO).await;
    let path = format!("/v1/submissions/{attempt}");
    for client in [&sitter.client, &exam.teacher] {
        let found = client.get(&path).await.expect(200).body;
        assert_eq!((&found["status"], &found["key"]), (&json!("IN_PROGRESS"), &Value::Null));
    }
    let second = exam.another_node().await;
    exam.school.run(TIME_IS_UP).await;
    exam.until_status(attempt, "GRADED").await;
    assert!(!seen(sitter, attempt).await.1.is_null());
    drop(second);
    exam.close().await;
}
