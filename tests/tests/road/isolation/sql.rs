//! The application's own role in the database, without a tenant: no table that has an institution shows a row.

use lxp_tests::Platform;
use sqlx::error::DatabaseError;
use sqlx::{AssertSqlSafe, Connection as _, Executor as _, PgConnection};

use super::things::things;

#[tokio::test]
async fn without_a_tenant_the_application_sees_no_row() {
    let platform = Platform::shared();
    things(&platform, platform.institution(Some("shard-a")).await.id).await;
    let mut owner =
        PgConnection::connect(platform.dsn("shard-a", "adminUrl")).await.expect("a connection");
    let tables: Vec<String> = sqlx::query_scalar(
        "SELECT DISTINCT table_name::text FROM information_schema.columns
         WHERE column_name = 'institution_id' AND table_schema = 'public'",
    )
    .fetch_all(&mut owner)
    .await
    .expect("tables");
    assert!(tables.len() > 15, "only {tables:?}");
    let mut app =
        PgConnection::connect(platform.dsn("shard-a", "appUrl")).await.expect("a connection");
    for table in tables {
        let select = format!("SELECT * FROM {table}");
        let error = app.fetch_all(AssertSqlSafe(select)).await.err();
        let code = error.as_ref().and_then(|e| e.as_database_error()).and_then(DatabaseError::code);
        assert!(matches!(code.as_deref(), Some("42704" | "42501")), "{table}: {error:?}");
    }
}
