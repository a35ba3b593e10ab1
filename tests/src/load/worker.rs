//! One caller: makes courses, changes them, reads them back.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use reqwest::Method;
use serde_json::{Value, json};

use super::Manner;
use super::history::{Op, Request};
use super::ledger::{Course, Fate};
use crate::{Answer, Client, Institution};

/// From one request to the next: a user may ask 1,000 times a minute.
pub(super) const PACE: Duration = Duration::from_millis(70);

/// A write with a key is asked for until it is settled, so long at the most.
const SETTLED_WITHIN: Duration = Duration::from_secs(40);

/// What is read without a session may be so much older than what was acknowledged.
const STALE_MAX: Duration = Duration::from_secs(1);

/// How many of its courses a worker goes on with.
const FRESH: usize = 8;

const SESSION: &str = "lxp-session";

/// What one worker did.
pub(super) struct Outcome {
    pub(super) requests: Vec<Request>,
    pub(super) wrong: Vec<String>,
    pub(super) courses: Vec<Course>,
}

pub(super) struct Worker {
    client: Client,
    institution: Institution,
    number: usize,
    begun: Instant,
    /// `Lxp-Deadline-Ms` of each request.
    deadline_ms: Option<String>,
    pace: Duration,
    /// The newest session that was answered.
    session: Option<String>,
    outcome: Outcome,
}

impl Worker {
    pub(super) fn new(
        client: Client,
        institution: Institution,
        number: usize,
        begun: Instant,
        manner: &Manner,
    ) -> Self {
        let outcome = Outcome { requests: Vec::new(), wrong: Vec::new(), courses: Vec::new() };
        let deadline_ms = manner.deadline.map(|deadline| deadline.as_millis().to_string());
        let pace = manner.pace;
        Self { client, institution, number, begun, deadline_ms, pace, session: None, outcome }
    }

    /// Of ten requests six read, two change, two make: one with a key, one without.
    pub(super) async fn run(mut self, stop: Arc<AtomicBool>) -> Outcome {
        let mut turn = self.number;
        while !stop.load(Ordering::Relaxed) {
            let next = Instant::now() + self.pace;
            match turn % 10 {
                0 => self.make(true).await,
                5 => self.make(false).await,
                2 | 7 => self.change(turn).await,
                4 => self.list().await,
                1 | 3 => self.read(turn, false).await,
                _ => self.read(turn, true).await,
            }
            turn += 1;
            tokio::time::sleep_until(next.into()).await;
        }
        self.outcome
    }

    async fn make(&mut self, keyed: bool) {
        let count = self.outcome.courses.len();
        let code = format!("W{}-{count}", self.number);
        let body = json!({"code": code, "title": "1"});
        let answer = if keyed { self.settle(&code, &body).await } else { self.plain(&body).await };
        let known = answer.as_ref().filter(|answer| answer.status == 201);
        let fate = match (known, answer.as_ref()) {
            (Some(_), _) => Fate::Acknowledged,
            (None, Some(answer)) if is_unknown(answer) => Fate::Unknown,
            (None, Some(_)) => Fate::Refused,
            (None, None) => Fate::Unknown,
        };
        self.outcome.courses.push(Course {
            institution: self.institution.id,
            id: known.map(Answer::id),
            fate,
            changes: known.map(|_| (Instant::now(), 1)).into_iter().collect(),
            newest: 1,
            tag: known.and_then(tag),
            was_unknown: false,
            code,
        });
    }

    async fn plain(&mut self, body: &Value) -> Option<Answer> {
        Some(self.ask(Op::Plain, Method::POST, "/v1/courses", Some(body.clone()), &[]).await)
    }

    /// A write with a key, sent until it is known what became of it: that is what the key is for.
    async fn settle(&mut self, key: &str, body: &Value) -> Option<Answer> {
        let begun = Instant::now();
        while begun.elapsed() < SETTLED_WITHIN {
            let headers = [("idempotency-key", key)];
            let body = Some(body.clone());
            let answer = self.ask(Op::Keyed, Method::POST, "/v1/courses", body, &headers).await;
            let open = answer.status >= 500 || answer.status == 0 || answer.status == 429;
            if !open && answer.code() != "idempotency-in-flight" {
                if answer.status != 201 {
                    let (status, code) = (answer.status, answer.code());
                    self.outcome.wrong.push(format!("{key}: its key ended with {status} {code}"));
                }
                return Some(answer);
            }
            tokio::time::sleep(PACE).await;
        }
        self.outcome.wrong.push(format!("{key}: not settled within {SETTLED_WITHIN:?}"));
        None
    }

    async fn change(&mut self, turn: usize) {
        let Some(index) = self.pick(turn) else { return };
        let Some(tag) = self.outcome.courses[index].tag.clone() else {
            return self.read(turn, true).await;
        };
        let course = &self.outcome.courses[index];
        let (path, next) = (path(course), course.newest + 1);
        let body = Some(json!({"title": next.to_string()}));
        let headers = [("if-match", tag.as_str())];
        let answer = self.ask(Op::Plain, Method::PATCH, &path, body, &headers).await;
        let course = &mut self.outcome.courses[index];
        match answer.status {
            200 => {
                course.changes.push((Instant::now(), next));
                course.newest = next;
                course.tag = self::tag(&answer);
            }
            412 if course.was_unknown => course.tag = None,
            412 => {
                let what = format!("{}: somebody else changed it", course.code);
                course.was_unknown = true;
                self.outcome.wrong.push(what);
            }
            _ if is_unknown(&answer) => {
                course.was_unknown = true;
                course.newest = next;
                course.tag = None;
            }
            _ => {}
        }
    }

    async fn list(&mut self) {
        let answer =
            self.ask(Op::Read, Method::GET, "/v1/courses?limit=5&sort=-createdAt", None, &[]).await;
        let made = self.outcome.courses.iter().any(|course| course.fate == Fate::Acknowledged);
        let empty = answer.body["items"].as_array().is_some_and(Vec::is_empty);
        if answer.status == 200 && empty && made {
            self.outcome.wrong.push("an empty list".to_owned());
        }
    }

    async fn read(&mut self, turn: usize, in_session: bool) {
        let Some(index) = self.pick(turn) else { return };
        let path = path(&self.outcome.courses[index]);
        let session = self.session.clone().filter(|_| in_session);
        let headers: Vec<_> = session.iter().map(|session| (SESSION, session.as_str())).collect();
        let began = Instant::now();
        let answer = self.ask(Op::Read, Method::GET, &path, None, &headers).await;
        let course = &mut self.outcome.courses[index];
        let low = match &session {
            Some(_) => course.acknowledged(),
            None => began.checked_sub(STALE_MAX).map_or(0, |then| course.acknowledged_by(then)),
        };
        let made_long_ago = low > 0;
        match (answer.status, answer.body["title"].as_str().and_then(|title| title.parse().ok())) {
            (200, Some(change)) if (low..=course.newest).contains(&change) => {
                course.found(change, tag(&answer));
            }
            (200, change) => {
                let newest = course.newest;
                let how = if session.is_some() { "in its session" } else { "without a session" };
                let what = format!("{}: {change:?} read {how}, not {low}..={newest}", course.code);
                self.outcome.wrong.push(what);
            }
            (404, _) if made_long_ago || session.is_some() => {
                let what = format!("{}: acknowledged, and not found", course.code);
                self.outcome.wrong.push(what);
            }
            _ => {}
        }
    }

    /// One of the newest courses that are there.
    fn pick(&self, turn: usize) -> Option<usize> {
        let courses = self.outcome.courses.iter().enumerate().rev();
        let fresh = courses.filter(|(_, course)| course.fate == Fate::Acknowledged).take(FRESH);
        let fresh: Vec<usize> = fresh.map(|(index, _)| index).collect();
        (!fresh.is_empty()).then(|| fresh[turn % fresh.len()])
    }

    /// Sends one request and records it.
    async fn ask(
        &mut self,
        op: Op,
        method: Method,
        path: &str,
        body: Option<Value>,
        headers: &[(&str, &str)],
    ) -> Answer {
        let mut headers = headers.to_vec();
        headers.extend(self.deadline_ms.as_deref().map(|ms| ("lxp-deadline-ms", ms)));
        let at = self.begun.elapsed();
        let answer = self.client.try_send(method, path, body, &headers).await;
        if let Some(session) = answer.headers.get(SESSION).and_then(|value| value.to_str().ok()) {
            self.session = Some(session.to_owned());
        }
        let request = Request::answered((self.begun, at), &self.institution, op, &answer);
        self.outcome.requests.push(request);
        answer
    }
}

fn path(course: &Course) -> String {
    format!("/v1/courses/{}", course.id.unwrap_or_default())
}

fn tag(answer: &Answer) -> Option<String> {
    answer.headers.get("etag").and_then(|tag| tag.to_str().ok()).map(str::to_owned)
}

/// The connection broke, or the answer says that nobody knows.
fn is_unknown(answer: &Answer) -> bool {
    matches!(answer.status, 0 | 500 | 502 | 504)
}
