//! R1: a node or a router is killed with -9 under load. Nothing is lost; where a second one stands by no request
//! fails but those in flight that must not be sent again.

use std::time::Duration;

use lxp_tests::{History, Load, Op, Own, Request, Size};

/// An error of a write without a key that was in flight when its node died: nobody knows what became of it.
fn was_in_flight(request: &Request, killed: Duration) -> bool {
    request.op == Op::Plain
        && (request.status, &*request.code) == (502, "outcome-unknown")
        && request.at <= killed + Duration::from_millis(100)
        && request.end() >= killed
}

#[tokio::test]
async fn of_two_nodes_one_is_killed_and_only_what_was_in_flight_without_a_key_fails() {
    let size = Size::of_this_run();
    let platform = Own::start(1, 2).await;
    let institution = platform.institution(None).await;
    let load = Load::start(&platform, &[institution], size.pick(6, 10));
    load.run_for(Duration::from_secs(2)).await;
    let mut kills = Vec::new();
    for round in 0..size.pick(2, 20) {
        let name = format!("node-shard-a-{}", round % 2 + 1);
        kills.push(load.now());
        let before = platform.kill(&name);
        platform.is_up_again(&name, before).await;
        load.run_for(size.seconds(2, 5)).await;
    }
    platform.expect_all_up().await;
    let history = load.stop().await;
    eprintln!("{}", history.summary(kills[0]));
    history.expect_nothing_lost();
    history.expect_no_error_but("in flight without a key when a node was killed", |request| {
        kills.iter().any(|killed| was_in_flight(request, *killed))
    });
}

#[tokio::test]
async fn the_only_router_is_killed_and_nothing_is_lost() {
    let size = Size::of_this_run();
    let platform = Own::start(1, 1).await;
    let institution = platform.institution(None).await;
    let load = Load::start(&platform, &[institution], size.pick(6, 10));
    load.run_for(Duration::from_secs(2)).await;
    let mut gaps = Vec::new();
    for _ in 0..size.pick(1, 20) {
        let killed = load.now();
        let before = platform.kill("router");
        platform.is_up_again("router", before).await;
        gaps.push((killed, load.now()));
        load.run_for(size.seconds(2, 5)).await;
    }
    let history = load.stop().await;
    eprintln!("{}", history.summary(gaps[0].0));
    history.expect_nothing_lost();
    history.expect_no_error_but("while there was no router", |request| {
        gaps.iter()
            .any(|(from, to)| request.status == 0 && request.end() >= *from && request.at <= *to)
    });
    for (killed, _) in gaps {
        assert!(outage(&history, killed) < Duration::from_secs(3), "{}", history.summary(killed));
    }
}

/// From a moment to the first good answer of a request that was sent after it.
fn outage(history: &History, since: Duration) -> Duration {
    let after = history.requests.iter().filter(|request| request.at > since && request.is_good());
    after.map(Request::end).min().expect("it answers again").saturating_sub(since)
}
