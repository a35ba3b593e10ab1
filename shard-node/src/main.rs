//! `lxp-shard-node`: reads settings, wires the parts, serves until SIGTERM, drains.

use std::process::ExitCode;
use std::sync::Arc;
use std::time::Duration;

use anyhow::Context;
use clap::Parser;
use service_kit::admin::{self, Readiness};
use service_kit::metrics::Metrics;
use service_kit::token::TokenVerifier;
use service_kit::{config, postgres, shutdown, telemetry, tls};
use shard_node::cache::{Cache, news};
use shard_node::config::{PostgresSettings, Settings};
use shard_node::domain::api_clients::TokenIssuer;
use shard_node::domain::endpoint_metrics::{self, Meter};
use shard_node::domain::webhooks::{Sender, SystemNames};
use shard_node::events::Wakes;
use shard_node::heartbeat::Reporter;
use shard_node::jobs::{self, Jobs, Registry};
use shard_node::limits::Limits;
use shard_node::mail::Mailer;
use shard_node::node::Node;
use shard_node::operation::Queues;
use shard_node::redis::Redis;
use shard_node::replica::{self, Replicas};
use shard_node::schedules::Scheduler;
use shard_node::tenancy::{self, Directory, Memory, Ownership, Park, Poller};
use shard_node::{events, http, relay};
use sqlx::postgres::{PgConnectOptions, PgPool};
use tokio::sync::Mutex;
use tokio::task::JoinHandle;
use tokio::time::timeout;
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

/// Connections kept apart for ownership, news and the relay, so that load cannot starve them.
const OWN_CONNECTIONS: u32 = 6;

/// Connections of the sequencer of events, of the scheduler and of the writer of metrics.
const EVENTS_CONNECTIONS: u32 = 6;

/// How long a stop waits for requests that are under way.
const DRAIN: Duration = Duration::from_secs(15);

/// How long a stop waits for what was counted of requests to be written.
const LAST_ROUND: Duration = Duration::from_secs(3);

/// A shard node of lxp.
#[derive(Parser)]
#[command(name = "lxp-shard-node", version)]
struct Arguments {
    #[command(flatten)]
    service: config::Arguments,
}

fn main() -> ExitCode {
    let arguments = Arguments::parse();
    match run(&arguments) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("lxp-shard-node: {error:#}");
            ExitCode::FAILURE
        }
    }
}

#[tokio::main]
async fn run(arguments: &Arguments) -> anyhow::Result<()> {
    tls::install_provider();
    let read = arguments
        .service
        .read::<Settings>("lxp-shard-node", "LXP_NODE", |settings| settings.jobs.check())?;
    let Some(settings) = read else { return Ok(()) };
    telemetry::start("shard-node", &settings.log);
    let stop = shutdown::on_signal()?;
    let background = CancellationToken::new();
    let memory = Memory::open(&settings.state_dir)
        .with_context(|| format!("state_dir {} cannot be used", settings.state_dir.display()))?;
    let memory = Arc::new(memory);
    let node = wire(&settings, &memory, &background).await?;
    let connections = settings.jobs.at_once + 1;
    let jobs_pool = confirmed(&settings, "lxp-node-jobs", connections, &memory, &node.ownership)?;
    let connections = EVENTS_CONNECTIONS;
    let events_pool =
        confirmed(&settings, "lxp-node-events", connections, &memory, &node.ownership)?;
    let readiness = Readiness::default();
    let (metrics, ready) = (node.metrics.clone(), readiness.clone());
    let pages = admin::serve(settings.admin_listen, metrics, ready, background.clone());
    let pages = tokio::spawn(pages);
    let own_pool = pool(&settings.postgres.primary, "lxp-node-own", OWN_CONNECTIONS)?;
    let poller = poller(&settings, &node, memory, own_pool.clone());
    replica::watch(&node.replicas, &background);
    tokio::spawn(tenancy::watch(poller, background.clone()));
    tokio::spawn(news::listen(node.clone(), own_pool.clone(), background.clone()));
    let scheduler = Scheduler::new(node.clone(), events_pool.clone())?;
    tokio::spawn(scheduler.run(background.clone()));
    let metered = endpoint_metrics::run(node.clone(), events_pool.clone(), background.clone());
    let metered = tokio::spawn(metered);
    tokio::spawn(events::run(node.clone(), events_pool, background.clone()));
    tokio::spawn(relay::run(node.clone(), own_pool, background.clone()));
    if settings.jobs.works() {
        tokio::spawn(jobs::work(node.clone(), jobs_pool, stop.clone()));
    }
    let serve = serve(&settings, &node, readiness, &stop, &background);
    tokio::select! {
        served = serve => served?,
        () = drained(&stop) => tracing::warn!("Requests were cut off after {DRAIN:?}"),
        ended = pages => ended.context("the admin listener panicked")?.context("the admin listener failed")?,
    }
    finish(&node, &background, metered).await;
    Ok(())
}

/// Answers requests, and has the control plane send them; one that only works does neither.
async fn serve(
    settings: &Settings,
    node: &Arc<Node>,
    readiness: Readiness,
    stop: &CancellationToken,
    background: &CancellationToken,
) -> anyhow::Result<()> {
    let Settings { id, shard, listen, jobs, .. } = settings;
    let reporter = Reporter::new(settings.clone(), node.clone(), readiness, stop.clone());
    if !jobs.serves() {
        tracing::info!(node = %id, shard = %shard, "Working");
        tokio::spawn(reporter.be_ready(background.clone()));
        stop.cancelled().await;
        return Ok(());
    }
    let listener = admin::bind(*listen).await?;
    tokio::spawn(reporter.run(background.clone()));
    tracing::info!(node = %id, shard = %shard, listen = %listen, "Serving");
    http::listen(listener, http::app(node.clone()), stop.clone())
        .await
        .context("the listener failed")
}

async fn wire(
    settings: &Settings,
    memory: &Arc<Memory>,
    background: &CancellationToken,
) -> anyhow::Result<Arc<Node>> {
    let ownership = Arc::new(Ownership::default());
    let connections = settings.postgres.max_connections;
    let pool = confirmed(settings, "lxp-node", connections, memory, &ownership)?;
    let metrics = Metrics::new()?;
    let replicas = replicas(settings, memory.clone(), &metrics)?;
    settings.limits.report();
    let jobs = jobs(settings, &metrics)?;
    let redis = Redis::connect_in_background(settings.redis.nodes.clone(), background.clone());
    let redis = Arc::new(redis);
    let tokens = TokenVerifier::start(&settings.tokens, background.clone()).await?;
    let clients = &settings.api_clients;
    let issuer = TokenIssuer::of(clients, &settings.tokens, &tokens, service_kit::clock::now())?;
    Ok(Arc::new(Node {
        pool,
        replicas: Arc::new(replicas),
        ownership,
        park: Arc::new(Park::new(&metrics.registry)?),
        cache: Cache::new(redis.clone(), settings.limits.fills()),
        limits: Limits::new(settings.limits.clone(), redis),
        mail: settings.mail.as_ref().map(Mailer::new).transpose()?,
        tokens,
        issuer,
        meter: Meter::new(&metrics.registry)?,
        metrics,
        wakes: Wakes::default(),
        webhooks: Sender::new(&settings.webhooks, Arc::new(SystemNames))?,
        queues: Queues::new(settings.postgres.max_connections),
        jobs: Arc::new(jobs),
        tasks: TaskTracker::new(),
    }))
}

/// Connections to the primary that was confirmed, and to no other.
fn confirmed(
    settings: &Settings,
    application: &str,
    connections: u32,
    memory: &Arc<Memory>,
    ownership: &Arc<Ownership>,
) -> anyhow::Result<PgPool> {
    let primary: PgConnectOptions =
        settings.postgres.primary.parse().context("postgres.primary is no Postgres URL")?;
    let primary = primary.application_name(application);
    Ok(tenancy::primary_pool(primary, connections, memory.clone(), ownership.clone()))
}

/// Every kind that something enqueues has a handler, which can end within a lease.
fn jobs(settings: &Settings, metrics: &Metrics) -> anyhow::Result<Jobs> {
    let registry = Registry::new(jobs::handlers(), jobs::KINDS)?;
    registry.expect_within(settings.jobs.longest())?;
    Ok(Jobs::new(registry, settings.jobs.clone(), &metrics.registry)?)
}

fn replicas(
    settings: &Settings,
    memory: Arc<Memory>,
    metrics: &Metrics,
) -> anyhow::Result<Replicas> {
    let PostgresSettings { replicas, max_connections, replica_max_lag_ms, .. } = &settings.postgres;
    let pools: Result<Vec<_>, _> =
        replicas.iter().map(|url| pool(url, "lxp-node-reads", *max_connections)).collect();
    let pools = pools.context("postgres.replicas has one that is no Postgres URL")?;
    let max_lag = Duration::from_millis(*replica_max_lag_ms);
    Ok(Replicas::new(pools, max_lag, memory, &metrics.registry)?)
}

/// For tenants' tables beside requests.
fn pool(url: &str, application: &str, connections: u32) -> sqlx::Result<PgPool> {
    let options: PgConnectOptions = url.parse()?;
    let options = options.application_name(application).options(postgres::BY_INDEX);
    Ok(postgres::pool_with(options, connections))
}

fn poller(settings: &Settings, node: &Node, memory: Arc<Memory>, pool: PgPool) -> Poller {
    Poller {
        ownership: node.ownership.clone(),
        replicas: node.replicas.clone(),
        pool,
        connection: Mutex::default(),
        memory,
        directory: Directory {
            url: settings.control_url.clone(),
            token_file: settings.control_token_file.clone(),
            shard: settings.shard.clone(),
        },
        failover: settings.postgres.failover,
        synchronous_standby: settings.postgres.synchronous_standby,
    }
}

/// After the signal: an end to waiting after [`DRAIN`].
async fn drained(stop: &CancellationToken) {
    stop.cancelled().await;
    tokio::time::sleep(DRAIN).await;
}

/// Lets operations that run come to their end: a COMMIT is never cut off.
async fn finish(node: &Node, background: &CancellationToken, metered: JoinHandle<()>) {
    node.tasks.close();
    if timeout(DRAIN, node.tasks.wait()).await.is_err() {
        tracing::warn!("Operations were cut off after {DRAIN:?}");
    }
    background.cancel();
    if timeout(LAST_ROUND, metered).await.is_err() {
        tracing::warn!("The last metrics were not written within {LAST_ROUND:?}");
    }
    node.pool.close().await;
    tracing::info!("Stopped");
}
