//! Grading anew, by corrected questions.

use axum::http::Method;
use serde_json::{Value, json};
use uuid::Uuid;

use super::{Exam, fixed, true_false};

impl Exam {
    async fn regrade(&self, assessment: Uuid, body: Value) -> crate::support::api::Answer {
        self.teacher.post(&format!("/v1/assessments/{assessment}:regrade"), body).await
    }

    async fn correct(&self, question: Uuid, change: Value) {
        let path = format!("/v1/questions/{question}");
        let any = [("if-match", "*")];
        self.school.admin.send(Method::PATCH, &path, Some(change), &any).await.expect(200);
    }

    async fn until_regraded(&self, changed: i32) {
        super::until(async || {
            let mut watcher = self.school.shard.connect("postgres").await;
            let found: Option<(i32, i32)> = sqlx::query_as(
                "SELECT examined, changed FROM assessment_regrades WHERE finished_at IS NOT NULL
                 ORDER BY number DESC LIMIT 1",
            )
            .fetch_optional(&mut watcher)
            .await
            .expect("a regrade");
            match found {
                Some((_, found)) if found == changed => Ok(()),
                other => Err(other),
            }
        })
        .await;
    }
}

#[tokio::test]
async fn a_dry_run_says_what_would_change_and_the_run_changes_that() {
    let exam = Exam::open(30).await;
    let (wrong, fine) = (exam.question(true_false()).await, exam.question(true_false()).await);
    let assessment = exam.published(fixed(&[wrong, fine]), json!({})).await;
    let mut submissions = Vec::new();
    for (number, sitter) in exam.sitters.iter().enumerate() {
        let answers = json!({"i1": number % 3 == 0, "i2": true});
        submissions.push(sitter.sit(assessment, answers).await);
    }
    exam.school
        .until("SELECT count(*) FROM assessment_submissions WHERE status = 'GRADED'", 30)
        .await;
    // Two have their points from a person: one by an item that is corrected, one by another.
    for (number, item) in [(0, "i1"), (3, "i2")] {
        let version = exam.submission(submissions[number]).await["rowVersion"].clone();
        let given = json!([{"item": item, "points": "6"}]);
        exam.give(submissions[number], &version, given).await.expect(200);
    }
    exam.correct(wrong, json!({"body": {"type": "TRUE_FALSE", "answer": false}})).await;
    let dry = exam.regrade(assessment, json!({"dryRun": true})).await.expect(200).body;
    assert_eq!(
        (&dry["examined"], &dry["next"], &dry["jobId"]),
        (&json!(30), &Value::Null, &Value::Null)
    );
    let changes = dry["changes"].as_array().expect("changes").clone();
    assert_eq!(changes.len(), 29, "all but the one that has these points from a person");
    let of = |number: usize| {
        let is_it = |change: &&Value| change["submissionId"] == json!(submissions[number]);
        changes.iter().find(is_it).cloned().unwrap_or_default()
    };
    assert_eq!((&of(1)["before"], &of(1)["after"]), (&json!("10"), &json!("20")));
    assert_eq!(of(3)["items"], json!([{"item": "i1", "before": "10", "after": "0"}]));
    assert_eq!(exam.submission(submissions[1]).await["score"], "10", "nothing has changed yet");
    exam.regrade(assessment, json!({"dryRun": false})).await.expect(202);
    exam.until_regraded(29).await;
    for (number, expected) in [(0, "16"), (1, "20"), (2, "20"), (3, "6"), (6, "10")] {
        let grade = exam.grade(assessment, exam.sitters[number].student).await.expect("a grade");
        assert_eq!(grade.0, expected, "{number}");
    }
    let again = exam.regrade(assessment, json!({"dryRun": true})).await.expect(200).body;
    assert_eq!(again["changes"], json!([]));
    exam.close().await;
}

#[tokio::test]
async fn what_is_handed_in_after_a_correction_is_graded_by_it() {
    let exam = Exam::open(2).await;
    let question = exam.question(true_false()).await;
    let assessment = exam.published(fixed(&[question]), json!({})).await;
    let early = exam.sitters[1].start(assessment).await.expect(201).id();
    exam.correct(question, json!({"body": {"type": "TRUE_FALSE", "answer": false}})).await;
    let before = exam.sitters[0].sit(assessment, json!({"i1": true})).await;
    assert_eq!(
        exam.until_status(before, "GRADED").await["score"],
        "10",
        "the paper's own key counts"
    );
    exam.regrade(assessment, json!({"dryRun": false})).await.expect(202);
    exam.until_regraded(1).await;
    assert_eq!(exam.submission(before).await["score"], "0");
    exam.sitters[1].submit(early, Some(json!({"i1": false}))).await.expect(200);
    assert_eq!(exam.until_status(early, "GRADED").await["score"], "10");
    exam.close().await;
}

#[tokio::test]
async fn a_question_that_asks_something_else_now_keeps_its_key_and_everybody_may_have_its_points() {
    let exam = Exam::open(1).await;
    let choices = |texts: [&str; 2]| json!({"type": "SINGLE", "choices": [{"text": texts[0], "fraction": "1"}, {"text": texts[1]}]});
    let question = exam.question(choices(["right", "wrong"])).await;
    let assessment = exam.published(fixed(&[question]), json!({})).await;
    let submission = exam.sitters[0].sit(assessment, json!({"i1": "nothing of it"})).await;
    exam.until_status(submission, "GRADED").await;
    exam.correct(question, json!({"body": choices(["wrong", "right"])})).await;
    let dry = exam.regrade(assessment, json!({"dryRun": true})).await.expect(200).body;
    assert_eq!(dry["changes"], json!([]), "its choices are others");
    exam.regrade(assessment, json!({"dryRun": false, "fullCredit": [question]})).await.expect(202);
    exam.until_regraded(1).await;
    assert_eq!(exam.submission(submission).await["score"], "10");
    exam.close().await;
}

#[tokio::test]
async fn of_a_draft_nothing_is_graded_anew() {
    let exam = Exam::open(0).await;
    let draft = exam.draft(fixed(&[exam.question(true_false()).await]), json!({})).await;
    let refused = exam.regrade(draft, json!({"dryRun": true})).await.expect(409);
    assert_eq!(refused.code(), "nothing-to-regrade");
    exam.close().await;
}
