//! How a class counts: its assessments by category, and what a student's grades come to by that.
//!
//! What must stay true: drafts and what does not count are in no total. Where a class has categories their weights
//! count, and what is in none of them has the weight that is left to 100; without any, points count.

use std::collections::HashMap;

use chrono::{DateTime, Utc};
use rust_decimal::Decimal;
use serde::Serialize;
use utoipa::ToSchema;
use uuid::Uuid;

use crate::domain::grades::{Origin, State, refresh_class_job};
use crate::domain::grading::totals::{self, Category, Entry, Weighting};
use crate::operation::Work;
use crate::resource::{plain_decimal, plain_decimal_option};

/// Has everybody's progress in a class computed anew, once this work has committed.
pub(super) fn changed(work: &mut Work, class_id: Uuid) {
    work.enqueue(refresh_class_job(class_id));
}

/// How a class counts.
#[derive(Debug, Clone, Default)]
pub(crate) struct Structure {
    /// Whether the class has categories at all.
    pub(super) categories: Vec<CategoryRow>,
    /// What counts, or is only shown.
    pub(crate) columns: Vec<Column>,
}

/// A category, as totals see it.
#[derive(Debug, Clone, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct CategoryRow {
    /// Its id.
    pub id: Uuid,
    /// Its name.
    pub name: String,
    /// What it weighs.
    #[serde(serialize_with = "plain_decimal")]
    pub weight: Decimal,
    /// How many of the lowest are left out.
    pub drop_lowest: i32,
    /// How many of the highest are left out.
    pub drop_highest: i32,
}

/// An assessment of a gradebook.
#[derive(Debug, Clone, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct Column {
    /// The assessment.
    pub assessment_id: Uuid,
    /// What it is called.
    pub title: String,
    /// The institution's own word, such as TMA, CMA or EXAM.
    pub kind: Option<String>,
    /// AUTOMATED or MANUAL.
    pub grading_type: String,
    /// PUBLISHED or CLOSED.
    pub status: String,
    /// Points of all.
    #[serde(serialize_with = "plain_decimal")]
    pub points_possible: Decimal,
    /// Later than this is late.
    pub due_at: Option<DateTime<Utc>>,
    /// The category.
    pub category_id: Option<Uuid>,
    /// The subject that it counts for; every one where null.
    pub subject_id: Option<Uuid>,
    /// Whether it counts for totals.
    pub counts: bool,
    /// Whether students see their scores once they are given.
    pub released: bool,
}

/// A grade in a gradebook.
#[derive(Debug, Clone, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct Cell {
    /// The grade.
    pub grade_id: Uuid,
    /// The student; said by the row.
    #[serde(skip)]
    pub student_id: Uuid,
    /// The assessment.
    pub assessment_id: Uuid,
    /// UNGRADED, GRADED or EXEMPT.
    pub state: State,
    /// Points, after the late deduction; null unless GRADED.
    #[serde(serialize_with = "plain_decimal_option")]
    pub score: Option<Decimal>,
    /// Points that there were to get.
    #[serde(serialize_with = "plain_decimal")]
    pub possible: Decimal,
    /// Points that lateness took.
    #[serde(serialize_with = "plain_decimal")]
    pub late_deduction: Decimal,
    /// MANUAL or AUTOMATED.
    pub origin: Origin,
    /// Whether the student sees it.
    pub released: bool,
    /// For `rowVersion` and `If-Match`.
    pub row_version: i64,
}

/// What a student's grades come to, in percent.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(crate) struct Percents {
    /// Of what is graded; none of nothing.
    pub(crate) current: Option<Decimal>,
    /// Of everything, with what is not graded as 0; none of nothing.
    pub(crate) last: Option<Decimal>,
}

impl Structure {
    /// What counts for a subject.
    pub(crate) fn of_subject(&self, subject: Uuid) -> Self {
        let counts =
            |column: &&Column| column.counts && column.subject_id.is_none_or(|of| of == subject);
        let columns = self.columns.iter().filter(counts).cloned().collect();
        Self { categories: self.categories.clone(), columns }
    }

    /// What counts and has no grade among these, nor an exemption.
    pub(super) fn ungraded(&self, cells: &[&Cell]) -> Vec<Uuid> {
        let has = |assessment| {
            cells
                .iter()
                .any(|cell| cell.assessment_id == assessment && cell.state != State::Ungraded)
        };
        let counted = self.columns.iter().filter(|column| column.counts);
        counted.map(|column| column.assessment_id).filter(|id| !has(*id)).collect()
    }
}

/// What one student's grades come to.
pub(crate) fn totals(structure: &Structure, cells: &[&Cell]) -> Percents {
    let by_assessment: HashMap<Uuid, &Cell> =
        cells.iter().map(|cell| (cell.assessment_id, *cell)).collect();
    let entries = |category: Option<Uuid>| -> Vec<Entry> {
        let of = |column: &&Column| column.counts && structure.category_of(column) == category;
        structure
            .columns
            .iter()
            .filter(of)
            .map(|column| entry(column, by_assessment.get(&column.assessment_id).copied()))
            .collect()
    };
    let mut categories: Vec<Category> = structure
        .categories
        .iter()
        .map(|category| Category {
            weight: category.weight,
            drop_lowest: usize::try_from(category.drop_lowest).unwrap_or_default(),
            drop_highest: usize::try_from(category.drop_highest).unwrap_or_default(),
            entries: entries(Some(category.id)),
        })
        .collect();
    categories.push(Category {
        weight: structure.weight_left(),
        drop_lowest: 0,
        drop_highest: 0,
        entries: entries(None),
    });
    let weighted = !structure.categories.is_empty();
    let weighting = if weighted { Weighting::Weights } else { Weighting::Points };
    let total = totals::total(&categories, weighting);
    Percents { current: total.current, last: total.end }
}

impl Structure {
    fn category_of(&self, column: &Column) -> Option<Uuid> {
        column.category_id.filter(|id| self.categories.iter().any(|category| category.id == *id))
    }

    /// What the weights leave of 100.
    fn weight_left(&self) -> Decimal {
        let taken: Decimal = self.categories.iter().map(|category| category.weight).sum();
        (Decimal::ONE_HUNDRED - taken).max(Decimal::ZERO)
    }
}

fn entry(column: &Column, cell: Option<&Cell>) -> Entry {
    Entry {
        score: cell.and_then(|cell| cell.score),
        // A grade keeps what was possible when it was given.
        possible: cell
            .filter(|cell| cell.score.is_some())
            .map_or(column.points_possible, |cell| cell.possible),
        is_exempt: cell.is_some_and(|cell| cell.state == State::Exempt),
    }
}

#[cfg(test)]
#[path = "structure_test.rs"]
mod tests;
