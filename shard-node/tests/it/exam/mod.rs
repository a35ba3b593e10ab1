//! Assessments from the draft to the release of scores, through HTTP against a real Postgres.

mod key;
mod late;
mod lifecycle;
mod logs;
mod regrade;
mod release;
mod review;
mod sitting;
mod sweep;
mod who;

use std::time::{Duration, Instant};

use axum::http::Method;
use chrono::{DateTime, TimeDelta, Utc};
use serde_json::{Value, json};
use service_kit::clock;
use service_kit::token::Role;
use shard_node::jobs::JobSettings;
use uuid::Uuid;

use crate::support::Shard;
use crate::support::api::{Answer, Client, Plan, Served};
use crate::support::directory::FakeDirectory;
use crate::support::school::School;

/// Every attempt that is under way ends in the past, and the jobs that hand it in are due.
const TIME_IS_UP: &str = "WITH ended AS (
        UPDATE assessment_submissions SET deadline_at = now() - interval '10 seconds'
        WHERE status = 'IN_PROGRESS' RETURNING id)
    UPDATE jobs SET run_at = now() FROM ended WHERE type = 'ATTEMPT_ENDED' AND unique_key = ended.id::text
        AND state = 'QUEUED'";

/// A student with a client of their own.
struct Sitter {
    student: Uuid,
    user: Uuid,
    enrollment: Uuid,
    client: Client,
}

/// A class with students and who teaches it, and a bank of questions.
struct Exam {
    school: School,
    class: Uuid,
    bank: Uuid,
    teacher: Client,
    teacher_user: Uuid,
    sitters: Vec<Sitter>,
}

/// An instant so many seconds from now.
fn at(seconds: i64) -> DateTime<Utc> {
    clock::now() + TimeDelta::seconds(seconds)
}

/// A question that only `true` answers.
fn true_false() -> Value {
    json!({"type": "TRUE_FALSE", "answer": true})
}

/// A blueprint of named questions, 10 points each.
fn fixed(questions: &[Uuid]) -> Value {
    let items: Vec<Value> =
        questions.iter().map(|id| json!({"questionId": id, "points": "10"})).collect();
    json!({"sections": [{"kind": {"type": "FIXED", "items": items}}]})
}

impl Exam {
    /// With so many students.
    async fn open(students: u32) -> Self {
        Self::in_school(School::open_working(None).await, students).await
    }

    /// The same, with a Redis.
    async fn open_with(students: u32, redis: &str) -> Self {
        let shard = Shard::create().await;
        let institution = shard.admit().await;
        let mut plan = Plan::new(&shard, FakeDirectory::start().await);
        plan.jobs = JobSettings::default();
        redis.clone_into(&mut plan.redis);
        let served = plan.serve().await;
        served.until_leased().await;
        let admin = served.admin(institution);
        Self::in_school(School { shard, served, institution, admin }, students).await
    }

    /// Another node, which does what this one leaves undone.
    async fn another_node(&self) -> Served {
        let plan = Plan::new(&self.school.shard, FakeDirectory::start().await);
        let second = Plan { jobs: JobSettings::default(), ..plan }.serve().await;
        second.until_leased().await;
        second
    }

    async fn in_school(school: School, students: u32) -> Self {
        let class = school.class(1_000, 0).await;
        let bank = json!({"name": "Bank"});
        let bank = school.admin.post("/v1/question-banks", bank).await.expect(201).id();
        let teacher_user = school.user("teacher", json!([{"role": "INSTRUCTOR"}])).await;
        let staff = format!("/v1/classes/{class}/staff");
        let _member = school.admin.post(&staff, json!({"userId": teacher_user})).await;
        let teacher = school.as_user(Role::Instructor, teacher_user);
        let mut exam = Self { school, class, bank, teacher, teacher_user, sitters: Vec::new() };
        for number in 0..students {
            let (student, user) = exam.school.student(&format!("S{number}")).await;
            let enrollment = exam.school.enroll(class, student, "reject").await.expect(201).id();
            let client = exam.school.as_user(Role::Student, user);
            exam.sitters.push(Sitter { student, user, enrollment, client });
        }
        exam
    }

    /// Another class, of the teacher and of a student who assists there, with the student's client by both roles.
    async fn second_class(&self, assistant: &Sitter) -> (Client, Uuid) {
        let admin = &self.school.admin;
        let first = admin.get(&format!("/v1/classes/{}", self.class)).await.expect(200).body;
        let class = json!({"courseId": first["courseId"], "termId": first["termId"], "code": "CS101-B",
            "capacity": 10});
        let class = admin.post("/v1/classes", class).await.expect(201).id();
        for user in [self.teacher_user, assistant.user] {
            let staff = format!("/v1/classes/{class}/staff");
            admin.post(&staff, json!({"userId": user})).await.expect(201);
        }
        let both = [Role::Student, Role::Instructor].into_iter().collect();
        let client = self.school.served.client_with(self.school.institution, both, assistant.user);
        (client, class)
    }

    /// A question of the bank.
    async fn question(&self, body: Value) -> Uuid {
        self.question_with(json!({"statement": "What is right?", "body": body})).await
    }

    async fn question_with(&self, members: Value) -> Uuid {
        let mut question = json!({"bankId": self.bank, "title": "Q"});
        for (name, value) in members.as_object().expect("members") {
            question[name] = value.clone();
        }
        self.school.admin.post("/v1/questions", question).await.expect(201).id()
    }

    /// A draft, as the teacher makes it.
    async fn draft(&self, blueprint: Value, more: Value) -> Uuid {
        let mut new = json!({"classId": self.class, "title": "Exam", "gradingType": "AUTOMATED",
            "blueprint": blueprint});
        for (name, value) in more.as_object().expect("members") {
            new[name] = value.clone();
        }
        self.teacher.post("/v1/assessments", new).await.expect(201).id()
    }

    /// A published assessment.
    async fn published(&self, blueprint: Value, more: Value) -> Uuid {
        let assessment = self.draft(blueprint, more).await;
        self.until_materials(assessment, "READY").await;
        self.act(assessment, "publish").await.expect(200);
        assessment
    }

    /// A published assessment of so many questions that `true` answers, 10 points each.
    async fn simple(&self, questions: usize, more: Value) -> Uuid {
        let mut ids = Vec::new();
        for _ in 0..questions {
            ids.push(self.question(true_false()).await);
        }
        self.published(fixed(&ids), more).await
    }

    async fn act(&self, assessment: Uuid, verb: &str) -> Answer {
        self.teacher.post(&format!("/v1/assessments/{assessment}:{verb}"), json!({})).await
    }

    async fn assessment(&self, id: Uuid) -> Value {
        self.teacher.get(&format!("/v1/assessments/{id}")).await.expect(200).body
    }

    async fn until_materials(&self, assessment: Uuid, wanted: &str) -> Value {
        let path = format!("/v1/assessments/{assessment}/materials");
        until(async || {
            let found = self.teacher.get(&path).await.expect(200).body;
            if found["status"] == wanted { Ok(found) } else { Err(found) }
        })
        .await
    }

    /// The submission, once it stands there.
    async fn until_status(&self, submission: Uuid, wanted: &str) -> Value {
        until(async || {
            let found = self.submission(submission).await;
            if found["status"] == wanted { Ok(found) } else { Err(found) }
        })
        .await
    }

    async fn submission(&self, id: Uuid) -> Value {
        self.teacher.get(&format!("/v1/submissions/{id}")).await.expect(200).body
    }

    /// Gives a submission back to its student.
    async fn give_back(&self, submission: Uuid) -> Answer {
        let path = format!("/v1/submissions/{submission}:return");
        self.teacher.send(Method::POST, &path, Some(json!({})), &[("if-match", "*")]).await
    }

    /// The grade of a student in an assessment, as the database has it: score, deduction, and whether it is released.
    async fn grade(&self, assessment: Uuid, student: Uuid) -> Option<(String, String, bool)> {
        let mut watcher = self.school.shard.connect("postgres").await;
        sqlx::query_as(
            "SELECT trim_scale(score)::text, trim_scale(late_deduction)::text, released_at IS NOT NULL
             FROM grades WHERE assessment_id = $1 AND student_id = $2",
        )
        .bind(assessment)
        .bind(student)
        .fetch_optional(&mut watcher)
        .await
        .expect("a grade")
    }

    async fn close(self) {
        self.school.close().await;
    }
}

/// What is there once it is as wanted.
async fn until<T, E: std::fmt::Debug>(look: impl AsyncFn() -> Result<T, E>) -> T {
    let began = Instant::now();
    loop {
        match look().await {
            Ok(found) => return found,
            Err(found) => {
                assert!(began.elapsed() < Duration::from_mins(1), "it stays {found:?}");
                tokio::time::sleep(Duration::from_millis(20)).await;
            }
        }
    }
}

impl Sitter {
    async fn start(&self, assessment: Uuid) -> Answer {
        self.client.post(&format!("/v1/assessments/{assessment}/attempts"), json!({})).await
    }

    /// Saves answers over a version.
    async fn save(&self, attempt: Uuid, version: i64, answers: Value) -> Answer {
        let path = format!("/v1/attempts/{attempt}/answers");
        let version = format!("\"{version}\"");
        let body = Some(json!({"answers": answers}));
        self.client.send(Method::PUT, &path, body, &[("if-match", &version)]).await
    }

    /// Hands in, over whatever was saved.
    async fn submit(&self, attempt: Uuid, answers: Option<Value>) -> Answer {
        self.submit_over(attempt, answers, &[("if-match", "*")]).await
    }

    async fn submit_over(
        &self,
        attempt: Uuid,
        answers: Option<Value>,
        headers: &[(&str, &str)],
    ) -> Answer {
        let path = format!("/v1/attempts/{attempt}:submit");
        let body = answers.map_or_else(|| json!({}), |answers| json!({"answers": answers}));
        self.client.send(Method::POST, &path, Some(body), headers).await
    }

    /// Begins, answers and hands in.
    async fn sit(&self, assessment: Uuid, answers: Value) -> Uuid {
        let attempt = self.start(assessment).await.expect(201).id();
        self.submit(attempt, Some(answers)).await.expect(200);
        attempt
    }
}
