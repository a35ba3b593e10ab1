//! Terms of several systems, and the dates that the API takes, against a real Postgres.

use axum::http::Method;
use serde_json::{Value, json};

use crate::support::api::Answer;
use crate::support::school::School;

/// Dates that chrono reads and no institution means; Postgres and chrono part ways on some of them.
const FAR: [&str; 7] = [
    "-200000-01-01",
    "-0001-01-01",
    "0000-01-01",
    "1899-12-31",
    "2301-01-01",
    "+20266-09-01",
    "+262142-12-31",
];

#[track_caller]
fn points_at(answer: Answer, pointer: &str) {
    let answer = answer.expect(400);
    assert_eq!(answer.body["errors"][0]["pointer"], pointer, "{}", answer.body);
}

#[tokio::test]
async fn each_system_has_terms_of_its_own_codes() {
    let school = School::open().await;
    for (kind, terms, weeks) in [("SEMESTER", 2, 15), ("QUARTER", 4, 10)] {
        let system =
            json!({"type": kind, "termsPerYear": terms, "weeksPerTerm": weeks, "anchor": "09-01"});
        let system = school.admin.post("/v1/term-systems", system).await.expect(201).id();
        let path = format!("/v1/term-systems/{system}:generate");
        let made = school.admin.post(&path, json!({"year": 2026})).await.expect(201);
        assert_eq!(made.body["items"].as_array().expect("terms").len(), terms);
        let again = school.admin.post(&path, json!({"year": 2026})).await.expect(200);
        assert_eq!(again.body, made.body);
        let same = json!({"termSystemId": system, "code": "2026-T1", "name": "x",
            "startsOn": "2030-01-01", "endsOn": "2030-02-01"});
        assert_eq!(school.admin.post("/v1/terms", same).await.expect(409).code(), "code-taken");
    }
    let alone =
        json!({"code": "2026-T1", "name": "x", "startsOn": "2026-09-01", "endsOn": "2026-12-01"});
    school.admin.post("/v1/terms", alone.clone()).await.expect(201);
    assert_eq!(school.admin.post("/v1/terms", alone).await.expect(409).code(), "code-taken");
    school.close().await;
}

#[tokio::test]
async fn a_date_of_no_likely_year_is_refused_wherever_it_stands() {
    let school = School::open().await;
    let (class, students) = (school.class(2, 0).await, school.students(1).await);
    let enrollments = format!("/v1/classes/{class}/enrollments");
    let made = school.admin.post(&enrollments, json!({"studentId": students[0]})).await.expect(201);
    let term = json!({"code": "T", "name": "T", "startsOn": "2026-09-01", "endsOn": "2026-12-01"});
    let path = format!(
        "/v1/terms/{}",
        school.admin.post("/v1/terms", term.clone()).await.expect(201).id()
    );
    for far in FAR {
        let dated = json!({"studentId": students[0], "effectiveDate": far});
        points_at(school.admin.post(&enrollments, dated.clone()).await, "/effectiveDate");
        let bulk = json!({"items": [dated]});
        let bulk = school.admin.post(&format!("{enrollments}:bulk"), bulk).await.expect(200);
        assert_eq!(bulk.body["items"][0]["status"], 400, "{}", bulk.body);
        let drop = format!("/v1/enrollments/{}:drop", made.id());
        points_at(school.admin.post(&drop, json!({"effectiveDate": far})).await, "/effectiveDate");
        for member in
            ["startsOn", "endsOn", "enrollFrom", "enrollUntil", "dropUntil", "withdrawUntil"]
        {
            let mut new = term.clone();
            new[member] = json!(far);
            points_at(school.admin.post("/v1/terms", new).await, &format!("/{member}"));
            let change: Value = json!({member: far});
            let patched = school.admin.send(Method::PATCH, &path, Some(change), &[]).await;
            points_at(patched, &format!("/{member}"));
        }
    }
    let first = json!({"code": "F", "name": "F", "startsOn": "1900-01-01", "endsOn": "2300-12-31"});
    school.admin.post("/v1/terms", first).await.expect(201);
    school.admin.get("/v1/terms?sort=startsOn&limit=1").await.expect(200);
    school.close().await;
}
