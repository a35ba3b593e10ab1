//! An assessment to create, and a change of one.

use chrono::{DateTime, Utc};
use garde::Validate;
use rust_decimal::Decimal;
use serde::Deserialize;
use utoipa::ToSchema;
use uuid::Uuid;

use super::model::{Assessment, CountedAttempt, GradingType, ReleasePolicy};
use crate::domain::checks::{decimal_between, together_with, valid_instant};
use crate::domain::questions::Blueprint;
use crate::resource::nullable;

/// Longest time limit: 30 days.
const TIME_LIMIT_MAX_S: i32 = 30 * 24 * 3600;

/// Points of an assessment of which nobody says how many.
pub(super) const POINTS_DEFAULT: Decimal = Decimal::ONE_HUNDRED;

/// An assessment to create; it is a draft.
#[derive(Debug, Deserialize, Validate, ToSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct NewAssessment {
    /// The class.
    #[garde(skip)]
    pub class_id: Uuid,
    /// The subject of the class that it counts for; all of them where absent.
    #[garde(skip)]
    pub subject_id: Option<Uuid>,
    /// What it is called.
    #[garde(length(chars, min = 1, max = 300))]
    pub title: String,
    /// What students are told before they begin.
    #[garde(length(chars, max = 20_000))]
    pub instructions: Option<String>,
    /// The institution's own word, such as TMA, CMA or EXAM.
    #[garde(length(chars, min = 1, max = 64))]
    pub kind: Option<String>,
    /// AUTOMATED or MANUAL.
    #[garde(skip)]
    pub grading_type: GradingType,
    /// Points of all, 0 to 1,000,000; 100 where absent. With a blueprint they are the blueprint's.
    #[garde(inner(custom(decimal_between(0, 1_000_000))))]
    pub points_possible: Option<Decimal>,
    /// From when it may be begun.
    #[garde(inner(custom(valid_instant)))]
    pub opens_at: Option<DateTime<Utc>>,
    /// Later than this is late.
    #[garde(inner(custom(valid_instant)))]
    pub due_at: Option<DateTime<Utc>>,
    /// Until when it may be sat.
    #[garde(inner(custom(valid_instant)))]
    pub closes_at: Option<DateTime<Utc>>,
    /// How many seconds an attempt may take, up to 30 days.
    #[garde(range(min = 1, max = TIME_LIMIT_MAX_S))]
    pub time_limit_seconds: Option<i32>,
    /// How often it may be sat, 1 to 100; once where absent.
    #[garde(range(min = 1, max = 100))]
    pub max_attempts: Option<i32>,
    /// Which attempt counts; the best where absent.
    #[garde(skip)]
    pub attempt_policy: Option<CountedAttempt>,
    /// The category of the class's gradebook.
    #[garde(skip)]
    pub category_id: Option<Uuid>,
    /// What lateness costs.
    #[garde(skip)]
    pub late_policy_id: Option<Uuid>,
    /// When scores are seen; at once where absent.
    #[garde(skip)]
    pub release_policy: Option<ReleasePolicy>,
    /// Whether it counts for totals and progress; it does where absent.
    #[garde(skip)]
    pub counts: Option<bool>,
    /// What papers are drawn from.
    #[garde(dive)]
    pub blueprint: Option<Blueprint>,
    /// The system that it came from; together with `externalId` unique.
    #[garde(
        length(chars, min = 1, max = 64),
        custom(together_with("externalId", self.external_id.as_ref()))
    )]
    pub source: Option<String>,
    /// Its id there.
    #[garde(
        length(chars, min = 1, max = 128),
        custom(together_with("source", self.source.as_ref()))
    )]
    pub external_id: Option<String>,
}

/// A change of an assessment; what is absent stays, what is null is cleared.
#[derive(Debug, Deserialize, Validate, ToSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct PatchAssessment {
    /// Which one.
    #[garde(skip)]
    pub id: Uuid,
    /// Another subject of the class, or all.
    #[serde(default, deserialize_with = "nullable")]
    #[schema(value_type = Option<Uuid>)]
    #[garde(skip)]
    pub subject_id: Option<Option<Uuid>>,
    /// Another title.
    #[garde(inner(length(chars, min = 1, max = 300)))]
    pub title: Option<String>,
    /// Other instructions, or none.
    #[serde(default, deserialize_with = "nullable")]
    #[schema(value_type = Option<String>)]
    #[garde(inner(inner(length(chars, max = 20_000))))]
    pub instructions: Option<Option<String>>,
    /// Another word for it, or none.
    #[serde(default, deserialize_with = "nullable")]
    #[schema(value_type = Option<String>)]
    #[garde(inner(inner(length(chars, min = 1, max = 64))))]
    pub kind: Option<Option<String>>,
    /// Who gives the points; of a draft.
    #[garde(skip)]
    pub grading_type: Option<GradingType>,
    /// Other points, where there is no blueprint; of a draft.
    #[garde(inner(custom(decimal_between(0, 1_000_000))))]
    pub points_possible: Option<Decimal>,
    /// From when it may be begun.
    #[serde(default, deserialize_with = "nullable")]
    #[schema(value_type = Option<DateTime<Utc>>)]
    #[garde(inner(inner(custom(valid_instant))))]
    pub opens_at: Option<Option<DateTime<Utc>>>,
    /// Later than this is late.
    #[serde(default, deserialize_with = "nullable")]
    #[schema(value_type = Option<DateTime<Utc>>)]
    #[garde(inner(inner(custom(valid_instant))))]
    pub due_at: Option<Option<DateTime<Utc>>>,
    /// Until when it may be sat; attempts that are under way go by it, too.
    #[serde(default, deserialize_with = "nullable")]
    #[schema(value_type = Option<DateTime<Utc>>)]
    #[garde(inner(inner(custom(valid_instant))))]
    pub closes_at: Option<Option<DateTime<Utc>>>,
    /// Another time limit, or none; attempts that are under way go by it, too.
    #[serde(default, deserialize_with = "nullable")]
    #[schema(value_type = Option<i32>)]
    #[garde(inner(inner(range(min = 1, max = TIME_LIMIT_MAX_S))))]
    pub time_limit_seconds: Option<Option<i32>>,
    /// How often it may be sat.
    #[garde(inner(range(min = 1, max = 100)))]
    pub max_attempts: Option<i32>,
    /// Which attempt counts; of a draft.
    #[garde(skip)]
    pub attempt_policy: Option<CountedAttempt>,
    /// Another category of the class's gradebook, or none.
    #[serde(default, deserialize_with = "nullable")]
    #[schema(value_type = Option<Uuid>)]
    #[garde(skip)]
    pub category_id: Option<Option<Uuid>>,
    /// What lateness costs, or nothing.
    #[serde(default, deserialize_with = "nullable")]
    #[schema(value_type = Option<Uuid>)]
    #[garde(skip)]
    pub late_policy_id: Option<Option<Uuid>>,
    /// When scores are seen; of a draft.
    #[garde(skip)]
    pub release_policy: Option<ReleasePolicy>,
    /// Whether it counts.
    #[garde(skip)]
    pub counts: Option<bool>,
    /// Another blueprint, of which materials are made anew, or none; of a draft.
    #[serde(default, deserialize_with = "nullable")]
    #[schema(value_type = Option<Blueprint>)]
    #[garde(dive)]
    pub blueprint: Option<Option<Blueprint>>,
}

impl PatchAssessment {
    /// Whether it changes what students were promised when it was published.
    pub(super) fn is_for_drafts(&self) -> bool {
        self.grading_type.is_some()
            || self.points_possible.is_some()
            || self.attempt_policy.is_some()
            || self.release_policy.is_some()
            || self.blueprint.is_some()
            || self.subject_id.is_some()
    }

    /// Whether it changes when an attempt ends.
    pub(super) fn moves_deadlines(&self) -> bool {
        self.closes_at.is_some() || self.time_limit_seconds.is_some()
    }

    /// The assessment as it is to be, but for the blueprint.
    pub(super) fn apply_to(&self, mut it: Assessment) -> Assessment {
        if let Some(title) = &self.title {
            it.title.clone_from(title);
        }
        if let Some(instructions) = &self.instructions {
            it.instructions.clone_from(instructions);
        }
        if let Some(kind) = &self.kind {
            it.kind.clone_from(kind);
        }
        it.subject_id = self.subject_id.unwrap_or(it.subject_id);
        it.grading_type = self.grading_type.unwrap_or(it.grading_type);
        it.points_possible = self.points_possible.unwrap_or(it.points_possible);
        it.opens_at = self.opens_at.unwrap_or(it.opens_at);
        it.due_at = self.due_at.unwrap_or(it.due_at);
        it.closes_at = self.closes_at.unwrap_or(it.closes_at);
        it.time_limit_seconds = self.time_limit_seconds.unwrap_or(it.time_limit_seconds);
        it.max_attempts = self.max_attempts.unwrap_or(it.max_attempts);
        it.attempt_policy = self.attempt_policy.unwrap_or(it.attempt_policy);
        it.category_id = self.category_id.unwrap_or(it.category_id);
        it.late_policy_id = self.late_policy_id.unwrap_or(it.late_policy_id);
        it.release_policy = self.release_policy.unwrap_or(it.release_policy);
        it.counts = self.counts.unwrap_or(it.counts);
        it
    }
}
