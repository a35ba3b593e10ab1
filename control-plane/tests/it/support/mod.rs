//! A control plane of its own for each test, over HTTP, with shard databases as the test asks for them.

use std::future::Future;
use std::panic::AssertUnwindSafe;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use control_api::{
    ControlClient, Dsn, Heartbeat, Institution, NewInstitution, NewShard, NodeRegistration,
    ShardPostgres,
};
use control_plane::api::Api;
use control_plane::api::access::{Access, Role, TokenEntry, digest};
use control_plane::feed::Feed;
use control_plane::service::Platform;
use control_plane::{reconcile, store};
use futures::FutureExt;
use service_kit::metrics::Metrics;
use shard_map::{NodeId, ShardId, ShardState};
use sqlx::postgres::{PgConnectOptions, PgPool};
use sqlx::{AssertSqlSafe, Connection, Executor, PgConnection};
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;
use uuid::Uuid;

/// How long anything may take to come about.
pub(crate) const PATIENCE: Duration = Duration::from_secs(20);
const MAX_CONNECTIONS: u32 = 8;
const SHARD_ROLES: &str = include_str!("../../../../migrations/bootstrap/shard_roles.sql");

/// A control plane and the databases that it uses.
pub(crate) struct Sandbox {
    pub(crate) platform: Platform,
    pub(crate) url: String,
    pub(crate) stop: CancellationToken,
    pub(crate) tasks: TaskTracker,
    superuser: PgConnectOptions,
    dsn: String,
    databases: Mutex<Vec<String>>,
}

/// Runs a test in a sandbox of its own; its databases are dropped whatever comes of it.
pub(crate) async fn sandbox<F, T>(test: T)
where
    T: FnOnce(Arc<Sandbox>) -> F,
    F: Future<Output = ()>,
{
    // A test that is run with a fault planted in it: its process is its own.
    #[cfg(feature = "failpoints")]
    let _armed = control_plane::operation::tenant_move::failpoint::setup();
    let sandbox = Arc::new(Sandbox::start().await);
    let ended = AssertUnwindSafe(test(sandbox.clone())).catch_unwind().await;
    sandbox.stop.cancel();
    sandbox.tasks.close();
    let _ = tokio::time::timeout(PATIENCE, sandbox.tasks.wait()).await;
    sandbox.platform.pool.close().await;
    sandbox.drop_databases().await;
    if let Err(error) = ended {
        std::panic::resume_unwind(error);
    }
}

impl Sandbox {
    async fn start() -> Self {
        service_kit::tls::install_provider();
        #[expect(clippy::disallowed_methods, reason = "tests are told here where Postgres is")]
        let dsn = std::env::var("LXP_TEST_POSTGRES")
            .expect("LXP_TEST_POSTGRES names a superuser's DSN: run `make test`, which sets it");
        let superuser: PgConnectOptions = dsn.parse().expect("LXP_TEST_POSTGRES is a Postgres URL");
        let databases = Mutex::new(Vec::new());
        let name = create_database(&superuser, &databases, None).await;
        let pool =
            service_kit::postgres::proven_pool(superuser.clone().database(&name), MAX_CONNECTIONS);
        store::MIGRATIONS.run(&pool).await.expect("migrated");
        let stop = CancellationToken::new();
        let feed = Feed::start(pool.clone(), stop.clone()).await.expect("the map");
        let platform = Platform::new(pool, feed, MAX_CONNECTIONS);
        let access = Access::new(Role::ALL.map(entry).into()).expect("access");
        let metrics = Metrics::new().expect("metrics");
        let api = Api::new(platform.clone(), access, metrics, stop.clone());
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.expect("a port");
        let url = format!("http://{}", listener.local_addr().expect("an address"));
        let stopped = stop.clone();
        tokio::spawn(async move {
            axum::serve(listener, api.router())
                .with_graceful_shutdown(async move { stopped.cancelled().await })
                .await
        });
        Self { platform, url, stop, tasks: TaskTracker::new(), superuser, dsn, databases }
    }

    /// Starts the reconcilers; without them a test takes their steps itself.
    pub(crate) fn reconcile(&self) {
        reconcile::start(&self.platform, &self.tasks, &self.stop);
    }

    /// A client with the token of a role.
    pub(crate) fn client(&self, role: Role) -> ControlClient {
        ControlClient::new(&self.url, &token(role)).expect("a client")
    }

    /// A client of those who run the platform.
    pub(crate) fn ops(&self) -> ControlClient {
        self.client(Role::PlatformOps)
    }

    /// The control database's pool.
    pub(crate) fn pool(&self) -> &PgPool {
        &self.platform.pool
    }

    /// A new, empty shard database, as its owner. `RESET ALL` leaves the role.
    pub(crate) async fn shard_database(&self) -> Dsn {
        make_roles(&self.superuser).await;
        let name = create_database(&self.superuser, &self.databases, Some("lxp_owner")).await;
        let (server, _) = self.dsn.rsplit_once('/').expect("a DSN with a database");
        Dsn::new(format!("{server}/{name}?options[role]=lxp_owner"))
    }

    /// What to add a shard by.
    pub(crate) async fn new_shard(&self, id: &str) -> NewShard {
        let postgres = ShardPostgres { primary: self.shard_database().await, replicas: vec![] };
        NewShard { id: id.parse().expect("an id"), weight: 1, postgres, redis: vec![] }
    }

    /// Adds a shard with a database and a node, and waits until it is active. The reconcilers must run.
    pub(crate) async fn active_shard(&self, id: &str) -> NewShard {
        let new = self.new_shard(id).await;
        self.ops().add_shard(&new).await.expect("added");
        let node = self.register_node(&format!("{id}-1"), id).await;
        eventually("the shard to be active", async || {
            self.beat(&node, true).await;
            self.ops().shard(&new.id).await.expect("the shard").state == ShardState::Active
        })
        .await;
        new
    }

    /// Registers a node.
    pub(crate) async fn register_node(&self, id: &str, shard: &str) -> NodeId {
        let node = NodeRegistration {
            id: id.parse().expect("an id"),
            shard: shard.parse().expect("an id"),
            url: "http://127.0.0.1:9".to_owned(),
            admin_url: None,
        };
        self.client(Role::Node).register_node(&node).await.expect("registered");
        node.id
    }

    /// One heartbeat, not by HTTP: there it is given up after a second, which a busy machine may need.
    pub(crate) async fn beat(&self, node: &NodeId, ready: bool) {
        let beat = Heartbeat { ready, load: 0.25 };
        self.platform.heartbeat(node, &beat).await.expect("heard");
    }

    /// One heartbeat that may not be heard.
    pub(crate) async fn try_beat(&self, node: &NodeId) {
        let beat = Heartbeat { ready: true, load: 0.25 };
        let _ = self.client(Role::Node).heartbeat(node, &beat).await;
    }

    /// Cuts all connections to the control database and lets nobody in, or opens it again.
    pub(crate) async fn shut_database(&self, shut: bool) {
        let mut server = PgConnection::connect_with(&self.superuser).await.expect("a connection");
        let name = self.databases.lock().expect("the list")[0].clone();
        let allow = format!("ALTER DATABASE {name} ALLOW_CONNECTIONS {}", !shut);
        server.execute(AssertSqlSafe(allow)).await.expect("altered");
        if shut {
            sqlx::query(
                "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = $1",
            )
            .bind(name)
            .execute(&mut server)
            .await
            .expect("cut");
        }
    }

    /// Creates an institution.
    pub(crate) async fn institution(&self, slug: &str) -> Institution {
        self.ops().create_institution(&new_institution(slug)).await.expect("created")
    }

    async fn drop_databases(&self) {
        let mut server = PgConnection::connect_with(&self.superuser).await.expect("a connection");
        let names = std::mem::take(&mut *self.databases.lock().expect("the list"));
        for name in names {
            let drop = format!("DROP DATABASE IF EXISTS {name} WITH (FORCE)");
            server.execute(AssertSqlSafe(drop)).await.expect("dropped");
        }
    }
}

/// The token of a role.
pub(crate) fn token(role: Role) -> String {
    format!("test-token-of-{}", role.as_str())
}

fn entry(role: Role) -> TokenEntry {
    TokenEntry { sha256: digest(&token(role)), role, name: format!("test-{}", role.as_str()) }
}

/// What to create an institution by.
pub(crate) fn new_institution(slug: &str) -> NewInstitution {
    NewInstitution {
        id: None,
        slug: slug.to_owned(),
        name: "Test".to_owned(),
        timezone: "Europe/London".to_owned(),
        shard: None,
    }
}

/// Reads an id of a shard.
pub(crate) fn shard_id(id: &str) -> ShardId {
    id.parse().expect("an id")
}

/// Waits until something holds.
pub(crate) async fn eventually(what: &str, holds: impl AsyncFnMut() -> bool) {
    within(PATIENCE, what, holds).await;
}

/// Waits until something holds.
pub(crate) async fn within(patience: Duration, what: &str, mut holds: impl AsyncFnMut() -> bool) {
    let wait = async {
        while !holds().await {
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
    };
    tokio::time::timeout(patience, wait).await.unwrap_or_else(|_| panic!("waited for {what}"));
}

async fn create_database(
    superuser: &PgConnectOptions,
    databases: &Mutex<Vec<String>>,
    owner: Option<&str>,
) -> String {
    let name = format!("lxp_control_test_{}", Uuid::new_v4().simple());
    let mut server =
        PgConnection::connect_with(superuser).await.expect("LXP_TEST_POSTGRES answers");
    let owner = owner.map(|owner| format!(" OWNER {owner}")).unwrap_or_default();
    databases.lock().expect("the list").push(name.clone());
    server
        .execute(AssertSqlSafe(format!("CREATE DATABASE {name}{owner}")))
        .await
        .expect("a database");
    name
}

/// Makes the shard's roles where they are missing. Others may be at it too: whoever comes second tries again.
async fn make_roles(superuser: &PgConnectOptions) {
    let mut server = PgConnection::connect_with(superuser).await.expect("a connection");
    let password = Uuid::new_v4().simple().to_string();
    let sql = ["owner", "app", "mover"].iter().fold(SHARD_ROLES.to_owned(), |sql, role| {
        sql.replace(&format!("{{{{{role}_password}}}}"), &password)
    });
    for _ in 0..20 {
        let there: i64 = sqlx::query_scalar(
            "SELECT count(*) FROM pg_auth_members m JOIN pg_roles r ON r.oid = m.roleid
             JOIN pg_roles o ON o.oid = m.member
             WHERE r.rolname IN ('lxp_definer', 'lxp_mover') AND o.rolname = 'lxp_owner'",
        )
        .fetch_one(&mut server)
        .await
        .expect("an answer");
        if there == 2 || server.execute(AssertSqlSafe(sql.clone())).await.is_ok() {
            return;
        }
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
    panic!("the shard's roles cannot be made");
}
