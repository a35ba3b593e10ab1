//! Single hostile inputs whose answer matters beyond its class.

use axum::http::{Method, StatusCode};
use serde_json::{Value, json};
use uuid::Uuid;

use crate::support::school::School;

#[tokio::test]
async fn a_nul_in_one_row_refuses_that_row_and_says_where() {
    let school = School::open().await;
    let row = |number: &str, name: &str| json!({"studentNo": number, "givenName": name, "familyName": "F"});
    let items = json!({"items": [row("1", "Ada"), row("2", "A\0da")]});
    let answer = school.admin.post("/v1/students:bulk", items).await.expect(200);
    assert_eq!(answer.body["items"][0]["status"], 201);
    assert_eq!(answer.body["items"][1]["status"], 400);
    assert_eq!(answer.body["items"][1]["error"]["errors"][0]["pointer"], "/items/1/givenName");
    let alone = school.admin.post("/v1/students", row("3", "\0")).await.expect(400);
    assert_eq!(
        (alone.code(), &alone.body["errors"][0]["pointer"]),
        ("invalid-input", &json!("/givenName"))
    );
    school.close().await;
}

#[tokio::test]
async fn a_bulk_call_has_rows() {
    let school = School::open().await;
    let class = school.class(1, 0).await;
    for path in ["/v1/students:bulk".to_owned(), format!("/v1/classes/{class}/enrollments:bulk")] {
        let empty = school.admin.post(&path, json!({"items": []})).await.expect(400);
        assert_eq!(empty.body["errors"][0]["pointer"], "/items");
    }
    school.close().await;
}

#[tokio::test]
async fn a_filter_is_read_as_the_database_reads_it() {
    let school = School::open().await;
    let student = school.students(1).await[0];
    let found = school.admin.get(&format!("/v1/students?id=urn:uuid:{student}")).await.expect(200);
    assert_eq!(found.body["total"], 1);
    school.admin.get("/v1/term-systems?termsPerYear=%2B2").await.expect(200);
    school.admin.get("/v1/term-systems?sort=id,-id").await.expect(400);
    // A cursor of years that no database has: hex of ["+99999-01-01T00:00:00Z","0000...7"].
    let values = json!(["+99999-01-01T00:00:00Z", Uuid::from_u128(7)]).to_string();
    let cursor = values.bytes().fold(String::new(), |hex, byte| hex + &format!("{byte:02x}"));
    school.admin.get(&format!("/v1/students?cursor={cursor}")).await.expect(400);
    school.close().await;
}

#[tokio::test]
async fn an_error_points_at_what_is_wrong() {
    let school = School::open().await;
    let pointers = |body: &Value| -> Vec<String> {
        let errors = body["errors"].as_array().expect("errors").iter();
        errors.map(|error| error["pointer"].as_str().expect("a pointer").to_owned()).collect()
    };
    let id = Uuid::from_u128(7);
    for (path, at) in [
        ("/v1/programs?sort=nope".to_owned(), "/sort"),
        ("/v1/programs?nope=1".to_owned(), "/nope"),
        ("/v1/programs?status=NOPE".to_owned(), "/status"),
        ("/v1/terms?startsOn=-0001-01-01".to_owned(), "/startsOn"),
        (format!("/v1/classes/{id}/enrollments?limit=0"), "/limit"),
        ("/v1/classes/7/enrollments".to_owned(), "/classId"),
    ] {
        let refused = school.admin.get(&path).await.expect(400);
        assert_eq!(pointers(&refused.body), [at], "{path}");
    }
    let allowed =
        school.admin.get("/v1/programs?status=NOPE").await.body["errors"][0]["detail"].clone();
    assert!(allowed.as_str().expect("a sentence").contains("DRAFT, ACTIVE, ARCHIVED"), "{allowed}");
    let item = json!({"course": "C", "year": "one", "term": 1});
    let template = json!({"code": "T", "version": 1, "years": 3, "items": [item]});
    let program = json!({"code": "P", "name": "P", "curriculumTemplate": template});
    let refused = school.admin.post("/v1/programs", program).await.expect(400);
    assert_eq!(pointers(&refused.body), ["/curriculumTemplate/items/0/year"]);
    let row = |number: &str, email: &str| json!({"studentNo": number, "givenName": "G", "familyName": "F", "email": email});
    let items =
        json!({"atomic": true, "items": [row("1", "a@example.edu"), row("2", "no address")]});
    let refused = school.admin.post("/v1/students:bulk", items).await.expect(422);
    assert_eq!(pointers(&refused.body), ["/items/1/email"]);
    school.close().await;
}

#[tokio::test]
async fn a_head_is_answered_as_a_get_without_its_body() {
    let school = School::open().await;
    let mut head = school.admin.send(Method::HEAD, "/v1/programs", None, &[]).await;
    // No body says that the node is overloaded.
    for _ in 0..20 {
        if head.status != StatusCode::SERVICE_UNAVAILABLE {
            break;
        }
        head = school.admin.send(Method::HEAD, "/v1/programs", None, &[]).await;
    }
    let head = head.expect(200);
    assert_eq!(head.headers["content-type"], "application/json");
    assert_eq!(head.body, Value::Null);
    school.close().await;
}
