//! Every SQL statement of meetings.

use chrono::{DateTime, NaiveDate, Utc};
use uuid::Uuid;

use super::model::{ClassMeeting, NewMeeting};
use super::rules::{Held, Slot, StoredSlot};
use crate::error::Error;
use crate::resource::expect_one;
use crate::store::TenantTx;

/// A session to make.
#[derive(Debug, Clone, Copy)]
pub(super) struct PlannedSession {
    pub(super) id: Uuid,
    pub(super) meeting: Uuid,
    pub(super) held: Held,
}

/// Locks a class; answers whether there is one.
pub(super) async fn lock_class(tx: &mut TenantTx, class: Uuid) -> Result<bool, Error> {
    let institution = tx.institution().as_uuid();
    let found = sqlx::query_scalar!(
        "SELECT id FROM classes WHERE institution_id = $1 AND id = $2 FOR NO KEY UPDATE",
        institution,
        class
    )
    .fetch_optional(tx.connection())
    .await?;
    Ok(found.is_some())
}

/// How many meetings a class has.
pub(super) async fn count(tx: &mut TenantTx, class: Uuid) -> Result<i64, Error> {
    let institution = tx.institution().as_uuid();
    Ok(sqlx::query_scalar!(
        r#"SELECT count(*) AS "count!" FROM class_meetings WHERE institution_id = $1 AND class_id = $2"#,
        institution,
        class
    )
    .fetch_one(tx.connection())
    .await?)
}

/// Inserts a meeting of a class that is locked.
pub(super) async fn insert(tx: &mut TenantTx, id: Uuid, new: &NewMeeting) -> Result<(), Error> {
    let institution = tx.institution().as_uuid();
    let done = sqlx::query!(
        "INSERT INTO class_meetings (institution_id, id, class_id, weekday, starts, ends, room, from_on, until_on)
         VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9)",
        institution,
        id,
        new.class_id,
        new.weekday.as_str(),
        new.starts.0,
        new.ends.0,
        new.room,
        new.from,
        new.until
    )
    .execute(tx.connection())
    .await?;
    expect_one(done.rows_affected(), "meeting")
}

/// Writes a changed meeting.
pub(super) async fn update(tx: &mut TenantTx, meeting: &ClassMeeting) -> Result<(), Error> {
    let institution = tx.institution().as_uuid();
    let done = sqlx::query!(
        "UPDATE class_meetings SET weekday = $3, starts = $4, ends = $5, room = $6, from_on = $7, until_on = $8
         WHERE institution_id = $1 AND id = $2",
        institution,
        meeting.id,
        meeting.weekday.as_str(),
        meeting.starts.0,
        meeting.ends.0,
        meeting.room,
        meeting.from,
        meeting.until
    )
    .execute(tx.connection())
    .await?;
    expect_one(done.rows_affected(), "meeting")
}

/// When a class meets.
pub(crate) async fn slots_of(tx: &mut TenantTx, class: Uuid) -> Result<Vec<Slot>, Error> {
    let slots = slots_by_meeting(tx, class).await?;
    Ok(slots.into_iter().map(|(_, slot)| slot).collect())
}

/// The same, by meeting.
pub(super) async fn slots_by_meeting(
    tx: &mut TenantTx,
    class: Uuid,
) -> Result<Vec<(Uuid, Slot)>, Error> {
    let institution = tx.institution().as_uuid();
    let rows = sqlx::query!(
        r#"SELECT m.id, m.weekday, m.starts, m.ends, coalesce(m.from_on, t.starts_on) AS "from!",
                  coalesce(m.until_on, t.ends_on) AS "until!", coalesce(k.timezone, i.timezone) AS "zone!"
           FROM class_meetings m
           JOIN classes k ON k.institution_id = $1 AND k.id = m.class_id
           JOIN terms t ON t.institution_id = $1 AND t.id = k.term_id
           JOIN institutions i ON i.institution_id = $1 AND i.id = $1
           WHERE m.institution_id = $1 AND m.class_id = $2
           ORDER BY m.id"#,
        institution,
        class
    )
    .fetch_all(tx.connection())
    .await?;
    rows.into_iter()
        .map(|row| {
            let stored = StoredSlot {
                weekday: row.weekday,
                starts: row.starts,
                ends: row.ends,
                from: row.from,
                until: row.until,
                zone: row.zone,
            };
            Ok((row.id, Slot::try_from(stored)?))
        })
        .collect()
}

/// Makes the sessions that are not there yet, in one statement; answers their ids. A session that somebody made by hand
/// for the same time stands for the planned one.
pub(super) async fn insert_sessions(
    tx: &mut TenantTx,
    class: Uuid,
    planned: &[PlannedSession],
) -> Result<Vec<Uuid>, Error> {
    if planned.is_empty() {
        return Ok(Vec::new());
    }
    let institution = tx.institution().as_uuid();
    let ids: Vec<Uuid> = planned.iter().map(|session| session.id).collect();
    let meetings: Vec<Uuid> = planned.iter().map(|session| session.meeting).collect();
    let dates: Vec<NaiveDate> = planned.iter().map(|session| session.held.date).collect();
    let starts: Vec<DateTime<Utc>> = planned.iter().map(|session| session.held.starts_at).collect();
    let ends: Vec<DateTime<Utc>> = planned.iter().map(|session| session.held.ends_at).collect();
    let made = sqlx::query_scalar!(
        "INSERT INTO attendance_sessions (institution_id, id, class_id, held_on, starts_at, ends_at, meeting_id, planned_on)
         SELECT $1, id, $2, day, starts_at, ends_at, meeting, day
         FROM unnest($3::uuid[], $4::uuid[], $5::date[], $6::timestamptz[], $7::timestamptz[])
              WITH ORDINALITY AS planned (id, meeting, day, starts_at, ends_at, place)
         ORDER BY place
         ON CONFLICT DO NOTHING RETURNING id",
        institution,
        class,
        &ids,
        &meetings,
        &dates,
        &starts,
        &ends
    )
    .fetch_all(tx.connection())
    .await?;
    // In the order of the plan, whatever order they came back in.
    Ok(ids.into_iter().filter(|id| made.contains(id)).collect())
}
