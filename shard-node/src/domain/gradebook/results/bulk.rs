//! Results that another system sends, up to 1,000 of a class in one call.

use std::collections::{HashMap, HashSet};

use axum::http::StatusCode;
use chrono::{DateTime, Utc};
use garde::Validate;
use rust_decimal::Decimal;
use serde::Deserialize;
use serde_json::Value;
use service_kit::Problem;
use service_kit::problem::FieldProblem;
use utoipa::ToSchema;
use uuid::Uuid;

use super::super::scale::{Marks, Outcome};
use super::super::store::{self, Finalizing, NewResult};
use crate::domain::checks::{decimal_between, together_with, valid_instant};
use crate::domain::grades::known_students;
use crate::error::{Error, not_found, unknown_reference};
use crate::operation::{Reply, Work};
use crate::resource::bulk::{BulkAnswer, ROWS_MAX, RowResult, decode_rows, settle};

/// Results of one class.
#[derive(Debug, Deserialize, Validate, ToSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct BulkResults {
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
    /// 1 to 1,000; each is judged on its own.
    #[garde(length(min = 1, max = ROWS_MAX))]
    #[schema(value_type = Vec<BulkResult>)]
    pub items: Vec<Value>,
}

fn yes() -> bool {
    true
}

/// One result.
#[derive(Debug, Deserialize, Validate, ToSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct BulkResult {
    /// The student, who is in the class or was.
    #[garde(skip)]
    pub student_id: Uuid,
    /// PASS, DISTINCTION, FAIL, WITHDRAWN, EXEMPT or INCOMPLETE.
    #[garde(skip)]
    pub outcome: Outcome,
    /// In percent, 0 to 1000; none where absent.
    #[garde(inner(custom(decimal_between(0, 1000))))]
    pub percent: Option<Decimal>,
    /// What the percent is called; by the class's scale where absent.
    #[garde(length(chars, min = 1, max = 30))]
    pub letter: Option<String>,
    /// When it became final; now where absent.
    #[garde(inner(custom(valid_instant)))]
    pub finalized_at: Option<DateTime<Utc>>,
    /// The version of the result that was read: 412 where it has moved on. A change needs it, unless the result is one
    /// that the same `source` has sent.
    #[garde(skip)]
    pub row_version: Option<i64>,
    /// The system that it comes from; together with `externalId` unique.
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

/// Writes them: 201 where there was no result, 200 where that has changed or says so already.
pub(in super::super) async fn send(
    work: &mut Work,
    input: BulkResults,
) -> Result<Reply<BulkAnswer>, Error> {
    let class = input.class_id;
    if !store::hold_class(work.tx(), class).await? {
        return Err(not_found("class"));
    }
    let rows = decode_rows::<BulkResult>(input.items);
    let named = || rows.iter().filter_map(|row| row.as_ref().ok());
    let students: Vec<Uuid> = named().map(|row| row.student_id).collect();
    let externals: Vec<_> = named().filter_map(BulkResult::external).collect();
    let held = store::hold_everybody(work.tx(), class, &students).await?;
    let known = Known {
        marks: Marks::of_class(work.tx(), class).await?,
        there: known_students(work.tx(), &students).await?,
        students: held.into_iter().map(|student| (student.student, student)).collect(),
        external: store::external_results(work.tx(), &externals).await?,
    };
    let mut judge = Judge { known, seen: HashSet::new(), named: HashSet::new() };
    let (mut results, mut accepted, mut writings) = (Vec::new(), Vec::new(), Vec::new());
    for (index, row) in rows.into_iter().enumerate() {
        match row.and_then(|row| judge.row(&row).map(|writing| (row.student_id, writing))) {
            Ok((student, writing)) => {
                accepted.push((index, student));
                writings.extend(writing);
            }
            Err(problem) => results.push(RowResult::refused(index, problem)),
        }
    }
    super::write(work, class, &writings, input.notify).await?;
    let ids: Vec<Uuid> = accepted.iter().map(|(_, student)| *student).collect();
    let after = store::hold_everybody(work.tx(), class, &ids).await?;
    for (index, student) in accepted {
        let before = judge.known.students.get(&student).and_then(|before| before.result);
        results.push(answer(index, student, before.is_some(), &after));
    }
    Ok(Reply::ok(settle(input.atomic, results)?))
}

fn answer(index: usize, student: Uuid, was_there: bool, after: &[Finalizing]) -> RowResult {
    let row = after.iter().find(|row| row.student == student);
    let Some((id, version)) = row.and_then(|row| row.result.zip(row.result_version)) else {
        return RowResult::refused(index, Problem::internal());
    };
    let status = if was_there { StatusCode::OK } else { StatusCode::CREATED };
    RowResult::done(index, status, id).with("rowVersion", version)
}

impl BulkResult {
    fn external(&self) -> Option<(String, String)> {
        self.source.clone().zip(self.external_id.clone())
    }
}

struct Known {
    marks: Marks,
    /// Those among the named who are students at all.
    there: HashSet<Uuid>,
    students: HashMap<Uuid, Finalizing>,
    /// The enrolments whose results have these external ids.
    external: HashMap<(String, String), Uuid>,
}

struct Judge {
    known: Known,
    seen: HashSet<Uuid>,
    named: HashSet<(String, String)>,
}

impl Judge {
    /// What is to be written of a row; nothing where the result says so already.
    fn row(&mut self, row: &BulkResult) -> Result<Option<NewResult>, Problem> {
        if !self.known.there.contains(&row.student_id) {
            return Err(unknown_reference("/studentId", "student"));
        }
        let student = self.known.students.get(&row.student_id);
        let student = student.ok_or_else(not_enrolled)?;
        if let Some(external) = row.external() {
            let holder = self.known.external.get(&external);
            let taken = holder.is_some_and(|holder| *holder != student.enrollment);
            if taken || !self.named.insert(external) {
                return Err(refused(
                    409,
                    "external-id-taken",
                    "/externalId",
                    "one of its own is expected",
                ));
            }
        }
        if !self.seen.insert(row.student_id) {
            return Err(refused(
                409,
                "student-repeated",
                "/studentId",
                "a row before it has this student",
            ));
        }
        if row.row_version.is_some() && row.row_version != student.result_version {
            let stands = student.result_version.unwrap_or_default();
            let detail = format!("it is at version {stands}; read it again, then change it");
            return Err(refused(412, "version-mismatch", "/rowVersion", &detail));
        }
        let scaled = row.percent.and_then(|percent| self.known.marks.call(percent).letter);
        let new = NewResult {
            enrollment: student.enrollment,
            student: row.student_id,
            percent: row.percent,
            letter: row.letter.clone().or(scaled),
            outcome: row.outcome,
            finalized_at: row.finalized_at,
            external: row.external().or_else(|| student.external.clone()),
        };
        if student.says(&new) {
            return Ok(None);
        }
        let theirs = row.external().is_some() && row.external() == student.external;
        if student.result.is_some() && row.row_version.is_none() && !theirs {
            let expected = "the rowVersion of the result that is there is expected";
            return Err(refused(428, "if-match-required", "/rowVersion", expected));
        }
        Ok(Some(new))
    }
}

fn not_enrolled() -> Problem {
    refused(422, "not-enrolled", "/studentId", "a student of the class is expected")
}

fn refused(status: u16, code: &'static str, pointer: &str, expected: &str) -> Problem {
    let status = StatusCode::from_u16(status).unwrap_or(StatusCode::CONFLICT);
    Problem::new(status, code, "The result cannot be written").field(FieldProblem::new(
        pointer,
        code,
        expected.to_owned(),
    ))
}
