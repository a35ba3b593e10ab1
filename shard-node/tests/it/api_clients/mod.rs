//! Api clients and their tokens, against a real Postgres.

mod resource;
mod revocation;
mod secrets;
mod tokens;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde_json::Value;
use uuid::Uuid;

use crate::support::api::{Answer, Client, Served};

const GRANT: &str = "grant_type=client_credentials";
const FORM: (&str, &str) = ("content-type", "application/x-www-form-urlencoded");

/// A client's id and secret, as the answer that made it has them.
struct Made {
    id: Uuid,
    client_id: String,
    secret: String,
}

impl Made {
    async fn by(admin: &Client, body: Value) -> Self {
        Self::of(&admin.post("/v1/api-clients", body).await.expect(201))
    }

    fn of(answer: &Answer) -> Self {
        let text = |name: &str| answer.body[name].as_str().expect(name).to_owned();
        Self { id: answer.id(), client_id: text("clientId"), secret: text("clientSecret") }
    }

    async fn ask(&self, served: &Served) -> Answer {
        ask(served, &basic(&self.client_id, &self.secret), GRANT).await
    }

    /// Speaks with a token of its own.
    async fn client(&self, served: &Served) -> Client {
        let answer = self.ask(served).await.expect(200);
        let token = answer.body["access_token"].as_str().expect("a token").to_owned();
        Client { http: reqwest::Client::new(), url: served.url.clone(), token }
    }
}

fn basic(id: &str, secret: &str) -> String {
    format!("Basic {}", STANDARD.encode(format!("{id}:{secret}")))
}

async fn ask(served: &Served, authorization: &str, form: &str) -> Answer {
    ask_with(served, &[("authorization", authorization), FORM], form).await
}

async fn ask_with(served: &Served, headers: &[(&str, &str)], body: &str) -> Answer {
    let mut request = reqwest::Client::new().post(format!("{}/oauth/token", served.url));
    for (name, value) in headers {
        request = request.header(*name, *value);
    }
    let response = request.body(body.to_owned()).send().await.expect("an answer");
    let (status, headers) = (response.status(), response.headers().clone());
    let body = response.json().await.expect("JSON");
    Answer { status, headers, body }
}
