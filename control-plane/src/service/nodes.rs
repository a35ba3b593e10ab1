//! Nodes: they register, live and fall silent; checkers and people have a word too.
//!
//! What must stay true: the map's version is raised when a node's state, shard or address changes, and by no
//! heartbeat else. Lock order: the map's head, then the node.

use control_api::{Heartbeat, Node, NodeRegistration};
use serde_json::json;
use shard_map::{Entries, NodeId, NodeState, Removal};
use sqlx::PgConnection;

use super::Platform;
use crate::error::Error;
use crate::model::health::Vitals;
use crate::model::validate;
use crate::store::journal::{Actor, Note};
use crate::store::map_head::{Change, MapTx};
use crate::store::nodes::{self, NodeRow};
use crate::store::shards;

/// What somebody says of a node.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum NodeWord {
    /// A health checker holds it down.
    Down(String),
    /// A health checker lets go of it.
    Up,
    /// A person takes it out.
    Cordon,
    /// A person puts it back.
    Uncordon,
}

impl NodeWord {
    fn applied_to(&self, node: NodeRow) -> NodeRow {
        match self {
            Self::Down(reason) => NodeRow { held_down: Some(reason.clone()), ..node },
            Self::Up => NodeRow { held_down: None, ..node },
            Self::Cordon => NodeRow { cordoned: true, ..node },
            Self::Uncordon => NodeRow { cordoned: false, ..node },
        }
    }

    const fn action(&self) -> &'static str {
        match self {
            Self::Down(_) => "node.down",
            Self::Up => "node.up",
            Self::Cordon => "node.cordon",
            Self::Uncordon => "node.uncordon",
        }
    }
}

impl Platform {
    /// Registers a node, or hears again where it is.
    pub async fn register_node(
        &self,
        actor: &Actor,
        registration: &NodeRegistration,
    ) -> Result<Node, Error> {
        let wrong = validate::node(registration);
        if !wrong.is_empty() {
            return Err(Error::Invalid(wrong));
        }
        let mut connection = self.pool.acquire().await?;
        let known = nodes::find(&mut connection, &registration.id).await?;
        drop(connection);
        if let Some(known) = known.filter(|known| is_same(known, registration)) {
            return Ok(known.shown());
        }
        let mut tx = MapTx::open(&self.pool).await?;
        let shard = shards::find(tx.connection(), &registration.shard).await?;
        if shard.is_none() {
            return Err(Error::conflict(
                "shard-unknown",
                format!(
                    "there is no shard `{}` for node `{}`; add it first: lxp shard add",
                    registration.shard, registration.id
                ),
            ));
        }
        let node = match nodes::lock(tx.connection(), &registration.id).await? {
            None => NodeRow::new(registration),
            Some(known) if is_same(&known, registration) => return Ok(known.shown()),
            Some(known) if known.shard != registration.shard => {
                return Err(Error::conflict(
                    "node-exists",
                    format!(
                        "node `{}` belongs to shard `{}`; choose another id for this one",
                        known.id, known.shard
                    ),
                ));
            }
            Some(known) => {
                NodeRow { url: registration.url.clone(), vitals: Vitals::returned(), ..known }
            }
        };
        let detail = json!({"shard": node.shard, "url": node.url});
        let audit = Note::audit("node.register", &node.id, detail);
        self.publish_nodes(tx, vec![node], "node.registered", actor, vec![audit])
            .await?
            .pop()
            .map(NodeRow::shown)
            .ok_or_else(|| Error::Corrupt("a node that vanished".to_owned()))
    }

    /// Hears that a node lives.
    pub async fn heartbeat(&self, id: &NodeId, beat: &Heartbeat) -> Result<(), Error> {
        let wrong = validate::heartbeat(beat);
        if !wrong.is_empty() {
            return Err(Error::Invalid(wrong));
        }
        let mut tx = self.pool.begin().await?;
        let node = beaten(&mut tx, id, beat).await?;
        if node.due_state() == node.state {
            nodes::put(&mut tx, &node).await?;
            tx.commit().await?;
            return Ok(());
        }
        // The map changes: its head is locked before the node.
        tx.rollback().await?;
        let mut tx = MapTx::open(&self.pool).await?;
        let node = beaten(tx.connection(), id, beat).await?;
        self.publish_nodes(tx, vec![node], "node.changed", &Actor::reconciler(), vec![]).await?;
        Ok(())
    }

    /// Hears what a health checker or a person says of a node.
    pub async fn say_of_node(
        &self,
        actor: &Actor,
        id: &NodeId,
        word: &NodeWord,
    ) -> Result<Node, Error> {
        let mut tx = MapTx::open(&self.pool).await?;
        let known = nodes::lock(tx.connection(), id).await?;
        let known = known.ok_or_else(|| Error::not_found("node", id))?;
        let node = word.applied_to(known.clone());
        if node == known {
            return Ok(known.shown());
        }
        let detail = match word {
            NodeWord::Down(reason) => json!({"reason": reason}),
            NodeWord::Up | NodeWord::Cordon | NodeWord::Uncordon => json!({}),
        };
        let audit = Note::audit(word.action(), id, detail);
        self.publish_nodes(tx, vec![node], "node.changed", actor, vec![audit])
            .await?
            .pop()
            .map(NodeRow::shown)
            .ok_or_else(|| Error::Corrupt("a node that vanished".to_owned()))
    }

    /// Judges silence: one look at all nodes. Answers how many changed.
    pub async fn judge_silence(&self) -> Result<usize, Error> {
        let mut connection = self.pool.acquire().await?;
        let watch = nodes::watch(&mut connection).await?;
        let silent: Vec<NodeId> = nodes::all(&mut connection)
            .await?
            .into_iter()
            .filter(|node| node.vitals.tick(watch.since, watch.now) != node.vitals)
            .map(|node| node.id)
            .collect();
        drop(connection);
        if silent.is_empty() {
            return Ok(0);
        }
        let mut tx = MapTx::open(&self.pool).await?;
        // The clock is asked again: a heartbeat may have come while the head was waited for.
        let now = nodes::now(tx.connection()).await?;
        let mut changed = Vec::new();
        for id in silent {
            let Some(node) = nodes::lock(tx.connection(), &id).await? else { continue };
            let vitals = node.vitals.tick(watch.since, now);
            if vitals != node.vitals {
                changed.push(NodeRow { vitals, ..node });
            }
        }
        let count = changed.len();
        self.publish_nodes(tx, changed, "node.changed", &Actor::reconciler(), vec![]).await?;
        Ok(count)
    }

    /// All nodes.
    pub async fn nodes(&self) -> Result<Vec<Node>, Error> {
        let mut connection = self.pool.acquire().await?;
        Ok(nodes::all(&mut connection).await?.into_iter().map(NodeRow::shown).collect())
    }

    /// One node.
    pub async fn node(&self, id: &NodeId) -> Result<Node, Error> {
        let mut connection = self.pool.acquire().await?;
        let node = nodes::find(&mut connection, id).await?;
        node.map(NodeRow::shown).ok_or_else(|| Error::not_found("node", id))
    }

    /// Writes the nodes with the state that is due, and publishes those whose entry in the map changes.
    async fn publish_nodes(
        &self,
        mut tx: MapTx,
        rows: Vec<NodeRow>,
        kind: &'static str,
        actor: &Actor,
        mut notes: Vec<Note>,
    ) -> Result<Vec<NodeRow>, Error> {
        let (mut written, mut set, mut subjects) = (vec![], Entries::default(), vec![]);
        for node in rows {
            let before = nodes::find(tx.connection(), &node.id).await?;
            let node = NodeRow { state: node.due_state(), ..node };
            nodes::put(tx.connection(), &node).await?;
            if before.as_ref().map(NodeRow::for_map) != Some(node.for_map()) {
                notes.push(told(before.as_ref(), &node));
                set.nodes.push(node.for_map());
                subjects.push(node.id.to_string());
            }
            written.push(node);
        }
        if subjects.is_empty() {
            tx.commit_unpublished(actor, &notes).await?;
            return Ok(written);
        }
        let subject = subjects.join(",");
        let remove = Removal::default();
        tx.publish(Change { kind, subject, placement: false, set, remove }, actor, &notes).await?;
        self.published();
        Ok(written)
    }
}

fn is_same(known: &NodeRow, registration: &NodeRegistration) -> bool {
    known.shard == registration.shard && known.url == registration.url
}

async fn beaten(
    connection: &mut PgConnection,
    id: &NodeId,
    beat: &Heartbeat,
) -> Result<NodeRow, Error> {
    let node = nodes::lock(connection, id).await?.ok_or_else(|| Error::not_found("node", id))?;
    let at = nodes::now(connection).await?;
    Ok(NodeRow { vitals: node.vitals.beat(beat.ready, at), load: Some(beat.load), ..node })
}

fn told(before: Option<&NodeRow>, node: &NodeRow) -> Note {
    let Some(before) = before else {
        let detail = json!({"shard": node.shard, "url": node.url});
        return Note::event("node.registered", &node.id, detail);
    };
    let kind = match node.state {
        _ if before.url != node.url => "node.returned",
        NodeState::Up => "node.up",
        NodeState::Suspect => "node.suspect",
        NodeState::Down => "node.down",
        NodeState::Cordoned => "node.cordoned",
    };
    let detail = json!({"shard": node.shard, "from": before.state, "reason": node.held_down});
    Note::event(kind, &node.id, detail)
}
