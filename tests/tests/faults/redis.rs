//! R8: the Redis of a shard is flushed, killed, frozen. Every answer stays right; answers may be slower.

use std::time::Duration;

use lxp_tests::{History, Load, Own, Size, freeze, thaw};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;

const MASTERS: [&str; 3] = ["redis-shard-a-1", "redis-shard-a-2", "redis-shard-a-3"];

async fn flush(platform: &Own) {
    for master in MASTERS {
        let url = platform.process(master)["url"].as_str().expect("a URL").to_owned();
        let address = url.trim_start_matches("redis://");
        let mut stream = TcpStream::connect(address).await.expect("a connection");
        stream.write_all(b"FLUSHALL\r\n").await.expect("sent");
        let mut answer = [0; 5];
        stream.read_exact(&mut answer).await.expect("an answer");
        assert_eq!(&answer, b"+OK\r\n");
    }
}

/// Prints how much slower answers were in a phase than before it.
fn compare(
    history: &History,
    name: &str,
    usual: (Duration, Duration),
    phase: (Duration, Duration),
) {
    let within = |(from, to): (Duration, Duration), share| {
        history.percentile(share, |request| request.at >= from && request.at < to)
    };
    for share in [0.5, 0.99] {
        let (before, then) = (within(usual, share), within(phase, share));
        let ratio = then.as_secs_f64() / before.as_secs_f64().max(0.001);
        eprintln!("redis {name}: p{:.0} {then:?}, usually {before:?}: {ratio:.2}", share * 100.0);
    }
    // Were Redis asked each time, every request would wait for its deadlines; a busy machine alone stays below.
    let bound = within(usual, 0.5) * 3 + Duration::from_millis(50);
    assert!(within(phase, 0.5) < bound, "{name}: every request waits");
}

#[tokio::test]
async fn without_redis_answers_are_right_and_it_comes_back_by_itself() {
    let size = Size::of_this_run();
    let platform = Own::start(1, 2).await;
    let institution = platform.institution(None).await;
    let load = Load::start(&platform, &[institution], size.pick(6, 10));
    load.run_for(Duration::from_secs(1)).await;
    let start = load.now();
    load.run_for(size.seconds(3, 30)).await;
    let usual = (start, load.now());
    let mut phases = Vec::new();
    for _ in 0..size.pick(1, 20) {
        let from = load.now();
        flush(&platform).await;
        load.run_for(size.seconds(2, 5)).await;
        phases.push(("flushed", (from, load.now())));

        let from = load.now();
        let before = MASTERS.map(|master| (master, platform.kill(master)));
        for (master, before) in before {
            platform.is_up_again(master, before).await;
        }
        load.run_for(size.seconds(3, 5)).await;
        phases.push(("killed", (from, load.now())));

        let from = load.now();
        let frozen = MASTERS.map(|master| platform.pid(master));
        frozen.into_iter().for_each(freeze);
        load.run_for(size.seconds(4, 10)).await;
        frozen.into_iter().for_each(thaw);
        phases.push(("frozen", (from, load.now())));

        let from = load.now();
        load.run_for(size.seconds(3, 5)).await;
        phases.push(("back", (from, load.now())));
    }
    platform.expect_all_up().await;
    let history = load.stop().await;
    eprintln!("{}", history.summary(usual.1));
    history.expect_nothing_lost();
    history.expect_no_error_but("Redis is never needed", |_| false);
    for (name, phase) in phases {
        compare(&history, name, usual, phase);
    }
}
