//! `lxp map history`: versions and what each changed.

use control_api::{ControlClient, List, MapChange};
use shard_map::{Entries, MapVersion, Removal};

use crate::connection::explain;
use crate::output::View;

const HEADER: [&str; 6] = ["VERSION", "PLACEMENT", "AT", "WHAT", "OF", "CHANGED"];

/// Versions after `after`, else the last `limit` of them.
pub(super) async fn fetch(
    client: &ControlClient,
    after: Option<MapVersion>,
    limit: u32,
) -> anyhow::Result<View> {
    let after = if let Some(after) = after {
        after
    } else {
        let now = client.map_snapshot().await.map_err(explain)?.version;
        MapVersion((now.0 - i64::from(limit)).max(0))
    };
    view(&client.map_history(after, limit).await.map_err(explain)?)
}

fn view(changes: &List<MapChange>) -> anyhow::Result<View> {
    View::list(changes, &HEADER, changes.items.iter().map(row), "no versions")
}

fn row(change: &MapChange) -> Vec<String> {
    vec![
        change.version.to_string(),
        change.placement_version.to_string(),
        change.at.format("%F %T").to_string(),
        change.kind.clone(),
        change.subject.clone(),
        summary(&change.set, &change.remove, change.exceptions_left_out),
    ]
}

/// What was changed, in few words: shards and nodes by name, exceptions by number.
fn summary(set: &Entries, remove: &Removal, left_out: i64) -> String {
    let shards = set.shards.iter().map(|it| format!("{} {} {}", it.id, it.state, it.weight));
    let nodes = set.nodes.iter().map(|it| format!("{} {}", it.id, it.state));
    let gone = remove.shards.iter().map(|id| format!("{id} gone"));
    let gone = gone.chain(remove.nodes.iter().map(|id| format!("{id} gone")));
    let counts = [("off the ring", set.exceptions.len()), ("on it again", remove.exceptions.len())];
    let left_out = (left_out > 0).then(|| format!("{left_out} off the ring or on it again"));
    let counts = counts.into_iter().filter(|(_, count)| *count > 0);
    let counts = counts.map(|(what, count)| format!("{count} {what}"));
    shards.chain(nodes).chain(gone).chain(counts).chain(left_out).collect::<Vec<_>>().join(", ")
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::*;
    use crate::output::Format;

    fn change(version: i64, kind: &str, of: &str, set: &Value, remove: &Value) -> Value {
        json!({"version": version, "placementVersion": 3, "at": "2026-11-23T10:00:01Z", "kind": kind,
               "subject": of, "set": set, "remove": remove})
    }

    #[test]
    fn each_version_says_what_it_changed() {
        let id = "0190a1b2-0000-7000-8000-000000000001";
        let changes = json!({"items": [
            change(4, "shard.activated", "shard-c",
                &json!({"shards": [{"id": "shard-c", "state": "active", "weight": 2}], "exceptions": [[id, "shard-a"]]}),
                &json!({})),
            change(5, "node.changed", "shard-a-1",
                &json!({"nodes": [{"id": "shard-a-1", "shard": "shard-a", "url": "http://x", "state": "down"}]}),
                &json!({})),
            change(6, "move.committed", id, &json!({}), &json!({"exceptions": [id]})),
        ]});
        let changes: List<MapChange> = serde_json::from_value(changes).expect("changes");
        let golden = " VERSION  PLACEMENT  AT                   WHAT             OF                                    CHANGED
 4        3          2026-11-23 10:00:01  shard.activated  shard-c                               shard-c active 2, 1 off the ring
 5        3          2026-11-23 10:00:01  node.changed     shard-a-1                             shard-a-1 down
 6        3          2026-11-23 10:00:01  move.committed   0190a1b2-0000-7000-8000-000000000001  1 on it again
";
        assert_eq!(view(&changes).expect("a view").text(Format::Table), golden);
    }
}
