//! Rows that are locked before they are judged: the class first, then who waits for it, then the enrolment.

use chrono::{DateTime, Utc};
use uuid::Uuid;

use super::super::Status;
use super::super::rules::ClassFacts;
use super::Locked;
use crate::error::Error;
use crate::store::TenantTx;

/// Locks a class and gives what enrolling must know of it. The counts are read by a second statement, whose
/// snapshot is younger than the lock.
pub(in super::super) async fn lock_class(
    tx: &mut TenantTx,
    class: Uuid,
    now: DateTime<Utc>,
) -> Result<Option<ClassFacts>, Error> {
    let institution = tx.institution().as_uuid();
    let locked = sqlx::query_scalar!(
        "SELECT id FROM classes WHERE institution_id = $1 AND id = $2 FOR NO KEY UPDATE",
        institution,
        class
    )
    .fetch_optional(tx.connection())
    .await?;
    if locked.is_none() {
        return Ok(None);
    }
    let facts = sqlx::query_as!(
        ClassFacts,
        r#"SELECT c.id, c.course_id AS course, c.status, c.capacity, c.offer_hours, c.seats_taken, c.waitlist_capacity,
                  (SELECT count(*) FROM enrollments e WHERE e.institution_id = $1 AND e.class_id = c.id
                     AND e.status = 'WAITLISTED') AS "waiting!",
                  coalesce((SELECT max(e.waitlist_place) FROM enrollments e WHERE e.institution_id = $1
                     AND e.class_id = c.id AND e.status = 'WAITLISTED'), 0) AS "last_place!",
                  EXISTS (SELECT FROM class_meetings m WHERE m.institution_id = $1 AND m.class_id = c.id) AS "has_hours!",
                  EXISTS (SELECT FROM course_prerequisites p WHERE p.institution_id = $1
                     AND p.course_id = c.course_id) AS "has_demands!",
                  t.enroll_from, t.enroll_until, t.drop_until, t.withdraw_until,
                  ($3::timestamptz AT TIME ZONE i.timezone)::date AS "today!"
           FROM classes c
           JOIN terms t ON t.institution_id = c.institution_id AND t.id = c.term_id
           JOIN institutions i ON i.institution_id = c.institution_id AND i.id = c.institution_id
           WHERE c.institution_id = $1 AND c.id = $2"#,
        institution,
        class,
        now
    )
    .fetch_one(tx.connection())
    .await?;
    Ok(Some(facts))
}

/// Locks students in one order, after the class: nobody enrols them elsewhere meanwhile.
pub(in super::super) async fn lock_students(
    tx: &mut TenantTx,
    students: &[Uuid],
) -> Result<(), Error> {
    let institution = tx.institution().as_uuid();
    sqlx::query!(
        "SELECT id FROM students WHERE institution_id = $1 AND id = ANY($2) ORDER BY id FOR NO KEY UPDATE",
        institution,
        students
    )
    .fetch_all(tx.connection())
    .await?;
    Ok(())
}

/// The class of an enrolment, which is locked before the enrolment itself.
pub(in super::super) async fn class_of(
    tx: &mut TenantTx,
    enrollment: Uuid,
) -> Result<Option<Uuid>, Error> {
    let institution = tx.institution().as_uuid();
    Ok(sqlx::query_scalar!(
        "SELECT class_id FROM enrollments WHERE institution_id = $1 AND id = $2",
        institution,
        enrollment
    )
    .fetch_optional(tx.connection())
    .await?)
}

/// Locks an enrolment whose class is locked.
pub(in super::super) async fn lock(
    tx: &mut TenantTx,
    enrollment: Uuid,
) -> Result<Option<Locked>, Error> {
    let institution = tx.institution().as_uuid();
    Ok(sqlx::query_as!(
        Locked,
        r#"SELECT id, student_id AS student, status AS "status: Status", row_version, offer_expires_at
           FROM enrollments
           WHERE institution_id = $1 AND id = $2 FOR NO KEY UPDATE"#,
        institution,
        enrollment
    )
    .fetch_optional(tx.connection())
    .await?)
}

/// Locks the first of those who wait for a class that is locked.
pub(in super::super) async fn lock_first_waiting(
    tx: &mut TenantTx,
    class: Uuid,
    at_most: i64,
) -> Result<Vec<Locked>, Error> {
    let institution = tx.institution().as_uuid();
    Ok(sqlx::query_as!(
        Locked,
        r#"SELECT id, student_id AS student, status AS "status: Status", row_version, offer_expires_at
           FROM enrollments
           WHERE institution_id = $1 AND class_id = $2 AND status = 'WAITLISTED'
           ORDER BY waitlist_place LIMIT $3 FOR NO KEY UPDATE"#,
        institution,
        class,
        at_most.max(0)
    )
    .fetch_all(tx.connection())
    .await?)
}
