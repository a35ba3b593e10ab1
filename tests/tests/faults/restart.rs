//! Nodes and routers are restarted in order, one after the other, under load. Where a second one stands by nothing
//! fails.

use std::time::Duration;

use lxp_tests::{Load, Own, Size};

#[tokio::test]
async fn nodes_are_restarted_one_after_the_other_and_no_request_fails() {
    let size = Size::of_this_run();
    let platform = Own::start(1, 2).await;
    let institution = platform.institution(None).await;
    let load = Load::start(&platform, &[institution], size.pick(8, 12));
    load.run_for(Duration::from_secs(2)).await;
    let first = load.now();
    for _ in 0..size.pick(1, 20) {
        for node in ["node-shard-a-1", "node-shard-a-2"] {
            platform.stop(&[node]).await;
            load.run_for(size.seconds(1, 3)).await;
            platform.begin(&[node]).await;
            load.run_for(size.seconds(2, 3)).await;
        }
    }
    let history = load.stop().await;
    eprintln!("{}", history.summary(first));
    history.expect_nothing_lost();
    history.expect_no_error_but("a node that drains loses no request", |_| false);
}

#[tokio::test]
async fn the_only_router_ends_in_order_and_finishes_what_it_has() {
    let size = Size::of_this_run();
    let platform = Own::start(1, 1).await;
    let institution = platform.institution(None).await;
    let load = Load::start(&platform, &[institution], size.pick(8, 12));
    load.run_for(Duration::from_secs(2)).await;
    let mut gaps = Vec::new();
    for _ in 0..size.pick(1, 20) {
        let from = load.now();
        platform.stop(&["router"]).await;
        platform.begin(&["router"]).await;
        gaps.push((from, load.now()));
        load.run_for(size.seconds(2, 3)).await;
    }
    let history = load.stop().await;
    eprintln!("{}", history.summary(gaps[0].0));
    history.expect_nothing_lost();
    history.expect_no_error_but("nobody listened: what was begun was finished", |error| {
        let then = gaps.iter().any(|(from, to)| error.end() >= *from && error.at <= *to);
        then && error.code == "no-connection"
    });
}

#[tokio::test]
async fn the_only_router_is_replaced_and_no_request_fails() {
    let size = Size::of_this_run();
    let platform = Own::start(1, 1).await;
    let institution = platform.institution(None).await;
    let load = Load::start(&platform, &[institution], size.pick(8, 12));
    load.run_for(Duration::from_secs(2)).await;
    let first = load.now();
    for _ in 0..size.pick(2, 20) {
        let before = platform.pid("router");
        platform.restart(&["router"]).await;
        assert_ne!(platform.pid("router"), before);
        load.run_for(size.seconds(2, 3)).await;
    }
    // The new one is a child like any other: started again when it dies.
    let last = platform.pid("router");
    let history = load.stop().await;
    eprintln!("{}", history.summary(first));
    history.expect_nothing_lost();
    history.expect_no_error_but("a router that is replaced loses no request", |_| false);
    platform.kill("router");
    platform.is_up_again("router", last).await;
}
