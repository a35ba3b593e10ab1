//! Grades that the platform gives itself, and what is seen of them before they are released.

use serde_json::{Value, json};
use service_kit::token::Role;
use uuid::Uuid;

use super::{Book, TEST_RELEASE, patch};

/// A score that is nowhere else.
const MARKER: &str = "73.3119";

async fn inbox(book: &Book, student: Uuid) -> Vec<Value> {
    let client = book.client_of(student).await;
    let told =
        client.get("/v1/notifications?type=ASSESSMENT_GRADED&sort=createdAt").await.expect(200);
    told.body["items"].as_array().expect("items").clone()
}

async fn only_grade(book: &Book) -> Value {
    let listed = book.school.admin.get(&book.path("/grades")).await.expect(200);
    let items = listed.body["items"].as_array().expect("items");
    assert_eq!(items.len(), 1);
    items[0].clone()
}

#[tokio::test]
async fn a_late_automatic_grade_does_not_overwrite_a_manual_one() {
    let book = Book::open(1).await;
    let quiz = book.assessment_with("Quiz", 100, "AUTOMATED", "IMMEDIATE").await;
    let student = book.students[0];
    book.automatic(quiz, student, "40", true).await;
    let first = only_grade(&book).await;
    assert_eq!((&first["origin"], &first["score"]), (&json!("AUTOMATED"), &json!("40")));
    let grade = super::id(&first["id"]);
    patch(&book.school.admin, grade, 1, json!({"score": "55"})).await.expect(200);
    book.automatic(quiz, student, "90", true).await;
    let kept = book.grade(grade).await;
    assert_eq!((&kept["origin"], &kept["score"]), (&json!("MANUAL"), &json!("55")));
    let history = format!("/v1/grades/{grade}/history?kind=KEPT");
    let kept = book.school.admin.get(&history).await.expect(200).body["items"].clone();
    assert_eq!(
        (&kept[0]["before"]["score"], &kept[0]["after"]["score"]),
        (&json!("55"), &json!("90"))
    );
    // Cleared, it lets automatic ones in again.
    patch(&book.school.admin, grade, 2, json!({"score": null})).await.expect(200);
    book.automatic(quiz, student, "91", true).await;
    assert_eq!(book.grade(grade).await["score"], "91");
    book.school.close().await;
}

#[tokio::test]
async fn nobody_but_the_staff_sees_a_score_before_it_is_released() {
    let book = Book::open(1).await;
    let exam = book.assessment_with("Exam", 100, "AUTOMATED", "MANUAL").await;
    let student = book.students[0];
    book.automatic(exam, student, MARKER, false).await;
    let mine = book.client_of(student).await.get(&book.path("/gradebook/mine")).await.expect(200);
    assert_eq!(mine.body["items"][0]["grades"], json!([]));
    assert_eq!(mine.body["items"][0]["totals"]["current"], Value::Null);
    let told = inbox(&book, student).await;
    assert_eq!(told.len(), 1);
    assert!(told[0]["text"].as_str().expect("a text").contains("released"), "{}", told[0]);
    for place in [
        "SELECT count(*) FROM notifications WHERE payload::text LIKE '%73.3119%'",
        "SELECT count(*) FROM outbox_events WHERE payload::text LIKE '%73.3119%'",
        "SELECT count(*) FROM progress_tracking WHERE percent IS NOT NULL",
    ] {
        assert_eq!(book.school.count(place).await, 0, "{place}");
    }
    let done = "SELECT count(*) FROM progress_tracking WHERE completed = 1";
    assert_eq!(book.school.count(done).await, 1);
    assert_eq!(book.row(student).await["totals"]["current"], MARKER);

    book.alter("UPDATE assessments SET released_at = now() WHERE id = $1", exam).await;
    book.job(TEST_RELEASE, json!({"assessmentId": exam})).await;
    let mine = book.client_of(student).await.get(&book.path("/gradebook/mine")).await.expect(200);
    assert_eq!(mine.body["items"][0]["grades"][0]["score"], MARKER);
    let told = inbox(&book, student).await;
    assert_eq!(told.len(), 2);
    assert!(told.iter().any(|one| one["text"].as_str().expect("a text").contains(MARKER)));
    let released = "SELECT count(*) FROM outbox_events WHERE type = 'GRADE_RELEASED' AND payload->>'score' = '73.3119'";
    assert_eq!(book.school.count(released).await, 1);
    let percent = "SELECT count(*) FROM progress_tracking WHERE percent = 73.3119";
    assert_eq!(book.school.count(percent).await, 1);
    // Done once more, nothing is told again.
    book.job(TEST_RELEASE, json!({"assessmentId": exam})).await;
    assert_eq!(inbox(&book, student).await.len(), 2);
    book.school.close().await;
}

#[tokio::test]
async fn grade_history_event_and_notification_are_there_together_once() {
    let book = Book::open(1).await;
    let quiz = book.assessment_with("Quiz", 100, "AUTOMATED", "IMMEDIATE").await;
    book.automatic(quiz, book.students[0], "40", true).await;
    for (what, count) in [
        ("SELECT count(*) FROM grades", 1),
        ("SELECT count(*) FROM grade_events WHERE kind = 'GIVEN'", 1),
        (
            "SELECT count(*) FROM outbox_events WHERE type = 'ASSESSMENT_GRADED' AND payload->>'score' = '40'",
            1,
        ),
        (
            "SELECT count(*) FROM notifications WHERE type = 'ASSESSMENT_GRADED' AND payload->>'score' = '40'",
            1,
        ),
    ] {
        assert_eq!(book.school.count(what).await, count, "{what}");
    }
    let webhooks = book.school.served.client(book.school.institution, Role::ApiClient, None);
    book.school.until("SELECT count(*) FROM outbox_events WHERE seq IS NULL", 0).await;
    let events = webhooks.get("/v1/events?types=ASSESSMENT_GRADED").await.expect(200);
    assert_eq!(events.body["items"][0]["payload"]["studentId"], json!(book.students[0]));
    book.school.close().await;
}

#[tokio::test]
async fn an_automatic_grade_stays_once_the_result_is_final() {
    let book = Book::open(1).await;
    let quiz = book.assessment_with("Quiz", 100, "AUTOMATED", "IMMEDIATE").await;
    let student = book.students[0];
    book.automatic(quiz, student, "39", true).await;
    book.school.admin.post(&book.path("/results:finalize"), json!({})).await.expect(200);
    book.automatic(quiz, student, "99", true).await;
    let grade = only_grade(&book).await;
    assert_eq!((&grade["origin"], &grade["score"]), (&json!("AUTOMATED"), &json!("39")));
    let history = format!("/v1/grades/{}/history?kind=KEPT", super::id(&grade["id"]));
    let kept = book.school.admin.get(&history).await.expect(200).body["items"].clone();
    assert_eq!(kept[0]["reason"], "the result is final");
    book.school.close().await;
}
