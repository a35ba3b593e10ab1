//! Every SQL statement of reports. Each computes a row whole, and writes it where it is new or different.
//!
//! An enrolment is live from the day on which it began to that on which it was completed, or to the day before it was
//! dropped or withdrawn; in the classes whose terms overlap the span, and where something happened in it. So what is read
//! does not grow with the terms that were.

use uuid::Uuid;

use super::service::Span;
use crate::error::Error;
use crate::store::TenantTx;

/// Writes the week's row of each class of its terms, and of those in which something happened.
#[expect(clippy::too_many_lines, reason = "one statement")]
pub(super) async fn write_weeks(tx: &mut TenantTx, week: Span) -> Result<(), Error> {
    let institution = tx.institution().as_uuid();
    sqlx::query!(
        "WITH marks AS (
             SELECT class_id, submitted, graded, percent_sum FROM marks_of_days($1, $2, $3)
         ), moves AS (
             SELECT e.class_id,
                    count(*) FILTER (WHERE v.to_status = 'ACTIVE' AND v.from_status IS DISTINCT FROM 'SUSPENDED') AS joined,
                    count(*) FILTER (WHERE v.to_status IN ('DROPPED', 'WITHDRAWN')) AS dropped
             FROM enrollment_events v
             JOIN enrollments e ON e.institution_id = $1 AND e.id = v.enrollment_id
             WHERE v.institution_id = $1 AND v.effective_on BETWEEN $2 AND $3
             GROUP BY e.class_id
         ), days AS (
             SELECT class_id, sum(sessions)::bigint AS sessions, sum(counted)::bigint AS counted, sum(present) AS present
             FROM class_attendance_stats
             WHERE institution_id = $1 AND held_on BETWEEN $2 AND $3
             GROUP BY class_id
         ), chosen AS MATERIALIZED (
             SELECT c.id
             FROM classes c
             JOIN terms t ON t.institution_id = $1 AND t.id = c.term_id
             WHERE c.institution_id = $1
               AND ((c.status <> 'CANCELLED' AND t.starts_on <= $3 AND t.ends_on >= $2)
                    OR c.id IN (SELECT class_id FROM moves) OR c.id IN (SELECT class_id FROM days)
                    OR c.id IN (SELECT class_id FROM marks)
                    OR EXISTS (SELECT FROM weekly_reports was WHERE was.institution_id = $1 AND was.class_id = c.id
                               AND was.week_start = $2))
         ), students AS (
             SELECT e.class_id, count(DISTINCT e.student_id) AS enrolled
             FROM chosen
             JOIN enrollments e ON e.institution_id = $1 AND e.class_id = chosen.id
             LEFT JOIN LATERAL (
                 SELECT max(v.effective_on) AS on_day FROM enrollment_events v
                 WHERE v.institution_id = $1 AND v.enrollment_id = e.id AND v.to_status = 'COMPLETED'
             ) completed ON e.status = 'COMPLETED'
             WHERE e.institution_id = $1
               AND e.status IN ('ACTIVE', 'SUSPENDED', 'COMPLETED', 'DROPPED', 'WITHDRAWN')
               AND e.enrolled_on <= $3 AND coalesce(completed.on_day + 1, e.ended_on, 'infinity') > $3
             GROUP BY e.class_id
         )
         INSERT INTO weekly_reports AS w (institution_id, id, week_start, class_id, enrolled, joined, dropped, sessions,
                                          counted, present, attendance_rate, submitted, graded, percent_sum,
                                          mean_percent)
         SELECT $1, gen_random_uuid(), $2, c.id, coalesce(s.enrolled, 0), coalesce(m.joined, 0), coalesce(m.dropped, 0),
                coalesce(d.sessions, 0), coalesce(d.counted, 0), coalesce(d.present, 0),
                round(d.present / nullif(d.counted, 0), 4), coalesce(k.submitted, 0), coalesce(k.graded, 0),
                coalesce(k.percent_sum, 0), round(k.percent_sum / nullif(k.graded, 0), 4)
         FROM chosen c
         LEFT JOIN moves m ON m.class_id = c.id
         LEFT JOIN days d ON d.class_id = c.id
         LEFT JOIN students s ON s.class_id = c.id
         LEFT JOIN marks k ON k.class_id = c.id
         ORDER BY c.id
         ON CONFLICT ON CONSTRAINT weekly_reports_one_a_week DO UPDATE
             SET enrolled = excluded.enrolled, joined = excluded.joined, dropped = excluded.dropped,
                 sessions = excluded.sessions, counted = excluded.counted, present = excluded.present,
                 attendance_rate = excluded.attendance_rate, submitted = excluded.submitted, graded = excluded.graded,
                 percent_sum = excluded.percent_sum, mean_percent = excluded.mean_percent
             WHERE (w.enrolled, w.joined, w.dropped, w.sessions, w.counted, w.present, w.attendance_rate, w.submitted,
                    w.graded, w.percent_sum)
                   IS DISTINCT FROM (excluded.enrolled, excluded.joined, excluded.dropped, excluded.sessions,
                                     excluded.counted, excluded.present, excluded.attendance_rate, excluded.submitted,
                                     excluded.graded, excluded.percent_sum)",
        institution,
        week.first,
        week.last
    )
    .execute(tx.connection())
    .await?;
    Ok(())
}

/// Writes the week's row of the institution; answers its id where it is new or different.
pub(super) async fn write_week(tx: &mut TenantTx, week: Span) -> Result<Option<Uuid>, Error> {
    let institution = tx.institution().as_uuid();
    Ok(sqlx::query_scalar!(
        "WITH marks AS (
             SELECT coalesce(sum(submitted), 0)::bigint AS submitted, coalesce(sum(graded), 0)::bigint AS graded,
                    coalesce(sum(percent_sum), 0) AS percent_sum
             FROM marks_of_days($1, $2, $3)
         ), moves AS (
             SELECT count(*) FILTER (WHERE to_status = 'ACTIVE' AND from_status IS DISTINCT FROM 'SUSPENDED') AS joined,
                    count(*) FILTER (WHERE to_status IN ('DROPPED', 'WITHDRAWN')) AS dropped
             FROM enrollment_events
             WHERE institution_id = $1 AND effective_on BETWEEN $2 AND $3
         ), days AS (
             SELECT coalesce(sum(sessions), 0)::bigint AS sessions, coalesce(sum(counted), 0)::bigint AS counted,
                    coalesce(sum(present), 0) AS present
             FROM class_attendance_stats
             WHERE institution_id = $1 AND held_on BETWEEN $2 AND $3
         ), candidates AS MATERIALIZED (
             SELECT e.id
             FROM terms t JOIN classes c ON c.institution_id = $1 AND c.term_id = t.id
             JOIN enrollments e ON e.institution_id = $1 AND e.class_id = c.id
             WHERE t.institution_id = $1 AND t.starts_on <= $3 AND t.ends_on >= $2
             UNION
             SELECT enrollment_id FROM enrollment_events
             WHERE institution_id = $1 AND effective_on BETWEEN $2 AND $3
         ), students AS (
             SELECT count(DISTINCT e.student_id) AS enrolled
             FROM candidates
             JOIN enrollments e ON e.institution_id = $1 AND e.id = candidates.id
             LEFT JOIN LATERAL (
                 SELECT max(v.effective_on) AS on_day FROM enrollment_events v
                 WHERE v.institution_id = $1 AND v.enrollment_id = e.id AND v.to_status = 'COMPLETED'
             ) completed ON e.status = 'COMPLETED'
             WHERE e.institution_id = $1
               AND e.status IN ('ACTIVE', 'SUSPENDED', 'COMPLETED', 'DROPPED', 'WITHDRAWN')
               AND e.enrolled_on <= $3 AND coalesce(completed.on_day + 1, e.ended_on, 'infinity') > $3
         )
         INSERT INTO weekly_reports AS w (institution_id, id, week_start, class_id, enrolled, joined, dropped, sessions,
                                          counted, present, attendance_rate, submitted, graded, percent_sum,
                                          mean_percent)
         SELECT $1, $4, $2, NULL, s.enrolled, m.joined, m.dropped, d.sessions, d.counted, d.present,
                round(d.present / nullif(d.counted, 0), 4), k.submitted, k.graded, k.percent_sum,
                round(k.percent_sum / nullif(k.graded, 0), 4)
         FROM moves m, days d, students s, marks k
         ON CONFLICT ON CONSTRAINT weekly_reports_one_a_week DO UPDATE
             SET enrolled = excluded.enrolled, joined = excluded.joined, dropped = excluded.dropped,
                 sessions = excluded.sessions, counted = excluded.counted, present = excluded.present,
                 attendance_rate = excluded.attendance_rate, submitted = excluded.submitted, graded = excluded.graded,
                 percent_sum = excluded.percent_sum, mean_percent = excluded.mean_percent
             WHERE (w.enrolled, w.joined, w.dropped, w.sessions, w.counted, w.present, w.attendance_rate, w.submitted,
                    w.graded, w.percent_sum)
                   IS DISTINCT FROM (excluded.enrolled, excluded.joined, excluded.dropped, excluded.sessions,
                                     excluded.counted, excluded.present, excluded.attendance_rate, excluded.submitted,
                                     excluded.graded, excluded.percent_sum)
         RETURNING id",
        institution,
        week.first,
        week.last,
        Uuid::now_v7()
    )
    .fetch_optional(tx.connection())
    .await?)
}

/// Writes the month's row; answers its id where it is new or different.
#[expect(clippy::too_many_lines, reason = "one statement")]
pub(super) async fn write_month(tx: &mut TenantTx, month: Span) -> Result<Option<Uuid>, Error> {
    let institution = tx.institution().as_uuid();
    Ok(sqlx::query_scalar!(
        "WITH marks AS (
             SELECT coalesce(sum(submitted), 0)::bigint AS submitted, coalesce(sum(graded), 0)::bigint AS graded,
                    coalesce(sum(percent_sum), 0) AS percent_sum FROM marks_of_days($1, $2, $3)
         ), moves AS (
             SELECT count(*) FILTER (WHERE to_status = 'ACTIVE' AND from_status IS DISTINCT FROM 'SUSPENDED') AS made,
                    count(*) FILTER (WHERE to_status IN ('DROPPED', 'WITHDRAWN')) AS dropped,
                    count(*) FILTER (WHERE to_status = 'COMPLETED') AS completed
             FROM enrollment_events
             WHERE institution_id = $1 AND effective_on BETWEEN $2 AND $3
         ), days AS (
             SELECT coalesce(sum(sessions), 0)::bigint AS sessions, coalesce(sum(counted), 0)::bigint AS counted,
                    coalesce(sum(present), 0) AS present
             FROM class_attendance_stats
             WHERE institution_id = $1 AND held_on BETWEEN $2 AND $3
         ), candidates AS MATERIALIZED (
             SELECT e.id
             FROM terms t JOIN classes c ON c.institution_id = $1 AND c.term_id = t.id
             JOIN enrollments e ON e.institution_id = $1 AND e.class_id = c.id
             WHERE t.institution_id = $1 AND t.starts_on <= $3 AND t.ends_on >= $2
             UNION
             SELECT enrollment_id FROM enrollment_events
             WHERE institution_id = $1 AND effective_on BETWEEN $2 AND $3
         ), live AS (
             SELECT e.student_id, completed.on_day BETWEEN $2 AND $3 AS is_completed
             FROM candidates JOIN enrollments e ON e.institution_id = $1 AND e.id = candidates.id
             LEFT JOIN LATERAL (
                 SELECT max(v.effective_on) AS on_day FROM enrollment_events v
                 WHERE v.institution_id = $1 AND v.enrollment_id = e.id AND v.to_status = 'COMPLETED'
             ) completed ON e.status = 'COMPLETED'
             WHERE e.institution_id = $1
               AND e.status IN ('ACTIVE', 'SUSPENDED', 'COMPLETED', 'DROPPED', 'WITHDRAWN')
               AND e.enrolled_on <= $3
               AND coalesce(completed.on_day + 1, e.ended_on, 'infinity') > $2
         ), students AS (
             SELECT count(DISTINCT student_id) AS active, count(*) AS live, count(*) FILTER (WHERE is_completed) AS completed
             FROM live
         ), open AS (
             SELECT count(*) AS classes
             FROM classes c JOIN terms t ON t.institution_id = $1 AND t.id = c.term_id
             WHERE c.institution_id = $1 AND c.status IN ('ACTIVE', 'COMPLETED')
               AND t.starts_on <= $3 AND t.ends_on >= $2
         )
         INSERT INTO monthly_metrics AS w (institution_id, id, month, active_students, active_classes, enrollments_made,
                                           enrollments_dropped, enrollments_completed, completion_rate, sessions,
                                           counted, present, attendance_rate, submitted, graded, percent_sum, mean_percent)
         SELECT $1, $4, $2, s.active, o.classes, m.made, m.dropped, m.completed,
                round(s.completed::numeric / nullif(s.live, 0), 4), d.sessions, d.counted, d.present,
                round(d.present / nullif(d.counted, 0), 4), k.submitted, k.graded, k.percent_sum,
                round(k.percent_sum / nullif(k.graded, 0), 4)
         FROM moves m, days d, students s, open o, marks k
         ON CONFLICT (institution_id, month) DO UPDATE
             SET active_students = excluded.active_students, active_classes = excluded.active_classes,
                 enrollments_made = excluded.enrollments_made, enrollments_dropped = excluded.enrollments_dropped,
                 enrollments_completed = excluded.enrollments_completed, completion_rate = excluded.completion_rate,
                 sessions = excluded.sessions, counted = excluded.counted, present = excluded.present,
                 attendance_rate = excluded.attendance_rate, submitted = excluded.submitted, graded = excluded.graded,
                 percent_sum = excluded.percent_sum, mean_percent = excluded.mean_percent
             WHERE (w.active_students, w.active_classes, w.enrollments_made, w.enrollments_dropped,
                    w.enrollments_completed, w.completion_rate, w.sessions, w.counted, w.present, w.attendance_rate,
                    w.submitted, w.graded, w.percent_sum) IS DISTINCT FROM
                   (excluded.active_students, excluded.active_classes, excluded.enrollments_made,
                    excluded.enrollments_dropped, excluded.enrollments_completed, excluded.completion_rate,
                    excluded.sessions, excluded.counted, excluded.present, excluded.attendance_rate, excluded.submitted,
                    excluded.graded, excluded.percent_sum)
         RETURNING id",
        institution,
        month.first,
        month.last,
        Uuid::now_v7()
    )
    .fetch_optional(tx.connection())
    .await?)
}
