//! What a load ends with, on stdout: what is there, where, what this run changed, and how fast.

use std::time::Duration;

use control_api::Institution;
use serde::Serialize;
use shard_map::{InstitutionId, ShardId};

use super::plan::{Counts, Tenant};
use super::tenant::Made;
use crate::output::{Format, View};

const HEADER: [&str; 12] = [
    "INSTITUTION",
    "SHARD",
    "CLASSES",
    "STUDENTS",
    "ENROLMENTS",
    "ACTIVE",
    "COMPLETED",
    "DROPPED",
    "WITHDRAWN",
    "SCORES",
    "RESULTS",
    "NEW ROWS",
];

/// One institution as it was read back.
#[derive(Debug, Serialize)]
pub(super) struct Loaded {
    id: InstitutionId,
    slug: String,
    shard: ShardId,
    #[serde(flatten)]
    counts: Counts,
    made: Made,
}

/// The whole of it.
#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Report {
    institutions: Vec<Loaded>,
    institutions_made: u64,
    /// As read back through the router.
    total: Counts,
    made: Made,
    /// Students, enrolments, their ends, scores and results that were gone through.
    rows: u64,
    seconds: f64,
    rows_per_second: f64,
    /// What is not as the files say.
    differences: Vec<String>,
}

impl Loaded {
    pub(super) fn new(
        institution: &Institution,
        tenant: &Tenant,
        counts: Counts,
        made: Made,
    ) -> Self {
        let (id, shard) = (institution.id, institution.shard.clone());
        Self { id, slug: tenant.slug.clone(), shard, counts, made }
    }
}

impl Report {
    pub(super) fn new(
        institutions: Vec<Loaded>,
        institutions_made: u64,
        rows: u64,
        took: Duration,
        differences: Vec<String>,
    ) -> Self {
        let total = institutions.iter().map(|loaded| loaded.counts).sum();
        let made = institutions.iter().map(|loaded| loaded.made).sum();
        let seconds = (took.as_secs_f64() * 1000.0).round() / 1000.0;
        let rows_per_second = (f64::from(u32::try_from(rows).unwrap_or(u32::MAX))
            / took.as_secs_f64().max(0.001))
        .round();
        Self {
            institutions,
            institutions_made,
            total,
            made,
            rows,
            seconds,
            rows_per_second,
            differences,
        }
    }

    pub(super) fn differences(&self) -> &[String] {
        &self.differences
    }

    pub(super) fn text(&self, format: Format) -> anyhow::Result<String> {
        let line = |name: &str, shard: &str, counts: &Counts, made: &Made| {
            let numbers = [
                counts.classes,
                counts.students,
                counts.enrollments,
                counts.active,
                counts.completed,
                counts.dropped,
                counts.withdrawn,
                counts.graded,
                counts.results,
                made.rows(),
            ];
            let names = [name.to_owned(), shard.to_owned()];
            names.into_iter().chain(numbers.map(|number| number.to_string())).collect::<Vec<_>>()
        };
        let rows = self
            .institutions
            .iter()
            .map(|loaded| line(&loaded.slug, loaded.shard.as_str(), &loaded.counts, &loaded.made));
        let rows = rows.chain([line("total", "", &self.total, &self.made)]);
        let table = View::list(self, &HEADER, rows, "")?.text(format);
        Ok(match format {
            Format::Json => table,
            Format::Table => format!("{table}\n{}", self.closing()),
        })
    }

    fn closing(&self) -> String {
        let Made { courses, terms, classes, students, enrollments, ended, .. } = self.made;
        let Made { assessments, grades, results, .. } = self.made;
        let verdict = match self.differences.len() {
            0 => "Read back through the router: as the files say.".to_owned(),
            count => format!("Read back through the router: {count} differences from the files."),
        };
        format!(
            "{} rows in {:.1} s: {} rows/s\nNew in this run: {} institutions, {courses} courses, {terms} terms, \
             {classes} classes, {students} students, {enrollments} enrolments, {ended} ends of enrolments, {assessments} assessments, \
             {grades} grades, {results} results\n{verdict}\n",
            self.rows, self.seconds, self.rows_per_second, self.institutions_made,
        )
    }
}

impl Made {
    /// Students, enrolments, ends, grades and results.
    fn rows(&self) -> u64 {
        self.students + self.enrollments + self.ended + self.grades + self.results
    }
}

impl std::iter::Sum for Made {
    fn sum<I: Iterator<Item = Self>>(made: I) -> Self {
        made.fold(Self::default(), |sum, one| Self {
            courses: sum.courses + one.courses,
            terms: sum.terms + one.terms,
            classes: sum.classes + one.classes,
            students: sum.students + one.students,
            enrollments: sum.enrollments + one.enrollments,
            ended: sum.ended + one.ended,
            assessments: sum.assessments + one.assessments,
            grades: sum.grades + one.grades,
            results: sum.results + one.results,
        })
    }
}
