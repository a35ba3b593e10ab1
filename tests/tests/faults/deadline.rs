//! R6: connections between nodes and their database are cut, or lead nowhere. No request outlives its deadline for
//! long, nothing is acknowledged that is lost, and it goes on by itself.

use std::time::Duration;

use lxp_tests::{Load, Own, Size, freeze, thaw};
use sqlx::{Connection, Executor, PgConnection};

const PRIMARY: &str = "postgres-shard-a-primary";

const DEADLINE: Duration = Duration::from_secs(1);

/// What RELIABILITY allows beyond it.
const SLACK: Duration = Duration::from_millis(250);

/// What a machine that is busy with other tests may take beyond that, before it counts as hanging.
const BUSY: Duration = Duration::from_secs(1);

#[tokio::test]
async fn no_request_outlives_its_deadline_while_the_database_leads_nowhere() {
    let size = Size::of_this_run();
    let platform = Own::start(1, 2).await;
    let institution = platform.institution(None).await;
    let load = Load::with_deadline(&platform, &[institution], size.pick(8, 20), DEADLINE);
    load.run_for(Duration::from_secs(2)).await;
    let (mut holes, mut late, mut slowest, mut asked) = (Vec::new(), 0, Duration::ZERO, 0);
    for _ in 0..size.pick(1, 20) {
        let from = load.now();
        let primary = platform.pid(PRIMARY);
        freeze(primary);
        load.run_for(size.seconds(6, 10)).await;
        thaw(primary);
        load.run_for(Duration::from_secs(5)).await;
        holes.push((from, load.now()));
    }
    load.run_for(Duration::from_secs(1)).await;
    let history = load.stop().await;
    eprintln!("{}", history.summary(holes[0].0));
    for request in &history.requests {
        if holes.iter().any(|(from, to)| request.end() >= *from && request.at <= *to) {
            asked += 1;
            late += usize::from(request.took > DEADLINE + SLACK);
            slowest = slowest.max(request.took);
        }
    }
    eprintln!(
        "black hole: {late} of {asked} later than {:?}, slowest {slowest:?}",
        DEADLINE + SLACK
    );
    history.expect_nothing_lost();
    history.expect_no_error_but("while the database led nowhere", |error| {
        let then = holes.iter().any(|(from, to)| error.end() >= *from && error.at <= *to);
        // A cold platform on a busy machine may be too slow for the deadline: that was before the fault.
        let cold = error.at < holes[0].0 && error.code == "overloaded";
        cold || then
            && (error.status == 503 && error.retry_after || error.code == "outcome-unknown")
    });
    assert!(asked > 50, "only {asked} requests");
    assert!(late * 20 <= asked, "{late} of {asked} outlived their deadline");
    assert!(slowest < DEADLINE + SLACK + BUSY, "the slowest took {slowest:?}");
}

#[tokio::test]
async fn connections_that_are_cut_lose_nothing_and_are_made_anew() {
    let size = Size::of_this_run();
    let platform = Own::start(1, 2).await;
    let institution = platform.institution(None).await;
    let load = Load::start(&platform, &[institution], size.pick(8, 20));
    load.run_for(Duration::from_secs(2)).await;
    let mut superuser =
        PgConnection::connect(&platform.superuser(PRIMARY)).await.expect("a connection");
    let mut cuts = Vec::new();
    for _ in 0..size.pick(4, 50) {
        cuts.push(load.now());
        let cut =
            "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE usename = 'lxp_app'";
        superuser.execute(cut).await.expect("cut");
        load.run_for(Duration::from_secs(2)).await;
    }
    let history = load.stop().await;
    eprintln!("{}", history.summary(cuts[0]));
    history.expect_nothing_lost();
    history.expect_no_error_but("in flight when the connections were cut", |error| {
        let second = Duration::from_secs(1);
        let then = cuts.iter().any(|cut| error.end() >= *cut && error.at <= *cut + second);
        then && (error.status == 503 && error.retry_after || error.code == "outcome-unknown")
    });
}
