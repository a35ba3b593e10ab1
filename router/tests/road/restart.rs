//! The map on disk, the end of a router, and starts that fail.

use std::process::Command;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};

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
async fn a_successor_takes_over_without_a_failed_request() {
    let a = Node::plain("node-a", "shard-a").await;
    let mut platform = Platform::start(&[&a]).await;
    platform
        .until("the router can be taken over from", async || platform.handover_socket().exists())
        .await;
    let (url, token) = (platform.url("/v1/programs"), platform.token(institution(1)));
    let (stop, served) = (Arc::new(AtomicBool::new(false)), Arc::new(AtomicUsize::new(0)));
    let mut load = tokio::task::JoinSet::new();
    for keeps in [0, 0, 0, 1, 1, 1] {
        let client = reqwest::Client::builder().no_proxy().pool_max_idle_per_host(keeps);
        let client = client.build().expect("a client");
        let (url, token) = (url.clone(), token.clone());
        let (stop, served) = (Arc::clone(&stop), Arc::clone(&served));
        load.spawn(async move {
            while !stop.load(Ordering::SeqCst) {
                // A POST without a key: nobody may send it again.
                let answer = client.post(&url).bearer_auth(&token).body("{}").send().await;
                assert_eq!(answer.expect("an answer").status(), 200);
                served.fetch_add(1, Ordering::SeqCst);
            }
        });
    }
    for _ in 0..3 {
        let before = served.load(Ordering::SeqCst);
        platform.until("there is load", async || served.load(Ordering::SeqCst) > before + 50).await;
        let first = platform.start_successor();
        assert_eq!(first.ended().await, Some(0));
        platform.until_ready().await;
    }
    let before = served.load(Ordering::SeqCst);
    platform
        .until("the last one serves", async || served.load(Ordering::SeqCst) > before + 50)
        .await;
    stop.store(true, Ordering::SeqCst);
    while let Some(ended) = load.join_next().await {
        ended.expect("no request failed");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_successor_that_cannot_serve_changes_nothing() {
    let a = Node::plain("node-a", "shard-a").await;
    let mut platform = Platform::start(&[&a]).await;
    platform
        .until("the router can be taken over from", async || platform.handover_socket().exists())
        .await;
    platform.until("the map is on disk", async || platform.map_file().exists()).await;
    // Without a map it never is ready.
    platform.control.refuse();
    std::fs::remove_file(platform.map_file()).expect("the map was on disk");
    let asked = platform.control.whole_maps_asked();
    let first = platform.start_successor();
    platform
        .until("the successor runs", async || platform.control.whole_maps_asked() > asked)
        .await;
    let each_connects = reqwest::Client::builder().no_proxy().pool_max_idle_per_host(0);
    let each_connects = each_connects.build().expect("a client");
    let serves = async |platform: &Platform| {
        for _ in 0..50 {
            let request = each_connects.get(platform.url("/v1/programs"));
            let answer = request.bearer_auth(platform.token(institution(1))).send().await;
            assert_eq!(answer.expect("an answer").status(), 200);
        }
    };
    serves(&platform).await;
    platform.kill_router();
    platform.put_back(first);
    serves(&platform).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn once_it_stops_answers_end_their_connections_and_idle_ones_are_served_for_a_moment() {
    let gate = Arc::new(Notify::new());
    let opened = Arc::clone(&gate);
    let a = Node::answering_later("node-a", "shard-a", move |seen| {
        let gate = Arc::clone(&opened);
        async move {
            if seen.path == "/v1/held" {
                gate.notified().await;
            }
            ok("node-a")
        }
    })
    .await;
    let platform = Platform::start(&[&a]).await;
    let held =
        tokio::spawn(platform.request(reqwest::Method::GET, "/v1/held", institution(1)).send());
    platform.until("the node has the request", async || a.seen().len() == 1).await;
    let mut idle = TcpStream::connect(platform.address()).await.expect("a connection");
    let request = format!(
        "GET /v1/programs HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer {}\r\n\r\n",
        platform.token(institution(1))
    );
    idle.write_all(request.as_bytes()).await.expect("written");
    // The head and the body may come in two pieces.
    let mut first = Vec::new();
    while !first.ends_with(b"}") {
        let read = idle.read_buf(&mut first).await.expect("an answer");
        assert_ne!(read, 0, "{}", first.escape_ascii());
    }
    assert!(!String::from_utf8_lossy(&first).to_lowercase().contains("connection: close"));
    platform.terminate();
    platform
        .until("nobody is accepted any more", async || {
            TcpStream::connect(platform.address()).await.is_err()
        })
        .await;
    idle.write_all(request.as_bytes()).await.expect("written");
    let mut answer = Vec::new();
    idle.read_to_end(&mut answer).await.expect("an answer, then the end");
    let answer = String::from_utf8_lossy(&answer).to_lowercase();
    assert!(answer.starts_with("http/1.1 200"), "{answer}");
    assert!(answer.contains("connection: close"), "{answer}");
    gate.notify_one();
    assert_eq!(held.await.expect("sent").expect("an answer").status(), 200);
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
