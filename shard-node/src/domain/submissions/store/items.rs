//! Points of items.

use std::collections::HashMap;

use rust_decimal::Decimal;
use uuid::Uuid;

use super::super::items::{GivePoints, Kept};
use crate::domain::grading::{GradedItem, VariantKey};
use crate::error::Error;
use crate::store::TenantTx;

/// What is kept of a submission's items.
pub(in super::super) async fn kept(tx: &mut TenantTx, id: Uuid) -> Result<Vec<Kept>, Error> {
    let institution = tx.institution().as_uuid();
    Ok(sqlx::query_as!(
        Kept,
        "SELECT item, question_version, points, state, given_by, comment FROM submission_item_scores
         WHERE institution_id = $1 AND submission_id = $2",
        institution,
        id
    )
    .fetch_all(tx.connection())
    .await?)
}

/// The same of several submissions, by their ids.
pub(in super::super) async fn kept_of(
    tx: &mut TenantTx,
    ids: &[Uuid],
) -> Result<HashMap<Uuid, Vec<Kept>>, Error> {
    let institution = tx.institution().as_uuid();
    let rows = sqlx::query!(
        "SELECT submission_id, item, question_version, points, state, given_by, comment FROM submission_item_scores
         WHERE institution_id = $1 AND submission_id = ANY($2)",
        institution,
        ids
    )
    .fetch_all(tx.connection())
    .await?;
    let mut kept: HashMap<Uuid, Vec<Kept>> = HashMap::new();
    for row in rows {
        kept.entry(row.submission_id).or_default().push(Kept {
            item: row.item,
            question_version: row.question_version,
            points: row.points,
            state: row.state,
            given_by: row.given_by,
            comment: row.comment,
        });
    }
    Ok(kept)
}

/// Writes what the grader gives; what a person has given stays. Answers how many items have changed.
pub(in super::super) async fn write_graded(
    tx: &mut TenantTx,
    id: Uuid,
    key: &VariantKey,
    graded: &[GradedItem],
) -> Result<u64, Error> {
    let institution = tx.institution().as_uuid();
    let ids: Vec<Uuid> = graded.iter().map(|_| Uuid::now_v7()).collect();
    let items: Vec<String> = graded.iter().map(|item| item.item.clone()).collect();
    let of = |item: &GradedItem| key.items.iter().find(|key| key.item == item.item);
    let questions: Vec<Uuid> =
        graded.iter().map(|item| of(item).map_or_else(Uuid::nil, |key| key.question_id)).collect();
    let versions: Vec<i32> =
        graded.iter().map(|item| of(item).map_or(0, |key| key.question_version)).collect();
    let points: Vec<Decimal> = graded.iter().map(|item| item.points).collect();
    let possible: Vec<Decimal> = graded.iter().map(|item| item.possible).collect();
    let states: Vec<String> = graded.iter().map(|item| item.state.as_str().to_owned()).collect();
    let done = sqlx::query!(
        "INSERT INTO submission_item_scores AS t
             (institution_id, id, submission_id, item, question_id, question_version, points, possible, state, given_by)
         SELECT $1, id, $2, item, question, version, points, possible, state, 'GRADER'
         FROM unnest($3::uuid[], $4::text[], $5::uuid[], $6::integer[], $7::numeric[], $8::numeric[], $9::text[])
              AS graded (id, item, question, version, points, possible, state)
         ON CONFLICT (institution_id, submission_id, item) DO UPDATE
             SET question_id = excluded.question_id, question_version = excluded.question_version,
                 points = excluded.points, possible = excluded.possible, state = excluded.state
             WHERE t.given_by = 'GRADER' AND (t.points, t.possible, t.state, t.question_version)
                   IS DISTINCT FROM (excluded.points, excluded.possible, excluded.state, excluded.question_version)",
        institution,
        id,
        &ids,
        &items,
        &questions,
        &versions,
        &points,
        &possible,
        &states
    )
    .execute(tx.connection())
    .await?;
    Ok(done.rows_affected())
}

/// Writes what a person gives; it takes the place of what the grader gave, and of what a person gave before.
pub(in super::super) async fn give_points(
    tx: &mut TenantTx,
    id: Uuid,
    key: &VariantKey,
    given: &[GivePoints],
    by: Uuid,
) -> Result<(), Error> {
    let institution = tx.institution().as_uuid();
    let of = |item: &str| key.items.iter().find(|key| key.item == item);
    let ids: Vec<Uuid> = given.iter().map(|_| Uuid::now_v7()).collect();
    let items: Vec<String> = given.iter().map(|given| given.item.clone()).collect();
    let questions: Vec<Uuid> = given
        .iter()
        .map(|given| of(&given.item).map_or_else(Uuid::nil, |key| key.question_id))
        .collect();
    let versions: Vec<i32> =
        given.iter().map(|given| of(&given.item).map_or(0, |key| key.question_version)).collect();
    let points: Vec<Decimal> = given.iter().map(|given| given.points).collect();
    let possible: Vec<Decimal> =
        given.iter().map(|given| of(&given.item).map_or(Decimal::ZERO, |key| key.points)).collect();
    let comments: Vec<Option<String>> = given.iter().map(|given| given.comment.clone()).collect();
    sqlx::query!(
        "INSERT INTO submission_item_scores AS t
             (institution_id, id, submission_id, item, question_id, question_version, points, possible, state, given_by,
              scored_by, comment)
         SELECT $1, id, $2, item, question, version, points, possible, 'SCORED', 'PERSON', $10, comment
         FROM unnest($3::uuid[], $4::text[], $5::uuid[], $6::integer[], $7::numeric[], $8::numeric[], $9::text[])
              AS given (id, item, question, version, points, possible, comment)
         ON CONFLICT (institution_id, submission_id, item) DO UPDATE
             SET points = excluded.points, possible = excluded.possible, state = 'SCORED', given_by = 'PERSON',
                 scored_by = excluded.scored_by, comment = excluded.comment",
        institution,
        id,
        &ids,
        &items,
        &questions,
        &versions,
        &points,
        &possible,
        &comments as &[Option<String>],
        by
    )
    .execute(tx.connection())
    .await?;
    Ok(())
}

/// What the items of a submission come to.
#[derive(Debug, Clone)]
pub(in super::super) struct Totals {
    pub(in super::super) items: i64,
    pub(in super::super) waiting: i64,
    pub(in super::super) points: Decimal,
}

/// Sums them up.
pub(in super::super) async fn totals(tx: &mut TenantTx, id: Uuid) -> Result<Totals, Error> {
    let institution = tx.institution().as_uuid();
    Ok(sqlx::query_as!(
        Totals,
        r#"SELECT count(*) AS "items!", count(*) FILTER (WHERE state = 'REVIEW') AS "waiting!",
                  coalesce(sum(points), 0) AS "points!"
           FROM submission_item_scores WHERE institution_id = $1 AND submission_id = $2"#,
        institution,
        id
    )
    .fetch_one(tx.connection())
    .await?)
}
