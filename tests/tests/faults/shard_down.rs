//! R16: every node of a shard fails. Its institutions are told so and when to come again, at little cost; all others
//! are served as before.

use std::time::Duration;

use lxp_tests::{History, Load, Own, Request, Size, freeze, thaw};

const NODES: [&str; 2] = ["node-shard-b-1", "node-shard-b-2"];

/// Attempts of the router beyond each request's first: follow-ups of 421 and refused retries are none.
async fn retries(platform: &Own) -> f64 {
    let retry = |labels: &str| labels.contains("\"connect\"") || labels.contains("\"resend\"");
    platform.metric("router", "lxp_router_again_total", retry).await
}

fn failed_during(request: &Request, from: Duration, to: Duration) -> bool {
    request.shard == "shard-b" && request.end() >= from && request.at <= to
}

/// Fails where a request to the shard that fails cost more than 1.2 attempts.
fn expect_few_attempts(history: &History, (from, to): (Duration, Duration), again: f64) {
    let asked = history.requests.iter().filter(|request| failed_during(request, from, to));
    let asked = f64::from(u32::try_from(asked.count()).expect("a count"));
    let attempts = 1.0 + again / asked;
    eprintln!("{asked} requests to a shard that fails, {attempts:.3} attempts each");
    assert!(asked > 30.0, "only {asked} requests");
    assert!(attempts <= 1.2, "{attempts} attempts a request");
}

#[tokio::test]
async fn a_shard_that_is_down_costs_its_own_institutions_alone_and_few_attempts() {
    let size = Size::of_this_run();
    let platform = Own::start(2, 2).await;
    let institutions =
        [platform.institution(Some("shard-a")).await, platform.institution(Some("shard-b")).await];
    let load = Load::start(&platform, &institutions, 4);
    load.run_for(Duration::from_secs(2)).await;

    let (before, from) = (retries(&platform).await, load.now());
    platform.stop(&NODES).await;
    let gone = load.now();
    load.run_for(size.seconds(6, 30)).await;
    let (after, to) = (retries(&platform).await, load.now());
    platform.begin(&NODES).await;
    load.run_for(Duration::from_secs(6)).await;
    let back = load.now();
    load.run_for(Duration::from_secs(2)).await;
    let history = load.stop().await;
    eprintln!("{}", history.summary(from));

    history.expect_nothing_lost();
    // Nobody stands by while both close their connections: what was sent on one in that moment has no known outcome.
    history.expect_no_error_but("503 shard-unavailable with Retry-After, of that shard", |error| {
        let told = (error.status, &*error.code) == (503, "shard-unavailable") && error.retry_after;
        let cut_off = error.code == "outcome-unknown" && error.at <= gone;
        failed_during(error, from, back) && (told || cut_off)
    });
    expect_few_attempts(&history, (from, to), after - before);
}

#[tokio::test]
async fn a_shard_that_hangs_costs_its_own_institutions_alone_and_comes_back() {
    let size = Size::of_this_run();
    let platform = Own::start(2, 2).await;
    let institutions =
        [platform.institution(Some("shard-a")).await, platform.institution(Some("shard-b")).await];
    let deadline = Duration::from_secs(2);
    let load = Load::with_deadline(&platform, &institutions, size.pick(8, 16), deadline);
    load.run_for(Duration::from_secs(2)).await;

    let (before, from) = (retries(&platform).await, load.now());
    let frozen = NODES.map(|node| platform.pid(node));
    frozen.into_iter().for_each(freeze);
    load.run_for(size.seconds(10, 30)).await;
    let (after, to) = (retries(&platform).await, load.now());
    frozen.into_iter().for_each(thaw);
    load.run_for(Duration::from_secs(8)).await;
    let back = load.now();
    load.run_for(Duration::from_secs(2)).await;
    let history = load.stop().await;
    eprintln!("{}", history.summary(from));

    history.expect_nothing_lost();
    history.expect_no_error_but("of that shard, while it hung", |error| {
        let told = error.code == "outcome-unknown" || error.status == 503 && error.retry_after;
        // One that is over its time is cut off where even the router has no time to say so.
        let told = told || error.code == "connection-broke" && error.took > deadline;
        // A cold platform on a busy machine may be too slow for the deadline: that was before the fault.
        told && (failed_during(error, from, back) || error.at < from)
    });
    expect_few_attempts(&history, (from, to), after - before);
}
