//! Suite S7: clients that send slowly, or not at all, beside ones that do as they should.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::time::{Duration, Instant};

use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;
use tokio::task::JoinSet;

use crate::node::Node;
use crate::platform::{Platform, institution};

const SLOW_CLIENTS: usize = 2000;

/// They are cut within 15 s; the rest is for a machine that is busy.
const CUT_WITHIN: Duration = Duration::from_secs(20);

/// What each may cost the router: a head of 32 KiB, and as much again.
const ROOM_KIB: u64 = 64;

/// A byte a second until the router has enough of it; how long that took, and what it answered.
async fn trickle(mut stream: TcpStream, first: String, began: Instant) -> (Duration, String) {
    let mut answer = Vec::new();
    if stream.write_all(first.as_bytes()).await.is_ok() {
        let (mut reader, mut writer) = stream.split();
        let writing = async {
            while writer.write_all(b"a").await.is_ok() {
                tokio::time::sleep(Duration::from_secs(1)).await;
            }
            std::future::pending::<()>().await;
        };
        let limit = tokio::time::sleep(CUT_WITHIN * 2);
        tokio::select! {
            _ = reader.read_to_end(&mut answer) => {}
            () = writing => {}
            () = limit => {}
        }
    }
    (began.elapsed(), String::from_utf8_lossy(&answer).into_owned())
}

#[tokio::test(flavor = "multi_thread")]
async fn slow_clients_are_cut_and_healthy_ones_served() {
    let all = getrlimit(Resource::Nofile).maximum;
    setrlimit(Resource::Nofile, Rlimit { current: all, maximum: all }).expect("a limit");
    let a = Node::plain("node-a", "shard-a").await;
    let platform = Arc::new(Platform::start(&[&a]).await);
    let token = platform.token(institution(1));
    let heads = [
        // Nothing at all, half a first line, half a head, a body that trickles.
        String::new(),
        "GET /v1/prog".to_owned(),
        "GET /v1/programs HTTP/1.1\r\nHost: x\r\nX-Slow: ".to_owned(),
        format!(
            "POST /v1/programs HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer {token}\r\n\
             Content-Length: 100000\r\n\r\n"
        ),
        format!(
            "POST /v1/programs HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer {token}\r\n\
             Transfer-Encoding: chunked\r\n\r\n10000\r\n"
        ),
    ];
    let (served, stop) = (Arc::new(AtomicUsize::new(0)), Arc::new(AtomicBool::new(false)));
    let mut healthy = JoinSet::new();
    for _ in 0..4 {
        let (platform, served, stop) =
            (Arc::clone(&platform), Arc::clone(&served), Arc::clone(&stop));
        healthy.spawn(async move {
            while !stop.load(Ordering::SeqCst) {
                assert_eq!(platform.get("/v1/programs", institution(1)).await.status(), 200);
                served.fetch_add(1, Ordering::SeqCst);
                tokio::time::sleep(Duration::from_millis(20)).await;
            }
        });
    }
    let room_before = platform.peak_kib();
    let mut slow = JoinSet::new();
    for number in 0..SLOW_CLIENTS {
        let stream = TcpStream::connect(platform.address()).await.expect("a connection");
        slow.spawn(trickle(stream, heads[number % heads.len()].clone(), Instant::now()));
    }
    let before = served.load(Ordering::SeqCst);
    let mut answered = 0;
    while let Some(cut) = slow.join_next().await {
        let (took, answer) = cut.expect("it ended");
        assert!(took < CUT_WITHIN, "{took:?} {answer}");
        assert!(answer.is_empty() || answer.starts_with("HTTP/1.1 408"), "{answer}");
        answered += usize::from(!answer.is_empty());
    }
    let room = platform.peak_kib() - room_before;
    assert!(room < SLOW_CLIENTS as u64 * ROOM_KIB, "{room} KiB for {SLOW_CLIENTS} slow clients");
    // All but those that never said anything are told why.
    assert!(answered > SLOW_CLIENTS / 2, "{answered}");
    assert!(served.load(Ordering::SeqCst) > before, "healthy clients were not served meanwhile");
    stop.store(true, Ordering::SeqCst);
    while let Some(ended) = healthy.join_next().await {
        ended.expect("healthy clients are served");
    }
}
