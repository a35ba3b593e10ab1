//! What is written of enrolments, on classes that are locked.

use chrono::NaiveDate;
use uuid::Uuid;

use super::{EventRow, NewRow, NewState};
use crate::error::Error;
use crate::resource::expect_one;
use crate::store::TenantTx;

/// Inserts enrolments in one statement.
pub(in super::super) async fn insert(
    tx: &mut TenantTx,
    class: Uuid,
    rows: &[NewRow],
) -> Result<(), Error> {
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
pub(in super::super) async fn begin_progress(
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
pub(in super::super) async fn take_seats(
    tx: &mut TenantTx,
    class: Uuid,
    seats: usize,
) -> Result<(), Error> {
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
pub(in super::super) async fn free_seat(tx: &mut TenantTx, class: Uuid) -> Result<(), Error> {
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
pub(in super::super) async fn append_events(
    tx: &mut TenantTx,
    actor: Uuid,
    rows: &[EventRow],
) -> Result<(), Error> {
    let institution = tx.institution().as_uuid();
    // The platform is nobody.
    let actor = Some(actor).filter(|actor| !actor.is_nil());
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

/// Sets the state of a locked enrolment; answers its new row version.
pub(in super::super) async fn set_status(
    tx: &mut TenantTx,
    enrollment: Uuid,
    state: &NewState,
) -> Result<i64, Error> {
    let institution = tx.institution().as_uuid();
    Ok(sqlx::query_scalar!(
        "UPDATE enrollments SET status = $3, waitlist_place = NULL, ended_on = coalesce($4, ended_on),
                                offer_expires_at = $5, enrolled_on = greatest(enrolled_on, $6)
         WHERE institution_id = $1 AND id = $2 RETURNING row_version",
        institution,
        enrollment,
        state.to.as_str(),
        state.ended_on,
        state.offer_expires_at,
        state.enrolled_on
    )
    .fetch_one(tx.connection())
    .await?)
}
