//! What is read of enrolments, and of the students and classes that they join.

use std::collections::{HashMap, HashSet};

use uuid::Uuid;

use super::super::Status;
use super::super::model::Progress;
use super::super::rules::{ClassFacts, External, Known, Request};
use crate::domain::class_meetings::slots_of;
use crate::error::Error;
use crate::store::TenantTx;

/// What is known of the students and external ids that requests name. Where the class has hours, the students are locked
/// first: of two classes at the same time only one gets a student, whoever asks at once.
pub(in super::super) async fn known(
    tx: &mut TenantTx,
    class: &ClassFacts,
    requests: &[Request],
) -> Result<Known, Error> {
    let institution = tx.institution().as_uuid();
    let students: Vec<Uuid> = requests.iter().map(|request| request.student).collect();
    let (mut clashes, mut missing) = (HashMap::new(), HashMap::new());
    if class.has_hours {
        super::lock_students(tx, &students).await?;
        let hours = slots_of(tx, class.id).await?;
        clashes = super::clashes(tx, class.id, &hours, &students).await?;
    }
    if class.has_demands {
        missing = super::missing(tx, class.course, &students).await?;
    }
    let rows = sqlx::query!(
        // Student by student, each by its keys: as joins, or by a list of unknown length, these read a whole class or all
        // students where Postgres takes an institution for a small part of its table.
        r#"SELECT s.id, (SELECT e.id FROM enrollments e
                         WHERE e.institution_id = $1 AND e.student_id = s.id AND e.class_id = $2
                           AND e.status IN ('PENDING', 'ACTIVE', 'WAITLISTED', 'OFFERED', 'SUSPENDED')) AS "live?"
           FROM unnest($3::uuid[]) AS asked (id)
           CROSS JOIN LATERAL (SELECT id FROM students
                               WHERE institution_id = $1 AND id = asked.id OFFSET 0) s"#,
        institution,
        class.id,
        &students
    )
    .fetch_all(tx.connection())
    .await?;
    let live = rows.iter().filter_map(|row| Some((row.id, row.live?))).collect();
    let students: HashSet<Uuid> = rows.iter().map(|row| row.id).collect();
    let external = by_external(tx, requests).await?;
    Ok(Known { students, live, external, missing, clashes })
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

/// The states of enrolments.
pub(in super::super) async fn statuses(
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

/// The student that a user is.
pub(crate) async fn student_of_user(tx: &mut TenantTx, user: Uuid) -> Result<Option<Uuid>, Error> {
    let institution = tx.institution().as_uuid();
    Ok(sqlx::query_scalar!(
        "SELECT id FROM students WHERE institution_id = $1 AND user_id = $2",
        institution,
        user
    )
    .fetch_optional(tx.connection())
    .await?)
}

/// The progress rows of an enrolment, by subject code.
pub(in super::super) async fn progress(
    tx: &mut TenantTx,
    enrollment: Uuid,
) -> Result<Vec<Progress>, Error> {
    let institution = tx.institution().as_uuid();
    Ok(sqlx::query_as!(
        Progress,
        "SELECT p.subject_id, s.code AS subject_code, p.status, p.completed, p.percent
         FROM progress_tracking p
         JOIN subjects s ON s.institution_id = p.institution_id AND s.id = p.subject_id
         WHERE p.institution_id = $1 AND p.enrollment_id = $2 ORDER BY s.code",
        institution,
        enrollment
    )
    .fetch_all(tx.connection())
    .await?)
}
