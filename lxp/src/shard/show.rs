//! `lxp shard show`: the shard, its nodes, and what its databases say of themselves.

use control_api::{ControlClient, DatabaseInspection, Node, Shard, ShardInspection};
use serde_json::{Value, json};
use shard_map::ShardId;

use crate::connection::explain;
use crate::output::View;

/// Asks for all of it. Databases that cannot be asked are shown as such: the rest is known.
pub(super) async fn fetch(client: &ControlClient, id: &ShardId) -> anyhow::Result<View> {
    let shard = client.shard(id).await.map_err(explain)?;
    let mut nodes = client.nodes().await.map_err(explain)?.items;
    nodes.retain(|node| node.shard == *id);
    let databases = client.shard_databases(id).await.map_err(|error| error.to_string());
    view(&shard, &nodes, &databases)
}

fn view(
    shard: &Shard,
    nodes: &[Node],
    databases: &Result<ShardInspection, String>,
) -> anyhow::Result<View> {
    let mut json = serde_json::to_value(shard)?;
    json["nodes"] = json!(nodes);
    json["databases"] = databases.as_ref().map_or(Value::Null, |it| json!(it.databases));
    let Shard {
        id, state, weight, institutions, schema_version, schema_wanted, last_error, ..
    } = shard;
    let has = schema_version.map_or("none".to_owned(), |version| version.to_string());
    let mut rows = vec![
        ("id", id.to_string()),
        ("state", state.to_string()),
        ("weight", weight.to_string()),
        ("institutions", institutions.to_string()),
        ("migration", format!("{has} of {schema_wanted}")),
    ];
    let (come, go) = (shard.arriving, shard.leaving);
    rows.extend(shard.capacity.map(|most| ("capacity", most.to_string())));
    rows.extend((come > 0).then(|| ("to come", come.to_string())));
    rows.extend((go > 0).then(|| ("to go", go.to_string())));
    rows.extend(shard.load.map(|load| ("load", format!("{load:.2}"))));
    rows.extend(shard.next.clone().map(|next| ("next", next)));
    rows.extend(last_error.clone().map(|error| ("error", error)));
    rows.extend(nodes.iter().map(|node| ("node", of_node(node))));
    match databases {
        Ok(it) => rows.extend(it.databases.iter().map(|it| (role(it), of_database(it)))),
        Err(why) => rows.push(("databases", why.clone())),
    }
    let rows = rows.into_iter().map(|(name, value)| vec![name.to_owned(), value]);
    View::list(&json, &[], rows, "")
}

fn of_node(node: &Node) -> String {
    let load = node.load.map(|load| format!(", load {load:.2}")).unwrap_or_default();
    format!("{} {} at {}{load}", node.id, node.state, node.url)
}

fn role(it: &DatabaseInspection) -> &'static str {
    if it.replica { "replica" } else { "primary" }
}

fn of_database(it: &DatabaseInspection) -> String {
    if let Some(error) = &it.error {
        return format!("{}: {error}", it.place);
    }
    let behind = match (it.receiving, it.lag_ms) {
        (Some(false), _) => ", receives nothing".to_owned(),
        (_, Some(lag)) => format!(", {lag} ms behind"),
        _ => String::new(),
    };
    let skew = it.clock_skew_ms.filter(|skew| *skew != 0);
    let skew = skew.map(|skew| format!(", clock {skew:+} ms")).unwrap_or_default();
    format!("{}{behind}{skew}", it.place)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::output::Format;

    #[test]
    fn what_follows_a_change_of_the_ring_is_shown() {
        let shard = view(&crate::shard::tests::shard(), &[], &Err("no".to_owned()));
        let text = shard.expect("a view").text(Format::Table);
        let golden = " id            shard-c
 state         active
 weight        2
 institutions  3
 migration     7 of 9
 capacity      500
 to come       31
 load          0.25
 next          lxp rebalance plan
 databases     no
";
        assert_eq!(text, golden);
    }

    #[test]
    fn a_shard_is_shown_with_its_nodes_and_databases() {
        let shard = json!({"id": "shard-a", "state": "active", "weight": 2, "institutions": 7, "schemaVersion": 39,
                           "schemaWanted": 40, "lastError": "it cannot be reached"});
        let nodes = json!([{"id": "shard-a-1", "shard": "shard-a", "url": "http://h:1", "state": "up", "load": 0.25,
                            "heldDown": null}]);
        let one = |replica: bool, error: Value| {
            json!({"replica": replica, "place": "h:5432/lxp", "error": error, "inRecovery": replica,
                   "schemaVersion": 40, "clockSkewMs": -20, "receiving": replica.then_some(true), "lagMs": if replica { 12.into() } else { Value::Null }})
        };
        let databases = [
            one(false, Value::Null),
            one(true, Value::Null),
            one(true, "no answer within 4 s".into()),
        ];
        let inspection =
            json!({"shard": "shard-a", "databases": databases, "moving": [], "left": []});
        let inspection: ShardInspection = serde_json::from_value(inspection).expect("databases");
        let (shard, nodes): (Shard, Vec<Node>) =
            serde_json::from_value(json!([shard, nodes])).expect("a shard");
        let golden = " id            shard-a
 state         active
 weight        2
 institutions  7
 migration     39 of 40
 error         it cannot be reached
 node          shard-a-1 up at http://h:1, load 0.25
 primary       h:5432/lxp, clock -20 ms
 replica       h:5432/lxp, 12 ms behind, clock -20 ms
 replica       h:5432/lxp: no answer within 4 s
";
        let shown = view(&shard, &nodes, &Ok(inspection)).expect("a view");
        assert_eq!(shown.text(Format::Table), golden);
        let json = shown.text(Format::Json);
        assert!(json.contains(r#""institutions":7"#) && json.contains(r#""nodes":[{"#), "{json}");
        let away = view(&shard, &[], &Err("no".to_owned())).expect("a view").text(Format::Table);
        assert!(away.ends_with(" databases     no\n"), "{away}");
    }
}
