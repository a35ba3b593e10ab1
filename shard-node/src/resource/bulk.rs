//! What bulk calls share: rows decoded each on its own, a status a row, all or nothing where asked.
//!
//! What must stay true: one bad row says nothing about the others; a row's pointers lead into the request
//! (`/items/3/email`); an atomic call with a refused row is refused whole, so its transaction is rolled back.
//!
//! Left to the entities: what is written, and in which order. They write set by set, never row by row.

use axum::http::StatusCode;
use serde::Serialize;
use serde_json::{Map, Value};
use service_kit::Problem;
use service_kit::problem::FieldProblem;
use sqlx::AssertSqlSafe;
use utoipa::ToSchema;
use uuid::Uuid;

use super::{Resource, record};
use crate::error::Error;
use crate::operation::{Input, Work, decode};
use crate::store::TenantTx;

/// Rows of one call at most, for the `length` rule of a bulk input's `items`.
pub const ROWS_MAX: usize = 1_000;

/// What became of one row.
#[derive(Debug, Serialize, ToSchema)]
pub struct RowResult {
    /// Its place in `items`, from 0.
    pub index: usize,
    /// The status that a call of its own would have had.
    pub status: u16,
    /// What was made or found; where it was refused as a duplicate, who has it already.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub id: Option<Uuid>,
    /// Why it was refused: a problem.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<Object>)]
    pub error: Option<Problem>,
    /// Members of the entity's own.
    #[serde(flatten)]
    #[schema(ignore)]
    pub extra: Map<String, Value>,
}

impl RowResult {
    /// A row that was taken.
    pub fn done(index: usize, status: StatusCode, id: Uuid) -> Self {
        Self { index, status: status.as_u16(), id: Some(id), error: None, extra: Map::new() }
    }

    /// A row that was refused; the problem's pointers are within the row.
    pub fn refused(index: usize, mut problem: Problem) -> Self {
        for field in &mut problem.errors {
            field.pointer = format!("/items/{index}{}", field.pointer);
        }
        let status = problem.status;
        Self { index, status, id: None, error: Some(problem), extra: Map::new() }
    }

    /// Names the row that is meant, such as the one that has the code already.
    #[must_use]
    pub fn id(mut self, id: Uuid) -> Self {
        self.id = Some(id);
        self
    }

    /// Adds a member of the entity's own.
    #[must_use]
    pub fn with(mut self, member: &str, value: impl Into<Value>) -> Self {
        self.extra.insert(member.to_owned(), value.into());
        self
    }
}

/// The answer of a bulk call: a result for each row, in their order.
#[derive(Debug, Serialize, ToSchema)]
pub struct BulkAnswer {
    /// The results.
    pub items: Vec<RowResult>,
}

/// The answer, with rows in order; 422 `bulk-refused` where the call is atomic and a row was refused.
pub fn settle(atomic: bool, mut rows: Vec<RowResult>) -> Result<BulkAnswer, Error> {
    rows.sort_by_key(|row| row.index);
    let refused: Vec<_> =
        rows.iter().filter_map(|row| row.error.as_ref().map(|error| (row.index, error))).collect();
    if !atomic || refused.is_empty() {
        return Ok(BulkAnswer { items: rows });
    }
    let problem = Problem::new(
        StatusCode::UNPROCESSABLE_ENTITY,
        "bulk-refused",
        "All or nothing was asked for, and some rows were refused",
    )
    .detail(format!(
        "{} of {} rows were refused; nothing was applied",
        refused.len(),
        rows.len()
    ));
    Err(refused.into_iter().flat_map(faults).fold(problem, Problem::field).into())
}

/// The fields that a refused row gets wrong; the row where it names none.
fn faults((index, error): (usize, &Problem)) -> Vec<FieldProblem> {
    if !error.errors.is_empty() {
        return error.errors.clone();
    }
    let (pointer, code) = (format!("/items/{index}"), error.code.clone());
    vec![FieldProblem { pointer, code, detail: why(error) }]
}

/// Why a row was refused, in a sentence.
fn why(error: &Problem) -> Option<String> {
    error.detail.clone().or_else(|| Some(error.title.to_string()))
}

/// Decodes and validates each row on its own; the pointers of a problem are within the row.
pub fn decode_rows<T: Input>(items: Vec<Value>) -> Vec<Result<T, Problem>> {
    items.into_iter().map(|item| decode::<T>(item).map_err(Error::into_problem)).collect()
}

/// Many by their ids in one statement, in the order of the ids; an id that is nobody's is left out.
pub async fn load_all<R: Resource>(tx: &mut TenantTx, ids: &[Uuid]) -> Result<Vec<R>, Error> {
    let sql = format!(
        "{} WHERE t.institution_id = $1 AND t.id = ANY($2) ORDER BY array_position($2, t.id)",
        R::SELECT
    );
    let institution = tx.institution().as_uuid();
    Ok(sqlx::query_as::<_, R>(AssertSqlSafe(sql))
        .bind(institution)
        .bind(ids)
        .fetch_all(tx.connection())
        .await?)
}

/// Records `<KIND>_CREATED` for each of them, and answers them in the order of the ids.
pub async fn created_all<R: Resource>(work: &mut Work, ids: &[Uuid]) -> Result<Vec<R>, Error> {
    let rows = load_all::<R>(work.tx(), ids).await?;
    if rows.len() != ids.len() {
        let what = format!("{} of {} new rows of {} are there", rows.len(), ids.len(), R::ENTITY);
        return Err(Error::Defect(what));
    }
    for (id, row) in ids.iter().zip(&rows) {
        record(work, "CREATED", *id, row)?;
    }
    Ok(rows)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::error::taken;

    fn rows() -> Vec<RowResult> {
        let conflict =
            taken("student-no-taken", "/studentNo", "this student number").into_problem();
        let holder = Uuid::from_u128(7);
        vec![
            RowResult::refused(1, conflict).id(holder),
            RowResult::done(0, StatusCode::CREATED, Uuid::from_u128(1)).with("status", "x"),
        ]
    }

    #[test]
    fn rows_are_answered_in_order_with_pointers_into_the_request() {
        let answer = settle(false, rows()).expect("not atomic");
        let indexes: Vec<_> = answer.items.iter().map(|row| (row.index, row.status)).collect();
        assert_eq!(indexes, [(0, 201), (1, 409)]);
        let error = answer.items[1].error.as_ref().expect("the problem");
        assert_eq!(error.errors[0].pointer, "/items/1/studentNo");
        assert_eq!(answer.items[1].id, Some(Uuid::from_u128(7)));
    }

    #[test]
    fn an_atomic_call_is_refused_whole_and_says_which_rows_are_at_fault() {
        let problem = settle(true, rows()).expect_err("a row was refused").into_problem();
        assert_eq!((problem.status, &*problem.code), (422, "bulk-refused"));
        assert_eq!(problem.errors.len(), 1);
        assert_eq!(
            (&*problem.errors[0].pointer, &*problem.errors[0].code),
            ("/items/1/studentNo", "student-no-taken")
        );
    }

    #[test]
    fn an_atomic_call_without_refusals_passes() {
        let fine = vec![RowResult::done(0, StatusCode::CREATED, Uuid::from_u128(1))];
        assert!(settle(true, fine).is_ok());
    }
}
