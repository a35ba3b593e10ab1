//! Buckets of time: which one a request falls into, and what a percentile of them is. Pure.

use std::time::Duration;

use chrono::{DateTime, TimeDelta, Utc};
use service_kit::Problem;
use service_kit::metrics::RESPONSE_TIME_BUCKETS_S;
use service_kit::problem::FieldProblem;

use super::{EndpointMetricsQuery, Resolution};
use crate::operation::invalid;

/// One for each bound, and one for what took longer than the last.
pub(super) const BUCKETS: usize = RESPONSE_TIME_BUCKETS_S.len() + 1;

/// What is asked for where the query says no beginning.
const INTERVAL: TimeDelta = TimeDelta::hours(24);

impl Resolution {
    /// How long a bucket is.
    pub(super) const fn width_s(self) -> i64 {
        match self {
            Self::Minute => 60,
            Self::Hour => 3_600,
        }
    }

    /// How long a bucket is kept; a query asks for no longer interval.
    pub(super) const fn kept(self) -> TimeDelta {
        match self {
            Self::Minute => TimeDelta::hours(48),
            Self::Hour => TimeDelta::days(90),
        }
    }

    /// When the bucket of an instant begins.
    pub(super) fn bucket(self, at: DateTime<Utc>) -> DateTime<Utc> {
        at - TimeDelta::seconds(at.timestamp().rem_euclid(self.width_s()))
            - TimeDelta::nanoseconds(i64::from(at.timestamp_subsec_nanos()))
    }
}

/// The bucket of a request that took this long.
pub(super) fn bucket(took: Duration) -> usize {
    let seconds = took.as_secs_f64();
    let bounds = RESPONSE_TIME_BUCKETS_S.iter();
    bounds.take_while(|bound| seconds > **bound).count()
}

/// The time within which this share of the requests was answered, in milliseconds, as Prometheus reckons it: evenly
/// within a bucket, and no more than the last bound. None where there was no request.
pub(super) fn percentile_ms(latency: &[i64], share: f64) -> Option<f64> {
    let total: i64 = latency.iter().sum();
    if total <= 0 {
        return None;
    }
    let rank = share * float(total);
    let (mut before, mut lower_s) = (0_i64, 0.0);
    for (count, upper_s) in latency.iter().zip(RESPONSE_TIME_BUCKETS_S) {
        if *count > 0 && float(before + count) >= rank {
            let within = ((rank - float(before)) / float(*count)).clamp(0.0, 1.0);
            return Some(milliseconds(lower_s + (upper_s - lower_s) * within));
        }
        before += count;
        lower_s = upper_s;
    }
    Some(milliseconds(lower_s))
}

/// The mean of so many requests that took this long together, in milliseconds.
pub(super) fn mean_ms(total_us: i64, requests: i64) -> Option<f64> {
    (requests > 0).then(|| milliseconds(float(total_us) / float(requests) / 1e6))
}

/// To the microsecond.
fn milliseconds(seconds: f64) -> f64 {
    (seconds * 1e6).round() / 1e3
}

fn float(count: i64) -> f64 {
    #[expect(clippy::cast_precision_loss, reason = "exact up to 2^53")]
    let float = count as f64;
    float
}

/// From when to when a query asks, as whole buckets: the first begins at or before `from`, the last before `until`.
///
/// # Errors
/// 400 where it asks for nothing, or for longer than buckets are kept.
pub(super) fn interval(
    query: &EndpointMetricsQuery,
    now: DateTime<Utc>,
) -> Result<(DateTime<Utc>, DateTime<Utc>), Problem> {
    let until = query.until.unwrap_or(now);
    let from = query.resolution.bucket(query.from.unwrap_or(until - INTERVAL));
    let kept = query.resolution.kept();
    let wrong =
        |detail: String| Err(invalid().field(FieldProblem::new("/from", "invalid", detail)));
    if from >= until {
        return wrong("an instant before `until` is expected".to_owned());
    }
    if until - from > kept + TimeDelta::seconds(query.resolution.width_s()) {
        let hours = kept.num_hours();
        return wrong(format!("{hours} h before `until` at most: so long these buckets are kept"));
    }
    Ok((from, until))
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::domain::endpoint_metrics::By;

    fn counted(times_us: &[u64]) -> Vec<i64> {
        let mut latency = vec![0; BUCKETS];
        for us in times_us {
            latency[bucket(Duration::from_micros(*us))] += 1;
        }
        latency
    }

    #[test]
    fn a_time_falls_into_the_bucket_whose_bound_it_does_not_pass() {
        for (us, expected) in
            [(0, 0), (1_000, 0), (1_001, 1), (2_500, 1), (10_000_000, 12), (10_000_001, 13)]
        {
            assert_eq!(bucket(Duration::from_micros(us)), expected, "{us} us");
        }
    }

    #[test]
    fn percentiles_are_those_of_prometheus() {
        assert_eq!(percentile_ms(&[0; BUCKETS], 0.5), None);
        // 100 requests of 1 to 2.5 ms: the middle is halfway.
        let mut latency = [0; BUCKETS];
        latency[1] = 100;
        assert_eq!(percentile_ms(&latency, 0.5), Some(1.75));
        // 99 fast ones and one of 5 to 10 s: p99 is the bound of the fast ones.
        let mut latency = [0; BUCKETS];
        (latency[0], latency[12]) = (99, 1);
        assert_eq!(percentile_ms(&latency, 0.99), Some(1.0));
        assert_eq!(percentile_ms(&latency, 1.0), Some(10_000.0));
        // What took longer than the last bound is shown as that.
        assert_eq!(percentile_ms(&counted(&[60_000_000]), 0.5), Some(10_000.0));
        assert_eq!((mean_ms(3_000, 2), mean_ms(0, 0)), (Some(1.5), None));
    }

    #[test]
    fn an_interval_is_of_whole_buckets_and_bounded() {
        let now: DateTime<Utc> = "2026-11-29T12:34:56.789Z".parse().expect("an instant");
        let ask = |resolution, from: Option<&str>, until: Option<&str>| {
            let instant = |text: Option<&str>| text.map(|text| text.parse().expect("an instant"));
            let (from, until) = (instant(from), instant(until));
            interval(
                &EndpointMetricsQuery {
                    from,
                    until,
                    operation: None,
                    resolution,
                    by: By::Operation,
                },
                now,
            )
        };
        let (from, until) = ask(Resolution::Hour, None, None).expect("a day");
        assert_eq!((from.to_rfc3339(), until), ("2026-11-28T12:00:00+00:00".to_owned(), now));
        let (from, _) = ask(Resolution::Minute, Some("2026-11-29T12:33:59.9Z"), None).expect("it");
        assert_eq!(from.to_rfc3339(), "2026-11-29T12:33:00+00:00");
        for (resolution, from, until) in [
            (Resolution::Minute, Some("2026-11-27T12:00:00Z"), None),
            (Resolution::Hour, Some("2026-08-01T00:00:00Z"), None),
            (Resolution::Hour, Some("2026-11-29T14:00:00Z"), None),
            (Resolution::Hour, Some("2026-11-29T12:00:00Z"), Some("2026-11-29T12:00:00Z")),
        ] {
            let refused = ask(resolution, from, until).expect_err("refused");
            assert_eq!((refused.status, refused.errors[0].pointer.as_str()), (400, "/from"));
        }
    }

    proptest! {
        /// A percentile is off by its bucket at most, and a larger share is never a shorter time.
        #[test]
        fn a_percentile_lies_in_the_bucket_of_the_true_one(
            mut times_us in prop::collection::vec(0_u64..9_000_000, 1..200), shares in (0.01_f64..1.0, 0.01_f64..1.0),
        ) {
            let latency = counted(&times_us);
            times_us.sort_unstable();
            let share = shares.0;
            #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, clippy::cast_precision_loss, reason = "small")]
            let rank = (share * times_us.len() as f64).ceil() as usize;
            let truth = bucket(Duration::from_micros(times_us[rank.max(1) - 1]));
            let found = percentile_ms(&latency, share).expect("requests");
            let lower = truth.checked_sub(1).map_or(0.0, |below| RESPONSE_TIME_BUCKETS_S[below]);
            let upper = RESPONSE_TIME_BUCKETS_S[truth];
            prop_assert!((lower * 1e3..=upper * 1e3).contains(&found), "{} not in {}..{}", found, lower, upper);
            let (low, high) = (shares.0.min(shares.1), shares.0.max(shares.1));
            prop_assert!(percentile_ms(&latency, low) <= percentile_ms(&latency, high));
        }

        #[test]
        fn a_bucket_begins_at_its_whole_and_holds_its_instant(s in 0_i64..4_000_000_000, ns in 0_u32..1_000_000_000) {
            let at = DateTime::from_timestamp(s, ns).expect("an instant");
            for resolution in [Resolution::Minute, Resolution::Hour] {
                let begins = resolution.bucket(at);
                prop_assert_eq!(begins.timestamp() % resolution.width_s(), 0);
                prop_assert!(begins <= at && at - begins < TimeDelta::seconds(resolution.width_s()));
                prop_assert_eq!(begins.timestamp_subsec_nanos(), 0);
            }
        }
    }
}
