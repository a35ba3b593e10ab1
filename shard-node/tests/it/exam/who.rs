//! Who may do what, and to whom something is nothing.

use std::collections::BTreeSet;

use axum::http::Method;
use serde_json::{Value, json};
use service_kit::token::Role;
use uuid::Uuid;

use super::{Exam, TIME_IS_UP, fixed, true_false};

#[tokio::test]
async fn anothers_attempt_is_nothing_to_a_student() {
    let exam = Exam::open(2).await;
    let assessment = exam.simple(1, json!({})).await;
    let [own, other] = [&exam.sitters[0], &exam.sitters[1]];
    let attempt = own.start(assessment).await.expect(201).id();
    for path in [
        format!("/v1/attempts/{attempt}"),
        format!("/v1/attempts/{attempt}/answers"),
        format!("/v1/submissions/{attempt}"),
        format!("/v1/submissions/{attempt}/receipt"),
    ] {
        assert_eq!(other.client.get(&path).await.expect(404).code(), "not-found", "{path}");
    }
    other.save(attempt, 1, json!({"i1": true})).await.expect(404);
    other.submit(attempt, None).await.expect(404);
    assert_eq!(other.client.get("/v1/submissions").await.expect(200).body["total"], 0);
    let theirs = format!("/v1/submissions?studentId={}", own.student);
    assert_eq!(other.client.get(&theirs).await.expect(200).body["total"], 0);
    // The office sees it, and leaves it to its student.
    exam.school.admin.get(&format!("/v1/attempts/{attempt}")).await.expect(200);
    let path = format!("/v1/attempts/{attempt}:submit");
    assert_eq!(exam.school.admin.post(&path, json!({})).await.expect(403).code(), "forbidden");
    own.submit(attempt, None).await.expect(200);
    exam.close().await;
}

#[tokio::test]
async fn what_another_teaches_is_nothing_to_an_instructor() {
    let exam = Exam::open(1).await;
    let assessment = exam.simple(1, json!({})).await;
    let submission = exam.sitters[0].sit(assessment, json!({"i1": true})).await;
    exam.until_status(submission, "GRADED").await;
    let other = exam.school.user("other", json!([{"role": "INSTRUCTOR"}])).await;
    let other = exam.school.as_user(Role::Instructor, other);
    let headers = [("if-match", "*")];
    for (method, path, body) in [
        (Method::GET, format!("/v1/assessments/{assessment}"), None),
        (Method::GET, format!("/v1/assessments/{assessment}/materials"), None),
        (Method::GET, format!("/v1/assessments/{assessment}/overrides"), None),
        (Method::GET, format!("/v1/assessments/{assessment}/regrades"), None),
        (Method::PATCH, format!("/v1/assessments/{assessment}"), Some(json!({"title": "Mine"}))),
        (Method::POST, format!("/v1/assessments/{assessment}:close"), Some(json!({}))),
        (Method::POST, format!("/v1/assessments/{assessment}:release"), Some(json!({}))),
        (
            Method::POST,
            format!("/v1/assessments/{assessment}:regrade"),
            Some(json!({"dryRun": true})),
        ),
        (Method::GET, format!("/v1/submissions/{submission}"), None),
        (
            Method::PATCH,
            format!("/v1/submissions/{submission}/items"),
            Some(json!({"items": [{"item": "i1", "points": "0"}]})),
        ),
        (Method::POST, format!("/v1/submissions/{submission}:return"), Some(json!({}))),
    ] {
        let refused = other.send(method, &path, body, &headers).await;
        assert_eq!((refused.status.as_u16(), refused.code()), (404, "not-found"), "{path}");
    }
    for path in ["/v1/assessments", "/v1/submissions"] {
        assert_eq!(other.get(path).await.expect(200).body["total"], 0, "{path}");
        assert_eq!(exam.teacher.get(path).await.expect(200).body["total"], 1, "{path}");
    }
    let new = json!({"classId": exam.class, "title": "E", "gradingType": "MANUAL"});
    other.post("/v1/assessments", new).await.expect(404);
    exam.close().await;
}

#[tokio::test]
async fn an_assistant_lists_what_they_teach_and_as_a_student_what_they_sit() {
    let exam = Exam::open(2).await;
    let [assistant, other] = [&exam.sitters[0], &exam.sitters[1]];
    let sat = exam.simple(1, json!({"releasePolicy": "MANUAL"})).await;
    let hidden = exam.draft(fixed(&[exam.question(true_false()).await]), json!({})).await;
    let (own, taught) = exam.second_class(assistant).await;
    exam.school.enroll(taught, other.student, "reject").await.expect(201);
    exam.school.enroll(taught, assistant.student, "reject").await.expect(201);
    let set = exam.simple(1, json!({"classId": taught, "releasePolicy": "MANUAL"})).await;
    let drafted = json!({"classId": taught, "title": "E", "gradingType": "MANUAL"});
    let drafted = own.post("/v1/assessments", drafted).await.expect(201).id();
    let answers = || json!({"i1": true});
    let marked = [other.sit(set, answers()).await, assistant.sit(set, answers()).await];
    let unseen = [assistant.sit(sat, answers()).await];
    let others = other.sit(sat, answers()).await;
    for submission in marked.iter().chain(&unseen).chain([&others]) {
        exam.until_status(*submission, "GRADED").await;
    }

    let listed = ids(&own.get("/v1/assessments").await.expect(200).body);
    assert_eq!(listed, BTreeSet::from([sat, set, drafted]), "without {hidden}");
    let page = own.get("/v1/submissions").await.expect(200).body;
    assert_eq!(ids(&page), marked.iter().chain(&unseen).copied().collect(), "without {others}");
    for item in page["items"].as_array().expect("items") {
        let shown = item["classId"] == json!(taught);
        assert_eq!(item["score"].is_string(), shown, "{item}");
    }
    // By one of the two roles alone it is one of the two.
    let as_student = &assistant.client;
    let listed = ids(&as_student.get("/v1/assessments").await.expect(200).body);
    assert_eq!(listed, BTreeSet::from([sat, set]));
    let page = as_student.get("/v1/submissions").await.expect(200).body;
    assert_eq!(ids(&page), BTreeSet::from([marked[1], unseen[0]]));
    let items = page["items"].as_array().expect("items");
    assert!(items.iter().all(|item| item["score"].is_null()), "{page}");
    exam.close().await;
}

/// The ids of a page, each of which is on it once.
fn ids(page: &Value) -> BTreeSet<Uuid> {
    let items = page["items"].as_array().expect("items");
    let ids: BTreeSet<Uuid> =
        items.iter().filter_map(|item| item["id"].as_str()?.parse().ok()).collect();
    assert_eq!((ids.len(), &json!(ids.len())), (items.len(), &page["total"]), "{page}");
    ids
}

#[tokio::test]
async fn students_see_no_drafts_and_nothing_of_classes_that_they_are_not_in() {
    let exam = Exam::open(1).await;
    let draft = exam.draft(fixed(&[exam.question(true_false()).await]), json!({})).await;
    let published = exam.simple(1, json!({})).await;
    let inside = &exam.sitters[0].client;
    let (_, user) = exam.school.student("outside").await;
    let outside = exam.school.as_user(Role::Student, user);
    inside.get(&format!("/v1/assessments/{draft}")).await.expect(404);
    inside.get(&format!("/v1/assessments/{published}")).await.expect(200);
    outside.get(&format!("/v1/assessments/{published}")).await.expect(404);
    let listed = inside.get("/v1/assessments").await.expect(200).body;
    assert_eq!((&listed["total"], &listed["items"][0]["id"]), (&json!(1), &json!(published)));
    assert_eq!(outside.get("/v1/assessments").await.expect(200).body["total"], 0);
    for (client, assessment) in [(inside, draft), (&outside, published), (inside, Uuid::now_v7())] {
        let path = format!("/v1/assessments/{assessment}/attempts");
        assert_eq!(client.post(&path, json!({})).await.expect(404).code(), "not-found");
    }
    exam.school.act(exam.sitters[0].enrollment, "suspend", json!({})).await.expect(200);
    assert_eq!(exam.sitters[0].start(published).await.expect(409).code(), "not-enrolled");
    for path in [
        format!("/v1/assessments/{published}/materials"),
        format!("/v1/assessments/{published}/overrides"),
        format!("/v1/assessments/{published}/regrades"),
    ] {
        inside.get(&path).await.expect(403);
    }
    exam.close().await;
}

#[tokio::test]
async fn who_is_no_longer_in_the_class_answers_nothing_and_what_was_saved_is_handed_in() {
    let exam = Exam::open(2).await;
    let assessment = exam.simple(1, json!({"timeLimitSeconds": 3_600})).await;
    let mut attempts = Vec::new();
    for (sitter, verb) in exam.sitters.iter().zip(["suspend", "withdraw"]) {
        let attempt = sitter.start(assessment).await.expect(201).id();
        sitter.save(attempt, 1, json!({"i1": true})).await.expect(200);
        exam.school.act(sitter.enrollment, verb, json!({})).await.expect(200);
        for refused in [
            sitter.save(attempt, 2, json!({"i1": false})).await,
            sitter.submit(attempt, None).await,
            sitter.submit(attempt, Some(json!({"i1": false}))).await,
        ] {
            assert_eq!(refused.expect(409).code(), "not-enrolled", "{verb}");
        }
        attempts.push(attempt);
    }
    let [suspended, withdrawn] = [&exam.sitters[0], &exam.sitters[1]];
    let refused = suspended.start(assessment).await.expect(409);
    assert_eq!(refused.code(), "not-enrolled", "nor is its paper given again");
    withdrawn.start(assessment).await.expect(404);
    exam.school.run(TIME_IS_UP).await;
    for (sitter, attempt) in exam.sitters.iter().zip(attempts) {
        let graded = exam.until_status(attempt, "GRADED").await;
        assert_eq!((&graded["score"], &graded["submittedBy"]), (&json!("10"), &json!("DEADLINE")));
        // What was handed in has a receipt, whoever asks for it when.
        sitter.submit(attempt, None).await.expect(200);
    }
    exam.close().await;
}

#[tokio::test]
async fn who_has_completed_the_class_begins_again_once_the_result_is_reopened() {
    let exam = Exam::open(1).await;
    let sitter = &exam.sitters[0];
    let assessment = exam.simple(1, json!({"maxAttempts": 3})).await;
    let first = sitter.sit(assessment, json!({"i1": false})).await;
    exam.until_status(first, "GRADED").await;
    let under_way = sitter.start(assessment).await.expect(201).id();
    let admin = &exam.school.admin;
    let scale = json!({"name": "All", "passMark": "40", "isDefault": true,
        "bands": [{"label": "F", "fromPercent": "0"}, {"label": "P", "fromPercent": "40"}]});
    admin.post("/v1/grade-scales", scale).await.expect(201);
    let results = format!("/v1/classes/{}/results", exam.class);
    admin.post(&format!("{results}:finalize"), json!({})).await.expect(200);
    assert_eq!(exam.school.status(sitter.enrollment).await, "COMPLETED");
    // What was under way is not lost.
    assert_eq!(sitter.start(assessment).await.expect(200).id(), under_way);
    sitter.submit(under_way, Some(json!({"i1": false}))).await.expect(200);
    assert_eq!(sitter.start(assessment).await.expect(409).code(), "not-enrolled");
    let result = admin.get(&results).await.expect(200).body["items"][0]["id"].clone();
    let result = result.as_str().expect("a result");
    let appeal = json!({"reason": "appeal"});
    admin.post(&format!("/v1/results/{result}:reopen"), appeal).await.expect(200);
    assert_eq!(sitter.start(assessment).await.expect(201).body["attempt"], 3);
    exam.close().await;
}

#[tokio::test]
async fn nothing_is_different_for_who_is_not_in_the_class() {
    let exam = Exam::open(0).await;
    let assessment = exam.simple(1, json!({})).await;
    let (outside, _) = exam.school.student("outside").await;
    let path = format!("/v1/assessments/{assessment}/overrides/{outside}");
    let more = Some(json!({"extraAttempts": 1}));
    let refused = exam.teacher.send(Method::PUT, &path, more, &[]).await.expect(404);
    assert_eq!(refused.body["errors"][0]["pointer"], "/studentId");
    assert_eq!(exam.school.count("SELECT count(*) FROM assessment_overrides").await, 0);
    exam.close().await;
}
