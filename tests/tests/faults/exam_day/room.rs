//! A class with its students, an exam, and what must be found of it afterwards.

use chrono::{DateTime, Utc};
use lxp_tests::{Client, Institution, Own};
use reqwest::Method;
use serde_json::{Value, json};
use service_kit::token::Role;
use uuid::Uuid;

use super::student::Sat;

/// Questions of the exam: each student answers those with an even number right.
pub(super) const ITEMS: usize = 10;

pub(super) struct Room {
    pub(super) institution: Institution,
    /// A student each.
    pub(super) clients: Vec<Client>,
    pub(super) items: i64,
    /// Each may ask 1,000 times a minute.
    admins: Vec<Client>,
    class: Uuid,
    questions: Vec<Uuid>,
}

impl Room {
    pub(super) async fn open(platform: &Own, students: usize) -> Self {
        let institution = platform.institution(Some("shard-a")).await;
        let admin = platform.admin(institution.id);
        let term =
            json!({"code": "T", "name": "T", "startsOn": "2026-09-01", "endsOn": "2026-12-14"});
        let term = admin.post("/v1/terms", term).await.expect(201).id();
        let course =
            admin.post("/v1/courses", json!({"code": "C", "title": "C"})).await.expect(201).id();
        let class = json!({"courseId": course, "termId": term, "code": "A", "capacity": students});
        let class = admin.post("/v1/classes", class).await.expect(201).id();
        let users = enrol(&admin, class, students).await;
        let token = |user: &Uuid| platform.token_of(institution.id, Role::Student, *user);
        let clients = users.iter().map(|user| admin.with_token(&token(user))).collect();
        let bank = admin.post("/v1/question-banks", json!({"name": "B"})).await.expect(201).id();
        let mut questions = Vec::new();
        for number in 0..ITEMS {
            let body = json!({"type": "TRUE_FALSE", "answer": true});
            let question = json!({"bankId": bank, "title": number.to_string(), "statement": "Is it?", "body": body});
            questions.push(admin.post("/v1/questions", question).await.expect(201).id());
        }
        let items = i64::try_from(ITEMS).expect("a number");
        let other = |_| {
            let token = platform.token_of(institution.id, Role::Admin, Uuid::now_v7());
            admin.with_token(&token)
        };
        let admins = (0..8).map(other).collect();
        Self { institution, clients, items, admins, class, questions }
    }

    /// An exam that is published now and ends then.
    pub(super) async fn publish(&self, deadline: DateTime<Utc>) -> Uuid {
        let items: Vec<Value> =
            self.questions.iter().map(|id| json!({"questionId": id, "points": "1"})).collect();
        let blueprint = json!({"sections": [{"kind": {"type": "FIXED", "items": items}}]});
        let exam = json!({"classId": self.class, "title": "Exam", "gradingType": "AUTOMATED", "closesAt": deadline,
            "blueprint": blueprint});
        let admin = &self.admins[0];
        let exam = admin.post("/v1/assessments", exam).await.expect(201).id();
        let path = format!("/v1/assessments/{exam}:publish");
        for _ in 0..100 {
            let published = admin.post(&path, json!({})).await;
            if published.status == 200 {
                return exam;
            }
            assert_eq!(published.code(), "materials-not-ready", "{}", published.body);
            tokio::time::sleep(std::time::Duration::from_millis(100)).await;
        }
        panic!("the materials are not made");
    }

    /// What a student has acknowledged is what was graded, and the receipt is good.
    pub(super) async fn expect_kept(&self, sat: &Sat) {
        let admin = &self.admins[usize::from(sat.attempt.as_bytes()[15]) % self.admins.len()];
        let path = format!("/v1/submissions/{}", sat.attempt);
        let found = admin.get(&path).await.expect(200).body;
        let answers = &found["answers"];
        assert!(sat.may_be(answers), "{answers} is kept, {sat:?} was acknowledged");
        let right =
            answers.as_object().into_iter().flatten().filter(|(_, value)| **value == json!(true));
        let score: f64 =
            found["score"].as_str().and_then(|score| score.parse().ok()).expect("a score");
        let right = u32::try_from(right.count()).map(f64::from).expect("a number");
        assert!((score - right).abs() < 1e-9, "{found}");
        let Some(receipt) = &sat.receipt else { return };
        assert_eq!(found["submittedBy"], "STUDENT");
        let verify = format!("{path}/receipt:verify");
        let verdict =
            admin.send(Method::POST, &verify, Some(json!({"receipt": receipt})), &[]).await;
        assert_eq!(verdict.expect(200).body["valid"], true, "{receipt}");
    }
}

/// Makes students in the class; answers their users.
async fn enrol(admin: &Client, class: Uuid, students: usize) -> Vec<Uuid> {
    let (mut users, mut made) = (Vec::new(), 0);
    while made < students {
        let numbers = made..students.min(made + 200);
        made = numbers.end;
        let student = |number: usize| json!({"studentNo": format!("S{number}"), "givenName": "G", "familyName": "F"});
        let items: Vec<Value> = numbers.map(student).collect();
        let body = json!({"atomic": true, "items": items});
        let rows = admin.post("/v1/students:bulk", body).await.expect(200).body["items"].clone();
        let rows = rows.as_array().expect("rows").iter();
        let seats: Vec<Value> = rows.map(|row| json!({"studentId": row["id"]})).collect();
        let path = format!("/v1/classes/{class}/enrollments:bulk");
        let seated = admin.post(&path, json!({"atomic": true, "items": seats})).await;
        let _seated = seated.expect(200);
    }
    let mut path = "/v1/students?limit=200&select=id,userId&count=none".to_owned();
    loop {
        let page = admin.get(&path).await.expect(200).body;
        let rows = page["items"].as_array().expect("rows").iter();
        users.extend(rows.map(|row| -> Uuid {
            row["userId"].as_str().and_then(|id| id.parse().ok()).expect("a user")
        }));
        let Some(next) = page["nextCursor"].as_str() else { return users };
        path = format!("/v1/students?limit=200&select=id,userId&count=none&cursor={next}");
    }
}
