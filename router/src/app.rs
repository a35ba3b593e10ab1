//! Puts the router together, and takes it apart again in order.

use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use anyhow::Context as _;
use control_api::ControlClient;
use pingora::proxy::http_proxy;
use pingora::server::configuration::ServerConf;
use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};
use service_kit::admin::Readiness;
use service_kit::token::TokenVerifier;
use service_kit::{admin, config, shutdown, telemetry, tls};
use tokio_util::sync::CancellationToken;

use crate::config::{ENV_PREFIX, NODE_POOL_SIZE, Settings};
use crate::listen;
use crate::listen::handover::{self, Listeners, Predecessor};
use crate::map::{MapFile, Maps, publish_each, write_each};
use crate::metrics::RouterMetrics;
use crate::proxy::Router;

/// Pingora's loop over attempts; [`crate::proxy`] ends it long before.
const ATTEMPTS_MAX: usize = 8;

/// How often a router that takes over looks whether it is ready.
const READY_POLL: Duration = Duration::from_millis(20);

/// Runs until SIGTERM or SIGINT.
pub(crate) fn run(arguments: &config::Arguments) -> anyhow::Result<()> {
    let read = arguments.read::<Settings>("lxp-router", ENV_PREFIX, |_| Ok(()))?;
    let Some(settings) = read else { return Ok(()) };
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
    allow_open_files();
    let (listeners, predecessor) = listeners(&settings).await?;

    let readiness = Readiness::default();
    let admin_stop = CancellationToken::new();
    let heirloom = settings.handover_socket.is_some().then(|| listeners.share()).transpose();
    let heirloom = heirloom.context("the listeners cannot be shared")?;
    let Listeners { clients, admin } = listeners;
    let turn = Turn {
        takes_over: predecessor.is_some(),
        readiness: readiness.clone(),
        stop: stop.clone(),
    };
    let pages = {
        let (turn, stop) = (turn.clone(), admin_stop.clone());
        let (registry, readiness) = (metrics.http.clone(), readiness.clone());
        async move {
            turn.comes().await;
            admin::serve_on(admin, registry, readiness, stop).await
        }
    };
    let admin = tokio::spawn(pages);

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

    let forgetting = tokio::spawn(metrics.active_users.clone().forget_each_minute());
    let handing_over = tokio::spawn(hand_over(
        settings.handover_socket.clone().zip(heirloom),
        predecessor,
        readiness.clone(),
        Orders { stop: stop.clone(), admin_stop: admin_stop.clone() },
    ));

    let router = Router::new(tokens, maps, metrics.clone(), stop.clone());
    let proxy = http_proxy(&Arc::new(pingora_settings(settings.threads)), router);
    tracing::info!(listen = %settings.listen, admin = %settings.admin_listen, "The router serves");
    let serving = async {
        turn.comes().await;
        let unready = async {
            stop.cancelled().await;
            readiness.set(false);
        };
        tokio::join!(listen::serve(clients, proxy, metrics, stop.clone()), unready);
    };
    let served = serve_beside(serving, admin, &stop).await;

    admin_stop.cancel();
    forgetting.abort();
    handing_over.await.context("handing over ended abnormally")?;
    publishing.await.context("following the map ended abnormally")?;
    writing.await.context("keeping the map on disk ended abnormally")?;
    tracing::info!("The router has stopped");
    served
}

/// The listeners of a router that runs already and gives them away, else new ones.
async fn listeners(settings: &Settings) -> anyhow::Result<(Listeners, Option<Predecessor>)> {
    if let Some(socket) = &settings.handover_socket
        && let Some((listeners, predecessor)) = handover::ask(socket).await?
    {
        let found = listeners.addresses().context("what was handed over is no listener")?;
        anyhow::ensure!(
            found == (settings.listen, settings.admin_listen),
            "the running router listens on {} and {}; to change addresses, stop it first",
            found.0,
            found.1,
        );
        return Ok((listeners, Some(predecessor)));
    }
    let clients = admin::bind(settings.listen).await?;
    let admin = admin::bind(settings.admin_listen).await?;
    Ok((Listeners { clients, admin }, None))
}

/// Two files for each client are more than systems allow by default; as many are taken as may be.
fn allow_open_files() {
    let limit = getrlimit(Resource::Nofile);
    let raised = Rlimit { current: limit.maximum, maximum: limit.maximum };
    if let Err(error) = setrlimit(Resource::Nofile, raised) {
        tracing::warn!(error = %error, "The limit of open files stays as it is");
    }
}

/// When this router may accept connections.
#[derive(Clone)]
struct Turn {
    takes_over: bool,
    readiness: Readiness,
    stop: CancellationToken,
}

impl Turn {
    /// One that takes over leaves everything to its predecessor until it can serve (or is to stop): both share
    /// the listeners, so that whatever it accepted before would be refused.
    async fn comes(&self) {
        if self.takes_over {
            self.stop.run_until_cancelled(until_ready(&self.readiness)).await;
        }
    }
}

async fn until_ready(readiness: &Readiness) {
    while !readiness.get() {
        tokio::time::sleep(READY_POLL).await;
    }
}

/// What a successor's being ready brings about.
struct Orders {
    stop: CancellationToken,
    admin_stop: CancellationToken,
}

/// Sends the predecessor away once this router is ready, then waits for a successor.
async fn hand_over(
    heirloom: Option<(PathBuf, Listeners)>,
    predecessor: Option<Predecessor>,
    readiness: Readiness,
    orders: Orders,
) {
    let Some((socket, listeners)) = heirloom else { return };
    if orders.stop.run_until_cancelled(until_ready(&readiness)).await.is_none() {
        return;
    }
    if let Some(predecessor) = predecessor {
        predecessor.dismiss().await;
    }
    let given = orders.stop.run_until_cancelled(handover::give(&socket, &listeners)).await;
    match given {
        Some(Ok(())) => {
            tracing::info!("Another router has taken over; stopping");
            // The successor shares both listeners: what comes now is its.
            orders.admin_stop.cancel();
            orders.stop.cancel();
        }
        Some(Err(error)) => {
            tracing::error!(error = %error, "No router can take over from this one");
        }
        None => {}
    }
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
            // After a handover they end by order.
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
