//! Whose a gradebook is.

use axum::http::Method;
use serde_json::json;
use service_kit::token::Role;
use uuid::Uuid;

use super::{Book, id, patch};

#[tokio::test]
async fn an_instructor_of_another_class_neither_reads_nor_writes() {
    let book = Book::open(1).await;
    let essay = book.assessment("Essay", 100).await;
    let grade = book.score(essay, book.students[0], "50").await;
    let (own, other) = (book.instructor(true).await, book.instructor(false).await);
    for path in [
        book.path("/gradebook"),
        book.path("/grades"),
        book.path("/grade-stats"),
        book.path("/results"),
        book.path("/grading-categories"),
        format!("/v1/grades/{grade}"),
        format!("/v1/grades/{grade}/history"),
    ] {
        own.get(&path).await.expect(200);
        other.get(&path).await.expect(403);
    }
    let row = json!({"studentId": book.students[0], "assessmentId": essay, "score": "51", "rowVersion": 1});
    let call = json!({"items": [row]});
    other.post(&book.path("/grades:bulk"), call.clone()).await.expect(403);
    patch(&other, grade, 1, json!({"score": "51"})).await.expect(403);
    other.post(&book.path("/results:finalize"), json!({})).await.expect(403);
    other
        .post(&book.path("/grading-categories"), json!({"name": "N", "weight": "1"}))
        .await
        .expect(403);
    let scale =
        json!({"name": "S", "passMark": "40", "bands": [{"label": "A", "fromPercent": "0"}]});
    own.post("/v1/grade-scales", scale.clone()).await.expect(403);
    let mut theirs = scale;
    theirs["classId"] = json!(book.class);
    other.post("/v1/grade-scales", theirs.clone()).await.expect(403);
    own.post("/v1/grade-scales", theirs).await.expect(201);
    let mut sent = json!({"studentId": book.students[0], "assessmentId": essay, "score": "51"});
    sent["source"] = json!("sis");
    sent["externalId"] = json!("1");
    own.post(&book.path("/grades:bulk"), json!({"items": [sent]})).await.expect(403);
    own.post(&book.path("/grades:bulk"), call).await.expect(200);
    assert_eq!(book.grade(grade).await["score"], "51");
    let nowhere = format!("/v1/classes/{}/gradebook", Uuid::now_v7());
    own.get(&nowhere).await.expect(404);
    book.school.close().await;
}

#[tokio::test]
async fn a_student_sees_their_own_part_and_nobody_elses() {
    let book = Book::open(2).await;
    let essay = book.assessment("Essay", 100).await;
    let grade = book.score(essay, book.students[0], "50").await;
    book.score(essay, book.students[1], "60").await;
    let student = book.client_of(book.students[0]).await;
    let mine = student.get(&book.path("/gradebook/mine")).await.expect(200).body;
    assert_eq!(mine["items"].as_array().expect("rows").len(), 1);
    assert_eq!(id(&mine["items"][0]["studentId"]), book.students[0]);
    assert_eq!(mine["items"][0]["totals"]["current"], "50");
    let theirs = book.path(&format!("/gradebook/mine?studentId={}", book.students[1]));
    student.get(&theirs).await.expect(404);
    for path in [book.path("/gradebook"), book.path("/grades"), format!("/v1/grades/{grade}")] {
        student.get(&path).await.expect(403);
    }
    let tag = [("if-match", "\"1\"")];
    let path = format!("/v1/grades/{grade}");
    student.send(Method::PATCH, &path, Some(json!({"score": "99"})), &tag).await.expect(403);
    let outsider = book.school.student("outsider").await;
    let outsider = book.school.as_user(Role::Student, outsider.1);
    outsider.get(&book.path("/gradebook/mine")).await.expect(404);
    book.school.close().await;
}

#[tokio::test]
async fn a_guardian_sees_the_part_of_whom_they_answer_for() {
    let book = Book::open(2).await;
    let essay = book.assessment("Essay", 100).await;
    book.score(essay, book.students[0], "50").await;
    let user = book.school.user("parent", json!([{"role": "GUARDIAN"}])).await;
    let guardian = book.school.as_user(Role::Guardian, user);
    guardian.get(&book.path("/gradebook/mine")).await.expect(403);
    let mut watcher = book.school.shard.connect("postgres").await;
    sqlx::query(
        "INSERT INTO guardian_links (institution_id, id, guardian_id, student_id, relationship)
         VALUES ($1, gen_random_uuid(), $2, $3, 'PARENT')",
    )
    .bind(book.school.institution.as_uuid())
    .bind(user)
    .bind(book.students[0])
    .execute(&mut watcher)
    .await
    .expect("linked");
    let mine = guardian.get(&book.path("/gradebook/mine")).await.expect(200).body;
    assert_eq!(id(&mine["items"][0]["studentId"]), book.students[0]);
    let theirs = book.path(&format!("/gradebook/mine?studentId={}", book.students[1]));
    guardian.get(&theirs).await.expect(404);
    guardian.get(&book.path("/gradebook")).await.expect(403);
    book.school.close().await;
}
