//! Attendance as a student has it: the marks, and what they come to.

use garde::Validate;
use rust_decimal::Decimal;
use serde::{Deserialize, Serialize};
use service_kit::problem::FieldProblem;
use utoipa::ToSchema;
use uuid::Uuid;

use super::model::AttendanceRecord;
use super::store;
use crate::domain::students::Student;
use crate::error::Error;
use crate::operation::{Reader, invalid};
use crate::policy::{self, About, Relation};
use crate::resource::{self, ListQuery, Page};

/// The student that a path names.
#[derive(Debug, Deserialize, Validate, ToSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct AttendanceOf {
    /// The student.
    #[garde(skip)]
    pub student_id: Uuid,
}

/// What the attendance of a student comes to.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct StudentAttendance {
    /// The student.
    pub student_id: Uuid,
    /// Class by class; those in which nobody has marked the student are left out.
    pub items: Vec<StudentClass>,
}

/// What it comes to in one class.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct StudentClass {
    /// The class.
    pub class_id: Uuid,
    /// The class's code.
    pub class_code: String,
    /// Marks.
    pub marked: i64,
    /// Marks whose code counts.
    pub counted: i64,
    /// What these count as, in all.
    #[serde(with = "rust_decimal::serde::float")]
    #[schema(value_type = f64)]
    pub present: Decimal,
    /// The part of `counted` that is `present`, to 4 decimals; null where nothing counts.
    #[serde(with = "rust_decimal::serde::float_option")]
    #[schema(value_type = Option<f64>)]
    pub rate: Option<Decimal>,
}

/// Lists marks: an instructor says of which class, which must be theirs; families see those of their students.
pub(super) async fn list(
    reader: &Reader,
    query: ListQuery<AttendanceRecord>,
) -> Result<Page<AttendanceRecord>, Error> {
    let relations = reader.caller.relations;
    let mut tx = reader.begin().await?;
    let class = query.filters.iter().find(|(field, _)| field.name == "classId");
    let class: Option<Uuid> = class.and_then(|(_, id)| id.parse().ok());
    let is_family = relations.contains(Relation::Own) || relations.contains(Relation::Guards);
    let query = match class {
        _ if relations.is_any() => query,
        Some(class) if relations.contains(Relation::Teaches) => {
            reader.expect_class(&mut tx, class).await?;
            query
        }
        _ if is_family => {
            let visible = policy::visible_students(&mut tx, &reader.caller).await?;
            query.among("studentId", visible)
        }
        _ => {
            let detail = "the id of a class that you teach is expected";
            return Err(invalid().field(FieldProblem::new("/classId", "required", detail)).into());
        }
    };
    let page = resource::list_where(&mut tx, query).await?;
    tx.commit().await?;
    Ok(page)
}

/// What the marks of a student come to.
pub(super) async fn stats(
    reader: &Reader,
    input: AttendanceOf,
) -> Result<StudentAttendance, Error> {
    let student_id = input.student_id;
    let mut tx = reader.begin().await?;
    resource::load_required::<Student>(&mut tx, student_id).await?;
    reader.expect(&mut tx, About::student(student_id)).await?;
    let items = store::of_student(&mut tx, student_id).await?;
    tx.commit().await?;
    Ok(StudentAttendance { student_id, items })
}
