//! The shard's ownership table in memory.
//!
//! What must stay true:
//! - A node answers only while its own database says so: this table is filled by LISTEN and by a poll of the
//!   primary every 500 ms, and the guard asks again inside each transaction.
//! - Without a lease (`super::lease`) nothing is answered from it.
//! - What the directory does not bear out of a primary that has changed is withheld, whatever its row says.
//! - Each poll that counted is news, with the moment at which it began: who was told something newer than the table by
//!   the guard waits for a poll that began after that.

use std::collections::HashMap;
use std::sync::{PoisonError, RwLock};
use std::time::Instant;

use shard_map::{Epoch, InstitutionId, MapVersion, OwnershipState};
use tokio::sync::watch;
use tokio::time::timeout_at;

use super::Lease;
use super::identity::Withheld;
use crate::error::NotOwner;

/// What the table says of one institution.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Verdict {
    /// Served here, at this epoch.
    Serve {
        /// The epoch, for cache keys.
        epoch: Epoch,
        /// Whether caches and replicas may answer (not while a move is closing).
        cached: bool,
    },
    /// Served here, but the institution is suspended.
    Suspended,
    /// Nobody is served until its move is decided.
    Fenced,
    /// Not served here.
    NotOwner(NotOwner),
    /// This shard's, but what its database has of it is out of date: nobody can serve it.
    Withheld,
}

/// One row of the table.
#[derive(Debug, Clone)]
pub(super) struct Row {
    pub(super) state: OwnershipState,
    pub(super) epoch: Epoch,
    pub(super) owner: String,
    pub(super) map_version: MapVersion,
    pub(super) suspended: bool,
}

impl Row {
    /// Whether the database would let requests in.
    pub(super) fn is_owned(&self) -> bool {
        matches!(self.state, OwnershipState::Active | OwnershipState::Closing)
    }
}

#[derive(Debug, Default)]
struct Table {
    rows: HashMap<InstitutionId, Row>,
    withheld: HashMap<InstitutionId, Withheld>,
    version: i64,
}

/// The table. Reading it costs a shared lock and two hash lookups.
#[derive(Debug, Default)]
pub struct Ownership {
    table: RwLock<Table>,
    /// When the last poll that counted began.
    news: watch::Sender<Option<Instant>>,
    /// How long it may be believed.
    pub lease: Lease,
}

impl Ownership {
    /// Whether and how an institution is served here.
    pub fn verdict(&self, institution: InstitutionId) -> Verdict {
        let table = self.table.read().unwrap_or_else(PoisonError::into_inner);
        let Some(row) = table.rows.get(&institution) else {
            return Verdict::NotOwner(NotOwner::UNKNOWN);
        };
        if let Some(withheld) = table.withheld.get(&institution)
            && row.is_owned()
            && row.epoch < withheld.until
        {
            return withheld.not_owner.clone().map_or(Verdict::Withheld, Verdict::NotOwner);
        }
        match row.state {
            OwnershipState::Active | OwnershipState::Closing if row.suspended => Verdict::Suspended,
            OwnershipState::Active => Verdict::Serve { epoch: row.epoch, cached: true },
            OwnershipState::Closing => Verdict::Serve { epoch: row.epoch, cached: false },
            OwnershipState::Fenced => Verdict::Fenced,
            OwnershipState::Importing | OwnershipState::Moved => Verdict::NotOwner(NotOwner {
                state: Some(row.state.to_string()),
                owner: Some(row.owner.clone()),
                epoch: Some(row.epoch),
                map_version: Some(row.map_version),
            }),
        }
    }

    /// The epoch at which an institution is held here, served or suspended: for what needs none of its users.
    pub fn held(&self, institution: InstitutionId) -> Option<Epoch> {
        match self.verdict(institution) {
            Verdict::Serve { epoch, .. } => Some(epoch),
            Verdict::Suspended => {
                let table = self.table.read().unwrap_or_else(PoisonError::into_inner);
                table.rows.get(&institution).map(|row| row.epoch)
            }
            Verdict::Fenced | Verdict::NotOwner(_) | Verdict::Withheld => None,
        }
    }

    /// Whether an institution is served here at this epoch.
    pub fn serves(&self, institution: InstitutionId, at: Epoch) -> bool {
        matches!(self.verdict(institution), Verdict::Serve { epoch, .. } if epoch == at)
    }

    /// What an institution's verdict is once it is decided: not while it is fenced, not without a lease, and not by a
    /// table that is older than a moment.
    pub async fn decided(&self, institution: InstitutionId, since: Option<Instant>) -> Verdict {
        let mut news = self.news.subscribe();
        loop {
            let known = *news.borrow_and_update();
            if self.lease.holds() && known >= since {
                match self.verdict(institution) {
                    Verdict::Fenced => {}
                    verdict => return verdict,
                }
            }
            // It ends with the table, of which there is a borrow.
            let _ = news.changed().await;
        }
    }

    /// Makes the table newer than a moment, by one more poll if need be; waits at most to `until`. Answers whether it
    /// is newer.
    pub async fn refreshed(&self, since: Instant, until: Instant) -> bool {
        let mut news = self.news.subscribe();
        self.lease.ask();
        let newer = news.wait_for(|known| *known >= Some(since));
        matches!(timeout_at(until.into(), newer).await, Ok(Ok(_)))
    }

    /// How many institutions the database would let in.
    pub fn served(&self) -> usize {
        let table = self.table.read().unwrap_or_else(PoisonError::into_inner);
        table.rows.values().filter(|row| row.is_owned()).count()
    }

    /// The newest version of a row here.
    pub(super) fn version(&self) -> i64 {
        self.table.read().unwrap_or_else(PoisonError::into_inner).version
    }

    /// Takes rows that have changed, up to a version.
    pub(super) fn apply(&self, rows: HashMap<InstitutionId, Row>, version: i64) {
        let mut table = self.table.write().unwrap_or_else(PoisonError::into_inner);
        table.rows.extend(rows);
        table.version = table.version.max(version);
    }

    /// A poll that began then has counted, and the lease has been renewed by it.
    pub(super) fn polled(&self, began: Instant) {
        self.news.send_replace(Some(began));
    }

    /// Takes another primary's whole table.
    pub(super) fn replace(&self, rows: HashMap<InstitutionId, Row>, version: i64) {
        let mut table = self.table.write().unwrap_or_else(PoisonError::into_inner);
        (table.rows, table.version) = (rows, version);
    }

    /// Withholds these and no others.
    pub(super) fn withhold(&self, withheld: Vec<Withheld>) {
        let withheld = withheld.into_iter().map(|it| (it.institution, it)).collect();
        self.table.write().unwrap_or_else(PoisonError::into_inner).withheld = withheld;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn row(epoch: i64) -> Row {
        Row {
            state: OwnershipState::Active,
            epoch: Epoch(epoch),
            owner: "a".to_owned(),
            map_version: MapVersion(0),
            suspended: false,
        }
    }

    #[test]
    fn what_is_withheld_is_served_again_at_a_later_epoch() {
        let (ownership, id) = (Ownership::default(), InstitutionId::new(uuid::Uuid::nil()));
        ownership.replace([(id, row(1))].into(), 1);
        ownership.withhold(vec![Withheld { institution: id, until: Epoch(4), not_owner: None }]);
        assert_eq!(ownership.verdict(id), Verdict::Withheld);
        ownership.apply([(id, row(3))].into(), 2);
        assert_eq!(ownership.verdict(id), Verdict::Withheld);
        ownership.apply([(id, row(4))].into(), 3);
        assert_eq!(ownership.verdict(id), Verdict::Serve { epoch: Epoch(4), cached: true });
    }
}
