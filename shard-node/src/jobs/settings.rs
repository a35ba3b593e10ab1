//! `[jobs]`: whether a node works, and how much at once.

use std::time::Duration;

use schemars::JsonSchema;
use serde::Deserialize;

/// What must be left of a lease when a handler's time is up: for what is written then.
const MARGIN: Duration = Duration::from_secs(5);

/// Fewer could not be shared between institutions and kinds.
const AT_ONCE_MIN: u32 = 4;

/// What a node does.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum Mode {
    /// Answers requests; leaves jobs to others.
    Serve,
    /// Does jobs; no router knows it.
    Work,
    /// Answers requests and does jobs.
    #[default]
    Both,
}

/// `[jobs]`.
#[derive(Debug, Clone, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct JobSettings {
    /// `serve` answers requests only, `work` does jobs only and is not registered with the control plane, `both`.
    #[schemars(with = "String")]
    pub mode: Mode,
    /// Jobs that the node does at once, 4 or more; each has a connection to the primary. Of one institution, and of one
    /// type unless it says otherwise, half as many.
    #[schemars(extend("x-unit" = "jobs"))]
    pub at_once: u32,
    /// Jobs of one institution and type that are taken at once and done one after another, at most; fewer of what is slow.
    #[schemars(extend("x-unit" = "jobs"))]
    pub batch: u32,
    /// How long a job is its worker's; afterwards another one may take it.
    #[schemars(extend("x-unit" = "s"))]
    pub lease_s: u32,
    /// How long a job that is done is kept.
    #[schemars(extend("x-unit" = "h"))]
    pub keep_done_h: u32,
    /// How long a job that was cancelled is kept.
    #[schemars(extend("x-unit" = "h"))]
    pub keep_cancelled_h: u32,
}

impl Default for JobSettings {
    fn default() -> Self {
        Self {
            mode: Mode::Both,
            at_once: 8,
            batch: 8,
            lease_s: 30,
            keep_done_h: 24,
            keep_cancelled_h: 7 * 24,
        }
    }
}

impl JobSettings {
    /// Whether they make sense.
    ///
    /// # Errors
    /// When one is too small.
    pub fn check(&self) -> anyhow::Result<()> {
        anyhow::ensure!(self.at_once >= AT_ONCE_MIN, "jobs.at_once is {AT_ONCE_MIN} or more");
        anyhow::ensure!(self.batch >= 1, "jobs.batch is 1 or more");
        let least = MARGIN.as_secs() + 1;
        anyhow::ensure!(u64::from(self.lease_s) >= least, "jobs.lease_s is {least} or more");
        Ok(())
    }

    /// How long a job is its worker's.
    pub fn lease(&self) -> Duration {
        Duration::from_secs(self.lease_s.into())
    }

    /// How long a handler may take at most.
    pub fn longest(&self) -> Duration {
        self.lease().saturating_sub(MARGIN)
    }

    /// How long a job that is done is kept.
    pub fn keep_done(&self) -> Duration {
        Duration::from_hours(self.keep_done_h.into())
    }

    /// How long a job that was cancelled is kept.
    pub fn keep_cancelled(&self) -> Duration {
        Duration::from_hours(self.keep_cancelled_h.into())
    }

    /// Whether the node answers requests.
    pub fn serves(&self) -> bool {
        self.mode != Mode::Work
    }

    /// Whether the node does jobs.
    pub fn works(&self) -> bool {
        self.mode != Mode::Serve
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_could_not_work_is_refused() {
        let default = JobSettings::default();
        assert!(default.check().is_ok());
        for wrong in [
            JobSettings { at_once: 3, ..default.clone() },
            JobSettings { batch: 0, ..default.clone() },
            JobSettings { lease_s: 5, ..default },
        ] {
            assert!(wrong.check().is_err(), "{wrong:?}");
        }
    }
}
