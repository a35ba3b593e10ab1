//! The map on disk, the end of a router, and starts that fail.

use std::process::Command;
use std::sync::Arc;

use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;
use tokio::sync::Notify;

use crate::node::{Node, ok};
use crate::platform::{Platform, institution};

#[tokio::test(flavor = "multi_thread")]
async fn a_restarted_router_serves_with_the_control_plane_dead() {
    let a = Node::plain("node-a", "shard-a").await;
    let mut platform = Platform::start(&[&a]).await;
    platform.until("the map is on disk", async || platform.map_file().exists()).await;
    platform.control.die().await;
    assert_eq!(platform.get("/v1/programs", institution(1)).await.status(), 200);
    platform.kill_router();
    platform.start_router().await;
    assert_eq!(platform.get("/v1/programs", institution(1)).await.status(), 200);
    assert_eq!(a.seen()[1].header("lxp-map-version"), ["1"]);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_damaged_map_is_ignored_and_replaced() {
    let a = Node::plain("node-a", "shard-a").await;
    let mut platform = Platform::without_router(&[&a]).await;
    std::fs::write(platform.map_file(), "{\"version\": 1, \"half").expect("a file");
    platform.start_router().await;
    assert_eq!(platform.get("/v1/programs", institution(1)).await.status(), 200);
    platform
        .until("the file is a map again", async || {
            std::fs::read_to_string(platform.map_file())
                .is_ok_and(|text| text.contains("checksum") && text.ends_with('}'))
        })
        .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_new_map_reaches_requests_and_the_disk() {
    let (a, b) = (Node::plain("node-a", "shard-a").await, Node::plain("node-b", "shard-b").await);
    let platform = Platform::start(&[&a, &b]).await;
    platform.control.publish(2, "shard-b");
    platform
        .until("requests go by the new map", async || {
            platform.get("/v1/programs", institution(1)).await;
            !b.seen().is_empty()
        })
        .await;
    platform
        .until("the new map is on disk", async || {
            std::fs::read_to_string(platform.map_file())
                .is_ok_and(|text| text.contains("\"version\":2"))
        })
        .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn sigterm_finishes_what_is_in_flight() {
    let gate = Arc::new(Notify::new());
    let opened = Arc::clone(&gate);
    let a = Node::answering_later("node-a", "shard-a", move |_| {
        let gate = Arc::clone(&opened);
        async move {
            gate.notified().await;
            ok("node-a")
        }
    })
    .await;
    let mut platform = Platform::start(&[&a]).await;
    let mut idle = TcpStream::connect(platform.address()).await.expect("a connection");
    idle.write_all(b"GET /nowhere HTTP/1.1\r\nHost: x\r\n\r\n").await.expect("written");
    assert_ne!(idle.read(&mut [0; 64]).await.expect("an answer"), 0);

    let request =
        platform.request(reqwest::Method::POST, "/v1/programs", institution(1)).body("{}");
    let answer = tokio::spawn(request.send());
    platform.until("the node has the request", async || a.seen().len() == 1).await;
    platform.terminate();
    platform
        .until("nobody is accepted any more", async || {
            TcpStream::connect(platform.address()).await.is_err()
        })
        .await;
    gate.notify_one();
    assert_eq!(answer.await.expect("sent").expect("an answer").status(), 200);
    assert_eq!(platform.ended().await, Some(0));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_start_that_fails_says_why_in_one_line() {
    let taken = std::net::TcpListener::bind("127.0.0.1:0").expect("a port");
    let taken = taken.local_addr().map(|address| (taken, address)).expect("an address");
    let directory = tempfile::tempdir().expect("a directory");
    let path = |name: &str| directory.path().join(name).display().to_string();
    std::fs::write(path("control.token"), "secret").expect("a file");
    let key = service_kit::token::SigningKey::generate().expect("a key");
    std::fs::write(path("jwks.json"), key.jwks()).expect("a file");
    let sound = format!(
        "listen = '{}'\nadmin_listen = '127.0.0.1:0'\ncontrol_url = 'http://127.0.0.1:9'\n\
         control_token_file = '{}'\nmap_file = '{}'\n\
         [tokens]\nissuer = 'i'\naudience = 'a'\nkeys_file = '{}'\n",
        taken.1,
        path("control.token"),
        path("map.json"),
        path("jwks.json"),
    );
    for (settings, says) in [
        (sound.clone(), "cannot listen on"),
        (sound.replace("listen = '127", "lissten = '127"), "lissten"),
        (sound.replace("jwks.json", "absent.json"), "absent.json"),
        (sound.replace("control.token", "absent.token"), "absent.token"),
        (sound.replace("keys_file = ", "jwks_url = "), "https URL is expected"),
        (sound.replace("http://127.0.0.1:9", "nonsense"), "nonsense"),
    ] {
        std::fs::write(path("router.toml"), settings).expect("a file");
        let output = Command::new(env!("CARGO_BIN_EXE_lxp-router"))
            .args(["--config", &path("router.toml")])
            .output()
            .expect("it ran");
        let error = String::from_utf8_lossy(&output.stderr);
        assert_eq!(output.status.code(), Some(1), "{error}");
        assert!(error.contains(says), "{says}: {error}");
        assert_eq!(error.trim_end().lines().count(), 1, "{error}");
    }
}
