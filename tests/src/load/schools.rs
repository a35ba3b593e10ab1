//! Schools that learn on while something is done to them: what they have afterwards is what was acknowledged.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Instant;

use serde_json::json;
use service_kit::token::Role;
use tokio::task::JoinSet;
use uuid::Uuid;

use super::History;
use super::school::{Done, Register, Staff};
use crate::{Client, Institution, Platform};

/// At work until they are stopped.
pub struct Schools {
    stop: Arc<AtomicBool>,
    /// By the place of the institution.
    staff: JoinSet<(usize, Done)>,
    /// What each has at the beginning, and who reads it.
    before: Vec<(Register, Client)>,
}

impl Schools {
    /// So many members of staff at each institution; its students are there already.
    pub async fn open(
        platform: &Platform,
        institutions: &[Institution],
        staff_each: usize,
    ) -> Self {
        let (begun, stop) = (Instant::now(), Arc::new(AtomicBool::new(false)));
        let (mut staff, mut before) = (JoinSet::new(), Vec::new());
        for (place, institution) in institutions.iter().enumerate() {
            let admin = platform.admin(institution.id);
            let class = class(&admin).await;
            let there = Register::read(&admin).await;
            let students = &there.students;
            for number in 0..staff_each {
                let client = || {
                    let token = platform.token_of(institution.id, Role::Admin, Uuid::now_v7());
                    Client::new(platform.router(), &token)
                };
                let own = students.iter().skip(number).step_by(staff_each).copied().collect();
                let one = Staff::new(client, institution, number, begun, (class, own));
                let stop = Arc::clone(&stop);
                staff.spawn(async move { (place, one.run(stop).await) });
            }
            before.push((there, admin));
        }
        Self { stop, staff, before }
    }

    /// Stops them, and compares what is there with what was acknowledged.
    pub async fn close(mut self) -> History {
        self.stop.store(true, Ordering::Relaxed);
        let (mut requests, mut wrong, mut acknowledged) = (Vec::new(), Vec::new(), 0);
        while let Some(ended) = self.staff.join_next().await {
            let (place, done) = ended.expect("a member of staff");
            requests.extend(done.requests);
            wrong.extend(done.wrong);
            acknowledged += done.acknowledged;
            self.before[place].0.apply(done.register);
        }
        for (expected, reader) in &self.before {
            wrong.extend(expected.differences(&Register::read(reader).await));
        }
        requests.sort_by_key(|request| request.at);
        History { requests, wrong, acknowledged }
    }
}

/// A class into which many may come.
async fn class(admin: &Client) -> Uuid {
    let course = json!({"code": "OPEN", "title": "Open"});
    let course = admin.post("/v1/courses", course).await.expect(201).id();
    let term =
        json!({"code": "NOW", "name": "Now", "startsOn": "2026-09-01", "endsOn": "2026-12-14"});
    let term = admin.post("/v1/terms", term).await.expect(201).id();
    let class = json!({"courseId": course, "termId": term, "code": "OPEN-1", "capacity": 10_000});
    admin.post("/v1/classes", class).await.expect(201).id()
}
