//! An institution with an admin, and what most tests need in it.

use std::time::{Duration, Instant};

use axum::http::Method;
use serde_json::{Value, json};
use service_kit::token::Role;
use shard_map::InstitutionId;
use shard_node::jobs::Mode;
use shard_node::mail::MailSettings;
use uuid::Uuid;

use super::Shard;
use super::api::{Answer, Client, Plan, Served};
use super::directory::FakeDirectory;

/// Seats that are held, by the enrolments themselves.
pub(crate) const HELD: &str = "SELECT count(*) FROM enrollments WHERE status IN ('ACTIVE', 'OFFERED', 'SUSPENDED', 'COMPLETED')";
/// Seats that the classes count.
pub(crate) const TAKEN: &str = "SELECT sum(seats_taken)::bigint FROM classes";

/// How long a job may take to be done, on a busy machine.
const PATIENCE: Duration = Duration::from_mins(1);

/// An institution on a shard of its own, with its admin.
pub(crate) struct School {
    pub(crate) shard: Shard,
    pub(crate) served: Served,
    pub(crate) institution: InstitutionId,
    pub(crate) admin: Client,
}

impl School {
    pub(crate) async fn open() -> Self {
        let shard = Shard::create().await;
        let institution = shard.admit().await;
        let served = Served::start(&shard, 6).await;
        let admin = served.admin(institution);
        Self { shard, served, institution, admin }
    }

    /// One whose jobs are done; its mail leaves where that is said.
    pub(crate) async fn open_working(mail: Option<MailSettings>) -> Self {
        let shard = Shard::create().await;
        let institution = shard.admit().await;
        let mut plan = Plan::new(&shard, FakeDirectory::start().await);
        plan.jobs.mode = Mode::Both;
        plan.mail = mail;
        let served = plan.serve().await;
        served.until_leased().await;
        let admin = served.admin(institution);
        Self { shard, served, institution, admin }
    }

    pub(crate) async fn close(self) {
        drop(self.served);
        self.shard.drop_database().await;
    }

    pub(crate) async fn patch(&self, path: &str, body: Value) -> Answer {
        self.admin.send(Method::PATCH, path, Some(body), &[]).await
    }

    pub(crate) async fn delete(&self, path: &str) -> Answer {
        self.admin.send(Method::DELETE, path, None, &[]).await
    }

    /// A course and a term, for classes.
    pub(crate) async fn course_and_term(&self) -> (Uuid, Uuid) {
        let course = json!({"code": "CS101", "title": "Computing", "credits": "30"});
        let term =
            json!({"code": "T1", "name": "T1", "startsOn": "2026-09-01", "endsOn": "2026-12-14"});
        let course = self.admin.post("/v1/courses", course).await.expect(201).id();
        (course, self.admin.post("/v1/terms", term).await.expect(201).id())
    }

    /// A class of the course and term that are made with it.
    pub(crate) async fn class(&self, capacity: u32, waitlist: u32) -> Uuid {
        let (course, term) = self.course_and_term().await;
        let class = json!({"courseId": course, "termId": term, "code": "CS101-A", "capacity": capacity,
            "waitlistCapacity": waitlist});
        self.admin.post("/v1/classes", class).await.expect(201).id()
    }

    /// So many students, in the order of their numbers.
    pub(crate) async fn students(&self, count: u32) -> Vec<Uuid> {
        let student = |number| json!({"studentNo": format!("N-{number:04}"), "givenName": "G", "familyName": "F"});
        let items: Vec<Value> = (0..count).map(student).collect();
        let answer =
            self.admin.post("/v1/students:bulk", json!({"items": items})).await.expect(200);
        let rows = answer.body["items"].as_array().expect("rows").iter();
        rows.map(|row| row["id"].as_str().and_then(|id| id.parse().ok()).expect("an id")).collect()
    }

    pub(crate) async fn enroll(&self, class: Uuid, student: Uuid, on_full: &str) -> Answer {
        let body = json!({"studentId": student, "onFull": on_full});
        self.admin.post(&format!("/v1/classes/{class}/enrollments"), body).await
    }

    pub(crate) async fn act(&self, enrollment: Uuid, verb: &str, body: Value) -> Answer {
        self.admin.post(&format!("/v1/enrollments/{enrollment}:{verb}"), body).await
    }

    pub(crate) async fn status(&self, enrollment: Uuid) -> Value {
        self.admin.get(&format!("/v1/enrollments/{enrollment}")).await.expect(200).body["status"]
            .clone()
    }

    /// A user with a name, an address and roles.
    pub(crate) async fn user(&self, name: &str, roles: Value) -> Uuid {
        let user = json!({"username": name, "email": format!("{name}@example.edu"), "givenName": name,
            "familyName": "F", "roles": roles});
        self.admin.post("/v1/users", user).await.expect(201).id()
    }

    /// A student with an address, and the user that it is.
    pub(crate) async fn student(&self, name: &str) -> (Uuid, Uuid) {
        let student = json!({"studentNo": name, "givenName": name, "familyName": "F",
            "email": format!("{name}@example.edu")});
        let made = self.admin.post("/v1/students", student).await.expect(201);
        let user = made.body["userId"].as_str().and_then(|id| id.parse().ok()).expect("a user");
        (made.id(), user)
    }

    /// A client with a user's own token.
    pub(crate) fn as_user(&self, role: Role, user: Uuid) -> Client {
        self.served.client(self.institution, role, Some(user))
    }

    /// Waits until the database gives this number.
    pub(crate) async fn until(&self, sql: &'static str, wanted: i64) {
        let began = Instant::now();
        loop {
            let found = self.count(sql).await;
            if found == wanted {
                return;
            }
            assert!(began.elapsed() < PATIENCE, "{sql}: {found}, not {wanted}");
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
    }

    /// Waits until no job is due, or under way.
    pub(crate) async fn until_idle(&self) {
        let due = "SELECT count(*) FROM jobs WHERE state = 'RUNNING' OR (state = 'QUEUED' AND run_at <= now())";
        self.until(due, 0).await;
    }

    /// A statement that a superuser runs beside the API.
    pub(crate) async fn run(&self, sql: &'static str) {
        let mut watcher = self.shard.connect("postgres").await;
        sqlx::query(sql).execute(&mut watcher).await.expect("run");
    }

    /// A number that the database gives.
    pub(crate) async fn count(&self, sql: &'static str) -> i64 {
        let mut watcher = self.shard.connect("postgres").await;
        sqlx::query_scalar(sql).fetch_one(&mut watcher).await.expect("a count")
    }
}
