//! What may become of a grade. Pure.

use axum::http::StatusCode;
use chrono::{DateTime, Utc};
use chrono_tz::Tz;
use rust_decimal::Decimal;
use service_kit::Problem;
use service_kit::problem::FieldProblem;
use uuid::Uuid;

use super::model::{Origin, State};
use crate::domain::grading::late::{LatePolicy, deduction};
use crate::operation::invalid;

/// The most points of what is worth none, and is extra.
const EXTRA_MAX: Decimal = Decimal::ONE_THOUSAND;

/// An assessment and a student: where a grade is.
pub(super) type Place = (Uuid, Uuid);

/// What a grade says.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Mark {
    pub(super) state: State,
    /// After the late deduction; there where it is GRADED.
    pub(super) score: Option<Decimal>,
    pub(super) possible: Decimal,
    pub(super) late_deduction: Decimal,
    pub(super) origin: Origin,
    pub(super) submission: Option<Uuid>,
    pub(super) grader_version: Option<String>,
    pub(super) submitted_at: Option<DateTime<Utc>>,
    pub(super) note: Option<String>,
    pub(super) external: Option<(String, String)>,
}

impl Mark {
    /// With what stays of the grade before it: what was handed in, and when.
    pub(super) fn after(mut self, standing: Option<&Standing>) -> Self {
        let before = standing.map(|standing| &standing.mark);
        self.submission = self.submission.or(before.and_then(|before| before.submission));
        self.submitted_at = self.submitted_at.or(before.and_then(|before| before.submitted_at));
        self
    }
}

/// A grade that is there; its row is locked.
#[derive(Debug, Clone)]
pub(super) struct Standing {
    pub(super) id: Uuid,
    pub(super) row_version: i64,
    pub(super) released_at: Option<DateTime<Utc>>,
    pub(super) mark: Mark,
}

/// An assessment, as grading sees it.
#[derive(Debug, Clone)]
pub(super) struct Sheet {
    pub(super) id: Uuid,
    pub(super) title: String,
    pub(super) is_draft: bool,
    pub(super) is_automated: bool,
    pub(super) possible: Decimal,
    pub(super) due_at: Option<DateTime<Utc>>,
    pub(super) late: Option<LatePolicy>,
    /// Whether students see their scores once these are given.
    pub(super) shows: bool,
}

/// What somebody wants a grade to say; the score is before lateness.
#[derive(Debug, Clone, Default)]
pub(super) struct Said {
    pub(super) state: Option<State>,
    pub(super) score: Option<Decimal>,
    pub(super) late_deduction: Option<Decimal>,
    pub(super) submitted_at: Option<DateTime<Utc>>,
    pub(super) note: Option<String>,
    pub(super) external: Option<(String, String)>,
}

/// What becomes of it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Verdict {
    /// It says so already.
    Same,
    /// It is to be written.
    Write,
}

/// What a grade is to say. What comes from another system counts as given by whoever its assessment is graded by.
pub(super) fn mark(
    said: &Said,
    sheet: &Sheet,
    due_at: Option<DateTime<Utc>>,
    zone: Tz,
) -> Result<Mark, Problem> {
    let state = match (said.state, said.score) {
        (None | Some(State::Graded), Some(_)) => State::Graded,
        (None, None) => State::Ungraded,
        (Some(State::Graded), None) => {
            return Err(wrong("/score", "a score is expected with GRADED"));
        }
        (Some(state), None) => state,
        (Some(state), Some(_)) => {
            let word = state.as_str();
            return Err(wrong("/score", format!("no score is expected with {word}")));
        }
    };
    let (score, late_deduction) = match said.score {
        Some(raw) => scored(raw, said, sheet, due_at, zone)?,
        None if said.late_deduction.is_some_and(|late| !late.is_zero()) => {
            return Err(wrong("/lateDeduction", "it is expected together with a score"));
        }
        None => (None, Decimal::ZERO),
    };
    let automated = said.external.is_some() && sheet.is_automated;
    Ok(Mark {
        state,
        score,
        possible: sheet.possible,
        late_deduction,
        origin: if automated { Origin::Automated } else { Origin::Manual },
        submission: None,
        grader_version: None,
        submitted_at: said.submitted_at,
        note: said.note.clone(),
        external: said.external.clone(),
    })
}

fn scored(
    raw: Decimal,
    said: &Said,
    sheet: &Sheet,
    due_at: Option<DateTime<Utc>>,
    zone: Tz,
) -> Result<(Option<Decimal>, Decimal), Problem> {
    // What is worth nothing is extra.
    let most = if sheet.possible.is_zero() { EXTRA_MAX } else { sheet.possible.normalize() };
    if !(Decimal::ZERO..=most).contains(&raw) || raw.normalize().scale() > 4 {
        let expected = format!("0 to {most} with at most 4 decimals is expected");
        return Err(wrong("/score", expected));
    }
    let late = match (said.late_deduction, &sheet.late, said.submitted_at.zip(due_at)) {
        (Some(late), _, _) => late,
        (None, Some(policy), Some((at, due))) => {
            deduction(sheet.possible, raw, due, at, zone, policy)
        }
        (None, _, _) => Decimal::ZERO,
    };
    if !(Decimal::ZERO..=raw).contains(&late) || late.normalize().scale() > 4 {
        let expected = format!("0 to {} with at most 4 decimals is expected", raw.normalize());
        return Err(wrong("/lateDeduction", expected));
    }
    Ok((Some(raw - late), late))
}

/// Whether a grade may become what somebody wants, who has read the version `read`.
pub(super) fn judge(
    wanted: &Mark,
    read: Option<i64>,
    standing: Option<&Standing>,
    is_final: bool,
) -> Result<Verdict, Problem> {
    let stands = standing.map(|standing| standing.row_version);
    if read.is_some() && read != stands {
        return Err(stale(stands));
    }
    if standing.is_some_and(|standing| same(wanted, &standing.mark)) {
        return Ok(Verdict::Same);
    }
    if is_final {
        return Err(result_final());
    }
    let Some(standing) = standing else { return Ok(Verdict::Write) };
    if read.is_none() {
        if wanted.external.is_none() || wanted.external != standing.mark.external {
            return Err(if beats(&standing.mark, wanted) { kept() } else { version_required() });
        }
        if beats(&standing.mark, wanted) {
            return Err(kept());
        }
    }
    Ok(Verdict::Write)
}

/// Whether what stands is given by hand and what is wanted is not.
fn beats(standing: &Mark, wanted: &Mark) -> bool {
    wanted.origin == Origin::Automated
        && standing.origin == Origin::Manual
        && standing.state != State::Ungraded
}

/// Whether a grade says this already; who enters by hand what another system has sent leaves it that system's.
fn same(wanted: &Mark, standing: &Mark) -> bool {
    let external = wanted.external.is_none() || wanted.external == standing.external;
    let origin = wanted.origin == standing.origin || wanted.external.is_none();
    external
        && origin
        && (wanted.state, wanted.score, wanted.possible, wanted.late_deduction)
            == (standing.state, standing.score, standing.possible, standing.late_deduction)
        && wanted.note == standing.note
        && wanted.submitted_at == standing.submitted_at
}

/// What becomes of an automatic grade.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Automatic {
    Write,
    KeptManual,
    KeptFinal,
    Unchanged,
}

/// Whether an automatic grade is taken: never over one that a person gave, never once the result is final.
pub(super) fn judge_automatic(
    wanted: &Mark,
    standing: Option<&Standing>,
    shows: bool,
    is_final: bool,
) -> Automatic {
    let unchanged = standing.is_some_and(|standing| {
        let mark = Mark { external: standing.mark.external.clone(), ..wanted.clone() };
        mark == standing.mark && standing.released_at.is_some() == shows
    });
    if unchanged {
        return Automatic::Unchanged;
    }
    if standing.is_some_and(|standing| beats(&standing.mark, wanted)) {
        return Automatic::KeptManual;
    }
    if is_final { Automatic::KeptFinal } else { Automatic::Write }
}

/// Since when a student sees a grade that is written now. What a person changes stays shown; an automatic grade is shown
/// where what it was made of `may` be, whatever was shown before it.
pub(super) fn released_at(
    mark: &Mark,
    standing: Option<&Standing>,
    may: Option<bool>,
    sheet_shows: bool,
    now: DateTime<Utc>,
) -> Option<DateTime<Utc>> {
    if mark.state == State::Ungraded {
        return None;
    }
    let since = standing.and_then(|standing| standing.released_at);
    match may {
        Some(may) => may.then(|| since.unwrap_or(now)),
        None => since.or_else(|| sheet_shows.then_some(now)),
    }
}

pub(super) fn wrong(pointer: &str, expected: impl Into<String>) -> Problem {
    invalid().field(FieldProblem::new(pointer, "invalid", expected.into()))
}

fn stale(stands: Option<i64>) -> Problem {
    let detail = match stands {
        Some(version) => format!("it is at version {version}; read it again, then change it"),
        None => "there is no grade yet; send the row without rowVersion".to_owned(),
    };
    let title = "Somebody else changed it meanwhile";
    Problem::new(StatusCode::PRECONDITION_FAILED, "version-mismatch", title)
        .field(FieldProblem::new("/rowVersion", "version-mismatch", detail))
}

fn version_required() -> Problem {
    let title = "This change needs the version that you have read";
    let detail = "the rowVersion of the grade that is there is expected";
    Problem::new(StatusCode::PRECONDITION_REQUIRED, "if-match-required", title)
        .field(FieldProblem::new("/rowVersion", "if-match-required", detail))
}

fn kept() -> Problem {
    let title = "Somebody has given this grade by hand";
    Problem::new(StatusCode::CONFLICT, "grade-manual", title)
        .detail("it stays; clear it first, or send its rowVersion")
}

pub(super) fn result_final() -> Problem {
    let title = "The student's result of this class is final";
    Problem::new(StatusCode::CONFLICT, "result-final", title)
        .detail("an admin can reopen the result; grades change after that")
}

/// 409: nobody is graded in what is not published.
pub(super) fn draft(pointer: &str) -> Problem {
    let code = "assessment-draft";
    Problem::new(StatusCode::CONFLICT, code, "The assessment is not published")
        .field(FieldProblem::new(pointer, code, "publish it first"))
}

/// 422: never in the class.
pub(super) fn not_enrolled(pointer: &str) -> Problem {
    let code = "not-enrolled";
    Problem::new(StatusCode::UNPROCESSABLE_ENTITY, code, "The student was never in the class")
        .field(FieldProblem::new(pointer, code, "a student of the class is expected"))
}

/// 409: a place, or an external id, is named twice in one call.
pub(super) fn repeated(pointer: &str) -> Problem {
    let code = "grade-repeated";
    Problem::new(StatusCode::CONFLICT, code, "A grade is named once in a call")
        .field(FieldProblem::new(pointer, code, "a row before it has this one"))
}

#[cfg(test)]
#[path = "rules_test.rs"]
mod tests;
