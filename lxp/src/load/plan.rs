//! What OULAD becomes: an institution for each region, with its courses, terms, classes, students and
//! enrolments. Pure.
//!
//! - The modules are courses and the presentations classes of every institution, also of one in which nobody
//!   registered for them: the catalogue is the university's. Such a class has no seats.
//! - A term begins on its day 0 and is as long as its longest presentation. Leaving before day 0 is dropping,
//!   so that the day before is the last on which one drops.
//! - A registration whose day is not known counts from day 0, or from the day of its end where that is earlier.

use std::collections::{BTreeMap, BTreeSet};

use chrono::{Days, NaiveDate};

use super::dataset::{ClassCode, Dataset, Half, Presentation, Registration, StudentNo};
use super::files::{InputError, Place};

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
    pub(super) dropped: u64,
    pub(super) withdrawn: u64,
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
        enrollments.entry(key).or_default().push(enrollment(registration));
    }
    let modules: BTreeSet<&str> =
        dataset.presentations.keys().map(|class| class.module.as_str()).collect();
    let mut tenants: BTreeMap<String, Tenant> = BTreeMap::new();
    for (region, students) in students {
        let slug = slug(region, &students)?;
        let classes = dataset.presentations.keys().map(|code| Class {
            code: code.clone(),
            enrollments: enrollments.remove(&(region, code)).unwrap_or_default(),
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
    /// What it has when it is loaded.
    pub(super) fn counts(&self) -> Counts {
        let enrollments = || self.classes.iter().flat_map(|class| &class.enrollments);
        let ended = |leave: Option<Leave>| {
            count(enrollments().filter(|row| row.end.map(|end| end.leave) == leave))
        };
        Counts {
            courses: count(self.modules.iter()),
            terms: count(self.terms.iter()),
            classes: count(self.classes.iter()),
            students: count(self.students.iter()),
            enrollments: count(enrollments()),
            active: ended(None),
            dropped: ended(Some(Leave::Drop)),
            withdrawn: ended(Some(Leave::Withdraw)),
        }
    }
}

impl Counts {
    /// Each with its name.
    pub(super) fn named(&self) -> [(&'static str, u64); 8] {
        [
            ("courses", self.courses),
            ("terms", self.terms),
            ("classes", self.classes),
            ("students", self.students),
            ("enrolments", self.enrollments),
            ("ACTIVE enrolments", self.active),
            ("DROPPED enrolments", self.dropped),
            ("WITHDRAWN enrolments", self.withdrawn),
        ]
    }

    /// Students, enrolments and their ends: the rows that a load is made of.
    pub(super) fn rows(&self) -> u64 {
        self.students + self.enrollments + self.dropped + self.withdrawn
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
            dropped: sum.dropped + one.dropped,
            withdrawn: sum.withdrawn + one.withdrawn,
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
        place: registration.place.clone(),
    }
}

/// Day `number` of a presentation: day 0 is 1 February or 1 October.
fn day(presentation: Presentation, number: i32) -> NaiveDate {
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
mod tests {
    use super::super::dataset::tests::oulad;
    use super::*;

    fn date(text: &str) -> NaiveDate {
        text.parse().expect("a date")
    }

    #[test]
    fn the_real_files_become_thirteen_institutions_with_the_published_counts() {
        let tenants = plan(&oulad()).expect("a plan");
        let slugs: Vec<_> = tenants.iter().map(|tenant| tenant.slug.as_str()).collect();
        assert_eq!(
            slugs,
            [
                "east-anglian-region",
                "east-midlands-region",
                "ireland",
                "london-region",
                "north-region",
                "north-western-region",
                "scotland",
                "south-east-region",
                "south-region",
                "south-west-region",
                "wales",
                "west-midlands-region",
                "yorkshire-region",
            ]
        );
        let each = |tenant: &Tenant| {
            let counts = tenant.counts();
            (counts.courses, counts.terms, counts.classes)
        };
        assert!(tenants.iter().all(|tenant| each(tenant) == (7, 4, 22)));
        let total: Counts = tenants.iter().map(Tenant::counts).sum();
        assert_eq!((total.students, total.enrollments), (28_785, 32_593));
        assert_eq!((total.dropped, total.withdrawn), (2_678, 7_394));
        assert_eq!(total.active, 32_593 - 2_678 - 7_394);
        assert_eq!(total.rows(), 71_450);
    }

    #[test]
    fn terms_cover_their_longest_presentation() {
        let tenants = plan(&oulad()).expect("a plan");
        let terms: Vec<_> = tenants[0]
            .terms
            .iter()
            .map(|term| (term.code.to_string(), term.starts_on, term.ends_on, term.drop_until))
            .collect();
        let expected = [
            ("2013B", "2013-02-01", "2013-09-29", "2013-01-31"),
            ("2013J", "2013-10-01", "2014-06-26", "2013-09-30"),
            ("2014B", "2014-02-01", "2014-09-30", "2014-01-31"),
            ("2014J", "2014-10-01", "2015-06-27", "2014-09-30"),
        ]
        .map(|(code, from, to, drop)| (code.to_owned(), date(from), date(to), date(drop)));
        assert_eq!(terms, expected);
    }

    #[test]
    fn no_enrolment_of_the_real_files_ends_before_it_begins_or_against_the_drop_deadline() {
        for tenant in plan(&oulad()).expect("a plan") {
            for class in &tenant.classes {
                let drop_until = day(class.code.presentation, -1);
                for row in &class.enrollments {
                    let Some(end) = row.end else { continue };
                    assert!(row.enrolled_on <= end.on, "{}", row.place);
                    assert_eq!(end.leave == Leave::Drop, end.on <= drop_until, "{}", row.place);
                }
            }
        }
    }

    fn registration(registered: Option<i32>, unregistered: Option<i32>) -> Registration {
        let presentation = Presentation { year: 2013, half: Half::October };
        Registration {
            class: ClassCode { module: "AAA".to_owned(), presentation },
            student: StudentNo(7),
            registered,
            unregistered,
            place: Place { file: "x.csv", line: 2 },
        }
    }

    #[test]
    fn days_count_from_day_zero() {
        let row = enrollment(&registration(Some(-159), Some(0)));
        assert_eq!(row.enrolled_on, date("2013-04-25"));
        assert_eq!(row.end, Some(End { leave: Leave::Withdraw, on: date("2013-10-01") }));
        let row = enrollment(&registration(Some(3), Some(-1)));
        assert_eq!(row.end, Some(End { leave: Leave::Drop, on: date("2013-09-30") }));
    }

    #[test]
    fn an_unknown_registration_counts_from_day_zero_or_from_an_earlier_end() {
        assert_eq!(enrollment(&registration(None, None)).enrolled_on, date("2013-10-01"));
        assert_eq!(enrollment(&registration(None, Some(9))).enrolled_on, date("2013-10-01"));
        assert_eq!(enrollment(&registration(None, Some(-1))).enrolled_on, date("2013-09-30"));
    }

    #[test]
    fn a_region_that_makes_no_slug_is_refused_where_it_stands() {
        let student = Student { no: StudentNo(7), place: Place { file: "x.csv", line: 2 } };
        let error = slug("Île-de-France", &[student]).expect_err("an accent").to_string();
        assert!(error.starts_with("x.csv, line 2: region `Île-de-France`"), "{error}");
    }
}
