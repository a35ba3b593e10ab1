//! What OULAD becomes: an institution for each region, with its courses, terms, classes, students and
//! enrolments. Pure.
//!
//! - The modules are courses and the presentations classes of every institution, also of one in which nobody
//!   registered for them: the catalogue is the university's. Such a class has no seats.
//! - A term begins on its day 0 and is as long as its longest presentation. Leaving before day 0 is dropping,
//!   so that the day before is the last on which one drops.
//! - Who went through to the end has completed the class, whatever came of it; a registration that is called withdrawn
//!   and has no day on which it ended stays as it is.
//! - A registration whose day is not known counts from day 0, or from the day of its end where that is earlier.

use std::collections::{BTreeMap, BTreeSet};

use chrono::{Days, NaiveDate};

use super::dataset::{ClassCode, Dataset, Half, Presentation, Registration, StudentNo};
use super::files::{InputError, Place};
use super::marks::{Assessment, FinalResult, Marked};

/// The longest slug of an institution.
const SLUG_MAX_BYTES: usize = 63;

/// What one institution is to have.
#[derive(Debug)]
pub(super) struct Tenant {
    pub(super) slug: String,
    pub(super) name: String,
    pub(super) modules: Vec<String>,
    pub(super) terms: Vec<Term>,
    pub(super) classes: Vec<Class>,
    pub(super) students: Vec<Student>,
}

/// A term, with the dates of its row.
#[derive(Debug, Clone)]
pub(super) struct Term {
    pub(super) code: Presentation,
    pub(super) starts_on: NaiveDate,
    pub(super) ends_on: NaiveDate,
    pub(super) drop_until: NaiveDate,
}

/// A class and who registered for it.
#[derive(Debug)]
pub(super) struct Class {
    pub(super) code: ClassCode,
    pub(super) enrollments: Vec<Enrollment>,
    /// By their numbers.
    pub(super) assessments: Vec<Assessment>,
    /// By students.
    pub(super) scores: Vec<Marked>,
}

/// A student and the first row that names it.
#[derive(Debug)]
pub(super) struct Student {
    pub(super) no: StudentNo,
    pub(super) place: Place,
}

/// An enrolment from its beginning to its end, if it has one.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Enrollment {
    pub(super) student: StudentNo,
    pub(super) enrolled_on: NaiveDate,
    pub(super) end: Option<End>,
    /// What came of it, where that is loaded.
    pub(super) result: Option<FinalResult>,
    pub(super) place: Place,
}

/// How and when somebody left.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct End {
    pub(super) leave: Leave,
    pub(super) on: NaiveDate,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Leave {
    /// Before the class began.
    Drop,
    /// After that.
    Withdraw,
}

/// How many of what an institution has.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, serde::Serialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Counts {
    pub(super) courses: u64,
    pub(super) terms: u64,
    pub(super) classes: u64,
    pub(super) students: u64,
    pub(super) enrollments: u64,
    pub(super) active: u64,
    pub(super) completed: u64,
    pub(super) dropped: u64,
    pub(super) withdrawn: u64,
    pub(super) assessments: u64,
    /// Scores that there are.
    pub(super) graded: u64,
    /// Scores that the source lacks.
    pub(super) ungraded: u64,
    pub(super) results: u64,
}

/// The institutions, by slug.
pub(super) fn plan(dataset: &Dataset) -> Result<Vec<Tenant>, InputError> {
    let terms = terms(dataset);
    let mut students: BTreeMap<&str, Vec<Student>> = BTreeMap::new();
    for (no, home) in &dataset.homes {
        let student = Student { no: *no, place: home.place.clone() };
        students.entry(&home.region).or_default().push(student);
    }
    let mut enrollments: BTreeMap<(&str, &ClassCode), Vec<Enrollment>> = BTreeMap::new();
    for registration in &dataset.registrations {
        // Reading the files made sure of it.
        let Some(home) = dataset.homes.get(&registration.student) else { continue };
        let key = (home.region.as_str(), &registration.class);
        let result = dataset.marks.as_ref().and_then(|_| {
            dataset.results.get(&(registration.class.clone(), registration.student)).copied()
        });
        let row = Enrollment { result, ..enrollment(registration) };
        enrollments.entry(key).or_default().push(row);
    }
    let mut scores = scores(dataset);
    let modules: BTreeSet<&str> =
        dataset.presentations.keys().map(|class| class.module.as_str()).collect();
    let mut tenants: BTreeMap<String, Tenant> = BTreeMap::new();
    for (region, students) in students {
        let slug = slug(region, &students)?;
        let classes = dataset.presentations.keys().map(|code| Class {
            code: code.clone(),
            enrollments: enrollments.remove(&(region, code)).unwrap_or_default(),
            assessments: assessments(dataset, code),
            scores: scores.remove(&(region, code)).unwrap_or_default(),
        });
        let classes = classes.collect();
        let tenant = Tenant {
            slug: slug.clone(),
            name: region.to_owned(),
            modules: modules.iter().map(|module| (*module).to_owned()).collect(),
            terms: terms.clone(),
            classes,
            students,
        };
        if let Some(before) = tenants.insert(slug, tenant) {
            let place = &before.students[0].place;
            let what = format!("the regions `{}` and `{region}` have one slug", before.name);
            return Err(place.wrong(what));
        }
    }
    Ok(tenants.into_values().collect())
}

impl Tenant {
    /// Whether there are assessments, scores or results to load.
    pub(super) fn has_marks(&self) -> bool {
        let has = |class: &Class| {
            !class.assessments.is_empty()
                || class.enrollments.iter().any(|row| row.result.is_some())
        };
        self.classes.iter().any(has)
    }

    /// What it has when it is loaded.
    pub(super) fn counts(&self) -> Counts {
        let enrollments = || self.classes.iter().flat_map(|class| &class.enrollments);
        let ended = |leave: Leave| {
            count(enrollments().filter(|row| row.end.is_some_and(|end| end.leave == leave)))
        };
        let stayed = |completed: bool| {
            count(enrollments().filter(|row| row.end.is_none() && row.completes() == completed))
        };
        let scores = |known: bool| {
            let all = self.classes.iter().flat_map(|class| &class.scores);
            count(all.filter(|row| row.score.is_some() == known))
        };
        Counts {
            courses: count(self.modules.iter()),
            terms: count(self.terms.iter()),
            classes: count(self.classes.iter()),
            students: count(self.students.iter()),
            enrollments: count(enrollments()),
            active: stayed(false),
            completed: stayed(true),
            dropped: ended(Leave::Drop),
            withdrawn: ended(Leave::Withdraw),
            assessments: count(self.classes.iter().flat_map(|class| &class.assessments)),
            graded: scores(true),
            ungraded: scores(false),
            results: count(enrollments().filter(|row| row.result.is_some())),
        }
    }
}

impl Counts {
    /// Each with its name.
    pub(super) fn named(&self) -> [(&'static str, u64); 13] {
        [
            ("courses", self.courses),
            ("terms", self.terms),
            ("classes", self.classes),
            ("students", self.students),
            ("enrolments", self.enrollments),
            ("ACTIVE enrolments", self.active),
            ("COMPLETED enrolments", self.completed),
            ("DROPPED enrolments", self.dropped),
            ("WITHDRAWN enrolments", self.withdrawn),
            ("assessments", self.assessments),
            ("scores", self.graded),
            ("grades without a score", self.ungraded),
            ("results", self.results),
        ]
    }

    /// Students, enrolments, their ends, scores and results: the rows that a load is made of.
    pub(super) fn rows(&self) -> u64 {
        let people = self.students + self.enrollments + self.dropped + self.withdrawn;
        people + self.graded + self.ungraded + self.results
    }
}

impl std::iter::Sum for Counts {
    fn sum<I: Iterator<Item = Self>>(counts: I) -> Self {
        counts.fold(Self::default(), |sum, one| Self {
            courses: sum.courses + one.courses,
            terms: sum.terms + one.terms,
            classes: sum.classes + one.classes,
            students: sum.students + one.students,
            enrollments: sum.enrollments + one.enrollments,
            active: sum.active + one.active,
            completed: sum.completed + one.completed,
            dropped: sum.dropped + one.dropped,
            withdrawn: sum.withdrawn + one.withdrawn,
            assessments: sum.assessments + one.assessments,
            graded: sum.graded + one.graded,
            ungraded: sum.ungraded + one.ungraded,
            results: sum.results + one.results,
        })
    }
}

pub(super) fn count(rows: impl Iterator) -> u64 {
    rows.fold(0, |count, _| count + 1)
}

impl Leave {
    /// The verb of its call.
    pub(super) const fn verb(self) -> &'static str {
        match self {
            Self::Drop => "drop",
            Self::Withdraw => "withdraw",
        }
    }

    /// Where it leads.
    pub(super) const fn status(self) -> &'static str {
        match self {
            Self::Drop => "DROPPED",
            Self::Withdraw => "WITHDRAWN",
        }
    }
}

impl Enrollment {
    /// Whether it went through to the end.
    fn completes(&self) -> bool {
        self.end.is_none() && self.result.is_some_and(FinalResult::completes)
    }
}

/// What students of a presentation are assessed by.
fn assessments(dataset: &Dataset, class: &ClassCode) -> Vec<Assessment> {
    let all = dataset.marks.iter().flat_map(|marks| marks.assessments.values());
    all.filter(|assessment| assessment.class == *class).cloned().collect()
}

/// Scores by region and class, there by student.
fn scores(dataset: &Dataset) -> BTreeMap<(&str, &ClassCode), Vec<Marked>> {
    let mut scores: BTreeMap<(&str, &ClassCode), Vec<Marked>> = BTreeMap::new();
    if let Some(marks) = &dataset.marks {
        for score in &marks.scores {
            // Reading the files made sure of both.
            let home = dataset.homes.get(&score.student);
            let Some((home, assessment)) = home.zip(marks.assessments.get(&score.assessment))
            else {
                continue;
            };
            let key = (home.region.as_str(), &assessment.class);
            scores.entry(key).or_default().push(score.clone());
        }
    }
    for rows in scores.values_mut() {
        rows.sort_by_key(|row| (row.student, row.assessment));
    }
    scores
}

/// The terms of the presentations, in order of time.
fn terms(dataset: &Dataset) -> Vec<Term> {
    let mut lengths: BTreeMap<Presentation, i32> = BTreeMap::new();
    for (class, days) in &dataset.presentations {
        let longest = lengths.entry(class.presentation).or_default();
        *longest = (*longest).max(*days);
    }
    let term = |(code, days): (Presentation, i32)| Term {
        code,
        starts_on: day(code, 0),
        ends_on: day(code, days),
        drop_until: day(code, -1),
    };
    lengths.into_iter().map(term).collect()
}

fn enrollment(registration: &Registration) -> Enrollment {
    let presentation = registration.class.presentation;
    let unknown = || registration.unregistered.map_or(0, |unregistered| unregistered.min(0));
    let end = registration.unregistered.map(|number| End {
        leave: if number < 0 { Leave::Drop } else { Leave::Withdraw },
        on: day(presentation, number),
    });
    Enrollment {
        student: registration.student,
        enrolled_on: day(presentation, registration.registered.unwrap_or_else(unknown)),
        end,
        result: None,
        place: registration.place.clone(),
    }
}

/// Day `number` of a presentation: day 0 is 1 February or 1 October.
pub(super) fn day(presentation: Presentation, number: i32) -> NaiveDate {
    let month = match presentation.half {
        Half::February => 2,
        Half::October => 10,
    };
    // The first of a month is in every year, and years and days are bounded where they are read.
    let zero = NaiveDate::from_ymd_opt(presentation.year, month, 1).unwrap_or_default();
    let days = Days::new(u64::from(number.unsigned_abs()));
    let day = if number < 0 { zero.checked_sub_days(days) } else { zero.checked_add_days(days) };
    day.unwrap_or(zero)
}

/// The region in lower case with hyphens.
fn slug(region: &str, students: &[Student]) -> Result<String, InputError> {
    let slug = region.to_lowercase().split_whitespace().collect::<Vec<_>>().join("-");
    let plain = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '-';
    if slug.chars().all(plain) && (1..=SLUG_MAX_BYTES).contains(&slug.len()) {
        return Ok(slug);
    }
    let what = format!("region `{region}` makes no slug: a-z, 0-9, - and blanks are expected");
    Err(students[0].place.wrong(what))
}

#[cfg(test)]
#[path = "plan_test.rs"]
mod tests;
