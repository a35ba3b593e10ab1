//! How much a fault test does: a smoke in every run, a soak by `make soak`.

use std::time::Duration;

/// The size of a run.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Size {
    /// Seconds.
    Smoke,
    /// Minutes.
    Soak,
}

impl Size {
    /// As `LXP_SOAK=1` says.
    pub fn of_this_run() -> Self {
        #[expect(clippy::disallowed_methods, reason = "tests are told here how much to do")]
        let soak = std::env::var("LXP_SOAK").is_ok_and(|value| value == "1");
        if soak { Self::Soak } else { Self::Smoke }
    }

    /// One of two numbers.
    pub fn pick<T>(self, smoke: T, soak: T) -> T {
        match self {
            Self::Smoke => smoke,
            Self::Soak => soak,
        }
    }

    /// One of two times, in seconds.
    pub fn seconds(self, smoke: u64, soak: u64) -> Duration {
        Duration::from_secs(self.pick(smoke, soak))
    }
}
