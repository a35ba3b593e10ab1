//! Guardians, org units, what students are granted, and what of all this who may read, against a real Postgres.

use axum::http::Method;
use chrono::{Days, NaiveDate};
use futures::future::join_all;
use serde_json::{Value, json};
use service_kit::clock;
use service_kit::token::{Role, Roles};
use uuid::Uuid;

use crate::support::api::Client;
use crate::support::school::School;

fn today() -> NaiveDate {
    clock::now().with_timezone(&chrono_tz::Europe::London).date_naive()
}

/// A school with a student in a class, and somebody who answers for the student since a day.
struct Family {
    school: School,
    class: Uuid,
    student: Uuid,
    other: Uuid,
    enrollment: Uuid,
    link: Uuid,
    own: Client,
    guardian: Client,
}

impl Family {
    async fn open() -> Self {
        let school = School::open().await;
        let class = school.class(5, 0).await;
        let (student, user) = school.student("ada").await;
        let (other, _) = school.student("bob").await;
        let enrollment = school.enroll(class, student, "reject").await.expect(201).id();
        school.enroll(class, other, "reject").await.expect(201);
        let guardian = school.user("mother", json!([{"role": "GUARDIAN"}])).await;
        let link = json!({"guardianId": guardian, "studentId": student, "relationship": "PARENT"});
        let link = school.admin.post("/v1/guardian-links", link).await.expect(201).id();
        let own = school.as_user(Role::Student, user);
        let guardian = school.as_user(Role::Guardian, guardian);
        Self { school, class, student, other, enrollment, link, own, guardian }
    }

    fn paths(&self) -> [String; 5] {
        let (student, enrollment) = (self.student, self.enrollment);
        [
            format!("/v1/students/{student}"),
            format!("/v1/students/{student}/attendance-stats"),
            format!("/v1/enrollments/{enrollment}"),
            format!("/v1/enrollments/{enrollment}/progress"),
            format!("/v1/classes/{}/meetings", self.class),
        ]
    }
}

fn only(body: &Value, id: Uuid) -> bool {
    let items = body["items"].as_array().expect("a list");
    items.len() == 1 && items[0]["id"] == json!(id)
}

#[tokio::test]
async fn a_guardian_reads_the_students_things_and_nobody_elses() {
    let family = Family::open().await;
    for path in family.paths() {
        family.guardian.get(&path).await.expect(200);
        family.own.get(&path).await.expect(200);
    }
    for client in [&family.guardian, &family.own] {
        assert!(only(&client.get("/v1/students").await.expect(200).body, family.student));
        assert!(only(&client.get("/v1/enrollments").await.expect(200).body, family.enrollment));
        let theirs = format!("/v1/enrollments?studentId={}", family.other);
        assert_eq!(client.get(&theirs).await.expect(200).body["total"], 0);
        client.get(&format!("/v1/students/{}", family.other)).await.expect(403);
        client.get(&format!("/v1/students/{}/attendance-stats", family.other)).await.expect(403);
    }
    let drop = format!("/v1/enrollments/{}:drop", family.enrollment);
    family.guardian.post(&drop, json!({})).await.expect(403);
    let stranger = family.school.user("stranger", json!([])).await;
    let stranger = family.school.as_user(Role::Guardian, stranger);
    for path in family.paths() {
        let refused = stranger.get(&path).await;
        assert!(matches!(refused.status.as_u16(), 403 | 404), "{path}: {}", refused.body);
    }
    stranger.get("/v1/students").await.expect(403);
    family.school.close().await;
}

#[tokio::test]
async fn a_guardian_answers_from_the_first_day_to_the_last() {
    let family = Family::open().await;
    let [path, ..] = family.paths();
    let link = format!("/v1/guardian-links/{}", family.link);
    let (yesterday, tomorrow) = (today() - Days::new(1), today() + Days::new(1));
    for (from, until, status) in [
        (json!(tomorrow), json!(null), 403),
        (json!(null), json!(yesterday), 403),
        (json!(today()), json!(today()), 200),
        (json!(null), json!(null), 200),
    ] {
        let change = json!({"from": from, "until": until});
        family.school.patch(&link, change).await.expect(200);
        family.guardian.get(&path).await.expect(status);
    }
    let turned = json!({"from": tomorrow, "until": yesterday});
    let refused = family.school.patch(&link, turned).await.expect(400);
    assert_eq!(refused.body["errors"][0]["pointer"], "/until");
    family.school.delete(&link).await.expect(204);
    family.guardian.get(&path).await.expect(403);
    family.school.close().await;
}

#[tokio::test]
async fn of_a_guardian_and_a_student_there_is_one_link_and_both_are_there() {
    let family = Family::open().await;
    let school = &family.school;
    let link = format!("/v1/guardian-links/{}", family.link);
    let made = school.admin.get(&link).await.expect(200).body;
    let again = json!({"guardianId": made["guardianId"], "studentId": family.student,
        "relationship": "SPONSOR"});
    let taken = school.admin.post("/v1/guardian-links", again).await.expect(409);
    assert_eq!(taken.code(), "link-taken");
    for (member, pointer) in [("guardianId", "/guardianId"), ("studentId", "/studentId")] {
        let mut adrift = json!({"guardianId": made["guardianId"], "studentId": family.other,
            "relationship": "OTHER"});
        adrift[member] = json!(Uuid::now_v7());
        let unknown = school.admin.post("/v1/guardian-links", adrift).await.expect(404);
        assert_eq!(unknown.body["errors"][0]["pointer"], pointer);
    }
    let listed = format!("/v1/guardian-links?studentId={}", family.student);
    assert!(only(&school.admin.get(&listed).await.expect(200).body, family.link));
    family.guardian.get("/v1/guardian-links").await.expect(403);
    school
        .delete(&format!("/v1/users/{}", made["guardianId"].as_str().expect("an id")))
        .await
        .expect(409);
    family.school.close().await;
}

#[tokio::test]
async fn a_token_with_two_roles_may_what_either_may() {
    let family = Family::open().await;
    let school = &family.school;
    let instructor = school.user("teacher", json!([])).await;
    let staff = format!("/v1/classes/{}/staff", family.class);
    school.admin.post(&staff, json!({"userId": instructor})).await.expect(201);
    let path = format!("/v1/enrollments/{}", family.enrollment);
    school.as_user(Role::Instructor, instructor).get(&path).await.expect(200);
    school.as_user(Role::Student, instructor).get(&path).await.expect(403);
    let both = Roles::from(Role::Student).with(Role::Instructor);
    let both = school.served.client_with(school.institution, both, instructor);
    both.get(&path).await.expect(200);
    let own = format!("/v1/students/{}", family.student);
    both.get(&own).await.expect(403);
    family.school.close().await;
}

#[tokio::test]
async fn students_and_guardians_read_the_user_that_they_are() {
    let family = Family::open().await;
    let school = &family.school;
    let user = school.user("plain", json!([])).await;
    let path = format!("/v1/users/{user}");
    for (role, status) in [
        (Role::Student, 200),
        (Role::Guardian, 200),
        (Role::Staff, 200),
        (Role::Instructor, 403),
        (Role::ApiClient, 403),
    ] {
        school.as_user(role, user).get(&path).await.expect(status);
    }
    family.own.get(&path).await.expect(403);
    family.guardian.get(&format!("/v1/users/{}", Uuid::now_v7())).await.expect(403);
    family.school.close().await;
}

#[tokio::test]
async fn what_a_student_is_granted_is_the_familys_and_stays_out_of_events() {
    let family = Family::open().await;
    let [path, ..] = family.paths();
    let granted = json!({"extraTimePercent": 25, "breaks": true, "notes": "MARKER"});
    let change = json!({"accommodations": granted});
    family.school.patch(&path, change).await.expect(200);
    for client in [&family.own, &family.guardian, &family.school.admin] {
        assert_eq!(client.get(&path).await.expect(200).body["accommodations"], granted);
    }
    for (wrong, pointer) in [
        (json!({"extraTimePercent": 301}), "/accommodations/extraTimePercent"),
        (json!({"extraTimePercent": -1}), "/accommodations/extraTimePercent"),
        (json!({"quiet": true}), "/accommodations/quiet"),
    ] {
        let refused =
            family.school.patch(&path, json!({"accommodations": wrong})).await.expect(400);
        assert_eq!(refused.body["errors"][0]["pointer"], pointer, "{}", refused.body);
    }
    let events = "SELECT count(*) FROM outbox_events WHERE payload::text LIKE '%MARKER%'";
    assert_eq!(family.school.count(events).await, 0);
    let partly = json!({"accommodations": {"extraTimePercent": 50}});
    let partly = family.school.patch(&path, partly).await.expect(200);
    let expected = json!({"extraTimePercent": 50, "breaks": false, "notes": ""});
    assert_eq!(partly.body["accommodations"], expected);
    let bulk = json!({"items": [{"studentNo": "N", "givenName": "N", "familyName": "N",
        "accommodations": {"breaks": true}}]});
    let made = family.school.admin.post("/v1/students:bulk", bulk).await.expect(200);
    let made = made.body["items"][0]["id"].as_str().expect("an id").to_owned();
    let made = family.school.admin.get(&format!("/v1/students/{made}")).await.expect(200);
    assert_eq!(made.body["accommodations"]["breaks"], true);
    let nothing = family.school.patch(&path, json!({"accommodations": null})).await.expect(200);
    assert_eq!(nothing.body["accommodations"], Value::Null);
    family.school.close().await;
}

async fn unit(school: &School, code: &str, parent: Option<Uuid>) -> Uuid {
    let unit = json!({"code": code, "name": code, "parentId": parent});
    school.admin.post("/v1/org-units", unit).await.expect(201).id()
}

#[tokio::test]
async fn org_units_are_a_tree_whoever_turns_it_around() {
    let school = School::open().await;
    let top = unit(&school, "TOP", None).await;
    let middle = unit(&school, "MIDDLE", Some(top)).await;
    let bottom = unit(&school, "BOTTOM", Some(middle)).await;
    let path = |unit: Uuid| format!("/v1/org-units/{unit}");
    for below in [top, middle, bottom] {
        let refused = school.patch(&path(top), json!({"parentId": below})).await.expect(422);
        assert_eq!(refused.code(), "org-unit-cycle");
    }
    school.patch(&path(bottom), json!({"parentId": top, "name": "Bottom"})).await.expect(200);
    school.delete(&path(top)).await.expect(409);
    let unknown =
        school.patch(&path(bottom), json!({"parentId": Uuid::now_v7()})).await.expect(404);
    assert_eq!(unknown.body["errors"][0]["pointer"], "/parentId");
    let taken = json!({"code": "TOP", "name": "x"});
    assert_eq!(school.admin.post("/v1/org-units", taken).await.expect(409).code(), "code-taken");
    let below = school.admin.get(&format!("/v1/org-units?parentId={top}")).await.expect(200);
    assert_eq!(below.body["total"], 2);

    for turn in 0..5 {
        let (one, other) = (
            unit(&school, &format!("A{turn}"), None).await,
            unit(&school, &format!("B{turn}"), None).await,
        );
        let under = |unit: Uuid, parent: Uuid| {
            let (admin, path) = (school.admin.clone(), path(unit));
            async move {
                let body = Some(json!({"parentId": parent}));
                admin.send(Method::PATCH, &path, body, &[]).await.status.as_u16()
            }
        };
        let mut done = join_all([under(one, other), under(other, one)]).await;
        done.sort_unstable();
        assert_eq!(done, [200, 422], "each is put under the other at once");
    }
    school.close().await;
}

#[tokio::test]
async fn users_are_found_by_role_and_org_unit() {
    let school = School::open().await;
    let (physics, chemistry) = (unit(&school, "PHY", None).await, unit(&school, "CHE", None).await);
    let ada = school
        .user("ada", json!([{"role": "INSTRUCTOR", "orgUnitId": physics}, {"role": "STAFF"}]))
        .await;
    let bob = school.user("bob", json!([{"role": "INSTRUCTOR", "orgUnitId": chemistry}])).await;
    school.user("eve", json!([])).await;
    let found = async |query: String| -> Vec<Value> {
        let listed = school.admin.get(&format!("/v1/users?{query}&sort=familyName")).await;
        let items = listed.expect(200).body["items"].clone();
        items.as_array().expect("users").iter().map(|user| user["id"].clone()).collect()
    };
    assert_eq!(found("role=INSTRUCTOR".to_owned()).await, [json!(ada), json!(bob)]);
    assert_eq!(found("role=STAFF".to_owned()).await, [json!(ada)]);
    assert_eq!(found(format!("orgUnitId={chemistry}")).await, [json!(bob)]);
    assert_eq!(found(format!("role=INSTRUCTOR&orgUnitId={physics}")).await, [json!(ada)]);
    let unknown = format!("/v1/users?orgUnitId={}", Uuid::now_v7());
    assert_eq!(school.admin.get(&unknown).await.expect(404).code(), "not-found");
    school.admin.get("/v1/users?role=KING").await.expect(400);
    let read = school.admin.get(&format!("/v1/users/{ada}")).await.expect(200);
    assert_eq!(read.body["roles"][0]["orgUnitId"], json!(physics));
    let adrift = json!({"roles": [{"role": "STAFF", "orgUnitId": Uuid::now_v7()}]});
    let adrift = school.patch(&format!("/v1/users/{ada}"), adrift).await.expect(404);
    assert_eq!(adrift.body["errors"][0]["pointer"], "/roles");
    school.delete(&format!("/v1/org-units/{physics}")).await.expect(409);
    school.close().await;
}

/// What rows relate is worth what the token's role makes of it.
#[tokio::test]
async fn a_relation_counts_only_under_the_role_of_the_token() {
    let family = Family::open().await;
    let school = &family.school;
    let [student, _, enrollment, ..] = family.paths();
    let id = |body: &Value, name: &str| -> Uuid {
        body[name].as_str().and_then(|id| id.parse().ok()).expect("an id")
    };
    let link = school.admin.get(&format!("/v1/guardian-links/{}", family.link)).await.expect(200);
    let mother = id(&link.body, "guardianId");
    let ada = id(&school.admin.get(&student).await.expect(200).body, "userId");
    for (role, user, path) in [
        (Role::Student, mother, &student),
        (Role::Student, mother, &enrollment),
        (Role::Instructor, mother, &enrollment),
        (Role::Guardian, ada, &student),
        (Role::Guardian, ada, &enrollment),
    ] {
        let refused = school.as_user(role, user).get(path).await;
        assert_eq!(refused.status.as_u16(), 403, "{role} {path}: {}", refused.body);
    }
    let [.., hours] = family.paths();
    for (role, user) in [(Role::Student, mother), (Role::Guardian, ada)] {
        school.as_user(role, user).get(&hours).await.expect(404);
    }
    for list in ["/v1/students", "/v1/enrollments"] {
        school.as_user(Role::Student, mother).get(list).await.expect(403);
        school.as_user(Role::Guardian, ada).get(list).await.expect(403);
    }
    family.school.close().await;
}

/// The dates of a link stand in two statements: of things of a student, and of those of a class.
#[tokio::test]
async fn a_classs_hours_are_a_guardians_from_the_first_day_to_the_last() {
    let family = Family::open().await;
    let [.., hours] = family.paths();
    let link = format!("/v1/guardian-links/{}", family.link);
    let (yesterday, tomorrow) = (today() - Days::new(1), today() + Days::new(1));
    for (from, until, status) in [
        (json!(tomorrow), json!(null), 404),
        (json!(null), json!(yesterday), 404),
        (json!(today()), json!(today()), 200),
    ] {
        let change = json!({"from": from, "until": until});
        family.school.patch(&link, change).await.expect(200);
        family.guardian.get(&hours).await.expect(status);
    }
    family.school.delete(&link).await.expect(204);
    family.guardian.get(&hours).await.expect(404);
    family.school.close().await;
}
