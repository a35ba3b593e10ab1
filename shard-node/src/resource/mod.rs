//! What every entity shares: find by id through the cache, list with pages, sort, select and filters, delete.
//!
//! Drawn out of programs and enrolments. An entity declares its columns, its fields and its cache; what is its
//! own (create, update, transitions) stays with it.
//!
//! What must stay true: dynamic SQL is put together here only, and only of what an entity declares as
//! `&'static str`; everything that a client sent is bound.

pub mod bulk;
mod change;
mod cursor;
mod list;
mod page;
mod query;
mod reference;
mod within;

use std::time::Duration;

use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};
use sqlx::postgres::PgRow;
use sqlx::{AssertSqlSafe, FromRow};
use utoipa::ToSchema;
use uuid::Uuid;

use crate::cache::{Encoded, Key};
use crate::error::{Error, not_found};
use crate::operation::{Reader, Work};
use crate::store::TenantTx;

pub use change::{created, nullable, plain_decimal, plain_decimal_option, record, remove, updated};
pub use list::{list, list_where};
pub use page::Page;
pub use query::ListQuery;
pub use within::{Scope, Within};

/// What a field may be filtered and compared as.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    /// A uuid.
    Uuid,
    /// Text.
    Text,
    /// One of these words.
    OneOf(&'static [&'static str]),
    /// A whole number.
    Integer,
    /// An exact decimal.
    Decimal,
    /// A date.
    Date,
    /// An instant.
    Timestamp,
}

/// What a filter's value is to the field's.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Compare {
    /// The same.
    Equal,
    /// The least.
    AtLeast,
    /// The most.
    AtMost,
    /// One of the field's, which is a list.
    Among,
}

impl Compare {
    /// The condition on a column, where the value is the parameter of this number.
    fn sql(self, column: &str, number: usize, kind: &str) -> String {
        let value = format!("${number}::text::{kind}");
        match self {
            Self::Equal => format!("{column} = {value}"),
            Self::AtLeast => format!("{column} >= {value}"),
            Self::AtMost => format!("{column} <= {value}"),
            Self::Among => format!("{column} @> ARRAY[{value}]"),
        }
    }
}

/// A field that lists may sort or filter by. Sorted fields are never null.
#[derive(Debug)]
pub struct Field {
    /// Its name in the API, in camelCase.
    pub name: &'static str,
    /// Its SQL expression over the entity's `SELECT`.
    pub column: &'static str,
    /// How values are compared.
    pub kind: Kind,
    /// Whether `sort` may name it.
    pub sort: bool,
    /// Whether it may be a filter.
    pub filter: bool,
    /// What a filter's value is to the field's.
    pub compare: Compare,
    /// The table whose rows it names by their ids, and what people call one of them.
    pub refers_to: Option<(&'static str, &'static str)>,
}

impl Field {
    /// A field that lists may sort and filter by.
    pub const fn both(name: &'static str, column: &'static str, kind: Kind) -> Self {
        let compare = Compare::Equal;
        Self { name, column, kind, sort: true, filter: true, compare, refers_to: None }
    }

    /// A field that lists may sort by.
    pub const fn sort(name: &'static str, column: &'static str, kind: Kind) -> Self {
        Self { filter: false, ..Self::both(name, column, kind) }
    }

    /// A field that lists may filter by.
    pub const fn filter(name: &'static str, column: &'static str, kind: Kind) -> Self {
        Self { sort: false, ..Self::both(name, column, kind) }
    }

    /// A filter by a bound of a column: those at it and after it.
    pub const fn since(name: &'static str, column: &'static str, kind: Kind) -> Self {
        Self { compare: Compare::AtLeast, ..Self::filter(name, column, kind) }
    }

    /// A filter by a bound of a column: those at it and before it.
    pub const fn until(name: &'static str, column: &'static str, kind: Kind) -> Self {
        Self { compare: Compare::AtMost, ..Self::filter(name, column, kind) }
    }

    /// A filter by one of a list's members.
    pub const fn holding(name: &'static str, column: &'static str, kind: Kind) -> Self {
        Self { compare: Compare::Among, ..Self::filter(name, column, kind) }
    }

    /// A filter by what an array has in it.
    pub const fn among(name: &'static str, column: &'static str, kind: Kind) -> Self {
        Self { compare: Compare::Among, ..Self::filter(name, column, kind) }
    }

    /// The id of the entity itself, which lists may sort and filter by.
    pub const fn id(table: &'static str, noun: &'static str) -> Self {
        let refers_to = Some((table, noun));
        Self { refers_to, ..Self::both("id", "t.id", Kind::Uuid) }
    }

    /// The id of something else, which lists may filter by: 404 where there is no such thing.
    pub const fn reference(
        name: &'static str,
        column: &'static str,
        table: &'static str,
        noun: &'static str,
    ) -> Self {
        Self { refers_to: Some((table, noun)), ..Self::filter(name, column, Kind::Uuid) }
    }
}

/// An entity, as the resource layer needs it declared.
pub trait Resource:
    Serialize + DeserializeOwned + for<'r> FromRow<'r, PgRow> + ToSchema + Send + Sync + Unpin + 'static
{
    /// Its table, which is also the name of its caches.
    const ENTITY: &'static str;
    /// What its events are called: `<KIND>_CREATED` and so on.
    const KIND: &'static str;
    /// The cached entities that a change of one makes stale.
    const TOUCHES: &'static [&'static str];
    /// What people call one of them.
    const NOUN: &'static str;
    /// `SELECT ... FROM <table> t ...`, without a `WHERE`; the table's alias is `t`.
    const SELECT: &'static str;
    /// What lists may sort and filter by.
    const FIELDS: &'static [Field];
    /// The names of its members that `select` may name.
    const MEMBERS: &'static [&'static str];
    /// How long one is cached; none where it is not.
    const CACHE_TTL: Option<Duration>;
    /// Members that events leave out. Events are kept for good, in a chain that nothing can be taken out of: what says
    /// who a person is, and what is secret, does not go there.
    const UNRECORDED: &'static [&'static str] = &[];
}

/// The input of everything that concerns one of them.
#[derive(Debug, Deserialize, ToSchema, garde::Validate)]
#[serde(deny_unknown_fields)]
pub struct ById {
    /// Its id.
    #[garde(skip)]
    pub id: Uuid,
}

/// One by its id, through both caches; 404 where there is none.
pub async fn find<R: Resource>(reader: &Reader, id: Uuid) -> Result<R, Error> {
    match R::CACHE_TTL.filter(|_| reader.caller.cached) {
        None => read(reader, id).await?.ok_or_else(|| not_found(R::NOUN)),
        Some(ttl) => cached::<R>(reader, id, ttl).await?.decode(),
    }
}

/// The same as it is sent: what a cache holds is sent as it is.
pub async fn find_encoded<R: Resource>(reader: &Reader, id: Uuid) -> Result<Encoded<R>, Error> {
    match R::CACHE_TTL.filter(|_| reader.caller.cached) {
        None => Encoded::encode(&read(reader, id).await?.ok_or_else(|| not_found(R::NOUN))?),
        Some(ttl) => cached(reader, id, ttl).await,
    }
}

async fn cached<R: Resource>(
    reader: &Reader,
    id: Uuid,
    ttl: Duration,
) -> Result<Encoded<R>, Error> {
    let item = id.to_string();
    let key = Key {
        institution: reader.caller.institution,
        epoch: reader.caller.epoch,
        entity: R::ENTITY,
        item: &item,
    };
    let found = reader.node.cache.get_or_load(key, ttl, || read(reader, id)).await?;
    found.ok_or_else(|| not_found(R::NOUN))
}

async fn read<R: Resource>(reader: &Reader, id: Uuid) -> Result<Option<R>, Error> {
    let mut tx = reader.begin().await?;
    let found = load::<R>(&mut tx, id).await?;
    tx.commit().await?;
    Ok(found)
}

/// One by its id, in a transaction that is open.
pub async fn load<R: Resource>(tx: &mut TenantTx, id: Uuid) -> Result<Option<R>, Error> {
    let sql = format!("{} WHERE t.institution_id = $1 AND t.id = $2", R::SELECT);
    let institution = tx.institution().as_uuid();
    Ok(sqlx::query_as::<_, R>(AssertSqlSafe(sql))
        .bind(institution)
        .bind(id)
        .fetch_optional(tx.connection())
        .await?)
}

/// One that must be there, in a transaction that is open; 404 where it is not.
pub async fn load_required<R: Resource>(tx: &mut TenantTx, id: Uuid) -> Result<R, Error> {
    load::<R>(tx, id).await?.ok_or_else(|| not_found(R::NOUN))
}

/// Locks one for a change and checks `If-Match`; 404 where there is none, 412 where it has moved on.
pub async fn lock<R: Resource>(work: &mut Work, id: Uuid) -> Result<R, Error> {
    lock_version::<R>(work, id).await?;
    load_required::<R>(work.tx(), id).await
}

async fn lock_version<R: Resource>(work: &mut Work, id: Uuid) -> Result<i64, Error> {
    let sql = format!(
        "SELECT row_version FROM {} WHERE institution_id = $1 AND id = $2 FOR NO KEY UPDATE",
        R::ENTITY
    );
    let institution = work.caller.institution.as_uuid();
    let version: Option<i64> = sqlx::query_scalar(AssertSqlSafe(sql))
        .bind(institution)
        .bind(id)
        .fetch_optional(work.tx().connection())
        .await?;
    let version = version.ok_or_else(|| not_found(R::NOUN))?;
    work.caller.expect_version(version)?;
    Ok(version)
}

/// Deletes one that nothing refers to; 404 where there is none, 409 `in-use` where something does.
/// Answers the version that was deleted.
pub async fn delete<R: Resource>(work: &mut Work, id: Uuid) -> Result<i64, Error> {
    let version = lock_version::<R>(work, id).await?;
    let sql = format!("DELETE FROM {} WHERE institution_id = $1 AND id = $2", R::ENTITY);
    let institution = work.caller.institution.as_uuid();
    let done = sqlx::query(AssertSqlSafe(sql))
        .bind(institution)
        .bind(id)
        .execute(work.tx().connection())
        .await?;
    expect_one(done.rows_affected(), R::NOUN)?;
    Ok(version)
}

/// A write states how many rows it expects.
pub fn expect_one(rows: u64, what: &str) -> Result<(), Error> {
    match rows {
        1 => Ok(()),
        rows => Err(Error::Defect(format!("{rows} rows of {what} were written, not 1"))),
    }
}
