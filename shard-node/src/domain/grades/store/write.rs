//! What is written of grades whose enrolments are locked.

use std::collections::HashMap;

use chrono::{DateTime, Utc};
use rust_decimal::Decimal;
use serde_json::Value;
use uuid::Uuid;

use super::super::rules::{Mark, Place};
use crate::error::Error;
use crate::store::TenantTx;

/// A grade to write: a new one, or over the one that is there.
#[derive(Debug)]
pub(in super::super) struct GradeRow<'m> {
    pub(in super::super) place: Place,
    pub(in super::super) mark: &'m Mark,
    pub(in super::super) graded_at: Option<DateTime<Utc>>,
    pub(in super::super) released_at: Option<DateTime<Utc>>,
}

/// Writes grades in one statement; answers ids and versions. Each place is named once.
pub(in super::super) async fn write(
    tx: &mut TenantTx,
    class: Uuid,
    by: Option<Uuid>,
    rows: &[GradeRow<'_>],
) -> Result<HashMap<Place, (Uuid, i64)>, Error> {
    let institution = tx.institution().as_uuid();
    let ids: Vec<Uuid> = rows.iter().map(|_| Uuid::now_v7()).collect();
    let (assessments, students): (Vec<Uuid>, Vec<Uuid>) = rows.iter().map(|row| row.place).unzip();
    let states = of(rows, |mark| mark.state.as_str().to_owned());
    let scores: Vec<Option<Decimal>> = of(rows, |mark| mark.score);
    let possible: Vec<Decimal> = of(rows, |mark| mark.possible);
    let deductions: Vec<Decimal> = of(rows, |mark| mark.late_deduction);
    let origins = of(rows, |mark| mark.origin.as_str().to_owned());
    let submissions: Vec<Option<Uuid>> = of(rows, |mark| mark.submission);
    let graders: Vec<Option<String>> = of(rows, |mark| mark.grader_version.clone());
    let submitted: Vec<Option<DateTime<Utc>>> = of(rows, |mark| mark.submitted_at);
    let notes: Vec<Option<String>> = of(rows, |mark| mark.note.clone());
    let (sources, external_ids): (Vec<Option<String>>, Vec<Option<String>>) =
        rows.iter().map(|row| row.mark.external.clone().unzip()).unzip();
    let graded: Vec<Option<DateTime<Utc>>> = rows.iter().map(|row| row.graded_at).collect();
    let released: Vec<Option<DateTime<Utc>>> = rows.iter().map(|row| row.released_at).collect();
    let written = sqlx::query!(
        r#"INSERT INTO grades AS g (institution_id, id, class_id, assessment_id, student_id, state, score, possible,
                                    late_deduction, origin, submission_id, grader_version, submitted_at, note, source,
                                    external_id, graded_at, graded_by, released_at)
           SELECT $1, id, $2, assessment, student, state, score, possible, deduction, origin, submission, grader,
                  submitted, note, source, external_id, graded, CASE WHEN graded IS NOT NULL THEN $3::uuid END, released
           FROM unnest($4::uuid[], $5::uuid[], $6::uuid[], $7::text[], $8::numeric[], $9::numeric[], $10::numeric[],
                       $11::text[], $12::uuid[], $13::text[], $14::timestamptz[], $15::text[], $16::text[],
                       $17::text[], $18::timestamptz[], $19::timestamptz[])
                AS grade (id, assessment, student, state, score, possible, deduction, origin, submission, grader,
                          submitted, note, source, external_id, graded, released)
           ORDER BY assessment, student
           ON CONFLICT (institution_id, assessment_id, student_id) DO UPDATE
               SET state = excluded.state, score = excluded.score, possible = excluded.possible,
                   late_deduction = excluded.late_deduction, origin = excluded.origin,
                   submission_id = excluded.submission_id, grader_version = excluded.grader_version,
                   submitted_at = excluded.submitted_at, note = excluded.note, source = excluded.source,
                   external_id = excluded.external_id, graded_at = excluded.graded_at, graded_by = excluded.graded_by,
                   released_at = excluded.released_at
           RETURNING g.assessment_id, g.student_id, g.id, g.row_version"#,
        institution,
        class,
        by,
        &ids,
        &assessments,
        &students,
        &states,
        &scores as &[Option<Decimal>],
        &possible,
        &deductions,
        &origins,
        &submissions as &[Option<Uuid>],
        &graders as &[Option<String>],
        &submitted as &[Option<DateTime<Utc>>],
        &notes as &[Option<String>],
        &sources as &[Option<String>],
        &external_ids as &[Option<String>],
        &graded as &[Option<DateTime<Utc>>],
        &released as &[Option<DateTime<Utc>>]
    )
    .fetch_all(tx.connection())
    .await?;
    if written.len() != rows.len() {
        let what = format!("{} rows of grades were written, not {}", written.len(), rows.len());
        return Err(Error::Defect(what));
    }
    let written = written.into_iter();
    Ok(written
        .map(|row| ((row.assessment_id, row.student_id), (row.id, row.row_version)))
        .collect())
}

fn of<T>(rows: &[GradeRow<'_>], value: impl Fn(&Mark) -> T) -> Vec<T> {
    rows.iter().map(|row| value(row.mark)).collect()
}

/// A change of a grade, for its history.
#[derive(Debug)]
pub(in super::super) struct EventRow {
    pub(in super::super) grade: Uuid,
    pub(in super::super) version: i64,
    pub(in super::super) kind: &'static str,
    pub(in super::super) before: Option<Value>,
    pub(in super::super) after: Value,
    pub(in super::super) reason: Option<String>,
}

/// Appends changes in one statement.
pub(in super::super) async fn append_events(
    tx: &mut TenantTx,
    by: Option<Uuid>,
    rows: &[EventRow],
) -> Result<(), Error> {
    let institution = tx.institution().as_uuid();
    let ids: Vec<Uuid> = rows.iter().map(|_| Uuid::now_v7()).collect();
    let grades: Vec<Uuid> = rows.iter().map(|row| row.grade).collect();
    let versions: Vec<i64> = rows.iter().map(|row| row.version).collect();
    let kinds: Vec<String> = rows.iter().map(|row| row.kind.to_owned()).collect();
    let befores: Vec<Option<Value>> = rows.iter().map(|row| row.before.clone()).collect();
    let afters: Vec<Value> = rows.iter().map(|row| row.after.clone()).collect();
    let reasons: Vec<Option<String>> = rows.iter().map(|row| row.reason.clone()).collect();
    sqlx::query!(
        "INSERT INTO grade_events (institution_id, id, grade_id, kind, before, after, actor_id, reason, grade_version)
         SELECT $1, id, grade, kind, before, after, $2, reason, version
         FROM unnest($3::uuid[], $4::uuid[], $5::bigint[], $6::text[], $7::jsonb[], $8::jsonb[], $9::text[])
              AS event (id, grade, version, kind, before, after, reason)",
        institution,
        by,
        &ids,
        &grades,
        &versions,
        &kinds,
        &befores as &[Option<Value>],
        &afters,
        &reasons as &[Option<String>]
    )
    .execute(tx.connection())
    .await?;
    Ok(())
}
