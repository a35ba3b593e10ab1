//! Grades that the platform gives itself, and their release: what assessments call.

use rust_decimal::Decimal;
use uuid::Uuid;

use crate::error::Error;
use crate::operation::Work;

/// What grading a submission came to.
#[derive(Debug, Clone)]
pub struct AutomaticGrade {
    /// The assessment's class.
    pub class_id: Uuid,
    /// The student.
    pub student_id: Uuid,
    /// The assessment.
    pub assessment_id: Uuid,
    /// The submission that decides, by the policy of attempts.
    pub submission_id: Uuid,
    /// Points after lateness and attempts.
    pub score: Decimal,
    /// Points that there were to get.
    pub possible: Decimal,
    /// Points that lateness took from it.
    pub late_deduction: Decimal,
    /// The version of the grader.
    pub grader_version: String,
    /// Whether the student may see the score.
    pub released: bool,
}

/// What became of it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Recorded {
    /// It is the grade now.
    Written,
    /// Somebody has given a grade by hand, which stays.
    KeptManual,
    /// The student's result of the class is final, so that the grade stays.
    KeptFinal,
    /// It was the grade already.
    Unchanged,
}

/// Records what grading came to: grade, history, progress, event `ASSESSMENT_GRADED` and the student's notification, all
/// with the work. Locks the assessment (shared), the student's enrolments in the class and the grade, in this order.
///
/// # Errors
/// 404 where the student was never in the class; the database's.
pub async fn record_automatic(work: &mut Work, grade: AutomaticGrade) -> Result<Recorded, Error> {
    let _ = (work, grade);
    Err(Error::Defect("not here yet".to_owned()))
}

/// Shows the grades of an assessment to their students, with events and notifications; answers how many were not shown
/// before. The caller has the assessment's row locked and set to released.
///
/// # Errors
/// The database's.
pub async fn release(work: &mut Work, assessment_id: Uuid) -> Result<u64, Error> {
    let _ = (work, assessment_id);
    Err(Error::Defect("not here yet".to_owned()))
}
