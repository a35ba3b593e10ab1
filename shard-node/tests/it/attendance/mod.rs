//! Attendance through HTTP, against a real Postgres.

mod check_in;
mod codes;
mod marks;
mod sessions;
mod stats;

use std::time::{Duration, Instant};

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
