//! What is locked and read before a grade is judged.

use std::collections::{HashMap, HashSet};

use chrono::{DateTime, Utc};
use chrono_tz::Tz;
use uuid::Uuid;

use super::super::model::{Origin, State};
use super::super::rules::{Mark, Place, Sheet, Standing};
use crate::domain::grading::late::{Interval, LatePolicy};
use crate::error::Error;
use crate::store::TenantTx;

/// A class, as grades speak of it.
#[derive(Debug, Clone)]
pub(in super::super) struct Class {
    pub(in super::super) code: String,
    pub(in super::super) title: String,
    pub(in super::super) zone: Tz,
}

/// The enrolment of a student in the class that counts: the live one, else the last.
#[derive(Debug, Clone, Copy)]
pub(in super::super) struct Enrolled {
    pub(in super::super) enrollment: Uuid,
    /// Whether the result is final.
    pub(in super::super) is_final: bool,
}

/// A class; none where there is none.
pub(in super::super) async fn load_class(
    tx: &mut TenantTx,
    class: Uuid,
) -> Result<Option<Class>, Error> {
    let institution = tx.institution().as_uuid();
    let row = sqlx::query!(
        r#"SELECT c.code, c.title, coalesce(c.timezone, i.timezone) AS "zone!"
           FROM classes c JOIN institutions i ON i.institution_id = $1 AND i.id = $1
           WHERE c.institution_id = $1 AND c.id = $2"#,
        institution,
        class
    )
    .fetch_optional(tx.connection())
    .await?;
    Ok(row.map(|row| Class {
        code: row.code,
        title: row.title,
        // What writes it made sure of it.
        zone: row.zone.parse().unwrap_or(Tz::UTC),
    }))
}

/// Those of the assessments that are the class's; until the transaction ends nobody changes or releases them.
pub(in super::super) async fn hold_sheets(
    tx: &mut TenantTx,
    class: Uuid,
    assessments: &[Uuid],
) -> Result<HashMap<Uuid, Sheet>, Error> {
    let institution = tx.institution().as_uuid();
    let rows = sqlx::query!(
        r#"SELECT a.id, a.title, a.status = 'DRAFT' AS "is_draft!", a.grading_type = 'AUTOMATED' AS "is_automated!",
                  a.points_possible, a.due_at, p.rate_percent AS "rate?", p."interval" AS "interval?",
                  p.floor_percent AS "floor?",
                  a.release_policy = 'IMMEDIATE' OR a.released_at IS NOT NULL AS "shows!"
           FROM assessments a
           LEFT JOIN late_policies p ON p.institution_id = $1 AND p.id = a.late_policy_id
           WHERE a.institution_id = $1 AND a.class_id = $2 AND a.id = ANY($3)
           ORDER BY a.id FOR SHARE OF a"#,
        institution,
        class,
        assessments
    )
    .fetch_all(tx.connection())
    .await?;
    let sheets = rows.into_iter().map(|row| {
        let late = row.rate.zip(row.floor).zip(row.interval);
        let sheet = Sheet {
            id: row.id,
            title: row.title,
            is_draft: row.is_draft,
            is_automated: row.is_automated,
            possible: row.points_possible,
            due_at: row.due_at,
            late: late.map(|((rate_percent, floor_percent), interval)| LatePolicy {
                rate_percent,
                interval: if interval == "HOUR" { Interval::Hour } else { Interval::Day },
                floor_percent,
            }),
            shows: row.shows,
        };
        (row.id, sheet)
    });
    Ok(sheets.collect())
}

/// When work is due for students with a date of their own.
pub(in super::super) async fn due_dates(
    tx: &mut TenantTx,
    assessments: &[Uuid],
    students: &[Uuid],
) -> Result<HashMap<Place, DateTime<Utc>>, Error> {
    let institution = tx.institution().as_uuid();
    let rows = sqlx::query!(
        r#"SELECT assessment_id, student_id, due_at AS "due_at!" FROM assessment_overrides
           WHERE institution_id = $1 AND assessment_id = ANY($2) AND student_id = ANY($3) AND due_at IS NOT NULL"#,
        institution,
        assessments,
        students
    )
    .fetch_all(tx.connection())
    .await?;
    Ok(rows.into_iter().map(|row| ((row.assessment_id, row.student_id), row.due_at)).collect())
}

/// Locks all enrolments of students that were ever in the class, in the order of their ids; the facts are read by a
/// second statement, whose snapshot is younger than the locks. Each student's are found by the student, and then
/// looked at for the class: to statistics of before its time the class is as few, and a list counts as ten.
pub(in super::super) async fn hold_enrollments(
    tx: &mut TenantTx,
    class: Uuid,
    students: &[Uuid],
) -> Result<HashMap<Uuid, Enrolled>, Error> {
    let institution = tx.institution().as_uuid();
    sqlx::query!(
        r#"SELECT e.id AS "id!"
           FROM (SELECT DISTINCT o.id FROM unnest($3::uuid[]) AS asked (student)
                 CROSS JOIN LATERAL (SELECT id, class_id, status FROM enrollments
                                     WHERE institution_id = $1 AND student_id = asked.student OFFSET 0) o
                 WHERE o.class_id = $2
                   AND o.status IN ('ACTIVE', 'SUSPENDED', 'COMPLETED', 'DROPPED', 'WITHDRAWN')
                 ORDER BY o.id) wanted
           CROSS JOIN LATERAL (SELECT id FROM enrollments
                               WHERE institution_id = $1 AND id = wanted.id FOR NO KEY UPDATE) e"#,
        institution,
        class,
        students
    )
    .fetch_all(tx.connection())
    .await?;
    let rows = sqlx::query!(
        r#"SELECT DISTINCT ON (e.student_id) e.student_id, e.id,
                  coalesce(r.state = 'FINAL', false) AS "is_final!"
           FROM unnest($3::uuid[]) AS asked (student)
           CROSS JOIN LATERAL (SELECT id, student_id, class_id, status, enrolled_on FROM enrollments
                               WHERE institution_id = $1 AND student_id = asked.student OFFSET 0) e
           LEFT JOIN class_results r ON r.institution_id = $1 AND r.enrollment_id = e.id
           WHERE e.class_id = $2 AND e.status IN ('ACTIVE', 'SUSPENDED', 'COMPLETED', 'DROPPED', 'WITHDRAWN')
           ORDER BY e.student_id, e.status IN ('ACTIVE', 'SUSPENDED') DESC, e.enrolled_on DESC, e.id DESC"#,
        institution,
        class,
        students
    )
    .fetch_all(tx.connection())
    .await?;
    let enrolled = rows
        .into_iter()
        .map(|row| (row.student_id, Enrolled { enrollment: row.id, is_final: row.is_final }));
    Ok(enrolled.collect())
}

/// Those of the ids that are students.
pub(crate) async fn known_students(
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

/// Locks the grades that are at these places, in the order of their ids.
pub(in super::super) async fn hold_grades(
    tx: &mut TenantTx,
    places: &[Place],
) -> Result<HashMap<Place, Standing>, Error> {
    let institution = tx.institution().as_uuid();
    let (assessments, students): (Vec<Uuid>, Vec<Uuid>) = places.iter().copied().unzip();
    let rows = sqlx::query!(
        r#"SELECT g.id, g.assessment_id, g.student_id, g.row_version, g.released_at, g.state AS "state: State", g.score,
                  g.possible, g.late_deduction, g.origin AS "origin: Origin", g.submission_id, g.grader_version,
                  g.submitted_at, g.note, g.source, g.external_id
           FROM unnest($2::uuid[], $3::uuid[]) AS asked (assessment_id, student_id)
           JOIN grades g ON g.institution_id = $1 AND g.assessment_id = asked.assessment_id
                AND g.student_id = asked.student_id
           ORDER BY g.id FOR NO KEY UPDATE OF g"#,
        institution,
        &assessments,
        &students
    )
    .fetch_all(tx.connection())
    .await?;
    let standing = rows.into_iter().map(|row| {
        let mark = Mark {
            state: row.state,
            score: row.score,
            possible: row.possible,
            late_deduction: row.late_deduction,
            origin: row.origin,
            submission: row.submission_id,
            grader_version: row.grader_version,
            submitted_at: row.submitted_at,
            note: row.note,
            external: row.source.zip(row.external_id),
        };
        let standing = Standing {
            id: row.id,
            row_version: row.row_version,
            released_at: row.released_at,
            mark,
        };
        ((row.assessment_id, row.student_id), standing)
    });
    Ok(standing.collect())
}

/// Where the grades are that have these external ids already.
pub(in super::super) async fn external_holders(
    tx: &mut TenantTx,
    externals: &[(String, String)],
) -> Result<HashMap<(String, String), (Uuid, Place)>, Error> {
    if externals.is_empty() {
        return Ok(HashMap::new());
    }
    let institution = tx.institution().as_uuid();
    let (sources, ids): (Vec<String>, Vec<String>) = externals.iter().cloned().unzip();
    let rows = sqlx::query!(
        r#"SELECT g.id, g.assessment_id, g.student_id, g.source AS "source!", g.external_id AS "external_id!"
           FROM unnest($2::text[], $3::text[]) AS asked (source, external_id)
           JOIN grades g ON g.institution_id = $1 AND g.source = asked.source AND g.external_id = asked.external_id"#,
        institution,
        &sources,
        &ids
    )
    .fetch_all(tx.connection())
    .await?;
    let holders = rows.into_iter().map(|row| {
        let place = (row.assessment_id, row.student_id);
        ((row.source, row.external_id), (row.id, place))
    });
    Ok(holders.collect())
}

/// Where a grade is: its class, assessment and student.
pub(in super::super) async fn class_of_grade(
    tx: &mut TenantTx,
    grade: Uuid,
) -> Result<Option<(Uuid, Place)>, Error> {
    let institution = tx.institution().as_uuid();
    let row = sqlx::query!(
        "SELECT class_id, assessment_id, student_id FROM grades WHERE institution_id = $1 AND id = $2",
        institution,
        grade
    )
    .fetch_optional(tx.connection())
    .await?;
    Ok(row.map(|row| (row.class_id, (row.assessment_id, row.student_id))))
}

/// When a submission was handed in; what came within the grace counts as of its deadline.
pub(in super::super) async fn submitted_at(
    tx: &mut TenantTx,
    submission: Uuid,
) -> Result<Option<DateTime<Utc>>, Error> {
    let institution = tx.institution().as_uuid();
    Ok(sqlx::query_scalar!(
        "SELECT least(submitted_at, deadline_at) FROM assessment_submissions WHERE institution_id = $1 AND id = $2",
        institution,
        submission
    )
    .fetch_optional(tx.connection())
    .await?
    .flatten())
}

/// The users that students are.
pub(in super::super) async fn users(
    tx: &mut TenantTx,
    students: &[Uuid],
) -> Result<HashMap<Uuid, Uuid>, Error> {
    let institution = tx.institution().as_uuid();
    let rows = sqlx::query!(
        "SELECT id, user_id FROM students WHERE institution_id = $1 AND id = ANY($2)",
        institution,
        students
    )
    .fetch_all(tx.connection())
    .await?;
    Ok(rows.into_iter().map(|row| (row.id, row.user_id)).collect())
}
