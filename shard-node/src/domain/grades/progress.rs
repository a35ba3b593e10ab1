//! How far students are in the subjects of a class: what of it is done, and the mark so far.
//!
//! What must stay true: done is what was handed in, graded or exempted, of what counts and is published; the percent is
//! that of released grades alone, because students read it. Each row is computed whole, under the locks of the
//! enrolments, so that of two writers the later one sees what both wrote.

use std::collections::{HashMap, HashSet};

use rust_decimal::{Decimal, RoundingStrategy};
use serde::{Deserialize, Serialize};
use serde_json::json;
use uuid::Uuid;

use super::model::State;
use super::rules::Place;
use super::store::{self, ProgressRow};
use crate::domain::gradebook::{Cell, Structure, cells_of, structure_of, totals};
use crate::error::Error;
use crate::jobs::{Failure, Job, NewJob};
use crate::operation::Work;
use crate::store::TenantTx;

/// Students of one job at most.
const BATCH: i64 = 500;

/// Computes anew how far students are in a class. Locks their enrolments of the class.
///
/// # Errors
/// The database's.
pub async fn refresh(tx: &mut TenantTx, class: Uuid, students: &[Uuid]) -> Result<(), Error> {
    let subjects = store::subjects(tx, class).await?;
    if subjects.is_empty() || students.is_empty() {
        return Ok(());
    }
    let enrolled = store::hold_enrollments(tx, class, students).await?;
    let structure = structure_of(tx, class).await?;
    let submitted = store::submitted(tx, class, students).await?;
    let mut cells: HashMap<Uuid, Vec<Cell>> = HashMap::new();
    for cell in cells_of(tx, class, students).await? {
        cells.entry(cell.student_id).or_default().push(cell);
    }
    let mut rows = Vec::new();
    for (student, enrolled) in &enrolled {
        let cells = cells.remove(student).unwrap_or_default();
        for subject in &subjects {
            let (completed, percent) = so_far(&structure, *student, *subject, &cells, &submitted);
            rows.push(ProgressRow {
                enrollment: enrolled.enrollment,
                subject: *subject,
                completed,
                percent,
            });
        }
    }
    store::write_progress(tx, &rows).await
}

/// What of a subject is done, and what the released part of it comes to.
fn so_far(
    structure: &Structure,
    student: Uuid,
    subject: Uuid,
    cells: &[Cell],
    submitted: &HashSet<Place>,
) -> (Decimal, Option<Decimal>) {
    let counted = structure.of_subject(subject);
    let is_done = |assessment: Uuid| {
        let given = cells
            .iter()
            .any(|cell| cell.assessment_id == assessment && cell.state != State::Ungraded);
        given || submitted.contains(&(assessment, student))
    };
    let columns = counted.columns.len();
    let done = counted.columns.iter().filter(|column| is_done(column.assessment_id)).count();
    let part = Decimal::from(done).checked_div(Decimal::from(columns)).unwrap_or_default();
    let released: Vec<&Cell> = cells.iter().filter(|cell| cell.released).collect();
    let percent = totals(&counted, &released).current;
    (part.round_dp_with_strategy(4, RoundingStrategy::ToZero), percent)
}

/// Computes how far everybody in a class is, so many at a time; the job may run twice or late.
pub const UPDATE_CLASS_PROGRESS: &str = "UPDATE_CLASS_PROGRESS";

/// What is to be computed.
#[derive(Debug, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
struct Part {
    class_id: Uuid,
    /// Only students past this one.
    after: Uuid,
}

/// The job that computes anew how far everybody in a class is: what counts there has changed.
pub fn refresh_class_job(class: Uuid) -> NewJob {
    part(&Part { class_id: class, after: Uuid::nil() })
}

fn part(part: &Part) -> NewJob {
    let key = format!("{}:{}", part.class_id, part.after);
    NewJob::new(UPDATE_CLASS_PROGRESS, json!(part)).unique(key)
}

/// `UPDATE_CLASS_PROGRESS`.
pub(super) async fn refresh_class(work: &mut Work, job: &Job) -> Result<(), Failure> {
    let Part { class_id, after } = job.decode()?;
    let students = store::students_of_class(work.tx(), class_id, after, BATCH).await?;
    refresh(work.tx(), class_id, &students).await?;
    if let Some(last) = students.last().filter(|_| i64::try_from(students.len()) == Ok(BATCH)) {
        work.enqueue(part(&Part { class_id, after: *last }));
    }
    Ok(())
}
