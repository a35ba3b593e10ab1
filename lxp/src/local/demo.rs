//! What a newcomer finds in the demo institution: a program with two courses, this year's terms, a class, three
//! students, one of them enrolled. Made through the router's public API alone.
//!
//! What must stay true: each step asks first what is there (by source and external id), so that it is made once.

use std::path::Path;

use anyhow::Context as _;
use chrono::{Datelike as _, NaiveDate, TimeDelta};
use serde_json::{Value, json};
use service_kit::token::Role;
use shard_map::InstitutionId;

use crate::failure::Failure;
use crate::load::api::{Page, Router, Session};
use crate::token::mint_for_role;

/// What the rows say of where they come from.
const SOURCE: &str = "demo";

const CALLS_AT_ONCE: usize = 4;
const TOKEN_TTL: TimeDelta = TimeDelta::minutes(5);

/// Years begin on the 1st of September: the term system that a program gets where it names no other.
const YEAR_BEGINS_IN: u32 = 9;

const STUDENTS: [(&str, &str, &str); 3] =
    [("D-1", "Ada", "Lovelace"), ("D-2", "Alan", "Turing"), ("D-3", "Grace", "Hopper")];

/// Makes what is missing.
pub(crate) async fn make(
    key: &Path,
    router: &str,
    institution: InstitutionId,
) -> anyhow::Result<()> {
    let token = mint_for_role(key, institution, Role::Admin, None, TOKEN_TTL)?;
    let session = Router::new(router, CALLS_AT_ONCE)?.session("demo", &token)?;
    let program = ensure(&session, "/v1/programs", program()).await?;
    let program: Value = get(&session, &format!("/v1/programs/{}", text(&program, "/id")?)).await?;
    let class = match find(&session, "/v1/classes", "CS101-A").await? {
        Some(class) => class,
        None => make_class(&session, &program).await?,
    };
    let program_id = text(&program, "/id")?;
    let students =
        STUDENTS.map(|student| ensure(&session, "/v1/students", person(student, program_id)));
    let students = futures::future::try_join_all(students).await?;
    let enrolled = json!({"studentId": text(&students[0], "/id")?});
    post(&session, &format!("/v1/classes/{}/enrollments", text(&class, "/id")?), &enrolled).await?;
    Ok(())
}

fn program() -> Value {
    let course = |code: &str, title: &str| json!({"code": code, "title": title, "credits": "30"});
    json!({
        "code": "BSC-CS", "name": "BSc Computing", "source": SOURCE, "externalId": "BSC-CS",
        "termSystem": "SEMESTER", "termsPerYear": 2, "weeksPerTerm": 15,
        "curriculumTemplate": {
            "code": "CS", "version": 1, "years": 1, "creditsRequired": "60",
            "items": [
                {"newCourse": course("CS101", "Introduction to Computing"), "year": 1, "term": 1},
                {"newCourse": course("CS102", "Data Structures"), "year": 1, "term": 2,
                 "prerequisites": ["CS101"]},
            ],
        },
    })
}

fn person((number, given, family): (&str, &str, &str), program: &str) -> Value {
    json!({
        "studentNo": number, "givenName": given, "familyName": family, "programId": program,
        "email": format!("{}@example.edu", given.to_lowercase()), "source": SOURCE, "externalId": number,
    })
}

async fn make_class(session: &Session, program: &Value) -> anyhow::Result<Value> {
    let today = service_kit::clock::now().date_naive();
    let term = term_at(session, text(program, "/termSystem/id")?, today).await?;
    let class = json!({
        "courseId": text(program, "/curriculum/items/0/courseId")?, "termId": term,
        "code": "CS101-A", "capacity": 60, "waitlistCapacity": 20,
        "source": SOURCE, "externalId": "CS101-A",
    });
    ensure(session, "/v1/classes", class).await
}

/// The term of today, else the next one; terms are made a year at a time.
async fn term_at(session: &Session, system: &str, today: NaiveDate) -> anyhow::Result<String> {
    let begun = if today.month() < YEAR_BEGINS_IN { today.year() - 1 } else { today.year() };
    for year in [begun, begun + 1] {
        let path = format!("/v1/term-systems/{system}:generate");
        let terms = post(session, &path, &json!({"year": year})).await?;
        let items = terms["items"].as_array().context("the generated terms are no list")?;
        // Dates in ISO 8601 are in order as texts are.
        let until = today.to_string();
        let current = |term: &&Value| term["endsOn"].as_str().is_some_and(|last| last >= &*until);
        if let Some(term) = items.iter().find(current) {
            return Ok(text(term, "/id")?.to_owned());
        }
    }
    anyhow::bail!("no term ends after {today}")
}

/// Finds what has the external id of `wanted`, or makes it.
async fn ensure(session: &Session, path: &str, wanted: Value) -> anyhow::Result<Value> {
    match find(session, path, text(&wanted, "/externalId")?).await? {
        Some(found) => Ok(found),
        None => post(session, path, &wanted).await,
    }
}

async fn find(session: &Session, path: &str, external_id: &str) -> anyhow::Result<Option<Value>> {
    let query = [("source", SOURCE), ("externalId", external_id)];
    let page: Page<Value> = session.list(path, &query).await.map_err(Failure::from)?;
    Ok(page.items.into_iter().next())
}

async fn get(session: &Session, path: &str) -> anyhow::Result<Value> {
    Ok(session.get(path).await.map_err(Failure::from)?)
}

async fn post(session: &Session, path: &str, body: &Value) -> anyhow::Result<Value> {
    Ok(session.post(path, body).await.map_err(Failure::from)?)
}

fn text<'v>(value: &'v Value, pointer: &str) -> anyhow::Result<&'v str> {
    value
        .pointer(pointer)
        .and_then(Value::as_str)
        .with_context(|| format!("the API's answer has no {pointer}"))
}
