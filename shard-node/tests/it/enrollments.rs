//! Enrolments through HTTP, against a real Postgres.

use axum::http::Method;
use futures::future::join_all;
use serde_json::{Value, json};
use service_kit::token::Role;
use uuid::Uuid;

use crate::support::api::Answer;
use crate::support::school::{HELD, School, TAKEN};

#[tokio::test]
async fn a_full_class_refuses_or_lets_wait_as_asked() {
    let school = School::open().await;
    let (class, students) = (school.class(1, 1).await, school.students(3).await);
    let made = school.enroll(class, students[0], "reject").await.expect(201);
    assert_eq!(made.headers["location"], format!("/v1/enrollments/{}", made.id()));
    assert_eq!(school.enroll(class, students[1], "reject").await.expect(409).code(), "class-full");
    let waits = school.enroll(class, students[1], "waitlist").await.expect(202);
    assert_eq!(
        (&waits.body["status"], &waits.body["waitlistPosition"]),
        (&json!("WAITLISTED"), &json!(1))
    );
    let full = school.enroll(class, students[2], "waitlist").await.expect(409);
    assert!(full.body["detail"].as_str().expect("a detail").contains("waitlist"));
    let again = school.enroll(class, students[0], "reject").await.expect(200);
    assert_eq!(again.id(), made.id());
    let nobody = school.enroll(class, Uuid::now_v7(), "reject").await.expect(404);
    assert_eq!(nobody.body["errors"][0]["pointer"], "/studentId");
    school.enroll(Uuid::now_v7(), students[0], "reject").await.expect(404);
    school.close().await;
}

#[tokio::test]
async fn a_freed_seat_goes_to_the_first_who_waits() {
    let school = School::open().await;
    let (class, students) = (school.class(1, 5).await, school.students(3).await);
    let first = school.enroll(class, students[0], "reject").await.id();
    let second = school.enroll(class, students[1], "waitlist").await.id();
    let third = school.enroll(class, students[2], "waitlist").await.id();

    school.act(first, "drop", json!({})).await.expect(200);
    assert_eq!(school.status(second).await, "ACTIVE");
    let waits = school.admin.get(&format!("/v1/enrollments/{third}")).await.expect(200);
    assert_eq!(waits.body["waitlistPosition"], 1);
    assert_eq!(school.count(TAKEN).await, 1);
    assert_eq!(
        school.count("SELECT count(*) FROM outbox_events WHERE type = 'STUDENT_ENROLLED'").await,
        2
    );

    let path = format!("/v1/classes/{class}");
    let version = school.admin.get(&path).await.expect(200).headers["etag"].clone();
    let version = version.to_str().expect("an etag");
    let raise = Some(json!({"capacity": 2}));
    school.admin.send(Method::PATCH, &path, raise, &[("if-match", version)]).await.expect(200);
    assert_eq!(school.status(third).await, "ACTIVE");
    assert_eq!((school.count(TAKEN).await, school.count(HELD).await), (2, 2));
    assert_eq!(school.count("SELECT count(*) FROM progress_tracking").await, 3);
    school.close().await;
}

#[tokio::test]
async fn a_class_that_takes_nobody_promotes_nobody_until_it_opens_again() {
    let school = School::open().await;
    let (class, students) = (school.class(1, 5).await, school.students(2).await);
    let first = school.enroll(class, students[0], "reject").await.id();
    let second = school.enroll(class, students[1], "waitlist").await.id();
    let change = async |body: Value| {
        let path = format!("/v1/classes/{class}");
        school.admin.send(Method::PATCH, &path, Some(body), &[("if-match", "*")]).await.expect(200)
    };
    for (closed, capacity) in [("CANCELLED", 2), ("COMPLETED", 3)] {
        change(json!({"status": closed})).await;
        change(json!({"capacity": capacity})).await;
        assert_eq!(school.status(second).await, "WAITLISTED", "more seats of a {closed} class");
    }
    school.act(first, "drop", json!({})).await.expect(200);
    assert_eq!(school.status(second).await, "WAITLISTED", "a freed seat of a class that is over");
    change(json!({"status": "ACTIVE"})).await;
    assert_eq!(school.status(second).await, "ACTIVE");
    assert_eq!((school.count(TAKEN).await, school.count(HELD).await), (1, 1));
    school.close().await;
}

/// Attendance and reports go by the day: who waited was not there.
#[tokio::test]
async fn who_gets_in_from_the_waitlist_is_in_the_class_from_then_on() {
    let school = School::open().await;
    let (class, students) = (school.class(1, 5).await, school.students(3).await);
    let path = format!("/v1/classes/{class}/enrollments");
    let enrol = async |student: Uuid, day: &str| {
        let body = json!({"studentId": student, "onFull": "waitlist", "effectiveDate": day});
        school.admin.post(&path, body).await.id()
    };
    let first = enrol(students[0], "2026-09-01").await;
    let waits = enrol(students[1], "2026-09-02").await;
    // Who is to begin later begins then.
    let later = enrol(students[2], "2036-01-01").await;
    let since = async |enrollment: Uuid| {
        let path = format!("/v1/enrollments/{enrollment}");
        school.admin.get(&path).await.expect(200).body["enrolledOn"].clone()
    };
    assert_eq!(since(waits).await, "2026-09-02", "it waits since then");
    school.act(first, "drop", json!({})).await.expect(200);
    assert_eq!(
        (school.status(waits).await, since(first).await),
        (json!("ACTIVE"), json!("2026-09-01"))
    );
    let today = "SELECT (enrolled_on = (now() AT TIME ZONE 'Europe/London')::date)::int::bigint
        FROM enrollments WHERE status = 'ACTIVE'";
    assert_eq!(school.count(today).await, 1, "{}", since(waits).await);
    let day = json!({"date": "2026-09-15"});
    let sessions = format!("/v1/classes/{class}/attendance-sessions");
    let session = school.admin.post(&sessions, day).await.expect(201).id();
    let mark = json!({"items": [{"studentId": students[1], "code": "ABSENT"}]});
    let records = format!("/v1/attendance-sessions/{session}/records:bulk");
    let marked = school.admin.post(&records, mark).await.expect(200);
    assert_eq!(marked.body["items"][0]["error"]["code"], "not-enrolled", "{}", marked.body);
    school.act(waits, "suspend", json!({})).await.expect(200);
    school.act(waits, "resume", json!({})).await.expect(200);
    school.act(waits, "drop", json!({})).await.expect(200);
    assert_eq!(
        (school.status(later).await, since(later).await),
        (json!("ACTIVE"), json!("2036-01-01"))
    );
    school.close().await;
}

#[tokio::test]
async fn states_go_only_where_they_may() {
    let school = School::open().await;
    let (class, students) = (school.class(2, 0).await, school.students(1).await);
    let id = school.enroll(class, students[0], "reject").await.id();
    school.act(id, "suspend", json!({})).await.expect(200);
    assert_eq!(school.count(TAKEN).await, 1, "a suspended student keeps the seat");
    let refused = school.act(id, "drop", json!({})).await.expect(409);
    assert_eq!(refused.code(), "illegal-transition");
    assert_eq!(
        (&refused.body["from"], &refused.body["allowed"]),
        (&json!("SUSPENDED"), &json!(["ACTIVE"]))
    );
    school.act(id, "resume", json!({})).await.expect(200);
    let left = school
        .act(id, "withdraw", json!({"effectiveDate": "2026-10-01", "reason": "moved"}))
        .await
        .expect(200);
    assert_eq!(
        (&left.body["status"], &left.body["endedOn"]),
        (&json!("WITHDRAWN"), &json!("2026-10-01"))
    );
    assert_eq!((school.count(TAKEN).await, school.count(HELD).await), (0, 0));
    let events: Vec<String> =
        sqlx::query_scalar("SELECT to_status FROM enrollment_events ORDER BY id")
            .fetch_all(&school.shard.pool("postgres", 1))
            .await
            .expect("events");
    assert_eq!(events, ["ACTIVE", "SUSPENDED", "ACTIVE", "WITHDRAWN"]);
    school.close().await;
}

#[tokio::test]
async fn a_student_enrols_and_reads_nobody_else() {
    let school = School::open().await;
    let (class, students) = (school.class(5, 0).await, school.students(2).await);
    let path = format!("/v1/students/{}", students[0]);
    let user = school.admin.get(&path).await.expect(200).body["userId"].clone();
    let user: Uuid = user.as_str().and_then(|id| id.parse().ok()).expect("a user id");
    let student = school.served.client(school.institution, Role::Student, Some(user));
    let path = format!("/v1/classes/{class}/enrollments");
    let own = student.post(&path, json!({"studentId": students[0]})).await.expect(201).id();
    student.post(&path, json!({"studentId": students[1]})).await.expect(403);
    let dated = json!({"studentId": students[0], "effectiveDate": "2020-01-01"});
    student.post(&path, dated).await.expect(403);
    let other = school.enroll(class, students[1], "reject").await.id();
    student.get(&format!("/v1/enrollments/{own}")).await.expect(200);
    student.get(&format!("/v1/enrollments/{other}")).await.expect(403);
    student.post(&format!("/v1/enrollments/{other}:drop"), json!({})).await.expect(403);
    assert_eq!(student.get("/v1/enrollments").await.expect(200).body["total"], 1);
    let progress = student.get(&format!("/v1/enrollments/{own}/progress")).await.expect(200);
    assert_eq!(progress.body["items"][0]["subjectCode"], "MAIN");
    school.close().await;
}

#[tokio::test]
async fn the_window_and_the_deadlines_hold() {
    let school = School::open().await;
    let (class, students) = (school.class(5, 0).await, school.students(1).await);
    let class_row = school.admin.get(&format!("/v1/classes/{class}")).await.expect(200);
    let term = format!("/v1/terms/{}", class_row.body["termId"].as_str().expect("a term"));
    let dates = json!({"enrollFrom": "2020-01-01", "enrollUntil": "2020-02-01",
        "dropUntil": "2026-09-20", "withdrawUntil": "2026-12-01"});
    school.admin.send(Method::PATCH, &term, Some(dates), &[]).await.expect(200);
    let user =
        school.admin.get(&format!("/v1/students/{}", students[0])).await.body["userId"].clone();
    let user = user.as_str().and_then(|id| id.parse().ok());
    let student = school.served.client(school.institution, Role::Student, user);
    let path = format!("/v1/classes/{class}/enrollments");
    let closed = student.post(&path, json!({"studentId": students[0]})).await.expect(403);
    assert_eq!(closed.code(), "window-closed");
    let id = school.enroll(class, students[0], "reject").await.expect(201).id();
    let again = student.post(&path, json!({"studentId": students[0]})).await.expect(200);
    assert_eq!(again.id(), id, "who is in already is told so, window or not");
    let late = school.act(id, "drop", json!({"effectiveDate": "2026-09-21"})).await.expect(409);
    assert_eq!(late.code(), "drop-deadline-passed");
    let early =
        school.act(id, "withdraw", json!({"effectiveDate": "2026-09-20"})).await.expect(409);
    assert_eq!(early.code(), "drop-deadline-ahead");
    school.act(id, "drop", json!({"effectiveDate": "2026-09-20"})).await.expect(200);
    school.close().await;
}

#[tokio::test]
async fn bulk_rows_stand_for_themselves_and_repeat_without_doubling() {
    let school = School::open().await;
    let (class, students) = (school.class(2, 1).await, school.students(4).await);
    let row = |index: usize| {
        json!({"studentId": students[index], "onFull": "waitlist", "effectiveDate": "2026-09-01",
               "source": "sis", "externalId": format!("e{index}")})
    };
    let mut items: Vec<Value> = (0..4).map(row).collect();
    items.push(json!({"studentId": Uuid::now_v7()}));
    items.push(json!({"student": 1}));
    let path = format!("/v1/classes/{class}/enrollments:bulk");
    let statuses = |answer: &Answer| -> Vec<i64> {
        let rows = answer.body["items"].as_array().expect("rows").iter();
        rows.map(|row| row["status"].as_i64().expect("a status")).collect()
    };
    let first = school.admin.post(&path, json!({"items": items.clone()})).await.expect(200);
    assert_eq!(statuses(&first), [201, 201, 202, 409, 404, 400]);
    assert_eq!(first.body["items"][2]["enrollmentStatus"], "WAITLISTED");
    assert_eq!(first.body["items"][5]["error"]["errors"][0]["pointer"], "/items/5/student");
    let again = school.admin.post(&path, json!({"items": items.clone()})).await.expect(200);
    assert_eq!(statuses(&again), [200, 200, 200, 409, 404, 400]);

    let id: Uuid =
        first.body["items"][0]["id"].as_str().and_then(|id| id.parse().ok()).expect("an id");
    school.act(id, "drop", json!({})).await.expect(200);
    let after = school.admin.post(&path, json!({"items": [row(0)]})).await.expect(200);
    assert_eq!(
        after.body["items"][0]["enrollmentStatus"], "DROPPED",
        "a known external id enrols nobody again"
    );
    let atomic =
        school.admin.post(&path, json!({"atomic": true, "items": items})).await.expect(422);
    assert_eq!(atomic.code(), "bulk-refused");
    assert_eq!((school.count(TAKEN).await, school.count(HELD).await), (2, 2));
    school.close().await;
}

/// Enrol, drop and promote at once, on one class: the order of locks (class before enrolment) is what keeps
/// them from deadlocking, and the counter equals the seats at the end.
#[tokio::test]
async fn seats_stay_true_under_enrol_drop_and_promote() {
    let school = School::open().await;
    let (class, students) = (school.class(10, 100).await, school.students(40).await);
    let work = students.iter().map(|student| async {
        let made = school.enroll(class, *student, "waitlist").await;
        assert!(matches!(made.status.as_u16(), 201 | 202), "{made:?}");
        if made.body["status"] == "ACTIVE" && student.as_u128() % 2 == 0 {
            school.act(made.id(), "drop", json!({})).await.expect(200);
        }
    });
    join_all(work).await;
    assert_eq!(school.count(TAKEN).await, school.count(HELD).await);
    assert!(school.count(HELD).await <= 10);
    let idle_seat = school.count(
        "SELECT count(*) FROM classes c WHERE seats_taken < capacity AND EXISTS (SELECT FROM enrollments e
         WHERE e.class_id = c.id AND e.status = 'WAITLISTED')",
    );
    assert_eq!(idle_seat.await, 0, "somebody waits while a seat is free");
    assert_eq!(
        school
            .count("SELECT deadlocks FROM pg_stat_database WHERE datname = current_database()")
            .await,
        0
    );
    school.close().await;
}
