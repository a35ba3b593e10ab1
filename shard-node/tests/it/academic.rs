//! Term systems, terms, students and classes through HTTP, against a real Postgres.

use crate::support::school::School;
use axum::http::Method;
use serde_json::{Value, json};
use service_kit::token::Role;
use uuid::Uuid;

fn semesters() -> Value {
    json!({"type": "SEMESTER", "termsPerYear": 2, "weeksPerTerm": 15, "anchor": "09-01"})
}

fn student(number: u32) -> Value {
    json!({
        "studentNo": format!("S-{number}"), "givenName": "Ada", "familyName": "Lovelace",
        "email": "ada@example.edu", "source": "sis", "externalId": number.to_string(), "programId": null,
    })
}

fn class(course: Uuid, term: Uuid, code: &str) -> Value {
    json!({"courseId": course, "termId": term, "code": code, "capacity": 2, "waitlistCapacity": 5})
}

#[tokio::test]
async fn a_years_terms_are_made_once() {
    let school = School::open().await;
    let made = school.admin.post("/v1/term-systems", semesters()).await.expect(201);
    assert_eq!((&made.body["type"], &made.body["breakWeeks"]), (&json!("SEMESTER"), &json!(0)));
    let again = school.admin.post("/v1/term-systems", semesters()).await.expect(409);
    assert_eq!(again.code(), "term-system-exists");

    let path = format!("/v1/term-systems/{}:generate", made.id());
    let terms = school.admin.post(&path, json!({"year": 2026})).await.expect(201);
    assert_eq!(terms.body["items"][0]["code"], "2026-T1");
    assert_eq!(terms.body["items"][0]["startsOn"], "2026-09-01");
    assert_eq!(terms.body["items"][1]["endsOn"], "2027-03-29");
    let same = school.admin.post(&path, json!({"year": 2026})).await.expect(200);
    assert_eq!(same.body, terms.body);

    let second = terms.body["items"][1]["id"].as_str().expect("an id");
    school.delete(&format!("/v1/terms/{second}")).await.expect(204);
    let mended = school.admin.post(&path, json!({"year": 2026})).await.expect(201);
    assert_eq!(mended.body["items"][0], terms.body["items"][0]);
    assert_ne!(mended.body["items"][1]["id"], terms.body["items"][1]["id"]);

    let first = terms.body["items"][0]["id"].as_str().expect("an id");
    school.patch(&format!("/v1/terms/{first}"), json!({"endsOn": "2026-12-13"})).await.expect(200);
    let clash = school.admin.post(&path, json!({"year": 2026})).await.expect(409);
    assert_eq!(clash.code(), "overlap");
    school.delete(&format!("/v1/term-systems/{}", made.id())).await.expect(409);
    school.close().await;
}

#[tokio::test]
async fn what_a_term_system_gets_wrong_is_pointed_at() {
    let school = School::open().await;
    for (member, value, pointer) in [
        ("type", json!("OTHER"), "/type"),
        ("anchor", json!("02-29"), "/anchor"),
        ("weeksPerTerm", json!(27), "/weeksPerTerm"),
        ("termsPerYear", json!(0), "/termsPerYear"),
    ] {
        let mut system = semesters();
        system[member] = value;
        let refused = school.admin.post("/v1/term-systems", system).await.expect(400);
        assert_eq!(refused.body["errors"][0]["pointer"], pointer, "{}", refused.body);
    }
    school.close().await;
}

#[tokio::test]
async fn terms_of_a_system_do_not_overlap_however_many_ask_at_once() {
    let school = School::open().await;
    let system = school.admin.post("/v1/term-systems", semesters()).await.expect(201).id();
    let posts = (0..6).map(|number| {
        let admin = school.admin.clone();
        let term = json!({
            "termSystemId": system, "code": format!("X{number}"), "name": "X",
            "startsOn": "2026-09-01", "endsOn": format!("2026-12-1{number}"),
        });
        async move { admin.post("/v1/terms", term).await }
    });
    let answers = futures::future::join_all(posts).await;
    let mut codes: Vec<_> =
        answers.iter().map(|answer| (answer.status.as_u16(), answer.code())).collect();
    codes.sort_unstable();
    assert_eq!(codes[0].0, 201);
    assert!(codes[1..].iter().all(|code| *code == (409, "overlap")), "{codes:?}");
    school.close().await;
}

#[tokio::test]
async fn a_terms_dates_are_in_order_and_patched_like_them() {
    let school = School::open().await;
    let turned = json!({
        "code": "T", "name": "T", "startsOn": "2026-09-02", "endsOn": "2026-09-01",
        "enrollFrom": "2026-08-02", "enrollUntil": "2026-08-01",
    });
    let refused = school.admin.post("/v1/terms", turned).await.expect(400);
    assert_eq!(refused.body["errors"][0]["pointer"], "/endsOn");
    assert_eq!(refused.body["errors"][1]["pointer"], "/enrollUntil");

    let term = json!({"code": "T", "name": "T", "startsOn": "2026-09-01", "endsOn": "2026-12-01",
        "dropUntil": "2026-09-15"});
    let term = school.admin.post("/v1/terms", term).await.expect(201);
    let path = format!("/v1/terms/{}", term.id());
    school.patch(&path, json!({"withdrawUntil": "2026-09-14"})).await.expect(400);
    let changed =
        school.patch(&path, json!({"dropUntil": null, "name": "Autumn"})).await.expect(200);
    assert_eq!(
        (&changed.body["dropUntil"], &changed.body["name"]),
        (&Value::Null, &json!("Autumn"))
    );
    assert_eq!(changed.headers["etag"], "\"2\"");
    let nobody = school.patch(&path, json!({"termSystemId": Uuid::now_v7()})).await.expect(404);
    assert_eq!(nobody.body["errors"][0]["pointer"], "/termSystemId");
    school.close().await;
}

#[tokio::test]
async fn a_student_is_made_changed_and_deleted_with_its_user() {
    let school = School::open().await;
    let made = school.admin.post("/v1/students", student(1)).await.expect(201);
    let path = format!("/v1/students/{}", made.id());
    assert_eq!((&made.body["standing"], &made.body["rowVersion"]), (&json!("ACTIVE"), &json!(1)));

    let headers = [("if-match", "\"1\"")];
    let king = Some(json!({"familyName": "King"}));
    let renamed = school.admin.send(Method::PATCH, &path, king.clone(), &headers).await.expect(200);
    assert_eq!(
        (&renamed.body["familyName"], &renamed.body["rowVersion"]),
        (&json!("King"), &json!(2))
    );
    school.admin.send(Method::PATCH, &path, king, &headers).await.expect(412);
    let cleared = school.patch(&path, json!({"email": null, "cohortYear": 2026})).await.expect(200);
    assert_eq!((&cleared.body["email"], &cleared.body["cohortYear"]), (&Value::Null, &json!(2026)));
    school.patch(&path, json!({"email": "nowhere"})).await.expect(400);

    let mut same_number = student(1);
    same_number["externalId"] = json!("9");
    let taken = school.admin.post("/v1/students", same_number).await.expect(409);
    assert_eq!(taken.code(), "student-no-taken");
    let mut same_id = student(1);
    same_id["studentNo"] = json!("S-9");
    let taken = school.admin.post("/v1/students", same_id).await.expect(409);
    assert_eq!(taken.code(), "external-id-taken");
    let mut adrift = student(2);
    adrift["programId"] = json!(Uuid::now_v7());
    let unknown = school.admin.post("/v1/students", adrift).await.expect(404);
    assert_eq!(unknown.body["errors"][0]["pointer"], "/programId");

    school.delete(&path).await.expect(204);
    school.admin.get(&path).await.expect(404);
    let users: i64 = sqlx::query_scalar("SELECT count(*) FROM users")
        .fetch_one(&school.shard.pool("postgres", 1))
        .await
        .expect("a count");
    assert_eq!(users, 0);
    school.close().await;
}

#[tokio::test]
async fn a_student_reads_itself_and_nobody_else() {
    let school = School::open().await;
    let made = school.admin.post("/v1/students", student(1)).await.expect(201);
    let user = made.body["userId"].as_str().and_then(|id| id.parse().ok());
    let path = format!("/v1/students/{}", made.id());
    school.served.client(school.institution, Role::Student, user).get(&path).await.expect(200);
    let other = school.served.client(school.institution, Role::Student, None);
    other.get(&path).await.expect(403);
    other.get("/v1/students").await.expect(403);
    let listed = school.admin.get("/v1/students?externalId=1&sort=-familyName").await.expect(200);
    assert_eq!(listed.body["items"][0], made.body);
    school.close().await;
}

#[tokio::test]
async fn a_bulk_call_answers_for_each_row() {
    let school = School::open().await;
    let holder = school.admin.post("/v1/students", student(1)).await.expect(201).id();
    let mut bad = student(3);
    bad["email"] = json!("nowhere");
    let rows = json!({"items": [student(2), student(1), bad, student(2), student(4)]});
    let answer = school.admin.post("/v1/students:bulk", rows).await.expect(200);
    let statuses: Vec<_> = answer.body["items"]
        .as_array()
        .expect("items")
        .iter()
        .map(|row| row["status"].as_u64())
        .collect();
    assert_eq!(statuses, [Some(201), Some(409), Some(400), Some(409), Some(201)]);
    let items = &answer.body["items"];
    assert_eq!(
        (&items[1]["id"], &items[1]["error"]["code"]),
        (&json!(holder), &json!("external-id-taken"))
    );
    assert_eq!(items[2]["error"]["errors"][0]["pointer"], "/items/2/email");
    assert_eq!(items[3]["id"], items[0]["id"]);

    let path = format!("/v1/students/{}", items[4]["id"].as_str().expect("an id"));
    school.admin.get(&path).await.expect(200);
    school.close().await;
}

#[tokio::test]
async fn an_atomic_bulk_call_is_all_or_nothing() {
    let school = School::open().await;
    let refused = json!({"atomic": true, "items": [student(1), student(2), student(1)]});
    let refused = school.admin.post("/v1/students:bulk", refused).await.expect(422);
    assert_eq!(refused.code(), "bulk-refused");
    assert_eq!(refused.body["errors"][0]["pointer"], "/items/2/externalId");
    assert_eq!(school.admin.get("/v1/students").await.body["total"], 0);

    let fine = json!({"atomic": true, "items": (0..1000).map(student).collect::<Vec<_>>()});
    school.admin.post("/v1/students:bulk", fine).await.expect(200);
    assert_eq!(school.admin.get("/v1/students").await.body["total"], 1000);
    let beyond = json!({"items": (0..1001).map(student).collect::<Vec<_>>()});
    school.admin.post("/v1/students:bulk", beyond).await.expect(400);
    school.close().await;
}

#[tokio::test]
async fn two_bulk_calls_with_the_same_students_make_them_once() {
    let school = School::open().await;
    let calls = (0..2).map(|turn| {
        let admin = school.admin.clone();
        let mut rows: Vec<_> = (0..300).map(student).collect();
        if turn == 1 {
            rows.reverse();
        }
        async move { admin.post("/v1/students:bulk", json!({"items": rows})).await.expect(200) }
    });
    let answers = futures::future::join_all(calls).await;
    let statuses =
        answers.iter().flat_map(|answer| answer.body["items"].as_array().expect("items"));
    let made = statuses.filter(|row| row["status"] == 201).count();
    assert_eq!(made, 300);
    assert_eq!(school.admin.get("/v1/students").await.body["total"], 300);
    school.close().await;
}

#[tokio::test]
async fn a_class_takes_title_and_subjects_from_its_course() {
    let school = School::open().await;
    let (course, term) = school.course_and_term().await;
    let made = school.admin.post("/v1/classes", class(course, term, "A")).await.expect(201);
    assert_eq!(
        (&made.body["title"], &made.body["status"]),
        (&json!("Computing"), &json!("ACTIVE"))
    );
    assert_eq!(made.body["seatsTaken"], 0);
    let subjects: i64 =
        sqlx::query_scalar("SELECT count(*) FROM class_subjects WHERE class_id = $1")
            .bind(made.id())
            .fetch_one(&school.shard.pool("postgres", 1))
            .await
            .expect("a count");
    assert_eq!(subjects, 1);
    let taken = school.admin.post("/v1/classes", class(course, term, "A")).await.expect(409);
    assert_eq!(taken.code(), "code-taken");
    let unknown = school.admin.post("/v1/classes", class(course, course, "B")).await.expect(404);
    assert_eq!(unknown.body["errors"][0]["pointer"], "/termId");
    let unknown = school.admin.post("/v1/classes", class(term, term, "B")).await.expect(404);
    assert_eq!(unknown.body["errors"][0]["pointer"], "/courseId");
    school.delete(&format!("/v1/terms/{term}")).await.expect(409);
    let path = format!("/v1/classes/{}", made.id());
    school.admin.send(Method::DELETE, &path, None, &[("if-match", "\"1\"")]).await.expect(204);
    school.close().await;
}

#[tokio::test]
async fn capacity_follows_the_seats_that_are_taken() {
    let school = School::open().await;
    let (course, term) = school.course_and_term().await;
    let id = school.admin.post("/v1/classes", class(course, term, "A")).await.expect(201).id();
    let (path, enrollments) =
        (format!("/v1/classes/{id}"), format!("/v1/classes/{id}/enrollments"));
    for number in 1..=3 {
        let student = school.admin.post("/v1/students", student(number)).await.expect(201).id();
        let enroll = json!({"studentId": student, "onFull": "waitlist"});
        school.admin.post(&enrollments, enroll).await.expect(if number == 3 { 202 } else { 201 });
    }
    school.patch(&path, json!({"capacity": 1})).await.expect(428);
    let version = school.admin.get(&path).await.headers["etag"].to_str().expect("text").to_owned();
    let headers = [("if-match", version.as_str())];
    let below = Some(json!({"capacity": 1}));
    let below = school.admin.send(Method::PATCH, &path, below, &headers).await.expect(409);
    assert_eq!(below.code(), "capacity-below-enrolled");
    let more = Some(json!({"capacity": 5}));
    let more = school.admin.send(Method::PATCH, &path, more, &headers).await.expect(200);
    assert_eq!((&more.body["capacity"], &more.body["seatsTaken"]), (&json!(5), &json!(3)));
    school.admin.send(Method::DELETE, &path, None, &[("if-match", "*")]).await.expect(409);
    school.close().await;
}
