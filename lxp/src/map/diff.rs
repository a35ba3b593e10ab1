//! `lxp map diff`: what changed from one version to another, in sum: of what changed twice, the last.

use std::collections::BTreeMap;

use control_api::{ControlClient, MapChange};
use serde_json::json;
use shard_map::{Entries, MapVersion, Removal};

use crate::connection::explain;
use crate::failure::Failure;
use crate::output::{View, say};

/// Versions that are asked for at once.
const PAGE: u32 = 200;

/// Asks for all versions in between, and sums them up.
pub(super) async fn fetch(
    client: &ControlClient,
    from: MapVersion,
    to: Option<MapVersion>,
) -> anyhow::Result<View> {
    let now = client.map_snapshot().await.map_err(explain)?.version;
    let to = to.unwrap_or(now);
    if to > now || from > to {
        let what = format!("from version {from} to {to}: the map is at version {now}");
        return Err(Failure::refused(what).next("lxp map history").into());
    }
    let mut changes: Vec<MapChange> = Vec::new();
    let mut last = from;
    while last < to {
        let page = client.map_history(last, PAGE).await.map_err(explain)?.items;
        let Some(newest) = page.last() else { break };
        last = newest.version;
        changes.extend(page.into_iter().filter(|change| change.version <= to));
    }
    view(from, to, &changes)
}

fn view(from: MapVersion, to: MapVersion, changes: &[MapChange]) -> anyhow::Result<View> {
    let (set, remove) = sum(changes);
    let row = |kind: &str, id: String, now: String| vec![kind.to_owned(), id, now];
    let shards = set.shards.iter();
    let shards = shards
        .map(|it| row("shard", it.id.to_string(), format!("{}, weight {}", it.state, it.weight)));
    let nodes = set.nodes.iter();
    let nodes = nodes.map(|it| {
        row("node", it.id.to_string(), format!("{} of {} at {}", it.state, it.shard, it.url))
    });
    let off = set.exceptions.iter();
    let off = off
        .map(|(id, shard)| row("institution", id.to_string(), format!("on {shard}, off the ring")));
    let gone = remove.shards.iter().map(|id| row("shard", id.to_string(), "gone".to_owned()));
    let gone =
        gone.chain(remove.nodes.iter().map(|id| row("node", id.to_string(), "gone".to_owned())));
    let on = remove.exceptions.iter();
    let on = on.map(|id| row("institution", id.to_string(), "where the ring says".to_owned()));
    let rows: Vec<_> = shards.chain(nodes).chain(off).chain(gone).chain(on).collect();
    // As a delta, but for the checksum of a map that is not here.
    let left_out: i64 = changes.iter().map(|change| change.exceptions_left_out).sum();
    if left_out > 0 {
        say(&format!(
            "{left_out} institutions came off the ring or onto it that are too many to be listed"
        ));
    }
    let json = json!({"from": from, "version": to, "set": set, "remove": remove});
    View::list(&json, &["KIND", "ID", "NOW"], rows, "nothing changed")
}

/// The last word on each entry.
fn sum(changes: &[MapChange]) -> (Entries, Removal) {
    let (mut shards, mut nodes, mut homes) = (BTreeMap::new(), BTreeMap::new(), BTreeMap::new());
    for MapChange { set, remove, .. } in changes {
        shards.extend(set.shards.iter().map(|it| (it.id.clone(), Some(it.clone()))));
        shards.extend(remove.shards.iter().map(|id| (id.clone(), None)));
        nodes.extend(set.nodes.iter().map(|it| (it.id.clone(), Some(it.clone()))));
        nodes.extend(remove.nodes.iter().map(|id| (id.clone(), None)));
        homes.extend(set.exceptions.iter().map(|(id, shard)| (*id, Some(shard.clone()))));
        homes.extend(remove.exceptions.iter().map(|id| (*id, None)));
    }
    let (mut set, mut remove) = (Entries::default(), Removal::default());
    for (id, it) in shards {
        it.map_or_else(|| remove.shards.push(id), |it| set.shards.push(it));
    }
    for (id, it) in nodes {
        it.map_or_else(|| remove.nodes.push(id), |it| set.nodes.push(it));
    }
    for (id, shard) in homes {
        match shard {
            Some(shard) => set.exceptions.push((id, shard)),
            None => remove.exceptions.push(id),
        }
    }
    (set, remove)
}

#[cfg(test)]
mod tests {
    use control_api::List;

    use super::*;
    use crate::output::Format;

    #[test]
    fn of_what_changed_twice_the_last_is_shown() {
        let [one, two] =
            ["0190a1b2-0000-7000-8000-000000000001", "0190a1b2-0000-7000-8000-000000000002"];
        let change = |version: i64, set, remove| {
            json!({"version": version, "placementVersion": version, "at": "2026-11-23T10:00:01Z", "kind": "x",
                   "subject": "x", "set": set, "remove": remove})
        };
        let shard = |weight: u32| json!({"shards": [{"id": "shard-c", "state": "active", "weight": weight}]});
        let changes = json!({"items": [
            change(4, json!({"exceptions": [[one, "shard-a"], [two, "shard-a"]]}), json!({})),
            change(5, shard(2), json!({"nodes": ["shard-b-1"]})),
            change(6, shard(3), json!({"exceptions": [one]})),
        ]});
        let changes: List<MapChange> = serde_json::from_value(changes).expect("changes");
        let view = view(MapVersion(3), MapVersion(6), &changes.items).expect("a view");
        let golden = " KIND         ID                                    NOW
 shard        shard-c                               active, weight 3
 institution  0190a1b2-0000-7000-8000-000000000002  on shard-a, off the ring
 node         shard-b-1                             gone
 institution  0190a1b2-0000-7000-8000-000000000001  where the ring says
";
        assert_eq!(view.text(Format::Table), golden);
        let json = view.text(Format::Json);
        assert!(json.contains(r#""from":3"#) && json.contains(r#""version":6"#), "{json}");
    }
}
