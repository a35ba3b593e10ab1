//! Many grades in one call.

use axum::http::Method;
use serde_json::{Value, json};
use service_kit::token::Role;
use uuid::Uuid;

use super::{Book, codes, id, statuses};

const GRADES: &str = "SELECT count(*) FROM grades";
const EVENTS: &str = "SELECT count(*) FROM outbox_events WHERE type = 'ASSESSMENT_GRADED'";
const HISTORY: &str = "SELECT count(*) FROM grade_events";

#[tokio::test]
async fn rows_stand_for_themselves_and_a_stale_one_loses_nothing() {
    let book = Book::open(4).await;
    let (essay, draft) = (book.assessment("Essay", 100).await, book.assessment("Draft", 10).await);
    book.alter("UPDATE assessments SET status = 'DRAFT', published_at = NULL WHERE id = $1", draft)
        .await;
    let s = &book.students;
    let stranger = book.school.student("stranger").await.0;
    book.score(essay, s[0], "50").await;
    book.score(essay, s[1], "50").await;
    let row = |student: Uuid, score: &str| json!({"studentId": student, "assessmentId": essay, "score": score});
    let mut stale = row(s[0], "60");
    stale["rowVersion"] = json!(7);
    let mut fresh = row(s[1], "70");
    fresh["rowVersion"] = json!(1);
    let in_draft = json!({"studentId": s[2], "assessmentId": draft, "score": "1"});
    let elsewhere = json!({"studentId": s[2], "assessmentId": Uuid::now_v7(), "score": "1"});
    let answer = book
        .give(json!([
            stale, fresh, row(s[2], "80"), row(s[2], "81"), row(stranger, "1"), row(Uuid::now_v7(), "1"),
            in_draft, elsewhere, row(s[3], "100.1"), {"studentId": s[3]},
        ]))
        .await
        .expect(200);
    assert_eq!(statuses(&answer), [412, 200, 201, 409, 422, 404, 409, 404, 400, 400]);
    let expected = [
        "version-mismatch",
        "",
        "",
        "grade-repeated",
        "not-enrolled",
        "not-found",
        "assessment-draft",
        "not-found",
        "invalid-input",
        "invalid-input",
    ];
    assert_eq!(codes(&answer), expected);
    assert_eq!(answer.body["items"][1]["rowVersion"], 2);
    let listed = book.school.admin.get(&book.path("/grades?sort=createdAt")).await.expect(200);
    let scores: Vec<&Value> = listed.body["items"]
        .as_array()
        .expect("items")
        .iter()
        .map(|grade| &grade["score"])
        .collect();
    assert_eq!(scores, ["50", "70", "80"]);
    assert_eq!(book.school.count(HISTORY).await, 4);
    book.school.close().await;
}

#[tokio::test]
async fn one_refused_row_refuses_an_atomic_call_whole() {
    let book = Book::open(2).await;
    let essay = book.assessment("Essay", 100).await;
    let row = |student: Uuid, score: &str| json!({"studentId": student, "assessmentId": essay, "score": score});
    let items = json!([row(book.students[0], "10"), row(book.students[1], "101")]);
    let call = json!({"atomic": true, "items": items});
    let refused = book.school.admin.post(&book.path("/grades:bulk"), call).await.expect(422);
    assert_eq!(refused.code(), "bulk-refused");
    assert_eq!(refused.body["errors"][0]["pointer"], "/items/1/score");
    assert_eq!((book.school.count(GRADES).await, book.school.count(EVENTS).await), (0, 0));
    book.school.close().await;
}

#[tokio::test]
async fn what_another_system_sends_again_changes_nothing_and_it_sends_until_somebody_changes_it() {
    let book = Book::open(2).await;
    let quiz = book.assessment_with("Quiz", 100, "AUTOMATED", "IMMEDIATE").await;
    let client = book.school.served.client(book.school.institution, Role::ApiClient, None);
    let row = |student: usize, score: Option<&str>| {
        json!({"studentId": book.students[student], "assessmentId": quiz, "score": score,
            "submittedAt": "2026-03-02T12:00:00Z", "source": "sis", "externalId": format!("q/{student}")})
    };
    let send = async |items: Value| {
        client
            .post(&book.path("/grades:bulk"), json!({"items": items, "notify": false}))
            .await
            .expect(200)
    };
    let first = send(json!([row(0, Some("80")), row(1, None)])).await;
    assert_eq!(statuses(&first), [201, 201]);
    let again = send(json!([row(0, Some("80")), row(1, None)])).await;
    assert_eq!(statuses(&again), [200, 200]);
    assert_eq!(
        again.body["items"],
        first.body["items"]
            .clone()
            .as_array_mut()
            .map(|rows| {
                for row in rows.iter_mut() {
                    row["status"] = json!(200);
                }
                json!(rows)
            })
            .expect("rows")
    );
    assert_eq!(book.school.count(HISTORY).await, 2);
    let other = send(json!([row(0, Some("85")), row(1, Some("40"))])).await;
    assert_eq!(statuses(&other), [200, 200]);
    let grade = id(&other.body["items"][0]["id"]);
    let shown = book.grade(grade).await;
    assert_eq!((&shown["origin"], &shown["externalId"]), (&json!("AUTOMATED"), &json!("q/0")));
    super::patch(&book.school.admin, grade, 2, json!({"score": "90"})).await.expect(200);
    let late = send(json!([row(0, Some("86"))])).await;
    assert_eq!((statuses(&late), codes(&late)), (vec![409], vec!["grade-manual"]));
    assert_eq!(book.grade(grade).await["score"], "90");
    let taken = json!({"studentId": book.students[0], "assessmentId": quiz, "score": "1",
        "source": "sis", "externalId": "q/1"});
    let taken = send(json!([taken])).await;
    assert_eq!(codes(&taken), ["external-id-taken"]);
    assert_eq!(taken.body["items"][0]["id"], other.body["items"][1]["id"]);
    // Nobody was told: that was asked for.
    book.school.until_idle().await;
    let told = "SELECT count(*) FROM notifications WHERE type = 'ASSESSMENT_GRADED'";
    assert_eq!(book.school.count(told).await, 1);
    book.school.close().await;
}

#[tokio::test]
async fn lateness_costs_by_the_policy_and_by_the_students_own_date() {
    let book = Book::open(2).await;
    let essay = book.assessment("Essay", 100).await;
    let policy = json!({"classId": book.class, "name": "10% a day", "ratePercent": "10", "interval": "DAY",
        "floorPercent": "40"});
    let policy = book.school.admin.post("/v1/late-policies", policy).await.expect(201).id();
    let mut watcher = book.school.shard.connect("postgres").await;
    sqlx::query(
        "UPDATE assessments SET late_policy_id = $1, due_at = '2026-03-02T12:00:00Z' WHERE id = $2",
    )
    .bind(policy)
    .bind(essay)
    .execute(&mut watcher)
    .await
    .expect("a policy");
    sqlx::query(
        "INSERT INTO assessment_overrides (institution_id, id, assessment_id, student_id, due_at)
         VALUES ($1, gen_random_uuid(), $2, $3, '2026-03-03T12:30:00Z')",
    )
    .bind(book.school.institution.as_uuid())
    .bind(essay)
    .bind(book.students[1])
    .execute(&mut watcher)
    .await
    .expect("an override");
    // 25 hours: two days have begun; of the other student one, half an hour old.
    let row = |student: usize| {
        json!({"studentId": book.students[student], "assessmentId": essay, "score": "85",
        "submittedAt": "2026-03-03T13:00:00Z"})
    };
    let answer = book.give(json!([row(0), row(1)])).await.expect(200);
    let graded = async |at: usize| book.grade(id(&answer.body["items"][at]["id"])).await;
    let (first, second) = (graded(0).await, graded(1).await);
    assert_eq!((&first["score"], &first["lateDeduction"]), (&json!("65"), &json!("20")));
    assert_eq!((&second["score"], &second["lateDeduction"]), (&json!("75"), &json!("10")));
    // Another score of the same work is as late; unless somebody says what that costs.
    let grade = |at: usize| id(&answer.body["items"][at]["id"]);
    let other = super::patch(&book.school.admin, grade(0), 1, json!({"score": "90"})).await;
    let other = other.expect(200).body;
    assert_eq!((&other["score"], &other["lateDeduction"]), (&json!("70"), &json!("20")));
    let row = json!({"studentId": book.students[1], "assessmentId": essay, "score": "95", "rowVersion": 1});
    book.give(json!([row])).await.expect(200);
    let other = graded(1).await;
    assert_eq!((&other["score"], &other["lateDeduction"]), (&json!("85"), &json!("10")));
    let forgiven = json!({"score": "90", "lateDeduction": "0"});
    let forgiven = super::patch(&book.school.admin, grade(0), 2, forgiven).await.expect(200).body;
    assert_eq!((&forgiven["score"], &forgiven["lateDeduction"]), (&json!("90"), &json!("0")));
    let in_use = book.school.delete(&format!("/v1/late-policies/{policy}")).await.expect(409);
    assert_eq!(in_use.code(), "in-use");
    book.school.close().await;
}

#[tokio::test]
async fn a_day_late_is_one_of_the_classs_clock() {
    let book = Book::open(1).await;
    let berlin = Some(json!({"timezone": "Europe/Berlin"}));
    let any = [("if-match", "*")];
    book.school.admin.send(Method::PATCH, &book.path(""), berlin, &any).await.expect(200);
    let essay = book.assessment("Essay", 100).await;
    let policy = json!({"name": "10% a day", "ratePercent": "10", "interval": "DAY"});
    book.school.admin.post("/v1/late-policies", policy).await.expect(201);
    book.alter(
        "UPDATE assessments SET late_policy_id = (SELECT id FROM late_policies), due_at = '2026-03-28T11:00:00Z'
         WHERE id = $1",
        essay,
    )
    .await;
    // 23 and a half hours later, of a day that had 23: a second one has begun.
    let row = json!({"studentId": book.students[0], "assessmentId": essay, "score": "85",
        "submittedAt": "2026-03-29T10:30:00Z"});
    let answer = book.give(json!([row])).await.expect(200);
    let grade = book.grade(id(&answer.body["items"][0]["id"])).await;
    assert_eq!((&grade["score"], &grade["lateDeduction"]), (&json!("65"), &json!("20")));
    book.school.close().await;
}
