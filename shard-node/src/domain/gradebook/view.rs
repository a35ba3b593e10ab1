//! The gradebook as it is read: students by assessments, with what that comes to; and a student's own.
//!
//! What must stay true: of a student's own, and in the totals there, is what is released and nothing else.

use garde::Validate;
use rust_decimal::Decimal;
use serde::{Deserialize, Serialize};
use std::collections::HashMap;
use utoipa::ToSchema;
use uuid::Uuid;

use super::scale::Marks;
use super::store::{self, Person};
use super::structure::{CategoryRow, Cell, Column, Structure, totals};
use crate::error::{Error, not_found};
use crate::operation::Reader;
use crate::policy::{About, class_exists, visible_students};
use crate::resource::plain_decimal_option;

/// Rows that pages by number reach.
const ROWS_MAX: i64 = 10_000;

/// Whose enrolment is shown where nobody says.
const IN_IT: [&str; 3] = ["ACTIVE", "SUSPENDED", "COMPLETED"];

/// Which part of a gradebook.
#[derive(Debug, Deserialize, Validate, ToSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct GradebookQuery {
    /// The class.
    #[garde(skip)]
    pub class_id: Uuid,
    /// The page, from 1; pages reach 10,000 students.
    #[serde(default = "first")]
    #[garde(range(min = 1, max = 10_000), custom(within_reach(self.limit)))]
    pub page: i64,
    /// Students of a page, 1 to 200.
    #[serde(default = "limit")]
    #[garde(range(min = 1, max = 200))]
    pub limit: i64,
    /// Only those whose enrolment is ACTIVE, SUSPENDED, COMPLETED, DROPPED or WITHDRAWN; the first three where absent.
    #[garde(inner(custom(known_status)))]
    pub status: Option<String>,
    /// Only this student.
    #[garde(skip)]
    pub student_id: Option<Uuid>,
}

fn first() -> i64 {
    1
}

fn limit() -> i64 {
    50
}

fn within_reach<C>(limit: i64) -> impl FnOnce(&i64, &C) -> garde::Result {
    move |page, _| {
        if page.saturating_mul(limit) > ROWS_MAX {
            return Err(garde::Error::new(format!(
                "pages that end at row {ROWS_MAX} are expected"
            )));
        }
        Ok(())
    }
}

fn known_status<C>(value: &str, _: &C) -> garde::Result {
    if IN_IT.contains(&value) || ["DROPPED", "WITHDRAWN"].contains(&value) {
        return Ok(());
    }
    let expected = "ACTIVE, SUSPENDED, COMPLETED, DROPPED or WITHDRAWN is expected";
    Err(garde::Error::new(expected))
}

/// A student's own part of a gradebook.
#[derive(Debug, Deserialize, Validate, ToSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct OwnGradebookQuery {
    /// The class.
    #[garde(skip)]
    pub class_id: Uuid,
    /// Of those for whom the caller answers, this one.
    #[garde(skip)]
    pub student_id: Option<Uuid>,
}

/// What a student's grades come to.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct GradebookTotals {
    /// In percent to 4 decimals, of what is graded; null of nothing.
    #[serde(serialize_with = "plain_decimal_option")]
    pub current: Option<Decimal>,
    /// What `current` is called.
    pub current_letter: Option<String>,
    /// In percent to 4 decimals, with what is not graded as 0; null of nothing.
    #[serde(rename = "final", serialize_with = "plain_decimal_option")]
    pub last: Option<Decimal>,
    /// What `final` is called.
    pub final_letter: Option<String>,
}

/// What an enrolment came to.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct GradebookResult {
    /// FINAL or REOPENED.
    pub state: String,
    /// In percent; null where a system sent none.
    #[serde(serialize_with = "plain_decimal_option")]
    pub percent: Option<Decimal>,
    /// What that is called.
    pub letter: Option<String>,
    /// PASS, DISTINCTION, FAIL, WITHDRAWN, EXEMPT or INCOMPLETE.
    pub outcome: String,
}

/// A student in a gradebook.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct GradebookRow {
    /// The student.
    pub student_id: Uuid,
    /// The student's number.
    pub student_no: String,
    /// Given names.
    pub given_name: String,
    /// Family name.
    pub family_name: String,
    /// The enrolment.
    pub enrollment_id: Uuid,
    /// Where it stands.
    pub enrollment_status: String,
    /// The grades that there are.
    pub grades: Vec<Cell>,
    /// What they come to.
    pub totals: GradebookTotals,
    /// What the enrolment came to, where that is decided.
    pub result: Option<GradebookResult>,
}

/// A page of a gradebook.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct Gradebook {
    /// The class.
    pub class_id: Uuid,
    /// Its categories, in their order.
    pub categories: Vec<CategoryRow>,
    /// Its published assessments, in the order of categories and due dates.
    pub assessments: Vec<Column>,
    /// Students, by name.
    pub items: Vec<GradebookRow>,
    /// How many there are in all.
    pub total: i64,
    /// The page's number.
    pub page: i64,
    /// Students of a page.
    pub limit: i64,
    /// How many pages there are.
    pub total_pages: i64,
}

/// What a student sees of a gradebook.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct OwnGradebook {
    /// The class.
    pub class_id: Uuid,
    /// Its categories, in their order.
    pub categories: Vec<CategoryRow>,
    /// Its published assessments, in the order of categories and due dates.
    pub assessments: Vec<Column>,
    /// The student, or each for whom the caller answers.
    pub items: Vec<GradebookRow>,
}

/// A page of the gradebook.
pub(super) async fn get(reader: &Reader, query: GradebookQuery) -> Result<Gradebook, Error> {
    let mut tx = reader.begin().await?;
    let class = query.class_id;
    reader.expect_class(&mut tx, class).await?;
    let statuses = query
        .status
        .as_ref()
        .map_or_else(|| IN_IT.map(str::to_owned).to_vec(), |status| vec![status.clone()]);
    let window = (query.limit, (query.page - 1) * query.limit);
    let (people, total) = if let Some(student) = query.student_id {
        let found = store::find_people(&mut tx, class, &[student]).await?;
        if found.is_empty() {
            return Err(not_found("student of the class"));
        }
        (found, 1)
    } else {
        let total = store::count_people(&mut tx, class, &statuses).await?;
        (store::people(&mut tx, class, &statuses, window).await?, total)
    };
    let structure = store::structure(&mut tx, class).await?;
    let marks = Marks::of_class(&mut tx, class).await?;
    let students: Vec<Uuid> = people.iter().map(|person| person.student).collect();
    let cells = store::cells(&mut tx, class, &students).await?;
    tx.commit().await?;
    let items = rows(people, cells, &structure, &marks);
    let Structure { categories, columns: assessments } = structure;
    Ok(Gradebook {
        class_id: class,
        categories,
        assessments,
        items,
        total,
        page: query.page,
        limit: query.limit,
        total_pages: total.div_euclid(query.limit) + i64::from(total % query.limit > 0),
    })
}

/// The caller's own, or those for whom the caller answers: what is released.
pub(super) async fn own(reader: &Reader, query: OwnGradebookQuery) -> Result<OwnGradebook, Error> {
    let mut tx = reader.begin().await?;
    let class = query.class_id;
    if !class_exists(&mut tx, class).await? {
        return Err(not_found("class"));
    }
    if let Some(student) = query.student_id {
        reader.expect(&mut tx, About::student(student).hidden("student")).await?;
    }
    let related = visible_students(&mut tx, &reader.caller).await?.unwrap_or_default();
    let wanted: Vec<Uuid> = match query.student_id {
        Some(student) => vec![student],
        None => related,
    };
    let people = store::find_people(&mut tx, class, &wanted).await?;
    if people.is_empty() {
        return Err(not_found("class of the student's"));
    }
    let structure = store::structure(&mut tx, class).await?;
    let marks = Marks::of_class(&mut tx, class).await?;
    let students: Vec<Uuid> = people.iter().map(|person| person.student).collect();
    let mut cells = store::cells(&mut tx, class, &students).await?;
    tx.commit().await?;
    cells.retain(|cell| cell.released);
    let items = rows(people, cells, &structure, &marks);
    let Structure { categories, columns: assessments } = structure;
    Ok(OwnGradebook { class_id: class, categories, assessments, items })
}

fn rows(
    people: Vec<Person>,
    cells: Vec<Cell>,
    structure: &Structure,
    marks: &Marks,
) -> Vec<GradebookRow> {
    let mut by_student: HashMap<Uuid, Vec<Cell>> = HashMap::new();
    for cell in cells {
        by_student.entry(cell.student_id).or_default().push(cell);
    }
    let row = |person: Person| {
        let grades = by_student.remove(&person.student).unwrap_or_default();
        row(person, grades, structure, marks)
    };
    people.into_iter().map(row).collect()
}

fn row(person: Person, grades: Vec<Cell>, structure: &Structure, marks: &Marks) -> GradebookRow {
    let percents = totals(structure, &grades.iter().collect::<Vec<_>>());
    let letter = |percent: Option<Decimal>| marks.call(percent?).letter;
    let Person { percent, letter: called, .. } = person;
    let result = person.outcome.zip(person.result_state);
    GradebookRow {
        student_id: person.student,
        student_no: person.student_no,
        given_name: person.given_name,
        family_name: person.family_name,
        enrollment_id: person.enrollment,
        enrollment_status: person.status,
        grades,
        totals: GradebookTotals {
            current: percents.current,
            current_letter: letter(percents.current),
            last: percents.last,
            final_letter: letter(percents.last),
        },
        result: result.map(|(outcome, state)| GradebookResult {
            state,
            percent,
            letter: called,
            outcome,
        }),
    }
}
