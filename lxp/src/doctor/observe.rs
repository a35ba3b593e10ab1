//! What there is to be judged, asked of the control plane and, on this machine, of the processes themselves.

use std::time::Duration;

use control_api::{ControlClient, Move, MoveQuery, Node, Shard, ShardInspection};
use futures::future::join_all;
use service_kit::samples;
use shard_map::{MapSnapshot, MapVersion, ShardId};

use crate::connection::{Connection, explain};
use crate::local::state::{Kind, Process};

/// Moves that are asked for.
const MOVES_MAX: i64 = 200;
const PAGES_WITHIN: Duration = Duration::from_secs(2);

/// Everything that was asked, as it was answered.
#[derive(Debug)]
pub(super) struct Observed {
    pub(super) map: MapSnapshot,
    pub(super) shards: Vec<Shard>,
    pub(super) nodes: Vec<Node>,
    /// Moves that were under way before or after the databases were asked.
    pub(super) moves: Vec<Move>,
    /// Each shard's databases, or why they could not be asked.
    pub(super) databases: Vec<(ShardId, Result<ShardInspection, String>)>,
    /// The processes of the local platform, where that is the one.
    pub(super) processes: Vec<Process>,
    /// Each local router's map, or why it does not say.
    pub(super) routers: Vec<(String, Result<MapVersion, String>)>,
}

/// Asks. A control plane that does not answer is a failure of its own: nothing can be said of the rest.
pub(super) async fn observe(connection: &Connection) -> anyhow::Result<Observed> {
    let client = connection.client()?;
    let map = client.map_snapshot().await.map_err(explain)?;
    let mut moves = under_way(&client).await?;
    let shards = client.shards().await.map_err(explain)?.items;
    let asked = shards.iter().map(async |shard| {
        let databases = client.shard_databases(&shard.id).await;
        (shard.id.clone(), databases.map_err(|error| error.to_string()))
    });
    let databases = join_all(asked).await;
    // One that began meanwhile has left nothing behind.
    moves.extend(under_way(&client).await?);
    let nodes = client.nodes().await.map_err(explain)?.items;
    let processes = connection.local()?.map(|state| state.processes).unwrap_or_default();
    let routers = processes.iter().filter(|process| process.kind == Kind::Router);
    let routers =
        join_all(routers.map(async |router| (router.name.clone(), version_of(router).await)));
    let routers = routers.await;
    Ok(Observed { map, shards, nodes, moves, databases, processes, routers })
}

async fn under_way(client: &ControlClient) -> anyhow::Result<Vec<Move>> {
    let query = MoveQuery { active: true, limit: Some(MOVES_MAX), ..MoveQuery::default() };
    Ok(client.moves(&query).await.map_err(explain)?.items)
}

async fn version_of(router: &Process) -> Result<MapVersion, String> {
    let page = router.admin_url.as_deref().ok_or("it has no admin pages")?;
    let samples = samples::fetch(page, PAGES_WITHIN).await.map_err(|error| error.to_string())?;
    let version = samples.sum("lxp_router_map_version", |_| true);
    let version = version.ok_or("it does not say which map it has")?;
    #[expect(clippy::cast_possible_truncation, reason = "a gauge of whole numbers")]
    let version = version as i64;
    Ok(MapVersion(version))
}
