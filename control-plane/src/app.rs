//! The process: database, feed, reconcilers, API and admin listener, in that order; and their end.

use std::time::Duration;

use anyhow::Context;
use service_kit::admin::{self, Readiness};
use service_kit::metrics::Metrics;
use sqlx::PgPool;
use tokio::net::TcpListener;
use tokio::time::timeout;
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

use crate::api::Api;
use crate::api::access::Access;
use crate::config::Settings;
use crate::feed::Feed;
use crate::service::Platform;
use crate::{reconcile, store};

/// How long requests in flight may go on after SIGTERM.
const DRAIN_DEADLINE: Duration = Duration::from_secs(10);
const MIGRATE_DEADLINE: Duration = Duration::from_mins(5);

/// Runs the control plane until `stop` is cancelled and its requests are answered.
pub async fn run(
    settings: Settings,
    access: Access,
    stop: CancellationToken,
) -> anyhow::Result<()> {
    let metrics = Metrics::new()?;
    let readiness = Readiness::default();
    // Both ports are taken before anything is changed.
    let listener = admin::bind(settings.listen).await?;
    let admin =
        admin::serve(settings.admin_listen, metrics.clone(), readiness.clone(), stop.clone());
    let mut admin = tokio::spawn(admin);
    let pool = service_kit::postgres::lazy_pool(
        &settings.postgres.url,
        "lxp-control-plane",
        settings.postgres.max_connections,
    )
    .map_err(|_| anyhow::anyhow!("postgres.url is not understood; postgres://user:password@host:port/database is expected"))?;
    migrate(&pool).await?;
    let feed = Feed::start(pool.clone(), stop.clone()).await.context("the map cannot be loaded")?;
    let platform = Platform::new(pool.clone(), feed.clone(), settings.postgres.max_connections);
    let tasks = TaskTracker::new();
    reconcile::start(&platform, &tasks, &stop);
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

async fn migrate(pool: &PgPool) -> anyhow::Result<()> {
    let run = async {
        let mut connection = pool.acquire().await?;
        // Larger tables take longer than a request's statement may, and another control plane may be first.
        sqlx::query("SET statement_timeout = '240s'").execute(&mut *connection).await?;
        sqlx::query("SET lock_timeout = '240s'").execute(&mut *connection).await?;
        store::MIGRATIONS.run_direct(None, &mut *connection, false).await?;
        anyhow::Ok(())
    };
    timeout(MIGRATE_DEADLINE, run)
        .await
        .context("the control database's migrations took too long")?
        .context("the control database (postgres.url) cannot be migrated")
}

/// Serves until `stop`; then waits for the requests in flight, for [`DRAIN_DEADLINE`] at most.
async fn serve(listener: TcpListener, api: Api, stop: &CancellationToken) -> anyhow::Result<()> {
    let stopped = stop.clone();
    let served = axum::serve(listener, api.router())
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
