//! News of a page as server-sent events: its body made anew, sent where it differs from what was sent before.
//!
//! What must stay true: so many streams at once, each with an end; all end with the process, and each with its session.
//! A browser comes again by itself. Not so of one that reads nothing: its place is free when its connection ends.

use std::convert::Infallible;
use std::time::{Duration, Instant};

use axum::http::StatusCode;
use axum::response::sse::{Event, KeepAlive, Sse};
use axum::response::{IntoResponse, Response};
use futures::stream;
use tokio::sync::OwnedSemaphorePermit;
use tokio::time::sleep;

use super::{Console, Page};

/// Streams at once.
pub const STREAMS_MAX: usize = 32;
/// How long one lasts.
const LASTS: Duration = Duration::from_mins(10);
/// When a browser comes again after an end.
const AGAIN_AFTER: Duration = Duration::from_secs(2);

struct Stream {
    console: Console,
    page: Page,
    session: String,
    until: Instant,
    sent: Option<String>,
    _place: OwnedSemaphorePermit,
}

impl Console {
    pub(super) fn stream(&self, page: Page, session: String) -> Response {
        let Ok(place) = self.0.streams.clone().try_acquire_owned() else {
            return StatusCode::SERVICE_UNAVAILABLE.into_response();
        };
        let until = Instant::now() + LASTS;
        let stream =
            Stream { console: self.clone(), page, session, until, sent: None, _place: place };
        let events = stream::unfold(stream, async |mut stream| {
            let stop = stream.console.0.stop.clone();
            let event = stop.run_until_cancelled(stream.next()).await??;
            Some((Ok::<_, Infallible>(event), stream))
        });
        Sse::new(events).keep_alive(KeepAlive::default()).into_response()
    }
}

impl Stream {
    /// The next body that differs; none at the end.
    async fn next(&mut self) -> Option<Event> {
        loop {
            if self.sent.is_some() {
                sleep(self.page.every()).await;
            }
            let now = Instant::now();
            let sessions = &self.console.0.sessions;
            if now >= self.until || sessions.holder(&self.session, now).is_none() {
                return None;
            }
            let (_, body) = self.console.made(&self.page).await;
            if self.sent.as_ref() != Some(&body) {
                let event = Event::default().retry(AGAIN_AFTER).data(&body);
                self.sent = Some(body);
                return Some(event);
            }
        }
    }
}
