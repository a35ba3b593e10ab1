//! When classes meet: sessions out of the timetable, clocks that change, and students who cannot be in two places.

use futures::future::join_all;
use serde_json::{Value, json};
use service_kit::token::Role;
use uuid::Uuid;

use crate::support::api::Answer;
use crate::support::school::School;

/// A term over the end of summer time, and classes in it.
struct Autumn {
    school: School,
    course: Uuid,
    term: Uuid,
}

impl Autumn {
    async fn open() -> Self {
        let school = School::open().await;
        let (course, term) = school.course_and_term().await;
        Self { school, course, term }
    }

    async fn class(&self, code: &str, timezone: Option<&str>) -> Uuid {
        let class = json!({"courseId": self.course, "termId": self.term, "code": code, "capacity": 5,
            "waitlistCapacity": 5, "timezone": timezone});
        self.school.admin.post("/v1/classes", class).await.expect(201).id()
    }

    async fn meets(&self, class: Uuid, weekday: &str, starts: &str, ends: &str) -> Uuid {
        let meeting = json!({"weekday": weekday, "starts": starts, "ends": ends, "room": "R1"});
        self.add(class, meeting).await.expect(201).id()
    }

    async fn add(&self, class: Uuid, meeting: Value) -> Answer {
        self.school.admin.post(&format!("/v1/classes/{class}/meetings"), meeting).await
    }

    async fn generate(&self, class: Uuid, body: Value) -> Answer {
        let path = format!("/v1/classes/{class}/attendance-sessions:generate");
        self.school.admin.post(&path, body).await
    }

    async fn sessions(&self, class: Uuid) -> Vec<Value> {
        let path = format!("/v1/classes/{class}/attendance-sessions?sort=date&limit=200");
        let listed = self.school.admin.get(&path).await.expect(200).body;
        listed["items"].as_array().expect("sessions").clone()
    }
}

#[tokio::test]
async fn a_meeting_is_added_changed_and_deleted() {
    let term = Autumn::open().await;
    let class = term.class("A", Some("Europe/Berlin")).await;
    let meeting = term.meets(class, "MON", "09:00", "10:30").await;
    let path = format!("/v1/class-meetings/{meeting}");
    let read = term.school.admin.get(&path).await.expect(200).body;
    assert_eq!(
        (&read["starts"], &read["ends"], &read["timezone"], &read["room"]),
        (&json!("09:00"), &json!("10:30"), &json!("Europe/Berlin"), &json!("R1"))
    );
    let moved = json!({"weekday": "TUE", "ends": "11:00", "room": null, "until": "2026-10-31"});
    let moved = term.school.patch(&path, moved).await.expect(200).body;
    assert_eq!(
        (&moved["weekday"], &moved["room"], &moved["rowVersion"]),
        (&json!("TUE"), &Value::Null, &json!(2))
    );
    for (wrong, pointer) in [
        (json!({"ends": "09:00"}), "/ends"),
        (json!({"from": "2026-11-01"}), "/until"),
        (json!({"starts": "25:00"}), "/starts"),
        (json!({"weekday": "MONDAY"}), "/weekday"),
    ] {
        let refused = term.school.patch(&path, wrong).await.expect(400);
        assert_eq!(refused.body["errors"][0]["pointer"], pointer, "{}", refused.body);
    }
    let over_midnight = json!({"weekday": "MON", "starts": "23:00", "ends": "01:00"});
    term.add(class, over_midnight).await.expect(400);
    let nowhere = json!({"weekday": "MON", "starts": "09:00", "ends": "10:00"});
    term.add(Uuid::now_v7(), nowhere).await.expect(404);
    term.school.delete(&path).await.expect(204);
    term.school.admin.get(&path).await.expect(404);
    term.school.close().await;
}

#[tokio::test]
async fn hours_are_for_who_is_in_the_class() {
    let term = Autumn::open().await;
    let class = term.class("A", None).await;
    let meeting = term.meets(class, "MON", "09:00", "10:00").await;
    let (student, user) = term.school.student("ada").await;
    let own = term.school.as_user(Role::Student, user);
    let (list, item) =
        (format!("/v1/classes/{class}/meetings"), format!("/v1/class-meetings/{meeting}"));
    own.get(&list).await.expect(404);
    own.get(&item).await.expect(404);
    let enrollment = term.school.enroll(class, student, "reject").await.expect(201).id();
    assert_eq!(own.get(&list).await.expect(200).body["total"], 1);
    own.get(&item).await.expect(200);
    own.post(&list, json!({"weekday": "MON", "starts": "12:00", "ends": "13:00"}))
        .await
        .expect(403);
    term.school.act(enrollment, "drop", json!({})).await.expect(200);
    own.get(&list).await.expect(404);
    let teacher = term.school.as_user(Role::Instructor, Uuid::now_v7());
    teacher.get(&list).await.expect(200);
    term.school.close().await;
}

#[tokio::test]
async fn sessions_keep_the_hour_over_a_change_of_clocks_and_are_made_once() {
    let term = Autumn::open().await;
    let class = term.class("A", Some("America/New_York")).await;
    term.meets(class, "MON", "09:00", "10:00").await;
    let span = json!({"from": "2026-10-26", "until": "2026-11-08"});
    let made = term.generate(class, span.clone()).await.expect(201).body;
    assert_eq!(made["there"], 0);
    let starts: Vec<_> = term
        .sessions(class)
        .await
        .iter()
        .map(|session| (session["date"].clone(), session["startsAt"].clone()))
        .collect();
    assert_eq!(
        starts,
        [
            (json!("2026-10-26"), json!("2026-10-26T13:00:00Z")),
            (json!("2026-11-02"), json!("2026-11-02T14:00:00Z")),
        ],
        "nine o'clock in New York, before and after its clocks go back"
    );
    let again = term.generate(class, span).await.expect(200).body;
    assert_eq!((&again["there"], &again["items"]), (&json!(2), &json!([])));
    let all = term.generate(class, json!({})).await.expect(201).body;
    assert_eq!((&all["there"], all["items"].as_array().expect("sessions").len()), (&json!(2), 13));
    assert_eq!(term.sessions(class).await.len(), 15, "every Monday of the term");
    term.school.close().await;
}

#[tokio::test]
async fn a_session_that_was_moved_cancelled_or_made_by_hand_is_not_made_again() {
    let term = Autumn::open().await;
    let class = term.class("A", None).await;
    let meeting = term.meets(class, "WED", "09:00", "10:00").await;
    let span = json!({"from": "2026-09-01", "until": "2026-09-30"});
    let path = format!("/v1/classes/{class}/attendance-sessions");
    let by_hand = json!({"date": "2026-09-30", "startsAt": "2026-09-30T08:00:00Z"});
    term.school.admin.post(&path, by_hand).await.expect(201);
    let made = term.generate(class, span.clone()).await.expect(201).body;
    assert_eq!((&made["there"], made["items"].as_array().expect("sessions").len()), (&json!(1), 4));
    let session = |index: usize| {
        let id = made["items"][index]["id"].as_str().expect("an id");
        format!("/v1/attendance-sessions/{id}")
    };
    let moved = json!({"date": "2026-09-03", "startsAt": null, "endsAt": null});
    term.school.patch(&session(0), moved).await.expect(200);
    term.school.patch(&session(1), json!({"status": "CANCELLED"})).await.expect(200);
    let again = term.generate(class, span.clone()).await.expect(200).body;
    assert_eq!(again["there"], 5);
    term.school.delete(&session(2)).await.expect(204);
    let mended = term.generate(class, span.clone()).await.expect(201).body;
    assert_eq!(mended["items"].as_array().expect("sessions").len(), 1);
    term.school.delete(&format!("/v1/class-meetings/{meeting}")).await.expect(204);
    assert_eq!(term.sessions(class).await.len(), 5, "sessions outlive their meeting");
    assert_eq!(term.generate(class, span).await.expect(200).body["there"], 0);
    term.school.close().await;
}

#[tokio::test]
async fn of_many_who_make_sessions_at_once_each_is_made_once() {
    let term = Autumn::open().await;
    let class = term.class("A", None).await;
    term.meets(class, "MON", "09:00", "10:00").await;
    term.meets(class, "THU", "14:00", "16:00").await;
    let all = join_all((0..5).map(|_| term.generate(class, json!({})))).await;
    let made: usize = all
        .iter()
        .map(|answer| answer.body["items"].as_array().map(Vec::len).expect("sessions"))
        .sum();
    assert_eq!((made, term.sessions(class).await.len()), (30, 30));
    term.school.close().await;
}

#[tokio::test]
async fn only_its_teachers_make_a_classs_sessions_and_never_too_many() {
    let term = Autumn::open().await;
    let class = term.class("A", None).await;
    let forever = json!({"weekday": "MON", "starts": "09:00", "ends": "10:00", "from": "2026-01-01",
        "until": "2046-01-01"});
    term.add(class, forever).await.expect(201);
    let refused = term.generate(class, json!({})).await.expect(422);
    assert_eq!(refused.code(), "too-many-sessions");
    let teacher = term.school.user("teacher", json!([])).await;
    let client = term.school.as_user(Role::Instructor, teacher);
    let path = format!("/v1/classes/{class}/attendance-sessions:generate");
    let span = json!({"from": "2026-09-01", "until": "2026-09-30"});
    client.post(&path, span.clone()).await.expect(403);
    let staff = format!("/v1/classes/{class}/staff");
    term.school.admin.post(&staff, json!({"userId": teacher})).await.expect(201);
    client.post(&path, span).await.expect(201);
    term.generate(Uuid::now_v7(), json!({})).await.expect(404);
    term.school.close().await;
}

#[tokio::test]
async fn nobody_is_in_two_classes_that_meet_at_once() {
    let term = Autumn::open().await;
    let school = &term.school;
    let (a, b, c) =
        (term.class("A", None).await, term.class("B", None).await, term.class("C", None).await);
    term.meets(a, "MON", "09:00", "10:30").await;
    term.meets(a, "WED", "09:00", "10:30").await;
    term.meets(b, "WED", "10:00", "11:00").await;
    term.meets(c, "MON", "10:30", "11:30").await;
    let students = school.students(2).await;
    let first = school.enroll(a, students[0], "reject").await.expect(201).id();
    let refused = school.enroll(b, students[0], "waitlist").await.expect(409);
    assert_eq!(
        (refused.code(), &refused.body["conflictsWith"]),
        ("schedule-conflict", &json!("A")),
        "{}",
        refused.body
    );
    assert!(refused.body["detail"].as_str().expect("a detail").contains("2026-09-02"));
    school.enroll(c, students[0], "reject").await.expect(201);
    school.enroll(b, students[1], "reject").await.expect(201);
    let bulk = json!({"items": [{"studentId": students[0]}, {"studentId": students[1]}]});
    let path = format!("/v1/classes/{b}/enrollments:bulk");
    let rows = school.admin.post(&path, bulk).await.expect(200).body;
    let statuses: Vec<_> = (0..2).map(|row| rows["items"][row]["status"].clone()).collect();
    assert_eq!(statuses, [json!(409), json!(200)]);
    assert_eq!(rows["items"][0]["error"]["code"], "schedule-conflict");
    school.act(first, "drop", json!({})).await.expect(200);
    school.enroll(b, students[0], "reject").await.expect(201);
    term.school.close().await;
}

#[tokio::test]
async fn who_waits_for_a_class_is_not_let_into_another_at_that_time() {
    let term = Autumn::open().await;
    let school = &term.school;
    let full = json!({"courseId": term.course, "termId": term.term, "code": "FULL", "capacity": 0,
        "waitlistCapacity": 5});
    let full = school.admin.post("/v1/classes", full).await.expect(201).id();
    let other = term.class("B", None).await;
    term.meets(full, "MON", "09:00", "10:00").await;
    term.meets(other, "MON", "09:00", "10:00").await;
    let student = school.students(1).await[0];
    let waits = school.enroll(full, student, "waitlist").await.expect(202).id();
    let refused = school.enroll(other, student, "reject").await.expect(409);
    assert_eq!(refused.code(), "schedule-conflict");
    school.act(waits, "cancel", json!({})).await.expect(200);
    school.enroll(other, student, "reject").await.expect(201);
    term.school.close().await;
}

#[tokio::test]
async fn classes_on_other_clocks_clash_where_their_instants_do() {
    let term = Autumn::open().await;
    let school = &term.school;
    let (london, new_york, later) = (
        term.class("L", None).await,
        term.class("N", Some("America/New_York")).await,
        term.class("M", Some("America/New_York")).await,
    );
    term.meets(london, "MON", "14:00", "15:00").await;
    term.meets(new_york, "MON", "09:00", "10:00").await;
    term.meets(later, "MON", "11:00", "12:00").await;
    let student = school.students(1).await[0];
    school.enroll(london, student, "reject").await.expect(201);
    let refused = school.enroll(new_york, student, "reject").await.expect(409);
    assert_eq!(refused.code(), "schedule-conflict");
    school.enroll(later, student, "reject").await.expect(201);
    term.school.close().await;
}

/// Two classes, two class rows, one student: the student's row is what keeps one of them out.
#[tokio::test]
async fn of_classes_at_the_same_time_one_gets_the_student_whoever_asks_at_once() {
    let term = Autumn::open().await;
    let school = &term.school;
    let mut classes = Vec::new();
    for code in ["A", "B", "C", "D"] {
        let class = term.class(code, None).await;
        term.meets(class, "FRI", "09:00", "10:00").await;
        classes.push(class);
    }
    for student in school.students(5).await {
        let asked = classes.iter().map(|class| school.enroll(*class, student, "reject"));
        let answers = join_all(asked).await;
        let mut seen: Vec<_> =
            answers.iter().map(|answer| (answer.status.as_u16(), answer.code())).collect();
        seen.sort_unstable();
        let refused = (409, "schedule-conflict");
        assert_eq!(seen, [(201, ""), refused, refused, refused]);
    }
    let deadlocks = "SELECT deadlocks FROM pg_stat_database WHERE datname = current_database()";
    assert_eq!(school.count(deadlocks).await, 0);
    term.school.close().await;
}
