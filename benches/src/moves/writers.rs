//! Clients that write while their institution moves.

use std::time::{Duration, Instant};

use serde_json::json;
use service_kit::request_id::REQUEST_ID_HEADER;
use shard_map::InstitutionId;
use tokio::task::JoinSet;
use tokio_util::sync::CancellationToken;
use uuid::Uuid;

use crate::platform::Platform;

/// None of them may meet the limit of a user.
const USERS: usize = 40;
/// A write that takes as long is named, so that logs tell why.
const SLOW: Duration = Duration::from_millis(500);

/// What clients saw.
#[derive(Debug, Default)]
pub(super) struct Seen {
    pub(super) took_ms: Vec<f64>,
    pub(super) failed: u32,
}

/// Changes titles of the rows that were filled in, so many times a second whatever the answers take, until `stop`.
pub(super) async fn run(
    platform: &Platform,
    institution: InstitutionId,
    rows: u32,
    per_second: u32,
    stop: &CancellationToken,
) -> anyhow::Result<Seen> {
    let http = reqwest::Client::builder().no_proxy().build()?;
    let url = format!("{}/v1/courses", platform.router()?);
    let tokens: Vec<_> = (0..USERS).map(|_| platform.token(institution, Uuid::new_v4())).collect();
    let (mut under_way, mut seen, mut number) = (JoinSet::new(), Seen::default(), 0_u32);
    let mut beat = tokio::time::interval(Duration::from_secs(1) / per_second.max(1));
    loop {
        tokio::select! {
            () = stop.cancelled() => break,
            Some(done) = under_way.join_next() => note(&mut seen, done?),
            _ = beat.tick() => {
                number += 1;
                // Spread over the whole table, in no order.
                let row = u128::from(number.wrapping_mul(2_654_435_761) % rows.max(1)) + 1;
                let request = http
                    .patch(format!("{url}/{}", Uuid::from_u128(row)))
                    .bearer_auth(&tokens[number as usize % USERS])
                    .json(&json!({"title": format!("Changed {number}")}));
                under_way.spawn(async move {
                    let began = Instant::now();
                    let answer = request.send().await;
                    let headers = answer.as_ref().ok().map(reqwest::Response::headers);
                    let id = headers.and_then(|headers| headers.get(REQUEST_ID_HEADER)?.to_str().ok());
                    let id = id.unwrap_or_default().to_owned();
                    let (status, why) = match answer {
                        Ok(answer) if answer.status() == 200 => (200, String::new()),
                        Ok(answer) => {
                            let status = answer.status().as_u16();
                            (status, answer.text().await.unwrap_or_default())
                        }
                        Err(error) => (0, error.to_string()),
                    };
                    Answered { status, why, id, took: began.elapsed() }
                });
            }
        }
    }
    while let Some(done) = under_way.join_next().await {
        note(&mut seen, done?);
    }
    Ok(seen)
}

/// What became of a write.
struct Answered {
    status: u16,
    why: String,
    /// What logs call the request.
    id: String,
    took: Duration,
}

fn note(seen: &mut Seen, answered: Answered) {
    let Answered { status, why, id, took } = answered;
    if took >= SLOW {
        eprintln!("lxp-bench: a write of an institution that moves took {took:?}: request {id}");
    }
    seen.took_ms.push(took.as_secs_f64() * 1e3);
    if status != 200 {
        // The first says why; the others are counted.
        if seen.failed == 0 {
            eprintln!(
                "lxp-bench: a write of an institution that moves: {status} after {took:?}: {why}"
            );
        }
        seen.failed += 1;
    }
}
