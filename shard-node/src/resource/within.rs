//! Lists of what belongs to one thing, which the path names: `/v1/classes/{classId}/attendance-sessions`.

use std::borrow::Cow;
use std::marker::PhantomData;

use garde::Validate;
use serde::Deserialize;
use serde::de::{Deserializer, Error as _};
use utoipa::openapi::{RefOr, Schema};
use utoipa::{PartialSchema, ToSchema};
use uuid::Uuid;

use super::{ListQuery, Resource};

/// What a path names.
pub trait Scope: Send + Sync + 'static {
    /// The member of the path, which is a filter of the entity, too.
    const NAME: &'static str;
}

/// The id that the path names, and what lists take; the query has it among its filters.
#[derive(Debug)]
pub struct Within<R, S> {
    /// The id.
    pub of: Uuid,
    /// The rest.
    pub query: ListQuery<R>,
    scope: PhantomData<fn() -> S>,
}

impl<'de, R: Resource, S: Scope> Deserialize<'de> for Within<R, S> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let query = ListQuery::<R>::deserialize(deserializer)?;
        let named = query.filters.iter().find(|(field, _)| field.name == S::NAME);
        let of = named.and_then(|(_, id)| id.parse().ok());
        let of = of.ok_or_else(|| D::Error::missing_field(S::NAME))?;
        Ok(Self { of, query, scope: PhantomData })
    }
}

impl<R, S> Validate for Within<R, S> {
    type Context = ();

    /// The allow-lists were checked when it was decoded.
    fn validate_into(&self, (): &(), _: &mut dyn FnMut() -> garde::Path, _: &mut garde::Report) {}
}

impl<R: Resource, S: Scope> ToSchema for Within<R, S> {
    fn name() -> Cow<'static, str> {
        format!("{}Within", R::name()).into()
    }
}

impl<R: Resource, S: Scope> PartialSchema for Within<R, S> {
    fn schema() -> RefOr<Schema> {
        ListQuery::<R>::schema()
    }
}
