//! R2: the control plane is gone, and nobody who uses the platform notices; routers and nodes that are restarted
//! meanwhile neither.

use std::time::Duration;

use lxp_tests::{Load, Op, Own, Size};

#[tokio::test]
async fn without_a_control_plane_everything_serves_as_before_also_after_restarts() {
    let size = Size::of_this_run();
    let platform = Own::start(2, 2).await;
    let institutions =
        [platform.institution(Some("shard-a")).await, platform.institution(Some("shard-b")).await];
    platform.stop(&["control-plane"]).await;
    let load = Load::start(&platform, &institutions, size.pick(3, 6));
    load.run_for(size.seconds(4, 600)).await;

    let mut killed = Vec::new();
    for name in ["node-shard-a-1", "node-shard-a-2", "node-shard-b-1", "node-shard-b-2"] {
        let at = load.now();
        let before = platform.kill(name);
        platform.is_up_again(name, before).await;
        killed.push((at, load.now()));
        load.run_for(size.seconds(1, 10)).await;
    }
    let router_at = load.now();
    let before = platform.kill("router");
    platform.is_up_again("router", before).await;
    let router_back = load.now();
    load.run_for(size.seconds(2, 10)).await;

    platform.begin(&["control-plane"]).await;
    platform.expect_all_up().await;
    expect_all_nodes_up(&platform).await;
    load.run_for(Duration::from_secs(1)).await;
    let history = load.stop().await;
    eprintln!("{}", history.summary(killed[0].0));
    history.expect_nothing_lost();
    history.expect_no_error_but("what the kills themselves cost", |request| {
        let in_flight = request.op == Op::Plain
            && request.code == "outcome-unknown"
            && killed.iter().any(|(from, to)| request.end() >= *from && request.at <= *to);
        let no_router =
            request.status == 0 && request.end() >= router_at && request.at <= router_back;
        in_flight || no_router
    });
}

/// The map has every node up again, so that each is sent requests.
async fn expect_all_nodes_up(platform: &Own) {
    let control = platform.control();
    let begun = std::time::Instant::now();
    loop {
        let nodes = control.get_patiently("/v1/nodes").await.expect(200).body;
        let nodes = nodes["items"].as_array().expect("items").clone();
        if nodes.len() == 4 && nodes.iter().all(|node| node["state"] == "up") {
            return;
        }
        assert!(begun.elapsed() < Duration::from_secs(30), "{nodes:#?}");
        tokio::time::sleep(Duration::from_millis(200)).await;
    }
}
