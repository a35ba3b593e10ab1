//! Results: when they are refused, what they write, and that they hold.

use serde_json::{Value, json};
use service_kit::token::Role;
use uuid::Uuid;

use super::{Book, codes, id, patch, statuses};

async fn finalize(book: &Book, body: Value) -> crate::support::api::Answer {
    book.school.admin.post(&book.path("/results:finalize"), body).await
}

async fn scale(book: &Book) {
    let scale = json!({"name": "All", "passMark": "40", "distinctionMark": "85", "isDefault": true,
        "bands": [{"label": "F", "fromPercent": "0"}, {"label": "P", "fromPercent": "40"}]});
    book.school.admin.post("/v1/grade-scales", scale).await.expect(201);
}

async fn result_of(book: &Book, student: Uuid) -> Value {
    let path = book.path(&format!("/results?studentId={student}"));
    book.school.admin.get(&path).await.expect(200).body["items"][0].clone()
}

#[tokio::test]
async fn results_are_refused_while_grades_are_missing_and_say_which() {
    let book = Book::open(2).await;
    scale(&book).await;
    let none = finalize(&book, json!({})).await.expect(409);
    assert_eq!(none.code(), "nothing-counts");
    let essay = book.assessment("Essay", 100).await;
    book.score(essay, book.students[0], "90").await;
    let missing = finalize(&book, json!({})).await.expect(409);
    assert_eq!((missing.code(), &missing.body["ungraded"]), ("ungraded", &json!(1)));
    let pointer = format!("/students/{}/assessments/{essay}", book.students[1]);
    assert_eq!(missing.body["errors"][0]["pointer"], pointer);
    assert_eq!(book.school.count("SELECT count(*) FROM class_results").await, 0);
    let stranger = finalize(&book, json!({"studentIds": [book.students[0], Uuid::now_v7()]}))
        .await
        .expect(422);
    assert_eq!(stranger.body["errors"][0]["pointer"], "/studentIds/1");
    let done = finalize(&book, json!({"ungradedAsZero": true})).await.expect(200);
    assert_eq!((&done.body["finalized"], &done.body["completed"]), (&json!(2), &json!(2)));
    let told = |result: &Value| {
        (result["outcome"].clone(), result["percent"].clone(), result["letter"].clone())
    };
    let first = result_of(&book, book.students[0]).await;
    assert_eq!(told(&first), (json!("DISTINCTION"), json!("90"), json!("P")));
    let second = result_of(&book, book.students[1]).await;
    assert_eq!(told(&second), (json!("FAIL"), json!("0"), json!("F")));
    for (what, count) in [
        ("SELECT count(*) FROM enrollments WHERE status = 'COMPLETED'", 2),
        (
            "SELECT count(*) FROM enrollment_events WHERE to_status = 'COMPLETED' AND from_status = 'ACTIVE'",
            2,
        ),
        ("SELECT count(*) FROM progress_tracking WHERE status = 'COMPLETED' AND completed = 1", 2),
        ("SELECT count(*) FROM outbox_events WHERE type = 'RESULT_FINALIZED'", 2),
        ("SELECT count(*) FROM outbox_events WHERE type = 'ENROLLMENT_COMPLETED'", 2),
        ("SELECT count(*) FROM notifications WHERE type = 'RESULT_FINAL'", 2),
    ] {
        assert_eq!(book.school.count(what).await, count, "{what}");
    }
    let again = finalize(&book, json!({})).await.expect(200);
    assert_eq!((&again.body["finalized"], &again.body["unchanged"]), (&json!(0), &json!(2)));
    assert_eq!(result_of(&book, book.students[0]).await["rowVersion"], 1);
    book.school.close().await;
}

#[tokio::test]
async fn a_final_result_holds_its_grades_until_an_admin_reopens_it() {
    let book = Book::open(1).await;
    scale(&book).await;
    let student = book.students[0];
    let quiz = book.assessment_with("Quiz", 100, "AUTOMATED", "IMMEDIATE").await;
    let grade = book.score(quiz, student, "39").await;
    finalize(&book, json!({})).await.expect(200);
    let refused = patch(&book.school.admin, grade, 1, json!({"score": "41"})).await.expect(409);
    assert_eq!(refused.code(), "result-final");
    let row = json!({"studentId": student, "assessmentId": quiz, "score": "41", "rowVersion": 1});
    assert_eq!(codes(&book.give(json!([row])).await), ["result-final"]);
    book.automatic(quiz, student, "99", true).await;
    assert_eq!(book.grade(grade).await["score"], "39");

    let result = result_of(&book, student).await;
    let path = format!("/v1/results/{}:reopen", id(&result["id"]));
    let staff = book.school.served.client(book.school.institution, Role::Staff, None);
    staff.post(&path, json!({"reason": "appeal"})).await.expect(403);
    book.school.admin.post(&path, json!({"reason": ""})).await.expect(400);
    let open = book.school.admin.post(&path, json!({"reason": "appeal"})).await.expect(200);
    assert_eq!((&open.body["state"], &open.body["reason"]), (&json!("REOPENED"), &json!("appeal")));
    let twice = book.school.admin.post(&path, json!({"reason": "appeal"})).await.expect(409);
    assert_eq!(twice.code(), "illegal-transition");
    patch(&book.school.admin, grade, 1, json!({"score": "41"})).await.expect(200);
    let done = finalize(&book, json!({})).await.expect(200);
    assert_eq!((&done.body["finalized"], &done.body["completed"]), (&json!(1), &json!(0)));
    let result = result_of(&book, student).await;
    assert_eq!((&result["outcome"], &result["state"]), (&json!("PASS"), &json!("FINAL")));
    assert_eq!(
        book.school
            .count("SELECT count(*) FROM outbox_events WHERE type = 'RESULT_REOPENED'")
            .await,
        1
    );
    book.school.close().await;
}

#[tokio::test]
async fn results_that_another_system_sends_are_kept_once_and_complete_who_went_through() {
    let book = Book::open(3).await;
    let s = &book.students;
    let enrollment = id(&book.row(s[2]).await["enrollmentId"]);
    book.school.act(enrollment, "withdraw", json!({})).await.expect(200);
    let client = book.school.served.client(book.school.institution, Role::ApiClient, None);
    let row = |student: usize, outcome: &str| {
        json!({"studentId": s[student], "outcome": outcome,
        "source": "sis", "externalId": format!("r/{student}")})
    };
    let send = async |items: Value| {
        let call = json!({"items": items, "notify": false});
        client.post(&book.path("/results:bulk"), call).await.expect(200)
    };
    let items = json!([row(0, "PASS"), row(1, "WITHDRAWN"), row(2, "WITHDRAWN")]);
    let first = send(items.clone()).await;
    assert_eq!(statuses(&first), [201, 201, 201]);
    let again = send(items).await;
    assert_eq!(statuses(&again), [200, 200, 200]);
    assert_eq!(first.body["items"][0]["rowVersion"], again.body["items"][0]["rowVersion"]);
    assert_eq!(
        book.school.count("SELECT count(*) FROM enrollments WHERE status = 'COMPLETED'").await,
        1
    );
    assert_eq!(
        book.school.count("SELECT count(*) FROM notifications WHERE type = 'RESULT_FINAL'").await,
        0
    );
    let changed = send(json!([row(0, "FAIL")])).await;
    assert_eq!(
        (statuses(&changed), &changed.body["items"][0]["rowVersion"]),
        (vec![200], &json!(2))
    );
    let by_hand = json!({"studentId": s[0], "outcome": "PASS"});
    let mut stale = by_hand.clone();
    stale["rowVersion"] = json!(1);
    let mut stranger = by_hand.clone();
    stranger["studentId"] = json!(Uuid::now_v7());
    let refused = send(json!([by_hand, stranger])).await;
    assert_eq!(codes(&refused), ["if-match-required", "not-found"]);
    assert_eq!(codes(&send(json!([stale])).await), ["version-mismatch"]);
    let mut taken = row(1, "WITHDRAWN");
    taken["externalId"] = json!("r/0");
    assert_eq!(codes(&send(json!([taken])).await), ["external-id-taken"]);
    book.school.close().await;
}

#[tokio::test]
async fn who_has_failed_has_not_completed_what_another_course_demands() {
    let book = Book::open(1).await;
    scale(&book).await;
    let (admin, student) = (&book.school.admin, book.students[0]);
    let class = admin.get(&format!("/v1/classes/{}", book.class)).await.expect(200).body;
    let next = json!({"code": "NEXT", "title": "Next"});
    let next = admin.post("/v1/courses", next).await.expect(201).id();
    let needed = json!({"prerequisiteId": class["courseId"]});
    admin.post(&format!("/v1/courses/{next}/prerequisites"), needed).await.expect(201);
    let second = json!({"courseId": next, "termId": class["termId"], "code": "N", "capacity": 5});
    let second = admin.post("/v1/classes", second).await.expect(201).id();
    let essay = book.assessment("Essay", 100).await;
    let grade = book.score(essay, student, "39").await;
    finalize(&book, json!({})).await.expect(200);
    let refused = book.school.enroll(second, student, "reject").await.expect(422);
    assert_eq!(refused.code(), "prerequisite");
    let result = id(&result_of(&book, student).await["id"]);
    let reopen = format!("/v1/results/{result}:reopen");
    admin.post(&reopen, json!({"reason": "appeal"})).await.expect(200);
    patch(admin, grade, 1, json!({"score": "40"})).await.expect(200);
    finalize(&book, json!({})).await.expect(200);
    book.school.enroll(second, student, "reject").await.expect(201);
    book.school.close().await;
}

#[tokio::test]
async fn who_is_suspended_has_no_result_yet() {
    let book = Book::open(2).await;
    scale(&book).await;
    let essay = book.assessment("Essay", 100).await;
    for student in &book.students {
        book.score(essay, *student, "90").await;
    }
    let enrollment = id(&book.row(book.students[1]).await["enrollmentId"]);
    book.school.act(enrollment, "suspend", json!({})).await.expect(200);
    assert_eq!(finalize(&book, json!({})).await.expect(200).body["finalized"], 1);
    let named = finalize(&book, json!({"studentIds": [book.students[1]]})).await.expect(422);
    assert_eq!(named.code(), "not-enrolled");
    assert_eq!(book.school.count("SELECT count(*) FROM class_results").await, 1);
    book.school.close().await;
}
