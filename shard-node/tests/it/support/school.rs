//! An institution with an admin, and what most tests need in it.

use axum::http::Method;
use serde_json::{Value, json};
use shard_map::InstitutionId;
use shard_node::jobs::JobSettings;
use uuid::Uuid;

use super::Shard;
use super::api::{Answer, Client, Plan, Served};
use super::directory::FakeDirectory;

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

    /// The same on a node that does jobs.
    pub(crate) async fn open_working() -> Self {
        let shard = Shard::create().await;
        let institution = shard.admit().await;
        let mut plan = Plan::new(&shard, FakeDirectory::start().await);
        plan.jobs = JobSettings::default();
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

    /// A number that the database gives.
    pub(crate) async fn count(&self, sql: &'static str) -> i64 {
        let mut watcher = self.shard.connect("postgres").await;
        sqlx::query_scalar(sql).fetch_one(&mut watcher).await.expect("a count")
    }
}
