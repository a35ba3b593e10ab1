//! Every SQL statement of endpoint metrics.

use chrono::{DateTime, Utc};
use uuid::Uuid;

use super::rules::BUCKETS;
use super::write::Row;
use super::{By, EndpointMetricsQuery, Resolution};
use crate::error::Error;
use crate::store::TenantTx;

// The statements below spell the number out.
const _: () = assert!(BUCKETS == 14, "another number of buckets needs a migration");

/// Old rows that go at once.
const OLD_AT_ONCE: i64 = 500;

/// Adds to what stands there.
pub(super) async fn add(tx: &mut TenantTx, rows: &[Row]) -> Result<(), Error> {
    let institution = tx.institution().as_uuid();
    let ids: Vec<Uuid> = rows.iter().map(|_| Uuid::now_v7()).collect();
    let resolutions: Vec<String> =
        rows.iter().map(|((resolution, ..), _)| resolution.as_str().to_owned()).collect();
    let buckets: Vec<DateTime<Utc>> = rows.iter().map(|((_, at, _), _)| *at).collect();
    let operations: Vec<String> =
        rows.iter().map(|((_, _, operation), _)| (*operation).to_owned()).collect();
    let of = |number: fn(&Row) -> i64| rows.iter().map(number).collect::<Vec<i64>>();
    // One after the other: Postgres has no lists of lists of different lengths, and unnests them flat.
    let latency: Vec<i64> = rows.iter().flat_map(|(_, tally)| tally.latency).collect();
    sqlx::query!(
        "INSERT INTO endpoint_metrics AS m (institution_id, id, resolution, bucket_at, operation, requests,
             client_errors, server_errors, total_us, latency)
         SELECT $1, r.id, r.resolution, r.bucket_at, r.operation, r.requests, r.client_errors, r.server_errors,
             r.total_us, ($10::bigint[])[(r.n - 1) * 14 + 1 : r.n * 14]
         FROM unnest($2::uuid[], $3::text[], $4::timestamptz[], $5::text[], $6::bigint[], $7::bigint[], $8::bigint[],
             $9::bigint[]) WITH ORDINALITY
             AS r (id, resolution, bucket_at, operation, requests, client_errors, server_errors, total_us, n)
         ORDER BY r.n
         ON CONFLICT (institution_id, resolution, bucket_at, operation) DO UPDATE SET
             requests = m.requests + EXCLUDED.requests,
             client_errors = m.client_errors + EXCLUDED.client_errors,
             server_errors = m.server_errors + EXCLUDED.server_errors,
             total_us = m.total_us + EXCLUDED.total_us,
             latency = (SELECT array_agg(sum.was + sum.more ORDER BY sum.n)
                        FROM unnest(m.latency, EXCLUDED.latency) WITH ORDINALITY AS sum (was, more, n))",
        institution,
        &ids,
        &resolutions,
        &buckets,
        &operations,
        &of(|(_, tally)| tally.requests),
        &of(|(_, tally)| tally.client_errors),
        &of(|(_, tally)| tally.server_errors),
        &of(|(_, tally)| tally.total_us),
        &latency
    )
    .execute(tx.connection())
    .await?;
    Ok(())
}

/// Deletes what has been kept for long enough, a batch of it. What another node deletes is passed by.
pub(super) async fn delete_old(tx: &mut TenantTx, now: DateTime<Utc>) -> Result<(), Error> {
    let institution = tx.institution().as_uuid();
    sqlx::query!(
        "WITH old AS MATERIALIZED (
             SELECT id FROM endpoint_metrics
             WHERE institution_id = $1
               AND (resolution = 'MINUTE' AND bucket_at < $2 OR resolution = 'HOUR' AND bucket_at < $3)
             LIMIT $4 FOR UPDATE SKIP LOCKED)
         DELETE FROM endpoint_metrics m USING old WHERE m.institution_id = $1 AND m.id = old.id",
        institution,
        now - Resolution::Minute.kept(),
        now - Resolution::Hour.kept(),
        OLD_AT_ONCE
    )
    .execute(tx.connection())
    .await?;
    Ok(())
}

/// What was added up for an answer.
#[derive(Debug)]
pub(super) struct Sum {
    pub(super) operation: Option<String>,
    pub(super) at: Option<DateTime<Utc>>,
    pub(super) requests: i64,
    pub(super) client_errors: i64,
    pub(super) server_errors: i64,
    pub(super) total_us: i64,
    pub(super) latency: Vec<i64>,
}

/// The sums of an interval.
pub(super) async fn sums(
    tx: &mut TenantTx,
    query: &EndpointMetricsQuery,
    (from, until): (DateTime<Utc>, DateTime<Utc>),
) -> Result<Vec<Sum>, Error> {
    let institution = tx.institution().as_uuid();
    Ok(sqlx::query_as!(
        Sum,
        r#"SELECT CASE WHEN $6 AND $5::text IS NULL THEN NULL ELSE operation END AS operation,
             CASE WHEN $6 THEN bucket_at END AS at,
             sum(requests)::bigint AS "requests!", sum(client_errors)::bigint AS "client_errors!",
             sum(server_errors)::bigint AS "server_errors!", sum(total_us)::bigint AS "total_us!",
             ARRAY[sum(latency[1]), sum(latency[2]), sum(latency[3]), sum(latency[4]), sum(latency[5]),
                 sum(latency[6]), sum(latency[7]), sum(latency[8]), sum(latency[9]), sum(latency[10]),
                 sum(latency[11]), sum(latency[12]), sum(latency[13]), sum(latency[14])]::bigint[] AS "latency!"
         FROM endpoint_metrics
         WHERE institution_id = $1 AND resolution = $2 AND bucket_at >= $3 AND bucket_at < $4
           AND ($5::text IS NULL OR operation = $5)
         GROUP BY 1, 2
         ORDER BY 2, 3 DESC, 1"#,
        institution,
        query.resolution.as_str(),
        from,
        until,
        query.operation.as_deref(),
        query.by == By::Bucket
    )
    .fetch_all(tx.connection())
    .await?)
}
