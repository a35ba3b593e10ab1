//! What people do with submissions.

use axum::http::Method;
use serde_json::{Value, json};
use uuid::Uuid;

use super::{Exam, Sitter, fixed, true_false};
use crate::support::api::Answer;

impl Exam {
    /// A published assessment of a question for the grader and an essay.
    async fn with_essay(&self, more: Value) -> Uuid {
        let graded = self.question(true_false()).await;
        let essay = self.question(json!({"type": "ESSAY"})).await;
        self.published(fixed(&[graded, essay]), more).await
    }

    /// Gives points over a version.
    pub(super) async fn give(&self, submission: Uuid, version: &Value, items: Value) -> Answer {
        let path = format!("/v1/submissions/{submission}/items");
        let version = format!("\"{version}\"");
        let body = Some(json!({"items": items}));
        self.teacher.send(Method::PATCH, &path, body, &[("if-match", &version)]).await
    }
}

async fn grade_of(exam: &Exam, assessment: Uuid, sitter: &Sitter) -> Option<String> {
    exam.grade(assessment, sitter.student).await.map(|grade| grade.0)
}

#[tokio::test]
async fn what_the_grader_cannot_judge_waits_for_a_person() {
    let exam = Exam::open(1).await;
    let sitter = &exam.sitters[0];
    let assessment = exam.with_essay(json!({})).await;
    let submission = sitter.sit(assessment, json!({"i1": true, "i2": "At length."})).await;
    let waiting = exam.until_status(submission, "IN_REVIEW").await;
    assert_eq!(waiting["score"], Value::Null);
    assert_eq!(grade_of(&exam, assessment, sitter).await, None);
    let queue = format!("/v1/submissions?status=IN_REVIEW&assessmentId={assessment}");
    let queue = exam.teacher.get(&queue).await.expect(200).body["items"].clone();
    assert_eq!(queue[0]["id"], json!(submission));
    let version = &waiting["rowVersion"];
    for (items, pointer) in [
        (json!([{"item": "i3", "points": "1"}]), "/items/0/item"),
        (json!([{"item": "i2", "points": "10.0001"}]), "/items/0/points"),
        (json!([{"item": "i2", "points": "-1"}]), "/items/0/points"),
        (json!([{"item": "i2", "points": "1"}, {"item": "i2", "points": "2"}]), "/items/1/item"),
    ] {
        let refused = exam.give(submission, version, items).await.expect(400);
        assert_eq!(refused.body["errors"][0]["pointer"], pointer);
    }
    let given = json!([{"item": "i2", "points": "7.5", "comment": "Good."}]);
    let graded = exam.give(submission, version, given.clone()).await.expect(200).body;
    assert_eq!((&graded["status"], &graded["score"]), (&json!("GRADED"), &json!("17.5")));
    assert_eq!(exam.give(submission, version, given).await.expect(412).code(), "version-mismatch");
    assert_eq!(grade_of(&exam, assessment, sitter).await.as_deref(), Some("17.5"));
    let own = sitter.client.get(&format!("/v1/submissions/{submission}")).await.expect(200).body;
    assert_eq!((&own["items"][1]["comment"], &own["key"]), (&json!("Good."), &Value::Null));
    // A person may think again.
    let again = json!([{"item": "i2", "points": "9"}]);
    let graded = exam.give(submission, &graded["rowVersion"], again).await.expect(200).body;
    assert_eq!(
        (&graded["score"], grade_of(&exam, assessment, sitter).await.as_deref()),
        (&json!("19"), Some("19"))
    );
    exam.close().await;
}

#[tokio::test]
async fn what_is_graded_by_hand_is_graded_when_each_item_has_its_points() {
    let exam = Exam::open(1).await;
    let sitter = &exam.sitters[0];
    let assessment = exam.with_essay(json!({"gradingType": "MANUAL"})).await;
    let submission = sitter.sit(assessment, json!({"i1": true, "i2": "At length."})).await;
    exam.school.until_idle().await;
    let found = exam.submission(submission).await;
    assert_eq!(
        (&found["status"], &found["items"][0]["points"]),
        (&json!("SUBMITTED"), &Value::Null)
    );
    let one = json!([{"item": "i1", "points": "10"}]);
    let half = exam.give(submission, &found["rowVersion"], one).await.expect(200).body;
    assert_eq!((&half["status"], &half["score"]), (&json!("IN_REVIEW"), &Value::Null));
    let other = json!([{"item": "i2", "points": "0"}]);
    let whole = exam.give(submission, &half["rowVersion"], other).await.expect(200).body;
    assert_eq!((&whole["status"], &whole["score"]), (&json!("GRADED"), &json!("10")));
    exam.close().await;
}

#[tokio::test]
async fn what_is_given_back_is_seen_by_its_student_alone() {
    let exam = Exam::open(2).await;
    let assessment = exam.with_essay(json!({"releasePolicy": "MANUAL"})).await;
    let mut versions = Vec::new();
    for sitter in &exam.sitters {
        let submission = sitter.sit(assessment, json!({"i1": true, "i2": "x"})).await;
        let waiting = exam.until_status(submission, "IN_REVIEW").await;
        let points = json!([{"item": "i2", "points": "5"}]);
        let graded = exam.give(submission, &waiting["rowVersion"], points).await.expect(200).body;
        versions.push((submission, graded["rowVersion"].clone()));
    }
    let (first, version) = &versions[0];
    let path = format!("/v1/submissions/{first}:return");
    assert_eq!(exam.teacher.post(&path, json!({})).await.expect(428).code(), "if-match-required");
    let version = format!("\"{version}\"");
    let headers = [("if-match", version.as_str())];
    exam.teacher.send(Method::POST, &path, Some(json!({})), &headers).await.expect(200);
    let seen = async |number: usize| {
        let (submission, _) = versions[number];
        let path = format!("/v1/submissions/{submission}");
        exam.sitters[number].client.get(&path).await.expect(200).body
    };
    assert_eq!((&seen(0).await["score"], &seen(1).await["score"]), (&json!("15"), &Value::Null));
    let released = async |number: usize| {
        exam.grade(assessment, exam.sitters[number].student).await.expect("a grade").2
    };
    assert_eq!((released(0).await, released(1).await), (true, false));
    let again = exam.teacher.send(Method::POST, &path, Some(json!({})), &[("if-match", "*")]).await;
    assert_eq!(again.expect(409).code(), "illegal-transition");
    exam.close().await;
}

#[tokio::test]
async fn points_of_a_person_come_before_the_graders_even_where_it_comes_later() {
    let exam = Exam::open(1).await;
    let assessment = exam.simple(2, json!({})).await;
    // The grader is away.
    exam.school.served.rest.cancel();
    let submission = exam.sitters[0].sit(assessment, json!({"i1": false, "i2": true})).await;
    let version = exam.submission(submission).await["rowVersion"].clone();
    let given = json!([{"item": "i1", "points": "4"}]);
    let found = exam.give(submission, &version, given).await.expect(200).body;
    assert_eq!(found["status"], "SUBMITTED", "the grader has yet to come");
    let second = exam.another_node().await;
    let graded = exam.until_status(submission, "GRADED").await;
    assert_eq!(graded["score"], "14");
    drop(second);
    exam.close().await;
}

#[tokio::test]
async fn a_grade_given_by_hand_is_seen_with_the_work_that_is_given_back() {
    let exam = Exam::open(1).await;
    let sitter = &exam.sitters[0];
    let assessment = exam.simple(1, json!({"releasePolicy": "MANUAL"})).await;
    let submission = sitter.sit(assessment, json!({"i1": true})).await;
    exam.until_status(submission, "GRADED").await;
    let grades = format!("/v1/classes/{}/grades", exam.class);
    let grade = exam.teacher.get(&grades).await.expect(200).body["items"][0]["id"].clone();
    let path = format!("/v1/grades/{}", grade.as_str().expect("an id"));
    let by_hand = Some(json!({"score": "7"}));
    exam.teacher.send(Method::PATCH, &path, by_hand, &[("if-match", "*")]).await.expect(200);
    let kept = async || exam.grade(assessment, sitter.student).await.expect("a grade");
    assert_eq!(kept().await, ("7".to_owned(), "0".to_owned(), false));
    exam.give_back(submission).await.expect(200);
    assert_eq!(kept().await, ("7".to_owned(), "0".to_owned(), true));
    let told = "SELECT count(*) FROM notifications WHERE payload->>'score' = '7'";
    assert_eq!(exam.school.count(told).await, 1);
    exam.close().await;
}

#[tokio::test]
async fn what_is_under_way_is_given_no_points() {
    let exam = Exam::open(1).await;
    let assessment = exam.simple(1, json!({})).await;
    let attempt = exam.sitters[0].start(assessment).await.expect(201).id();
    let given = json!([{"item": "i1", "points": "1"}]);
    let refused = exam.give(attempt, &json!(1), given).await.expect(409);
    assert_eq!(
        (refused.code(), &refused.body["allowed"]),
        ("illegal-transition", &json!(["SUBMITTED"]))
    );
    assert_eq!(exam.school.count("SELECT count(*) FROM submission_item_scores").await, 0);
    exam.close().await;
}
