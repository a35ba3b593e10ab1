//! The only place that asks what time it is; everything else takes time as an argument.

use chrono::{DateTime, SubsecRound, Utc};

/// The wall clock, to the microsecond: what Postgres keeps.
#[expect(clippy::disallowed_methods, reason = "this is the one place")]
pub fn now() -> DateTime<Utc> {
    Utc::now().trunc_subsecs(6)
}
