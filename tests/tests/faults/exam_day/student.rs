//! One student: begins, saves again and again, and hands in or is swept; whatever breaks meanwhile.

use std::time::{Duration, Instant};

use lxp_tests::{Answer, Client};
use reqwest::Method;
use serde_json::{Map, Value, json};
use uuid::Uuid;

use super::Day;
use super::room::ITEMS;

/// Between two tries of what was not answered.
const AGAIN: Duration = Duration::from_millis(200);

/// After the deadline nobody answers any more; it is asked for so long.
const PATIENCE: Duration = Duration::from_secs(20);

/// What a student knows at the end.
#[derive(Debug, Clone)]
pub(super) struct Sat {
    pub(super) attempt: Uuid,
    /// Saves that were acknowledged.
    pub(super) acknowledged: usize,
    /// The receipt, if it was handed in.
    pub(super) receipt: Option<Value>,
    /// The answers that were acknowledged last.
    last: Value,
    /// What was sent after that, and may or may not have arrived.
    open: Vec<Value>,
}

impl Sat {
    /// Whether these may be the answers that are kept.
    pub(super) fn may_be(&self, answers: &Value) -> bool {
        *answers == self.last || self.open.contains(answers)
    }
}

/// Sits the exam; every third hands in, the others leave it to the sweep.
pub(super) async fn sit(
    client: Client,
    number: usize,
    assessment: Uuid,
    day: Day,
    deadline: Instant,
) -> Sat {
    let share = f64::from(u32::try_from(number).unwrap_or(0))
        / f64::from(u32::try_from(day.students).unwrap_or(1));
    tokio::time::sleep(day.beginning.mul_f64(share)).await;
    let begun = begin(&client, assessment, deadline).await;
    let mut student = Student {
        client,
        sat: Sat {
            attempt: begun.id(),
            acknowledged: 0,
            receipt: None,
            last: json!({}),
            open: Vec::new(),
        },
        version: begun.body["rowVersion"].as_i64().expect("a version"),
        rounds: number,
        deadline,
    };
    let hands_in = number.is_multiple_of(3);
    let before = if hands_in { day.rush.mul_f64(1.0 - share) } else { Duration::ZERO };
    let until = deadline.checked_sub(before).unwrap_or(deadline);
    while Instant::now() + day.every < until {
        tokio::time::sleep(day.every).await;
        student.save().await;
    }
    if hands_in {
        tokio::time::sleep_until(until.into()).await;
        student.hand_in().await;
    }
    student.sat
}

/// Beginning again gives the attempt that was begun.
async fn begin(client: &Client, assessment: Uuid, deadline: Instant) -> Answer {
    let path = format!("/v1/assessments/{assessment}/attempts");
    loop {
        let answer = client.try_send(Method::POST, &path, Some(json!({})), &[]).await;
        if matches!(answer.status, 200 | 201) {
            return answer;
        }
        assert!(is_open(&answer), "{}", answer.body);
        assert!(Instant::now() < deadline, "nobody can begin: {}", answer.body);
        tokio::time::sleep(AGAIN).await;
    }
}

/// Whether it may have been done, or may be done later.
fn is_open(answer: &Answer) -> bool {
    answer.status == 0 || answer.status == 429 || answer.status >= 500
}

struct Student {
    client: Client,
    sat: Sat,
    version: i64,
    rounds: usize,
    deadline: Instant,
}

impl Student {
    fn path(&self, rest: &str) -> String {
        format!("/v1/attempts/{}{rest}", self.sat.attempt)
    }

    /// Other answers each time: some right, some wrong, some blank.
    fn answers(&mut self) -> Value {
        self.rounds += 7;
        let of = |item: usize| (self.rounds.wrapping_mul(31) >> (item % 8)) % 3;
        let answered = (1..=ITEMS).filter(|item| of(*item) > 0);
        let answers: Map<String, Value> =
            answered.map(|item| (format!("i{item}"), json!(of(item) == 1))).collect();
        Value::Object(answers)
    }

    /// Saves once, until it is known what became of it, or the time is up.
    async fn save(&mut self) {
        let answers = self.answers();
        while Instant::now() < self.deadline {
            self.sat.open.push(answers.clone());
            let version = format!("\"{}\"", self.version);
            let body = Some(json!({"answers": answers}));
            let path = self.path("/answers");
            let headers = [("if-match", version.as_str())];
            let answer = self.client.try_send(Method::PUT, &path, body, &headers).await;
            match answer.status {
                200 => {
                    self.sat.last = answer.body["answers"].clone();
                    self.version = answer.body["rowVersion"].as_i64().expect("a version");
                    self.sat.open.clear();
                    self.sat.acknowledged += 1;
                    return;
                }
                // It arrived after all, or the deadline was set anew: what is kept is read, and gone on from.
                412 => self.read().await,
                409 => return,
                _ => assert!(is_open(&answer), "{}", answer.body),
            }
            tokio::time::sleep(AGAIN).await;
        }
    }

    async fn read(&mut self) {
        let answer = self.client.try_send(Method::GET, &self.path("/answers"), None, &[]).await;
        if answer.status == 200 && answer.body["status"] == "IN_PROGRESS" {
            assert!(
                self.sat.may_be(&answer.body["answers"]),
                "{} is read, {:?}",
                answer.body,
                self.sat
            );
            // What is open may still arrive, until a save has gone over it.
            self.sat.last = answer.body["answers"].clone();
            self.version = answer.body["rowVersion"].as_i64().expect("a version");
        }
    }

    /// Hands in with final answers, until it is known what became of it.
    async fn hand_in(&mut self) {
        let answers = self.answers();
        let body = json!({"answers": answers});
        while Instant::now() < self.deadline + PATIENCE {
            self.sat.open.push(answers.clone());
            let path = self.path(":submit");
            let version = format!("\"{}\"", self.version);
            let headers = [("if-match", version.as_str())];
            let answer =
                self.client.try_send(Method::POST, &path, Some(body.clone()), &headers).await;
            match answer.status {
                200 => {
                    (self.sat.last, self.sat.receipt) =
                        (answers, Some(answer.body["receipt"].clone()));
                    self.sat.open.clear();
                    return;
                }
                // A save arrived after all, or the deadline was set anew.
                412 => self.read().await,
                // Too late: what was saved is handed in.
                409 => return,
                _ => assert!(is_open(&answer), "{}", answer.body),
            }
            tokio::time::sleep(AGAIN).await;
        }
    }
}
