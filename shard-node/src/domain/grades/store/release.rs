//! Showing the grades of an assessment.

use chrono::{DateTime, Utc};
use rust_decimal::Decimal;
use uuid::Uuid;

use super::super::model::{Origin, State};
use super::super::rules::Mark;
use crate::error::Error;
use crate::store::TenantTx;

/// A grade that is shown from now on.
#[derive(Debug)]
pub(in super::super) struct Released {
    pub(in super::super) id: Uuid,
    pub(in super::super) student: Uuid,
    pub(in super::super) row_version: i64,
    pub(in super::super) state: State,
    pub(in super::super) score: Option<Decimal>,
    pub(in super::super) possible: Decimal,
    pub(in super::super) late_deduction: Decimal,
    pub(in super::super) origin: Origin,
    pub(in super::super) submission: Option<Uuid>,
}

impl Released {
    /// What it says; of no concern here is who sent it.
    pub(in super::super) fn mark(&self) -> Mark {
        Mark {
            state: self.state,
            score: self.score,
            possible: self.possible,
            late_deduction: self.late_deduction,
            origin: self.origin,
            submission: self.submission,
            grader_version: None,
            submitted_at: None,
            note: None,
            external: None,
        }
    }
}

/// The class of an assessment.
pub(in super::super) async fn class_of_assessment(
    tx: &mut TenantTx,
    assessment: Uuid,
) -> Result<Option<Uuid>, Error> {
    let institution = tx.institution().as_uuid();
    Ok(sqlx::query_scalar!(
        "SELECT class_id FROM assessments WHERE institution_id = $1 AND id = $2",
        institution,
        assessment
    )
    .fetch_optional(tx.connection())
    .await?)
}

/// Shows all that were given and not shown, of one student or of all; whoever writes one meanwhile holds the assessment.
pub(in super::super) async fn release(
    tx: &mut TenantTx,
    assessment: Uuid,
    student: Option<Uuid>,
    at: DateTime<Utc>,
) -> Result<Vec<Released>, Error> {
    let institution = tx.institution().as_uuid();
    Ok(sqlx::query_as!(
        Released,
        r#"UPDATE grades SET released_at = $3
           WHERE institution_id = $1 AND assessment_id = $2 AND released_at IS NULL AND state <> 'UNGRADED'
             AND ($4::uuid IS NULL OR student_id = $4)
           RETURNING id, student_id AS student, row_version, state AS "state: State", score, possible, late_deduction,
                     origin AS "origin: Origin", submission_id AS submission"#,
        institution,
        assessment,
        at,
        student
    )
    .fetch_all(tx.connection())
    .await?)
}
