//! The process: database, feed, reconcilers, API and admin listener, in that order; and their end.

use std::net::SocketAddr;
use std::str::FromStr;
use std::time::Duration;

use anyhow::Context;
use service_kit::admin::{self, Readiness};
use service_kit::metrics::Metrics;
use sqlx::postgres::PgConnectOptions;
use sqlx::{ConnectOptions, Connection};
use tokio::net::TcpListener;
use tokio::time::timeout;
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

use crate::api::Api;
use crate::api::access::Access;
use crate::config::Settings;
use crate::feed::Feed;
use crate::operation::lead;
use crate::operation::metrics::MoveMetrics;
use crate::service::Platform;
use crate::{reconcile, store};

/// How long requests in flight may go on after SIGTERM.
const DRAIN_DEADLINE: Duration = Duration::from_secs(10);
const CONNECT_DEADLINE: Duration = Duration::from_secs(5);
const MIGRATE_DEADLINE: Duration = Duration::from_mins(5);

/// Runs the control plane until `stop` is cancelled and its requests are answered.
pub async fn run(
    settings: Settings,
    access: Access,
    stop: CancellationToken,
) -> anyhow::Result<()> {
    let metrics = Metrics::new()?;
    let readiness = Readiness::default();
    // The port is taken first: a second control plane that was started by mistake changes nothing.
    let listener = admin::bind(settings.listen).await?;
    let admin =
        admin::serve(settings.admin_listen, metrics.clone(), readiness.clone(), stop.clone());
    let mut admin = tokio::spawn(admin);
    let postgres = &settings.postgres;
    let options = PgConnectOptions::from_str(&postgres.url).map_err(|_| {
        anyhow::anyhow!(
            "postgres.url is not understood; postgres://user:password@host:port/database is expected"
        )
    })?;
    let options = options.application_name("lxp-control-plane");
    migrate(&options).await?;
    let pool = service_kit::postgres::proven_pool(options, postgres.max_connections);
    let feed = Feed::start(pool.clone(), stop.clone()).await.context("the map cannot be loaded")?;
    let mut platform = Platform::new(pool.clone(), feed.clone(), postgres.max_connections);
    platform.moves_at_once = settings.moves.at_once.get();
    platform.moves_at_once_a_shard = settings.moves.at_once_a_shard.get();
    let tasks = TaskTracker::new();
    reconcile::start(&platform, &tasks, &stop);
    let moves = MoveMetrics::new(&metrics)?;
    tasks.spawn(lead::run(platform.clone(), moves, stop.clone()));
    register_map_metrics(&metrics, &feed, &tasks, &stop)?;
    readiness.set(true);
    tracing::info!(listen = %settings.listen, map.version = feed.latest().version().0, "Serving");

    let api = Api::new(platform, access, metrics, stop.clone());
    let served = tokio::select! {
        served = serve(listener, api, &stop) => served,
        ended = &mut admin => ended.map_err(anyhow::Error::from).and_then(|ended| Ok(ended?)),
    };
    readiness.set(false);
    stop.cancel();
    tasks.close();
    if timeout(DRAIN_DEADLINE, tasks.wait()).await.is_err() {
        tracing::warn!("Reconcilers did not end in time; the next start goes on where they were");
    }
    if timeout(Duration::from_secs(2), pool.close()).await.is_err() {
        tracing::debug!("Connections to the control database were still in use");
    }
    served
}

/// Applies the migrations, on a connection without a request's limits: larger tables take longer, and another
/// control plane may be first.
async fn migrate(options: &PgConnectOptions) -> anyhow::Result<()> {
    let place = format!("{}:{}", options.get_host(), options.get_port());
    let mut connection = timeout(CONNECT_DEADLINE, options.connect())
        .await
        .with_context(|| format!("the control database at {place} (postgres.url) does not answer"))?
        .with_context(|| format!("the control database at {place} (postgres.url)"))?;
    timeout(MIGRATE_DEADLINE, store::MIGRATIONS.run_direct(None, &mut connection, false))
        .await
        .context("the control database's migrations took too long")?
        .context("the control database cannot be migrated")?;
    // What was to be done is done; a connection that ends badly changes nothing of it.
    if let Err(error) = connection.close().await {
        tracing::debug!(error = %error, "The connection for migrations was not closed in order");
    }
    Ok(())
}

/// Serves until `stop`; then waits for the requests in flight, for [`DRAIN_DEADLINE`] at most.
async fn serve(listener: TcpListener, api: Api, stop: &CancellationToken) -> anyhow::Result<()> {
    let stopped = stop.clone();
    // Routers that follow the map are told apart by their addresses, too.
    let service = api.router().into_make_service_with_connect_info::<SocketAddr>();
    let served = axum::serve(listener, service)
        .with_graceful_shutdown(async move { stopped.cancelled().await });
    let drained = async {
        stop.cancelled().await;
        tokio::time::sleep(DRAIN_DEADLINE).await;
    };
    tokio::select! {
        served = served.into_future() => Ok(served?),
        () = drained => {
            tracing::warn!("Some requests were still in flight at the end");
            Ok(())
        }
    }
}

/// `lxp_map_version` and `lxp_map_exceptions`, kept up by a task.
fn register_map_metrics(
    metrics: &Metrics,
    feed: &Feed,
    tasks: &TaskTracker,
    stop: &CancellationToken,
) -> anyhow::Result<()> {
    let version = prometheus::IntGauge::new("lxp_map_version", "Version of the published map")?;
    let exceptions = prometheus::IntGauge::new(
        "lxp_map_exceptions",
        "Institutions that do not live where the ring says",
    )?;
    metrics.registry.register(Box::new(version.clone()))?;
    metrics.registry.register(Box::new(exceptions.clone()))?;
    let (feed, stop) = (feed.clone(), stop.clone());
    tasks.spawn(stop.run_until_cancelled_owned(async move {
        loop {
            let latest = feed.latest();
            version.set(latest.version().0);
            exceptions.set(i64::try_from(latest.map().exception_count()).unwrap_or(i64::MAX));
            tokio::time::sleep(Duration::from_secs(1)).await;
        }
    }));
    Ok(())
}
