//! The sweep at the deadline, and grading that runs again and again.

use futures::future::join_all;
use serde_json::{Value, json};
use uuid::Uuid;

use super::{Exam, TIME_IS_UP};

#[tokio::test]
async fn what_is_under_way_at_its_deadline_is_handed_in_as_it_was_saved_last() {
    let exam = Exam::open(12).await;
    let assessment = exam.simple(2, json!({"timeLimitSeconds": 3_600})).await;
    let mut attempts = Vec::new();
    for (number, sitter) in exam.sitters.iter().enumerate() {
        let attempt = sitter.start(assessment).await.expect(201).id();
        if number > 0 {
            sitter.save(attempt, 1, json!({"i1": true, "i2": number % 2 == 0})).await.expect(200);
        }
        attempts.push(attempt);
    }
    exam.sitters[11].submit(attempts[11], None).await.expect(200);
    exam.school.run(TIME_IS_UP).await;
    exam.school
        .until("SELECT count(*) FROM assessment_submissions WHERE status = 'GRADED'", 12)
        .await;
    exam.school.until_idle().await;
    for (number, (attempt, sitter)) in attempts.iter().zip(&exam.sitters).enumerate() {
        let found = exam.submission(*attempt).await;
        let by = if number == 11 { "STUDENT" } else { "DEADLINE" };
        let score = match number {
            0 => "0",
            even if even % 2 == 0 => "20",
            _ => "10",
        };
        assert_eq!(found["submittedBy"], by, "{number}");
        if by == "DEADLINE" {
            assert_eq!(found["submittedAt"], found["deadlineAt"], "it counts as of its deadline");
        }
        let grade = exam.grade(assessment, sitter.student).await.expect("a grade");
        assert_eq!(grade.0, score, "{number}");
        let receipt = format!("/v1/submissions/{attempt}/receipt");
        let receipt = sitter.client.get(&receipt).await.expect(200).body;
        let verify = format!("/v1/submissions/{attempt}/receipt:verify");
        let verdict = sitter.client.post(&verify, json!({"receipt": receipt})).await.expect(200);
        assert_eq!(verdict.body["valid"], true);
    }
    let handed_in = "SELECT count(*) FROM outbox_events WHERE type = 'ASSESSMENT_SUBMITTED'";
    assert_eq!(exam.school.count(handed_in).await, 12);
    assert_eq!(exam.school.count("SELECT count(*) FROM jobs WHERE state = 'FAILED'").await, 0);
    exam.close().await;
}

#[tokio::test]
async fn a_save_and_the_sweep_at_once_lose_nothing_that_was_acknowledged() {
    let exam = Exam::open(8).await;
    let assessment = exam.simple(1, json!({"timeLimitSeconds": 3_600})).await;
    let begun =
        exam.sitters.iter().map(async |sitter| sitter.start(assessment).await.expect(201).id());
    let attempts: Vec<Uuid> = join_all(begun).await;
    // Half a second of grace is left, and everybody saves meanwhile.
    exam.school
        .run("WITH ended AS (UPDATE assessment_submissions SET deadline_at = now() - interval '4500 milliseconds'
              RETURNING id)
              UPDATE jobs SET run_at = now() + interval '500 milliseconds' FROM ended
              WHERE type = 'ATTEMPT_ENDED' AND unique_key = ended.id::text")
        .await;
    let saves = exam.sitters.iter().zip(&attempts).map(async |(sitter, attempt)| {
        let (mut last, mut version) = (None, 2);
        for number in 0..1_000 {
            let answer = sitter.save(*attempt, version, json!({"i1": number})).await;
            if answer.status == 409 {
                break;
            }
            version = answer.expect(200).body["rowVersion"].as_i64().expect("a version");
            last = Some(number);
        }
        last
    });
    let acknowledged = join_all(saves).await;
    for (attempt, last) in attempts.iter().zip(acknowledged) {
        let found = exam.until_status(*attempt, "GRADED").await;
        let expected = last.map_or_else(|| json!({}), |number| json!({"i1": number}));
        assert_eq!(found["answers"], expected);
    }
    exam.close().await;
}

#[tokio::test]
async fn a_job_that_comes_early_comes_again_and_one_that_comes_twice_changes_nothing() {
    let exam = Exam::open(1).await;
    let sitter = &exam.sitters[0];
    let assessment = exam.simple(1, json!({"timeLimitSeconds": 3_600})).await;
    let attempt = sitter.start(assessment).await.expect(201).id();
    exam.school.run("UPDATE jobs SET run_at = now() WHERE type = 'ATTEMPT_ENDED'").await;
    let again = "SELECT count(*) FROM jobs WHERE type = 'ATTEMPT_ENDED' AND state = 'QUEUED'
        AND run_at > now() + interval '30 minutes'";
    exam.school.until(again, 1).await;
    assert_eq!(exam.submission(attempt).await["status"], "IN_PROGRESS");
    sitter.submit(attempt, Some(json!({"i1": true}))).await.expect(200);
    let graded = exam.until_status(attempt, "GRADED").await;
    exam.school.run(TIME_IS_UP).await;
    exam.school.run("UPDATE jobs SET run_at = now() WHERE type = 'ATTEMPT_ENDED'").await;
    exam.school.run("UPDATE jobs SET state = 'QUEUED', finished_at = NULL, keep_until = NULL WHERE type = 'GRADE_ASSESSMENT'").await;
    exam.school.until("SELECT count(*) FROM jobs WHERE type IN ('ATTEMPT_ENDED', 'GRADE_ASSESSMENT') AND state = 'DONE'", 2).await;
    assert_eq!(exam.submission(attempt).await["rowVersion"], graded["rowVersion"]);
    assert_eq!(exam.school.count("SELECT count(*) FROM grades").await, 1);
    assert_eq!(exam.school.count("SELECT count(*) FROM submission_item_scores").await, 1);
    exam.close().await;
}

#[tokio::test]
async fn closing_hands_in_what_is_under_way() {
    let exam = Exam::open(2).await;
    let assessment = exam.simple(1, json!({})).await;
    let [first, second] = [&exam.sitters[0], &exam.sitters[1]];
    let attempt = first.start(assessment).await.expect(201).id();
    first.save(attempt, 1, json!({"i1": true})).await.expect(200);
    exam.act(assessment, "close").await.expect(200);
    assert_eq!(second.start(assessment).await.expect(409).code(), "closed");
    let cut: Value = exam.submission(attempt).await;
    assert!(cut["deadlineAt"].is_string(), "it ends with the assessment");
    exam.school.run(TIME_IS_UP).await;
    assert_eq!(exam.until_status(attempt, "GRADED").await["score"], "10");
    exam.close().await;
}

#[tokio::test]
async fn lateness_costs_by_the_policy_and_grace_is_not_late() {
    let exam = Exam::open(2).await;
    let policy =
        json!({"name": "Late", "ratePercent": "10", "interval": "DAY", "floorPercent": "40"});
    let policy = exam.school.admin.post("/v1/late-policies", policy).await.expect(201).id();
    let more = json!({"dueAt": super::at(-3_600), "latePolicyId": policy});
    let late = exam.simple(2, more).await;
    let submission = exam.sitters[0].sit(late, json!({"i1": true, "i2": true})).await;
    let graded = exam.until_status(submission, "GRADED").await;
    assert_eq!((&graded["rawScore"], &graded["lateDeduction"]), (&json!("20"), &json!("2")));
    let grade = exam.grade(late, exam.sitters[0].student).await;
    assert_eq!(grade, Some(("18".to_owned(), "2".to_owned(), true)));
    // The deadline and the due time are one; what comes in within the grace was there in time.
    let due = super::at(3_600);
    let more = json!({"dueAt": due, "closesAt": due, "latePolicyId": policy});
    let exact = exam.simple(1, more).await;
    let attempt = exam.sitters[1].start(exact).await.expect(201).id();
    exam.school
        .run("UPDATE assessments SET due_at = now() - interval '2 seconds', closes_at = now() - interval '2 seconds'
              WHERE due_at = closes_at")
        .await;
    exam.school
        .run(
            "UPDATE assessment_submissions s SET deadline_at = a.closes_at FROM assessments a
              WHERE a.id = s.assessment_id AND s.status = 'IN_PROGRESS'",
        )
        .await;
    exam.sitters[1].submit(attempt, Some(json!({"i1": true}))).await.expect(200);
    assert_eq!(exam.until_status(attempt, "GRADED").await["lateDeduction"], "0");
    exam.close().await;
}

#[tokio::test]
async fn the_policy_of_attempts_says_which_one_counts() {
    let exam = Exam::open(4).await;
    for (policy, sitter, expected) in [
        ("BEST", &exam.sitters[0], "20"),
        ("LAST", &exam.sitters[1], "10"),
        ("FIRST", &exam.sitters[2], "0"),
        ("AVERAGE", &exam.sitters[3], "10"),
    ] {
        let more = json!({"maxAttempts": 3, "attemptPolicy": policy});
        let assessment = exam.simple(2, more).await;
        for answers in [json!({"i1": false}), json!({"i1": true, "i2": true}), json!({"i1": true})]
        {
            let submission = sitter.sit(assessment, answers).await;
            exam.until_status(submission, "GRADED").await;
        }
        let grade = exam.grade(assessment, sitter.student).await.expect("a grade");
        assert_eq!(grade.0, expected, "{policy}");
    }
    exam.close().await;
}

/// The other order is a deadlock at the very moment when deadlines end.
#[tokio::test]
async fn who_begins_anew_waits_for_an_overdue_attempt_without_the_enrolment() {
    let exam = Exam::open(1).await;
    let sitter = &exam.sitters[0];
    let assessment = exam.simple(1, json!({"timeLimitSeconds": 3_600, "maxAttempts": 2})).await;
    exam.school.served.rest.cancel();
    let attempt = sitter.start(assessment).await.expect(201).id();
    exam.school
        .run("UPDATE assessment_submissions SET deadline_at = now() - interval '10 seconds'")
        .await;
    let mut sweep = exam.school.shard.connect("postgres").await;
    sqlx::query("BEGIN").execute(&mut sweep).await.expect("begun");
    sqlx::query("SELECT FROM assessment_submissions WHERE id = $1 FOR NO KEY UPDATE")
        .bind(attempt)
        .execute(&mut sweep)
        .await
        .expect("the attempt");
    let sweeps = async {
        let waits = "SELECT count(*) FROM pg_stat_activity
            WHERE datname = current_database() AND wait_event_type = 'Lock'";
        exam.school.until(waits, 1).await;
        sqlx::query("SELECT FROM enrollments FOR NO KEY UPDATE NOWAIT")
            .execute(&mut sweep)
            .await
            .expect("an enrolment that nobody holds");
        sqlx::query("COMMIT").execute(&mut sweep).await.expect("committed");
    };
    let (begun, ()) = tokio::join!(sitter.start(assessment), sweeps);
    assert_eq!(begun.expect(201).body["attempt"], 2);
    assert_eq!(exam.submission(attempt).await["submittedBy"], "DEADLINE");
    exam.close().await;
}

#[tokio::test]
async fn the_sweep_takes_those_alone_whose_time_is_up() {
    let exam = Exam::open(2).await;
    let assessment = exam.simple(1, json!({"timeLimitSeconds": 3_600})).await;
    let [first, second] = [&exam.sitters[0], &exam.sitters[1]];
    let over = first.start(assessment).await.expect(201).id();
    let goes_on = second.start(assessment).await.expect(201).id();
    exam.school
        .run("WITH ended AS (
                  UPDATE assessment_submissions SET deadline_at = now() - interval '10 seconds'
                  WHERE student_id = (SELECT id FROM students WHERE student_no = 'S0') RETURNING id)
              UPDATE jobs SET run_at = now() FROM ended WHERE type = 'ATTEMPT_ENDED' AND unique_key = ended.id::text")
        .await;
    assert_eq!(exam.until_status(over, "GRADED").await["submittedBy"], "DEADLINE");
    assert_eq!(exam.submission(goes_on).await["status"], "IN_PROGRESS");
    second.save(goes_on, 1, json!({"i1": true})).await.expect(200);
    exam.close().await;
}

#[tokio::test]
async fn what_its_student_has_handed_in_the_sweep_leaves_as_it_is() {
    let exam = Exam::open(1).await;
    let more = json!({"gradingType": "MANUAL", "timeLimitSeconds": 3_600});
    let assessment = exam.simple(1, more).await;
    let submission = exam.sitters[0].sit(assessment, json!({"i1": true})).await;
    let before = exam.submission(submission).await;
    exam.school
        .run("UPDATE assessment_submissions SET deadline_at = now() - interval '10 seconds'")
        .await;
    exam.school.run("UPDATE jobs SET run_at = now() WHERE type = 'ATTEMPT_ENDED'").await;
    let tried = "SELECT count(*) FROM jobs WHERE type = 'ATTEMPT_ENDED' AND (state = 'DONE' OR last_error IS NOT NULL)";
    exam.school.until(tried, 1).await;
    let done = "SELECT count(*) FROM jobs WHERE type = 'ATTEMPT_ENDED' AND state = 'DONE'";
    assert_eq!(exam.school.count(done).await, 1);
    let after = exam.submission(submission).await;
    assert_eq!(
        (&after["submittedBy"], &after["submittedAt"]),
        (&json!("STUDENT"), &before["submittedAt"])
    );
    exam.close().await;
}

#[tokio::test]
async fn a_day_late_is_one_of_the_classs_clock() {
    let exam = Exam::open(1).await;
    let class = format!("/v1/classes/{}", exam.class);
    let berlin = Some(json!({"timezone": "Europe/Berlin"}));
    let any = [("if-match", "*")];
    exam.school.admin.send(axum::http::Method::PATCH, &class, berlin, &any).await.expect(200);
    let policy = json!({"name": "Late", "ratePercent": "10", "interval": "DAY"});
    let policy = exam.school.admin.post("/v1/late-policies", policy).await.expect(201).id();
    let more =
        json!({"gradingType": "MANUAL", "latePolicyId": policy, "dueAt": "2026-03-28T11:00:00Z"});
    let assessment = exam.simple(1, more).await;
    let submission = exam.sitters[0].sit(assessment, json!({"i1": true})).await;
    // 23 and a half hours later, of a day that had 23: a second one has begun.
    exam.school
        .run("UPDATE assessment_submissions SET submitted_at = '2026-03-29T10:30:00Z'")
        .await;
    let version = exam.submission(submission).await["rowVersion"].clone();
    let given = json!([{"item": "i1", "points": "10"}]);
    let graded = exam.give(submission, &version, given).await.expect(200).body;
    assert_eq!((&graded["lateDeduction"], &graded["score"]), (&json!("2"), &json!("8")));
    exam.close().await;
}
