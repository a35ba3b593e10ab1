//! The two files of OULAD that grading needs, as typed rows that fit together, and final results.
//!
//! What must stay true: a score names an assessment that is there and a student who registered for its presentation,
//! once. `?` or nothing is a score, or a day, that the source lacks.

use std::collections::{BTreeMap, HashSet};
use std::fmt;
use std::path::Path;

use super::dataset::{ClassCode, StudentNo, class};
use super::expected::{ONE, units};
use super::files::{InputError, Place, Row, open, rows};

const ASSESSMENTS: &str = "assessments.csv";
const SCORES: &str = "studentAssessment.csv";

/// Days before or after a presentation's day 0.
const DAYS_MAX: i32 = 3_650;
/// The best score.
pub(super) const SCORE_MAX: u32 = 100;
/// The largest weight, in percent.
const WEIGHT_MAX: u32 = 1_000;
/// Assessments of all presentations.
const ASSESSMENTS_MAX: usize = 5_000;

/// `id_assessment`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(super) struct AssessmentNo(pub(super) u64);

/// Who marks it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Kind {
    /// A tutor.
    Tma,
    /// A computer.
    Cma,
    /// The final one.
    Exam,
}

/// In ten-thousandths of a percent.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Weight(pub(super) u64);

/// What students of a presentation are assessed by.
#[derive(Debug, Clone)]
pub(super) struct Assessment {
    pub(super) no: AssessmentNo,
    pub(super) class: ClassCode,
    pub(super) kind: Kind,
    pub(super) day: Option<i32>,
    pub(super) weight: Weight,
}

/// What a student got.
#[derive(Debug, Clone)]
pub(super) struct Marked {
    pub(super) assessment: AssessmentNo,
    pub(super) student: StudentNo,
    pub(super) submitted: i32,
    /// Whether it was taken over from an earlier presentation.
    pub(super) is_banked: bool,
    pub(super) score: Option<u32>,
    pub(super) place: Place,
}

/// How a registration ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum FinalResult {
    Pass,
    Distinction,
    Fail,
    Withdrawn,
}

/// What was read.
#[derive(Debug, Default)]
pub(super) struct Marks {
    pub(super) assessments: BTreeMap<AssessmentNo, Assessment>,
    pub(super) scores: Vec<Marked>,
}

impl Marks {
    /// Reads the files of a directory.
    pub(super) fn read(
        directory: &Path,
        presentations: &BTreeMap<ClassCode, i32>,
        registered: &HashSet<(ClassCode, StudentNo)>,
    ) -> Result<Self, InputError> {
        let mut marks = Self::default();
        let columns = [
            "code_module",
            "code_presentation",
            "id_assessment",
            "assessment_type",
            "date",
            "weight",
        ];
        rows(ASSESSMENTS, open(directory, ASSESSMENTS)?, columns, |row| {
            marks.assessment(row, presentations)
        })?;
        let columns = ["id_assessment", "id_student", "date_submitted", "is_banked", "score"];
        let mut seen = HashSet::new();
        rows(SCORES, open(directory, SCORES)?, columns, |row| {
            let score = marks.score(row, registered)?;
            if !seen.insert((score.assessment, score.student)) {
                let (student, assessment) = (score.student, score.assessment);
                let what =
                    format!("student {student} has a score of assessment {assessment} already");
                return Err(row.place.wrong(what));
            }
            marks.scores.push(score);
            Ok(())
        })?;
        Ok(marks)
    }

    fn assessment(
        &mut self,
        row: &Row<'_, 6>,
        presentations: &BTreeMap<ClassCode, i32>,
    ) -> Result<(), InputError> {
        let class = class(row)?;
        if !presentations.contains_key(&class) {
            return Err(row.place.wrong(format!("courses.csv has no {class}")));
        }
        let no = AssessmentNo(row.number(2, 1, u64::MAX)?);
        let kind = match row.text(3, 10)? {
            "TMA" => Kind::Tma,
            "CMA" => Kind::Cma,
            "Exam" => Kind::Exam,
            other => {
                let what = format!("assessment_type is TMA, CMA or Exam, not `{other}`");
                return Err(row.place.wrong(what));
            }
        };
        let text = row.text(5, 20)?;
        let weight = Weight::parse(text).ok_or_else(|| {
            let what = format!("weight is 0 to {WEIGHT_MAX} with at most 4 decimals, not `{text}`");
            row.place.wrong(what)
        })?;
        let day = row.known_number(4, -DAYS_MAX, DAYS_MAX)?;
        if self.assessments.len() == ASSESSMENTS_MAX {
            return Err(row.place.wrong(format!("at most {ASSESSMENTS_MAX} assessments fit")));
        }
        match self.assessments.insert(no, Assessment { no, class, kind, day, weight }) {
            None => Ok(()),
            Some(_) => Err(row.place.wrong(format!("assessment {no} is there already"))),
        }
    }

    fn score(
        &self,
        row: &Row<'_, 5>,
        registered: &HashSet<(ClassCode, StudentNo)>,
    ) -> Result<Marked, InputError> {
        let assessment = AssessmentNo(row.number(0, 1, u64::MAX)?);
        let known = self.assessments.get(&assessment).ok_or_else(|| {
            row.place.wrong(format!("{ASSESSMENTS} has no assessment {assessment}"))
        })?;
        let student = StudentNo(row.number(1, 1, u64::MAX)?);
        if !registered.contains(&(known.class.clone(), student)) {
            let class = &known.class;
            return Err(row.place.wrong(format!("student {student} did not register for {class}")));
        }
        Ok(Marked {
            assessment,
            student,
            submitted: row.number(2, -DAYS_MAX, DAYS_MAX)?,
            is_banked: row.number(3, 0, 1)? == 1,
            score: row.known_number(4, 0, SCORE_MAX)?,
            place: row.place.clone(),
        })
    }
}

impl Kind {
    /// The word of the files.
    pub(super) const fn word(self) -> &'static str {
        match self {
            Self::Tma => "TMA",
            Self::Cma => "CMA",
            Self::Exam => "Exam",
        }
    }

    /// `gradingType` of the API.
    pub(super) const fn grading_type(self) -> &'static str {
        match self {
            Self::Cma => "AUTOMATED",
            Self::Tma | Self::Exam => "MANUAL",
        }
    }
}

impl Weight {
    /// A decimal number such as `12.5`.
    fn parse(text: &str) -> Option<Self> {
        units(text).filter(|units| *units <= u64::from(WEIGHT_MAX) * ONE).map(Self)
    }
}

impl fmt::Display for Weight {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}.{:04}", self.0 / ONE, self.0 % ONE)
    }
}

impl fmt::Display for AssessmentNo {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

impl FinalResult {
    /// The result of a word of the files.
    pub(super) fn parse(word: &str) -> Option<Self> {
        match word {
            "Pass" => Some(Self::Pass),
            "Distinction" => Some(Self::Distinction),
            "Fail" => Some(Self::Fail),
            "Withdrawn" => Some(Self::Withdrawn),
            _ => None,
        }
    }

    /// `outcome` of the API.
    pub(super) const fn outcome(self) -> &'static str {
        match self {
            Self::Pass => "PASS",
            Self::Distinction => "DISTINCTION",
            Self::Fail => "FAIL",
            Self::Withdrawn => "WITHDRAWN",
        }
    }

    /// Whether who has it went through to the end.
    pub(super) const fn completes(self) -> bool {
        !matches!(self, Self::Withdrawn)
    }
}

#[cfg(test)]
mod tests {
    use super::super::dataset::tests::oulad;
    use super::*;

    #[test]
    fn a_weight_is_exact() {
        for (text, wanted) in [("12.5", Some(125_000)), ("0", Some(0)), ("100", Some(1_000_000))] {
            assert_eq!(Weight::parse(text), wanted.map(Weight), "{text}");
        }
        assert_eq!(Weight(125_000).to_string(), "12.5000");
        for wrong in ["", ".5", "-1", "1e2", "12.50000", "1000.1", "1 "] {
            assert_eq!(Weight::parse(wrong), None, "{wrong}");
        }
    }

    #[test]
    fn the_real_files_have_the_counts_that_are_published() {
        let marks = oulad().marks.expect("scores");
        let of = |kind| marks.assessments.values().filter(|one| one.kind == kind).count();
        assert_eq!((of(Kind::Tma), of(Kind::Cma), of(Kind::Exam)), (106, 76, 24));
        assert_eq!(marks.scores.len(), 173_912);
        assert_eq!(marks.scores.iter().filter(|row| row.score.is_none()).count(), 173);
        assert_eq!(marks.scores.iter().filter(|row| row.is_banked).count(), 1_909);
        assert_eq!(marks.assessments.values().filter(|one| one.day.is_none()).count(), 11);
    }
}
