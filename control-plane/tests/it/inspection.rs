//! What a shard's databases say of themselves: schema, clock, recovery, what moves have left, who is away.

use control_api::Dsn;
use control_plane::shard_db::newest_migration;
use sqlx::{Connection as _, PgConnection};
use uuid::Uuid;

use crate::support::sandbox;

#[tokio::test]
async fn databases_are_asked_and_what_moves_left_is_found() {
    sandbox(async |sandbox| {
        sandbox.reconcile();
        let new = sandbox.active_shard("shard-a").await;
        let inspected = sandbox.ops().shard_databases(&new.id).await.expect("inspected");
        let [primary] = &inspected.databases[..] else { panic!("one database: {inspected:?}") };
        assert_eq!((&primary.error, primary.in_recovery), (&None, Some(false)), "{primary:?}");
        assert_eq!(primary.schema_version, Some(newest_migration()));
        assert!(primary.clock_skew_ms.is_some_and(|skew| skew.abs() < 5_000), "{primary:?}");
        assert_eq!((inspected.moving.len(), inspected.left.len()), (0, 0), "{inspected:?}");

        let (moving, gone, logged) = (Uuid::now_v7(), Uuid::now_v7(), Uuid::now_v7());
        plant(&new.postgres.primary, moving, gone, logged).await;
        let found = sandbox.ops().shard_databases(&new.id).await.expect("inspected");
        let of_moves: Vec<_> = found.moving.iter().map(|row| row.institution.as_uuid()).collect();
        assert_eq!(of_moves, [moving]);
        let mut left: Vec<_> =
            found.left.iter().map(|left| (left.institution.as_uuid(), &*left.table)).collect();
        left.sort_unstable();
        assert_eq!(left, [(gone, "institutions"), (logged, "change_log")]);
    })
    .await;
}

/// An import whose move nobody knows, an institution that has moved and left a row, and a change that nobody carries.
async fn plant(primary: &Dsn, moving: Uuid, gone: Uuid, logged: Uuid) {
    let mut connection = PgConnection::connect(primary.expose()).await.expect("a connection");
    let mut tx = connection.begin().await.expect("a transaction");
    for (institution, state, move_id) in [
        (moving, "importing", Some(Uuid::now_v7())),
        (gone, "moved", None),
        (logged, "active", None),
    ] {
        sqlx::query(
            "INSERT INTO ownership (institution_id, state, epoch, owner, move_id) VALUES ($1, $2, 1, 'shard-b', $3)",
        )
        .bind(institution)
        .bind(state)
        .bind(move_id)
        .execute(&mut *tx)
        .await
        .expect("planted");
    }
    sqlx::query("SET LOCAL ROLE lxp_mover").execute(&mut *tx).await.expect("the mover");
    sqlx::query(
        "INSERT INTO institutions (institution_id, id, slug, name, timezone) VALUES ($1, $1, 'gone', 'Gone', 'Europe/London')",
    )
    .bind(gone)
    .execute(&mut *tx)
    .await
    .expect("planted");
    sqlx::query(
        "INSERT INTO change_log (institution_id, table_name, row_id) VALUES ($1, 'students', $1)",
    )
    .bind(logged)
    .execute(&mut *tx)
    .await
    .expect("planted");
    tx.commit().await.expect("committed");
}

#[tokio::test]
async fn one_that_is_away_is_said_to_be_and_hides_nothing_of_the_others() {
    sandbox(async |sandbox| {
        let mut new = sandbox.new_shard("shard-a").await;
        let away = "postgres://lxp_owner:sesame@127.0.0.1:9/lxp";
        new.postgres.replicas = vec![Dsn::new(away)];
        sandbox.ops().add_shard(&new).await.expect("added");
        let inspected = sandbox.ops().shard_databases(&new.id).await.expect("inspected");
        let [_, replica] = &inspected.databases[..] else { panic!("two: {inspected:?}") };
        assert!(replica.replica && replica.place == "127.0.0.1:9/lxp", "{replica:?}");
        let why = replica.error.as_deref().unwrap_or_default();
        assert!(why.contains("cannot be reached") && !why.contains("sesame"), "{why}");
    })
    .await;
}
