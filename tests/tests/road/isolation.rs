//! S1 and S10: one institution's token on another's ids, for every operation that the document has; and SQL
//! without a tenant, on every table that has an institution.

use std::collections::BTreeMap;

use lxp_tests::{Client, Platform};
use reqwest::Method;
use serde_json::{Map, Value, json};
use sqlx::error::DatabaseError;
use sqlx::{AssertSqlSafe, Connection, Executor, PgConnection};
use uuid::Uuid;

/// Things of the other institution, by the first segment of the path that they live under.
async fn things(other: &Client) -> BTreeMap<&'static str, Uuid> {
    let program =
        other.post("/v1/programs", json!({"code": "P", "name": "P"})).await.expect(201).id();
    let system =
        json!({"type": "QUARTER", "termsPerYear": 4, "weeksPerTerm": 10, "anchor": "09-01"});
    let system = other.post("/v1/term-systems", system).await.expect(201).id();
    let term = json!({"code": "T", "name": "T", "startsOn": "2026-09-01", "endsOn": "2026-12-14"});
    let term = other.post("/v1/terms", term).await.expect(201).id();
    let course =
        other.post("/v1/courses", json!({"code": "C", "title": "C"})).await.expect(201).id();
    let subject = json!({"courseId": course, "code": "LAB", "name": "Lab"});
    let subject = other.post("/v1/subjects", subject).await.expect(201).id();
    let class = json!({"courseId": course, "termId": term, "code": "A", "capacity": 5});
    let class = other.post("/v1/classes", class).await.expect(201).id();
    let student = json!({"studentNo": "1", "givenName": "Marker", "familyName": "Marker"});
    let student = other.post("/v1/students", student).await.expect(201).id();
    let enrollment = json!({"studentId": student});
    let path = format!("/v1/classes/{class}/enrollments");
    let enrollment = other.post(&path, enrollment).await.expect(201).id();
    BTreeMap::from([
        ("programs", program),
        ("term-systems", system),
        ("terms", term),
        ("courses", course),
        ("subjects", subject),
        ("classes", class),
        ("students", student),
        ("enrollments", enrollment),
    ])
}

/// A value that a schema takes.
fn sample(schema: &Value) -> Value {
    if let Some(choices) = schema["enum"].as_array() {
        return choices[0].clone();
    }
    let kind = match &schema["type"] {
        Value::Array(kinds) => kinds[0].clone(),
        kind => kind.clone(),
    };
    match (kind.as_str(), schema["format"].as_str()) {
        (Some("string"), Some("uuid")) => json!(Uuid::now_v7()),
        (Some("string"), Some("date")) => json!("2026-09-01"),
        (Some("string"), _) => json!("x"),
        (Some("integer" | "number"), _) => json!(2026),
        (Some("boolean"), _) => json!(false),
        (Some("array"), _) => json!([{}]),
        _ => json!({}),
    }
}

/// A body with everything that the operation demands.
fn body(operation: &Value) -> Option<Value> {
    let schema = &operation["requestBody"]["content"]["application/json"]["schema"];
    let properties = schema["properties"].as_object()?;
    let required = schema["required"].as_array().into_iter().flatten().filter_map(Value::as_str);
    let members: Map<String, Value> =
        required.map(|name| (name.to_owned(), sample(&properties[name]))).collect();
    Some(Value::Object(members))
}

#[tokio::test]
async fn every_operation_on_anothers_id_is_not_found() {
    let platform = Platform::shared();
    let mine = platform.admin(platform.institution(None).await.id);
    let other = platform.admin(platform.institution(None).await.id);
    let things = things(&other).await;
    let document = mine.get("/openapi.json").await.expect(200).body;
    let (mut asked, mut wrong) = (0, Vec::new());
    for (path, item) in document["paths"].as_object().expect("paths") {
        let Some((front, rest)) = path.split_once('{') else { continue };
        let entity = front.trim_start_matches("/v1/").trim_end_matches('/');
        let id = things.get(entity).unwrap_or_else(|| panic!("{path}: the test makes no {entity}"));
        let path = format!("{front}{id}{}", rest.split_once('}').expect("a brace").1);
        for (method, operation) in item.as_object().expect("operations") {
            let method: Method = method.to_uppercase().parse().expect("a method");
            let answer =
                mine.send(method.clone(), &path, body(operation), &[("if-match", "\"1\"")]).await;
            asked += 1;
            if (answer.status, answer.code()) != (404, "not-found") {
                wrong.push(format!("{method} {path}: {} {}", answer.status, answer.body));
            }
        }
    }
    assert!(asked >= 25, "only {asked} operations have an id in their path");
    assert!(wrong.is_empty(), "{wrong:#?}");
    let kept = other.get(&format!("/v1/enrollments/{}", things["enrollments"])).await.expect(200);
    assert_eq!(kept.body["status"], "ACTIVE", "somebody else changed it");
}

#[tokio::test]
async fn anothers_id_in_a_body_refers_to_nothing() {
    let platform = Platform::shared();
    let mine = platform.admin(platform.institution(None).await.id);
    let other = platform.admin(platform.institution(None).await.id);
    let (theirs, own) = (things(&other).await, things(&mine).await);
    let class =
        json!({"courseId": theirs["courses"], "termId": own["terms"], "code": "B", "capacity": 1});
    mine.post("/v1/classes", class).await.expect(422).code();
    let path = format!("/v1/classes/{}/enrollments", own["classes"]);
    let student = json!({"studentId": theirs["students"]});
    assert_eq!(mine.post(&path, student.clone()).await.expect(422).code(), "unknown-reference");
    let bulk = mine.post(&format!("{path}:bulk"), json!({"items": [student]})).await.expect(200);
    assert_eq!(bulk.body["items"][0]["status"], 422);
}

#[tokio::test]
async fn a_mismatched_institution_header_is_refused() {
    let platform = Platform::shared();
    let mine = platform.admin(platform.institution(None).await.id);
    let other = platform.institution(None).await.id.to_string();
    let answer =
        mine.send(Method::GET, "/v1/programs", None, &[("x-institution-id", &other)]).await;
    assert_eq!((answer.status, answer.code()), (403, "institution-mismatch"));
}

#[tokio::test]
async fn without_a_tenant_the_application_sees_no_row() {
    let platform = Platform::shared();
    things(&platform.admin(platform.institution(Some("shard-a")).await.id)).await;
    let mut owner =
        PgConnection::connect(platform.dsn("shard-a", "adminUrl")).await.expect("a connection");
    let tables: Vec<String> = sqlx::query_scalar(
        "SELECT DISTINCT table_name::text FROM information_schema.columns
         WHERE column_name = 'institution_id' AND table_schema = 'public'",
    )
    .fetch_all(&mut owner)
    .await
    .expect("tables");
    assert!(tables.len() > 15, "only {tables:?}");
    let mut app =
        PgConnection::connect(platform.dsn("shard-a", "appUrl")).await.expect("a connection");
    for table in tables {
        let select = format!("SELECT * FROM {table}");
        let error = app.fetch_all(AssertSqlSafe(select)).await.err();
        let code = error.as_ref().and_then(|e| e.as_database_error()).and_then(DatabaseError::code);
        assert!(matches!(code.as_deref(), Some("42704" | "42501")), "{table}: {error:?}");
    }
}
