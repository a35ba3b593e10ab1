//! Institutions change their shards while they work: nobody sees an error, and nothing is lost.
//!
//! A part of OULAD is loaded (`tests/data/oulad`: 300 registrations; all 32,593 take minutes). With `LXP_SOAK=1` and
//! `LXP_OULAD_DIR` naming its directory all of it is, and each institution moves more often.

use std::time::{Duration, Instant};

use futures::future::join_all;
use lxp_tests::{Client, Institution, Platform, Schools, Size, oulad};
use reqwest::Method;
use serde_json::{Value, json};

/// A move with a busy institution, on a busy machine.
const MOVED_WITHIN: Duration = Duration::from_secs(100);
/// What two shards have room for at once on two cores.
const AT_ONCE: usize = 4;

/// Asks for a move as an operator does. Answers its id.
async fn begin(control: &Client, institution: &Institution, to: &str) -> String {
    let wanted = json!({"kind": "move", "institution": institution.id, "to": to});
    let plan = control.post("/v1/plans", wanted).await.expect(201);
    let path = format!("/v1/plans/{}:apply", plan.id());
    let applied = control.send(Method::POST, &path, None, &[]).await.expect(200);
    applied.body["moves"][0]["move"].as_str().expect("a move").to_owned()
}

async fn until_done(control: &Client, id: &str) -> Value {
    let deadline = Instant::now() + MOVED_WITHIN;
    loop {
        let shown = control.get(&format!("/v1/moves/{id}")).await.expect(200).body;
        if shown["phase"] == "done" {
            return shown;
        }
        assert!(shown["phase"] != "aborted" && Instant::now() < deadline, "{shown}");
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
}

async fn to_and_fro(control: &Client, institution: &Institution, times: usize) {
    let other = if institution.shard == "shard-a" { "shard-b" } else { "shard-a" };
    for to in [other, &institution.shard].into_iter().cycle().take(times) {
        let id = begin(control, institution, to).await;
        let shown = until_done(control, &id).await;
        let (pause, rows) = (&shown["pauseMs"], &shown["rowsCopied"]);
        println!("pause {pause} ms, {rows} rows, retries {}", shown["retries"]);
        let there = control.get(&format!("/v1/institutions/{}", institution.id)).await.expect(200);
        assert_eq!(there.body["shard"], to);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn institutions_move_to_and_fro_and_no_request_fails() {
    let (platform, size) = (Platform::shared(), Size::of_this_run());
    let institutions = oulad::all_or_part(&platform).await;
    let schools = Schools::open(&platform, &institutions, size.pick(2, 4)).await;
    let control = platform.control();
    for some in institutions.chunks(AT_ONCE) {
        join_all(some.iter().map(|one| to_and_fro(&control, one, size.pick(3, 10)))).await;
    }
    let history = schools.close().await;
    let slowest = history.requests.iter().map(|request| request.took).max();
    println!("{}  the slowest {slowest:?}", history.summary(Duration::ZERO));
    history.expect_nothing_lost();
    assert!(history.acknowledged > 100, "{}", history.acknowledged);
}
