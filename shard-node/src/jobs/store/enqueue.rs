//! Writes jobs with the change that causes them.

use std::collections::BTreeMap;

use chrono::{DateTime, Utc};
use serde_json::Value;
use uuid::Uuid;

use crate::error::Error;
use crate::jobs::{NewJob, Registry};
use crate::store::TenantTx;

/// Writes jobs in one statement; answers the ids of those that have no key, or whose key was free, or of those that are
/// live under it.
///
/// A queued job that had failed begins anew, after its backoff at the latest: it would fail for what was asked before.
///
/// Whoever enqueues a live key has its row locked until they commit: workers pass it by, or ask again when they end it.
/// Keys are locked in their order, so that two writers of the same ones do not wait for each other in a circle.
pub(crate) async fn enqueue(
    tx: &mut TenantTx,
    registry: &Registry,
    jobs: Vec<NewJob>,
) -> Result<Vec<Uuid>, Error> {
    let jobs = merged(jobs);
    if jobs.is_empty() {
        return Ok(Vec::new());
    }
    let institution = tx.institution().as_uuid();
    let ids: Vec<Uuid> = jobs.iter().map(|_| Uuid::now_v7()).collect();
    let kinds: Vec<String> = jobs.iter().map(|job| job.kind.to_owned()).collect();
    let payloads: Vec<Value> = jobs.iter().map(|job| job.payload.clone()).collect();
    let priorities: Vec<i16> = jobs.iter().map(|job| job.priority).collect();
    let attempts: Vec<i32> =
        jobs.iter().map(|job| attempts(registry, job.kind)).collect::<Result<_, _>>()?;
    let times: Vec<Option<DateTime<Utc>>> = jobs.iter().map(|job| job.not_before).collect();
    let keys: Vec<Option<String>> = jobs.into_iter().map(|job| job.unique_key).collect();
    Ok(sqlx::query_scalar!(
        "INSERT INTO jobs (institution_id, id, type, payload, priority, attempts_max, run_at, unique_key)
         SELECT $1, id, type, payload, priority, attempts_max, coalesce(run_at, now()), unique_key
         FROM unnest($2::uuid[], $3::text[], $4::jsonb[], $5::smallint[], $6::integer[], $7::timestamptz[], $8::text[])
              AS job (id, type, payload, priority, attempts_max, run_at, unique_key)
         ON CONFLICT (institution_id, type, unique_key)
             WHERE state IN ('QUEUED', 'RUNNING') AND unique_key IS NOT NULL
         DO UPDATE SET
             payload = excluded.payload,
             priority = greatest(jobs.priority, excluded.priority),
             run_at = CASE WHEN jobs.state = 'RUNNING' THEN jobs.run_at
                           WHEN jobs.attempts = 0 THEN least(jobs.run_at, excluded.run_at)
                           ELSE least(jobs.run_at, greatest(excluded.run_at, now() + job_backoff(jobs.attempts))) END,
             attempts = CASE WHEN jobs.state = 'RUNNING' THEN jobs.attempts ELSE 0 END,
             again_at = CASE WHEN jobs.state = 'RUNNING'
                             THEN least(jobs.again_at, excluded.run_at) ELSE jobs.again_at END
         RETURNING id",
        institution,
        &ids,
        &kinds,
        &payloads,
        &priorities,
        &attempts,
        &times as &[Option<DateTime<Utc>>],
        &keys as &[Option<String>]
    )
    .fetch_all(tx.connection())
    .await?)
}

/// One that is queued under a key begins anew, if there is one: now, with all its attempts.
pub(crate) async fn begin_anew(tx: &mut TenantTx, kind: &str, key: &str) -> Result<(), Error> {
    let institution = tx.institution().as_uuid();
    sqlx::query!(
        "UPDATE jobs SET run_at = now(), attempts = 0
         WHERE institution_id = $1 AND type = $2 AND unique_key = $3 AND state = 'QUEUED'",
        institution,
        kind,
        key
    )
    .execute(tx.connection())
    .await?;
    Ok(())
}

fn attempts(registry: &Registry, kind: &str) -> Result<i32, Error> {
    let handler = registry.get(kind);
    let handler = handler.ok_or_else(|| Error::Defect(format!("{kind} jobs have no handler")))?;
    Ok(handler.attempts)
}

/// One of each kind and key, in their order.
fn merged(jobs: Vec<NewJob>) -> Vec<NewJob> {
    let (mut all, mut keyed) = (Vec::new(), BTreeMap::<_, NewJob>::new());
    for job in jobs {
        let Some(key) = job.unique_key.clone() else {
            all.push(job);
            continue;
        };
        match keyed.get_mut(&(job.kind, key.clone())) {
            Some(known) => known.merge(job),
            None => drop(keyed.insert((job.kind, key), job)),
        }
    }
    all.extend(keyed.into_values());
    all
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn a_key_is_written_once_and_keys_in_their_order() {
        let job = |key: &str, payload: i32| NewJob::new("A", json!(payload)).unique(key);
        let jobs = vec![job("b", 1), NewJob::new("A", json!(2)), job("a", 3), job("b", 4)];
        let merged: Vec<_> =
            merged(jobs).into_iter().map(|job| (job.unique_key, job.payload)).collect();
        let expected =
            [(None, json!(2)), (Some("a".to_owned()), json!(3)), (Some("b".to_owned()), json!(4))];
        assert_eq!(merged, expected);
    }
}
