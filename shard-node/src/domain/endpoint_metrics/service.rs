//! What an institution asks of its metrics.

use super::rules::{interval, mean_ms, percentile_ms};
use super::store::{self, Sum};
use super::{EndpointMetric, EndpointMetrics, EndpointMetricsQuery};
use crate::error::Error;
use crate::operation::Reader;

/// The metrics of an interval.
pub(super) async fn list(
    reader: &Reader,
    query: EndpointMetricsQuery,
) -> Result<EndpointMetrics, Error> {
    let (from, until) = interval(&query, reader.node.now())?;
    let mut tx = reader.begin().await?;
    let sums = store::sums(&mut tx, &query, (from, until)).await?;
    tx.commit().await?;
    let items = sums.into_iter().map(metric).collect();
    Ok(EndpointMetrics { from, until, resolution: query.resolution, items })
}

fn metric(sum: Sum) -> EndpointMetric {
    EndpointMetric {
        requests: sum.requests,
        client_errors: sum.client_errors,
        server_errors: sum.server_errors,
        mean_ms: mean_ms(sum.total_us, sum.requests),
        p50_ms: percentile_ms(&sum.latency, 0.5),
        p99_ms: percentile_ms(&sum.latency, 0.99),
        operation: sum.operation,
        at: sum.at,
    }
}
