//! Puts the router together, and takes it apart again in order.

use std::path::Path;
use std::sync::Arc;

use anyhow::Context as _;
use control_api::ControlClient;
use pingora::proxy::http_proxy;
use pingora::server::configuration::ServerConf;
use service_kit::admin::Readiness;
use service_kit::token::TokenVerifier;
use service_kit::{admin, config, shutdown, telemetry, tls};
use tokio_util::sync::CancellationToken;

use crate::config::{ENV_PREFIX, NODE_POOL_SIZE, Settings};
use crate::listen;
use crate::map::{MapFile, Maps, publish_each, write_each};
use crate::metrics::RouterMetrics;
use crate::proxy::Router;

/// Pingora's loop over attempts; [`crate::proxy`] ends it long before.
const ATTEMPTS_MAX: usize = 8;

/// Runs until SIGTERM or SIGINT.
pub(crate) fn run(settings: &Path) -> anyhow::Result<()> {
    let settings: Settings = config::load(settings, ENV_PREFIX)?;
    // Pingora logs each broken client; what matters of it is logged by us.
    let filter = format!("pingora_core=off,pingora_proxy=off,{}", settings.log);
    telemetry::start("router", &filter);
    tls::install_provider();
    tokio::runtime::Builder::new_multi_thread()
        .worker_threads(settings.threads.max(1))
        .thread_name("router")
        .enable_all()
        .build()
        .context("the runtime cannot be started")?
        .block_on(serve(settings))
}

async fn serve(settings: Settings) -> anyhow::Result<()> {
    let stop = shutdown::on_signal().context("signals cannot be handled")?;
    let token = config::read_secret(&settings.control_token_file)?;
    let client = ControlClient::new(&settings.control_url, &token)?;
    let tokens = TokenVerifier::start(&settings.tokens, stop.clone()).await?;
    let metrics = RouterMetrics::new().context("metrics cannot be registered")?;
    let listener = admin::bind(settings.listen).await?;

    let readiness = Readiness::default();
    let admin_stop = CancellationToken::new();
    let admin = tokio::spawn(admin::serve(
        settings.admin_listen,
        metrics.http.clone(),
        readiness.clone(),
        admin_stop.clone(),
    ));

    let file = MapFile::new(settings.map_file.clone());
    let on_disk = file.read_or_report().map(Arc::new);
    let feed = control_api::follow(client.clone(), on_disk.clone(), stop.clone());
    let maps = Arc::new(Maps::new(client));
    let publishing = tokio::spawn(publish_each(
        Arc::clone(&maps),
        feed.clone(),
        metrics.clone(),
        readiness.clone(),
        stop.clone(),
    ));
    let writing = tokio::spawn(write_each(feed, file, on_disk, stop.clone()));

    let router = Router::new(tokens, maps, metrics.clone(), stop.clone());
    let proxy = http_proxy(&Arc::new(pingora_settings(settings.threads)), router);
    tracing::info!(listen = %settings.listen, admin = %settings.admin_listen, "The router serves");
    let serving = async {
        let unready = async {
            stop.cancelled().await;
            readiness.set(false);
        };
        tokio::join!(listen::serve(listener, proxy, metrics, stop.clone()), unready);
    };
    let served = serve_beside(serving, admin, &stop).await;

    admin_stop.cancel();
    publishing.await.context("following the map ended abnormally")?;
    writing.await.context("keeping the map on disk ended abnormally")?;
    tracing::info!("The router has stopped");
    served
}

/// Serves clients; should the admin pages end before, that is an error and everything ends.
async fn serve_beside(
    serving: impl Future<Output = ()>,
    admin: tokio::task::JoinHandle<std::io::Result<()>>,
    stop: &CancellationToken,
) -> anyhow::Result<()> {
    let mut serving = std::pin::pin!(serving);
    tokio::select! {
        () = serving.as_mut() => Ok(()),
        ended = admin => {
            stop.cancel();
            serving.await;
            ended.context("the admin pages ended abnormally")??;
            Ok(())
        }
    }
}

fn pingora_settings(threads: usize) -> ServerConf {
    ServerConf {
        threads: threads.max(1),
        upstream_keepalive_pool_size: NODE_POOL_SIZE,
        max_retries: ATTEMPTS_MAX,
        ..ServerConf::default()
    }
}
