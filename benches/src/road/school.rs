//! Institutions with programs, classes and students, and the requests that their users make.

use anyhow::Context as _;
use serde_json::{Value, json};
use tokio::task::JoinSet;
use uuid::Uuid;

use crate::api::{Api, id_of};
use crate::load::{Requests, caller};
use crate::platform::Platform;

const INSTITUTIONS: usize = 24;
/// So many that no user comes near the requests that one may make in a minute.
const USERS: usize = 60;
const PROGRAMS: usize = 60;
const CLASSES: usize = 8;
const STUDENTS: usize = 3_000;
const BULK: usize = 500;
const NEW_PROGRAMS: usize = 500;

/// One institution.
#[derive(Debug)]
struct School {
    /// The headers of each of its users.
    users: Vec<String>,
    programs: Vec<Uuid>,
    classes: Vec<Uuid>,
    students: Vec<Uuid>,
}

/// All of them.
#[derive(Debug)]
pub(super) struct Schools {
    schools: Vec<School>,
}

impl Schools {
    /// Makes them, several at once.
    pub(super) async fn open(platform: &Platform) -> anyhow::Result<Self> {
        let mut open = JoinSet::new();
        for number in 0..INSTITUTIONS {
            let id = platform.institution(&format!("bench-{number}")).await?;
            let api = Api::new(platform, id)?;
            let user = || caller(&platform.token(id, Uuid::new_v4()), id);
            let users: Vec<String> = (0..USERS).map(|_| user()).collect();
            open.spawn(async move { School::open(&api, users).await });
        }
        let mut schools = Vec::new();
        while let Some(school) = open.join_next().await {
            schools.push(school??);
        }
        Ok(Self { schools })
    }

    pub(super) fn count(&self) -> usize {
        self.schools.len()
    }

    pub(super) fn users(&self) -> usize {
        self.schools.len() * USERS
    }

    /// A program of each institution, again and again by all its users.
    pub(super) fn programs(&self) -> Requests {
        self.requests(USERS, |school, turn| {
            (format!("/v1/programs/{}", school.programs[turn % 4]), None)
        })
    }

    pub(super) fn lists(&self) -> Requests {
        self.requests(USERS, |_, _| ("/v1/programs?page=1&limit=50".to_owned(), None))
    }

    /// The `round`th part of all students, each once.
    pub(super) fn students(&self, round: usize, rounds: usize) -> Requests {
        let each = STUDENTS / rounds;
        self.requests(each, |school, turn| {
            (format!("/v1/students/{}", school.students[round * each + turn]), None)
        })
    }

    /// The `round`th part of all pairs of a class and a student, each once.
    pub(super) fn enrolments(&self, round: usize, rounds: usize) -> Requests {
        let each = STUDENTS / rounds * CLASSES;
        self.requests(each, |school, turn| {
            let pair = round * each + turn;
            let class = school.classes[pair % CLASSES];
            let body = json!({"studentId": school.students[pair / CLASSES]});
            (format!("/v1/classes/{class}/enrollments"), Some(body))
        })
    }

    pub(super) fn new_programs(&self, round: usize) -> Requests {
        self.requests(NEW_PROGRAMS, |_, turn| {
            let number = PROGRAMS + round * NEW_PROGRAMS + turn;
            ("/v1/programs".to_owned(), Some(program(number)))
        })
    }

    /// So many requests of each institution, the institutions in turns, each by its users in turns.
    fn requests(
        &self,
        each: usize,
        make: impl Fn(&School, usize) -> (String, Option<Value>),
    ) -> Requests {
        let mut requests = Requests::default();
        for turn in 0..each {
            for school in &self.schools {
                let (path, body) = make(school, turn);
                let post = body.map(|body| (Uuid::now_v7().to_string(), body.to_string()));
                let post = post.as_ref().map(|(key, body)| (key.as_str(), body.as_str()));
                requests.push(&path, &school.users[turn % USERS], post);
            }
        }
        requests
    }
}

impl School {
    async fn open(api: &Api, users: Vec<String>) -> anyhow::Result<Self> {
        for code in ["CS101", "CS102"] {
            let course = json!({"code": code, "title": "A course", "credits": "30"});
            api.make("/v1/courses", &course).await?;
        }
        let mut programs = Vec::new();
        for number in 0..PROGRAMS {
            programs.push(api.make("/v1/programs", &program(number)).await?);
        }
        let classes = classes(api).await?;
        let students = students(api).await?;
        Ok(Self { users, programs, classes, students })
    }
}

/// A program with a curriculum of two courses that are there; all programs share one template.
fn program(number: usize) -> Value {
    let template = json!({
        "code": "CS", "version": 1, "years": 1, "creditsRequired": "60",
        "items": [
            {"course": "CS101", "year": 1, "term": 1},
            {"course": "CS102", "year": 1, "term": 2, "prerequisites": ["CS101"]},
        ],
    });
    let template = if number == 0 { template } else { json!({"code": "CS", "version": 1}) };
    json!({
        "code": format!("P-{number}"), "name": "BSc Computing", "curriculumTemplate": template,
        "termSystem": "SEMESTER", "termsPerYear": 2, "weeksPerTerm": 15,
    })
}

async fn classes(api: &Api) -> anyhow::Result<Vec<Uuid>> {
    let course = json!({"code": "M1", "title": "Mathematics", "credits": "30"});
    let course = api.make("/v1/courses", &course).await?;
    let term =
        json!({"code": "T1", "name": "T1", "startsOn": "2026-09-01", "endsOn": "2026-12-14"});
    let term = api.make("/v1/terms", &term).await?;
    let mut classes = Vec::new();
    for number in 0..CLASSES {
        let class = json!({
            "courseId": course, "termId": term, "code": format!("M1-{number}"), "capacity": STUDENTS,
        });
        classes.push(api.make("/v1/classes", &class).await?);
    }
    Ok(classes)
}

async fn students(api: &Api) -> anyhow::Result<Vec<Uuid>> {
    let mut students = Vec::new();
    for first in (0..STUDENTS).step_by(BULK) {
        let student = |number| json!({"studentNo": format!("S-{number}"), "givenName": "Ada", "familyName": "Lovelace"});
        let items: Vec<Value> = (first..first + BULK).map(student).collect();
        let made = api.post("/v1/students:bulk", &json!({ "items": items })).await?;
        let rows = made["items"].as_array().context("no rows")?;
        students.extend(rows.iter().map(id_of).collect::<Result<Vec<_>, _>>()?);
    }
    Ok(students)
}
