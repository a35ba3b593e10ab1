//! Finds what is due, line by line, and leases it.

use std::time::Duration;

use sqlx::postgres::types::PgInterval;

use crate::error::Error;
use crate::jobs::Job;
use crate::store::TenantTx;

/// Due jobs of one type and priority.
#[derive(Debug, Clone, PartialEq)]
pub struct Line {
    /// The type.
    pub kind: String,
    /// The priority.
    pub priority: i16,
    /// How many are due, counted no further than was asked.
    pub jobs: i64,
    /// For how long the oldest has been, in seconds.
    pub age_s: f64,
}

/// The lines with something due, in the order in which they are to be taken. It is a step or two in an index a line,
/// and `count` more, however many jobs there are and however many are for later.
pub async fn due_lines(tx: &mut TenantTx, count: i64) -> Result<Vec<Line>, Error> {
    let institution = tx.institution().as_uuid();
    Ok(sqlx::query_as!(
        Line,
        r#"WITH RECURSIVE lines (type, priority) AS (
             (SELECT type, priority FROM jobs
              WHERE institution_id = $1 AND state = 'QUEUED' ORDER BY type, priority LIMIT 1)
             UNION ALL
             SELECT next.type, next.priority
             FROM lines l CROSS JOIN LATERAL (
                 SELECT j.type, j.priority FROM jobs j
                 WHERE j.institution_id = $1 AND j.state = 'QUEUED' AND (j.type, j.priority) > (l.type, l.priority)
                 ORDER BY j.type, j.priority LIMIT 1) next
         )
         SELECT l.type AS "kind!", l.priority AS "priority!", due.jobs AS "jobs!",
                extract(epoch FROM now() - due.since)::float8 AS "age_s!"
         FROM lines l CROSS JOIN LATERAL (
             SELECT count(*) AS jobs, min(first.run_at) AS since
             FROM (SELECT j.run_at FROM jobs j
                   WHERE j.institution_id = $1 AND j.state = 'QUEUED' AND j.type = l.type
                     AND j.priority = l.priority AND j.run_at <= now()
                   ORDER BY j.run_at LIMIT $2) first) due
         WHERE due.jobs > 0
         ORDER BY l.priority DESC, due.since"#,
        institution,
        count
    )
    .fetch_all(tx.connection())
    .await?)
}

/// A job that was leased, and how long it had been due, in seconds.
#[derive(Debug, Clone)]
pub struct Taken {
    /// The job.
    pub job: Job,
    /// For how long it had been due, in seconds.
    pub waited_s: f64,
}

/// Leases the first so many due jobs of a line, the oldest first, and counts an attempt of each. Passes by what another
/// worker has in hand, or a writer that enqueues it once more. By their ids as an array: a join would be planned for as
/// many as Postgres guesses.
pub async fn take(
    tx: &mut TenantTx,
    line: &Line,
    at_most: u32,
    lease: Duration,
) -> Result<Vec<Taken>, Error> {
    let institution = tx.institution().as_uuid();
    let rows = sqlx::query!(
        r#"UPDATE jobs j
         SET state = 'RUNNING', attempts = attempts + 1, fence = fence + 1,
             leased_until = clock_timestamp() + $5
         WHERE j.institution_id = $1 AND j.id = ANY (ARRAY(
             SELECT id FROM jobs
             WHERE institution_id = $1 AND state = 'QUEUED' AND type = $2 AND priority = $3 AND run_at <= now()
             ORDER BY run_at LIMIT $4 FOR UPDATE SKIP LOCKED))
         RETURNING j.id, j.payload, j.unique_key, j.attempts, j.attempts_max, j.fence,
                   extract(epoch FROM now() - j.run_at)::float8 AS "waited_s!""#,
        institution,
        line.kind,
        line.priority,
        i64::from(at_most),
        interval(lease)
    )
    .fetch_all(tx.connection())
    .await?;
    let mut taken: Vec<_> = rows
        .into_iter()
        .map(|row| Taken {
            job: Job {
                id: row.id,
                kind: line.kind.clone(),
                payload: row.payload,
                unique_key: row.unique_key,
                attempt: row.attempts,
                attempts_max: row.attempts_max,
                fence: row.fence,
            },
            waited_s: row.waited_s,
        })
        .collect();
    // The first due first; of those that fell due together the first that was made.
    taken.sort_by(|a, b| b.waited_s.total_cmp(&a.waited_s).then(a.job.id.cmp(&b.job.id)));
    Ok(taken)
}

/// As Postgres takes it.
pub(crate) fn interval(duration: Duration) -> PgInterval {
    let microseconds = i64::try_from(duration.as_micros()).unwrap_or(i64::MAX);
    PgInterval { months: 0, days: 0, microseconds }
}
