//! Grading anew, by corrected questions.

use axum::http::Method;
use serde_json::{Value, json};
use sqlx::Executor as _;
use uuid::Uuid;

use super::release::A_MINUTE_AGO;
use super::{Exam, fixed, true_false};

/// Whether somebody waits for a row.
const WAITS: &str = "SELECT least(1, count(*)) FROM pg_stat_activity
    WHERE datname = current_database() AND wait_event_type = 'Lock'";

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

#[tokio::test]
async fn what_was_right_is_shown_as_it_was_corrected() {
    let exam = Exam::open(1).await;
    let sitter = &exam.sitters[0];
    let question = exam.question(true_false()).await;
    let assessment = exam.published(fixed(&[question]), json!({})).await;
    let submission = sitter.sit(assessment, json!({"i1": false})).await;
    exam.until_status(submission, "GRADED").await;
    exam.correct(question, json!({"body": {"type": "TRUE_FALSE", "answer": false}})).await;
    exam.regrade(assessment, json!({"dryRun": false})).await.expect(202);
    exam.until_regraded(1).await;
    exam.act(assessment, "close").await.expect(200);
    exam.school.run(A_MINUTE_AGO).await;
    let path = format!("/v1/submissions/{submission}");
    let seen = sitter.client.get(&path).await.expect(200).body;
    let item = &seen["items"][0];
    assert_eq!((&item["points"], &item["questionVersion"]), (&json!("10"), &json!(2)));
    let key = &seen["key"]["items"][0];
    assert_eq!(key["questionVersion"], 2);
    let worth = |member: &str| {
        let part = key["rule"][member].as_str().expect("a part");
        part.parse::<f64>().expect("a number")
    };
    assert!(worth("whenTrue") < 0.5 && worth("whenFalse") > 0.5, "{key}");
    exam.close().await;
}

#[tokio::test]
async fn a_dry_run_waits_for_nobody_and_holds_nobody_up() {
    let exam = Exam::open(2).await;
    let question = exam.question(true_false()).await;
    let assessment = exam.published(fixed(&[question]), json!({})).await;
    for sitter in &exam.sitters {
        let submission = sitter.sit(assessment, json!({"i1": true})).await;
        exam.until_status(submission, "GRADED").await;
    }
    exam.correct(question, json!({"body": {"type": "TRUE_FALSE", "answer": false}})).await;
    // Somebody has everything in hand.
    let mut holder = exam.school.shard.connect("postgres").await;
    for held in ["assessments", "assessment_submissions", "enrollments", "grades"] {
        let sql = format!("SELECT FROM {held} FOR UPDATE");
        holder.execute("BEGIN").await.expect("begun");
        holder.execute(sqlx::AssertSqlSafe(sql)).await.expect("held");
        let dry = exam.regrade(assessment, json!({"dryRun": true})).await.expect(200).body;
        assert_eq!(dry["changes"].as_array().map(Vec::len), Some(2), "{held}");
        holder.execute("ROLLBACK").await.expect("let go");
    }
    exam.close().await;
}

#[tokio::test]
async fn a_regrade_takes_enrolments_in_the_order_of_their_ids() {
    let exam = Exam::open(2).await;
    let question = exam.question(true_false()).await;
    let assessment = exam.published(fixed(&[question]), json!({})).await;
    // Who was enrolled last has handed in first.
    for sitter in exam.sitters.iter().rev() {
        let submission = sitter.sit(assessment, json!({"i1": true})).await;
        exam.until_status(submission, "GRADED").await;
    }
    let [first, second] = [&exam.sitters[0], &exam.sitters[1]];
    assert!(first.enrollment < second.enrollment, "enrolments are in the order of their ids");
    exam.correct(question, json!({"body": {"type": "TRUE_FALSE", "answer": false}})).await;
    let lock = "SELECT id FROM enrollments WHERE id = $1 FOR NO KEY UPDATE NOWAIT";
    let mut holder = exam.school.shard.connect("postgres").await;
    holder.execute("BEGIN").await.expect("begun");
    sqlx::query(lock).bind(first.enrollment).execute(&mut holder).await.expect("held");
    exam.regrade(assessment, json!({"dryRun": false})).await.expect(202);
    exam.school.until(WAITS, 1).await;
    // It waits for the first, and has not yet taken the second.
    sqlx::query(lock).bind(second.enrollment).execute(&mut holder).await.expect("free");
    holder.execute("ROLLBACK").await.expect("let go");
    exam.until_regraded(2).await;
    exam.close().await;
}

#[tokio::test]
async fn what_a_regrade_names_must_be_there() {
    let exam = Exam::open(1).await;
    let (asked, other) = (exam.question(true_false()).await, exam.question(true_false()).await);
    let assessment = exam.published(fixed(&[asked]), json!({})).await;
    let elsewhere = exam.published(fixed(&[other]), json!({})).await;
    let submission = exam.sitters[0].sit(elsewhere, json!({"i1": true})).await;
    for dry_run in [true, false] {
        let named = json!({"dryRun": dry_run, "fullCredit": [asked, other]});
        let refused = exam.regrade(assessment, named).await.expect(404);
        assert_eq!(refused.body["errors"][0]["pointer"], "/fullCredit/1");
        for after in [submission, Uuid::now_v7()] {
            let named = json!({"dryRun": dry_run, "after": after});
            let refused = exam.regrade(assessment, named).await.expect(404);
            assert_eq!(refused.body["errors"][0]["pointer"], "/after");
        }
        let broken = json!({"dryRun": dry_run, "after": "x"});
        exam.regrade(assessment, broken).await.expect(400);
    }
    assert_eq!(exam.school.count("SELECT count(*) FROM assessment_regrades").await, 0);
    exam.regrade(elsewhere, json!({"dryRun": true, "after": submission})).await.expect(200);
    exam.close().await;
}

#[tokio::test]
async fn who_asks_for_a_regrade_reads_how_far_it_is() {
    let exam = Exam::open(1).await;
    let question = exam.question(true_false()).await;
    let assessment = exam.published(fixed(&[question]), json!({})).await;
    let submission = exam.sitters[0].sit(assessment, json!({"i1": true})).await;
    exam.until_status(submission, "GRADED").await;
    exam.correct(question, json!({"body": {"type": "TRUE_FALSE", "answer": false}})).await;
    let asked = exam.regrade(assessment, json!({"dryRun": false})).await.expect(202);
    let place = asked.headers["location"].to_str().expect("a place").to_owned();
    let found = super::until(async || {
        let found = exam.teacher.get(&place).await.expect(200).body;
        if found["finishedAt"].is_null() { Err(found) } else { Ok(found) }
    })
    .await;
    assert_eq!(found["id"], asked.body["regradeId"]);
    assert_eq!((&found["examined"], &found["changed"]), (&json!(1), &json!(1)));
    let list = format!("/v1/assessments/{assessment}/regrades");
    let listed = exam.teacher.get(&list).await.expect(200).body;
    assert_eq!((&listed["total"], &listed["items"][0]), (&json!(1), &found));
    let members = found.as_object().expect("members");
    assert!(!members.contains_key("questions"), "{found}");
    let elsewhere = exam.published(fixed(&[question]), json!({})).await;
    let place = place.replace(&assessment.to_string(), &elsewhere.to_string());
    assert_eq!(exam.teacher.get(&place).await.expect(404).code(), "not-found");
    exam.close().await;
}

#[tokio::test]
async fn a_corrected_key_counts_in_the_order_that_each_student_was_shown() {
    let exam = Exam::open(6).await;
    let body = |right: &str| {
        let choice =
            |text: &str| json!({"text": text, "fraction": if text == right { "1" } else { "0" }});
        let choices: Vec<Value> = ["a", "b", "c", "d"].into_iter().map(choice).collect();
        json!({"type": "SINGLE", "choices": choices})
    };
    let question = json!({"statement": "What is right?", "shuffle": true, "body": body("a")});
    let question = exam.question_with(question).await;
    let assessment = exam.published(fixed(&[question]), json!({})).await;
    for sitter in &exam.sitters {
        let begun = sitter.start(assessment).await.expect(201);
        let shown = begun.body["paper"]["items"][0]["choices"].as_array().expect("choices").clone();
        let second = shown.iter().find(|choice| choice["text"] == "b").expect("the second");
        let answers = json!({"i1": second["id"]});
        sitter.submit(begun.id(), Some(answers)).await.expect(200);
    }
    exam.school
        .until(
            "SELECT count(*) FROM assessment_submissions WHERE status = 'GRADED' AND score = 0",
            6,
        )
        .await;
    exam.correct(question, json!({"body": body("b")})).await;
    let dry = exam.regrade(assessment, json!({"dryRun": true})).await.expect(200).body;
    let changes = dry["changes"].as_array().expect("changes");
    let all = changes.iter().filter(|change| change["after"] == "10").count();
    assert_eq!(all, 6, "{dry}");
    exam.regrade(assessment, json!({"dryRun": false})).await.expect(202);
    exam.until_regraded(6).await;
    exam.close().await;
}

#[tokio::test]
async fn what_was_right_in_what_was_asked_stays_right_when_something_else_is_asked() {
    let exam = Exam::open(1).await;
    let choices = |first: &str, right: usize| {
        let fraction = |at: usize| if at == right { "1" } else { "0" };
        json!({"type": "SINGLE", "choices": [
            {"text": first, "fraction": fraction(0)}, {"text": "b", "fraction": fraction(1)}]})
    };
    let question = exam.question(choices("a", 0)).await;
    let assessment = exam.published(fixed(&[question]), json!({})).await;
    let begun = exam.sitters[0].start(assessment).await.expect(201);
    let shown = begun.body["paper"]["items"][0]["choices"].as_array().expect("choices").clone();
    let right = shown.iter().find(|choice| choice["text"] == "a").expect("the right one");
    exam.sitters[0].submit(begun.id(), Some(json!({"i1": right["id"]}))).await.expect(200);
    assert_eq!(exam.until_status(begun.id(), "GRADED").await["score"], "10");
    exam.correct(question, json!({"body": choices("x", 1)})).await;
    let dry = exam.regrade(assessment, json!({"dryRun": true})).await.expect(200).body;
    assert_eq!(dry["changes"], json!([]));
    exam.close().await;
}

#[tokio::test]
async fn what_a_dry_run_says_of_lateness_the_run_does() {
    let exam = Exam::open(1).await;
    let sitter = &exam.sitters[0];
    let policy = json!({"name": "Late", "ratePercent": "10", "interval": "DAY"});
    let policy = exam.school.admin.post("/v1/late-policies", policy).await.expect(201).id();
    let more = json!({"dueAt": super::at(-3_600), "latePolicyId": policy});
    let assessment = exam.simple(1, more).await;
    let submission = sitter.sit(assessment, json!({"i1": true})).await;
    assert_eq!(exam.until_status(submission, "GRADED").await["score"], "9");
    // The student is excused.
    let path = format!("/v1/assessments/{assessment}/overrides/{}", sitter.student);
    let later = Some(json!({"dueAt": super::at(3_600)}));
    exam.teacher.send(Method::PUT, &path, later, &[]).await.expect(201);
    let dry = exam.regrade(assessment, json!({"dryRun": true})).await.expect(200).body;
    let change = &dry["changes"][0];
    assert_eq!((&change["before"], &change["after"]), (&json!("9"), &json!("10")));
    exam.regrade(assessment, json!({"dryRun": false})).await.expect(202);
    let finished = "SELECT count(*) FROM assessment_regrades WHERE finished_at IS NOT NULL";
    exam.school.until(finished, 1).await;
    assert_eq!(exam.submission(submission).await["score"], "10");
    exam.close().await;
}

#[tokio::test]
async fn a_later_correction_leaves_what_an_earlier_one_put_right() {
    let exam = Exam::open(1).await;
    let choices = |first: &str, right: usize| {
        let fraction = |at: usize| if at == right { "1" } else { "0" };
        json!({"type": "SINGLE", "choices": [
            {"text": first, "fraction": fraction(0)}, {"text": "b", "fraction": fraction(1)}]})
    };
    let question = exam.question(choices("a", 0)).await;
    let assessment = exam.published(fixed(&[question]), json!({})).await;
    let begun = exam.sitters[0].start(assessment).await.expect(201);
    let shown = begun.body["paper"]["items"][0]["choices"].as_array().expect("choices").clone();
    let second = shown.iter().find(|choice| choice["text"] == "b").expect("the second");
    exam.sitters[0].submit(begun.id(), Some(json!({"i1": second["id"]}))).await.expect(200);
    assert_eq!(exam.until_status(begun.id(), "GRADED").await["score"], "0");
    exam.correct(question, json!({"body": choices("a", 1)})).await;
    exam.regrade(assessment, json!({"dryRun": false})).await.expect(202);
    exam.until_regraded(1).await;
    assert_eq!(exam.submission(begun.id()).await["score"], "10");
    // Its wording is mended afterwards; what is right stays.
    exam.correct(question, json!({"body": choices("a, of course", 1)})).await;
    let dry = exam.regrade(assessment, json!({"dryRun": true})).await.expect(200).body;
    assert_eq!(dry["changes"], json!([]));
    exam.close().await;
}

#[tokio::test]
async fn a_comma_is_read_as_the_blueprint_says_also_when_it_is_graded_anew() {
    let exam = Exam::open(1).await;
    let sitter = &exam.sitters[0];
    let number = json!({"type": "NUMERIC", "accepted": [{"value": "3.14", "tolerance": "0"}]});
    let question = exam.question(number).await;
    let plain = fixed(&[question]);
    let mut with_comma = plain.clone();
    with_comma["grading"] = json!({"decimalComma": true});
    let mut reached = Vec::new();
    for blueprint in [with_comma, plain] {
        let assessment = exam.published(blueprint, json!({})).await;
        let submission = sitter.sit(assessment, json!({"i1": "3,14"})).await;
        let graded = exam.until_status(submission, "GRADED").await;
        reached.push((assessment, graded["score"].clone()));
    }
    let [(assessment, with_comma), (_, plain)] = &reached[..] else { panic!("two: {reached:?}") };
    assert_eq!((with_comma, plain), (&json!("10"), &json!("0")));
    let dry = exam.regrade(*assessment, json!({"dryRun": true})).await.expect(200).body;
    assert_eq!((&dry["examined"], &dry["changes"]), (&json!(1), &json!([])));
    exam.regrade(*assessment, json!({"dryRun": false})).await.expect(202);
    exam.until_regraded(0).await;
    exam.close().await;
}
