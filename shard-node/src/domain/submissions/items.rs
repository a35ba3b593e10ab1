//! What each item of a submission is worth.

use garde::Validate;
use rust_decimal::Decimal;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;
use uuid::Uuid;

use crate::domain::checks::decimal_between;
use crate::domain::grading::{ItemKey, VariantKey};
use crate::resource::{plain_decimal, plain_decimal_option};

/// An item's points.
#[derive(Debug, Clone, PartialEq, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct ItemScore {
    /// Its name in the paper, such as `i1`.
    pub item: String,
    /// The question.
    pub question_id: Uuid,
    /// Its version by which it was graded.
    pub question_version: i32,
    /// Points; null until there are some.
    #[serde(serialize_with = "plain_decimal_option")]
    pub points: Option<Decimal>,
    /// Points that there were to get.
    #[serde(serialize_with = "plain_decimal")]
    pub possible: Decimal,
    /// SCORED, UNANSWERED, INVALID, or REVIEW while a person has to look at it; null until the grader has.
    pub state: Option<String>,
    /// GRADER or PERSON.
    pub given_by: Option<String>,
    /// What a person says of it.
    pub comment: Option<String>,
}

/// Points that a person gives.
#[derive(Debug, Clone, Deserialize, Validate, ToSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct GivePoints {
    /// The item's name in the paper.
    #[garde(length(bytes, min = 1, max = 16))]
    pub item: String,
    /// Points, 0 to those of the item.
    #[garde(custom(decimal_between(0, 100_000)))]
    pub points: Decimal,
    /// What to say of it.
    #[garde(length(chars, max = 4000))]
    pub comment: Option<String>,
}

/// Points that a person gives in a submission.
#[derive(Debug, Deserialize, Validate, ToSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct ScoreItems {
    /// The submission.
    #[garde(skip)]
    pub id: Uuid,
    /// 1 to 500 items, each once.
    #[garde(length(min = 1, max = 500), dive)]
    pub items: Vec<GivePoints>,
}

/// An item's points as they are kept.
#[derive(Debug, Clone)]
pub(super) struct Kept {
    pub(super) item: String,
    pub(super) question_version: i32,
    pub(super) points: Decimal,
    pub(super) state: String,
    pub(super) given_by: String,
    pub(super) comment: Option<String>,
}

/// Every item of a paper, with its points where there are some.
pub(super) fn all(key: &VariantKey, kept: &[Kept]) -> Vec<ItemScore> {
    let score = |of: &ItemKey| {
        let kept = kept.iter().find(|kept| kept.item == of.item);
        ItemScore {
            item: of.item.clone(),
            question_id: of.question_id,
            question_version: kept.map_or(of.question_version, |kept| kept.question_version),
            // What waits for review has none yet.
            points: kept.filter(|kept| kept.state != "REVIEW").map(|kept| kept.points),
            possible: of.points,
            state: kept.map(|kept| kept.state.clone()),
            given_by: kept.map(|kept| kept.given_by.clone()),
            comment: kept.and_then(|kept| kept.comment.clone()),
        }
    };
    key.items.iter().map(score).collect()
}
