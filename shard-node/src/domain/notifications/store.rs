//! Every SQL statement of notifications, preferences and deliveries.

use chrono::{DateTime, Utc};
use serde_json::Value;
use uuid::Uuid;

use super::model::{Channel, Preference};
use super::notify::Notice;
use crate::error::Error;
use crate::store::TenantTx;
use crate::store::constraint::{Constraint, explain};

const CONSTRAINTS: &[Constraint] = &[Constraint::unknown(
    "notification_preferences_institution_id_user_id_fkey",
    "",
    "user of the token's subject",
)];

/// Inserts what users want to be told and were not told yet, in the order of users and keys; answers those that are
/// to go out by mail, which have their delivery.
pub(super) async fn insert(tx: &mut TenantTx, notices: &[Notice]) -> Result<Vec<Uuid>, Error> {
    let institution = tx.institution().as_uuid();
    let ids: Vec<Uuid> = notices.iter().map(|_| Uuid::now_v7()).collect();
    let users: Vec<Uuid> = notices.iter().map(|notice| notice.user).collect();
    let types: Vec<String> = notices.iter().map(|notice| notice.kind.as_str().to_owned()).collect();
    let keys: Vec<String> = notices.iter().map(Notice::dedup_key).collect();
    let payloads: Vec<Value> = notices.iter().map(|notice| notice.payload.clone()).collect();
    let on = |channel| notices.iter().map(|notice| notice.kind.is_on(channel)).collect::<Vec<_>>();
    Ok(sqlx::query_scalar!(
        r#"WITH wanted AS (
               SELECT notice.*, u.email IS NOT NULL AND coalesce(
                   (SELECT p.enabled FROM notification_preferences p
                    WHERE p.institution_id = $1 AND p.user_id = notice.user_id AND p.channel = 'EMAIL'
                      AND p.type IN (notice.type, '*') ORDER BY p.type = '*' LIMIT 1), notice.on_email) AS mailed,
                   coalesce(
                   (SELECT p.enabled FROM notification_preferences p
                    WHERE p.institution_id = $1 AND p.user_id = notice.user_id AND p.channel = 'IN_APP'
                      AND p.type IN (notice.type, '*') ORDER BY p.type = '*' LIMIT 1), notice.on_in_app) AS in_app
               FROM unnest($2::uuid[], $3::uuid[], $4::text[], $5::text[], $6::jsonb[], $7::bool[], $8::bool[])
                    AS notice (id, user_id, type, dedup_key, payload, on_in_app, on_email)
               JOIN users u ON u.institution_id = $1 AND u.id = notice.user_id),
           made AS (
               INSERT INTO notifications (institution_id, id, user_id, type, dedup_key, payload, in_app)
               SELECT $1, id, user_id, type, dedup_key, payload, in_app FROM wanted
               WHERE in_app OR mailed ORDER BY user_id, dedup_key
               ON CONFLICT (institution_id, user_id, dedup_key) DO NOTHING
               RETURNING id)
           INSERT INTO notification_deliveries (institution_id, id, notification_id, channel)
           SELECT $1, gen_random_uuid(), made.id, 'EMAIL' FROM made JOIN wanted ON wanted.id = made.id
           WHERE wanted.mailed
           RETURNING notification_id"#,
        institution,
        &ids,
        &users,
        &types,
        &keys,
        &payloads,
        &on(Channel::InApp),
        &on(Channel::Email)
    )
    .fetch_all(tx.connection())
    .await?)
}

/// How many of a user's inbox are unread.
pub(super) async fn count_unread(tx: &mut TenantTx, user: Uuid) -> Result<i64, Error> {
    let institution = tx.institution().as_uuid();
    Ok(sqlx::query_scalar!(
        r#"SELECT count(*) AS "count!" FROM notifications
           WHERE institution_id = $1 AND user_id = $2 AND in_app AND read_at IS NULL"#,
        institution,
        user
    )
    .fetch_one(tx.connection())
    .await?)
}

/// Whether a notification is in a user's inbox.
pub(super) async fn is_own(tx: &mut TenantTx, id: Uuid, user: Uuid) -> Result<bool, Error> {
    let institution = tx.institution().as_uuid();
    Ok(sqlx::query_scalar!(
        r#"SELECT exists(SELECT FROM notifications
               WHERE institution_id = $1 AND id = $2 AND user_id = $3 AND in_app) AS "exists!""#,
        institution,
        id,
        user
    )
    .fetch_one(tx.connection())
    .await?)
}

/// Marks one of a user's unread notifications as read, or all; answers how many they were.
pub(super) async fn mark_read(
    tx: &mut TenantTx,
    id: Option<Uuid>,
    user: Uuid,
    at: DateTime<Utc>,
) -> Result<u64, Error> {
    let institution = tx.institution().as_uuid();
    let done = sqlx::query!(
        "UPDATE notifications SET read_at = $4
         WHERE institution_id = $1 AND user_id = $2 AND in_app AND read_at IS NULL AND id = coalesce($3, id)",
        institution,
        user,
        id,
        at
    )
    .execute(tx.connection())
    .await?;
    Ok(done.rows_affected())
}

/// What a user has said, by type and channel.
pub(super) async fn preferences(tx: &mut TenantTx, user: Uuid) -> Result<Vec<Preference>, Error> {
    let institution = tx.institution().as_uuid();
    Ok(sqlx::query_as!(
        Preference,
        r#"SELECT type AS kind, channel AS "channel: Channel", enabled FROM notification_preferences
           WHERE institution_id = $1 AND user_id = $2 ORDER BY type, channel"#,
        institution,
        user
    )
    .fetch_all(tx.connection())
    .await?)
}

/// Replaces what a user has said.
pub(super) async fn replace_preferences(
    tx: &mut TenantTx,
    user: Uuid,
    items: &[Preference],
) -> Result<(), Error> {
    let institution = tx.institution().as_uuid();
    sqlx::query!(
        "DELETE FROM notification_preferences WHERE institution_id = $1 AND user_id = $2",
        institution,
        user
    )
    .execute(tx.connection())
    .await?;
    let ids: Vec<Uuid> = items.iter().map(|_| Uuid::now_v7()).collect();
    let types: Vec<String> = items.iter().map(|item| item.kind.clone()).collect();
    let channels: Vec<String> = items.iter().map(|item| item.channel.as_str().to_owned()).collect();
    let enabled: Vec<bool> = items.iter().map(|item| item.enabled).collect();
    sqlx::query!(
        "INSERT INTO notification_preferences (institution_id, id, user_id, type, channel, enabled)
         SELECT $1, id, $2, type, channel, enabled
         FROM unnest($3::uuid[], $4::text[], $5::text[], $6::bool[]) AS item (id, type, channel, enabled)",
        institution,
        user,
        &ids,
        &types,
        &channels,
        &enabled
    )
    .execute(tx.connection())
    .await
    .map_err(|error| explain(error, CONSTRAINTS))?;
    Ok(())
}

/// A mail that is to go out.
#[derive(Debug)]
pub(super) struct Outgoing {
    /// The user's address, if it still has one.
    pub(super) email: Option<String>,
    /// The notification's type.
    pub(super) kind: String,
    /// Its data.
    pub(super) payload: Value,
    /// Where the delivery stands.
    pub(super) state: String,
    /// The institution's name.
    pub(super) institution: String,
    /// When the notification was made.
    pub(super) created_at: DateTime<Utc>,
}

/// What is to go out for a notification; none where it was deleted.
pub(super) async fn outgoing(
    tx: &mut TenantTx,
    notification: Uuid,
) -> Result<Option<Outgoing>, Error> {
    let institution = tx.institution().as_uuid();
    Ok(sqlx::query_as!(
        Outgoing,
        "SELECT u.email, n.type AS kind, n.payload, d.state, i.name AS institution, n.created_at
         FROM notification_deliveries d
         JOIN notifications n ON n.institution_id = d.institution_id AND n.id = d.notification_id
         JOIN users u ON u.institution_id = n.institution_id AND u.id = n.user_id
         JOIN institutions i ON i.institution_id = n.institution_id AND i.id = n.institution_id
         WHERE d.institution_id = $1 AND d.notification_id = $2 AND d.channel = 'EMAIL'",
        institution,
        notification
    )
    .fetch_optional(tx.connection())
    .await?)
}

/// Writes how a try went; what was sent stays so.
pub(super) async fn settle(
    tx: &mut TenantTx,
    notification: Uuid,
    state: &str,
    error: Option<&str>,
) -> Result<(), Error> {
    let institution = tx.institution().as_uuid();
    sqlx::query!(
        "UPDATE notification_deliveries SET state = $3, error = $4, attempts = attempts + 1
         WHERE institution_id = $1 AND notification_id = $2 AND channel = 'EMAIL' AND state <> 'SENT'",
        institution,
        notification,
        state,
        error
    )
    .execute(tx.connection())
    .await?;
    Ok(())
}

/// Users who coordinate the institution on a day: those with a role ADMIN or STAFF.
pub(super) async fn coordinators(tx: &mut TenantTx, at: DateTime<Utc>) -> Result<Vec<Uuid>, Error> {
    let institution = tx.institution().as_uuid();
    Ok(sqlx::query_scalar!(
        r#"SELECT DISTINCT r.user_id FROM user_roles r
           JOIN institutions i ON i.institution_id = r.institution_id AND i.id = r.institution_id
           WHERE r.institution_id = $1 AND r.role IN ('ADMIN', 'STAFF')
             AND coalesce(r.from_on <= ($2::timestamptz AT TIME ZONE i.timezone)::date, true)
             AND coalesce(r.until_on >= ($2::timestamptz AT TIME ZONE i.timezone)::date, true)
           ORDER BY r.user_id"#,
        institution,
        at
    )
    .fetch_all(tx.connection())
    .await?)
}

/// An enrolment, as those whom it concerns are told of it.
#[derive(Debug)]
pub(super) struct Enrolled {
    /// The student.
    pub(super) student: Uuid,
    /// The user that the student is.
    pub(super) user: Uuid,
    /// The class.
    pub(super) class: Uuid,
    /// Its code.
    pub(super) code: String,
    /// Its title.
    pub(super) title: String,
    /// When the offer ends, where there is one.
    pub(super) expires_at: Option<DateTime<Utc>>,
    /// The same in the institution's time zone, for people.
    pub(super) expires_at_local: Option<String>,
}

/// What an enrolment is about; none where there is none.
pub(super) async fn enrolled(
    tx: &mut TenantTx,
    enrollment: Uuid,
) -> Result<Option<Enrolled>, Error> {
    let institution = tx.institution().as_uuid();
    Ok(sqlx::query_as!(
        Enrolled,
        r#"SELECT s.id AS student, s.user_id AS user, c.id AS class, c.code, c.title, e.offer_expires_at AS expires_at,
                  to_char(e.offer_expires_at AT TIME ZONE i.timezone, 'YYYY-MM-DD HH24:MI') || ' ' || i.timezone
                      AS expires_at_local
           FROM enrollments e
           JOIN students s ON s.institution_id = e.institution_id AND s.id = e.student_id
           JOIN classes c ON c.institution_id = e.institution_id AND c.id = e.class_id
           JOIN institutions i ON i.institution_id = e.institution_id AND i.id = e.institution_id
           WHERE e.institution_id = $1 AND e.id = $2"#,
        institution,
        enrollment
    )
    .fetch_optional(tx.connection())
    .await?)
}

/// The users on the staff of a class.
pub(super) async fn staff(tx: &mut TenantTx, class: Uuid) -> Result<Vec<Uuid>, Error> {
    let institution = tx.institution().as_uuid();
    Ok(sqlx::query_scalar!(
        "SELECT user_id FROM class_staff WHERE institution_id = $1 AND class_id = $2 ORDER BY user_id",
        institution,
        class
    )
    .fetch_all(tx.connection())
    .await?)
}
