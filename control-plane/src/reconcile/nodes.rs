//! Nodes: judged four times a second, and asked for their `/readyz` once a second each.
//!
//! What must stay true: a node is asked by one control plane at a time, within a deadline, and not through any
//! proxy; that it does not answer is a sign like others and no failure of the reconciler.

use std::time::Duration;

use futures::{StreamExt, stream};

use super::Trouble;
use crate::error::Error;
use crate::service::Platform;
use crate::store::nodes;

/// How often all nodes are judged: a failed one is noticed after 2.5 s and this.
const JUDGE_EVERY: Duration = Duration::from_millis(250);
/// How often each node is asked, in seconds.
const PROBE_EVERY_S: f64 = 1.0;
/// How often it is looked which are due.
const PROBE_LOOK_EVERY: Duration = Duration::from_millis(250);
const PROBE_DEADLINE: Duration = Duration::from_millis(900);
/// Probes in one look.
const PROBES_MAX: i64 = 256;
const PROBES_AT_ONCE: usize = 32;

/// Judges for ever. The watch begins anew when this begins.
pub(super) async fn judge(platform: Platform) {
    let mut trouble = Trouble::new("nodes");
    let mut watching = false;
    loop {
        let done = if watching {
            platform.judge_nodes().await.map(|_| ())
        } else {
            let begun = platform.begin_watch().await;
            watching = begun.is_ok();
            begun
        };
        trouble.note(done);
        tokio::time::sleep(JUDGE_EVERY).await;
    }
}

/// Probes for ever.
pub(super) async fn probe(platform: Platform, http: reqwest::Client) {
    let mut trouble = Trouble::new("probes");
    loop {
        trouble.note(probe_due(&platform, &http).await);
        tokio::time::sleep(PROBE_LOOK_EVERY).await;
    }
}

/// What probes are sent with.
pub fn prober() -> reqwest::Result<reqwest::Client> {
    reqwest::Client::builder()
        .timeout(PROBE_DEADLINE)
        .redirect(reqwest::redirect::Policy::none())
        .no_proxy()
        .build()
}

/// Asks the nodes that are due, and takes note of what they answer.
pub async fn probe_due(platform: &Platform, http: &reqwest::Client) -> Result<(), Error> {
    let mut connection = platform.pool.acquire().await?;
    let due = nodes::take_due_probes(&mut connection, PROBE_EVERY_S, PROBES_MAX).await?;
    drop(connection);
    stream::iter(due)
        .map(|(id, url)| async move {
            let error = ask(http, &url).await.err();
            platform.probed(&id, error.as_deref()).await
        })
        .buffer_unordered(PROBES_AT_ONCE)
        .fold(Ok(()), |all, one| async move { all.and(one) })
        .await
}

/// Asks one node; what is wrong is said in a few words.
async fn ask(http: &reqwest::Client, url: &str) -> Result<(), String> {
    match http.get(format!("{url}/readyz")).send().await {
        Ok(answer) if answer.status().is_success() => Ok(()),
        Ok(answer) => Err(format!("it answers {}", answer.status().as_u16())),
        Err(error) if error.is_timeout() => {
            Err(format!("no answer within {} ms", PROBE_DEADLINE.as_millis()))
        }
        Err(error) => Err(innermost(&error)),
    }
}

/// "Connection refused" rather than "error sending request".
fn innermost(error: &dyn std::error::Error) -> String {
    let mut cause = error;
    while let Some(inner) = cause.source() {
        cause = inner;
    }
    cause.to_string()
}
