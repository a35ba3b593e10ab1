//! A client with a token, and answers read whole.

use std::time::{Duration, Instant};

use reqwest::Method;
use reqwest::header::HeaderMap;
use serde_json::{Value, json};
use uuid::Uuid;

/// No request is left without an answer for longer.
const ANSWERED_WITHIN: Duration = Duration::from_secs(30);

/// So long a read comes again where it is asked to.
const PATIENCE: Duration = Duration::from_secs(30);

/// Speaks to one URL as one caller.
#[derive(Debug, Clone)]
pub struct Client {
    http: reqwest::Client,
    url: String,
    token: String,
}

/// An answer, read whole.
#[derive(Debug, Clone)]
pub struct Answer {
    /// The status.
    pub status: u16,
    /// The headers.
    pub headers: HeaderMap,
    /// The JSON body; null where there is none.
    pub body: Value,
}

impl Answer {
    /// The problem's code, or nothing.
    pub fn code(&self) -> &str {
        self.body["code"].as_str().unwrap_or_default()
    }

    /// The id in the body.
    pub fn id(&self) -> Uuid {
        let id = self.body["id"].as_str().and_then(|id| id.parse().ok());
        id.unwrap_or_else(|| panic!("no id in {self:?}"))
    }

    /// Fails unless it has this status.
    #[must_use]
    #[track_caller]
    pub fn expect(self, status: u16) -> Self {
        assert_eq!(self.status, status, "{}", self.body);
        self
    }
}

impl Client {
    /// A client of a URL with a bearer token.
    pub fn new(url: &str, token: &str) -> Self {
        Self { http: reqwest::Client::new(), url: url.to_owned(), token: token.to_owned() }
    }

    /// The same caller at another URL.
    #[must_use]
    pub fn at(&self, url: &str) -> Self {
        Self { url: url.to_owned(), ..self.clone() }
    }

    /// GET.
    pub async fn get(&self, path: &str) -> Answer {
        self.send(Method::GET, path, None, &[]).await
    }

    /// POST.
    pub async fn post(&self, path: &str, body: Value) -> Answer {
        self.send(Method::POST, path, Some(body), &[]).await
    }

    /// Any request.
    pub async fn send(
        &self,
        method: Method,
        path: &str,
        body: Option<Value>,
        headers: &[(&str, &str)],
    ) -> Answer {
        let answer = self.try_send(method, path, body, headers).await;
        assert!(answer.status != 0, "no answer: {}", answer.code());
        answer
    }

    /// The same, of another caller, over the same connections.
    #[must_use]
    pub fn with_token(&self, token: &str) -> Self {
        Self { token: token.to_owned(), ..self.clone() }
    }

    /// The sum of a metric over all samples whose labels `counts` takes; the URL is an admin listener's.
    pub async fn metric(&self, name: &str, counts: impl Fn(&str) -> bool) -> f64 {
        let text = self.text("/metrics").await;
        let samples = text.lines().filter_map(|line| {
            let (series, value) = line.rsplit_once(' ')?;
            let labels = series.strip_prefix(name)?;
            let is_it = labels.is_empty() || labels.starts_with('{');
            (is_it && counts(labels)).then(|| value.parse::<f64>().expect("a number"))
        });
        samples.sum()
    }

    /// What a GET answers that is no JSON.
    async fn text(&self, path: &str) -> String {
        let response = self.http.get(format!("{}{path}", self.url)).send().await;
        let response = response.and_then(reqwest::Response::error_for_status).expect("an answer");
        response.text().await.expect("a text")
    }

    /// Any request; where the connection breaks the status is 0 and the code says how.
    pub async fn try_send(
        &self,
        method: Method,
        path: &str,
        body: Option<Value>,
        headers: &[(&str, &str)],
    ) -> Answer {
        let mut request = self.http.request(method, format!("{}{path}", self.url));
        request = request.bearer_auth(&self.token).timeout(ANSWERED_WITHIN);
        for (name, value) in headers {
            request = request.header(*name, *value);
        }
        if let Some(body) = body {
            request = request.json(&body);
        }
        read(request).await.unwrap_or_else(|error| Answer {
            status: 0,
            headers: HeaderMap::new(),
            body: json!({"code": broken(&error)}),
        })
    }

    /// GET, again for as long as the answer asks to come again.
    pub async fn get_patiently(&self, path: &str) -> Answer {
        let deadline = Instant::now() + PATIENCE;
        loop {
            let answer = self.try_send(Method::GET, path, None, &[]).await;
            if !matches!(answer.status, 0 | 429 | 502 | 503) || Instant::now() > deadline {
                return answer;
            }
            tokio::time::sleep(Duration::from_millis(200)).await;
        }
    }
}

async fn read(request: reqwest::RequestBuilder) -> reqwest::Result<Answer> {
    let response = request.send().await?;
    let (status, headers) = (response.status().as_u16(), response.headers().clone());
    let bytes = response.bytes().await?;
    let body = serde_json::from_slice(&bytes).unwrap_or(Value::Null);
    Ok(Answer { status, headers, body })
}

/// How a connection broke, in a word: it becomes a kind of error.
fn broken(error: &reqwest::Error) -> &'static str {
    if error.is_timeout() {
        "no-answer"
    } else if error.is_connect() {
        "no-connection"
    } else {
        "connection-broke"
    }
}
