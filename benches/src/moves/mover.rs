//! Moves as an operator asks for them, and what the journal says of each.

use std::time::{Duration, Instant};

use anyhow::Context as _;
use chrono::{DateTime, Utc};
use serde_json::{Value, json};
use shard_map::InstitutionId;

use crate::platform::Platform;

/// No move of these sizes takes longer.
const DONE_WITHIN: Duration = Duration::from_mins(20);

/// A move that is done.
#[derive(Debug)]
pub(super) struct Moved {
    pub(super) pause_ms: f64,
    /// How long its phase `copying` was.
    pub(super) copying: Duration,
}

/// Moves an institution, and waits until it is done.
pub(super) async fn run(
    platform: &Platform,
    institution: InstitutionId,
    to: &str,
) -> anyhow::Result<Moved> {
    let wanted = json!({"kind": "move", "institution": institution, "to": to});
    let plan = platform.control_post("/v1/plans", &wanted).await?;
    let plan = plan["id"].as_str().context("no plan")?;
    let applied = platform.control_post(&format!("/v1/plans/{plan}:apply"), &json!({})).await?;
    let id = applied["moves"][0]["move"].as_str().context("no move")?.to_owned();
    let (began, mut copying) = (Instant::now(), [None; 2]);
    loop {
        let shown = platform.control_get(&format!("/v1/moves/{id}")).await?;
        let phase = shown["phase"].as_str().unwrap_or_default();
        anyhow::ensure!(phase != "aborted" && began.elapsed() < DONE_WITHIN, "{shown}");
        match phase {
            "copying" => copying[0] = Some(since(&shown)?),
            "verifying" => copying[1] = copying[1].or(Some(since(&shown)?)),
            _ => {}
        }
        if phase == "done" {
            // One that was too quick to be seen says nothing of a rate.
            let copying = match copying {
                [Some(from), Some(to)] => (to - from).to_std().unwrap_or_default(),
                _ => Duration::ZERO,
            };
            let pause_ms = shown["pauseMs"].as_f64().context("no pause")?;
            return Ok(Moved { pause_ms, copying });
        }
        tokio::time::sleep(Duration::from_millis(40)).await;
    }
}

fn since(shown: &Value) -> anyhow::Result<DateTime<Utc>> {
    Ok(shown["phaseStartedAt"].as_str().context("no time")?.parse()?)
}
