//! One page of a list.

use std::borrow::Cow;
use std::marker::PhantomData;

use serde::Serialize;
use serde_json::{Value, json};
use utoipa::openapi::{RefOr, Schema};
use utoipa::{PartialSchema, ToSchema};

use super::Resource;

/// `{items, total?, page?, limit, totalPages?, nextCursor?}`; items have the members that `select` named.
#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Page<R> {
    /// The rows.
    pub items: Vec<Value>,
    /// How many there are in all, unless `count=none`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub total: Option<i64>,
    /// The page's number, unless a cursor was given.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub page: Option<u32>,
    /// Rows of a page.
    pub limit: u32,
    /// How many pages there are, unless `count=none`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub total_pages: Option<i64>,
    /// Where the next page begins, where there may be one.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub next_cursor: Option<String>,
    #[serde(skip)]
    pub(super) resource: PhantomData<fn() -> R>,
}

impl<R: Resource> Page<R> {
    /// The same page, as one of what its rows are a view of.
    pub fn of<T: Resource>(self) -> Page<T> {
        let Self { items, total, page, limit, total_pages, next_cursor, resource: _ } = self;
        Page { items, total, page, limit, total_pages, next_cursor, resource: PhantomData }
    }
}

impl<R: Resource> ToSchema for Page<R> {
    fn name() -> Cow<'static, str> {
        format!("{}Page", R::name()).into()
    }

    fn schemas(schemas: &mut Vec<(String, RefOr<Schema>)>) {
        schemas.push((R::name().into_owned(), R::schema()));
        R::schemas(schemas);
    }
}

impl<R: Resource> PartialSchema for Page<R> {
    fn schema() -> RefOr<Schema> {
        let item = format!("#/components/schemas/{}", R::name());
        // An object schema written here always reads back.
        serde_json::from_value(json!({
            "type": "object",
            "required": ["items", "limit"],
            "properties": {
                "items": {"type": "array", "items": {"$ref": item}},
                "total": {"type": "integer"},
                "page": {"type": "integer"},
                "limit": {"type": "integer"},
                "totalPages": {"type": "integer"},
                "nextCursor": {"type": "string"},
            },
        }))
        .unwrap_or_default()
    }
}
