//! What is seen of nodes: heartbeats as they come, probes, and the judgement over all of them.
//!
//! What must stay true: a sign that changes no state writes one row and no version of the map; only the judgement
//! puts a node down, with all nodes in view. Lock order: the map's head, then the nodes.

use chrono::{DateTime, Utc};
use control_api::Heartbeat;
use shard_map::NodeId;

use super::Platform;
use crate::error::Error;
use crate::model::health::Vitals;
use crate::model::health::judgement::{Patient, judge};
use crate::model::validate;
use crate::store::journal::Actor;
use crate::store::map_head::MapTx;
use crate::store::nodes::{self, NodeRow, Watch};

impl Platform {
    /// Hears that a node lives.
    pub async fn heartbeat(&self, id: &NodeId, beat: &Heartbeat) -> Result<(), Error> {
        let wrong = validate::heartbeat(beat);
        if !wrong.is_empty() {
            return Err(Error::Invalid(wrong));
        }
        self.seen(id, |node, at| NodeRow {
            vitals: node.vitals.beat(beat.ready, at),
            load: Some(beat.load),
            ..node
        })
        .await
    }

    /// Takes note of a probe: nothing where it passed, else what was wrong.
    pub async fn probed(&self, id: &NodeId, error: Option<&str>) -> Result<(), Error> {
        self.seen(id, |node, at| NodeRow {
            vitals: node.vitals.probed(error.is_none(), at),
            probe_error: error.map(str::to_owned),
            ..node
        })
        .await
    }

    async fn seen(
        &self,
        id: &NodeId,
        sign: impl Fn(NodeRow, DateTime<Utc>) -> NodeRow,
    ) -> Result<(), Error> {
        let mut tx = self.pool.begin().await?;
        let known = nodes::lock(&mut tx, id).await?.ok_or_else(|| Error::not_found("node", id))?;
        let node = sign(known, nodes::now(&mut tx).await?);
        if node.due_state() == node.state {
            nodes::put(&mut tx, &node).await?;
            tx.commit().await?;
            return Ok(());
        }
        // The map changes: its head is locked before the node.
        tx.rollback().await?;
        let mut tx = MapTx::open(&self.pool).await?;
        let known = nodes::lock(tx.connection(), id).await?;
        let known = known.ok_or_else(|| Error::not_found("node", id))?;
        let node = sign(known, nodes::now(tx.connection()).await?);
        self.publish_nodes(tx, vec![node], "node.changed", &Actor::reconciler(), vec![]).await?;
        Ok(())
    }

    /// Begins to watch: what was missed while no control plane was there is held against nobody.
    pub async fn begin_watch(&self) -> Result<(), Error> {
        nodes::begin_watch(&mut *self.pool.acquire().await?).await
    }

    /// Judges all nodes by what was seen and missed. Answers how many changed.
    pub async fn judge_nodes(&self) -> Result<usize, Error> {
        let mut connection = self.pool.acquire().await?;
        let watch = nodes::watch(&mut connection).await?;
        let seen = nodes::all(&mut connection).await?;
        drop(connection);
        if verdicts(&seen, watch).next().is_none() {
            return Ok(0);
        }
        let mut tx = MapTx::open(&self.pool).await?;
        // Looked at again: heartbeats may have come while the head was waited for.
        let seen = nodes::lock_all(tx.connection()).await?;
        let now = nodes::now(tx.connection()).await?;
        let changed: Vec<NodeRow> = verdicts(&seen, Watch { now, ..watch })
            .map(|(node, vitals)| NodeRow { vitals, ..node.clone() })
            .collect();
        let count = changed.len();
        self.publish_nodes(tx, changed, "node.changed", &Actor::reconciler(), vec![]).await?;
        Ok(count)
    }
}

/// The nodes of which something else is thought now.
fn verdicts(seen: &[NodeRow], watch: Watch) -> impl Iterator<Item = (&NodeRow, Vitals)> {
    let patients: Vec<Patient<'_>> = seen
        .iter()
        .map(|node| Patient {
            shard: &node.shard,
            vitals: node.vitals,
            taken_out: node.cordoned || node.held_down.is_some(),
        })
        .collect();
    let judged = judge(&patients, watch.since, watch.now);
    seen.iter().zip(judged).filter(|(node, vitals)| node.vitals != *vitals)
}
