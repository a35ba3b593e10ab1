//! One member of staff at a school that learns on: enrols, changes, withdraws and deletes, and reads it back. Nothing
//! may fail.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use reqwest::Method;
use serde_json::{Value, json};
use uuid::Uuid;

use super::history::{Op, Request};
use crate::{Answer, Client, Institution};

/// From one request to the next.
const PACE: Duration = Duration::from_millis(40);
/// Students of one bulk: their body is just under 64 KiB, which is what follows an institution.
const BULK: usize = 146;
/// A bulk comes once in so many rounds.
const BULK_EVERY: usize = 25;
/// No turn of a room is longer: one user of many may ask 1,000 times a minute.
const USERS: usize = 8;

/// What an institution must have: its students' family names and its enrolments' states, by id.
#[derive(Debug, Default)]
pub(super) struct Register {
    rows: BTreeMap<Uuid, String>,
    gone: Vec<Uuid>,
    pub(super) students: Vec<Uuid>,
}

impl Register {
    /// What is there.
    pub(super) async fn read(reader: &Client) -> Self {
        let (mut rows, mut students) = (BTreeMap::new(), Vec::new());
        for (list, field) in [("students", "familyName"), ("enrollments", "status")] {
            let mut cursor = Some(String::new());
            while let Some(from) = cursor {
                let path =
                    format!("/v1/{list}?limit=200&count=none&sort=id&select=id,{field}{from}");
                let page = reader.get_patiently(&path).await.expect(200).body;
                for row in page["items"].as_array().expect("items") {
                    let id = row["id"].as_str().and_then(|id| id.parse().ok()).expect("an id");
                    rows.insert(id, row[field].as_str().expect("a text").to_owned());
                    students.extend((list == "students").then_some(id));
                }
                cursor = page["nextCursor"].as_str().map(|next| format!("&cursor={next}"));
            }
        }
        Self { rows, gone: Vec::new(), students }
    }

    /// What has become of it.
    pub(super) fn apply(&mut self, later: Self) {
        self.rows.extend(later.rows);
        self.rows.retain(|id, _| !later.gone.contains(id));
    }

    /// Everything that is not as it must be.
    pub(super) fn differences(&self, found: &Self) -> Vec<String> {
        let ids =
            self.rows.keys().chain(found.rows.keys().filter(|id| !self.rows.contains_key(id)));
        let differing = ids.filter(|id| self.rows.get(id) != found.rows.get(id));
        let said = |id: &Uuid| {
            format!("{id}: acknowledged {:?}, found {:?}", self.rows.get(id), found.rows.get(id))
        };
        differing.map(said).collect()
    }
}

/// What one of them did.
#[derive(Debug, Default)]
pub(super) struct Done {
    pub(super) requests: Vec<Request>,
    pub(super) wrong: Vec<String>,
    pub(super) register: Register,
    pub(super) acknowledged: usize,
}

pub(super) struct Staff {
    /// Many users: none is to meet the limit of a user.
    users: Vec<Client>,
    institution: Institution,
    number: usize,
    begun: Instant,
    class: Uuid,
    /// Students that were there before, of whom nobody else changes these.
    loaded: Vec<Uuid>,
    done: Done,
}

impl Staff {
    pub(super) fn new(
        client: impl Fn() -> Client,
        institution: &Institution,
        number: usize,
        begun: Instant,
        (class, loaded): (Uuid, Vec<Uuid>),
    ) -> Self {
        let users = (0..USERS).map(|_| client()).collect();
        let institution = institution.clone();
        Self { users, institution, number, begun, class, loaded, done: Done::default() }
    }

    /// Students come, enrol, change their names, withdraw and go; those who were there change theirs.
    pub(super) async fn run(mut self, stop: Arc<AtomicBool>) -> Done {
        let mut turn = 0;
        while !stop.load(Ordering::Relaxed) && self.done.wrong.is_empty() {
            turn += 1;
            self.round(turn).await;
        }
        self.done
    }

    async fn round(&mut self, turn: usize) -> Option<()> {
        let name = |what: &str| format!("{what} {turn}");
        let no = format!("M{}-{turn}", self.number);
        let body = json!({"studentNo": no, "givenName": "New", "familyName": name("New")});
        let student = self.insert("/v1/students", body, &no).await?;
        self.expect(student, &name("New"));
        let body = json!({"studentId": student});
        let enrol = format!("/v1/classes/{}/enrollments", self.class);
        let enrolled = self.insert(&enrol, body, &format!("{no}-in")).await?;
        self.expect(enrolled, "ACTIVE");
        self.rename(student, &name("Changed")).await?;
        self.read(&format!("/v1/enrollments/{enrolled}"), "status", enrolled).await?;
        self.ask(Op::Read, Method::GET, &format!("{enrol}?limit=20"), None, 200).await?;
        if turn.is_multiple_of(2) {
            let path = format!("/v1/enrollments/{enrolled}:drop");
            self.ask(Op::Plain, Method::POST, &path, Some(json!({})), 200).await?;
            self.expect(enrolled, "DROPPED");
        }
        if let Some(loaded) = self.loaded.get(turn % self.loaded.len().max(1)).copied() {
            self.rename(loaded, &name("Since")).await?;
        }
        let no = format!("{no}-brief");
        let body = json!({"studentNo": no, "givenName": "New", "familyName": "Brief"});
        let brief = self.insert("/v1/students", body, &no).await?;
        self.expect(brief, "Brief");
        if !turn.is_multiple_of(3) {
            let path = format!("/v1/students/{brief}");
            self.ask(Op::Plain, Method::DELETE, &path, None, 204).await?;
            self.done.register.rows.remove(&brief);
            self.done.register.gone.push(brief);
            self.ask(Op::Read, Method::GET, &path, None, 404).await?;
        }
        if turn % BULK_EVERY == 1 {
            self.bulk(turn).await?;
        }
        Some(())
    }

    /// A body of almost 64 KiB.
    async fn bulk(&mut self, turn: usize) -> Option<()> {
        let family = format!("Bulk {turn} {}", "x".repeat(180));
        let row = |row: usize| {
            let no = format!("B{}-{turn}-{row}", self.number);
            json!({"studentNo": no, "givenName": "y".repeat(200), "familyName": family})
        };
        let body = json!({"items": (0..BULK).map(row).collect::<Vec<_>>()});
        let bytes = body.to_string().len();
        assert!((60_000..64 << 10).contains(&bytes), "{bytes}");
        let answer =
            self.ask(Op::Plain, Method::POST, "/v1/students:bulk", Some(body), 200).await?;
        for row in answer.body["items"].as_array().expect("rows") {
            match row["id"].as_str().and_then(|id| id.parse().ok()) {
                Some(id) if row["status"] == 201 => self.expect(id, &family),
                _ => self.done.wrong.push(format!("of a bulk: {row}")),
            }
        }
        Some(())
    }

    async fn insert(&mut self, path: &str, body: Value, key: &str) -> Option<Uuid> {
        let headers = [("idempotency-key", key)];
        let answer = self.send(Op::Keyed, Method::POST, path, Some(body), &headers).await;
        self.judge(path, answer, 201).map(|answer| answer.id())
    }

    async fn rename(&mut self, student: Uuid, name: &str) -> Option<()> {
        let path = format!("/v1/students/{student}");
        let body = json!({"familyName": name});
        self.ask(Op::Plain, Method::PATCH, &path, Some(body), 200).await?;
        self.expect(student, name);
        self.read(&path, "familyName", student).await
    }

    /// Nobody but this one writes it: what is read is what was acknowledged last.
    async fn read(&mut self, path: &str, field: &str, id: Uuid) -> Option<()> {
        let answer = self.ask(Op::Read, Method::GET, path, None, 200).await?;
        let wanted = self.done.register.rows.get(&id).cloned();
        if answer.body[field].as_str() != wanted.as_deref() {
            self.done.wrong.push(format!("{path}: read {}, not {wanted:?}", answer.body[field]));
        }
        Some(())
    }

    fn expect(&mut self, id: Uuid, what: &str) {
        self.done.acknowledged += 1;
        self.done.register.rows.insert(id, what.to_owned());
    }

    async fn ask(
        &mut self,
        op: Op,
        method: Method,
        path: &str,
        body: Option<Value>,
        status: u16,
    ) -> Option<Answer> {
        let answer = self.send(op, method, path, body, &[]).await;
        self.judge(path, answer, status)
    }

    fn judge(&mut self, path: &str, answer: Answer, status: u16) -> Option<Answer> {
        if answer.status == status {
            return Some(answer);
        }
        let (found, body) = (answer.status, &answer.body);
        self.done.wrong.push(format!("{path}: {found} instead of {status}: {body}"));
        None
    }

    async fn send(
        &mut self,
        op: Op,
        method: Method,
        path: &str,
        body: Option<Value>,
        headers: &[(&str, &str)],
    ) -> Answer {
        tokio::time::sleep(PACE).await;
        let user = &self.users[self.done.requests.len() % self.users.len()];
        let at = self.begun.elapsed();
        let answer = user.try_send(method, path, body, headers).await;
        let request = Request::answered((self.begun, at), &self.institution, op, &answer);
        self.done.requests.push(request);
        answer
    }
}
