//! The services, started from their units and example settings, serve a request; a router is replaced by its other
//! instance.

use std::panic::AssertUnwindSafe;
use std::time::Duration;

use chrono::TimeDelta;
use futures::FutureExt as _;
use lxp_tests::{Client, Platform, program};
use serde_json::{Value, json};
use service_kit::clock;
use service_kit::token::{Mint, Role, Roles, SigningKey, subject_for};
use shard_map::InstitutionId;
use tokio::process::Command;
use uuid::Uuid;

use crate::site::{Running, Site};
use crate::unit::Unit;

const CONTROL: &str = "10.0.0.10:8090";
const ROUTER: &str = "10.0.0.11:8080";

#[tokio::test]
async fn units_and_settings_start_a_platform_that_serves() {
    let site = Site::make(&Platform::shared()).await;
    let tried = AssertUnwindSafe(serve(&site)).catch_unwind().await;
    site.drop_databases().await;
    if let Err(failed) = tried {
        std::panic::resume_unwind(failed);
    }
}

async fn serve(site: &Site) {
    for file in ["control-plane.toml", "node-shard-a-1.toml", "router.toml"] {
        site.settings(file);
    }
    let unit = Unit::read("lxp-control-plane.service", "");
    let control = site.start(&unit, "10.0.0.10:9090").await;
    add_shard(site).await;
    let unit = Unit::read("lxp-node@.service", "shard-a-1");
    let node = site.start(&unit, "10.0.1.11:9081").await;
    let unit = Unit::read("lxp-router@.service", "a");
    let router = site.start(&unit, "10.0.0.11:9080").await;

    let client = admin(site, &institution(site).await);
    let program = json!({"code": "BSC", "name": "Computing", "termSystem": "SEMESTER"});
    let made = client.post("/v1/programs", program).await.expect(201);
    let path = format!("/v1/programs/{}", made.id());
    assert_eq!(client.get(&path).await.expect(200).body["name"], "Computing");

    let router = replaced(site, router).await;
    let _ = client.get(&path).await.expect(200);

    for (service, unit) in [(router, "router@"), (node, "node@"), (control, "control-plane")] {
        let unit = Unit::read(&format!("lxp-{unit}.service"), "a");
        let seconds = unit.one("TimeoutStopSec").parse().expect("seconds");
        service.stop();
        service.ends_well(Duration::from_secs(seconds)).await;
    }
}

/// The other instance takes the listeners over, and this one ends by itself.
async fn replaced(site: &Site, router: Running) -> Running {
    let unit = Unit::read("lxp-router@.service", "b");
    // Else a directory is gone with the first, and a socket in it.
    assert_eq!(unit.one("RuntimeDirectoryPreserve"), "yes");
    // Else systemd starts the first anew, which takes the listeners back.
    assert_eq!(unit.one("Restart"), "on-failure");
    let successor = site.start(&unit, "10.0.0.11:9080").await;
    router.ends_well(Duration::from_mins(1)).await;
    successor
}

/// As the README says.
async fn add_shard(site: &Site) {
    let primary = format!("postgres://lxp_owner@{}", site.here("10.0.1.20:5432/lxp"));
    let redis = format!("redis://{}", site.here("10.0.1.31:6379"));
    let mut command = Command::from(program("lxp"));
    command.args(["shard", "add", "shard-a", "--postgres", &primary, "--redis", &redis]);
    command.env("LXP_CONTROL_URL", format!("http://{}", site.here(CONTROL)));
    command.env("LXP_CONTROL_TOKEN", site.secret("operator/platform-ops.token"));
    let output = command.output().await.expect("lxp runs");
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
}

/// An institution that is served.
async fn institution(site: &Site) -> Value {
    let token = site.secret("operator/platform-ops.token");
    let control = Client::new(&format!("http://{}", site.here(CONTROL)), &token);
    let active = async || control.get("/v1/shards/shard-a").await.body["state"] == "active";
    until("the shard is active", active).await;
    let new = json!({"slug": "first", "name": "The first", "timezone": "Europe/London"});
    let path = format!("/v1/institutions/{}", control.post("/v1/institutions", new).await.id());
    let active = async || control.get(&path).await.body["status"] == "active";
    until("the institution is active", active).await;
    control.get(&path).await.body
}

/// A client of the router, with a token as the settings want them, signed by the key that make-secrets has made.
fn admin(site: &Site, institution: &Value) -> Client {
    let id: InstitutionId =
        institution["id"].as_str().and_then(|id| id.parse().ok()).expect("an id");
    let key = SigningKey::from_pem(&site.secret("operator/signing.pem")).expect("a key");
    let token = key.mint(&Mint {
        issuer: "https://id.example.edu",
        audience: "lxp",
        subject: subject_for(id, Role::Admin),
        institution: id,
        roles: Roles::from(Role::Admin),
        issued_at: clock::now(),
        ttl: TimeDelta::hours(1),
        token_id: Uuid::now_v7(),
    });
    Client::new(&format!("http://{}", site.here(ROUTER)), &token)
}

async fn until(what: &str, mut holds: impl AsyncFnMut() -> bool) {
    let begun = std::time::Instant::now();
    while !holds().await {
        assert!(begun.elapsed() < Duration::from_mins(1), "not within a minute: {what}");
        tokio::time::sleep(Duration::from_millis(100)).await;
    }
}
