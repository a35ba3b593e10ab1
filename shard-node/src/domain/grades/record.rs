//! Grades that the platform gives itself, and their release: what assessments call.

use rust_decimal::Decimal;
use uuid::Uuid;

use super::model::{Origin, State};
use super::pen::{self, Change, Known, Writing};
use super::rules::{Automatic, Mark, judge_automatic};
use super::store::{self, EventRow};
use super::{progress, rules};
use crate::error::{Error, not_found};
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
    /// Whether the student may see what the score was made of.
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
/// with the work. Locks the assessment (shared), the student's enrolments in the class and the grade, in this order. A
/// grade that somebody gave by hand stays, and is shown with what it was given for.
///
/// # Errors
/// 404 where there is no such assessment; 422 where the student was never in the class; the database's.
pub async fn record_automatic(work: &mut Work, grade: AutomaticGrade) -> Result<Recorded, Error> {
    let place = (grade.assessment_id, grade.student_id);
    let known = Known::hold(work, grade.class_id, &[place]).await?;
    if !known.sheets.contains_key(&grade.assessment_id) {
        return Err(not_found("assessment"));
    }
    let enrolled = known.enrolled.get(&grade.student_id);
    let enrolled = enrolled.ok_or_else(|| rules::not_enrolled("/studentId"))?;
    let standing = known.standing.get(&place);
    let mark = Mark {
        state: State::Graded,
        score: Some(grade.score),
        possible: grade.possible,
        late_deduction: grade.late_deduction,
        origin: Origin::Automated,
        submission: Some(grade.submission_id),
        grader_version: Some(grade.grader_version),
        submitted_at: store::submitted_at(work.tx(), grade.submission_id).await?,
        note: standing.and_then(|standing| standing.mark.note.clone()),
        external: None,
    };
    match judge_automatic(&mark, standing, grade.released, enrolled.is_final) {
        Automatic::Unchanged => Ok(Recorded::Unchanged),
        Automatic::KeptManual => {
            let kept = keep(work, &known, place, &mark, Recorded::KeptManual).await?;
            if grade.released && standing.is_some_and(|standing| standing.released_at.is_none()) {
                show(work, grade.class_id, grade.assessment_id, Some(grade.student_id)).await?;
            }
            Ok(kept)
        }
        Automatic::KeptFinal => keep(work, &known, place, &mark, Recorded::KeptFinal).await,
        Automatic::Write => {
            let shows = Some(grade.released);
            let writing = Writing { place, mark, graded_at: None, reason: None, shows };
            pen::write(work, &known, &[writing], true).await?;
            Ok(Recorded::Written)
        }
    }
}

/// Says in the grade's history what was not taken.
async fn keep(
    work: &mut Work,
    known: &Known,
    (assessment, student): (Uuid, Uuid),
    mark: &Mark,
    recorded: Recorded,
) -> Result<Recorded, Error> {
    let Some(standing) = known.standing.get(&(assessment, student)) else { return Ok(recorded) };
    let reason = match recorded {
        Recorded::KeptFinal => "the result is final",
        _ => "a grade given by hand stays",
    };
    let by = pen::actor(work);
    let kept = EventRow {
        grade: standing.id,
        version: standing.row_version,
        kind: "KEPT",
        before: Some(pen::told(&standing.mark)),
        after: pen::told(mark),
        reason: Some(reason.to_owned()),
    };
    store::append_events(work.tx(), by, &[kept]).await?;
    Ok(recorded)
}

/// Shows the grades of an assessment to their students, with events and notifications; answers how many were not shown
/// before. The caller has the assessment's row locked and set to released.
///
/// # Errors
/// The database's; 404 where there is no such assessment.
pub async fn release(work: &mut Work, assessment_id: Uuid) -> Result<u64, Error> {
    let class_id = store::class_of_assessment(work.tx(), assessment_id).await?;
    let class_id = class_id.ok_or_else(|| not_found("assessment"))?;
    show(work, class_id, assessment_id, None).await
}

/// Locks the enrolments of students in a class, in the order of their ids: whoever records the grades of several in one
/// transaction does this first, so that no two take them in different orders.
///
/// # Errors
/// The database's.
pub async fn hold_enrollments(
    work: &mut Work,
    class_id: Uuid,
    students: &[Uuid],
) -> Result<(), Error> {
    store::hold_enrollments(work.tx(), class_id, students).await.map(drop)
}

/// Shows what is not shown yet, of one student or of all.
async fn show(
    work: &mut Work,
    class_id: Uuid,
    assessment_id: Uuid,
    student: Option<Uuid>,
) -> Result<u64, Error> {
    let now = work.now;
    let released = store::release(work.tx(), assessment_id, student, now).await?;
    if released.is_empty() {
        return Ok(0);
    }
    let by = pen::actor(work);
    let marks: Vec<Mark> = released.iter().map(store::Released::mark).collect();
    let events: Vec<EventRow> = released
        .iter()
        .zip(&marks)
        .map(|(grade, mark)| EventRow {
            grade: grade.id,
            version: grade.row_version,
            kind: "RELEASED",
            before: Some(pen::told(mark)),
            after: pen::told(mark),
            reason: None,
        })
        .collect();
    store::append_events(work.tx(), by, &events).await?;
    let changes: Vec<Change<'_>> = released
        .iter()
        .zip(&marks)
        .map(|(grade, mark)| Change {
            id: grade.id,
            version: grade.row_version,
            place: (assessment_id, grade.student),
            mark,
            released: true,
        })
        .collect();
    for change in &changes {
        let mut event = pen::event(class_id, change);
        event.kind = "GRADE_RELEASED".into();
        work.record(event);
    }
    let places: Vec<_> = changes.iter().map(|change| change.place).collect();
    let known = Known::hold(work, class_id, &places).await?;
    pen::tell(work, &known, &changes).await?;
    let students: Vec<Uuid> = released.iter().map(|grade| grade.student).collect();
    progress::refresh(work.tx(), class_id, &students).await?;
    Ok(u64::try_from(released.len()).unwrap_or(u64::MAX))
}
