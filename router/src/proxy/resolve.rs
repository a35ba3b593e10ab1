//! To which shard and node an attempt goes. Read anew for each attempt: map and nodes may have changed.

use std::sync::Arc;
use std::time::Instant;

use shard_map::{InstitutionId, NodeState, ShardId};

use super::admit::Target;
use super::context::Context;
use crate::map::View;
use crate::tenant::Overrides;
use crate::upstream::{InFlight, RetryBudget, Seat, Seats, Standing, Upstream, choose};

/// Where an attempt goes.
#[derive(Debug)]
pub(crate) struct Resolved {
    /// The shard; none where any will do.
    pub(crate) shard: Option<ShardId>,
    /// The attempt at a node, begun.
    pub(crate) attempt: InFlight,
    /// What the shard's requests may cost in retries.
    pub(crate) budget: Arc<RetryBudget>,
}

/// The shard that owns an institution as far as is known here: an override, else the map.
pub(crate) fn shard_of(
    view: &View,
    overrides: &Overrides,
    institution: InstitutionId,
) -> Option<ShardId> {
    overrides.get(institution, view.version()).or_else(|| view.route(institution).cloned())
}

/// Where the next attempt goes; none where no node can be tried.
///
/// A node that could not be connected to, or refused, is not tried again; one whose connection broke only if there is no
/// other.
pub(crate) fn resolve(
    view: &View,
    overrides: &Overrides,
    context: &Context,
    rotation: usize,
    now: Instant,
) -> Option<Resolved> {
    let (shard, nodes) = nodes_of(view, overrides, context)?;
    let seats = &nodes.seats;
    let (refused, broken) = (|node: &Upstream| context.refused(node), context.broken.as_ref());
    let attempt = choose(seats, rotation, now, |node| refused(node) || same_as(broken, node))
        .or_else(|| choose(seats, rotation, now, refused))?;
    Some(Resolved { shard, attempt, budget: Arc::clone(&nodes.budget) })
}

/// Whether there is a node that has not been tried and is not out.
pub(crate) fn is_another_there(
    view: &View,
    overrides: &Overrides,
    context: &Context,
    now: Instant,
) -> bool {
    let Some((_, nodes)) = nodes_of(view, overrides, context) else { return false };
    nodes.seats.iter().any(|Seat { upstream, state }| {
        matches!(state, NodeState::Up | NodeState::Suspect)
            && !matches!(upstream.standing(now), Standing::Out { .. })
            && !context.refused(upstream)
            && !same_as(context.broken.as_ref(), upstream)
    })
}

/// The shard that a request goes to, and its nodes; no shard where any node will do.
fn nodes_of<'v>(
    view: &'v View,
    overrides: &Overrides,
    context: &Context,
) -> Option<(Option<ShardId>, &'v Seats)> {
    match context.target? {
        Target::AnyNode => Some((None, view.all_seats())),
        Target::Institution(institution) => {
            let shard = match &context.sent_on_to {
                Some(shard) => shard.clone(),
                None => shard_of(view, overrides, institution)?,
            };
            let nodes = view.seats_of(&shard)?;
            Some((Some(shard), nodes))
        }
    }
}

fn same_as(one: Option<&Arc<Upstream>>, other: &Upstream) -> bool {
    one.is_some_and(|one| one.is_same(other))
}

#[cfg(test)]
mod tests {
    use prometheus::IntGauge;
    use shard_map::{Epoch, MapNode, MapShard, MapVersion, NodeState, ShardMap, ShardState};
    use uuid::Uuid;

    use super::*;
    use crate::tenant::Override;

    fn institution() -> InstitutionId {
        InstitutionId::new(Uuid::from_u128(1))
    }

    /// Shard `a` with nodes 1 and 2, shard `b` with node 3; the institution is on `a`.
    fn view(version: i64) -> View {
        let shards = ["a", "b"].map(|id| MapShard {
            id: id.parse().expect("an id"),
            state: ShardState::Active,
            weight: 1,
        });
        let nodes =
            [("n1", "a", 1), ("n2", "a", 2), ("n3", "b", 3)].map(|(id, shard, port)| MapNode {
                id: id.parse().expect("an id"),
                shard: shard.parse().expect("an id"),
                url: format!("http://127.0.0.1:{port}"),
                state: NodeState::Up,
            });
        let exceptions = [(institution(), "a".parse().expect("an id"))];
        let version = MapVersion(version);
        let map = ShardMap::new(version, version, shards, nodes, exceptions).expect("a map");
        View::new(Arc::new(map), None, Instant::now())
    }

    fn context() -> Context {
        let gauge = IntGauge::new("test", "test").expect("a gauge");
        let mut context = Context::new(Instant::now(), &gauge);
        context.target = Some(Target::Institution(institution()));
        context
    }

    fn upstream(
        view: &View,
        overrides: &Overrides,
        context: &Context,
        rotation: usize,
    ) -> Option<Arc<Upstream>> {
        let resolved = resolve(view, overrides, context, rotation, Instant::now());
        resolved.map(|resolved| Arc::clone(resolved.attempt.upstream()))
    }

    fn node(view: &View, overrides: &Overrides, context: &Context) -> Option<String> {
        upstream(view, overrides, context, 0).map(|node| node.id.to_string())
    }

    #[test]
    fn a_request_goes_to_its_shard_in_the_map() {
        let (view, overrides) = (view(1), Overrides::new());
        assert_eq!(node(&view, &overrides, &context()).as_deref(), Some("n1"));
    }

    #[test]
    fn an_override_outranks_an_older_map_only() {
        let overrides = Overrides::new();
        let owner = Override {
            shard: "b".parse().expect("an id"),
            epoch: Epoch(2),
            map_version: MapVersion(5),
        };
        overrides.learn(institution(), MapVersion(1), owner);
        assert_eq!(node(&view(4), &overrides, &context()).as_deref(), Some("n3"));
        assert_eq!(node(&view(5), &overrides, &context()).as_deref(), Some("n1"));
    }

    #[test]
    fn a_follow_up_outranks_both() {
        let mut context = context();
        context.sent_on_to = Some("b".parse().expect("an id"));
        assert_eq!(node(&view(1), &Overrides::new(), &context).as_deref(), Some("n3"));
    }

    #[test]
    fn a_node_that_refused_is_not_tried_again() {
        let (view, overrides, mut context) = (view(1), Overrides::new(), context());
        for expected in [Some("n1"), Some("n2"), None] {
            let next = upstream(&view, &overrides, &context, 0);
            assert_eq!(next.as_ref().map(|next| next.id.as_str()), expected);
            context.refused_by.extend(next);
        }
    }

    #[test]
    fn a_broken_node_is_tried_again_only_without_another() {
        let (view, overrides, mut context) = (view(1), Overrides::new(), context());
        let seats = &view.seats_of(&"a".parse().expect("an id")).expect("seats").seats;
        context.broken = Some(Arc::clone(&seats[0].upstream));
        assert_eq!(node(&view, &overrides, &context).as_deref(), Some("n2"));
        context.refused_by.push(Arc::clone(&seats[1].upstream));
        assert_eq!(node(&view, &overrides, &context).as_deref(), Some("n1"));
    }

    #[test]
    fn what_any_node_can_answer_goes_anywhere() {
        let (view, overrides, mut context) = (view(1), Overrides::new(), context());
        context.target = Some(Target::AnyNode);
        let nodes: Vec<_> = (0..3)
            .filter_map(|rotation| upstream(&view, &overrides, &context, rotation))
            .map(|node| node.id.to_string())
            .collect();
        assert_eq!(nodes, ["n1", "n2", "n3"]);
    }
}
