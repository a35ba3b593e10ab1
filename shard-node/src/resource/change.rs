//! What creating, changing and deleting have in common: the event, the answer, the version.

use serde::{Deserialize, Deserializer};
use serde_json::{Value, json};
use uuid::Uuid;

use super::{Resource, delete, load_required};
use crate::error::Error;
use crate::operation::{Event, Reply, Work};

/// Answers 201 with what was made at `<path>/<id>`, and records `<KIND>_CREATED`.
pub async fn created<R: Resource>(
    work: &mut Work,
    id: Uuid,
    path: &str,
) -> Result<Reply<R>, Error> {
    let row = load_required::<R>(work.tx(), id).await?;
    record(work, "CREATED", id, &row)?;
    Ok(Reply::created(row, format!("{path}/{id}")))
}

/// Answers 200 with what was changed, and records `<KIND>_UPDATED`.
pub async fn updated<R: Resource>(work: &mut Work, id: Uuid) -> Result<Reply<R>, Error> {
    let row = load_required::<R>(work.tx(), id).await?;
    record(work, "UPDATED", id, &row)?;
    Ok(Reply::ok(row))
}

/// Deletes one that nothing refers to, answers 204, and records `<KIND>_DELETED`.
pub async fn remove<R: Resource>(work: &mut Work, id: Uuid) -> Result<Reply<()>, Error> {
    let version = delete::<R>(work, id).await?;
    work.record(Event {
        kind: format!("{}_DELETED", R::KIND).into(),
        aggregate: R::ENTITY,
        aggregate_id: id,
        aggregate_version: version + 1,
        payload: json!({"id": id}),
        touches: R::TOUCHES,
    });
    Ok(Reply::no_content())
}

/// Records `<KIND>_<verb>` with the row as its payload, but for what is not to be recorded.
pub fn record<R: Resource>(work: &mut Work, verb: &str, id: Uuid, row: &R) -> Result<(), Error> {
    let mut payload = serde_json::to_value(row)
        .map_err(|error| Error::Defect(format!("a row does not encode: {error}")))?;
    if let Value::Object(members) = &mut payload {
        members.retain(|name, _| !R::UNRECORDED.contains(&name.as_str()));
    }
    let version = payload.get("rowVersion").and_then(Value::as_i64).unwrap_or_default();
    work.record(Event {
        kind: format!("{}_{verb}", R::KIND).into(),
        aggregate: R::ENTITY,
        aggregate_id: id,
        aggregate_version: version,
        payload,
        touches: R::TOUCHES,
    });
    Ok(())
}

/// Tells a member that is absent (`None`) from one that is null (`Some(None)`), for PATCH.
pub fn nullable<'de, T, D>(deserializer: D) -> Result<Option<Option<T>>, D::Error>
where
    T: Deserialize<'de>,
    D: Deserializer<'de>,
{
    Option::deserialize(deserializer).map(Some)
}

/// A decimal without zeros at its end, as text: `"30"`, not `"30.0000"`.
pub fn plain_decimal<S: serde::Serializer>(
    value: &rust_decimal::Decimal,
    serializer: S,
) -> Result<S::Ok, S::Error> {
    serializer.collect_str(&value.normalize())
}

/// The same, where there may be none.
pub fn plain_decimal_option<S: serde::Serializer>(
    value: &Option<rust_decimal::Decimal>,
    serializer: S,
) -> Result<S::Ok, S::Error> {
    match value {
        Some(value) => plain_decimal(value, serializer),
        None => serializer.serialize_none(),
    }
}
