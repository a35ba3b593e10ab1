//! Lists: one statement for the rows, one for the count.

use std::marker::PhantomData;

use serde_json::Value;
use sqlx::AssertSqlSafe;
use sqlx::postgres::PgArguments;
use sqlx::query::QueryScalar;
use uuid::Uuid;

use service_kit::problem::FieldProblem;

use super::cursor;
use super::reference::expect_referenced;
use super::{Field, ListQuery, Page, Resource};
use crate::error::Error;
use crate::operation::{Reader, invalid};
use crate::store::TenantTx;

/// A page of what the query asks for.
pub async fn list<R: Resource>(reader: &Reader, query: ListQuery<R>) -> Result<Page<R>, Error> {
    let mut tx = reader.begin().await?;
    let page = list_where(&mut tx, query).await?;
    tx.commit().await?;
    Ok(page)
}

/// The same, in a transaction that is open.
pub async fn list_where<R: Resource>(
    tx: &mut TenantTx,
    query: ListQuery<R>,
) -> Result<Page<R>, Error> {
    let sort = full_sort::<R>(&query.sort)?;
    let mut wheres = vec!["t.institution_id = $1".to_owned()];
    let mut binds: Vec<String> = Vec::new();
    for (field, value) in &query.filters {
        binds.push(value.clone());
        let kind = cursor::sql_type(field.kind);
        wheres.push(field.compare.sql(field.column, binds.len() + 1, kind));
    }
    for (field, ids) in &query.among {
        let ids: Vec<_> = ids.iter().map(Uuid::to_string).collect();
        binds.push(format!("{{{}}}", ids.join(",")));
        wheres.push(format!("{} = ANY (${}::text::uuid[])", field.column, binds.len() + 1));
    }
    let total = if query.count { Some(count::<R>(tx, &wheres, &binds).await?) } else { None };
    if let Some(text) = &query.cursor {
        let values = cursor::decode(&sort, text).ok_or_else(bad_cursor)?;
        wheres.push(cursor::past(&sort, binds.len() + 2));
        binds.extend(values);
    }
    let items = rows::<R>(tx, &query, &sort, &wheres, &binds).await?;
    if items.is_empty() {
        expect_referenced(tx, &query).await?;
    }
    let full = items.len() == query.limit as usize;
    let next_cursor = items.last().filter(|_| full).and_then(|last| cursor::encode(&sort, last));
    Ok(Page {
        items: items.into_iter().map(|item| pick(item, &query.select)).collect(),
        total,
        page: query.cursor.is_none().then_some(query.page),
        limit: query.limit,
        total_pages: total.map(|total| {
            total.div_euclid(i64::from(query.limit))
                + i64::from(total.rem_euclid(i64::from(query.limit)) > 0)
        }),
        next_cursor,
        resource: PhantomData,
    })
}

async fn count<R: Resource>(
    tx: &mut TenantTx,
    wheres: &[String],
    binds: &[String],
) -> Result<i64, Error> {
    // The planner drops columns that nobody asks for, so this costs what a bare count costs.
    let sql =
        format!("SELECT count(*) FROM ({} WHERE {}) counted", R::SELECT, wheres.join(" AND "));
    let institution = tx.institution().as_uuid();
    let mut query: QueryScalar<'_, _, i64, PgArguments> =
        sqlx::query_scalar(AssertSqlSafe(sql)).bind(institution);
    for bind in binds {
        query = query.bind(bind.clone());
    }
    Ok(query.fetch_one(tx.connection()).await?)
}

async fn rows<R: Resource>(
    tx: &mut TenantTx,
    query: &ListQuery<R>,
    sort: &[(&'static Field, bool)],
    wheres: &[String],
    binds: &[String],
) -> Result<Vec<Value>, Error> {
    let order: Vec<_> = sort
        .iter()
        .map(|(field, descending)| {
            format!("{}{}", field.column, if *descending { " DESC" } else { "" })
        })
        .collect();
    let offset =
        if query.cursor.is_some() { 0 } else { u64::from(query.page - 1) * u64::from(query.limit) };
    let sql = format!(
        "{} WHERE {} ORDER BY {} LIMIT {} OFFSET {offset}",
        R::SELECT,
        wheres.join(" AND "),
        order.join(", "),
        query.limit
    );
    let mut statement = sqlx::query_as::<_, R>(AssertSqlSafe(sql)).bind(tx.institution().as_uuid());
    for bind in binds {
        statement = statement.bind(bind.clone());
    }
    let rows = statement.fetch_all(tx.connection()).await?;
    rows.iter()
        .map(serde_json::to_value)
        .collect::<Result<_, _>>()
        .map_err(|error| Error::Defect(format!("a row does not encode: {error}")))
}

/// The sort with `id` at its end, so that it is total; `createdAt` where the query names none.
fn full_sort<R: Resource>(
    asked: &[(&'static Field, bool)],
) -> Result<Vec<(&'static Field, bool)>, Error> {
    let named = |name: &str| {
        R::FIELDS
            .iter()
            .find(|field| field.sort && field.name == name)
            .ok_or_else(|| Error::Defect(format!("{} cannot be sorted by {name}", R::ENTITY)))
    };
    let mut sort = asked.to_vec();
    if sort.is_empty() {
        sort.push((named("createdAt")?, false));
    }
    if sort.iter().all(|(field, _)| field.name != "id") {
        sort.push((named("id")?, false));
    }
    Ok(sort)
}

fn pick(item: Value, select: &[&'static str]) -> Value {
    match item {
        Value::Object(mut members) if !select.is_empty() => {
            members.retain(|name, _| select.contains(&name.as_str()));
            Value::Object(members)
        }
        item => item,
    }
}

fn bad_cursor() -> Error {
    invalid()
        .field(FieldProblem::new(
            "/cursor",
            "invalid",
            "nextCursor of a page with the same sort is expected",
        ))
        .into()
}
