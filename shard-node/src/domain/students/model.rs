//! A student, new, changed and as it is read.

use std::time::Duration;

use chrono::{DateTime, Utc};
use garde::Validate;
use serde::{Deserialize, Serialize};
use serde_json::Value;
use sqlx::FromRow;
use sqlx::types::Json;
use utoipa::ToSchema;
use uuid::Uuid;

use super::Accommodations;
use crate::domain::checks::{together_with, valid_email};
use crate::resource::bulk::ROWS_MAX;
use crate::resource::{Field, Kind, Resource, nullable};

/// A student, with the names of the user that it is.
#[derive(Debug, Clone, Serialize, Deserialize, FromRow, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct Student {
    /// Its id.
    pub id: Uuid,
    /// The user that it is: `sub` of its tokens.
    pub user_id: Uuid,
    /// Its number, unique in the institution.
    pub student_no: String,
    /// Given name.
    pub given_name: String,
    /// Family name.
    pub family_name: String,
    /// Where to write to.
    pub email: Option<String>,
    /// The program that it studies.
    pub program_id: Option<Uuid>,
    /// The year in which it began.
    pub cohort_year: Option<i32>,
    /// ACTIVE, LEAVE, GRADUATED or WITHDRAWN.
    pub standing: String,
    /// What the student is granted; null is nothing.
    #[schema(value_type = Option<Accommodations>)]
    pub accommodations: Option<Json<Accommodations>>,
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

/// A student to create.
#[derive(Debug, Clone, Deserialize, Validate, ToSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct NewStudent {
    /// Unique in the institution.
    #[garde(length(chars, min = 1, max = 64))]
    pub student_no: String,
    /// Given name.
    #[garde(length(chars, min = 1, max = 200))]
    pub given_name: String,
    /// Family name.
    #[garde(length(chars, min = 1, max = 200))]
    pub family_name: String,
    /// Where to write to.
    #[garde(inner(custom(valid_email)))]
    pub email: Option<String>,
    /// The program that it studies.
    #[garde(skip)]
    pub program_id: Option<Uuid>,
    /// The year in which it began.
    #[garde(range(min = 1900, max = 2200))]
    pub cohort_year: Option<i32>,
    /// ACTIVE, LEAVE, GRADUATED or WITHDRAWN; ACTIVE where absent.
    #[serde(default = "active")]
    #[garde(custom(valid_standing))]
    pub standing: String,
    /// What the student is granted.
    #[garde(dive)]
    pub accommodations: Option<Accommodations>,
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

/// A change of a student; what is absent stays, what is null is cleared.
#[derive(Debug, Deserialize, Validate, ToSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct PatchStudent {
    /// Which one.
    #[garde(skip)]
    pub id: Uuid,
    /// A new number.
    #[garde(inner(length(chars, min = 1, max = 64)))]
    pub student_no: Option<String>,
    /// A new given name.
    #[garde(inner(length(chars, min = 1, max = 200)))]
    pub given_name: Option<String>,
    /// A new family name.
    #[garde(inner(length(chars, min = 1, max = 200)))]
    pub family_name: Option<String>,
    /// Another address, or none.
    #[serde(default, deserialize_with = "nullable")]
    #[schema(value_type = Option<String>)]
    #[garde(inner(inner(custom(valid_email))))]
    pub email: Option<Option<String>>,
    /// Another program, or none.
    #[serde(default, deserialize_with = "nullable")]
    #[schema(value_type = Option<Uuid>)]
    #[garde(skip)]
    pub program_id: Option<Option<Uuid>>,
    /// Another year, or none.
    #[serde(default, deserialize_with = "nullable")]
    #[schema(value_type = Option<i32>)]
    #[garde(inner(inner(range(min = 1900, max = 2200))))]
    pub cohort_year: Option<Option<i32>>,
    /// ACTIVE, LEAVE, GRADUATED or WITHDRAWN.
    #[garde(inner(custom(valid_standing)))]
    pub standing: Option<String>,
    /// All that the student is to be granted, or nothing.
    #[serde(default, deserialize_with = "nullable")]
    #[schema(value_type = Option<Accommodations>)]
    #[garde(dive)]
    pub accommodations: Option<Option<Accommodations>>,
}

impl PatchStudent {
    /// The student as it is to be.
    pub fn apply_to(&self, mut student: Student) -> Student {
        if let Some(student_no) = &self.student_no {
            student.student_no.clone_from(student_no);
        }
        if let Some(given_name) = &self.given_name {
            student.given_name.clone_from(given_name);
        }
        if let Some(family_name) = &self.family_name {
            student.family_name.clone_from(family_name);
        }
        if let Some(email) = &self.email {
            student.email.clone_from(email);
        }
        if let Some(standing) = &self.standing {
            student.standing.clone_from(standing);
        }
        if let Some(accommodations) = &self.accommodations {
            student.accommodations = accommodations.clone().map(Json);
        }
        student.program_id = self.program_id.unwrap_or(student.program_id);
        student.cohort_year = self.cohort_year.unwrap_or(student.cohort_year);
        student
    }
}

/// Students to create in one call.
#[derive(Debug, Deserialize, Validate, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct BulkStudents {
    /// Whether one refused row refuses all.
    #[serde(default)]
    #[garde(skip)]
    pub atomic: bool,
    /// 1 to 1,000; each is judged on its own.
    #[schema(value_type = Vec<NewStudent>)]
    #[garde(length(min = 1, max = ROWS_MAX))]
    pub items: Vec<Value>,
}

fn active() -> String {
    "ACTIVE".to_owned()
}

fn valid_standing<C>(value: &str, _: &C) -> garde::Result {
    match value {
        "ACTIVE" | "LEAVE" | "GRADUATED" | "WITHDRAWN" => Ok(()),
        _ => Err(garde::Error::new("ACTIVE, LEAVE, GRADUATED or WITHDRAWN is expected")),
    }
}

/// What `standing` may be.
const STANDINGS: &[&str] = &["ACTIVE", "LEAVE", "GRADUATED", "WITHDRAWN"];

impl Resource for Student {
    const ENTITY: &'static str = "students";
    const KIND: &'static str = "STUDENT";
    const TOUCHES: &'static [&'static str] = &["students"];
    const NOUN: &'static str = "student";
    const SELECT: &'static str = "SELECT t.id, t.user_id, t.student_no, u.given_name, u.family_name, \
        u.email, t.program_id, t.cohort_year, t.standing, t.accommodations, t.source, t.external_id, t.row_version, \
        t.created_at, t.updated_at FROM students t \
        JOIN users u ON u.institution_id = t.institution_id AND u.id = t.user_id";
    const FIELDS: &'static [Field] = &[
        Field::id("students", "student"),
        Field::both("studentNo", "t.student_no", Kind::Text),
        Field::sort("familyName", "u.family_name", Kind::Text),
        Field::reference("userId", "t.user_id", "users", "user"),
        Field::reference("programId", "t.program_id", "programs", "program"),
        Field::filter("standing", "t.standing", Kind::OneOf(STANDINGS)),
        Field::filter("source", "t.source", Kind::Text),
        Field::filter("externalId", "t.external_id", Kind::Text),
        Field::sort("createdAt", "t.created_at", Kind::Timestamp),
    ];
    const MEMBERS: &'static [&'static str] = &[
        "id",
        "userId",
        "studentNo",
        "givenName",
        "familyName",
        "email",
        "programId",
        "cohortYear",
        "standing",
        "accommodations",
        "source",
        "externalId",
        "rowVersion",
        "createdAt",
        "updatedAt",
    ];
    const CACHE_TTL: Option<Duration> = Some(Duration::from_mins(10));
    const UNRECORDED: &'static [&'static str] =
        &["givenName", "familyName", "email", "accommodations"];
}
