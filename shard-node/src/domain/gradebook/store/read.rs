//! What a gradebook shows.

use rust_decimal::Decimal;
use sqlx::types::Json;
use uuid::Uuid;

use super::super::stats::AssessmentStats;
use super::super::structure::{CategoryRow, Cell, Column, Structure};
use crate::domain::grades::{Origin, State};
use crate::domain::grading::totals::Band;
use crate::error::Error;
use crate::store::TenantTx;

/// How a class counts: what is published, in the order of categories and due dates.
pub(in super::super) async fn structure(
    tx: &mut TenantTx,
    class: Uuid,
) -> Result<Structure, Error> {
    let institution = tx.institution().as_uuid();
    let categories = sqlx::query_as!(
        CategoryRow,
        "SELECT id, name, weight, drop_lowest, drop_highest FROM grading_categories
         WHERE institution_id = $1 AND class_id = $2 ORDER BY position, name",
        institution,
        class
    )
    .fetch_all(tx.connection())
    .await?;
    let columns = sqlx::query_as!(
        Column,
        r#"SELECT a.id AS assessment_id, a.title, a.kind, a.grading_type, a.status, a.points_possible, a.due_at,
                  a.category_id, a.subject_id, a.counts,
                  a.release_policy = 'IMMEDIATE' OR a.released_at IS NOT NULL AS "released!"
           FROM assessments a
           LEFT JOIN grading_categories c ON c.institution_id = $1 AND c.id = a.category_id
           WHERE a.institution_id = $1 AND a.class_id = $2 AND a.status <> 'DRAFT'
           ORDER BY c.position NULLS LAST, c.name, a.due_at NULLS LAST, a.title, a.id"#,
        institution,
        class
    )
    .fetch_all(tx.connection())
    .await?;
    Ok(Structure { categories, columns })
}

/// The grades of students in a class.
pub(in super::super) async fn cells(
    tx: &mut TenantTx,
    class: Uuid,
    students: &[Uuid],
) -> Result<Vec<Cell>, Error> {
    let institution = tx.institution().as_uuid();
    Ok(sqlx::query_as!(
        Cell,
        r#"SELECT id AS grade_id, student_id, assessment_id, state AS "state: State", score, possible, late_deduction,
                  origin AS "origin: Origin", released_at IS NOT NULL AS "released!", row_version
           FROM grades WHERE institution_id = $1 AND class_id = $2 AND student_id = ANY($3)
           ORDER BY student_id, assessment_id"#,
        institution,
        class,
        students
    )
    .fetch_all(tx.connection())
    .await?)
}

/// A student of a class, by the enrolment that counts.
#[derive(Debug, Clone)]
pub(in super::super) struct Person {
    pub(in super::super) student: Uuid,
    pub(in super::super) student_no: String,
    pub(in super::super) given_name: String,
    pub(in super::super) family_name: String,
    pub(in super::super) enrollment: Uuid,
    pub(in super::super) status: String,
    /// The percent of the result, its letter, outcome and state, where there is one.
    pub(in super::super) percent: Option<Decimal>,
    pub(in super::super) letter: Option<String>,
    pub(in super::super) outcome: Option<String>,
    pub(in super::super) result_state: Option<String>,
}

/// A page of the students whose enrolment has one of these states, by name.
pub(in super::super) async fn people(
    tx: &mut TenantTx,
    class: Uuid,
    statuses: &[String],
    (limit, offset): (i64, i64),
) -> Result<Vec<Person>, Error> {
    let institution = tx.institution().as_uuid();
    Ok(sqlx::query_as!(
        Person,
        r#"WITH last AS (
               SELECT DISTINCT ON (student_id) student_id, id, status FROM enrollments
               WHERE institution_id = $1 AND class_id = $2
                 AND status IN ('ACTIVE', 'SUSPENDED', 'COMPLETED', 'DROPPED', 'WITHDRAWN')
               ORDER BY student_id, status IN ('ACTIVE', 'SUSPENDED') DESC, enrolled_on DESC, id DESC
           )
           SELECT l.student_id AS student, s.student_no, u.given_name, u.family_name, l.id AS enrollment, l.status,
                  r.percent, r.letter, r.outcome AS "outcome?", r.state AS "result_state?"
           FROM last l
           JOIN students s ON s.institution_id = $1 AND s.id = l.student_id
           JOIN users u ON u.institution_id = $1 AND u.id = s.user_id
           LEFT JOIN class_results r ON r.institution_id = $1 AND r.enrollment_id = l.id
           WHERE l.status = ANY($3)
           ORDER BY u.family_name, u.given_name, s.student_no LIMIT $4 OFFSET $5"#,
        institution,
        class,
        statuses,
        limit,
        offset
    )
    .fetch_all(tx.connection())
    .await?)
}

/// How many they are.
pub(in super::super) async fn count_people(
    tx: &mut TenantTx,
    class: Uuid,
    statuses: &[String],
) -> Result<i64, Error> {
    let institution = tx.institution().as_uuid();
    Ok(sqlx::query_scalar!(
        r#"SELECT count(*) AS "count!" FROM (
               SELECT DISTINCT ON (student_id) status FROM enrollments
               WHERE institution_id = $1 AND class_id = $2
                 AND status IN ('ACTIVE', 'SUSPENDED', 'COMPLETED', 'DROPPED', 'WITHDRAWN')
               ORDER BY student_id, status IN ('ACTIVE', 'SUSPENDED') DESC, enrolled_on DESC, id DESC
           ) last WHERE status = ANY($3)"#,
        institution,
        class,
        statuses
    )
    .fetch_one(tx.connection())
    .await?)
}

/// Those of these students who are in a class or were.
pub(in super::super) async fn find_people(
    tx: &mut TenantTx,
    class: Uuid,
    students: &[Uuid],
) -> Result<Vec<Person>, Error> {
    let institution = tx.institution().as_uuid();
    Ok(sqlx::query_as!(
        Person,
        r#"WITH last AS (
               SELECT DISTINCT ON (student_id) student_id, id, status FROM enrollments
               WHERE institution_id = $1 AND class_id = $2 AND student_id = ANY($3)
                 AND status IN ('ACTIVE', 'SUSPENDED', 'COMPLETED', 'DROPPED', 'WITHDRAWN')
               ORDER BY student_id, status IN ('ACTIVE', 'SUSPENDED') DESC, enrolled_on DESC, id DESC
           )
           SELECT l.student_id AS student, s.student_no, u.given_name, u.family_name, l.id AS enrollment, l.status,
                  r.percent, r.letter, r.outcome AS "outcome?", r.state AS "result_state?"
           FROM last l
           JOIN students s ON s.institution_id = $1 AND s.id = l.student_id
           JOIN users u ON u.institution_id = $1 AND u.id = s.user_id
           LEFT JOIN class_results r ON r.institution_id = $1 AND r.enrollment_id = l.id
           ORDER BY u.family_name, u.given_name, s.student_no"#,
        institution,
        class,
        students
    )
    .fetch_all(tx.connection())
    .await?)
}

/// What percents of a class are called, and what passes.
#[derive(Debug, Clone)]
pub(in super::super) struct Scale {
    pub(in super::super) bands: Json<Vec<Band>>,
    pub(in super::super) pass_mark: Decimal,
    pub(in super::super) distinction_mark: Option<Decimal>,
}

/// The class's own scale, or the institution's default one.
pub(in super::super) async fn scale_of(
    tx: &mut TenantTx,
    class: Uuid,
) -> Result<Option<Scale>, Error> {
    let institution = tx.institution().as_uuid();
    Ok(sqlx::query_as!(
        Scale,
        r#"SELECT bands AS "bands: Json<Vec<Band>>", pass_mark, distinction_mark FROM grade_scales
           WHERE institution_id = $1 AND (class_id = $2 OR is_default)
           ORDER BY class_id IS NULL LIMIT 1"#,
        institution,
        class
    )
    .fetch_optional(tx.connection())
    .await?)
}

/// What the grades of each published assessment of a class come to.
pub(in super::super) async fn class_stats(
    tx: &mut TenantTx,
    class: Uuid,
) -> Result<Vec<AssessmentStats>, Error> {
    let institution = tx.institution().as_uuid();
    Ok(sqlx::query_as!(
        AssessmentStats,
        r#"SELECT a.id AS assessment_id, a.title, a.kind, a.points_possible,
                  count(g.id) FILTER (WHERE g.state = 'GRADED') AS "graded!",
                  count(g.id) FILTER (WHERE g.state = 'EXEMPT') AS "exempt!",
                  count(g.id) FILTER (WHERE g.state = 'UNGRADED') AS "ungraded!",
                  coalesce(sum(g.score), 0) AS "score_sum!", round(avg(g.score), 4) AS mean_score,
                  min(g.score) AS min_score, max(g.score) AS max_score
           FROM assessments a
           LEFT JOIN grades g ON g.institution_id = $1 AND g.assessment_id = a.id
           WHERE a.institution_id = $1 AND a.class_id = $2 AND a.status <> 'DRAFT'
           GROUP BY a.id, a.title, a.kind, a.points_possible, a.due_at
           ORDER BY a.due_at NULLS LAST, a.title, a.id"#,
        institution,
        class
    )
    .fetch_all(tx.connection())
    .await?)
}
