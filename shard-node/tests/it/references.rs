//! Ids in bodies and filters that lead nowhere, and the two halves of an external id, against a real Postgres.

use serde_json::json;
use uuid::Uuid;

use crate::support::school::School;

#[tokio::test]
async fn a_filter_by_what_is_not_there_is_not_found() {
    let school = School::open().await;
    let (course, term) = school.course_and_term().await;
    let student = school.students(1).await[0];
    for (there, filter) in [
        (course, "classes?courseId"),
        (term, "classes?termId"),
        (course, "courses?id"),
        (student, "enrollments?studentId"),
        (student, "enrollments?count=none&studentId"),
    ] {
        school.admin.get(&format!("/v1/{filter}={there}")).await.expect(200);
        let nowhere = format!("/v1/{filter}={}", Uuid::now_v7());
        let nowhere = school.admin.get(&nowhere).await.expect(404);
        let name = filter.rsplit(['?', '&']).next().expect("a name");
        assert_eq!(nowhere.code(), "not-found");
        assert_eq!(nowhere.body["errors"][0]["pointer"], format!("/{name}"));
    }
    let none = school.admin.get(&format!("/v1/classes?courseId={course}")).await.expect(200);
    assert_eq!(none.body["total"], 0, "a course without classes is there");
    school.close().await;
}

#[tokio::test]
async fn source_and_external_id_come_together_or_not_at_all() {
    let school = School::open().await;
    let (course, term) = school.course_and_term().await;
    let student = json!({"studentNo": "1", "givenName": "G", "familyName": "F"});
    let class = json!({"courseId": course, "termId": term, "code": "A", "capacity": 1});
    for (path, body) in [
        ("/v1/programs", json!({"code": "P", "name": "P"})),
        ("/v1/courses", json!({"code": "C", "title": "C"})),
        (
            "/v1/terms",
            json!({"code": "T", "name": "T", "startsOn": "2026-09-01", "endsOn": "2026-09-02"}),
        ),
        ("/v1/classes", class),
        ("/v1/students", student.clone()),
    ] {
        for (given, missing) in [("source", "/externalId"), ("externalId", "/source")] {
            let mut half = body.clone();
            half[given] = json!("x");
            let refused = school.admin.post(path, half).await.expect(400);
            assert_eq!(refused.body["errors"][0]["pointer"], missing, "{path}");
        }
        let mut both = body.clone();
        (both["source"], both["externalId"]) = (json!("sis"), json!("1"));
        school.admin.post(path, both.clone()).await.expect(201);
        for unique in ["code", "studentNo"] {
            if both.get(unique).is_some() {
                both[unique] = json!("other");
            }
        }
        let taken = school.admin.post(path, both).await.expect(409);
        assert_eq!(taken.code(), "external-id-taken", "{path}");
    }
    let mut half = student;
    half["source"] = json!("sis");
    let bulk = school.admin.post("/v1/students:bulk", json!({"items": [half]})).await.expect(200);
    assert_eq!(bulk.body["items"][0]["error"]["errors"][0]["pointer"], "/items/0/externalId");
    school.close().await;
}
