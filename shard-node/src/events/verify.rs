//! Walks the chain and says where it breaks.
//!
//! What must stay true: whoever changes, removes, adds or exchanges numbered events without working out every hash
//! after them is found, at the first place. Who works them all out is found by a hash that was kept elsewhere: a walk
//! may begin at any number with the hash that it is to have.
//!
//! Left alone: events that have no number yet; they are a second old.

use serde::Serialize;
use utoipa::ToSchema;

use super::chain::{GENESIS, Hash};
use super::store::{self, Head, Link};
use crate::error::Error;
use crate::store::TenantTx;

/// Events that are read at once.
const BATCH: i64 = 500;

/// What a walk has found.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct Walk {
    /// Events whose hashes were worked out.
    pub events: i64,
    /// The number of the first of them.
    pub first: Option<i64>,
    /// The number of the last that is sound; where the walk began if none is.
    pub last: i64,
    /// Its hash, in hex: keep it to begin there another time.
    pub head: String,
    /// Whether the end of the chain was reached; else go on after `last`.
    pub complete: bool,
    /// Whether nothing is broken as far as the walk went.
    pub ok: bool,
    /// What is broken first.
    pub broken: Option<Broken>,
}

/// A place where the chain does not hold.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, ToSchema)]
pub struct Broken {
    /// The number of the event.
    pub seq: i64,
    /// `missing`: there is no such event. `changed`: it is not what was hashed, or what stands before it is not.
    /// `other-hash`: it has another hash than it is said to have. `beyond-head`: it was added past the end.
    pub why: &'static str,
}

struct Walker {
    events: i64,
    first: Option<i64>,
    last: i64,
    hash: Hash,
}

/// Walks at most so many events after a number; `kept` is the hash that the event with that number had.
///
/// # Errors
/// When the database fails.
pub async fn walk(
    tx: &mut TenantTx,
    after: i64,
    kept: Option<Hash>,
    at_most: i64,
) -> Result<Walk, Error> {
    let mut walker = Walker { events: 0, first: None, last: after, hash: GENESIS };
    if after > 0 {
        match (store::hash_at(tx, after).await?, kept) {
            (None, _) => return Ok(walker.broken(after, "missing")),
            (Some(found), Some(kept)) if found != kept => {
                return Ok(walker.broken(after, "other-hash"));
            }
            (Some(found), _) => walker.hash = found,
        }
    }
    // The last event is asked for first: what is numbered meanwhile is behind the head that is read then.
    let last = store::last(tx).await?.unwrap_or_default();
    let head = store::head(tx).await?;
    let end = head.map_or(0, |head| head.seq);
    while walker.events < at_most {
        let batch = BATCH.min(at_most - walker.events);
        let links = store::links(tx, walker.last, end, batch).await?;
        if links.is_empty() {
            return Ok(walker.end(head, last));
        }
        for link in &links {
            if let Err(broken) = walker.step(tx, link) {
                return Ok(broken);
            }
        }
    }
    if walker.last < end { Ok(walker.sound(false)) } else { Ok(walker.end(head, last)) }
}

impl Walker {
    fn step(&mut self, tx: &TenantTx, link: &Link) -> Result<(), Walk> {
        let expected = self.last + 1;
        if link.seq != expected {
            return Err(self.broken(expected, "missing"));
        }
        let fields = link.written.fields(tx.institution().as_uuid(), link.seq);
        let hash = self.hash.then(&fields);
        if link.hash.as_deref() != Some(&hash.0[..]) {
            return Err(self.broken(link.seq, "changed"));
        }
        self.first = self.first.or(Some(link.seq));
        (self.events, self.last, self.hash) = (self.events + 1, link.seq, hash);
        Ok(())
    }

    /// No event is left up to the head.
    fn end(&self, head: Option<Head>, last: i64) -> Walk {
        let end = head.map_or(0, |head| head.seq);
        if self.last < end {
            return self.broken(self.last + 1, "missing");
        }
        if last > end {
            return self.broken(end + 1, "beyond-head");
        }
        match head {
            Some(head) if self.last == end && head.hash != self.hash => {
                self.broken(end, "other-hash")
            }
            _ => self.sound(true),
        }
    }

    fn sound(&self, complete: bool) -> Walk {
        Walk {
            events: self.events,
            first: self.first,
            last: self.last,
            head: self.hash.to_string(),
            complete,
            ok: true,
            broken: None,
        }
    }

    fn broken(&self, seq: i64, why: &'static str) -> Walk {
        Walk { ok: false, broken: Some(Broken { seq, why }), ..self.sound(false) }
    }
}
