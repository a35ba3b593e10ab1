//! Every SQL statement of enrolments.
//!
//! Order of locks on every path: class, waitlist, enrolment, counter, event.

use std::collections::{HashMap, HashSet};

use chrono::{DateTime, NaiveDate, Utc};
use uuid::Uuid;

use super::Status;
use super::model::Progress;
use super::rules::{ClassFacts, External, Known, Request};
use crate::error::Error;
use crate::operation::Work;
use crate::resource::expect_one;
use crate::store::TenantTx;

/// An enrolment to insert.
pub(super) struct NewRow {
    pub(super) id: Uuid,
    pub(super) student: Uuid,
    pub(super) status: Status,
    pub(super) waitlist_place: Option<i64>,
    pub(super) enrolled_on: NaiveDate,
    pub(super) source: Option<String>,
    pub(super) external_id: Option<String>,
}

/// A change of state, for `enrollment_events`.
pub(super) struct EventRow {
    pub(super) enrollment: Uuid,
    pub(super) from: Option<Status>,
    pub(super) to: Status,
    pub(super) effective_on: NaiveDate,
    pub(super) reason: Option<String>,
}

/// An enrolment whose row is locked.
pub(super) struct Locked {
    pub(super) id: Uuid,
    pub(super) student: Uuid,
    pub(super) status: Status,
    pub(super) row_version: i64,
}

/// Locks a class and gives what enrolling must know of it. The counts are read by a second statement, whose
/// snapshot is younger than the lock.
pub(super) async fn lock_class(
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
        r#"SELECT c.id, c.status, c.capacity, c.seats_taken, c.waitlist_capacity,
                  (SELECT count(*) FROM enrollments e WHERE e.institution_id = $1 AND e.class_id = c.id
                     AND e.status = 'WAITLISTED') AS "waiting!",
                  coalesce((SELECT max(e.waitlist_place) FROM enrollments e WHERE e.institution_id = $1
                     AND e.class_id = c.id AND e.status = 'WAITLISTED'), 0) AS "last_place!",
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

/// What is known of the students and external ids that requests name.
pub(super) async fn known(
    tx: &mut TenantTx,
    class: Uuid,
    requests: &[Request],
) -> Result<Known, Error> {
    let institution = tx.institution().as_uuid();
    let students: Vec<Uuid> = requests.iter().map(|request| request.student).collect();
    let rows = sqlx::query!(
        r#"SELECT s.id, e.id AS "live?"
           FROM students s
           LEFT JOIN enrollments e ON e.institution_id = s.institution_id AND e.student_id = s.id
                AND e.class_id = $2 AND e.status IN ('PENDING', 'ACTIVE', 'WAITLISTED', 'OFFERED', 'SUSPENDED')
           WHERE s.institution_id = $1 AND s.id = ANY($3)"#,
        institution,
        class,
        &students
    )
    .fetch_all(tx.connection())
    .await?;
    let live = rows.iter().filter_map(|row| Some((row.id, row.live?))).collect();
    let students: HashSet<Uuid> = rows.iter().map(|row| row.id).collect();
    let external = by_external(tx, requests).await?;
    Ok(Known { students, live, external })
}

async fn by_external(
    tx: &mut TenantTx,
    requests: &[Request],
) -> Result<HashMap<(String, String), External>, Error> {
    let (sources, ids): (Vec<String>, Vec<String>) =
        requests.iter().filter_map(|request| request.external.clone()).unzip();
    if sources.is_empty() {
        return Ok(HashMap::new());
    }
    let institution = tx.institution().as_uuid();
    let rows = sqlx::query!(
        r#"SELECT e.id, e.class_id, e.student_id, e.source AS "source!", e.external_id AS "external_id!"
           FROM unnest($2::text[], $3::text[]) AS asked (source, external_id)
           JOIN enrollments e ON e.institution_id = $1 AND e.source = asked.source
                AND e.external_id = asked.external_id"#,
        institution,
        &sources,
        &ids
    )
    .fetch_all(tx.connection())
    .await?;
    let external = rows.into_iter().map(|row| {
        let found = External { id: row.id, class: row.class_id, student: row.student_id };
        ((row.source, row.external_id), found)
    });
    Ok(external.collect())
}

/// Inserts enrolments in one statement.
pub(super) async fn insert(tx: &mut TenantTx, class: Uuid, rows: &[NewRow]) -> Result<(), Error> {
    let institution = tx.institution().as_uuid();
    let ids: Vec<Uuid> = rows.iter().map(|row| row.id).collect();
    let students: Vec<Uuid> = rows.iter().map(|row| row.student).collect();
    let statuses: Vec<String> = rows.iter().map(|row| row.status.as_str().to_owned()).collect();
    let places: Vec<Option<i64>> = rows.iter().map(|row| row.waitlist_place).collect();
    let days: Vec<NaiveDate> = rows.iter().map(|row| row.enrolled_on).collect();
    let sources: Vec<Option<String>> = rows.iter().map(|row| row.source.clone()).collect();
    let external_ids: Vec<Option<String>> =
        rows.iter().map(|row| row.external_id.clone()).collect();
    sqlx::query!(
        "INSERT INTO enrollments (institution_id, id, class_id, student_id, status, waitlist_place,
                                  enrolled_on, source, external_id)
         SELECT $1, id, $2, student, status, place, day, source, external_id
         FROM unnest($3::uuid[], $4::uuid[], $5::text[], $6::bigint[], $7::date[], $8::text[], $9::text[])
              AS enrollment (id, student, status, place, day, source, external_id)",
        institution,
        class,
        &ids,
        &students,
        &statuses,
        &places as &[Option<i64>],
        &days,
        &sources as &[Option<String>],
        &external_ids as &[Option<String>]
    )
    .execute(tx.connection())
    .await?;
    Ok(())
}

/// Makes the progress rows of enrolments, one a subject of the class; those that are there stay.
pub(super) async fn begin_progress(
    tx: &mut TenantTx,
    class: Uuid,
    enrollments: &[Uuid],
) -> Result<(), Error> {
    if enrollments.is_empty() {
        return Ok(());
    }
    let institution = tx.institution().as_uuid();
    sqlx::query!(
        "INSERT INTO progress_tracking (institution_id, id, enrollment_id, subject_id)
         SELECT $1, gen_random_uuid(), enrollment, s.subject_id
         FROM unnest($3::uuid[]) AS enrollment
         CROSS JOIN class_subjects s
         WHERE s.institution_id = $1 AND s.class_id = $2
         ON CONFLICT (institution_id, enrollment_id, subject_id) DO NOTHING",
        institution,
        class,
        enrollments
    )
    .execute(tx.connection())
    .await?;
    Ok(())
}

/// Takes seats, if there are so many.
pub(super) async fn take_seats(tx: &mut TenantTx, class: Uuid, seats: usize) -> Result<(), Error> {
    if seats == 0 {
        return Ok(());
    }
    let institution = tx.institution().as_uuid();
    let seats = i32::try_from(seats).unwrap_or(i32::MAX);
    let done = sqlx::query!(
        "UPDATE classes SET seats_taken = seats_taken + $3
         WHERE institution_id = $1 AND id = $2 AND seats_taken <= capacity - $3",
        institution,
        class,
        seats
    )
    .execute(tx.connection())
    .await?;
    expect_one(done.rows_affected(), "class with free seats")
}

/// Gives a seat back.
pub(super) async fn free_seat(tx: &mut TenantTx, class: Uuid) -> Result<(), Error> {
    let institution = tx.institution().as_uuid();
    let done = sqlx::query!(
        "UPDATE classes SET seats_taken = seats_taken - 1
         WHERE institution_id = $1 AND id = $2 AND seats_taken > 0",
        institution,
        class
    )
    .execute(tx.connection())
    .await?;
    expect_one(done.rows_affected(), "class with taken seats")
}

/// Appends changes of state in one statement.
pub(super) async fn append_events(
    tx: &mut TenantTx,
    actor: Uuid,
    rows: &[EventRow],
) -> Result<(), Error> {
    let institution = tx.institution().as_uuid();
    let ids: Vec<Uuid> = rows.iter().map(|_| Uuid::now_v7()).collect();
    let enrollments: Vec<Uuid> = rows.iter().map(|row| row.enrollment).collect();
    let froms: Vec<Option<String>> =
        rows.iter().map(|row| row.from.map(|status| status.as_str().to_owned())).collect();
    let tos: Vec<String> = rows.iter().map(|row| row.to.as_str().to_owned()).collect();
    let days: Vec<NaiveDate> = rows.iter().map(|row| row.effective_on).collect();
    let reasons: Vec<Option<String>> = rows.iter().map(|row| row.reason.clone()).collect();
    sqlx::query!(
        "INSERT INTO enrollment_events
             (institution_id, id, enrollment_id, from_status, to_status, effective_on, actor_id, reason)
         SELECT $1, id, enrollment, from_status, to_status, day, $2, reason
         FROM unnest($3::uuid[], $4::uuid[], $5::text[], $6::text[], $7::date[], $8::text[])
              AS event (id, enrollment, from_status, to_status, day, reason)",
        institution,
        actor,
        &ids,
        &enrollments,
        &froms as &[Option<String>],
        &tos,
        &days,
        &reasons as &[Option<String>]
    )
    .execute(tx.connection())
    .await?;
    Ok(())
}

/// The class of an enrolment, which is locked before the enrolment itself.
pub(super) async fn class_of(tx: &mut TenantTx, enrollment: Uuid) -> Result<Option<Uuid>, Error> {
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
pub(super) async fn lock(tx: &mut TenantTx, enrollment: Uuid) -> Result<Option<Locked>, Error> {
    let institution = tx.institution().as_uuid();
    Ok(sqlx::query_as!(
        Locked,
        r#"SELECT id, student_id AS student, status AS "status: Status", row_version FROM enrollments
           WHERE institution_id = $1 AND id = $2 FOR NO KEY UPDATE"#,
        institution,
        enrollment
    )
    .fetch_optional(tx.connection())
    .await?)
}

/// Locks the first of those who wait for a class that is locked.
pub(super) async fn lock_first_waiting(
    tx: &mut TenantTx,
    class: Uuid,
    at_most: i64,
) -> Result<Vec<Locked>, Error> {
    let institution = tx.institution().as_uuid();
    Ok(sqlx::query_as!(
        Locked,
        r#"SELECT id, student_id AS student, status AS "status: Status", row_version FROM enrollments
           WHERE institution_id = $1 AND class_id = $2 AND status = 'WAITLISTED'
           ORDER BY waitlist_place LIMIT $3 FOR NO KEY UPDATE"#,
        institution,
        class,
        at_most.max(0)
    )
    .fetch_all(tx.connection())
    .await?)
}

/// Sets the state of a locked enrolment; answers its new row version.
pub(super) async fn set_status(
    tx: &mut TenantTx,
    enrollment: Uuid,
    to: Status,
    ended_on: Option<NaiveDate>,
) -> Result<i64, Error> {
    let institution = tx.institution().as_uuid();
    Ok(sqlx::query_scalar!(
        "UPDATE enrollments SET status = $3, waitlist_place = NULL, ended_on = coalesce($4, ended_on)
         WHERE institution_id = $1 AND id = $2 RETURNING row_version",
        institution,
        enrollment,
        to.as_str(),
        ended_on
    )
    .fetch_one(tx.connection())
    .await?)
}

/// The states of enrolments.
pub(super) async fn statuses(
    tx: &mut TenantTx,
    ids: &[Uuid],
) -> Result<HashMap<Uuid, Status>, Error> {
    let institution = tx.institution().as_uuid();
    let rows = sqlx::query!(
        r#"SELECT id, status AS "status: Status" FROM enrollments
           WHERE institution_id = $1 AND id = ANY($2)"#,
        institution,
        ids
    )
    .fetch_all(tx.connection())
    .await?;
    Ok(rows.into_iter().map(|row| (row.id, row.status)).collect())
}

/// Whether a student is the caller.
pub(super) async fn is_own_student(work: &mut Work, student: Uuid) -> Result<bool, Error> {
    let subject = work.caller.subject;
    Ok(student_of_user(work.tx(), subject).await? == Some(student))
}

/// The student that a user is.
pub(super) async fn student_of_user(tx: &mut TenantTx, user: Uuid) -> Result<Option<Uuid>, Error> {
    let institution = tx.institution().as_uuid();
    Ok(sqlx::query_scalar!(
        "SELECT id FROM students WHERE institution_id = $1 AND user_id = $2",
        institution,
        user
    )
    .fetch_optional(tx.connection())
    .await?)
}

/// Whether there is such a class.
pub(super) async fn class_exists(tx: &mut TenantTx, class: Uuid) -> Result<bool, Error> {
    let institution = tx.institution().as_uuid();
    Ok(sqlx::query_scalar!(
        r#"SELECT exists(SELECT FROM classes WHERE institution_id = $1 AND id = $2) AS "exists!""#,
        institution,
        class
    )
    .fetch_one(tx.connection())
    .await?)
}

/// Whether a user is on the staff of a class.
pub(super) async fn teaches(tx: &mut TenantTx, class: Uuid, user: Uuid) -> Result<bool, Error> {
    let institution = tx.institution().as_uuid();
    Ok(sqlx::query_scalar!(
        r#"SELECT exists(SELECT FROM class_staff
                         WHERE institution_id = $1 AND class_id = $2 AND user_id = $3) AS "exists!""#,
        institution,
        class,
        user
    )
    .fetch_one(tx.connection())
    .await?)
}

/// The progress rows of an enrolment, by subject code.
pub(super) async fn progress(tx: &mut TenantTx, enrollment: Uuid) -> Result<Vec<Progress>, Error> {
    let institution = tx.institution().as_uuid();
    Ok(sqlx::query_as!(
        Progress,
        "SELECT p.subject_id, s.code AS subject_code, p.status, p.completed
         FROM progress_tracking p
         JOIN subjects s ON s.institution_id = p.institution_id AND s.id = p.subject_id
         WHERE p.institution_id = $1 AND p.enrollment_id = $2 ORDER BY s.code",
        institution,
        enrollment
    )
    .fetch_all(tx.connection())
    .await?)
}
