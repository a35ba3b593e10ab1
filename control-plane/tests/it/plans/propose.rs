//! A plan as it is proposed: what it says would move, and the reasons why there is none.

use control_api::{Dsn, MoveQuery, Plan, ShardChange, ShardPostgres};
use control_plane::api::access::Role;
use shard_map::{InstitutionId, PlanKind, PlanState};
use sqlx::{Connection as _, PgConnection};
use uuid::Uuid;

use super::{applied, is_refused, planned, school, sql, to, two_shards};
use crate::support::{Sandbox, sandbox, shard_id, token};

/// A plan for which the source had the time to count.
async fn counted(sandbox: &Sandbox, institution: InstitutionId) -> Plan {
    for _ in 0..10 {
        let plan = planned(sandbox, institution).await;
        if plan.moves[0].rows.is_some() {
            return plan;
        }
    }
    panic!("its rows are not counted")
}

/// Writes courses of an institution into its shard's database.
async fn write_courses(dsn: &Dsn, institution: InstitutionId, count: i32) {
    let mut shard = PgConnection::connect(dsn.expose()).await.expect("the shard's database");
    let mut tx = shard.begin().await.expect("a transaction");
    sqlx::query("SELECT set_config('app.institution_id', $1, true)")
        .bind(institution.to_string())
        .execute(&mut *tx)
        .await
        .expect("entered");
    sqlx::query(
        "INSERT INTO courses (institution_id, id, code, title)
         SELECT $1, gen_random_uuid(), 'C' || n, 'Course ' || n FROM generate_series(1, $2) AS n",
    )
    .bind(institution.as_uuid())
    .bind(count)
    .execute(&mut *tx)
    .await
    .expect("written");
    tx.commit().await.expect("committed");
}

#[tokio::test]
async fn a_plan_says_what_would_move_from_where_and_how_much_and_moves_nothing() {
    sandbox(async |sandbox| {
        let shard = two_shards(&sandbox).await;
        let (north, south) = (school(&sandbox, "north").await, school(&sandbox, "south").await);
        let empty = counted(&sandbox, north.id).await;
        write_courses(&shard, north.id, 30).await;
        write_courses(&shard, south.id, 7).await;
        let plan = counted(&sandbox, north.id).await;
        assert_eq!((plan.kind, plan.state), (PlanKind::Move, PlanState::Proposed));
        let map = sandbox.ops().map_snapshot().await.expect("the map");
        assert_eq!(plan.placement_version, map.placement_version);
        let (before, planned) = (&empty.moves[0], &plan.moves[0]);
        assert_eq!((planned.institution, &planned.from), (north.id, &north.shard));
        assert_eq!((&planned.to, &*planned.reason), (&shard_id("shard-b"), "asked for"));
        assert_eq!(planned.rows, before.rows.map(|rows| rows + 30));
        assert!(
            planned.bytes > before.bytes.map(|bytes| bytes + 30 * 50),
            "{planned:?} {before:?}"
        );
        assert_eq!(planned.move_id, None);
        assert_eq!(sandbox.ops().plan(plan.id).await.expect("shown"), plan);
        let listed = sandbox.ops().plans(20).await.expect("listed").items;
        assert!(listed.first() == Some(&plan) && listed.contains(&empty), "{listed:?}");
        assert!(sandbox.ops().moves(&MoveQuery::default()).await.expect("listed").items.is_empty());
    })
    .await;
}

#[tokio::test]
async fn a_plan_of_a_source_that_does_not_answer_says_nothing_of_its_size() {
    sandbox(async |sandbox| {
        two_shards(&sandbox).await;
        let north = school(&sandbox, "north").await;
        let nowhere = Dsn::new("postgres://lxp_owner:sesame@127.0.0.1:1/lxp");
        let postgres = Some(ShardPostgres { primary: nowhere, replicas: vec![] });
        let change = ShardChange { postgres, ..ShardChange::default() };
        sandbox.ops().change_shard(&north.shard, &change).await.expect("changed");
        let plan = planned(&sandbox, north.id).await;
        assert_eq!((plan.moves[0].rows, plan.moves[0].bytes), (None, None));
    })
    .await;
}

#[tokio::test]
async fn each_plan_that_cannot_be_is_refused_with_its_reason() {
    sandbox(async |sandbox| {
        two_shards(&sandbox).await;
        let joining = sandbox.new_shard("shard-c").await;
        sandbox.ops().add_shard(&joining).await.expect("added");
        let north = school(&sandbox, "north").await;
        let (moving, creating) = (school(&sandbox, "moving").await, school(&sandbox, "new").await);
        applied(&sandbox, moving.id).await;
        sql(
            &sandbox,
            format!(
                "UPDATE institutions SET status = 'creating', settled = false WHERE id = '{}'",
                creating.id
            ),
        )
        .await;
        let nobody = InstitutionId::new(Uuid::now_v7());
        for (plan, expected) in [
            (to(nobody, "shard-b"), (404, "institution-unknown")),
            (to(north.id, "shard-z"), (404, "shard-unknown")),
            (to(north.id, "shard-a"), (409, "already-there")),
            (to(north.id, "shard-c"), (409, "shard-not-active")),
            (to(creating.id, "shard-b"), (409, "institution-creating")),
            (to(moving.id, "shard-b"), (409, "move-under-way")),
        ] {
            is_refused(sandbox.ops().propose(&plan).await, expected);
        }
        for body in [
            "{\"kind\":\"rebalance\",\"to\":\"shard-b\"}",
            "{\"kind\":\"rebalance\",\"window\":{\"from\":6,\"to\":24}}",
            "{\"kind\":\"drain\"}",
            "{\"kind\":\"move\",\"to\":\"shard-b\"}",
            "{}",
        ] {
            let ask = reqwest::Client::new().post(format!("{}/v1/plans", sandbox.url));
            let ask = ask.bearer_auth(token(Role::PlatformOps)).body(body);
            assert_eq!(ask.send().await.expect("an answer").status(), 422, "{body}");
        }
        assert_eq!(
            sandbox.ops().plans(10).await.expect("listed").items.len(),
            1,
            "the moving one's"
        );
        let missing = Uuid::now_v7();
        is_refused(sandbox.ops().plan(missing).await, (404, "plan-unknown"));
        is_refused(sandbox.ops().apply_plan(missing).await, (404, "plan-unknown"));
        is_refused(sandbox.ops().one_move(missing).await, (404, "move-unknown"));
        is_refused(sandbox.ops().cancel_move(missing).await, (404, "move-unknown"));
    })
    .await;
}
