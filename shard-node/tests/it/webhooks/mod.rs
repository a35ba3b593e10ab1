//! Webhooks from the change to the sink: a real Postgres, a real HTTP server on loopback, the node's own workers.

mod deliveries;
mod disabled;
mod resource;
mod secrets;
mod sink;
mod ssrf;

use std::io;
use std::net::IpAddr;
use std::sync::Arc;
use std::time::{Duration, Instant};

use futures::future::BoxFuture;
use serde_json::{Value, json};
use shard_node::domain::webhooks::{Names, WebhookSettings};
use shard_node::jobs::Mode;
use sqlx::Executor as _;
use uuid::Uuid;

use crate::support::Shard;
use crate::support::api::{Answer, Plan};
use crate::support::directory::FakeDirectory;
use crate::support::school::School;

const SOON: Duration = Duration::from_secs(30);

/// Every name leads to the loopback.
struct Inside;

impl Names for Inside {
    fn addresses(&self, _host: String) -> BoxFuture<'static, io::Result<Vec<IpAddr>>> {
        Box::pin(async { Ok(vec![IpAddr::from([127, 0, 0, 1])]) })
    }
}

impl School {
    /// One whose node sends webhooks.
    async fn that_sends(allow_private_addresses: bool) -> Self {
        let shard = Shard::create().await;
        let institution = shard.admit().await;
        let mut plan = Plan::new(&shard, FakeDirectory::start().await);
        plan.jobs.mode = Mode::Both;
        plan.webhooks = WebhookSettings { allow_private_addresses };
        plan.names = Arc::new(Inside);
        let served = plan.serve().await;
        served.until_leased().await;
        let admin = served.admin(institution);
        Self { shard, served, institution, admin }
    }

    async fn webhook(&self, url: &str, types: &[&str]) -> Answer {
        let body = json!({"url": url, "description": "test", "eventTypes": types});
        self.admin.post("/v1/webhooks", body).await.expect(201)
    }

    async fn course(&self, code: &str) -> Uuid {
        self.admin.post("/v1/courses", json!({"code": code, "title": code})).await.expect(201).id()
    }

    async fn verb(&self, webhook: Uuid, verb: &str) -> Answer {
        self.admin.post(&format!("/v1/webhooks/{webhook}:{verb}"), json!({})).await
    }

    async fn deliveries(&self, webhook: Uuid) -> Vec<Value> {
        let path = format!("/v1/webhooks/{webhook}/deliveries");
        let page = self.admin.get(&path).await.expect(200).body;
        page["items"].as_array().expect("deliveries").clone()
    }

    /// Waits for the one delivery of a webhook to be as is wanted.
    async fn until_delivery(&self, webhook: Uuid, wanted: impl Fn(&Value) -> bool) -> Value {
        let began = Instant::now();
        loop {
            let deliveries = self.deliveries(webhook).await;
            if let Some(found) = deliveries.iter().find(|delivery| wanted(delivery)) {
                return found.clone();
            }
            assert!(began.elapsed() < SOON, "{deliveries:#?}");
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
    }

    async fn get_webhook(&self, webhook: Uuid) -> Value {
        self.admin.get(&format!("/v1/webhooks/{webhook}")).await.expect(200).body
    }

    async fn as_superuser(&self, sql: &'static str) {
        self.shard.connect("postgres").await.execute(sql).await.expect(sql);
    }
}

fn secret(made: &Answer) -> String {
    made.body["secret"].as_str().expect("a secret").to_owned()
}

fn is(state: &'static str) -> impl Fn(&Value) -> bool {
    move |delivery| delivery["state"] == state
}
