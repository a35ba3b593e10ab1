//! What lateness takes, when what it goes by is changed after the work was graded.

use axum::http::Method;
use serde_json::{Value, json};
use uuid::Uuid;

use super::{Exam, at};

/// So long after it was due that a second day has begun, whatever clocks did.
const SECOND_DAY_S: i64 = 30 * 3_600;

impl Exam {
    /// 10 percent a day, of what was due two days ago, as days are counted, and is worth 10; a submission of each student is graded.
    async fn late(&self) -> (Uuid, Uuid, Vec<Uuid>) {
        let policy = json!({"name": "Late", "ratePercent": "10", "interval": "DAY"});
        let policy = self.school.admin.post("/v1/late-policies", policy).await.expect(201).id();
        let due = at(-SECOND_DAY_S);
        let assessment = self.simple(1, json!({"dueAt": due, "latePolicyId": policy})).await;
        let mut submissions = Vec::new();
        for sitter in &self.sitters {
            let submission = sitter.sit(assessment, json!({"i1": true})).await;
            self.until_status(submission, "GRADED").await;
            submissions.push(submission);
        }
        (policy, assessment, submissions)
    }

    /// Waits until each student's score, and what lateness took of it, is this.
    async fn until_scores(&self, assessment: Uuid, expected: &[(&str, &str)]) {
        super::until(async || {
            let mut found = Vec::new();
            for sitter in &self.sitters {
                let grade = self.grade(assessment, sitter.student).await.expect("a grade");
                found.push((grade.0, grade.1));
            }
            let is_it = found.iter().map(|(score, late)| (score.as_str(), late.as_str()));
            if is_it.eq(expected.iter().copied()) { Ok(()) } else { Err(found) }
        })
        .await;
    }

    async fn dry_run(&self, assessment: Uuid) -> Vec<Value> {
        let path = format!("/v1/assessments/{assessment}:regrade");
        let dry = self.teacher.post(&path, json!({"dryRun": true})).await.expect(200).body;
        dry["changes"].as_array().expect("changes").clone()
    }
}

#[tokio::test]
async fn a_due_date_that_is_moved_afterwards_takes_the_deduction_along() {
    let exam = Exam::open(2).await;
    let (_, assessment, submissions) = exam.late().await;
    exam.until_scores(assessment, &[("8", "2"), ("8", "2")]).await;
    let own = format!("/v1/assessments/{assessment}/overrides/{}", exam.sitters[0].student);
    let later = Some(json!({"dueAt": at(3_600)}));
    exam.teacher.send(Method::PUT, &own, later, &[]).await.expect(201);
    exam.until_scores(assessment, &[("10", "0"), ("8", "2")]).await;
    assert_eq!(exam.submission(submissions[0]).await["score"], "10");
    exam.teacher.send(Method::DELETE, &own, None, &[]).await.expect(204);
    exam.until_scores(assessment, &[("8", "2"), ("8", "2")]).await;
    // An hour ago: one day has begun.
    let path = format!("/v1/assessments/{assessment}");
    let change = async |body: Value| {
        exam.teacher.send(Method::PATCH, &path, Some(body), &[]).await.expect(200);
    };
    change(json!({"dueAt": at(-3_600)})).await;
    exam.until_scores(assessment, &[("9", "1"), ("9", "1")]).await;
    change(json!({"latePolicyId": null})).await;
    exam.until_scores(assessment, &[("10", "0"), ("10", "0")]).await;
    assert!(exam.dry_run(assessment).await.is_empty());
    exam.close().await;
}

#[tokio::test]
async fn a_regrade_counts_lateness_as_its_dry_run_said() {
    let exam = Exam::open(1).await;
    let (policy, assessment, submissions) = exam.late().await;
    exam.until_scores(assessment, &[("8", "2")]).await;
    // A policy that is changed leaves what was graded as it is.
    let dearer = Some(json!({"ratePercent": "20"}));
    let path = format!("/v1/late-policies/{policy}");
    exam.school.admin.send(Method::PATCH, &path, dearer, &[("if-match", "*")]).await.expect(200);
    let changes = exam.dry_run(assessment).await;
    assert_eq!(changes.len(), 1);
    assert_eq!((&changes[0]["before"], &changes[0]["after"]), (&json!("8"), &json!("6")));
    assert_eq!(changes[0]["items"], json!([]));
    let path = format!("/v1/assessments/{assessment}:regrade");
    exam.teacher.post(&path, json!({"dryRun": false})).await.expect(202);
    exam.until_scores(assessment, &[("6", "4")]).await;
    assert_eq!(exam.submission(submissions[0]).await["score"], "6");
    assert!(exam.dry_run(assessment).await.is_empty());
    exam.close().await;
}
