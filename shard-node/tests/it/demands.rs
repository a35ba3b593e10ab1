//! What an enrolment demands, and what of it the office passes over: prerequisites, overrides, and the record of them;
//! and what a template would make, before anybody makes it.

use axum::http::Method;
use futures::future::join_all;
use serde_json::{Value, json};
use service_kit::token::Role;
use uuid::Uuid;

use crate::support::school::{HELD, School, TAKEN};

async fn course(school: &School, code: &str) -> Uuid {
    let course = json!({"code": code, "title": code});
    school.admin.post("/v1/courses", course).await.expect(201).id()
}

async fn demand(school: &School, course: Uuid, needed: Uuid, status: u16) -> Value {
    let path = format!("/v1/courses/{course}/prerequisites");
    school.admin.post(&path, json!({"prerequisiteId": needed})).await.expect(status).body
}

async fn class_of(school: &School, course: Uuid, code: &str, capacity: u32) -> Uuid {
    let terms = school.admin.get("/v1/terms").await.expect(200).body;
    let term = match terms["items"][0]["id"].as_str() {
        Some(term) => json!(term),
        None => json!(school.course_and_term().await.1),
    };
    let class = json!({"courseId": course, "termId": term, "code": code, "capacity": capacity,
        "waitlistCapacity": 5});
    school.admin.post("/v1/classes", class).await.expect(201).id()
}

#[tokio::test]
async fn a_course_is_for_who_has_completed_what_it_demands() {
    let school = School::open().await;
    let (basic, lab, advanced) = (
        course(&school, "BASIC").await,
        course(&school, "LAB").await,
        course(&school, "ADVANCED").await,
    );
    demand(&school, advanced, basic, 201).await;
    demand(&school, advanced, lab, 201).await;
    let (first, second) =
        (class_of(&school, basic, "B", 5).await, class_of(&school, advanced, "A", 5).await);
    let lab = class_of(&school, lab, "L", 5).await;
    let (student, user) = school.student("ada").await;
    let refused = school.enroll(second, student, "reject").await.expect(422);
    assert_eq!(
        (refused.code(), &refused.body["missing"]),
        ("prerequisite", &json!(["BASIC", "LAB"]))
    );
    for class in [first, lab] {
        let enrollment = school.enroll(class, student, "reject").await.expect(201).id();
        let own = school.as_user(Role::Student, user);
        let path = format!("/v1/classes/{second}/enrollments");
        let body = json!({"studentId": student});
        assert_eq!(own.post(&path, body).await.expect(422).code(), "prerequisite");
        school.act(enrollment, "complete", json!({})).await.expect(200);
    }
    school.enroll(second, student, "reject").await.expect(201);
    let (other, _) = school.student("bob").await;
    let left = school.enroll(first, other, "reject").await.expect(201).id();
    school.act(left, "withdraw", json!({})).await.expect(200);
    let bulk = json!({"items": [{"studentId": other}, {"studentId": student}]});
    let path = format!("/v1/classes/{second}/enrollments:bulk");
    let rows = school.admin.post(&path, bulk).await.expect(200).body;
    assert_eq!(rows["items"][0]["error"]["code"], "prerequisite", "a withdrawal is no completion");
    assert_eq!(rows["items"][1]["status"], 200);
    school.close().await;
}

#[tokio::test]
async fn prerequisites_lead_nowhere_in_a_circle_whoever_adds_them_at_once() {
    let school = School::open().await;
    let (a, b, c) =
        (course(&school, "A").await, course(&school, "B").await, course(&school, "C").await);
    let made = demand(&school, a, b, 201).await;
    assert_eq!(demand(&school, a, b, 200).await["id"], made["id"]);
    demand(&school, b, c, 201).await;
    assert_eq!(demand(&school, c, a, 422).await["code"], "prerequisite-cycle");
    assert_eq!(demand(&school, a, a, 422).await["code"], "prerequisite-cycle");
    let unknown = demand(&school, a, Uuid::now_v7(), 404).await;
    assert_eq!(unknown["errors"][0]["pointer"], "/prerequisiteId");
    demand(&school, Uuid::now_v7(), a, 404).await;
    let listed = school.admin.get(&format!("/v1/courses/{a}/prerequisites")).await.expect(200);
    assert_eq!(listed.body["items"][0]["prerequisiteCode"], "B");
    let one = format!("/v1/courses/{b}/prerequisites/{c}");
    school.delete(&one).await.expect(204);
    school.delete(&one).await.expect(404);
    demand(&school, c, a, 201).await;
    for turn in 0..5 {
        let (one, other) = (
            course(&school, &format!("X{turn}")).await,
            course(&school, &format!("Y{turn}")).await,
        );
        let add = |course: Uuid, needed: Uuid| {
            let admin = school.admin.clone();
            async move {
                let path = format!("/v1/courses/{course}/prerequisites");
                let body = json!({"prerequisiteId": needed});
                admin.post(&path, body).await.status.as_u16()
            }
        };
        let mut done = join_all([add(one, other), add(other, one)]).await;
        done.sort_unstable();
        assert_eq!(done, [201, 422], "each is to demand the other at once");
    }
    school.close().await;
}

/// A class that is full, at an hour that the student has not, of a course that demands another.
async fn impossible(school: &School) -> (Uuid, Uuid, Uuid) {
    let (basic, advanced) = (course(school, "BASIC").await, course(school, "ADVANCED").await);
    demand(school, advanced, basic, 201).await;
    let (class, other) =
        (class_of(school, advanced, "A", 0).await, class_of(school, basic, "B", 5).await);
    for class in [class, other] {
        let hours = json!({"weekday": "MON", "starts": "09:00", "ends": "10:00"});
        school.admin.post(&format!("/v1/classes/{class}/meetings"), hours).await.expect(201);
    }
    let (student, user) = school.student("ada").await;
    school.enroll(other, student, "reject").await.expect(201);
    (class, student, user)
}

#[tokio::test]
async fn the_office_passes_over_what_it_names_with_a_reason_that_stays() {
    let school = School::open().await;
    let (class, student, user) = impossible(&school).await;
    let path = format!("/v1/classes/{class}/enrollments");
    let ask = |refusals: &[&str]| {
        json!({"studentId": student,
               "overrides": {"refusals": refusals, "reason": "MARKER: by the dean"}})
    };
    for (refusals, code) in [
        (&["class-full"][..], "prerequisite"),
        (&["class-full", "prerequisite"], "schedule-conflict"),
        (&["schedule-conflict", "prerequisite"], "class-full"),
    ] {
        let refused = school.admin.post(&path, ask(refusals)).await;
        assert_eq!(refused.code(), code, "{refusals:?}: {}", refused.body);
    }
    school.admin.post(&path, ask(&["window-closed"])).await.expect(400);
    school.admin.post(&path, ask(&[])).await.expect(400);
    let all = ["class-full", "prerequisite", "schedule-conflict"];
    let own = school.as_user(Role::Student, user);
    own.post(&path, ask(&all)).await.expect(403);
    let made = school.admin.post(&path, ask(&all)).await.expect(201);
    assert_eq!(made.body["status"], "ACTIVE");
    assert_eq!(school.count(TAKEN).await, school.count(HELD).await);
    let full = school.admin.get(&format!("/v1/classes/{class}")).await.expect(200).body;
    assert_eq!((&full["capacity"], &full["seatsTaken"]), (&json!(1), &json!(1)), "a seat more");
    let history = format!("/v1/enrollments/{}/history", made.id());
    let history_of = school.admin.get(&history).await.expect(200).body;
    let event = &history_of["items"][0];
    assert_eq!(event["reason"], "MARKER: by the dean");
    assert_eq!(event["overrode"], json!(["prerequisite", "schedule-conflict", "class-full"]));
    own.get(&history).await.expect(403);
    let told = "SELECT count(*) FROM outbox_events WHERE payload::text LIKE '%MARKER%'";
    assert_eq!(school.count(told).await, 0, "a reason may name people");
    let said = "SELECT count(*) FROM outbox_events WHERE payload -> 'overrode' ? 'class-full'";
    assert_eq!(school.count(said).await, 1);
    school.close().await;
}

#[tokio::test]
async fn what_is_not_in_the_way_is_not_recorded_as_passed_over() {
    let school = School::open().await;
    let (class, students) = (school.class(5, 0).await, school.students(1).await);
    let path = format!("/v1/classes/{class}/enrollments");
    let body = json!({"studentId": students[0],
        "overrides": {"refusals": ["class-full", "prerequisite"], "reason": "in case"}});
    let made = school.admin.post(&path, body).await.expect(201).id();
    let history = school.admin.get(&format!("/v1/enrollments/{made}/history")).await.expect(200);
    assert_eq!(history.body["items"][0]["overrode"], json!([]));
    let class = school.admin.get(&format!("/v1/classes/{class}")).await.expect(200).body;
    assert_eq!(class["capacity"], 5);
    school.close().await;
}

#[tokio::test]
async fn an_override_seats_out_of_turn_and_lets_leave_past_deadlines() {
    let school = School::open().await;
    let (class, students) = (school.class(1, 5).await, school.students(3).await);
    let first = school.enroll(class, students[0], "reject").await.expect(201).id();
    let second = school.enroll(class, students[1], "waitlist").await.expect(202).id();
    let third = school.enroll(class, students[2], "waitlist").await.expect(202).id();
    let seated = json!({"to": "ACTIVE", "reason": "a promise"});
    let seated = school.act(third, "override", seated).await.expect(200).body;
    assert_eq!(seated["status"], "ACTIVE");
    assert_eq!(school.status(second).await, "WAITLISTED", "who waited longer still waits");
    assert_eq!((school.count(TAKEN).await, school.count(HELD).await), (2, 2));
    let progress = school.admin.get(&format!("/v1/enrollments/{third}/progress")).await.expect(200);
    assert_eq!(progress.body["items"][0]["subjectCode"], "MAIN");

    let term = school.admin.get(&format!("/v1/classes/{class}")).await.body["termId"].clone();
    let term = format!("/v1/terms/{}", term.as_str().expect("a term"));
    let dates = json!({"dropUntil": "2026-09-20", "withdrawUntil": "2026-09-30"});
    school.patch(&term, dates).await.expect(200);
    for verb in ["drop", "withdraw"] {
        let late = json!({"effectiveDate": "2026-10-15"});
        school.act(first, verb, late).await.expect(409);
    }
    let late = json!({"to": "DROPPED", "reason": "illness", "effectiveDate": "2026-10-15"});
    let left = school.act(first, "override", late).await.expect(200).body;
    assert_eq!((&left["status"], &left["endedOn"]), (&json!("DROPPED"), &json!("2026-10-15")));
    assert_eq!(school.status(second).await, "ACTIVE", "the seat goes to who waits");
    assert_eq!((school.count(TAKEN).await, school.count(HELD).await), (2, 2));
    let history = format!("/v1/enrollments/{first}/history?sort=-createdAt");
    let history = school.admin.get(&history).await.expect(200).body["items"][0].clone();
    assert_eq!(
        (&history["overrode"], &history["reason"]),
        (&json!(["drop-deadline-passed"]), &json!("illness"))
    );
    let back = json!({"to": "ACTIVE", "reason": "again"});
    let refused = school.act(first, "override", back).await.expect(409);
    assert_eq!((refused.code(), &refused.body["allowed"]), ("illegal-transition", &json!([])));
    school.act(second, "override", json!({"to": "ACTIVE"})).await.expect(400);
    school.close().await;
}

#[tokio::test]
async fn a_template_is_tried_without_being_applied_and_refused_as_it_would_be() {
    let school = School::open().await;
    course(&school, "MATH").await;
    let template = json!({"code": "CS", "version": 1, "years": 1, "creditsRequired": "20", "items": [
        {"course": "MATH", "year": 1, "term": 1},
        {"newCourse": {"code": "PROG", "title": "Programming", "credits": "20"}, "year": 1, "term": 2,
         "prerequisites": ["MATH"]}]});
    let preview = async |template: &Value| {
        let body = json!({"curriculumTemplate": template});
        school.admin.post("/v1/curriculum-templates:preview", body).await
    };
    let tried = preview(&template).await.expect(200).body;
    assert_eq!(
        (&tried["items"][0]["isNew"], &tried["items"][1]["isNew"], &tried["items"][1]["credits"]),
        (&json!(false), &json!(true), &json!("20"))
    );
    let counts = "SELECT (SELECT count(*) FROM curriculum_templates) + (SELECT count(*) FROM curricula)
        + (SELECT count(*) FROM course_prerequisites) + (SELECT count(*) FROM courses WHERE code = 'PROG')";
    assert_eq!(school.count(counts).await, 0, "nothing is written");
    let mut wrong = template.clone();
    wrong["items"][0]["prerequisites"] = json!(["PROG"]);
    wrong["creditsRequired"] = json!("90");
    let refused = preview(&wrong).await.expect(422);
    let program = json!({"code": "P", "name": "P", "curriculumTemplate": wrong});
    let applied = school.admin.post("/v1/programs", program).await.expect(422);
    assert_eq!(refused.body["errors"], applied.body["errors"]);
    assert!(refused.body["errors"].as_array().expect("faults").len() >= 3, "{}", refused.body);

    let path = "/v1/curriculum-templates";
    let stored = school.admin.post(path, template.clone()).await.expect(201);
    let again = school.admin.post(path, template.clone()).await.expect(200);
    assert_eq!(again.id(), stored.id());
    let mut other = template.clone();
    other["years"] = json!(2);
    assert_eq!(school.admin.post(path, other.clone()).await.expect(409).code(), "version-taken");
    let refused = preview(&other).await.expect(422);
    assert_eq!(refused.body["errors"][0]["code"], "version-taken");
    let named = json!({"code": "CS", "version": 1});
    assert_eq!(preview(&named).await.expect(200).body["items"], tried["items"]);
    preview(&json!({"code": "CS", "version": 2})).await.expect(422);
    let listed = school.admin.get(&format!("{path}?code=CS")).await.expect(200);
    assert_eq!(listed.body["items"][0]["body"]["items"][1]["newCourse"]["code"], "PROG");
    let program = json!({"code": "P", "name": "P", "curriculumTemplate": named});
    let program = school.admin.post("/v1/programs", program).await.expect(201);
    let curricula = format!("/v1/programs/{}/curricula", program.id());
    let curricula = school.admin.get(&curricula).await.expect(200).body;
    assert_eq!(curricula["items"][0]["id"], program.body["curriculum"]["id"]);
    let one = curricula["items"][0]["id"].as_str().expect("an id");
    let one = school.admin.get(&format!("/v1/curricula/{one}")).await.expect(200).body;
    assert_eq!(
        (&one["items"], &one["programId"]),
        (&program.body["curriculum"]["items"], &json!(program.id()))
    );
    school.close().await;
}

#[tokio::test]
async fn a_reason_leaves_with_no_event_however_an_enrolment_changes() {
    let school = School::open().await;
    let (class, students) = (school.class(1, 5).await, school.students(2).await);
    let first = school.enroll(class, students[0], "reject").await.expect(201).id();
    let second = school.enroll(class, students[1], "waitlist").await.expect(202).id();
    let seated = json!({"to": "ACTIVE", "reason": "MARKER: a promise"});
    school.act(second, "override", seated).await.expect(200);
    school.act(first, "drop", json!({"reason": "MARKER: illness"})).await.expect(200);
    let kept = "SELECT count(*) FROM enrollment_events WHERE reason LIKE 'MARKER%'";
    assert_eq!(school.count(kept).await, 2);
    let told = "SELECT count(*) FROM outbox_events WHERE payload::text LIKE '%MARKER%'";
    assert_eq!(school.count(told).await, 0, "a reason may name people");
    school.close().await;
}

#[tokio::test]
async fn no_override_lets_anybody_into_a_class_that_takes_nobody() {
    let school = School::open().await;
    let (class, students) = (school.class(1, 5).await, school.students(3).await);
    let first = school.enroll(class, students[0], "reject").await.expect(201).id();
    let second = school.enroll(class, students[1], "waitlist").await.expect(202).id();
    let path = format!("/v1/classes/{class}");
    let closed = Some(json!({"status": "CANCELLED"}));
    school.admin.send(Method::PATCH, &path, closed, &[("if-match", "*")]).await.expect(200);
    let seated = json!({"to": "ACTIVE", "reason": "a promise"});
    let refused = school.act(second, "override", seated).await.expect(409);
    assert_eq!(refused.code(), "class-not-open");
    assert_eq!(school.status(second).await, "WAITLISTED");
    let new = json!({"studentId": students[2],
        "overrides": {"refusals": ["class-full"], "reason": "a promise"}});
    let refused = school.admin.post(&format!("{path}/enrollments"), new).await.expect(409);
    assert_eq!(refused.code(), "class-not-open");
    let left = json!({"to": "DROPPED", "reason": "it is over"});
    school.act(first, "override", left).await.expect(200);
    assert_eq!((school.count(TAKEN).await, school.count(HELD).await), (0, 0));
    school.close().await;
}
