//! What a superuser does once in a Postgres: roles, the database, a replica's slot. Repeating it is harmless.

use anyhow::Context as _;
use sqlx::{AssertSqlSafe, Connection as _, Executor as _, PgConnection};

use super::postgres::Server;
use super::secrets::Secrets;

const SHARD_ROLES: &str = include_str!("../../../migrations/bootstrap/shard_roles.sql");
const CONTROL_ROLES: &str = include_str!("../../../migrations/bootstrap/control_roles.sql");

/// Makes a shard's roles and its database `lxp`.
pub(crate) async fn shard(server: &Server, secrets: &Secrets) -> anyhow::Result<()> {
    let roles = SHARD_ROLES
        .replace("{{owner_password}}", &secrets.lxp_owner)
        .replace("{{app_password}}", &secrets.lxp_app)
        .replace("{{mover_password}}", &secrets.lxp_mover);
    database(server, roles, "lxp", "lxp_owner").await
}

/// Makes the control plane's role and its database `lxp_control`.
pub(crate) async fn control(server: &Server, secrets: &Secrets) -> anyhow::Result<()> {
    let roles = CONTROL_ROLES.replace("{{control_password}}", &secrets.lxp_control);
    database(server, roles, "lxp_control", "lxp_control").await
}

async fn database(server: &Server, roles: String, name: &str, owner: &str) -> anyhow::Result<()> {
    let make = async {
        let mut connection = PgConnection::connect(&server.superuser_url("postgres")).await?;
        connection.execute(AssertSqlSafe(roles)).await?;
        let there: bool =
            sqlx::query_scalar("SELECT EXISTS (SELECT FROM pg_database WHERE datname = $1)")
                .bind(name)
                .fetch_one(&mut connection)
                .await?;
        if !there {
            let create = format!("CREATE DATABASE {name} OWNER {owner}");
            connection.execute(AssertSqlSafe(create)).await?;
        }
        connection.close().await
    };
    make.await.with_context(|| format!("{}: roles and database cannot be made", server.name))
}

/// Makes the slot that keeps the primary's log until the replica has it. Answers whether the replica's data is of
/// use: not when the slot had to be made, or has lost log that the replica needs.
pub(crate) async fn slot(primary: &Server, slot: &str) -> anyhow::Result<bool> {
    let make = async {
        let mut connection = PgConnection::connect(&primary.superuser_url("postgres")).await?;
        let status: Option<Option<String>> =
            sqlx::query_scalar("SELECT wal_status FROM pg_replication_slots WHERE slot_name = $1")
                .bind(slot)
                .fetch_optional(&mut connection)
                .await?;
        let lost = status.as_ref().is_some_and(|status| status.as_deref() == Some("lost"));
        if lost {
            let drop = sqlx::query("SELECT pg_drop_replication_slot($1)").bind(slot);
            drop.execute(&mut connection).await?;
        }
        if lost || status.is_none() {
            let create =
                sqlx::query("SELECT pg_create_physical_replication_slot($1, true)").bind(slot);
            create.execute(&mut connection).await?;
        }
        connection.close().await?;
        Ok::<_, sqlx::Error>(status.is_some() && !lost)
    };
    make.await.with_context(|| format!("{}: the slot {slot} cannot be made", primary.name))
}
