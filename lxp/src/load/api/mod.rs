//! Calls to the router's public API for one institution: bounded in number, each with a deadline, repeated
//! where the answer says that nothing is decided yet.
//!
//! What must stay true:
//! - At most so many calls are in flight as there are slots, whatever is waiting.
//! - A POST has an `Idempotency-Key` that is new for each call and the same for its repetitions: one effect. It
//!   is not kept over runs. A replayed answer would tell a second run how things stood in the first; what was
//!   done before is known by external ids and states instead, which do not expire after a day.

use std::sync::Arc;
use std::time::{Duration, Instant};

use reqwest::header::{ACCEPT, AUTHORIZATION, CONTENT_TYPE, HeaderValue, RETRY_AFTER};
use reqwest::{Method, StatusCode, Url};
use serde::Deserialize;
use serde::de::DeserializeOwned;
use serde_json::Value;
use service_kit::Problem;
use tokio::sync::Semaphore;
use uuid::Uuid;

use crate::failure::Failure;

const CONNECT_DEADLINE: Duration = Duration::from_secs(3);
/// A little more than a router gives a request.
const TRY_DEADLINE: Duration = Duration::from_secs(35);
/// A call with all that is waited between its tries. A used-up budget of requests is back in a minute.
const CALL_DEADLINE: Duration = Duration::from_mins(3);
/// Tries that may fail for another reason than a budget.
const TRIES_MAX: u32 = 8;
const FIRST_WAIT: Duration = Duration::from_millis(200);
const WAIT_MAX: Duration = Duration::from_secs(5);
const ANSWER_MAX_BYTES: usize = 16 << 20;

/// The router, shared by all institutions. Cheap to clone.
#[derive(Debug, Clone)]
pub(crate) struct Router {
    http: reqwest::Client,
    base: Url,
    slots: Arc<Semaphore>,
}

/// The API of one institution.
#[derive(Debug)]
pub(crate) struct Session {
    router: Router,
    slug: String,
    bearer: HeaderValue,
}

/// Why a call came to nothing. Each names the institution, the method and the path.
#[derive(Debug, thiserror::Error)]
pub(crate) enum CallError {
    #[error("{call}: {} {}: {}", .problem.status, .problem.code, sentence(.problem))]
    Refused { call: String, problem: Box<Problem> },
    #[error("{call}: {reason} (tried {tries} times)")]
    Unavailable { call: String, reason: String, tries: u32 },
    #[error("{call}: status {status} with an answer that is not understood: {reason}")]
    Garbled { call: String, status: u16, reason: String },
}

/// A page of a list, as far as it is needed.
#[derive(Debug, Deserialize)]
pub(crate) struct Page<T> {
    pub(crate) items: Vec<T>,
    #[serde(default)]
    pub(crate) total: Option<u64>,
}

/// What an answer means for the call.
#[derive(Debug, PartialEq, Eq)]
enum Verdict {
    Done,
    /// Try again; `free` where the try is not held against the call.
    Again {
        free: bool,
    },
    Refused,
}

struct Answer {
    status: StatusCode,
    retry_after: Option<Duration>,
    body: Vec<u8>,
}

/// A call before it is made.
struct Call {
    method: Method,
    url: Url,
    key: Option<String>,
    body: Option<Vec<u8>>,
    /// For messages.
    name: String,
}

impl Router {
    /// The router at `url`, for at most `concurrency` calls at once.
    pub(crate) fn new(url: &str, concurrency: usize) -> Result<Self, Failure> {
        let wrong = |what: String| Failure::usage(format!("--url {url}: {what}"));
        let base = Url::parse(url).map_err(|error| wrong(error.to_string()))?;
        if !matches!(base.scheme(), "http" | "https") {
            return Err(wrong("http://host:port or https://host:port is expected".to_owned()));
        }
        let http = reqwest::Client::builder()
            .connect_timeout(CONNECT_DEADLINE)
            .redirect(reqwest::redirect::Policy::none())
            .tcp_nodelay(true)
            .no_proxy()
            .build()
            .map_err(|error| wrong(innermost(&error)))?;
        Ok(Self { http, base, slots: Arc::new(Semaphore::new(concurrency)) })
    }

    /// The API of an institution with a token of it.
    pub(crate) fn session(&self, slug: &str, token: &str) -> Result<Session, Failure> {
        let mut bearer = HeaderValue::try_from(format!("Bearer {token}"))
            .map_err(|_| Failure::usage("the token has characters that no header can carry"))?;
        bearer.set_sensitive(true);
        Ok(Session { router: self.clone(), slug: slug.to_owned(), bearer })
    }
}

impl Session {
    /// Lists what has these values.
    pub(crate) async fn list<T: DeserializeOwned>(
        &self,
        path: &str,
        query: &[(&str, &str)],
    ) -> Result<Page<T>, CallError> {
        self.read(path, query).await
    }

    /// Reads what these values ask for.
    pub(crate) async fn read<T: DeserializeOwned>(
        &self,
        path: &str,
        query: &[(&str, &str)],
    ) -> Result<T, CallError> {
        let mut call = self.new_call(Method::GET, path);
        call.url.query_pairs_mut().extend_pairs(query);
        self.make(&call).await
    }

    /// Reads one.
    pub(crate) async fn get<T: DeserializeOwned>(&self, path: &str) -> Result<T, CallError> {
        self.make(&self.new_call(Method::GET, path)).await
    }

    /// Posts a body.
    pub(crate) async fn post<T: DeserializeOwned>(
        &self,
        path: &str,
        body: &Value,
    ) -> Result<T, CallError> {
        let mut call = self.new_call(Method::POST, path);
        call.key = Some(Uuid::now_v7().to_string());
        call.body = Some(body.to_string().into_bytes());
        self.make(&call).await
    }

    fn new_call(&self, method: Method, path: &str) -> Call {
        let mut url = self.router.base.clone();
        url.set_path(path);
        let name = format!("{}, {method} {path}", self.slug);
        Call { method, url, key: None, body: None, name }
    }

    /// Makes a call in a slot, which it keeps while it waits: a router in trouble gets less to do.
    async fn make<T: DeserializeOwned>(&self, call: &Call) -> Result<T, CallError> {
        let slot = self.router.slots.acquire().await;
        let until = Instant::now() + CALL_DEADLINE;
        let (mut tries, mut failed, mut wait) = (0, 0, FIRST_WAIT);
        let result = loop {
            tries += 1;
            let (reason, asked, free) = match self.attempt(call, until).await {
                Ok(answer) => match verdict(answer.status, &code(&answer.body)) {
                    Verdict::Done => break decode(call, &answer),
                    Verdict::Refused => break Err(refused(call, &answer)),
                    Verdict::Again { free } => {
                        (refused(call, &answer).to_string(), answer.retry_after, free)
                    }
                },
                Err(reason) => (format!("{}: {reason}", call.name), None, false),
            };
            failed += u32::from(!free);
            let pause = asked.unwrap_or(wait).max(wait);
            if failed >= TRIES_MAX || Instant::now() + pause >= until {
                let call = format!("the router at {}", self.router.base);
                break Err(CallError::Unavailable { call, reason, tries });
            }
            tokio::time::sleep(pause).await;
            wait = (wait * 2).min(WAIT_MAX);
        };
        drop(slot);
        result
    }

    async fn attempt(&self, call: &Call, until: Instant) -> Result<Answer, String> {
        let left = until.saturating_duration_since(Instant::now()).min(TRY_DEADLINE);
        let mut request = self
            .router
            .http
            .request(call.method.clone(), call.url.clone())
            .timeout(left)
            .header(AUTHORIZATION, self.bearer.clone())
            .header(ACCEPT, "application/json, application/problem+json");
        if let Some(key) = &call.key {
            request = request.header("idempotency-key", key);
        }
        if let Some(body) = &call.body {
            request = request.header(CONTENT_TYPE, "application/json").body(body.clone());
        }
        let why = |error: reqwest::Error| {
            if error.is_timeout() {
                format!("no answer within {} s", left.as_secs())
            } else {
                innermost(&error)
            }
        };
        let mut response = request.send().await.map_err(why)?;
        let status = response.status();
        let retry_after = response.headers().get(RETRY_AFTER);
        let retry_after = retry_after.and_then(|value| value.to_str().ok()?.parse().ok());
        let mut body = Vec::new();
        while let Some(chunk) = response.chunk().await.map_err(why)? {
            body.extend_from_slice(&chunk);
            if body.len() > ANSWER_MAX_BYTES {
                return Err(format!("the answer is longer than {ANSWER_MAX_BYTES} bytes"));
            }
        }
        Ok(Answer { status, retry_after: retry_after.map(Duration::from_secs), body })
    }
}

/// 404 `institution-unknown` is a router whose map is a moment behind: the institution was made just now.
fn verdict(status: StatusCode, code: &str) -> Verdict {
    match (status.as_u16(), code) {
        (200..=299, _) => Verdict::Done,
        (429, _) => Verdict::Again { free: true },
        (502..=504, _) | (409, "idempotency-in-flight") | (404, "institution-unknown") => {
            Verdict::Again { free: false }
        }
        _ => Verdict::Refused,
    }
}

fn code(body: &[u8]) -> String {
    serde_json::from_slice::<Problem>(body)
        .map(|problem| problem.code.into_owned())
        .unwrap_or_default()
}

fn decode<T: DeserializeOwned>(call: &Call, answer: &Answer) -> Result<T, CallError> {
    serde_json::from_slice(&answer.body).map_err(|error| CallError::Garbled {
        call: call.name.clone(),
        status: answer.status.as_u16(),
        reason: error.to_string(),
    })
}

fn refused(call: &Call, answer: &Answer) -> CallError {
    match serde_json::from_slice::<Problem>(&answer.body) {
        Ok(problem) => CallError::Refused { call: call.name.clone(), problem: Box::new(problem) },
        Err(_) => CallError::Garbled {
            call: call.name.clone(),
            status: answer.status.as_u16(),
            reason: "it is no problem+json; is this the router?".to_owned(),
        },
    }
}

/// A problem as one sentence, with the fields that it points at.
pub(crate) fn sentence(problem: &Problem) -> String {
    let said = problem.detail.clone().unwrap_or_else(|| problem.title.to_string());
    problem.errors.iter().fold(said, |said, field| {
        let what = field.detail.as_deref().unwrap_or(&field.code);
        format!("{said}; {}: {what}", field.pointer)
    })
}

/// The innermost cause: "Connection refused" rather than "error sending request".
fn innermost(error: &dyn std::error::Error) -> String {
    let mut cause = error;
    while let Some(inner) = cause.source() {
        cause = inner;
    }
    cause.to_string()
}

impl CallError {
    /// The problem, if one was answered.
    pub(crate) fn problem(&self) -> Option<&Problem> {
        match self {
            Self::Refused { problem, .. } => Some(problem),
            _ => None,
        }
    }
}

impl From<CallError> for Failure {
    fn from(error: CallError) -> Self {
        const GOES_ON: &str = "then the same command again: it goes on where it ended";
        match &error {
            CallError::Refused { problem, .. } if problem.status == 401 => {
                Self::refused(error.to_string())
                    .next("name the key that the router believes with --key")
            }
            CallError::Refused { problem, .. } if problem.status < 500 => {
                Self::refused(error.to_string())
            }
            _ => Self::unhealthy(error.to_string())
                .next(format!("lxp local status, lxp local logs; {GOES_ON}")),
        }
    }
}

#[cfg(test)]
mod tests;
