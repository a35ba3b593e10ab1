//! How far students are, by subject.

use std::collections::HashSet;

use rust_decimal::Decimal;
use uuid::Uuid;

use super::super::rules::Place;
use crate::error::Error;
use crate::store::TenantTx;

/// How far an enrolment is in a subject.
#[derive(Debug, Clone, PartialEq)]
pub(in super::super) struct ProgressRow {
    pub(in super::super) enrollment: Uuid,
    pub(in super::super) subject: Uuid,
    /// What is done, 0 to 1.
    pub(in super::super) completed: Decimal,
    /// What of it is released, in percent; null of nothing.
    pub(in super::super) percent: Option<Decimal>,
}

/// The subjects of a class.
pub(in super::super) async fn subjects(tx: &mut TenantTx, class: Uuid) -> Result<Vec<Uuid>, Error> {
    let institution = tx.institution().as_uuid();
    Ok(sqlx::query_scalar!(
        "SELECT subject_id FROM class_subjects WHERE institution_id = $1 AND class_id = $2 ORDER BY subject_id",
        institution,
        class
    )
    .fetch_all(tx.connection())
    .await?)
}

/// What students have handed in, of a class; each student's is found by the student.
pub(in super::super) async fn submitted(
    tx: &mut TenantTx,
    class: Uuid,
    students: &[Uuid],
) -> Result<HashSet<Place>, Error> {
    let institution = tx.institution().as_uuid();
    let rows = sqlx::query!(
        "SELECT DISTINCT s.assessment_id, s.student_id FROM unnest($3::uuid[]) AS asked (student)
         CROSS JOIN LATERAL (SELECT assessment_id, student_id, class_id, status FROM assessment_submissions
                             WHERE institution_id = $1 AND student_id = asked.student OFFSET 0) s
         WHERE s.class_id = $2 AND s.status <> 'IN_PROGRESS'",
        institution,
        class,
        students
    )
    .fetch_all(tx.connection())
    .await?;
    Ok(rows.into_iter().map(|row| (row.assessment_id, row.student_id)).collect())
}

/// The students of a class who are in it or were, in bounded parts: those past `after`, by id.
pub(in super::super) async fn students_of_class(
    tx: &mut TenantTx,
    class: Uuid,
    after: Uuid,
    at_most: i64,
) -> Result<Vec<Uuid>, Error> {
    let institution = tx.institution().as_uuid();
    Ok(sqlx::query_scalar!(
        "SELECT DISTINCT student_id FROM enrollments
         WHERE institution_id = $1 AND class_id = $2 AND student_id > $3
           AND status IN ('ACTIVE', 'SUSPENDED', 'COMPLETED')
         ORDER BY student_id LIMIT $4",
        institution,
        class,
        after,
        at_most
    )
    .fetch_all(tx.connection())
    .await?)
}

/// Writes what has changed. Of an enrolment that was completed every subject is.
pub(in super::super) async fn write_progress(
    tx: &mut TenantTx,
    rows: &[ProgressRow],
) -> Result<(), Error> {
    let institution = tx.institution().as_uuid();
    let enrollments: Vec<Uuid> = rows.iter().map(|row| row.enrollment).collect();
    let subjects: Vec<Uuid> = rows.iter().map(|row| row.subject).collect();
    let completed: Vec<Decimal> = rows.iter().map(|row| row.completed).collect();
    let percents: Vec<Option<Decimal>> = rows.iter().map(|row| row.percent).collect();
    sqlx::query!(
        "INSERT INTO progress_tracking AS p (institution_id, id, enrollment_id, subject_id, status, completed, percent)
         SELECT $1, gen_random_uuid(), enrollment, subject,
                CASE WHEN e.status = 'COMPLETED' OR done = 1 THEN 'COMPLETED'
                     WHEN done = 0 THEN 'NOT_STARTED' ELSE 'IN_PROGRESS' END,
                CASE WHEN e.status = 'COMPLETED' THEN 1 ELSE done END, percent
         FROM unnest($2::uuid[], $3::uuid[], $4::numeric[], $5::numeric[])
              AS progress (enrollment, subject, done, percent)
         JOIN enrollments e ON e.institution_id = $1 AND e.id = enrollment
         ORDER BY enrollment, subject
         ON CONFLICT (institution_id, enrollment_id, subject_id) DO UPDATE
             SET status = excluded.status, completed = excluded.completed, percent = excluded.percent
             WHERE (p.status, p.completed, p.percent)
                   IS DISTINCT FROM (excluded.status, excluded.completed, excluded.percent)",
        institution,
        &enrollments,
        &subjects,
        &completed,
        &percents as &[Option<Decimal>]
    )
    .execute(tx.connection())
    .await?;
    Ok(())
}
