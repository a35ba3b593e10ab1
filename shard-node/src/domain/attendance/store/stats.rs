//! What marks come to.

use chrono::NaiveDate;
use uuid::Uuid;

use super::super::students::StudentClass;
use crate::error::Error;
use crate::store::TenantTx;

/// Computes a class's day from its marks; answers the row's id where that has changed. A day without a session has no
/// row. Of a class and day one job at a time does this.
pub(in super::super) async fn compute_stats(
    tx: &mut TenantTx,
    class: Uuid,
    date: NaiveDate,
) -> Result<Option<Uuid>, Error> {
    let institution = tx.institution().as_uuid();
    let changed = sqlx::query_scalar!(
        "WITH held AS (
             SELECT id FROM attendance_sessions
             WHERE institution_id = $1 AND class_id = $2 AND held_on = $3 AND status <> 'CANCELLED'
         ), marks AS (
             SELECT c.code, c.counts_as FROM held h
             JOIN attendance_records r ON r.institution_id = $1 AND r.session_id = h.id
             JOIN attendance_codes c ON c.institution_id = $1 AND c.id = r.code_id
         ), enrolled AS (
             SELECT count(DISTINCT student_id) AS students FROM enrollments
             WHERE institution_id = $1 AND class_id = $2
               AND status IN ('ACTIVE', 'SUSPENDED', 'COMPLETED', 'DROPPED', 'WITHDRAWN')
               AND enrolled_on <= $3 AND (ended_on IS NULL OR ended_on > $3)
         ), total AS (
             SELECT count(*) AS marked, count(counts_as) AS counted, coalesce(sum(counts_as), 0) AS present
             FROM marks
         ), by_code AS (
             SELECT coalesce(jsonb_object_agg(code, marked), '{}') AS codes
             FROM (SELECT code, count(*) AS marked FROM marks GROUP BY code) each
         )
         INSERT INTO class_attendance_stats AS s (institution_id, id, class_id, held_on, sessions, enrolled, marked,
                                                  counted, present, rate, by_code)
         SELECT $1, $4, $2, $3, (SELECT count(*) FROM held), e.students, t.marked, t.counted, t.present,
                round(t.present / nullif(t.counted, 0), 4), b.codes
         FROM enrolled e, total t, by_code b
         WHERE EXISTS (SELECT FROM held)
         ON CONFLICT (institution_id, class_id, held_on) DO UPDATE
             SET sessions = excluded.sessions, enrolled = excluded.enrolled, marked = excluded.marked,
                 counted = excluded.counted, present = excluded.present, rate = excluded.rate,
                 by_code = excluded.by_code
             WHERE (s.sessions, s.enrolled, s.marked, s.counted, s.present, s.rate, s.by_code)
                   IS DISTINCT FROM (excluded.sessions, excluded.enrolled, excluded.marked, excluded.counted,
                                     excluded.present, excluded.rate, excluded.by_code)
         RETURNING id",
        institution,
        class,
        date,
        Uuid::now_v7()
    )
    .fetch_optional(tx.connection())
    .await?;
    if changed.is_none() {
        forget_stats(tx, class, date).await?;
    }
    Ok(changed)
}

/// Deletes the row of a day that has no session any more.
async fn forget_stats(tx: &mut TenantTx, class: Uuid, date: NaiveDate) -> Result<(), Error> {
    let institution = tx.institution().as_uuid();
    sqlx::query!(
        "DELETE FROM class_attendance_stats
         WHERE institution_id = $1 AND class_id = $2 AND held_on = $3
           AND NOT EXISTS (SELECT FROM attendance_sessions
                           WHERE institution_id = $1 AND class_id = $2 AND held_on = $3 AND status <> 'CANCELLED')",
        institution,
        class,
        date
    )
    .execute(tx.connection())
    .await?;
    Ok(())
}

/// The classes that have a session on a day of these, with the day.
pub(in super::super) async fn class_days(
    tx: &mut TenantTx,
    from: NaiveDate,
    until: NaiveDate,
) -> Result<Vec<(Uuid, NaiveDate)>, Error> {
    let institution = tx.institution().as_uuid();
    let rows = sqlx::query!(
        "SELECT DISTINCT class_id, held_on FROM attendance_sessions
         WHERE institution_id = $1 AND held_on BETWEEN $2 AND $3",
        institution,
        from,
        until
    )
    .fetch_all(tx.connection())
    .await?;
    Ok(rows.into_iter().map(|row| (row.class_id, row.held_on)).collect())
}

/// What the marks of a student come to, class by class, in the order of the classes' codes; cancelled sessions do not
/// count.
pub(in super::super) async fn of_student(
    tx: &mut TenantTx,
    student: Uuid,
) -> Result<Vec<StudentClass>, Error> {
    let institution = tx.institution().as_uuid();
    Ok(sqlx::query_as!(
        StudentClass,
        r#"SELECT k.id AS class_id, k.code AS class_code, count(*) AS "marked!", count(c.counts_as) AS "counted!",
                  coalesce(sum(c.counts_as), 0) AS "present!",
                  round(sum(c.counts_as) / nullif(count(c.counts_as), 0), 4) AS rate
           FROM attendance_records r
           JOIN attendance_sessions s ON s.institution_id = $1 AND s.id = r.session_id AND s.status <> 'CANCELLED'
           JOIN classes k ON k.institution_id = $1 AND k.id = s.class_id
           JOIN attendance_codes c ON c.institution_id = $1 AND c.id = r.code_id
           WHERE r.institution_id = $1 AND r.student_id = $2
           GROUP BY k.id, k.code ORDER BY k.code, k.id"#,
        institution,
        student
    )
    .fetch_all(tx.connection())
    .await?)
}
