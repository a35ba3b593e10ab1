//! Following, looking back, verifying.

use super::store;
use super::{Audit, AuditQuery, EventLog, EventQuery, WalkQuery};
use crate::error::{Error, unknown_reference};
use crate::events::chain::Hash;
use crate::events::store::{head, last};
use crate::events::verify::{Walk, walk};
use crate::operation::Reader;

/// Numbers that one read looks at, at most: a type that is rare among millions is found step by step, and no step takes
/// longer than any other.
const LOOKED_AT: i64 = 50_000;

/// Events after a number. The end of the chain is read first: where all up to it were looked through, a reader of few
/// types goes on after it; at most [`LOOKED_AT`] numbers further.
pub(super) async fn list(reader: &Reader, query: EventQuery) -> Result<EventLog, Error> {
    let mut tx = reader.begin().await?;
    let end = head(&mut tx).await?.map_or(0, |head| head.seq);
    let end = end.min(query.after.saturating_add(LOOKED_AT));
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
    // Where looking ends: whatever is of one thing is found by the thing, and looked at whole.
    let mut down_to = 1;
    let items = if let Some((aggregate, id)) = query.thing() {
        let items = store::audit_of(&mut tx, &query, aggregate, id).await?;
        if items.is_empty() && !store::is_known(&mut tx, aggregate, id).await? {
            return Err(unknown_reference("/of", "event of a thing").into());
        }
        items
    } else {
        // The last number, not the head: it shows what stands behind a head that was put back, too.
        let end = last(&mut tx).await?.unwrap_or(0);
        down_to = (end + 1).min(query.before()).saturating_sub(LOOKED_AT).max(1);
        store::audit(&mut tx, &query, down_to).await?
    };
    tx.commit().await?;
    let full = i64::try_from(items.len()).is_ok_and(|count| count == query.limit);
    let next = match items.last() {
        Some(entry) if full => Some(entry.event.seq),
        _ => (down_to > 1).then_some(down_to),
    };
    Ok(Audit { items, limit: query.limit, next_cursor: next.map(|seq| seq.to_string()) })
}

/// A walk along the chain.
pub(super) async fn verify(reader: &Reader, query: WalkQuery) -> Result<Walk, Error> {
    let mut tx = reader.begin().await?;
    let kept = query.hash.as_deref().and_then(Hash::parse);
    let found = walk(&mut tx, query.after, kept, query.limit).await?;
    tx.commit().await?;
    Ok(found)
}
