//! A shard database of its own for each test, on the Postgres of the running test platform.

pub(crate) mod api;
pub(crate) mod cable;
pub(crate) mod directory;
pub(crate) mod redis;
pub(crate) mod replica;
pub(crate) mod school;
pub(crate) mod smtp;

use std::borrow::Cow;

use shard_map::InstitutionId;
use shard_node::store::TenantTx;
use sqlx::migrate::{Migration, Migrator};
use sqlx::postgres::{PgConnectOptions, PgPool, PgPoolOptions};
use sqlx::{AssertSqlSafe, Connection, Executor, PgConnection};
use uuid::Uuid;

static MIGRATIONS: Migrator = sqlx::migrate!("../migrations/shard");

/// A migrated shard database; dropped with [`Shard::drop_database`].
pub(crate) struct Shard {
    superuser: PgConnectOptions,
    name: String,
}

impl Shard {
    /// Creates and migrates one.
    pub(crate) async fn create() -> Self {
        Self::create_before(i64::MAX).await
    }

    /// Creates one as it was before a migration.
    pub(crate) async fn create_before(version: i64) -> Self {
        #[expect(clippy::disallowed_methods, reason = "tests are told here where Postgres is")]
        let url = std::env::var("LXP_TEST_POSTGRES")
            .expect("LXP_TEST_POSTGRES names a superuser's DSN; `make test` sets it");
        let superuser: PgConnectOptions = url.parse().expect("LXP_TEST_POSTGRES is a Postgres URL");
        let name = format!("lxp_test_{}", Uuid::new_v4().simple());
        let shard = Self { superuser, name };
        let mut server = PgConnection::connect_with(&shard.superuser).await.expect("a connection");
        let create = format!("CREATE DATABASE {} OWNER lxp_owner", shard.name);
        server.execute(AssertSqlSafe(create)).await.expect("a database");
        let earlier: Vec<Migration> =
            MIGRATIONS.iter().filter(|migration| migration.version < version).cloned().collect();
        let earlier = Migrator { migrations: Cow::Owned(earlier), ..Migrator::DEFAULT };
        shard.run(&earlier).await;
        shard
    }

    /// Migrates it to the newest.
    pub(crate) async fn migrate(&self) {
        self.run(&MIGRATIONS).await;
    }

    async fn run(&self, migrator: &Migrator) {
        let owner = self.pool("lxp_owner", 1);
        migrator.run(&owner).await.expect("migrated");
        owner.close().await;
    }

    /// Copies it as it is now; nobody may be connected to it.
    pub(crate) async fn copy(&self) -> String {
        let copy = format!("{}_copy", self.name);
        let mut server = PgConnection::connect_with(&self.superuser).await.expect("a connection");
        let create = format!("CREATE DATABASE {copy} TEMPLATE {} OWNER lxp_owner", self.name);
        server.execute(AssertSqlSafe(create)).await.expect("copied");
        copy
    }

    /// Puts a copy in its place, as a restore from a backup does: every connection to it breaks.
    pub(crate) async fn restore(&self, copy: &str) {
        let mut server = PgConnection::connect_with(&self.superuser).await.expect("a connection");
        let name = &self.name;
        for step in [
            format!("ALTER DATABASE {name} ALLOW_CONNECTIONS false"),
            format!(
                "SELECT pg_terminate_backend(pid, 5000) FROM pg_stat_activity WHERE datname = '{name}'"
            ),
            format!("DROP DATABASE {name} WITH (FORCE)"),
            format!("ALTER DATABASE {copy} RENAME TO {name}"),
        ] {
            server.execute(AssertSqlSafe(step)).await.expect("restored");
        }
    }

    /// Connections with the rights of a role. The node's own has the node's limits; what others prepare for a test may
    /// take as long as the test.
    pub(crate) fn pool(&self, role: &str, connections: u32) -> PgPool {
        let options = self.options(role);
        if role == "lxp_app" {
            return service_kit::postgres::pool_with(options, connections);
        }
        PgPoolOptions::new().max_connections(connections).connect_lazy_with(options)
    }

    /// One connection with the rights of a role.
    pub(crate) async fn connect(&self, role: &str) -> PgConnection {
        PgConnection::connect_with(&self.options(role)).await.expect("a connection")
    }

    /// How to connect with the rights of a role.
    pub(crate) fn options(&self, role: &str) -> PgConnectOptions {
        self.superuser.clone().database(&self.name).options([("role", role)])
    }

    /// Makes an institution that is active here at epoch 1.
    pub(crate) async fn admit(&self) -> InstitutionId {
        self.admit_in("Europe/London").await
    }

    /// The same in a time zone.
    pub(crate) async fn admit_in(&self, zone: &str) -> InstitutionId {
        let id = Uuid::now_v7();
        let mut owner = self.connect("lxp_owner").await;
        sqlx::query("SELECT institution_admit($1, 1, 'shard-t', $2, 'Test', $3)")
            .bind(id)
            .bind(id.to_string())
            .bind(zone)
            .execute(&mut owner)
            .await
            .expect("admitted");
        InstitutionId::new(id)
    }

    /// Drops the database; a test that fails leaves it to `make down`.
    pub(crate) async fn drop_database(self) {
        let mut server = PgConnection::connect_with(&self.superuser).await.expect("a connection");
        let drop = format!("DROP DATABASE {} WITH (FORCE)", self.name);
        server.execute(AssertSqlSafe(drop)).await.expect("dropped");
    }
}

/// Inserts a course as the institution, and commits.
pub(crate) async fn insert_course(pool: &PgPool, institution: InstitutionId, code: &str) -> Uuid {
    let id = Uuid::now_v7();
    let mut tx = TenantTx::begin(pool, institution).await.expect("entered");
    sqlx::query("INSERT INTO courses (institution_id, id, code, title) VALUES ($1, $2, $3, $3)")
        .bind(institution.as_uuid())
        .bind(id)
        .bind(code)
        .execute(tx.connection())
        .await
        .expect("inserted");
    tx.commit().await.expect("committed");
    id
}
