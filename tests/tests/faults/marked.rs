//! A node that is said to be down, or is cordoned, gets no request within a second; when that is taken back it
//! serves again. Nobody who uses the platform notices.

use std::time::{Duration, Instant};

use lxp_tests::{Load, Own};
use reqwest::Method;
use serde_json::{Value, json};

const NODE: &str = "shard-a-1";
const PART: &str = "node-shard-a-1";

/// Requests of clients that a node has answered.
async fn answered(platform: &Own) -> f64 {
    platform.metric(PART, "lxp_requests_total", |labels| labels.contains("path=\"/v1")).await
}

/// Down and up are a health checker's to say, cordon and uncordon a person's.
async fn tell(platform: &Own, what: &str, body: Value) {
    let role = if what.contains("cordon") { "platform_ops" } else { "health_checker" };
    let path = format!("/v1/nodes/{NODE}:{what}");
    let answer = match body {
        Value::Null => platform.control_as(role).send(Method::POST, &path, None, &[]).await,
        body => platform.control_as(role).post(&path, body).await,
    };
    assert!(answer.status < 300, "{what}: {} {}", answer.status, answer.body);
}

async fn expect_it_serves(platform: &Own) {
    let (begun, before) = (Instant::now(), answered(platform).await);
    while answered(platform).await - before < 10.0 {
        assert!(begun.elapsed() < Duration::from_secs(30), "it is sent nothing");
        tokio::time::sleep(Duration::from_millis(100)).await;
    }
}

#[tokio::test]
async fn a_node_that_is_marked_down_or_cordoned_gets_no_request_within_a_second() {
    let platform = Own::start(1, 2).await;
    let institution = platform.institution(None).await;
    let load = Load::start(&platform, &[institution], 6);
    expect_it_serves(&platform).await;
    let marks = [("down", json!({"reason": "a test"}), "up"), ("cordon", Value::Null, "uncordon")];
    for (mark, body, back) in marks {
        tell(&platform, mark, body).await;
        load.run_for(Duration::from_secs(1)).await;
        let before = answered(&platform).await;
        load.run_for(Duration::from_secs(3)).await;
        let more = answered(&platform).await - before;
        assert!(more == 0.0, "{more} requests more than a second after :{mark}");
        tell(&platform, back, Value::Null).await;
        expect_it_serves(&platform).await;
    }
    let history = load.stop().await;
    eprintln!("{}", history.summary(Duration::ZERO));
    history.expect_nothing_lost();
    history.expect_no_error_but("nothing failed", |_| false);
}
