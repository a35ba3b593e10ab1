//! Following, looking back, verifying.

use super::store;
use super::{Audit, AuditEntry, AuditQuery, EventLog, EventQuery, WalkQuery};
use crate::error::{Error, unknown_reference};
use crate::events::chain::Hash;
use crate::events::store::head;
use crate::events::verify::{Walk, walk};
use crate::operation::Reader;

/// Events after a number. The end of the chain is read first: where all up to it were looked through, a reader of few
/// types goes on after it.
pub(super) async fn list(reader: &Reader, query: EventQuery) -> Result<EventLog, Error> {
    let mut tx = reader.begin().await?;
    let end = head(&mut tx).await?.map_or(0, |head| head.seq);
    let types = query.types();
    let items = store::after(&mut tx, query.after, end, types.as_deref(), query.limit).await?;
    tx.commit().await?;
    let full = i64::try_from(items.len()).is_ok_and(|count| count == query.limit);
    let next_after = match items.last() {
        Some(last) if full => last.seq,
        _ => end.max(query.after),
    };
    Ok(EventLog { items, next_after })
}

/// A page of the audit.
pub(super) async fn audit(reader: &Reader, query: AuditQuery) -> Result<Audit, Error> {
    let mut tx = reader.begin().await?;
    let items = match query.thing() {
        Some((aggregate, id)) => {
            let items = store::audit_of(&mut tx, &query, aggregate, id).await?;
            if items.is_empty() && !store::is_known(&mut tx, aggregate, id).await? {
                return Err(unknown_reference("/of", "event of a thing").into());
            }
            items
        }
        None => store::audit(&mut tx, &query).await?,
    };
    tx.commit().await?;
    let full = i64::try_from(items.len()).is_ok_and(|count| count == query.limit);
    let next_cursor =
        items.last().filter(|_| full).map(|last: &AuditEntry| last.event.seq.to_string());
    Ok(Audit { items, limit: query.limit, next_cursor })
}

/// A walk along the chain.
pub(super) async fn verify(reader: &Reader, query: WalkQuery) -> Result<Walk, Error> {
    let mut tx = reader.begin().await?;
    let kept = query.hash.as_deref().and_then(Hash::parse);
    let found = walk(&mut tx, query.after, kept, query.limit).await?;
    tx.commit().await?;
    Ok(found)
}
