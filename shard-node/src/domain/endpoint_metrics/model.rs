//! What is asked of the metrics, and what they say.

use chrono::{DateTime, Utc};
use garde::Validate;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use crate::domain::checks::valid_instant;

/// How long a bucket is.
#[derive(
    Debug,
    Clone,
    Copy,
    Default,
    PartialEq,
    Eq,
    PartialOrd,
    Ord,
    Hash,
    Serialize,
    Deserialize,
    ToSchema,
)]
#[serde(rename_all = "UPPERCASE")]
pub enum Resolution {
    /// A minute; kept for 48 hours.
    Minute,
    /// An hour; kept for 90 days.
    #[default]
    Hour,
}

impl Resolution {
    /// The word in the table.
    pub(super) const fn as_str(self) -> &'static str {
        match self {
            Self::Minute => "MINUTE",
            Self::Hour => "HOUR",
        }
    }
}

/// What is added up.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Deserialize, ToSchema)]
#[serde(rename_all = "UPPERCASE")]
pub enum By {
    /// The interval, each operation by itself.
    #[default]
    Operation,
    /// All operations (or the one that is named), each bucket by itself.
    Bucket,
}

/// Which metrics.
#[derive(Debug, Deserialize, Validate, ToSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct EndpointMetricsQuery {
    /// From when on; a day before `until` where it is absent. The bucket that it lies in counts whole.
    #[garde(inner(custom(valid_instant)))]
    pub from: Option<DateTime<Utc>>,
    /// Until when; now where it is absent.
    #[garde(inner(custom(valid_instant)))]
    pub until: Option<DateTime<Utc>>,
    /// Only this operation, by its operation id, such as `academic.listPrograms`.
    #[garde(inner(length(chars, min = 1, max = 200)))]
    pub operation: Option<String>,
    /// Of which buckets: HOUR unless it says MINUTE.
    #[serde(default)]
    #[schema(inline)]
    #[garde(skip)]
    pub resolution: Resolution,
    /// What is added up: by OPERATION unless it says BUCKET.
    #[serde(default)]
    #[schema(inline)]
    #[garde(skip)]
    pub by: By,
}

/// The metrics of an interval.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct EndpointMetrics {
    /// When the first bucket begins.
    pub from: DateTime<Utc>,
    /// When the last one has begun.
    pub until: DateTime<Utc>,
    /// How long a bucket is.
    #[schema(inline)]
    pub resolution: Resolution,
    /// By operation the most called first, by bucket in their order; none without a request.
    pub items: Vec<EndpointMetric>,
}

/// How often, with what outcome and in what time requests were answered.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct EndpointMetric {
    /// Of which operation; null: of all that were asked for.
    pub operation: Option<String>,
    /// When the bucket began; null: of the whole interval.
    pub at: Option<DateTime<Utc>>,
    /// Requests; a call of a batch is one.
    pub requests: i64,
    /// Of those, answered with 4xx.
    pub client_errors: i64,
    /// Of those, answered with 5xx.
    pub server_errors: i64,
    /// Their mean time, in milliseconds.
    pub mean_ms: Option<f64>,
    /// The time that half of them took at most, in milliseconds, as near as their buckets say.
    pub p50_ms: Option<f64>,
    /// The time that 99 of 100 took at most, as near as their buckets say; 10,000 is that or longer.
    pub p99_ms: Option<f64>,
}
