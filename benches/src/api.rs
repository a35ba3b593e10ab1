//! Calls that set the stage, through the router.

use std::time::Duration;

use anyhow::Context as _;
use serde_json::Value;
use service_kit::token::Role;
use shard_map::InstitutionId;
use uuid::Uuid;

use crate::platform::Platform;

/// How often a call is repeated that is to come again later.
const TRIES: u32 = 60;

/// One caller of one institution.
#[derive(Debug, Clone)]
pub(crate) struct Api {
    http: reqwest::Client,
    url: String,
    token: String,
}

impl Api {
    /// A caller of an institution of the platform.
    pub(crate) fn new(platform: &Platform, institution: InstitutionId) -> anyhow::Result<Self> {
        let token = platform.token(institution, Uuid::new_v4());
        let http = reqwest::Client::builder().no_proxy().build()?;
        Ok(Self { http, url: platform.router()?.to_owned(), token })
    }

    /// A student of an institution of the platform.
    pub(crate) fn student(
        platform: &Platform,
        institution: InstitutionId,
        user: Uuid,
    ) -> anyhow::Result<Self> {
        let token = platform.token_as(institution, Role::Student, user);
        let http = reqwest::Client::builder().no_proxy().build()?;
        Ok(Self { http, url: platform.router()?.to_owned(), token })
    }

    /// Posts a body and gives the answer's.
    pub(crate) async fn post(&self, path: &str, body: &Value) -> anyhow::Result<Value> {
        let key = Uuid::now_v7().to_string();
        for _ in 0..TRIES {
            let request = self.http.post(format!("{}{path}", self.url)).bearer_auth(&self.token);
            let answer = request.header("Idempotency-Key", &key).json(body).send().await?;
            let status = answer.status().as_u16();
            if status == 429 || status == 503 {
                tokio::time::sleep(Duration::from_secs(1)).await;
                continue;
            }
            let text = answer.text().await?;
            anyhow::ensure!((200..300).contains(&status), "POST {path}: {status} {text}");
            return Ok(serde_json::from_str(&text)?);
        }
        anyhow::bail!("POST {path} is refused for {TRIES} s")
    }

    /// Posts a body and gives the id of what was made.
    pub(crate) async fn make(&self, path: &str, body: &Value) -> anyhow::Result<Uuid> {
        id_of(&self.post(path, body).await?)
    }
}

/// The `id` of an object.
pub(crate) fn id_of(object: &Value) -> anyhow::Result<Uuid> {
    Ok(object["id"].as_str().with_context(|| format!("no id in {object}"))?.parse()?)
}
