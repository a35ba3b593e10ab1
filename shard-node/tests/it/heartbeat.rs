//! What a node tells the control plane of itself.

use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use axum::extract::State;
use axum::http::StatusCode;
use axum::routing::post;
use axum::{Json, Router};
use control_api::Heartbeat;
use serde_json::{Value, json};
use service_kit::admin::Readiness;
use shard_node::config::Settings;
use shard_node::heartbeat::Reporter;
use tempfile::TempDir;
use tokio_util::sync::CancellationToken;

use crate::support::school::School;

/// Longest wait for a heartbeat.
const SOON: Duration = Duration::from_secs(30);

/// Much less than the second between two heartbeats.
const AT_ONCE: Duration = Duration::from_millis(400);
const TRIES: usize = 8;

type Beats = Arc<Mutex<Vec<(Instant, bool)>>>;

/// A control plane that writes down what it hears.
async fn listener() -> (String, Beats) {
    let beats = Beats::default();
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.expect("a port");
    let url = format!("http://{}", listener.local_addr().expect("an address"));
    let hears = async |State(beats): State<Beats>, Json(beat): Json<Heartbeat>| {
        beats.lock().expect("the list").push((Instant::now(), beat.ready));
        StatusCode::NO_CONTENT
    };
    let registers = async |Json(registration): Json<Value>| {
        let mut node = registration;
        node["state"] = json!("up");
        Json(node)
    };
    let app = Router::new()
        .route("/v1/nodes", post(registers))
        .route("/v1/nodes/node-t:heartbeat", post(hears))
        .with_state(beats.clone());
    tokio::spawn(async move { axum::serve(listener, app).await });
    (url, beats)
}

fn settings(control_url: &str, directory: &TempDir) -> Settings {
    let file = |name: &str| directory.path().join(name);
    std::fs::write(file("token"), "secret").expect("a file");
    serde_json::from_value(json!({
        "id": "node-t", "shard": "shard-t", "listen": "127.0.0.1:1", "admin_listen": "127.0.0.1:1",
        "public_url": "http://127.0.0.1:1", "control_url": control_url,
        "control_token_file": file("token"), "state_dir": directory.path(),
        "tokens": {"issuer": "lxp-test", "audience": "lxp", "keys_file": file("jwks.json")},
        "postgres": {"primary": "postgres://127.0.0.1:1/none"}, "redis": {"nodes": []},
    }))
    .expect("settings")
}

async fn until(beats: &Beats, found: impl Fn(&[(Instant, bool)]) -> bool) {
    let began = Instant::now();
    while !found(&beats.lock().expect("the list")) {
        assert!(began.elapsed() < SOON, "{:?}", beats.lock().expect("the list"));
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
}

#[tokio::test]
async fn a_node_that_drains_says_so_at_once_and_until_it_ends() {
    let school = School::open().await;
    let directory = tempfile::tempdir().expect("a directory");
    let mut seen = Vec::new();
    for _ in 0..TRIES {
        let (url, beats) = listener().await;
        let (readiness, draining) = (Readiness::default(), CancellationToken::new());
        let node = school.served.node.clone();
        let settings = settings(&url, &directory);
        let stop = CancellationToken::new();
        let reporter = Reporter::new(settings, node, readiness.clone(), draining.clone());
        let running = tokio::spawn(reporter.run(stop.clone()));
        until(&beats, |beats| beats.iter().any(|(_, ready)| *ready)).await;
        assert!(readiness.get());
        draining.cancel();
        let (drained, before) = (Instant::now(), beats.lock().expect("the list").len());
        // The second of them comes in its time: draining is no reason to shout.
        until(&beats, |beats| beats.len() > before + 1).await;
        assert!(!readiness.get());
        stop.cancel();
        running.await.expect("it ended");
        let said = beats.lock().expect("the list")[before..].to_vec();
        let said: Vec<_> =
            said.iter().map(|(at, ready)| (at.duration_since(drained), *ready)).collect();
        let never_ready = said.iter().all(|(_, ready)| !ready);
        if never_ready && said[0].0 < AT_ONCE && said[1].0 > AT_ONCE {
            return school.close().await;
        }
        seen.push(said);
    }
    panic!("{seen:?}");
}
