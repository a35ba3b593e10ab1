//! The files of OULAD as typed rows that fit together: three for enrolment, and with them those for grading (`marks`).
//!
//! What must stay true: a registration names a presentation and a student that are there, once; a student lives
//! in one region. (In OULAD each of the 28,785 has the same region in every row; a file in which one has two is
//! refused, with both places, rather than guessed at.)
//!
//! Left alone: everything personal in `studentInfo`.

use std::collections::btree_map::Entry;
use std::collections::{BTreeMap, HashSet};
use std::fmt;
use std::path::Path;

use super::files::{InputError, Place, Row, open, rows};
use super::marks::{FinalResult, Marks};

const COURSES: &str = "courses.csv";
const STUDENTS: &str = "studentInfo.csv";
const REGISTRATIONS: &str = "studentRegistration.csv";

/// The most presentations: they are listed on one page.
const PRESENTATIONS_MAX: usize = 200;

/// Days of a presentation, and before or after its day 0.
const DAYS_MAX: i32 = 3_650;

const NAME_MAX_CHARS: usize = 100;

/// A half of a year in which presentations begin.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(super) enum Half {
    /// `B`: February.
    February,
    /// `J`: October.
    October,
}

/// When a presentation begins, such as `2013J`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(super) struct Presentation {
    pub(super) year: i32,
    pub(super) half: Half,
}

/// A module presented: `AAA-2013J`.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(super) struct ClassCode {
    pub(super) module: String,
    pub(super) presentation: Presentation,
}

/// `id_student`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(super) struct StudentNo(pub(super) u64);

/// Where a student lives, and the first row that says so.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Home {
    pub(super) region: String,
    pub(super) place: Place,
}

/// A student in a class. Days count from the presentation's day 0.
#[derive(Debug)]
pub(super) struct Registration {
    pub(super) class: ClassCode,
    pub(super) student: StudentNo,
    pub(super) registered: Option<i32>,
    pub(super) unregistered: Option<i32>,
    pub(super) place: Place,
}

/// What was read.
#[derive(Debug)]
pub(super) struct Dataset {
    /// Lengths in days.
    pub(super) presentations: BTreeMap<ClassCode, i32>,
    pub(super) homes: BTreeMap<StudentNo, Home>,
    pub(super) registrations: Vec<Registration>,
    /// How they ended.
    pub(super) results: BTreeMap<(ClassCode, StudentNo), FinalResult>,
    /// Assessments and scores; none where they were not asked for.
    pub(super) marks: Option<Marks>,
}

impl Dataset {
    /// Reads the files of a directory, those of assessments where that is asked for.
    pub(super) fn read(directory: &Path, with_marks: bool) -> Result<Self, InputError> {
        let mut dataset = Self {
            presentations: BTreeMap::new(),
            homes: BTreeMap::new(),
            registrations: Vec::new(),
            results: BTreeMap::new(),
            marks: None,
        };
        let columns = ["code_module", "code_presentation", "module_presentation_length"];
        rows(COURSES, open(directory, COURSES)?, columns, |row| dataset.presentation(row))?;
        let columns = ["code_module", "code_presentation", "id_student", "region", "final_result"];
        rows(STUDENTS, open(directory, STUDENTS)?, columns, |row| dataset.student(row))?;
        let columns = [
            "code_module",
            "code_presentation",
            "id_student",
            "date_registration",
            "date_unregistration",
        ];
        let mut seen = HashSet::new();
        rows(REGISTRATIONS, open(directory, REGISTRATIONS)?, columns, |row| {
            let registration = dataset.registration(row)?;
            if !seen.insert((registration.class.clone(), registration.student)) {
                let (student, class) = (registration.student, &registration.class);
                return Err(row.place.wrong(format!("student {student} is in {class} already")));
            }
            dataset.registrations.push(registration);
            Ok(())
        })?;
        if with_marks {
            dataset.marks = Some(Marks::read(directory, &dataset.presentations, &seen)?);
        }
        Ok(dataset)
    }

    fn presentation(&mut self, row: &Row<'_, 3>) -> Result<(), InputError> {
        let class = class(row)?;
        let days = row.number(2, 1, DAYS_MAX)?;
        if self.presentations.len() == PRESENTATIONS_MAX {
            return Err(row.place.wrong(format!("at most {PRESENTATIONS_MAX} presentations fit")));
        }
        match self.presentations.entry(class) {
            Entry::Vacant(entry) => entry.insert(days),
            Entry::Occupied(entry) => {
                return Err(row.place.wrong(format!("{} is there already", entry.key())));
            }
        };
        Ok(())
    }

    fn student(&mut self, row: &Row<'_, 5>) -> Result<(), InputError> {
        let student = StudentNo(row.number(2, 1, u64::MAX)?);
        let region = row.text(3, NAME_MAX_CHARS)?;
        let word = row.text(4, NAME_MAX_CHARS)?;
        let result = FinalResult::parse(word).ok_or_else(|| {
            let expected = "Pass, Distinction, Fail or Withdrawn is expected";
            row.place.wrong(format!("final_result: {expected}, not `{word}`"))
        })?;
        self.results.insert((class(row)?, student), result);
        match self.homes.entry(student) {
            Entry::Vacant(entry) => {
                entry.insert(Home { region: region.to_owned(), place: row.place.clone() });
            }
            Entry::Occupied(entry) if entry.get().region == region => {}
            Entry::Occupied(entry) => {
                let Home { region: before, place } = entry.get();
                return Err(row.place.wrong(format!(
                    "student {student} lives in `{region}` here and in `{before}` in line {}",
                    place.line
                )));
            }
        }
        Ok(())
    }

    fn registration(&self, row: &Row<'_, 5>) -> Result<Registration, InputError> {
        let class = class(row)?;
        if !self.presentations.contains_key(&class) {
            return Err(row.place.wrong(format!("{COURSES} has no {class}")));
        }
        let student = StudentNo(row.number(2, 1, u64::MAX)?);
        if !self.homes.contains_key(&student) {
            return Err(row.place.wrong(format!("{STUDENTS} has no student {student}")));
        }
        Ok(Registration {
            class,
            student,
            registered: row.known_number(3, -DAYS_MAX, DAYS_MAX)?,
            unregistered: row.known_number(4, -DAYS_MAX, DAYS_MAX)?,
            place: row.place.clone(),
        })
    }
}

/// The first two columns.
pub(super) fn class<const N: usize>(row: &Row<'_, N>) -> Result<ClassCode, InputError> {
    let code = row.text(1, NAME_MAX_CHARS)?;
    let presentation = Presentation::parse(code).ok_or_else(|| {
        let expected = "a year and B (February) or J (October) such as 2013J is expected";
        row.place.wrong(format!("code_presentation: {expected}, not `{code}`"))
    })?;
    let module = row.text(0, 32)?;
    if !module.chars().all(|c| c.is_ascii_alphanumeric()) {
        return Err(row
            .place
            .wrong(format!("code_module is of letters and digits, not `{module}`")));
    }
    Ok(ClassCode { module: module.to_owned(), presentation })
}

impl Presentation {
    fn parse(text: &str) -> Option<Self> {
        let half = match text.chars().last()? {
            'B' => Half::February,
            'J' => Half::October,
            _ => return None,
        };
        let year = &text[..text.len() - 1];
        let digits = year.len() == 4 && year.bytes().all(|byte| byte.is_ascii_digit());
        let year = year.parse().ok().filter(|year| digits && (1969..=2100).contains(year))?;
        Some(Self { year, half })
    }
}

impl fmt::Display for Presentation {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let letter = match self.half {
            Half::February => 'B',
            Half::October => 'J',
        };
        write!(f, "{}{letter}", self.year)
    }
}

impl fmt::Display for ClassCode {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}-{}", self.module, self.presentation)
    }
}

impl fmt::Display for StudentNo {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

#[cfg(test)]
pub(super) mod tests {
    use std::path::PathBuf;

    use super::*;

    /// The real files: at `LXP_OULAD_DIR`, else beside the project. Without them the tests fail.
    pub(in super::super) fn oulad() -> Dataset {
        #[expect(clippy::disallowed_methods, reason = "a test's own setting")]
        let named = std::env::var("LXP_OULAD_DIR").map(PathBuf::from);
        let beside = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../../shared/data/oulad");
        let directory = named.unwrap_or(beside);
        Dataset::read(&directory, true)
            .unwrap_or_else(|error| panic!("the OULAD files: {error}; name them by LXP_OULAD_DIR"))
    }

    /// A small dataset as files, to be spoilt.
    fn directory(courses: &str, students: &str, registrations: &str) -> tempfile::TempDir {
        let directory = tempfile::tempdir().expect("a directory");
        let write = |name: &str, header: &str, rows: &str| {
            std::fs::write(directory.path().join(name), format!("{header}\n{rows}\n"))
                .expect("a file");
        };
        write(COURSES, "code_module,code_presentation,module_presentation_length", courses);
        write(STUDENTS, "code_module,code_presentation,id_student,region,final_result", students);
        let header =
            "code_module,code_presentation,id_student,date_registration,date_unregistration";
        write(REGISTRATIONS, header, registrations);
        directory
    }

    fn refusal(courses: &str, students: &str, registrations: &str) -> String {
        let directory = directory(courses, students, registrations);
        Dataset::read(directory.path(), false).expect_err("bad input").to_string()
    }

    const COURSE: &str = "AAA,2013J,268";
    const STUDENT: &str = "AAA,2013J,7,Wales,Pass";

    #[test]
    fn the_real_files_have_the_counts_that_are_published() {
        let dataset = oulad();
        assert_eq!(dataset.presentations.len(), 22);
        assert_eq!(dataset.homes.len(), 28_785);
        assert_eq!(dataset.registrations.len(), 32_593);
        let regions: HashSet<_> = dataset.homes.values().map(|home| &home.region).collect();
        assert_eq!(regions.len(), 13);
        let unregistered = |before: bool| {
            let days = dataset.registrations.iter().filter_map(|row| row.unregistered);
            days.filter(|day| (*day < 0) == before).count()
        };
        assert_eq!((unregistered(true), unregistered(false)), (2_678, 7_394));
    }

    #[test]
    fn plain_files_are_read_like_gzipped_ones() {
        let directory = directory(COURSE, STUDENT, "AAA,2013J,7,-159,?");
        let dataset = Dataset::read(directory.path(), false).expect("a dataset");
        assert_eq!(dataset.registrations[0].registered, Some(-159));
        assert_eq!(dataset.registrations[0].unregistered, None);
    }

    #[test]
    fn a_student_of_two_regions_is_refused_with_both_lines() {
        let error = refusal(COURSE, "AAA,2013J,7,Wales,Pass\nAAA,2014J,7,Scotland,Fail", "");
        assert_eq!(
            error,
            "studentInfo.csv, line 3: student 7 lives in `Scotland` here and in `Wales` in line 2"
        );
    }

    #[test]
    fn registrations_of_nobody_of_no_class_and_twice_are_refused_with_their_line() {
        for (registrations, expected) in [
            (
                "AAA,2013J,8,1,?",
                "studentRegistration.csv, line 2: studentInfo.csv has no student 8",
            ),
            ("BBB,2013J,7,1,?", "studentRegistration.csv, line 2: courses.csv has no BBB-2013J"),
            (
                "AAA,2013J,7,1,?\nAAA,2013J,7,2,?",
                "studentRegistration.csv, line 3: student 7 is in AAA-2013J already",
            ),
            (
                "AAA,2013J,7,soon,?",
                "studentRegistration.csv, line 2: date_registration is a whole number from -3650 to \
                 3650, not `soon`",
            ),
        ] {
            assert_eq!(refusal(COURSE, STUDENT, registrations), expected);
        }
    }

    #[test]
    fn presentations_are_a_year_and_a_letter() {
        for (wrong, at) in [("13J", 2), ("2013X", 2), ("2013", 2), ("é", 2), ("+201J", 2)] {
            let error = refusal(&format!("AAA,{wrong},268"), STUDENT, "");
            let place = format!("courses.csv, line {at}: code_presentation");
            assert!(error.starts_with(&place), "{error}");
        }
        assert!(refusal("AAA,2013J,268\nAAA,2013J,1", STUDENT, "").contains("already"));
    }
}
