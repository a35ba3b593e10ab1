//! Results.

use std::collections::HashMap;

use chrono::{DateTime, Utc};
use rust_decimal::Decimal;
use uuid::Uuid;

use super::super::scale::Outcome;
use crate::error::Error;
use crate::resource::expect_one;
use crate::store::TenantTx;

/// A result to write.
#[derive(Debug, Clone)]
pub(in super::super) struct NewResult {
    pub(in super::super) enrollment: Uuid,
    pub(in super::super) student: Uuid,
    pub(in super::super) percent: Option<Decimal>,
    pub(in super::super) letter: Option<String>,
    pub(in super::super) outcome: Outcome,
    /// Now where absent.
    pub(in super::super) finalized_at: Option<DateTime<Utc>>,
    pub(in super::super) external: Option<(String, String)>,
}

/// An enrolment that is locked, and its result so far.
#[derive(Debug, Clone)]
pub(in super::super) struct Finalizing {
    pub(in super::super) enrollment: Uuid,
    pub(in super::super) student: Uuid,
    pub(in super::super) result: Option<Uuid>,
    pub(in super::super) result_version: Option<i64>,
    pub(in super::super) is_final: bool,
    pub(in super::super) percent: Option<Decimal>,
    pub(in super::super) letter: Option<String>,
    pub(in super::super) outcome: Option<Outcome>,
    pub(in super::super) external: Option<(String, String)>,
}

impl Finalizing {
    /// Whether the result says this already.
    pub(in super::super) fn says(&self, new: &NewResult) -> bool {
        self.is_final
            && self.outcome == Some(new.outcome)
            && (self.percent, &self.letter, &self.external)
                == (new.percent, &new.letter, &new.external)
    }
}

/// Locks a class; false where there is none.
pub(in super::super) async fn hold_class(tx: &mut TenantTx, class: Uuid) -> Result<bool, Error> {
    let institution = tx.institution().as_uuid();
    let held = sqlx::query_scalar!(
        "SELECT id FROM classes WHERE institution_id = $1 AND id = $2 FOR NO KEY UPDATE",
        institution,
        class
    )
    .fetch_optional(tx.connection())
    .await?;
    Ok(held.is_some())
}

/// Locks those who are in a class to its end, or of these students those who are.
pub(in super::super) async fn hold_students(
    tx: &mut TenantTx,
    class: Uuid,
    students: Option<&[Uuid]>,
) -> Result<Vec<Finalizing>, Error> {
    hold(tx, class, students, &["ACTIVE", "COMPLETED"]).await
}

/// Locks these students who are in a class or were.
pub(in super::super) async fn hold_everybody(
    tx: &mut TenantTx,
    class: Uuid,
    students: &[Uuid],
) -> Result<Vec<Finalizing>, Error> {
    let ever = ["ACTIVE", "SUSPENDED", "COMPLETED", "DROPPED", "WITHDRAWN"];
    hold(tx, class, Some(students), &ever).await
}

/// Locks enrolments in the order of their ids; the rest is read by a second statement, whose snapshot is younger.
async fn hold(
    tx: &mut TenantTx,
    class: Uuid,
    students: Option<&[Uuid]>,
    statuses: &[&str],
) -> Result<Vec<Finalizing>, Error> {
    let institution = tx.institution().as_uuid();
    let statuses: Vec<String> = statuses.iter().map(|status| (*status).to_owned()).collect();
    sqlx::query!(
        "SELECT id FROM enrollments
         WHERE institution_id = $1 AND class_id = $2 AND status = ANY($3) AND ($4::uuid[] IS NULL OR student_id = ANY($4))
         ORDER BY id FOR NO KEY UPDATE",
        institution,
        class,
        &statuses,
        students
    )
    .fetch_all(tx.connection())
    .await?;
    let rows = sqlx::query!(
        r#"SELECT DISTINCT ON (e.student_id) e.id AS enrollment, e.student_id AS student, r.id AS "result?",
                  r.row_version AS "result_version?", coalesce(r.state = 'FINAL', false) AS "is_final!", r.percent,
                  r.letter, r.outcome AS "outcome?: Outcome", r.source, r.external_id
           FROM enrollments e
           LEFT JOIN class_results r ON r.institution_id = $1 AND r.enrollment_id = e.id
           WHERE e.institution_id = $1 AND e.class_id = $2 AND e.status = ANY($3)
             AND ($4::uuid[] IS NULL OR e.student_id = ANY($4))
           ORDER BY e.student_id, e.status IN ('ACTIVE', 'SUSPENDED') DESC, e.enrolled_on DESC, e.id DESC"#,
        institution,
        class,
        &statuses,
        students
    )
    .fetch_all(tx.connection())
    .await?;
    let held = rows.into_iter().map(|row| Finalizing {
        enrollment: row.enrollment,
        student: row.student,
        result: row.result,
        result_version: row.result_version,
        is_final: row.is_final,
        percent: row.percent,
        letter: row.letter,
        outcome: row.outcome,
        external: row.source.zip(row.external_id),
    });
    Ok(held.collect())
}

/// The enrolments whose results have these external ids.
pub(in super::super) async fn external_results(
    tx: &mut TenantTx,
    externals: &[(String, String)],
) -> Result<HashMap<(String, String), Uuid>, Error> {
    if externals.is_empty() {
        return Ok(HashMap::new());
    }
    let institution = tx.institution().as_uuid();
    let (sources, ids): (Vec<String>, Vec<String>) = externals.iter().cloned().unzip();
    let rows = sqlx::query!(
        r#"SELECT r.enrollment_id, r.source AS "source!", r.external_id AS "external_id!"
           FROM unnest($2::text[], $3::text[]) AS asked (source, external_id)
           JOIN class_results r ON r.institution_id = $1 AND r.source = asked.source
                AND r.external_id = asked.external_id"#,
        institution,
        &sources,
        &ids
    )
    .fetch_all(tx.connection())
    .await?;
    Ok(rows.into_iter().map(|row| ((row.source, row.external_id), row.enrollment_id)).collect())
}

/// A result that was written, and whom it concerns.
#[derive(Debug)]
pub(in super::super) struct WrittenResult {
    pub(in super::super) id: Uuid,
    pub(in super::super) row_version: i64,
    pub(in super::super) enrollment: Uuid,
    pub(in super::super) user: Uuid,
    pub(in super::super) class_code: String,
    pub(in super::super) class_title: String,
}

/// Writes results in one statement, each final.
pub(in super::super) async fn write_results(
    tx: &mut TenantTx,
    class: Uuid,
    by: Option<Uuid>,
    results: &[NewResult],
) -> Result<Vec<WrittenResult>, Error> {
    let institution = tx.institution().as_uuid();
    let ids: Vec<Uuid> = results.iter().map(|_| Uuid::now_v7()).collect();
    let enrollments: Vec<Uuid> = results.iter().map(|result| result.enrollment).collect();
    let students: Vec<Uuid> = results.iter().map(|result| result.student).collect();
    let percents: Vec<Option<Decimal>> = results.iter().map(|result| result.percent).collect();
    let letters: Vec<Option<String>> = results.iter().map(|result| result.letter.clone()).collect();
    let outcomes: Vec<String> =
        results.iter().map(|result| result.outcome.as_str().to_owned()).collect();
    let finalized: Vec<Option<DateTime<Utc>>> =
        results.iter().map(|result| result.finalized_at).collect();
    let (sources, external_ids): (Vec<Option<String>>, Vec<Option<String>>) =
        results.iter().map(|result| result.external.clone().unzip()).unzip();
    let written = sqlx::query_as!(
        WrittenResult,
        r#"WITH written AS (
               INSERT INTO class_results AS r (institution_id, id, class_id, enrollment_id, student_id, state, percent,
                                               letter, outcome, finalized_at, finalized_by, source, external_id)
               SELECT $1, id, $2, enrollment, student, 'FINAL', percent, letter, outcome, coalesce(finalized, now()), $3,
                      source, external_id
               FROM unnest($4::uuid[], $5::uuid[], $6::uuid[], $7::numeric[], $8::text[], $9::text[],
                           $10::timestamptz[], $11::text[], $12::text[])
                    AS result (id, enrollment, student, percent, letter, outcome, finalized, source, external_id)
               ORDER BY enrollment
               ON CONFLICT ON CONSTRAINT class_results_one_an_enrollment DO UPDATE
                   SET state = 'FINAL', percent = excluded.percent, letter = excluded.letter,
                       outcome = excluded.outcome, finalized_at = excluded.finalized_at,
                       finalized_by = excluded.finalized_by, source = excluded.source,
                       external_id = excluded.external_id
               RETURNING r.id, r.row_version, r.enrollment_id, r.student_id
           )
           SELECT w.id, w.row_version, w.enrollment_id AS enrollment, s.user_id AS user, c.code AS class_code,
                  c.title AS class_title
           FROM written w
           JOIN students s ON s.institution_id = $1 AND s.id = w.student_id
           JOIN classes c ON c.institution_id = $1 AND c.id = $2"#,
        institution,
        class,
        by,
        &ids,
        &enrollments,
        &students,
        &percents as &[Option<Decimal>],
        &letters as &[Option<String>],
        &outcomes,
        &finalized as &[Option<DateTime<Utc>>],
        &sources as &[Option<String>],
        &external_ids as &[Option<String>]
    )
    .fetch_all(tx.connection())
    .await?;
    if written.len() != results.len() {
        let what = format!("{} results were written, not {}", written.len(), results.len());
        return Err(Error::Defect(what));
    }
    Ok(written)
}

/// The enrolment of a result, which is locked before the result itself.
pub(in super::super) async fn enrollment_of_result(
    tx: &mut TenantTx,
    result: Uuid,
) -> Result<Option<Uuid>, Error> {
    let institution = tx.institution().as_uuid();
    Ok(sqlx::query_scalar!(
        "SELECT enrollment_id FROM class_results WHERE institution_id = $1 AND id = $2",
        institution,
        result
    )
    .fetch_optional(tx.connection())
    .await?)
}

/// Locks an enrolment.
pub(in super::super) async fn hold_enrollment(
    tx: &mut TenantTx,
    enrollment: Uuid,
) -> Result<(), Error> {
    let institution = tx.institution().as_uuid();
    sqlx::query!(
        "SELECT id FROM enrollments WHERE institution_id = $1 AND id = $2 FOR NO KEY UPDATE",
        institution,
        enrollment
    )
    .fetch_one(tx.connection())
    .await?;
    Ok(())
}

/// Lets the grades behind a locked result change.
pub(in super::super) async fn reopen(
    tx: &mut TenantTx,
    result: Uuid,
    reason: &str,
) -> Result<(), Error> {
    let institution = tx.institution().as_uuid();
    let done = sqlx::query!(
        "UPDATE class_results SET state = 'REOPENED', reason = $3
         WHERE institution_id = $1 AND id = $2 AND state = 'FINAL'",
        institution,
        result,
        reason
    )
    .execute(tx.connection())
    .await?;
    expect_one(done.rows_affected(), "result")
}
