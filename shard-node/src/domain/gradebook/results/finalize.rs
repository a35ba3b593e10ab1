//! Making what the grades of a class come to its students' results.

use std::collections::HashMap;

use axum::http::StatusCode;
use garde::Validate;
use serde::{Deserialize, Serialize};
use service_kit::Problem;
use service_kit::problem::FieldProblem;
use utoipa::ToSchema;
use uuid::Uuid;

use super::super::scale::{Called, Marks, Outcome};
use super::super::store::{self, Finalizing, NewResult};
use super::super::structure::{Cell, Structure, totals};
use crate::domain::grades::State;
use crate::error::{Error, not_found};
use crate::operation::{Reply, Work};
use crate::policy::About;

/// Students of one call.
const STUDENTS_MAX: usize = 5_000;
/// What is missing is named up to so many times; the count is of all.
const NAMED_MAX: usize = 100;

/// Whose results are to be made.
#[derive(Debug, Deserialize, Validate, ToSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct FinalizeResults {
    /// The class.
    #[garde(skip)]
    pub class_id: Uuid,
    /// Whether what is not graded counts as 0; without it, it refuses the call.
    #[serde(default)]
    #[garde(skip)]
    pub ungraded_as_zero: bool,
    /// Only these students, 1 to 5,000; everybody in the class where absent.
    #[garde(length(min = 1, max = STUDENTS_MAX))]
    pub student_ids: Option<Vec<Uuid>>,
    /// Whether students are told; true where absent.
    #[serde(default = "yes")]
    #[garde(skip)]
    pub notify: bool,
}

fn yes() -> bool {
    true
}

/// What became of it.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct Finalized {
    /// The class.
    pub class_id: Uuid,
    /// Results that are final now, and were not before.
    pub finalized: usize,
    /// Enrolments that were completed by it.
    pub completed: usize,
    /// Results that were final already.
    pub unchanged: usize,
}

/// Makes results of those who are in the class and have no final one; who is suspended has none.
pub(in super::super) async fn finalize(
    work: &mut Work,
    input: FinalizeResults,
) -> Result<Reply<Finalized>, Error> {
    let class = input.class_id;
    if !store::hold_class(work.tx(), class).await? {
        return Err(not_found("class"));
    }
    work.expect(About::class(class)).await?;
    let students = store::hold_students(work.tx(), class, input.student_ids.as_deref()).await?;
    expect_known(&students, input.student_ids.as_deref())?;
    let (done, open): (Vec<Finalizing>, Vec<Finalizing>) =
        students.into_iter().partition(|student| student.is_final);
    let ids: Vec<Uuid> = open.iter().map(|student| student.student).collect();
    let structure = store::structure(work.tx(), class).await?;
    if !structure.columns.iter().any(|column| column.counts) {
        return Err(nothing_counts());
    }
    let marks = Marks::of_class(work.tx(), class).await?;
    let mut cells: HashMap<Uuid, Vec<Cell>> = HashMap::new();
    for cell in store::cells(work.tx(), class, &ids).await? {
        cells.entry(cell.student_id).or_default().push(cell);
    }
    if !input.ungraded_as_zero {
        expect_graded(&structure, &ids, &cells)?;
    }
    let result = |student: &Finalizing| {
        let cells: Vec<&Cell> = cells.get(&student.student).into_iter().flatten().collect();
        result_of(student, &structure, &cells, &marks)
    };
    let results: Vec<NewResult> = open.iter().map(result).collect();
    let completed = super::write(work, class, &results, input.notify).await?;
    Ok(Reply::ok(Finalized {
        class_id: class,
        finalized: results.len(),
        completed,
        unchanged: done.len(),
    }))
}

fn result_of(
    student: &Finalizing,
    structure: &Structure,
    cells: &[&Cell],
    marks: &Marks,
) -> NewResult {
    let percent = totals(structure, cells).last;
    let exempt = cells.iter().any(|cell| cell.state == State::Exempt);
    let nothing = if exempt { Outcome::Exempt } else { Outcome::Incomplete };
    let called = percent.map(|percent| marks.call(percent));
    let Called { letter, outcome } = called.unwrap_or(Called { letter: None, outcome: nothing });
    NewResult {
        enrollment: student.enrollment,
        student: student.student,
        percent,
        letter,
        outcome,
        finalized_at: None,
        external: student.external.clone(),
    }
}

/// 422 where a student is named who is not in the class, or too many are.
fn expect_known(students: &[Finalizing], named: Option<&[Uuid]>) -> Result<(), Error> {
    let code = "not-enrolled";
    let strangers = named
        .into_iter()
        .flatten()
        .enumerate()
        .filter(|(_, id)| !students.iter().any(|student| student.student == **id));
    let title = "A student who is named is not in the class";
    let problem = Problem::new(StatusCode::UNPROCESSABLE_ENTITY, code, title);
    let problem = strangers.take(NAMED_MAX).fold(problem, |problem, (index, _)| {
        let expected = "a student whose enrolment is ACTIVE or COMPLETED is expected";
        problem.field(FieldProblem::new(format!("/studentIds/{index}"), code, expected))
    });
    if !problem.errors.is_empty() {
        return Err(problem.into());
    }
    if students.len() > STUDENTS_MAX {
        let title = "These are too many students for one call";
        return Err(Problem::new(StatusCode::UNPROCESSABLE_ENTITY, "too-many-students", title)
            .detail(format!("name up to {STUDENTS_MAX} by studentIds"))
            .into());
    }
    Ok(())
}

/// 409 where somebody lacks a grade, with whom and where.
fn expect_graded(
    structure: &Structure,
    students: &[Uuid],
    cells: &HashMap<Uuid, Vec<Cell>>,
) -> Result<(), Error> {
    let missing: Vec<(Uuid, Uuid)> = students
        .iter()
        .flat_map(|student| {
            let cells: Vec<&Cell> = cells.get(student).into_iter().flatten().collect();
            structure.ungraded(&cells).into_iter().map(|assessment| (*student, assessment))
        })
        .collect();
    if missing.is_empty() {
        return Ok(());
    }
    let problem = Problem::new(StatusCode::CONFLICT, "ungraded", "Some grades are missing")
        .detail(format!(
            "{} grades are missing; give them, exempt from them, or send ungradedAsZero",
            missing.len()
        ))
        .with("ungraded", missing.len());
    let named = missing.iter().take(NAMED_MAX);
    Err(named
        .fold(problem, |problem, (student, assessment)| {
            let pointer = format!("/students/{student}/assessments/{assessment}");
            problem.field(FieldProblem::new(pointer, "ungraded", "a grade is missing"))
        })
        .into())
}

fn nothing_counts() -> Error {
    let title = "Nothing counts in this class";
    Problem::new(StatusCode::CONFLICT, "nothing-counts", title)
        .detail("publish an assessment that counts, or send the results by results:bulk")
        .into()
}
