//! Grades, gradebooks and results through HTTP, against a real Postgres.

mod automatic;
mod bulk;
mod results;
mod roles;
mod totals;
mod versions;

use axum::http::Method;
use rust_decimal::Decimal;
use serde::Deserialize;
use serde_json::{Value, json};
use service_kit::token::Role;
use shard_node::domain::grades::{AutomaticGrade, Recorded, record_automatic, release};
use shard_node::jobs::{self, Failure, Handler, Job, Mode};
use shard_node::operation::Work;
use uuid::Uuid;

use crate::support::Shard;
use crate::support::api::{Answer, Client, Plan};
use crate::support::directory::FakeDirectory;
use crate::support::school::School;

/// A class with its students, and assessments of it.
pub(super) struct Book {
    pub(super) school: School,
    pub(super) class: Uuid,
    pub(super) students: Vec<Uuid>,
}

impl Book {
    /// So many students of one class.
    pub(super) async fn open(count: u32) -> Self {
        let shard = Shard::create().await;
        let institution = shard.admit().await;
        let mut plan = Plan::new(&shard, FakeDirectory::start().await);
        plan.jobs.mode = Mode::Both;
        plan.handlers = Box::new(handlers);
        let served = plan.serve().await;
        served.until_leased().await;
        let admin = served.admin(institution);
        let school = School { shard, served, institution, admin };
        let (class, students) = (school.class(100, 0).await, school.students(count).await);
        let items: Vec<Value> =
            students.iter().map(|student| json!({"studentId": student})).collect();
        let path = format!("/v1/classes/{class}/enrollments:bulk");
        school.admin.post(&path, json!({"atomic": true, "items": items})).await.expect(200);
        Self { school, class, students }
    }

    /// A published assessment of the class, made beside the API.
    pub(super) async fn assessment(&self, title: &str, points: i32) -> Uuid {
        self.assessment_with(title, points, "MANUAL", "IMMEDIATE").await
    }

    /// The same, graded and released in another way.
    pub(super) async fn assessment_with(
        &self,
        title: &str,
        points: i32,
        grading: &str,
        release: &str,
    ) -> Uuid {
        let id = Uuid::now_v7();
        let mut watcher = self.school.shard.connect("postgres").await;
        sqlx::query(
            "INSERT INTO assessments (institution_id, id, class_id, title, grading_type, status, points_possible,
                                      release_policy, published_at)
             VALUES ($1, $2, $3, $4, $5, 'PUBLISHED', $6, $7, now())",
        )
        .bind(self.school.institution.as_uuid())
        .bind(id)
        .bind(self.class)
        .bind(title)
        .bind(grading)
        .bind(points)
        .bind(release)
        .execute(&mut watcher)
        .await
        .expect("an assessment");
        id
    }

    /// Changes a thing beside the API.
    pub(super) async fn alter(&self, sql: &'static str, id: Uuid) {
        let mut watcher = self.school.shard.connect("postgres").await;
        sqlx::query(sql).bind(id).execute(&mut watcher).await.expect("altered");
    }

    /// A submission of a student, made beside the API.
    pub(super) async fn submission(&self, assessment: Uuid, student: Uuid, attempt: i32) -> Uuid {
        let id = Uuid::now_v7();
        let mut watcher = self.school.shard.connect("postgres").await;
        sqlx::query(
            "INSERT INTO assessment_submissions (institution_id, id, assessment_id, class_id, enrollment_id, student_id,
                 attempt, revision, items, status, started_at, submitted_at, submitted_by, answers_hash, receipt)
             SELECT e.institution_id, $2, $3, e.class_id, e.id, e.student_id, $5, 1, 1, 'SUBMITTED', now(), now(),
                    'STUDENT', sha256('a'), sha256('b')
             FROM enrollments e WHERE e.institution_id = $1 AND e.student_id = $4",
        )
        .bind(self.school.institution.as_uuid())
        .bind(id)
        .bind(assessment)
        .bind(student)
        .bind(attempt)
        .execute(&mut watcher)
        .await
        .expect("a submission");
        id
    }

    pub(super) fn path(&self, rest: &str) -> String {
        format!("/v1/classes/{}{rest}", self.class)
    }

    pub(super) async fn give(&self, items: Value) -> Answer {
        self.school.admin.post(&self.path("/grades:bulk"), json!({"items": items})).await
    }

    /// Gives a score, and answers the grade's id.
    pub(super) async fn score(&self, assessment: Uuid, student: Uuid, score: &str) -> Uuid {
        let item = json!({"studentId": student, "assessmentId": assessment, "score": score});
        let answer = self.give(json!([item])).await.expect(200);
        assert_eq!(answer.body["items"][0]["status"], 201, "{}", answer.body);
        id(&answer.body["items"][0]["id"])
    }

    pub(super) async fn grade(&self, id: Uuid) -> Value {
        self.school.admin.get(&format!("/v1/grades/{id}")).await.expect(200).body
    }

    /// A student's row of the gradebook.
    pub(super) async fn row(&self, student: Uuid) -> Value {
        let path = self.path(&format!("/gradebook?studentId={student}"));
        self.school.admin.get(&path).await.expect(200).body["items"][0].clone()
    }

    /// An instructor, who teaches the class or does not.
    pub(super) async fn instructor(&self, teaches: bool) -> Client {
        let name = format!("i-{}", Uuid::new_v4().simple());
        let user = self.school.user(&name, json!([{"role": "INSTRUCTOR"}])).await;
        if teaches {
            let path = self.path("/staff");
            self.school.admin.post(&path, json!({"userId": user})).await.expect(201);
        }
        self.school.as_user(Role::Instructor, user)
    }

    /// The user that a student is.
    pub(super) async fn user_of(&self, student: Uuid) -> Uuid {
        let path = format!("/v1/students/{student}");
        id(&self.school.admin.get(&path).await.expect(200).body["userId"])
    }

    /// A client of the user that a student is.
    pub(super) async fn client_of(&self, student: Uuid) -> Client {
        self.school.as_user(Role::Student, self.user_of(student).await)
    }

    /// Has a job done that calls what assessments call.
    pub(super) async fn job(&self, kind: &str, payload: Value) {
        let mut watcher = self.school.shard.connect("postgres").await;
        let job = Uuid::now_v7();
        sqlx::query(
            "INSERT INTO jobs (institution_id, id, type, payload, attempts_max, run_at, priority)
             VALUES ($1, $2, $3, $4, 1, now(), 0)",
        )
        .bind(self.school.institution.as_uuid())
        .bind(job)
        .bind(kind)
        .bind(payload)
        .execute(&mut watcher)
        .await
        .expect("queued");
        self.school.until_idle().await;
        let state: String = sqlx::query_scalar("SELECT state FROM jobs WHERE id = $1")
            .bind(job)
            .fetch_one(&mut watcher)
            .await
            .expect("a job");
        assert_eq!(state, "DONE", "{kind}");
    }

    /// Records an automatic grade by a job; answers nothing: what became of it is read.
    pub(super) async fn automatic(
        &self,
        assessment: Uuid,
        student: Uuid,
        score: &str,
        shows: bool,
    ) {
        let attempt = self.school.count("SELECT count(*) FROM assessment_submissions").await + 1;
        let attempt = i32::try_from(attempt).expect("small");
        let submission = self.submission(assessment, student, attempt).await;
        let payload = json!({"classId": self.class, "studentId": student, "assessmentId": assessment,
            "submissionId": submission, "score": score, "released": shows});
        self.job(TEST_RECORD, payload).await;
    }
}

pub(super) fn id(value: &Value) -> Uuid {
    value.as_str().and_then(|id| id.parse().ok()).unwrap_or_else(|| panic!("no id: {value}"))
}

pub(super) fn statuses(answer: &Answer) -> Vec<i64> {
    let rows = answer.body["items"].as_array().expect("rows").iter();
    rows.map(|row| row["status"].as_i64().expect("a status")).collect()
}

pub(super) fn codes(answer: &Answer) -> Vec<&str> {
    let rows = answer.body["items"].as_array().expect("rows").iter();
    rows.map(|row| row["error"]["code"].as_str().unwrap_or_default()).collect()
}

/// Changes a grade, as somebody who has read a version of it.
pub(super) async fn patch(client: &Client, grade: Uuid, version: i64, body: Value) -> Answer {
    let tag = format!("\"{version}\"");
    let path = format!("/v1/grades/{grade}");
    client.send(Method::PATCH, &path, Some(body), &[("if-match", &tag)]).await
}

const TEST_RECORD: &str = "TEST_RECORD";
pub(super) const TEST_RELEASE: &str = "TEST_RELEASE";

/// The product's handlers, and two that do what assessments do.
fn handlers() -> Vec<Handler> {
    let mut handlers = jobs::handlers();
    handlers.push(Handler::effect(TEST_RECORD, |work, job| Box::pin(record(work, job))));
    handlers.push(Handler::effect(TEST_RELEASE, |work, job| Box::pin(show(work, job))));
    handlers
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Given {
    class_id: Uuid,
    student_id: Uuid,
    assessment_id: Uuid,
    submission_id: Uuid,
    score: Decimal,
    released: bool,
}

async fn record(work: &mut Work, job: &Job) -> Result<(), Failure> {
    let given: Given = job.decode()?;
    let grade = || AutomaticGrade {
        class_id: given.class_id,
        student_id: given.student_id,
        assessment_id: given.assessment_id,
        submission_id: given.submission_id,
        score: given.score,
        possible: Decimal::ONE_HUNDRED,
        late_deduction: Decimal::ZERO,
        grader_version: "1".to_owned(),
        released: given.released,
    };
    let first = record_automatic(work, grade()).await?;
    // Whatever it was, once more it changes nothing.
    let second = record_automatic(work, grade()).await?;
    match (first, second) {
        (Recorded::Written | Recorded::Unchanged, Recorded::Unchanged) => Ok(()),
        (kept, again) if kept == again => Ok(()),
        other => Err(Failure::fail(format!("{other:?}"))),
    }
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Shown {
    assessment_id: Uuid,
}

async fn show(work: &mut Work, job: &Job) -> Result<(), Failure> {
    let Shown { assessment_id } = job.decode()?;
    release(work, assessment_id).await?;
    Ok(())
}
