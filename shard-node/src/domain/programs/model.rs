//! A program, new, changed and as it is read.

use std::time::Duration;

use chrono::{DateTime, Utc};
use garde::Validate;
use rust_decimal::Decimal;
use serde::de::{Deserializer, Error as _};
use serde::{Deserialize, Serialize};
use sqlx::FromRow;
use sqlx::types::Json;
use utoipa::openapi::schema::{OneOfBuilder, Ref};
use utoipa::openapi::{RefOr, Schema};
use utoipa::{PartialSchema, ToSchema};
use uuid::Uuid;

use super::Template;
use super::template::{Group, Item};
use crate::domain::checks::together_with;
use crate::resource::{Field, Kind, Resource, plain_decimal};

/// Which program.
#[derive(Debug, Deserialize, Validate, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct ById {
    /// Its id; tRPC callers may say `programId`.
    #[serde(alias = "programId")]
    #[garde(skip)]
    pub id: Uuid,
}

/// A program in a list.
#[derive(Debug, Clone, Serialize, Deserialize, FromRow, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct Program {
    /// Its id.
    pub id: Uuid,
    /// Its code, unique in the institution.
    pub code: String,
    /// Its name.
    pub name: String,
    /// DRAFT, ACTIVE or ARCHIVED.
    pub status: String,
    /// Credits that its curriculum requires.
    #[serde(serialize_with = "plain_decimal")]
    pub credits: Decimal,
    /// How its years are cut into terms.
    pub term_system_id: Uuid,
    /// The system that it came from.
    pub source: Option<String>,
    /// Its id there.
    pub external_id: Option<String>,
    /// Raised by every change.
    pub row_version: i64,
    /// When it was made.
    pub created_at: DateTime<Utc>,
    /// When it was changed last.
    pub updated_at: DateTime<Utc>,
}

/// A program with its newest curriculum and its term system.
#[derive(Debug, Clone, Serialize, Deserialize, FromRow, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct ProgramDetail {
    /// The program itself.
    #[serde(flatten)]
    #[sqlx(flatten)]
    pub program: Program,
    /// Its newest curriculum; none where it was made without a template.
    #[schema(value_type = Option<Curriculum>)]
    pub curriculum: Option<Json<Curriculum>>,
    /// Its term system.
    #[schema(value_type = TermSystemSummary)]
    pub term_system: Json<TermSystemSummary>,
}

/// A curriculum: what is studied when.
#[derive(Debug, Clone, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct Curriculum {
    /// Its id.
    pub id: Uuid,
    /// Its number within the program.
    pub version: i32,
    /// The template's code.
    pub template_code: String,
    /// The template's version.
    pub template_version: i32,
    /// What it is made of, in order.
    pub items: Vec<CurriculumItem>,
}

/// A course in a curriculum.
#[derive(Debug, Clone, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct CurriculumItem {
    /// Its id.
    pub id: Uuid,
    /// The course.
    pub course_id: Uuid,
    /// The course's code.
    pub course_code: String,
    /// The year of study, from 1.
    pub year: i32,
    /// The term of that year, from 1.
    pub term: i32,
    /// CORE or ELECTIVE.
    pub kind: String,
    /// The group of electives that it belongs to.
    pub group: Option<String>,
}

/// How a year is cut into terms.
#[derive(Debug, Clone, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct TermSystemSummary {
    /// Its id.
    pub id: Uuid,
    /// SEMESTER, TRIMESTER, QUARTER, YEAR or CUSTOM.
    #[serde(rename = "type")]
    pub kind: String,
    /// Terms in a year.
    pub terms_per_year: i32,
    /// Weeks in a term.
    pub weeks_per_term: i32,
}

/// A program to create.
#[derive(Debug, Deserialize, Validate, ToSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct NewProgram {
    /// Unique in the institution.
    #[garde(length(chars, min = 1, max = 64))]
    pub code: String,
    /// Its name.
    #[garde(length(chars, min = 1, max = 300))]
    pub name: String,
    /// A template, or `{code, version}` of a stored one. Without it the program has no curriculum yet.
    #[garde(dive)]
    pub curriculum_template: Option<TemplateSource>,
    /// SEMESTER, TRIMESTER, QUARTER, YEAR or CUSTOM.
    #[serde(default = "semester")]
    #[garde(custom(valid_term_system))]
    pub term_system: String,
    /// Terms in a year.
    #[serde(default = "two")]
    #[garde(range(min = 1, max = 12))]
    pub terms_per_year: i32,
    /// Weeks in a term.
    #[serde(default = "fifteen")]
    #[garde(range(min = 1, max = 52))]
    pub weeks_per_term: i32,
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

/// Where the curriculum comes from.
#[derive(Debug, Validate)]
pub enum TemplateSource {
    /// The template itself; it is stored under its code and version.
    Inline(#[garde(dive)] Template),
    /// A stored one.
    Stored(#[garde(dive)] TemplateRef),
}

/// What either may have. By hand, because serde's untagged enums cannot say what is wrong, nor where.
#[derive(Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
struct EitherSource {
    code: String,
    version: Option<i32>,
    years: Option<i32>,
    credits_required: Option<Decimal>,
    groups: Option<Vec<Group>>,
    items: Option<Vec<Item>>,
}

impl<'de> Deserialize<'de> for TemplateSource {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let either = EitherSource::deserialize(deserializer)?;
        let EitherSource { code, version, years, credits_required, groups, items } = either;
        let Some(items) = items else {
            if years.is_some() || credits_required.is_some() || groups.is_some() {
                return Err(D::Error::missing_field("items"));
            }
            let version = version.ok_or_else(|| D::Error::missing_field("version"))?;
            return Ok(Self::Stored(TemplateRef { code, version }));
        };
        Ok(Self::Inline(Template {
            code,
            version: version.unwrap_or(1),
            years: years.ok_or_else(|| D::Error::missing_field("years"))?,
            credits_required: credits_required.unwrap_or_default(),
            groups: groups.unwrap_or_default(),
            items,
        }))
    }
}

impl ToSchema for TemplateSource {
    fn schemas(schemas: &mut Vec<(String, RefOr<Schema>)>) {
        schemas.push((Template::name().into_owned(), Template::schema()));
        schemas.push((TemplateRef::name().into_owned(), TemplateRef::schema()));
        Template::schemas(schemas);
    }
}

impl PartialSchema for TemplateSource {
    fn schema() -> RefOr<Schema> {
        let one_of = OneOfBuilder::new()
            .item(Ref::from_schema_name(Template::name()))
            .item(Ref::from_schema_name(TemplateRef::name()));
        RefOr::T(Schema::from(one_of))
    }
}

/// A stored template.
#[derive(Debug, Deserialize, Validate, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct TemplateRef {
    /// Its code.
    #[garde(length(chars, min = 1, max = 64))]
    pub code: String,
    /// Its version.
    #[garde(range(min = 1))]
    pub version: i32,
}

/// A change of a program; what is absent stays.
#[derive(Debug, Deserialize, Validate, ToSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct PatchProgram {
    /// Which one.
    #[garde(skip)]
    pub id: Uuid,
    /// A new code.
    #[garde(inner(length(chars, min = 1, max = 64)))]
    pub code: Option<String>,
    /// A new name.
    #[garde(inner(length(chars, min = 1, max = 300)))]
    pub name: Option<String>,
    /// DRAFT, ACTIVE or ARCHIVED.
    #[garde(inner(custom(valid_status)))]
    pub status: Option<String>,
}

impl PatchProgram {
    /// The program as it is to be.
    pub fn apply_to(&self, mut program: Program) -> Program {
        if let Some(code) = &self.code {
            program.code.clone_from(code);
        }
        if let Some(name) = &self.name {
            program.name.clone_from(name);
        }
        if let Some(status) = &self.status {
            program.status.clone_from(status);
        }
        program
    }
}

fn semester() -> String {
    "SEMESTER".to_owned()
}

fn two() -> i32 {
    2
}

fn fifteen() -> i32 {
    15
}

fn valid_term_system(value: &str, (): &()) -> garde::Result {
    match value {
        "SEMESTER" | "TRIMESTER" | "QUARTER" | "YEAR" | "CUSTOM" => Ok(()),
        _ => Err(garde::Error::new("SEMESTER, TRIMESTER, QUARTER, YEAR or CUSTOM is expected")),
    }
}

fn valid_status(value: &str, (): &()) -> garde::Result {
    match value {
        "DRAFT" | "ACTIVE" | "ARCHIVED" => Ok(()),
        _ => Err(garde::Error::new("DRAFT, ACTIVE or ARCHIVED is expected")),
    }
}

macro_rules! columns {
    () => {
        "t.id, t.code, t.name, t.status, t.credits, t.term_system_id, t.source, t.external_id, \
         t.row_version, t.created_at, t.updated_at"
    };
}

/// What `status` may be.
const STATUSES: &[&str] = &["DRAFT", "ACTIVE", "ARCHIVED"];

const FIELDS: &[Field] = &[
    Field::id("programs", "program"),
    Field::both("code", "t.code", Kind::Text),
    Field::sort("name", "t.name", Kind::Text),
    Field::filter("status", "t.status", Kind::OneOf(STATUSES)),
    Field::filter("source", "t.source", Kind::Text),
    Field::filter("externalId", "t.external_id", Kind::Text),
    Field::sort("createdAt", "t.created_at", Kind::Timestamp),
    Field::sort("updatedAt", "t.updated_at", Kind::Timestamp),
];

const MEMBERS: &[&str] = &[
    "id",
    "code",
    "name",
    "status",
    "credits",
    "termSystemId",
    "source",
    "externalId",
    "rowVersion",
    "createdAt",
    "updatedAt",
];

const TOUCHES: &[&str] = &["programs", "program-stats"];

impl Resource for Program {
    const ENTITY: &'static str = "programs";
    const KIND: &'static str = "PROGRAM";
    const TOUCHES: &'static [&'static str] = TOUCHES;
    const NOUN: &'static str = "program";
    const SELECT: &'static str = concat!("SELECT ", columns!(), " FROM programs t");
    const FIELDS: &'static [Field] = FIELDS;
    const MEMBERS: &'static [&'static str] = MEMBERS;
    const CACHE_TTL: Option<Duration> = None;
}

impl Resource for ProgramDetail {
    const ENTITY: &'static str = "programs";
    const KIND: &'static str = "PROGRAM";
    const TOUCHES: &'static [&'static str] = TOUCHES;
    const NOUN: &'static str = "program";
    const SELECT: &'static str = concat!(
        "SELECT ",
        columns!(),
        ", (SELECT json_build_object('id', c.id, 'version', c.version, 'templateCode', c.template_code,
                   'templateVersion', c.template_version, 'items',
                   coalesce((SELECT json_agg(json_build_object('id', i.id, 'courseId', i.course_id,
                       'courseCode', co.code, 'year', i.year, 'term', i.term, 'kind', i.kind,
                       'group', i.group_code) ORDER BY i.position)
                    FROM curriculum_items i
                    JOIN courses co ON co.institution_id = i.institution_id AND co.id = i.course_id
                    WHERE i.institution_id = c.institution_id AND i.curriculum_id = c.id), '[]'::json))
             FROM curricula c WHERE c.institution_id = t.institution_id AND c.program_id = t.id
             ORDER BY c.version DESC LIMIT 1) AS curriculum,
           json_build_object('id', s.id, 'type', s.type, 'termsPerYear', s.terms_per_year,
               'weeksPerTerm', s.weeks_per_term) AS term_system
         FROM programs t
         JOIN term_systems s ON s.institution_id = t.institution_id AND s.id = t.term_system_id"
    );
    const FIELDS: &'static [Field] = FIELDS;
    const MEMBERS: &'static [&'static str] = MEMBERS;
    const CACHE_TTL: Option<Duration> = Some(Duration::from_mins(5));
}
