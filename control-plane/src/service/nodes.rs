//! Nodes: they register, and checkers and people have a word on them. What is seen of them: `health`.
//!
//! What must stay true: the map's version is raised when a node's state, shard or address changes, and by no
//! heartbeat else. Lock order: the map's head, then the node.

use chrono::{DateTime, Utc};
use control_api::{Node, NodeRegistration};
use serde_json::json;
use shard_map::{Entries, NodeId, NodeState, Removal};

use super::Platform;
use crate::error::Error;
use crate::model::health::Vitals;
use crate::model::validate;
use crate::store::journal::{Actor, Note};
use crate::store::map_head::{Change, MapTx};
use crate::store::nodes::{self, NodeRow, Said};
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
    fn applied_to(&self, node: NodeRow, actor: &Actor) -> NodeRow {
        let vitals = node.vitals.released();
        match self {
            Self::Down(reason) => NodeRow {
                held_down: Some(reason.clone()),
                held_by: Some(actor.name.clone()),
                held_by_person: actor.is_person(),
                ..node
            },
            Self::Up if node.held_down.is_none() => node,
            Self::Up => {
                NodeRow { held_down: None, held_by: None, held_by_person: false, vitals, ..node }
            }
            Self::Cordon => NodeRow { cordoned: true, ..node },
            Self::Uncordon if !node.cordoned => node,
            Self::Uncordon => NodeRow { cordoned: false, vitals, ..node },
        }
    }

    /// What a person said of a node no checker takes back.
    fn is_allowed(&self, node: &NodeRow, actor: &Actor) -> Result<(), Error> {
        let by_checker = matches!(self, Self::Down(_) | Self::Up) && !actor.is_person();
        if by_checker && node.held_by_person {
            let who = node.held_by.as_deref().unwrap_or("a person");
            return Err(Error::conflict(
                "held-by-person",
                format!("node `{}` is held down by {who}: lxp node up {}", node.id, node.id),
            ));
        }
        Ok(())
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
            None => {
                let since = nodes::now(tx.connection()).await?;
                let reason = "no heartbeat yet".to_owned();
                NodeRow::new(registration, Said { since, reason, by: actor.name.clone() })
            }
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
                let moved = known.url != registration.url;
                let vitals = if moved { Vitals::returned() } else { known.vitals };
                let (url, admin_url) = (registration.url.clone(), registration.admin_url.clone());
                NodeRow { url, admin_url, vitals, ..known }
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
        word.is_allowed(&known, actor)?;
        let node = word.applied_to(known.clone(), actor);
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
    pub(super) async fn publish_nodes(
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
            let now = nodes::now(tx.connection()).await?;
            let node = NodeRow { said: said(before.as_ref(), &node, actor, now), ..node };
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
    known.shard == registration.shard
        && known.url == registration.url
        && known.admin_url == registration.admin_url
}

/// The story of the state that is due: a new one where the state or somebody's word on it changed.
fn said(before: Option<&NodeRow>, node: &NodeRow, actor: &Actor, now: DateTime<Utc>) -> Said {
    let state = node.due_state();
    let same_state = before.is_some_and(|before| before.state == state);
    let same_words = before.is_some_and(|before| {
        (before.cordoned, &before.held_down) == (node.cordoned, &node.held_down)
    });
    if same_state && same_words {
        return node.said.clone();
    }
    let since = if same_state { node.said.since } else { now };
    let (reason, by) = match (state, &node.held_down) {
        (NodeState::Cordoned, _) if same_state => return node.said.clone(),
        (NodeState::Cordoned, _) => ("cordoned by hand".to_owned(), actor.name.clone()),
        (NodeState::Down, Some(reason)) => {
            (reason.clone(), node.held_by.clone().unwrap_or_default())
        }
        _ => (node.vitals.reason(node.probe_error.as_deref(), now), actor.shown()),
    };
    Said { since, reason, by }
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
    let Said { reason, by, .. } = &node.said;
    let detail = json!({"shard": node.shard, "from": before.state, "reason": reason, "by": by});
    Note::event(kind, &node.id, detail)
}
