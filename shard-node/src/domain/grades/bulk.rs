//! Up to 1,000 grades of a class in one call, with a status for each.

use std::collections::{HashMap, HashSet};

use axum::http::StatusCode;
use chrono::{DateTime, Utc};
use garde::Validate;
use rust_decimal::Decimal;
use serde::Deserialize;
use serde_json::Value;
use service_kit::Problem;
use service_kit::problem::FieldProblem;
use service_kit::token::Role;
use utoipa::ToSchema;
use uuid::Uuid;

use super::model::State;
use super::pen::{self, Known, Writing};
use super::rules::{self, Place, Said, Verdict};
use super::store;
use crate::domain::checks::{together_with, valid_instant};
use crate::error::{Error, unknown_reference};
use crate::operation::{Reply, Work, forbidden};
use crate::resource::bulk::{BulkAnswer, ROWS_MAX, RowResult, decode_rows, settle};

/// Grades of one class.
#[derive(Debug, Deserialize, Validate, ToSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct BulkGrades {
    /// The class.
    #[garde(skip)]
    pub class_id: Uuid,
    /// Whether one refused row refuses all.
    #[serde(default)]
    #[garde(skip)]
    pub atomic: bool,
    /// Whether students are told; true where absent. What is old need not be told.
    #[serde(default = "yes")]
    #[garde(skip)]
    pub notify: bool,
    /// Why, for the history of each grade.
    #[garde(length(chars, min = 1, max = 500))]
    pub reason: Option<String>,
    /// 1 to 1,000; each is judged on its own.
    #[garde(length(min = 1, max = ROWS_MAX))]
    #[schema(value_type = Vec<BulkGrade>)]
    pub items: Vec<Value>,
}

fn yes() -> bool {
    true
}

/// One grade.
#[derive(Debug, Clone, Deserialize, Validate, ToSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct BulkGrade {
    /// The student, who is in the class or was.
    #[garde(skip)]
    pub student_id: Uuid,
    /// The assessment of the class.
    #[garde(skip)]
    pub assessment_id: Uuid,
    /// EXEMPT, or UNGRADED to clear it; GRADED goes without saying where there is a score.
    #[garde(skip)]
    pub state: Option<State>,
    /// Points before any late deduction, from 0 to what is possible.
    #[garde(skip)]
    pub score: Option<Decimal>,
    /// Points that lateness takes; by the late policy, where there is one and it is known when the work was handed in, if
    /// absent.
    #[garde(skip)]
    pub late_deduction: Option<Decimal>,
    /// When the work was handed in; as the grade has it, where absent.
    #[garde(inner(custom(valid_instant)))]
    pub submitted_at: Option<DateTime<Utc>>,
    /// When it was graded elsewhere; with `source`.
    #[garde(inner(custom(valid_instant)))]
    pub graded_at: Option<DateTime<Utc>>,
    /// A remark.
    #[garde(length(chars, min = 1, max = 500))]
    pub note: Option<String>,
    /// The version of the grade that was read: 412 where it has moved on. A change of a grade needs it, unless the
    /// grade is still as the same `source` has sent it.
    #[garde(skip)]
    pub row_version: Option<i64>,
    /// The system that it comes from, for admin, staff and api clients; together with `externalId` unique.
    #[garde(
        length(chars, min = 1, max = 64),
        custom(together_with("externalId", self.external_id.as_ref()))
    )]
    pub source: Option<String>,
    /// Its id there.
    #[garde(
        length(chars, min = 1, max = 128),
        custom(together_with("source", self.source.as_ref()))
    )]
    pub external_id: Option<String>,
}

impl BulkGrade {
    fn place(&self) -> Place {
        (self.assessment_id, self.student_id)
    }

    fn external(&self) -> Option<(String, String)> {
        self.source.clone().zip(self.external_id.clone())
    }
}

/// Gives them: 201 where there was no grade, 200 where that has changed or says so already.
pub(super) async fn give(work: &mut Work, input: BulkGrades) -> Result<Reply<BulkAnswer>, Error> {
    let class = input.class_id;
    work.expect_class(class).await?;
    let (mut results, mut rows) = (Vec::with_capacity(input.items.len()), Vec::new());
    for (index, row) in decode_rows::<BulkGrade>(input.items).into_iter().enumerate() {
        match row {
            Ok(row) => rows.push((index, row)),
            Err(problem) => results.push(RowResult::refused(index, problem)),
        }
    }
    expect_no_source(work, &rows)?;
    let places: Vec<Place> = rows.iter().map(|(_, row)| row.place()).collect();
    let known = Known::hold(work, class, &places).await?;
    let others = Others::find(work, &rows).await?;
    let mut judge = Judge { known: &known, others, seen: HashSet::new() };
    let mut accepted = Vec::new();
    let mut writings = Vec::new();
    for (index, row) in &rows {
        match judge.row(row, input.reason.as_deref()) {
            Ok(writing) => {
                accepted.push((*index, row.place()));
                writings.extend(writing);
            }
            Err(refused) => results.push(refused.at(*index)),
        }
    }
    let written = pen::write(work, &known, &writings, input.notify).await?;
    for (index, place) in accepted {
        results.push(result(index, place, &known, &written));
    }
    Ok(Reply::ok(settle(input.atomic, results)?))
}

/// 403: an instructor sends nothing in another system's name.
fn expect_no_source(work: &Work, rows: &[(usize, BulkGrade)]) -> Result<(), Error> {
    let may = work.caller.is_office() || work.caller.roles.contains(Role::ApiClient);
    let named = rows.iter().any(|(_, row)| row.source.is_some() || row.graded_at.is_some());
    if named && !may {
        return Err(forbidden(
            "source, externalId and gradedAt are for admin, staff and api clients",
        ));
    }
    Ok(())
}

/// What rows refer to that is not the class's.
struct Others {
    students: HashSet<Uuid>,
    external: HashMap<(String, String), (Uuid, Place)>,
}

impl Others {
    async fn find(work: &mut Work, rows: &[(usize, BulkGrade)]) -> Result<Self, Error> {
        let students: Vec<Uuid> = rows.iter().map(|(_, row)| row.student_id).collect();
        let externals: Vec<_> = rows.iter().filter_map(|(_, row)| row.external()).collect();
        Ok(Self {
            students: store::known_students(work.tx(), &students).await?,
            external: store::external_holders(work.tx(), &externals).await?,
        })
    }
}

/// A row that is refused, and who has what it wants.
struct Refused {
    problem: Problem,
    holder: Option<Uuid>,
}

impl From<Problem> for Refused {
    fn from(problem: Problem) -> Self {
        Self { problem, holder: None }
    }
}

impl Refused {
    fn at(self, index: usize) -> RowResult {
        let row = RowResult::refused(index, self.problem);
        self.holder.into_iter().fold(row, RowResult::id)
    }
}

struct Judge<'k> {
    known: &'k Known,
    others: Others,
    seen: HashSet<Place>,
}

impl Judge<'_> {
    /// What is to be written of a row; nothing where the grade says so already.
    fn row(&mut self, row: &BulkGrade, reason: Option<&str>) -> Result<Option<Writing>, Refused> {
        let place = row.place();
        let sheet = self.known.sheets.get(&row.assessment_id);
        let sheet =
            sheet.ok_or_else(|| unknown_reference("/assessmentId", "assessment of the class"))?;
        if !self.others.students.contains(&row.student_id) {
            return Err(unknown_reference("/studentId", "student").into());
        }
        let enrolled = self.known.enrolled.get(&row.student_id);
        let enrolled = enrolled.ok_or_else(|| rules::not_enrolled("/studentId"))?;
        if sheet.is_draft {
            return Err(rules::draft("/assessmentId").into());
        }
        self.expect_free(row)?;
        if !self.seen.insert(place) {
            return Err(rules::repeated("/studentId").into());
        }
        let standing = self.known.standing.get(&place);
        let handed_in = standing.and_then(|standing| standing.mark.submitted_at);
        let said = Said {
            state: row.state,
            score: row.score,
            late_deduction: row.late_deduction,
            submitted_at: row.submitted_at.map(to_micros).or(handed_in),
            note: row.note.clone(),
            external: row.external(),
        };
        let mark = rules::mark(&said, sheet, self.known.due_at(place), self.known.class.zone)?;
        let mark = mark.after(standing);
        match rules::judge(&mark, row.row_version, standing, enrolled.is_final)? {
            Verdict::Same => Ok(None),
            Verdict::Write => Ok(Some(Writing {
                place,
                mark,
                graded_at: row.graded_at,
                reason: reason.map(str::to_owned),
                shows: None,
            })),
        }
    }

    /// 409 where another grade has the external id, or a row before it.
    fn expect_free(&mut self, row: &BulkGrade) -> Result<(), Refused> {
        let Some(external) = row.external() else { return Ok(()) };
        match self.others.external.get(&external) {
            Some((holder, place)) if *place != row.place() => {
                let code = "external-id-taken";
                let title = "Another grade has this external id";
                let problem = Problem::new(StatusCode::CONFLICT, code, title).field(
                    FieldProblem::new("/externalId", code, "an external id of its own is expected"),
                );
                Err(Refused { problem, holder: Some(*holder).filter(|id| !id.is_nil()) })
            }
            Some(_) => Ok(()),
            None => {
                self.others.external.insert(external, (Uuid::nil(), row.place()));
                Ok(())
            }
        }
    }
}

/// As exact as the database keeps it.
pub(super) fn to_micros(at: DateTime<Utc>) -> DateTime<Utc> {
    use chrono::SubsecRound as _;
    at.trunc_subsecs(6)
}

fn result(
    index: usize,
    place: Place,
    known: &Known,
    written: &HashMap<Place, (Uuid, i64)>,
) -> RowResult {
    let standing = known.standing.get(&place);
    let (status, id, version) = match (written.get(&place), standing) {
        (Some((id, version)), None) => (StatusCode::CREATED, *id, *version),
        (Some((id, version)), Some(_)) => (StatusCode::OK, *id, *version),
        (None, Some(standing)) => (StatusCode::OK, standing.id, standing.row_version),
        // What was accepted was there, or was written.
        (None, None) => return RowResult::refused(index, Problem::internal()),
    };
    RowResult::done(index, status, id).with("rowVersion", version)
}
