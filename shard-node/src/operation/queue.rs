//! Where requests wait before they take a connection: writers of one hot thing, and everybody of an institution
//! that has its share of connections.
//!
//! What must stay true:
//! - A class that hundreds want into holds at most [`AT_ONCE`] connections of a node: the others are for everybody
//!   else, and nobody waits for its row so long that `lock_timeout` ends it.
//! - An institution holds at most half of a node's connections, whatever it asks: what it asks beyond waits here,
//!   and its neighbours find the other half.
//! - Who came first goes first; a request waits no longer than to its own deadline.
//! - Whoever waits for a share holds nothing that another institution could wait for.

use std::sync::Arc;

use serde_json::Value;
use shard_map::InstitutionId;
use tokio::sync::{OwnedSemaphorePermit, Semaphore};

use crate::limits::Keyed;

/// Writers of one thing in one node that hold a connection: one works, the next is ready when it commits.
const AT_ONCE: usize = 2;

/// The queues of a node.
#[derive(Debug)]
pub struct Queues {
    things: Keyed<(InstitutionId, String), Semaphore>,
    shares: Keyed<InstitutionId, Semaphore>,
    share: usize,
}

/// A place at the head of a queue; given up when it is dropped.
#[derive(Debug)]
pub struct Turn {
    _permit: Option<OwnedSemaphorePermit>,
}

impl Queues {
    /// The queues of a node with so many connections to the primary.
    pub fn new(connections: u32) -> Self {
        let share = usize::try_from(connections / 2).unwrap_or(AT_ONCE).max(1);
        Self { things: Keyed::new(), shares: Keyed::new(), share }
    }

    /// Waits for a turn at the thing that the input's `member` names; at once where there is none.
    pub async fn turn(
        &self,
        institution: InstitutionId,
        input: &Value,
        member: Option<&'static str>,
    ) -> Turn {
        let Some(Value::String(name)) = member.and_then(|member| input.get(member)) else {
            return Turn { _permit: None };
        };
        let thing = (institution, name.to_lowercase());
        Turn::at(self.things.get(thing, || Semaphore::new(AT_ONCE))).await
    }

    /// Waits until the institution may take another connection.
    pub async fn share(&self, institution: InstitutionId) -> Turn {
        Turn::at(self.shares.get(institution, || Semaphore::new(self.share))).await
    }
}

impl Turn {
    async fn at(line: Arc<Semaphore>) -> Self {
        // It is never closed.
        Self { _permit: line.acquire_owned().await.ok() }
    }
}

#[cfg(test)]
mod tests {
    use futures::FutureExt as _;
    use serde_json::json;
    use uuid::Uuid;

    use super::*;

    #[tokio::test]
    async fn two_go_at_once_and_the_third_waits_for_one_of_them() {
        let (queues, institution) = (Queues::new(6), InstitutionId::new(Uuid::nil()));
        let input = json!({"classId": "A"});
        let turn = || queues.turn(institution, &input, Some("classId"));
        let (first, _second) = (turn().await, turn().await);
        let mut third = Box::pin(turn());
        assert!((&mut third).now_or_never().is_none());
        let other = json!({"classId": "b"});
        assert!(queues.turn(institution, &other, Some("classId")).now_or_never().is_some());
        assert!(queues.turn(institution, &input, None).now_or_never().is_some());
        drop(first);
        assert!(third.now_or_never().is_some());
    }

    #[tokio::test]
    async fn an_institution_takes_half_of_the_connections_and_its_neighbour_the_others() {
        let (one, other) = (InstitutionId::new(Uuid::nil()), InstitutionId::new(Uuid::max()));
        for (connections, share) in [(0, 1), (1, 1), (2, 1), (7, 3), (16, 8)] {
            let queues = Queues::new(connections);
            let taken: Vec<_> = (0..20).map_while(|_| queues.share(one).now_or_never()).collect();
            assert_eq!(taken.len(), share, "of {connections}");
            assert!(queues.share(other).now_or_never().is_some());
            drop(taken);
            assert!(queues.share(one).now_or_never().is_some());
        }
    }
}
