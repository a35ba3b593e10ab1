//! Curricula, as they are read: those of a program, newest and older ones.

use std::time::Duration;

use chrono::{DateTime, Utc};
use rust_decimal::Decimal;
use serde::{Deserialize, Serialize};
use sqlx::FromRow;
use sqlx::types::Json;
use utoipa::ToSchema;
use uuid::Uuid;

use super::model::CurriculumItem;
use crate::resource::{Field, Kind, Resource, Scope, plain_decimal};

/// The program that a path names.
#[derive(Debug)]
pub struct OfProgram;

impl Scope for OfProgram {
    const NAME: &'static str = "programId";
}

/// A curriculum with its program.
#[derive(Debug, Clone, Serialize, Deserialize, FromRow, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct ProgramCurriculum {
    /// Its id.
    pub id: Uuid,
    /// The program.
    pub program_id: Uuid,
    /// Its number within the program.
    pub version: i32,
    /// The template's code.
    pub template_code: String,
    /// The template's version.
    pub template_version: i32,
    /// Credits that a student needs.
    #[serde(serialize_with = "plain_decimal")]
    pub credits_required: Decimal,
    /// What it is made of, in order.
    #[schema(value_type = Vec<CurriculumItem>)]
    pub items: Json<Vec<CurriculumItem>>,
    /// Stays 1: a curriculum does not change.
    pub row_version: i64,
    /// When it was made.
    pub created_at: DateTime<Utc>,
}

impl Resource for ProgramCurriculum {
    const ENTITY: &'static str = "curricula";
    const KIND: &'static str = "CURRICULUM";
    const TOUCHES: &'static [&'static str] = &[];
    const NOUN: &'static str = "curriculum";
    const SELECT: &'static str = "SELECT t.id, t.program_id, t.version, t.template_code, t.template_version, \
        t.credits_required, coalesce((SELECT json_agg(json_build_object('id', i.id, 'courseId', i.course_id, \
            'courseCode', co.code, 'year', i.year, 'term', i.term, 'kind', i.kind, 'group', i.group_code) \
            ORDER BY i.position) FROM curriculum_items i \
            JOIN courses co ON co.institution_id = i.institution_id AND co.id = i.course_id \
            WHERE i.institution_id = t.institution_id AND i.curriculum_id = t.id), '[]'::json) AS items, \
        t.row_version, t.created_at FROM curricula t";
    const FIELDS: &'static [Field] = &[
        Field::id("curricula", "curriculum"),
        Field::reference("programId", "t.program_id", "programs", "program"),
        Field::both("version", "t.version", Kind::Integer),
        Field::sort("createdAt", "t.created_at", Kind::Timestamp),
    ];
    const MEMBERS: &'static [&'static str] = &[
        "id",
        "programId",
        "version",
        "templateCode",
        "templateVersion",
        "creditsRequired",
        "items",
        "rowVersion",
        "createdAt",
    ];
    const CACHE_TTL: Option<Duration> = None;
}
