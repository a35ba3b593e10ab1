//! What the grades of a class come to, assessment by assessment.

use garde::Validate;
use rust_decimal::Decimal;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;
use uuid::Uuid;

use super::store;
use crate::domain::enrollments::class_exists;
use crate::error::{Error, not_found};
use crate::operation::Reader;
use crate::policy::About;
use crate::resource::{plain_decimal, plain_decimal_option};

/// A class by the id that a path names.
#[derive(Debug, Deserialize, Validate, ToSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct ByClass {
    /// The class.
    #[garde(skip)]
    pub class_id: Uuid,
}

/// What the grades of an assessment come to.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct AssessmentStats {
    /// The assessment.
    pub assessment_id: Uuid,
    /// What it is called.
    pub title: String,
    /// The institution's own word, such as TMA, CMA or EXAM.
    pub kind: Option<String>,
    /// Points of all.
    #[serde(serialize_with = "plain_decimal")]
    pub points_possible: Decimal,
    /// Grades with a score.
    pub graded: i64,
    /// Exemptions.
    pub exempt: i64,
    /// Grades without a score; not those that were never begun.
    pub ungraded: i64,
    /// All scores together.
    #[serde(serialize_with = "plain_decimal")]
    pub score_sum: Decimal,
    /// The mean score, to 4 decimals; null of nothing.
    #[serde(serialize_with = "plain_decimal_option")]
    pub mean_score: Option<Decimal>,
    /// The lowest.
    #[serde(serialize_with = "plain_decimal_option")]
    pub min_score: Option<Decimal>,
    /// The highest.
    #[serde(serialize_with = "plain_decimal_option")]
    pub max_score: Option<Decimal>,
}

/// What the grades of a class come to.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct ClassGradeStats {
    /// The class.
    pub class_id: Uuid,
    /// Grades with a score, of all its assessments.
    pub graded: i64,
    /// Exemptions.
    pub exempt: i64,
    /// Grades without a score.
    pub ungraded: i64,
    /// The mean of all scores, to 4 decimals; null of nothing.
    #[serde(serialize_with = "plain_decimal_option")]
    pub mean_score: Option<Decimal>,
    /// Its assessments, in order of their due dates.
    pub assessments: Vec<AssessmentStats>,
}

/// Computes them.
pub(super) async fn get(reader: &Reader, input: ByClass) -> Result<ClassGradeStats, Error> {
    let mut tx = reader.begin().await?;
    if !class_exists(&mut tx, input.class_id).await? {
        return Err(not_found("class"));
    }
    reader.expect(&mut tx, About::class(input.class_id)).await?;
    let assessments = store::class_stats(&mut tx, input.class_id).await?;
    tx.commit().await?;
    let sum = |value: fn(&AssessmentStats) -> i64| assessments.iter().map(value).sum::<i64>();
    let graded = sum(|stats| stats.graded);
    let scores: Decimal = assessments.iter().map(|stats| stats.score_sum).sum();
    Ok(ClassGradeStats {
        class_id: input.class_id,
        graded,
        exempt: sum(|stats| stats.exempt),
        ungraded: sum(|stats| stats.ungraded),
        mean_score: mean(scores, graded),
        assessments,
    })
}

fn mean(sum: Decimal, count: i64) -> Option<Decimal> {
    use rust_decimal::RoundingStrategy;
    let mean = sum.checked_div(Decimal::from(count))?;
    Some(mean.round_dp_with_strategy(4, RoundingStrategy::MidpointAwayFromZero))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_mean_has_four_decimals_and_there_is_none_of_nothing() {
        assert_eq!(mean(Decimal::from(2), 3), Some(Decimal::new(6_667, 4)));
        assert_eq!(mean(Decimal::ZERO, 0), None);
    }
}
