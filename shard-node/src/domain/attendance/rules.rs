//! Who may be marked, and whether a code checks in. Pure.

use std::collections::{HashMap, HashSet};

use axum::http::StatusCode;
use chrono::{DateTime, Utc};
use service_kit::Problem;
use service_kit::problem::FieldProblem;
use sha2::{Digest as _, Sha256};
use uuid::Uuid;

use super::records::Mark;
use crate::error::unknown_reference;

/// How often a student may try a code. With 1,000 students that is 1 in 200 for all of them together.
pub(super) const TRIES: i32 = 5;

/// Digits of a code.
const DIGITS: u64 = 1_000_000;

/// A session, as marking sees it once its row is held.
#[derive(Debug, Clone)]
pub(super) struct Held {
    pub(super) class_id: Uuid,
    pub(super) date: chrono::NaiveDate,
    pub(super) status: String,
    pub(super) check_in_salt: Option<Vec<u8>>,
    pub(super) check_in_hash: Option<Vec<u8>>,
    pub(super) check_in_until: Option<DateTime<Utc>>,
}

impl Held {
    /// 409 unless it is open.
    pub(super) fn expect_open(&self) -> Result<(), Problem> {
        if self.status == "OPEN" {
            return Ok(());
        }
        let title = "Nobody is marked in this session";
        Err(Problem::new(StatusCode::CONFLICT, "session-closed", title)
            .detail(format!("it is {}; open it again first", self.status)))
    }

    /// 410 where no code is open.
    pub(super) fn expect_code(&self, now: DateTime<Utc>) -> Result<(), Problem> {
        if self.check_in_until.is_some_and(|until| now < until) {
            return Ok(());
        }
        let title = "There is no code to check in with any more";
        Err(Problem::new(StatusCode::GONE, "code-expired", title)
            .detail("ask for another one, or to be marked"))
    }

    /// Whether it is the code.
    pub(super) fn is_code(&self, code: &str) -> bool {
        let (Some(salt), Some(hash)) = (&self.check_in_salt, &self.check_in_hash) else {
            return false;
        };
        hash_of(salt, code) == *hash
    }
}

/// Six digits, out of a random number of which all bits count.
pub(super) fn code_of(random: u64) -> String {
    format!("{:06}", random % DIGITS)
}

/// What is kept of a code.
pub(super) fn hash_of(salt: &[u8], code: &str) -> Vec<u8> {
    Sha256::new().chain_update(salt).chain_update(code.as_bytes()).finalize().to_vec()
}

/// 429 past the last try; before that, what a wrong one is told.
pub(super) fn wrong_code(tries: i32) -> Problem {
    let left = TRIES - tries;
    let title = "This is not the code";
    if left > 0 {
        return Problem::new(StatusCode::UNPROCESSABLE_ENTITY, "code-wrong", title)
            .field(FieldProblem::new("/code", "code-wrong", format!("{left} tries are left")));
    }
    too_many_tries()
}

/// 429: a new code must be made first.
pub(super) fn too_many_tries() -> Problem {
    let title = "Too many wrong codes";
    Problem::new(StatusCode::TOO_MANY_REQUESTS, "too-many-tries", title)
        .detail("ask for another code, or to be marked")
}

/// What the database knows of the students and codes that marks name.
#[derive(Debug, Default)]
pub(super) struct Known {
    /// Students there are at all.
    pub(super) students: HashSet<Uuid>,
    /// Enrolments by student: who was in the class on the day.
    pub(super) enrolled: HashMap<Uuid, Uuid>,
    /// Codes by what they are called.
    pub(super) codes: HashMap<String, Uuid>,
}

/// A mark that may be written.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Accepted {
    /// Its place in the call.
    pub(super) index: usize,
    pub(super) student: Uuid,
    pub(super) enrollment: Uuid,
    pub(super) code: Uuid,
    pub(super) note: Option<String>,
}

/// Judges marks in their order; a student is marked once.
pub(super) fn judge(
    marks: &[(usize, Mark)],
    known: &Known,
) -> Vec<Result<Accepted, (usize, Problem)>> {
    let mut seen = HashSet::new();
    let judged = marks.iter().map(|(index, mark)| {
        judge_one(mark, known, !seen.insert(mark.student_id))
            .map(|(enrollment, code)| Accepted {
                index: *index,
                student: mark.student_id,
                enrollment,
                code,
                note: mark.note.clone(),
            })
            .map_err(|problem| (*index, problem))
    });
    judged.collect()
}

fn judge_one(mark: &Mark, known: &Known, again: bool) -> Result<(Uuid, Uuid), Problem> {
    let student = mark.student_id;
    if !known.students.contains(&student) {
        return Err(unknown_reference("/studentId", "student"));
    }
    let enrollment = known.enrolled.get(&student).ok_or_else(|| not_enrolled("/studentId"))?;
    if again {
        let title = "A student is marked once in a call";
        return Err(Problem::new(StatusCode::CONFLICT, "student-repeated", title).field(
            FieldProblem::new("/studentId", "student-repeated", "a row before it has this student"),
        ));
    }
    let code = known.codes.get(&mark.code).ok_or_else(|| unknown_code(known))?;
    Ok((*enrollment, *code))
}

/// 422: not in the class on the session's day.
pub(super) fn not_enrolled(pointer: &str) -> Problem {
    let title = "The student was not in the class on that day";
    Problem::new(StatusCode::UNPROCESSABLE_ENTITY, "not-enrolled", title).field(FieldProblem::new(
        pointer,
        "not-enrolled",
        "a student of the class is expected",
    ))
}

fn unknown_code(known: &Known) -> Problem {
    let mut codes: Vec<_> = known.codes.keys().map(String::as_str).collect();
    codes.sort_unstable();
    let title = "There is no such attendance code";
    Problem::new(StatusCode::UNPROCESSABLE_ENTITY, "code-unknown", title).field(FieldProblem::new(
        "/code",
        "code-unknown",
        format!("one of {} is expected", codes.join(", ")),
    ))
}

#[cfg(test)]
mod tests {
    use chrono::TimeDelta;

    use super::*;

    fn mark(student: u128, code: &str) -> Mark {
        Mark { student_id: Uuid::from_u128(student), code: code.to_owned(), note: None }
    }

    fn known() -> Known {
        let (enrolled, merely_known) = (Uuid::from_u128(1), Uuid::from_u128(2));
        Known {
            students: [enrolled, merely_known].into(),
            enrolled: [(enrolled, Uuid::from_u128(11))].into(),
            codes: [("PRESENT".to_owned(), Uuid::from_u128(21))].into(),
        }
    }

    fn held() -> Held {
        let salt = b"salt".to_vec();
        let until = DateTime::from_timestamp(1_000, 0).expect("an instant");
        Held {
            class_id: Uuid::nil(),
            date: until.date_naive(),
            status: "OPEN".to_owned(),
            check_in_hash: Some(hash_of(&salt, "123456")),
            check_in_salt: Some(salt),
            check_in_until: Some(until),
        }
    }

    #[test]
    fn each_mark_is_judged_on_its_own() {
        let marks: Vec<_> =
            [mark(1, "PRESENT"), mark(2, "PRESENT"), mark(3, "PRESENT"), mark(1, "PRESENT")]
                .into_iter()
                .enumerate()
                .collect();
        let verdicts: Vec<_> = judge(&marks, &known())
            .into_iter()
            .map(|verdict| verdict.map_err(|(index, problem)| (index, problem.code.into_owned())))
            .collect();
        let accepted = verdicts[0].as_ref().expect("marked");
        assert_eq!(accepted.enrollment, Uuid::from_u128(11));
        let refused = |at: usize| verdicts[at].as_ref().expect_err("refused").clone();
        assert_eq!(refused(1), (1, "not-enrolled".to_owned()));
        assert_eq!(refused(2), (2, "not-found".to_owned()));
        assert_eq!(refused(3), (3, "student-repeated".to_owned()));
        let unknown = judge(&[(0, mark(1, "present"))], &known()).remove(0).expect_err("refused");
        assert_eq!(unknown.1.code, "code-unknown");
    }

    #[test]
    fn a_code_is_six_digits_and_holds_until_its_end() {
        assert_eq!(code_of(1_000_007), "000007");
        let (held, end) = (held(), held().check_in_until.expect("an end"));
        assert!(held.is_code("123456") && !held.is_code("123457") && !held.is_code(""));
        assert!(held.expect_code(end - TimeDelta::seconds(1)).is_ok());
        assert_eq!(held.expect_code(end).expect_err("over").status, 410);
        let none = Held { check_in_hash: None, check_in_until: None, ..held.clone() };
        assert!(!none.is_code("") && none.expect_code(end).is_err());
        for status in ["CLOSED", "CANCELLED"] {
            let closed = Held { status: status.to_owned(), ..held.clone() };
            assert_eq!(closed.expect_open().expect_err("closed").status, 409);
        }
    }

    #[test]
    fn the_last_wrong_try_is_told_that_it_was_the_last() {
        assert_eq!(wrong_code(TRIES - 1).code, "code-wrong");
        assert_eq!(wrong_code(TRIES).code, "too-many-tries");
    }
}
