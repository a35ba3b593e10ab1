//! Attendance through HTTP, against a real Postgres.

use std::time::{Duration, Instant};

use axum::http::Method;
use chrono::{Days, NaiveDate};
use serde_json::{Value, json};
use service_kit::clock;
use service_kit::token::Role;
use uuid::Uuid;

use crate::support::api::{Answer, Client};
use crate::support::school::School;

/// A class with students, and a session of it.
struct Taught {
    school: School,
    class: Uuid,
    students: Vec<Uuid>,
    session: Uuid,
}

fn today() -> NaiveDate {
    clock::now().with_timezone(&chrono_tz::Europe::London).date_naive()
}

impl Taught {
    /// All but the last of the students are in the class, for some days.
    async fn open(count: u32) -> Self {
        let school = School::open_working(None).await;
        let (class, students) = (school.class(100, 0).await, school.students(count).await);
        let since = today() - Days::new(30);
        let items: Vec<Value> = students
            .iter()
            .rev()
            .skip(1)
            .map(|student| json!({"studentId": student, "effectiveDate": since}))
            .collect();
        let path = format!("/v1/classes/{class}/enrollments:bulk");
        school.admin.post(&path, json!({"atomic": true, "items": items})).await.expect(200);
        let mut taught = Self { school, class, students, session: Uuid::nil() };
        taught.session = taught.session_on(today()).await;
        taught
    }

    async fn session_on(&self, date: NaiveDate) -> Uuid {
        let path = format!("/v1/classes/{}/attendance-sessions", self.class);
        self.school.admin.post(&path, json!({"date": date})).await.expect(201).id()
    }

    fn path(&self, rest: &str) -> String {
        format!("/v1/attendance-sessions/{}{rest}", self.session)
    }

    async fn mark(&self, marks: &[(Uuid, &str)]) -> Answer {
        let items: Vec<Value> = marks
            .iter()
            .map(|(student, code)| json!({"studentId": student, "code": code}))
            .collect();
        self.school.admin.post(&self.path("/records:bulk"), json!({"items": items})).await
    }

    /// A client of the user that a student is.
    async fn client_of(&self, student: Uuid) -> Client {
        let path = format!("/v1/students/{student}");
        let user = self.school.admin.get(&path).await.expect(200).body["userId"].clone();
        let user = user.as_str().and_then(|id| id.parse().ok()).expect("a user");
        self.school.served.client(self.school.institution, Role::Student, Some(user))
    }

    /// An instructor, who teaches the class or does not.
    async fn instructor(&self, teaches: bool) -> Client {
        let user = Uuid::now_v7();
        let pool = self.school.shard.pool("postgres", 1);
        sqlx::query(
            "WITH made AS (INSERT INTO users (institution_id, id, given_name, family_name)
                           VALUES ($1, $2, 'I', 'I') RETURNING id)
             INSERT INTO class_staff (institution_id, id, class_id, user_id)
             SELECT $1, gen_random_uuid(), $3, id FROM made WHERE $4",
        )
        .bind(self.school.institution.as_uuid())
        .bind(user)
        .bind(self.class)
        .bind(teaches)
        .execute(&pool)
        .await
        .expect("an instructor");
        self.school.served.client(self.school.institution, Role::Instructor, Some(user))
    }

    /// What a day comes to, once it is so; a job is to see to it.
    async fn until_stats(&self, date: NaiveDate, holds: impl Fn(&Value) -> bool) -> Value {
        let path = format!("/v1/classes/{}/attendance-stats?from={date}&to={date}", self.class);
        let deadline = Instant::now() + Duration::from_secs(30);
        loop {
            let found = self.school.admin.get(&path).await.expect(200).body["items"].clone();
            if holds(&found[0]) {
                return found[0].clone();
            }
            assert!(Instant::now() < deadline, "it stays {found}");
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
    }
}

fn statuses(answer: &Answer) -> Vec<i64> {
    let rows = answer.body["items"].as_array().expect("rows").iter();
    rows.map(|row| row["status"].as_i64().expect("a status")).collect()
}

fn codes(answer: &Answer) -> Vec<&str> {
    let rows = answer.body["items"].as_array().expect("rows").iter();
    rows.map(|row| row["error"]["code"].as_str().unwrap_or_default()).collect()
}

#[tokio::test]
async fn what_is_remarked_of_a_student_is_in_no_event() {
    let taught = Taught::open(2).await;
    let remark = "cried in the corridor";
    for note in [remark, "cried in the corridor again"] {
        let items = json!([{"studentId": taught.students[0], "code": "PRESENT", "note": note}]);
        taught
            .school
            .admin
            .post(&taught.path("/records:bulk"), json!({"items": items}))
            .await
            .expect(200);
    }
    let listed = taught.school.admin.get(&taught.path("/records")).await.expect(200);
    assert_eq!(listed.body["items"][0]["note"], "cried in the corridor again");
    let events = "SELECT count(*) FROM outbox_events WHERE type LIKE 'ATTENDANCE_RECORD_%'";
    assert_eq!(taught.school.count(events).await, 2);
    let told = "SELECT count(*) FROM outbox_events WHERE payload::text LIKE '%cried%'";
    assert_eq!(taught.school.count(told).await, 0);
    taught.school.close().await;
}

#[tokio::test]
async fn marks_stand_for_themselves_and_repeat_without_doubling() {
    let taught = Taught::open(4).await;
    let s = &taught.students;
    let marks = [
        (s[0], "PRESENT"),
        (s[1], "ABSENT"),
        (s[2], "NOPE"),
        (s[3], "PRESENT"),
        (Uuid::now_v7(), "PRESENT"),
        (s[0], "ABSENT"),
    ];
    let first = taught.mark(&marks).await.expect(200);
    assert_eq!(statuses(&first), [201, 201, 422, 422, 404, 409]);
    let expected = ["", "", "code-unknown", "not-enrolled", "not-found", "student-repeated"];
    assert_eq!(codes(&first), expected);
    let pointer = &first.body["items"][2]["error"]["errors"][0]["pointer"];
    assert_eq!(pointer, "/items/2/code");
    let again = taught.mark(&[(s[0], "PRESENT"), (s[1], "LATE")]).await.expect(200);
    assert_eq!(statuses(&again), [200, 200]);
    assert_eq!(again.body["items"][0]["id"], first.body["items"][0]["id"]);

    let listed = taught.school.admin.get(&taught.path("/records?sort=createdAt")).await.expect(200);
    let versions: Vec<_> = listed.body["items"]
        .as_array()
        .expect("records")
        .iter()
        .map(|record| (record["code"].clone(), record["rowVersion"].clone()))
        .collect();
    assert_eq!(versions, [(json!("PRESENT"), json!(1)), (json!("LATE"), json!(2))]);
    let events = "SELECT count(*) FROM outbox_events WHERE type LIKE 'ATTENDANCE_RECORD_%'";
    assert_eq!(taught.school.count(events).await, 3, "one for each that changed");

    let items =
        json!([{"studentId": s[0], "code": "ABSENT"}, {"studentId": s[3], "code": "ABSENT"}]);
    let atomic = json!({"atomic": true, "items": items});
    let refused = taught.school.admin.post(&taught.path("/records:bulk"), atomic).await.expect(422);
    assert_eq!(refused.code(), "bulk-refused");
    let kept = taught.school.admin.get(&taught.path(&format!("/records?studentId={}", s[0]))).await;
    assert_eq!(kept.expect(200).body["items"][0]["code"], "PRESENT");
    taught.school.close().await;
}

#[tokio::test]
async fn only_who_was_in_the_class_on_the_day_is_marked() {
    let mut taught = Taught::open(2).await;
    let student = taught.students[0];
    let path = format!("/v1/enrollments?studentId={student}");
    let enrollment =
        taught.school.admin.get(&path).await.expect(200).body["items"][0]["id"].clone();
    let path = format!("/v1/enrollments/{}:drop", enrollment.as_str().expect("an id"));
    let left = json!({"effectiveDate": today() - Days::new(10)});
    taught.school.admin.post(&path, left).await.expect(200);
    for (back, status) in [(31, 422), (30, 201), (11, 201), (10, 422), (0, 422)] {
        if back > 0 {
            taught.session = taught.session_on(today() - Days::new(back)).await;
        } else {
            let path = format!("/v1/classes/{}/attendance-sessions?date={}", taught.class, today());
            let there =
                taught.school.admin.get(&path).await.expect(200).body["items"][0]["id"].clone();
            taught.session = there.as_str().and_then(|id| id.parse().ok()).expect("an id");
        }
        let marked = taught.mark(&[(student, "PRESENT")]).await.expect(200);
        assert_eq!(statuses(&marked), [status], "{back} days ago");
    }
    taught.school.close().await;
}

#[tokio::test]
async fn each_change_has_the_day_counted_anew() {
    let taught = Taught::open(5).await;
    let s = &taught.students;
    let marks = [(s[0], "PRESENT"), (s[1], "LATE"), (s[2], "ABSENT"), (s[3], "EXCUSED")];
    taught.mark(&marks).await.expect(200);
    let stats = taught.until_stats(today(), |stats| stats["marked"] == 4).await;
    for (member, value) in [
        ("sessions", json!(1)),
        ("enrolled", json!(4)),
        ("counted", json!(3)),
        ("present", json!(2.0)),
        ("rate", json!(0.6667)),
        ("byCode", json!({"PRESENT": 1, "LATE": 1, "ABSENT": 1, "EXCUSED": 1})),
    ] {
        assert_eq!(stats[member], value, "{member}");
    }
    taught.mark(&[(s[2], "PRESENT")]).await.expect(200);
    taught.until_stats(today(), |stats| stats["rate"] == 1.0).await;
    let cancel = json!({"status": "CANCELLED"});
    taught.school.patch(&taught.path(""), cancel).await.expect(200);
    taught.until_stats(today(), Value::is_null).await;
    let refused = taught.mark(&[(s[0], "ABSENT")]).await.expect(409);
    assert_eq!(refused.code(), "session-closed");
    taught.school.patch(&taught.path(""), json!({"status": "OPEN"})).await.expect(200);
    taught.until_stats(today(), |stats| stats["marked"] == 4).await;
    taught.school.close().await;
}

/// However many marks come at once: the last one is counted, too.
#[tokio::test]
async fn marks_at_once_are_all_counted() {
    let taught = Taught::open(13).await;
    let work = taught.students.iter().take(12).map(|student| async {
        taught.mark(&[(*student, "PRESENT")]).await.expect(200);
    });
    futures::future::join_all(work).await;
    let stats = taught.until_stats(today(), |stats| stats["marked"] == 12).await;
    assert_eq!(stats["rate"], 1.0);
    taught.school.close().await;
}

#[tokio::test]
async fn the_days_job_counts_the_day_that_ended_and_the_one_that_began() {
    let taught = Taught::open(2).await;
    let yesterday = today() - Days::new(1);
    let before = today() - Days::new(2);
    for date in [yesterday, before] {
        taught.session_on(date).await;
        taught.until_stats(date, |stats| stats["sessions"] == 1).await;
    }
    taught.until_stats(today(), |stats| stats["sessions"] == 1).await;
    let pool = taught.school.shard.pool("postgres", 1);
    let forget = "UPDATE class_attendance_stats SET enrolled = 99";
    sqlx::query(forget).execute(&pool).await.expect("updated");
    let listed =
        taught.school.admin.get("/v1/job-schedules?kind=DAILY_ATTENDANCE").await.expect(200);
    let id = listed.body["items"][0]["id"].as_str().expect("an id").to_owned();
    taught.school.admin.post(&format!("/v1/job-schedules/{id}:run"), json!({})).await.expect(202);
    for date in [today(), yesterday] {
        taught.until_stats(date, |stats| stats["enrolled"] == 1).await;
    }
    taught.until_stats(before, |stats| stats["enrolled"] == 99).await;
    taught.school.close().await;
}

#[tokio::test]
async fn a_student_checks_in_by_the_code_and_is_counted() {
    let taught = Taught::open(3).await;
    let (student, other) =
        (taught.client_of(taught.students[0]).await, taught.client_of(taught.students[2]).await);
    let path = taught.path(":check-in");
    let none = student.post(&path, json!({"code": "123456"})).await.expect(410);
    assert_eq!(none.code(), "code-expired", "no code was made");
    let opened =
        taught.school.admin.post(&taught.path(":openCheckIn"), json!({})).await.expect(200);
    let code = opened.body["code"].as_str().expect("a code").to_owned();
    assert!(code.len() == 6 && code.bytes().all(|byte| byte.is_ascii_digit()), "{code}");
    other.post(&path, json!({"code": code})).await.expect(403);
    let made = student.post(&path, json!({"code": code})).await.expect(201);
    assert_eq!((&made.body["code"], &made.body["method"]), (&json!("PRESENT"), &json!("CHECK_IN")));
    let again = student.post(&path, json!({"code": "000000"})).await.expect(200);
    assert_eq!(again.id(), made.id(), "who has checked in is told so");
    taught.until_stats(today(), |stats| stats["marked"] == 1).await;
    // The instructor's word counts; checking in does not change it.
    taught.mark(&[(taught.students[1], "ABSENT")]).await.expect(200);
    let late = taught.client_of(taught.students[1]).await;
    assert_eq!(late.post(&path, json!({"code": code})).await.expect(409).code(), "already-marked");
    taught.school.admin.post(&path, json!({"code": code})).await.expect(403);
    taught.school.close().await;
}

#[tokio::test]
async fn a_code_is_over_at_its_end_and_where_another_was_made() {
    let taught = Taught::open(2).await;
    let student = taught.client_of(taught.students[0]).await;
    let open = async || {
        let path = taught.path(":openCheckIn");
        let opened = taught.school.admin.post(&path, json!({"validForS": 30}));
        opened.await.expect(200).body["code"].as_str().expect("a code").to_owned()
    };
    let path = taught.path(":check-in");
    let mut codes = [open().await, open().await];
    while codes[0] == codes[1] {
        codes[1] = open().await;
    }
    assert_eq!(
        student.post(&path, json!({"code": codes[0]})).await.expect(422).code(),
        "code-wrong"
    );
    let pool = taught.school.shard.pool("postgres", 1);
    let age = "UPDATE attendance_sessions SET check_in_until = now() - interval '1 s'";
    sqlx::query(age).execute(&pool).await.expect("aged");
    assert_eq!(
        student.post(&path, json!({"code": codes[1]})).await.expect(410).code(),
        "code-expired"
    );
    let code = open().await;
    student.post(&path, json!({"code": code})).await.expect(201);
    let kept = "SELECT count(*) FROM attendance_sessions WHERE octet_length(check_in_hash) <> 32";
    assert_eq!(taught.school.count(kept).await, 0);
    taught.school.close().await;
}

/// Five tries, at once or one after the other, with a key or without: then even the right code is refused.
#[tokio::test]
async fn a_code_is_not_guessed() {
    let taught = Taught::open(3).await;
    let opened =
        taught.school.admin.post(&taught.path(":openCheckIn"), json!({})).await.expect(200);
    let right = opened.body["code"].as_str().expect("a code").to_owned();
    let number: u32 = right.parse().expect("a number");
    let wrong = |offset: u32| format!("{:06}", (number + offset) % 1_000_000);
    let path = taught.path(":check-in");
    let student = taught.client_of(taught.students[0]).await;
    let guesses = (1..=20).map(|offset| {
        let (student, path, body) = (&student, &path, json!({"code": wrong(offset)}));
        let key = format!("guess-{offset}");
        async move {
            let headers = [("idempotency-key", key.as_str())];
            student.send(Method::POST, path, Some(body), &headers).await.status.as_u16()
        }
    });
    let mut answers = futures::future::join_all(guesses).await;
    answers.sort_unstable();
    let (told, over): (Vec<u16>, Vec<u16>) = answers.into_iter().partition(|status| *status == 422);
    assert_eq!(told.len(), 4, "and the fifth is told that it was the last");
    assert_eq!(over, [429; 16]);
    let refused = student.post(&path, json!({"code": right})).await.expect(429);
    assert_eq!(refused.code(), "too-many-tries");
    // Nobody else is locked out, and a new code is a new beginning.
    let neighbour = taught.client_of(taught.students[1]).await;
    neighbour.post(&path, json!({"code": right})).await.expect(201);
    let opened =
        taught.school.admin.post(&taught.path(":openCheckIn"), json!({})).await.expect(200);
    student.post(&path, json!({"code": opened.body["code"]})).await.expect(201);
    let keys = "SELECT count(*) FROM idempotency_keys WHERE answer IS NULL OR answer::text LIKE '%expiresAt%'";
    assert_eq!(taught.school.count(keys).await, 0, "a key waits for ever, or keeps a code");
    taught.school.close().await;
}

#[tokio::test]
async fn a_code_is_kept_under_no_key() {
    let taught = Taught::open(2).await;
    let key = [("idempotency-key", "open-once")];
    let path = taught.path(":openCheckIn");
    let open = || taught.school.admin.send(Method::POST, &path, Some(json!({})), &key);
    let first = open().await.expect(200);
    let second = open().await.expect(200);
    assert_ne!(first.body["expiresAt"], second.body["expiresAt"]);
    assert_eq!(taught.school.count("SELECT count(*) FROM idempotency_keys").await, 0);
    taught.school.close().await;
}

#[tokio::test]
async fn an_instructor_sees_to_own_classes_alone() {
    let taught = Taught::open(2).await;
    let (own, other) = (taught.instructor(true).await, taught.instructor(false).await);
    let mark = json!({"items": [{"studentId": taught.students[0], "code": "PRESENT"}]});
    let of_class = format!("/v1/classes/{}", taught.class);
    for (client, status) in [(&own, 200), (&other, 403)] {
        client.get(&format!("{of_class}/attendance-sessions")).await.expect(status);
        client.get(&format!("{of_class}/attendance-stats")).await.expect(status);
        client.get(&taught.path("")).await.expect(status);
        client.get(&taught.path("/records")).await.expect(status);
        client.post(&taught.path("/records:bulk"), mark.clone()).await.expect(status);
        client.post(&taught.path(":openCheckIn"), json!({})).await.expect(status);
        let change = Some(json!({"title": "Week 1"}));
        client.send(Method::PATCH, &taught.path(""), change, &[]).await.expect(status);
        client.send(Method::DELETE, &taught.path(""), None, &[]).await.expect(if status == 200 {
            409
        } else {
            403
        });
        client.get("/v1/attendance-codes").await.expect(200);
        let code = json!({"code": "X", "name": "X"});
        client.post("/v1/attendance-codes", code).await.expect(403);
    }
    let student = taught.client_of(taught.students[0]).await;
    student.get(&taught.path("/records")).await.expect(403);
    taught.school.close().await;
}

#[tokio::test]
async fn a_session_begins_on_its_day_and_keeps_it_once_somebody_is_marked() {
    let taught = Taught::open(2).await;
    let path = format!("/v1/classes/{}/attendance-sessions", taught.class);
    let admin = &taught.school.admin;
    // 23:30 UTC is the next day in London's summer.
    let summer = json!({"date": "2026-07-01", "startsAt": "2026-06-30T23:30:00Z", "endsAt": "2026-07-01T01:00:00Z"});
    let made = admin.post(&path, summer.clone()).await.expect(201);
    assert_eq!(made.headers["location"], format!("/v1/attendance-sessions/{}", made.id()));
    assert_eq!(admin.post(&path, summer).await.expect(409).code(), "session-taken");
    let twice = admin.post(&path, json!({"date": today()})).await.expect(409);
    assert_eq!(twice.code(), "session-taken", "a day has one session without a time");
    for (body, pointer) in [
        (json!({"date": "2026-07-01", "startsAt": "2026-07-01T23:30:00Z"}), "/startsAt"),
        (json!({"date": "2026-07-01", "startsAt": "9999-01-01T00:00:00Z"}), "/startsAt"),
        (
            json!({"date": "2026-07-01", "startsAt": "2026-07-01T10:00:00Z", "endsAt": "2026-07-01T09:00:00Z"}),
            "/endsAt",
        ),
        (json!({"date": "0001-01-01"}), "/date"),
    ] {
        let refused = admin.post(&path, body).await.expect(400);
        assert_eq!(refused.body["errors"][0]["pointer"], pointer);
    }
    taught.mark(&[(taught.students[0], "PRESENT")]).await.expect(200);
    let moved = json!({"date": today() - Days::new(1)});
    assert_eq!(
        taught.school.patch(&taught.path(""), moved).await.expect(409).code(),
        "has-records"
    );
    taught
        .school
        .patch(&taught.path(""), json!({"title": "Lab", "date": today()}))
        .await
        .expect(200);
    taught.school.delete(&taught.path("")).await.expect(409);
    taught.school.delete(&format!("/v1/attendance-sessions/{}", made.id())).await.expect(204);
    let (path, title) = (taught.path(""), Some(json!({"title": "X"})));
    let stale = admin.send(Method::PATCH, &path, title, &[("if-match", "\"1\"")]);
    assert_eq!(stale.await.expect(412).code(), "version-mismatch");
    taught.school.close().await;
}

#[tokio::test]
async fn a_code_that_is_used_counts_as_it_did() {
    let taught = Taught::open(2).await;
    let admin = &taught.school.admin;
    let half = json!({"code": "HALF", "name": "Half", "countsAs": 0.5});
    let half_id = admin.post("/v1/attendance-codes", half.clone()).await.expect(201).id();
    assert_eq!(admin.post("/v1/attendance-codes", half).await.expect(409).code(), "code-taken");
    let path = format!("/v1/attendance-codes/{half_id}");
    let changed =
        taught.school.patch(&path, json!({"countsAs": 0.25, "name": "Quarter"})).await.expect(200);
    assert_eq!(changed.body["countsAs"], 0.25);
    taught.school.patch(&path, json!({"countsAs": 1.5})).await.expect(400);
    taught.mark(&[(taught.students[0], "HALF")]).await.expect(200);
    taught.until_stats(today(), |stats| stats["rate"] == 0.25).await;
    let refused = taught.school.patch(&path, json!({"countsAs": null})).await.expect(409);
    assert_eq!(refused.code(), "code-in-use");
    taught.school.patch(&path, json!({"name": "Renamed"})).await.expect(200);
    assert_eq!(taught.school.delete(&path).await.expect(409).code(), "in-use");
    let listed = admin.get("/v1/attendance-codes?code=PRESENT").await.expect(200);
    let present = listed.body["items"][0]["id"].as_str().expect("an id").to_owned();
    let refused =
        taught.school.delete(&format!("/v1/attendance-codes/{present}")).await.expect(409);
    assert_eq!(refused.code(), "code-needed");
    taught.school.close().await;
}
