//! How long the map's head is locked, as seen from outside: by one who tries again and again and never waits, and by
//! one who waits in line as any change of the map does.

use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use sqlx::postgres::PgConnection;
use sqlx::{Connection as _, Executor as _};
use tokio::task::JoinHandle;

/// Between two tries: as exact as it becomes.
const PAUSE: Duration = Duration::from_millis(1);

/// The longest that was seen since somebody asked.
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct Longest {
    /// Of being locked without a break.
    pub(super) locked_ms: f64,
    /// Of waiting for it.
    pub(super) waited_ms: f64,
}

/// Looks at the lock until it is dropped.
#[derive(Debug)]
pub(super) struct Watch {
    longest: Arc<Mutex<Longest>>,
    tasks: [JoinHandle<anyhow::Result<()>>; 2],
}

impl Watch {
    pub(super) fn begin(dsn: &str) -> Self {
        let longest = Arc::default();
        let tasks = [
            tokio::spawn(never_wait(dsn.to_owned(), Arc::clone(&longest))),
            tokio::spawn(wait_in_line(dsn.to_owned(), Arc::clone(&longest))),
        ];
        Self { longest, tasks }
    }

    /// What was seen since the last call.
    pub(super) fn take(&self) -> anyhow::Result<Longest> {
        anyhow::ensure!(
            !self.tasks.iter().any(JoinHandle::is_finished),
            "nobody looks at the lock"
        );
        Ok(std::mem::take(&mut *self.longest.lock().unwrap_or_else(PoisonError::into_inner)))
    }
}

impl Drop for Watch {
    fn drop(&mut self) {
        self.tasks.iter().for_each(JoinHandle::abort);
    }
}

async fn never_wait(dsn: String, longest: Arc<Mutex<Longest>>) -> anyhow::Result<()> {
    let mut connection = PgConnection::connect(&dsn).await?;
    let mut last_free = Instant::now();
    loop {
        // Of no row it says at once that it is locked, and writes nothing into the server's log.
        let free = connection.fetch_optional("SELECT FROM map_head FOR UPDATE SKIP LOCKED").await?;
        if free.is_some() {
            let ms = last_free.elapsed().as_secs_f64() * 1e3;
            last_free = Instant::now();
            let mut longest = longest.lock().unwrap_or_else(PoisonError::into_inner);
            longest.locked_ms = longest.locked_ms.max(ms);
        }
        tokio::time::sleep(PAUSE).await;
    }
}

async fn wait_in_line(dsn: String, longest: Arc<Mutex<Longest>>) -> anyhow::Result<()> {
    let mut connection = PgConnection::connect(&dsn).await?;
    loop {
        let begun = Instant::now();
        connection.execute("SELECT FROM map_head FOR UPDATE").await?;
        let ms = begun.elapsed().as_secs_f64() * 1e3;
        {
            let mut longest = longest.lock().unwrap_or_else(PoisonError::into_inner);
            longest.waited_ms = longest.waited_ms.max(ms);
        }
        tokio::time::sleep(PAUSE).await;
    }
}
