//! The feed against a control plane that behaves, that errs, and that is away.

use std::sync::{Arc, Mutex};
use std::time::Duration;

use axum::extract::{Query, State};
use axum::http::StatusCode;
use axum::response::{IntoResponse, Response};
use axum::routing::get;
use axum::{Json, Router};
use control_api::{ControlClient, follow};
use shard_map::{MapDelta, MapShard, MapVersion, ShardMap, ShardState};
use tokio::sync::watch;
use tokio_util::sync::CancellationToken;

const PATIENCE: Duration = Duration::from_secs(10);

/// What the fake control plane says next.
#[derive(Default)]
struct Script {
    /// The map of `GET /v1/map`.
    map: Option<ShardMap>,
    /// Answers of `GET /v1/map?after=V`, the last first; 204 after a moment when there is none.
    news: Vec<Said>,
    snapshots: u32,
}

enum Said {
    Delta(MapDelta),
    Broken,
}

type Shared = Arc<Mutex<Script>>;

#[derive(serde::Deserialize)]
struct After {
    after: Option<i64>,
}

async fn answer(State(script): State<Shared>, Query(query): Query<After>) -> Response {
    if query.after.is_none() {
        let mut script = script.lock().expect("the script");
        script.snapshots += 1;
        return match &script.map {
            Some(map) => Json(map.to_snapshot()).into_response(),
            None => StatusCode::SERVICE_UNAVAILABLE.into_response(),
        };
    }
    let said = script.lock().expect("the script").news.pop();
    match said {
        Some(Said::Delta(delta)) => Json(delta).into_response(),
        Some(Said::Broken) => (StatusCode::OK, "not json").into_response(),
        None => {
            tokio::time::sleep(Duration::from_millis(20)).await;
            StatusCode::NO_CONTENT.into_response()
        }
    }
}

async fn control_plane(script: Script) -> (ControlClient, Shared) {
    let script = Arc::new(Mutex::new(script));
    let app = Router::new().route("/v1/map", get(answer)).with_state(script.clone());
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.expect("a port");
    let address = listener.local_addr().expect("an address");
    tokio::spawn(async move { axum::serve(listener, app).await });
    (client(&format!("http://{address}")), script)
}

fn client(url: &str) -> ControlClient {
    let _ = rustls::crypto::ring::default_provider().install_default();
    ControlClient::new(url, "token").expect("a client")
}

/// A map at `version` with that many shards.
fn map(version: i64) -> ShardMap {
    let shards = (1..=version).map(|number| MapShard {
        id: format!("shard-{number}").parse().expect("an id"),
        state: ShardState::Active,
        weight: 1,
    });
    ShardMap::new(MapVersion(version), MapVersion(version), shards, [], []).expect("a map")
}

async fn expect_version(receiver: &mut watch::Receiver<Option<Arc<ShardMap>>>, version: i64) {
    let wanted = |map: &Option<Arc<ShardMap>>| {
        map.as_ref().is_some_and(|map| map.version() == MapVersion(version))
    };
    let map = tokio::time::timeout(PATIENCE, receiver.wait_for(wanted)).await;
    let map = map.expect("the map in time").expect("a feed that goes on").clone();
    assert_eq!(map.expect("a map").checksum(), self::map(version).checksum());
}

#[tokio::test]
async fn a_newcomer_gets_the_whole_map_and_then_deltas() {
    let news = vec![Said::Delta(MapDelta::between(&map(1), &map(2)))];
    let script = Script { map: Some(map(1)), news, snapshots: 0 };
    let (client, script) = control_plane(script).await;
    let stop = CancellationToken::new();
    let mut receiver = follow(client, None, stop.clone());
    expect_version(&mut receiver, 2).await;
    assert_eq!(script.lock().expect("the script").snapshots, 1);
    stop.cancel();
}

#[tokio::test]
async fn a_map_from_disk_is_held_at_once_and_followed_by_deltas() {
    let news = vec![Said::Delta(MapDelta::between(&map(1), &map(2)))];
    let (client, script) = control_plane(Script { map: Some(map(2)), news, snapshots: 0 }).await;
    let mut receiver = follow(client, Some(Arc::new(map(1))), CancellationToken::new());
    assert!(receiver.borrow().is_some());
    expect_version(&mut receiver, 2).await;
    assert_eq!(script.lock().expect("the script").snapshots, 0);
}

#[tokio::test]
async fn a_delta_that_does_not_fit_is_remedied_by_a_snapshot() {
    let news = vec![Said::Delta(MapDelta::between(&map(5), &map(6)))];
    let (client, _) = control_plane(Script { map: Some(map(6)), news, snapshots: 0 }).await;
    let mut receiver = follow(client, Some(Arc::new(map(1))), CancellationToken::new());
    expect_version(&mut receiver, 6).await;
}

#[tokio::test]
async fn a_delta_with_a_wrong_checksum_is_remedied_by_a_snapshot() {
    let mut delta = MapDelta::between(&map(1), &map(2));
    delta.checksum = "0000000000000000".to_owned();
    let news = vec![Said::Delta(delta)];
    let (client, _) = control_plane(Script { map: Some(map(2)), news, snapshots: 0 }).await;
    let mut receiver = follow(client, Some(Arc::new(map(1))), CancellationToken::new());
    expect_version(&mut receiver, 2).await;
}

#[tokio::test]
async fn an_answer_that_is_no_json_is_not_the_end() {
    let news = vec![Said::Delta(MapDelta::between(&map(1), &map(2))), Said::Broken];
    let (client, _) = control_plane(Script { map: Some(map(2)), news, snapshots: 0 }).await;
    let mut receiver = follow(client, Some(Arc::new(map(1))), CancellationToken::new());
    expect_version(&mut receiver, 2).await;
}

#[tokio::test]
async fn a_map_of_a_restored_control_plane_is_taken_though_its_version_is_lower() {
    let news = vec![Said::Delta(MapDelta::between(&map(1), &map(2)))];
    let (client, _) = control_plane(Script { map: Some(map(2)), news, snapshots: 0 }).await;
    let mut receiver = follow(client, Some(Arc::new(map(9))), CancellationToken::new());
    expect_version(&mut receiver, 2).await;
}

#[tokio::test]
async fn an_absent_control_plane_leaves_the_map_from_disk_and_is_named_in_errors() {
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.expect("a port");
    let url = format!("http://{}", listener.local_addr().expect("an address"));
    drop(listener);
    let receiver = follow(client(&url), Some(Arc::new(map(3))), CancellationToken::new());
    let error = client(&url).map_snapshot().await.expect_err("nobody there");
    assert!(error.is_unreachable());
    assert!(error.to_string().contains(&url), "{error}");
    assert!(error.to_string().starts_with("control plane"), "{error}");
    assert_eq!(receiver.borrow().as_ref().map(|map| map.version()), Some(MapVersion(3)));
}

#[tokio::test]
async fn the_feed_ends_when_it_is_told_to() {
    let (client, _) = control_plane(Script { map: Some(map(1)), ..Script::default() }).await;
    let stop = CancellationToken::new();
    let mut receiver = follow(client, None, stop.clone());
    expect_version(&mut receiver, 1).await;
    stop.cancel();
    let ended = async { while receiver.changed().await.is_ok() {} };
    tokio::time::timeout(PATIENCE, ended).await.expect("the end");
    assert!(receiver.borrow().is_some());
}
