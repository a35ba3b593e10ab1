//! Marks by staff.

use std::collections::{HashMap, HashSet};

use uuid::Uuid;

use super::super::rules::{Accepted, Held};
use crate::error::Error;
use crate::store::TenantTx;

/// What became of a mark.
#[derive(Debug, Clone, Copy)]
pub(in super::super) struct Written {
    pub(in super::super) id: Uuid,
    /// Whether it was made, or changed; none where it was the same already.
    pub(in super::super) inserted: Option<bool>,
}

impl Written {
    /// Whether anything changed.
    pub(in super::super) fn is_change(&self) -> bool {
        self.inserted.is_some()
    }
}

/// Those of the ids that are students.
pub(in super::super) async fn students(
    tx: &mut TenantTx,
    ids: &[Uuid],
) -> Result<HashSet<Uuid>, Error> {
    let institution = tx.institution().as_uuid();
    let rows = sqlx::query_scalar!(
        "SELECT id FROM students WHERE institution_id = $1 AND id = ANY($2)",
        institution,
        ids
    )
    .fetch_all(tx.connection())
    .await?;
    Ok(rows.into_iter().collect())
}

/// The enrolments by which students were in the session's class on its day: from the day that they were enrolled, to
/// the day before they left.
pub(in super::super) async fn enrolled(
    tx: &mut TenantTx,
    held: &Held,
    students: &[Uuid],
) -> Result<HashMap<Uuid, Uuid>, Error> {
    let institution = tx.institution().as_uuid();
    let rows = sqlx::query!(
        "SELECT DISTINCT ON (student_id) student_id, id FROM enrollments
         WHERE institution_id = $1 AND class_id = $2 AND student_id = ANY($4)
           AND status IN ('ACTIVE', 'SUSPENDED', 'COMPLETED', 'DROPPED', 'WITHDRAWN')
           AND enrolled_on <= $3 AND (ended_on IS NULL OR ended_on > $3)
         ORDER BY student_id, enrolled_on DESC, id DESC",
        institution,
        held.class_id,
        held.date,
        students
    )
    .fetch_all(tx.connection())
    .await?;
    Ok(rows.into_iter().map(|row| (row.student_id, row.id)).collect())
}

/// Writes marks in one statement, in the order of students, so that two calls do not wait for each other in a circle.
/// A mark that is there already is changed, or left as it is.
pub(in super::super) async fn write_marks(
    tx: &mut TenantTx,
    session: Uuid,
    by: Uuid,
    marks: &[Accepted],
) -> Result<HashMap<Uuid, Written>, Error> {
    let institution = tx.institution().as_uuid();
    let ids: Vec<Uuid> = marks.iter().map(|_| Uuid::now_v7()).collect();
    let students: Vec<Uuid> = marks.iter().map(|mark| mark.student).collect();
    let enrollments: Vec<Uuid> = marks.iter().map(|mark| mark.enrollment).collect();
    let codes: Vec<Uuid> = marks.iter().map(|mark| mark.code).collect();
    let notes: Vec<Option<String>> = marks.iter().map(|mark| mark.note.clone()).collect();
    let changed = sqlx::query!(
        r#"INSERT INTO attendance_records
               (institution_id, id, session_id, enrollment_id, student_id, code_id, note, method, marked_by)
           SELECT $1, id, $2, enrollment, student, code, note, 'MARKED', $3
           FROM unnest($4::uuid[], $5::uuid[], $6::uuid[], $7::uuid[], $8::text[])
                AS mark (id, student, enrollment, code, note)
           ORDER BY student
           ON CONFLICT (institution_id, session_id, student_id) DO UPDATE
               SET enrollment_id = excluded.enrollment_id, code_id = excluded.code_id, note = excluded.note,
                   method = excluded.method, marked_by = excluded.marked_by
               WHERE (attendance_records.code_id, attendance_records.note)
                     IS DISTINCT FROM (excluded.code_id, excluded.note)
           RETURNING student_id, xmax = 0 AS "inserted!""#,
        institution,
        session,
        by,
        &ids,
        &students,
        &enrollments,
        &codes,
        &notes as &[Option<String>]
    )
    .fetch_all(tx.connection())
    .await?;
    let changed: HashMap<Uuid, bool> =
        changed.into_iter().map(|row| (row.student_id, row.inserted)).collect();
    let there = sqlx::query!(
        "SELECT id, student_id FROM attendance_records
         WHERE institution_id = $1 AND session_id = $2 AND student_id = ANY($3)",
        institution,
        session,
        &students
    )
    .fetch_all(tx.connection())
    .await?;
    let written = there.into_iter().map(|row| {
        let inserted = changed.get(&row.student_id).copied();
        (row.student_id, Written { id: row.id, inserted })
    });
    Ok(written.collect())
}
