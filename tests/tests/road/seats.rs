//! An enrolment opens: 300 tries for 60 seats, through the router over the two nodes of one shard.

use std::collections::{BTreeMap, HashSet};

use futures::future::join_all;
use lxp_tests::{Answer, Client, Platform};
use reqwest::Method;
use serde_json::{Value, json};
use uuid::Uuid;

const SEATS: usize = 60;
const TRIES: u32 = 300;

/// A class of 60 seats that lets 100 wait, and the students that want in.
async fn class_and_students(admin: &Client) -> (Uuid, Vec<Uuid>) {
    let course =
        admin.post("/v1/courses", json!({"code": "C1", "title": "Wanted"})).await.expect(201).id();
    let term =
        json!({"code": "T1", "name": "T1", "startsOn": "2026-09-01", "endsOn": "2026-12-14"});
    let term = admin.post("/v1/terms", term).await.expect(201).id();
    let class = json!({"courseId": course, "termId": term, "code": "C1-A", "capacity": SEATS,
        "waitlistCapacity": 100});
    let class = admin.post("/v1/classes", class).await.expect(201).id();
    let student =
        |number| json!({"studentNo": format!("S{number}"), "givenName": "G", "familyName": "F"});
    let items: Vec<Value> = (0..TRIES).map(student).collect();
    let made = admin.post("/v1/students:bulk", json!({"items": items})).await.expect(200);
    let rows = made.body["items"].as_array().expect("rows").iter();
    (
        class,
        rows.map(|row| row["id"].as_str().and_then(|id| id.parse().ok()).expect("an id")).collect(),
    )
}

/// One student's try, sent twice at once under one key; only "it is still running" is asked again: a 503 is a
/// failure.
async fn enroll(admin: &Client, class: Uuid, student: Uuid, waits: bool) -> Answer {
    let path = format!("/v1/classes/{class}/enrollments");
    let body = json!({"studentId": student, "onFull": if waits { "waitlist" } else { "reject" }});
    let key = student.to_string();
    let once = || async {
        for _ in 0..50 {
            let headers = [("idempotency-key", key.as_str())];
            let answer = admin.send(Method::POST, &path, Some(body.clone()), &headers).await;
            if answer.code() != "idempotency-in-flight" {
                return answer;
            }
        }
        panic!("{student} was put off 50 times");
    };
    let (first, second) = futures::future::join(once(), once()).await;
    if first.status < 300 {
        assert_eq!(first.body["id"], second.body["id"], "two enrolments under one key");
    }
    first
}

#[tokio::test]
async fn sixty_of_three_hundred_get_a_seat() {
    let platform = Platform::shared();
    let institution = platform.institution(Some("shard-a")).await;
    let admin = platform.admin(institution.id);
    let (class, students) = class_and_students(&admin).await;

    let tries = students
        .iter()
        .enumerate()
        .map(|(number, student)| enroll(&admin, class, *student, number % 2 == 0));
    let answers = join_all(tries).await;
    let mut outcomes: BTreeMap<(u16, String), usize> = BTreeMap::new();
    for answer in &answers {
        *outcomes.entry((answer.status, answer.code().to_owned())).or_default() += 1;
    }
    let seated = outcomes.get(&(201, String::new())).copied().unwrap_or_default();
    assert_eq!(seated, SEATS, "{outcomes:?}");
    let expected = [(201, ""), (202, ""), (409, "class-full")];
    assert!(
        outcomes.keys().all(|(status, code)| expected.contains(&(*status, code))),
        "{outcomes:?}"
    );

    // Read through the guard of both nodes, past their caches.
    let list = admin
        .get(&format!("/v1/classes/{class}/enrollments?status=ACTIVE&limit=200"))
        .await
        .expect(200);
    let active = list.body["items"].as_array().expect("items");
    let distinct: HashSet<_> = active.iter().map(|row| row["studentId"].to_string()).collect();
    assert_eq!((active.len(), distinct.len()), (SEATS, SEATS));
    let all = admin.get(&format!("/v1/enrollments?classId={class}&limit=1")).await.expect(200);
    let waiting = outcomes.get(&(202, String::new())).copied().unwrap_or_default();
    assert_eq!(all.body["total"], SEATS + waiting);
    let page = admin.get("/v1/classes?select=seatsTaken").await.expect(200);
    assert_eq!(page.body["items"][0]["seatsTaken"], SEATS);
}
