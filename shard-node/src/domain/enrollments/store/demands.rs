//! What a class demands of its students: other courses before it, and hours that are free.

use std::collections::HashMap;

use chrono::{Days, NaiveDate};
use uuid::Uuid;

use super::super::rules::Clash;
use crate::domain::class_meetings::{Slot, StoredSlot, overlap};
use crate::error::Error;
use crate::store::TenantTx;

/// The courses that a course demands and that students have not completed, by student: their codes.
pub(in super::super) async fn missing(
    tx: &mut TenantTx,
    course: Uuid,
    students: &[Uuid],
) -> Result<HashMap<Uuid, Vec<String>>, Error> {
    let institution = tx.institution().as_uuid();
    let rows = sqlx::query!(
        r#"SELECT asked.student AS "student!", c.code
           FROM course_prerequisites p
           JOIN courses c ON c.institution_id = $1 AND c.id = p.prerequisite_id
           CROSS JOIN (SELECT DISTINCT student FROM unnest($3::uuid[]) AS s (student)) asked
           WHERE p.institution_id = $1 AND p.course_id = $2 AND NOT EXISTS (
               SELECT FROM enrollments e
               JOIN classes k ON k.institution_id = $1 AND k.id = e.class_id
               WHERE e.institution_id = $1 AND e.student_id = asked.student AND e.status = 'COMPLETED'
                 AND k.course_id = p.prerequisite_id)
           ORDER BY c.code"#,
        institution,
        course,
        students
    )
    .fetch_all(tx.connection())
    .await?;
    let mut missing: HashMap<Uuid, Vec<String>> = HashMap::new();
    for row in rows {
        missing.entry(row.student).or_default().push(row.code);
    }
    Ok(missing)
}

/// For each student who is in another class, or waits for one, that meets when this one does: one such class. The
/// students are locked.
pub(in super::super) async fn clashes(
    tx: &mut TenantTx,
    class: Uuid,
    hours: &[Slot],
    students: &[Uuid],
) -> Result<HashMap<Uuid, Clash>, Error> {
    let (from, until) = span(hours);
    let institution = tx.institution().as_uuid();
    let rows = sqlx::query!(
        r#"SELECT e.student_id, k.code, m.weekday, m.starts, m.ends, coalesce(m.from_on, t.starts_on) AS "from!",
                  coalesce(m.until_on, t.ends_on) AS "until!", coalesce(k.timezone, i.timezone) AS "zone!"
           FROM enrollments e
           JOIN classes k ON k.institution_id = $1 AND k.id = e.class_id AND k.status IN ('PLANNED', 'ACTIVE')
           JOIN terms t ON t.institution_id = $1 AND t.id = k.term_id
           JOIN institutions i ON i.institution_id = $1 AND i.id = $1
           JOIN class_meetings m ON m.institution_id = $1 AND m.class_id = k.id
           WHERE e.institution_id = $1 AND e.student_id = ANY($2) AND e.class_id <> $3
             AND e.status IN ('PENDING', 'ACTIVE', 'WAITLISTED', 'OFFERED', 'SUSPENDED')
             AND coalesce(m.from_on, t.starts_on) <= $5 AND coalesce(m.until_on, t.ends_on) >= $4
           ORDER BY k.code, m.id"#,
        institution,
        students,
        class,
        from,
        until
    )
    .fetch_all(tx.connection())
    .await?;
    let mut clashes = HashMap::new();
    for row in rows {
        if clashes.contains_key(&row.student_id) {
            continue;
        }
        let stored = StoredSlot {
            weekday: row.weekday,
            starts: row.starts,
            ends: row.ends,
            from: row.from,
            until: row.until,
            zone: row.zone,
        };
        let theirs = Slot::try_from(stored)?;
        if let Some(on) = hours.iter().filter_map(|ours| overlap(ours, &theirs)).min() {
            clashes.insert(row.student_id, Clash { code: row.code, on });
        }
    }
    Ok(clashes)
}

/// All days of these hours, and one more at each end: it may be another day elsewhere.
fn span(hours: &[Slot]) -> (NaiveDate, NaiveDate) {
    let from = hours.iter().map(|slot| slot.from).min().unwrap_or(NaiveDate::MAX);
    let until = hours.iter().map(|slot| slot.until).max().unwrap_or(NaiveDate::MIN);
    (
        from.checked_sub_days(Days::new(1)).unwrap_or(from),
        until.checked_add_days(Days::new(1)).unwrap_or(until),
    )
}
