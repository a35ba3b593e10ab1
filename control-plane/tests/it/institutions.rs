//! Institutions: created once, finished after a crash, suspended on their shard too.

use control_api::{CLAIMS_MAX, Dsn, InstitutionQuery, OwnershipClaims, ShardChange, ShardPostgres};
use control_plane::api::access::Role;
use control_plane::reconcile;
use shard_map::{Epoch, InstitutionId, InstitutionStatus, OwnershipState};
use sqlx::{Connection, PgConnection, Row};
use uuid::Uuid;

use crate::support::{Sandbox, eventually, new_institution, sandbox, shard_id};

/// What the shard's database has: the institution's status, or none.
async fn on_shard(dsn: &Dsn, id: InstitutionId) -> Option<String> {
    let mut shard = PgConnection::connect(dsn.expose()).await.expect("the shard's database");
    let mut tx = shard.begin().await.expect("a transaction");
    sqlx::query("SELECT set_config('app.institution_id', $1, true)")
        .bind(id.to_string())
        .execute(&mut *tx)
        .await
        .expect("entered");
    let row = sqlx::query("SELECT status FROM institutions WHERE institution_id = $1")
        .bind(id.as_uuid())
        .fetch_optional(&mut *tx)
        .await
        .expect("an answer");
    row.map(|row| row.get("status"))
}

/// A directory row as a crash after the first step leaves it.
async fn crashed_creation(sandbox: &Sandbox) -> InstitutionId {
    let id = Uuid::now_v7();
    sqlx::query(
        "INSERT INTO institutions (id, slug, name, timezone, status, settled, shard_id, epoch,
             map_version, retry_at)
         VALUES ($1, 'crashed', 'Test', 'UTC', 'creating', false, 'shard-a', 1, 1, now())",
    )
    .bind(id)
    .execute(sandbox.pool())
    .await
    .expect("written");
    InstitutionId::new(id)
}

#[tokio::test]
async fn an_institution_is_created_on_its_shard_and_shown_with_its_ownership() {
    sandbox(async |sandbox| {
        sandbox.reconcile();
        let shard = sandbox.active_shard("shard-a").await;
        let made = sandbox.institution("north").await;
        assert_eq!((made.status, made.epoch.0), (InstitutionStatus::Active, 1));
        let status = on_shard(&shard.postgres.primary, made.id).await;
        assert_eq!(status.as_deref(), Some("ACTIVE"));
        let shown = sandbox.ops().institution(made.id).await.expect("shown");
        assert_eq!(shown.ownership.len(), 1);
        let ownership = &shown.ownership[0];
        assert_eq!(ownership.state, OwnershipState::Active);
        assert_eq!((&ownership.shard, &ownership.owner), (&shard.id, &shard.id));
        assert_eq!((ownership.epoch.0, ownership.move_id), (1, None));
        assert_eq!(shown.history.len(), 1);
        assert!(shown.unreachable.is_empty() && !shown.pending);
        assert_eq!(sandbox.ops().shard(&shard.id).await.expect("the shard").institutions, 1);
    })
    .await;
}

#[tokio::test]
async fn the_same_institution_again_is_harmless_and_its_slug_is_taken_for_others() {
    sandbox(async |sandbox| {
        sandbox.reconcile();
        sandbox.active_shard("shard-a").await;
        let made = sandbox.institution("north").await;
        assert_eq!(sandbox.institution("north").await, made);
        let mut other = new_institution("north");
        other.name = "Another".to_owned();
        let error = sandbox.ops().create_institution(&other).await.expect_err("taken");
        assert_eq!(error.refusal().map(|refusal| &*refusal.code), Some("slug-taken"));
        let mut other = new_institution("south");
        other.id = Some(made.id);
        let error = sandbox.ops().create_institution(&other).await.expect_err("taken");
        assert_eq!(error.refusal().map(|refusal| &*refusal.code), Some("id-taken"));
    })
    .await;
}

#[tokio::test]
async fn fifty_requests_for_one_slug_make_one_institution() {
    sandbox(async |sandbox| {
        sandbox.reconcile();
        sandbox.active_shard("shard-a").await;
        let asked = (0..50).map(|_| async { sandbox.institution("north").await.id });
        let ids = futures::future::join_all(asked).await;
        assert!(ids.iter().all(|id| *id == ids[0]));
        let listed =
            sandbox.ops().institutions(&InstitutionQuery::default()).await.expect("listed");
        assert_eq!(listed.total, 1);
    })
    .await;
}

#[tokio::test]
async fn without_an_active_shard_it_says_what_to_do() {
    sandbox(async |sandbox| {
        let new = sandbox.new_shard("shard-a").await;
        sandbox.ops().add_shard(&new).await.expect("added");
        let asked = new_institution("north");
        let error = sandbox.ops().create_institution(&asked).await.expect_err("no shard");
        let refusal = error.refusal().expect("a refusal");
        assert_eq!((refusal.status, &*refusal.code), (503, "no-active-shard"));
        assert!(refusal.to_string().contains("lxp shard add"));
        let mut given = new_institution("north");
        given.shard = Some(new.id);
        let error = sandbox.ops().create_institution(&given).await.expect_err("joining");
        assert_eq!(error.refusal().map(|refusal| &*refusal.code), Some("shard-not-active"));
    })
    .await;
}

#[tokio::test]
async fn a_given_shard_is_taken_and_makes_an_exception_where_the_ring_says_otherwise() {
    sandbox(async |sandbox| {
        sandbox.reconcile();
        sandbox.active_shard("shard-a").await;
        sandbox.active_shard("shard-b").await;
        for number in 0..8 {
            let mut new = new_institution(&format!("i-{number}"));
            new.shard = Some(shard_id("shard-b"));
            let made = sandbox.ops().create_institution(&new).await.expect("created");
            assert_eq!(made.shard, shard_id("shard-b"));
        }
        let map = sandbox.ops().map_snapshot().await.expect("the map");
        assert!((1..8).contains(&map.exceptions.len()), "{:?}", map.exceptions);
    })
    .await;
}

#[tokio::test]
async fn a_creation_that_crashed_after_the_directory_row_is_finished() {
    sandbox(async |sandbox| {
        sandbox.reconcile();
        let shard = sandbox.active_shard("shard-a").await;
        let id = crashed_creation(&sandbox).await;
        eventually("it to be active", async || {
            let shown = sandbox.ops().institution(id).await.expect("shown");
            shown.institution.status == InstitutionStatus::Active
        })
        .await;
        assert!(on_shard(&shard.postgres.primary, id).await.is_some());
    })
    .await;
}

#[tokio::test]
async fn a_creation_that_crashed_after_the_shard_was_told_is_finished() {
    sandbox(async |sandbox| {
        sandbox.reconcile();
        let shard = sandbox.active_shard("shard-a").await;
        let mut told = PgConnection::connect(shard.postgres.primary.expose()).await.expect("there");
        let id = crashed_creation(&sandbox).await;
        sqlx::query("SELECT institution_admit($1, 1, 'shard-a', 'crashed', 'Test', 'UTC')")
            .bind(id.as_uuid())
            .execute(&mut told)
            .await
            .expect("admitted");
        eventually("it to be active", async || {
            let shown = sandbox.ops().institution(id).await.expect("shown");
            shown.institution.status == InstitutionStatus::Active && !shown.pending
        })
        .await;
    })
    .await;
}

#[tokio::test]
async fn an_unreachable_shard_leaves_it_creating_says_why_and_is_tried_again() {
    sandbox(async |sandbox| {
        sandbox.reconcile();
        let shard = sandbox.active_shard("shard-a").await;
        let readdress = async |primary: Dsn| {
            let postgres = Some(ShardPostgres { primary, replicas: vec![] });
            let change = ShardChange { postgres, ..ShardChange::default() };
            sandbox.ops().change_shard(&shard.id, &change).await.expect("changed");
        };
        readdress(Dsn::new("postgres://u:sesame@127.0.0.1:1/d")).await;
        let made = sandbox.institution("north").await;
        assert_eq!(made.status, InstitutionStatus::Creating);
        let shown = sandbox.ops().institution(made.id).await.expect("shown");
        let why = shown.last_error.expect("why");
        assert!(shown.pending && !why.contains("sesame"), "{why}");
        let error = sandbox.ops().suspend_institution(made.id).await.expect_err("creating");
        assert_eq!(error.refusal().map(|refusal| &*refusal.code), Some("institution-creating"));
        readdress(shard.postgres.primary.clone()).await;
        eventually("it to be active", async || {
            let shown = sandbox.ops().institution(made.id).await.expect("shown");
            shown.institution.status == InstitutionStatus::Active
        })
        .await;
    })
    .await;
}

#[tokio::test]
async fn a_shard_that_cannot_be_asked_is_said_so_and_holds_nothing_up() {
    sandbox(async |sandbox| {
        sandbox.reconcile();
        sandbox.active_shard("shard-a").await;
        let made = sandbox.institution("north").await;
        sqlx::query(
            "UPDATE shards SET primary_dsn = 'postgres://u:sesame@127.0.0.1:1/d' WHERE id = 'shard-a'",
        )
        .execute(sandbox.pool())
        .await
        .expect("cut off");
        let begun = std::time::Instant::now();
        let shown = sandbox.ops().institution(made.id).await.expect("shown");
        assert!(begun.elapsed().as_secs_f64() < 3.0, "{:?}", begun.elapsed());
        assert!(shown.ownership.is_empty());
        assert_eq!(shown.unreachable[0].shard, shard_id("shard-a"));
        assert!(!shown.unreachable[0].detail.contains("sesame"));
    })
    .await;
}

#[tokio::test]
async fn suspending_and_resuming_reach_the_shard() {
    sandbox(async |sandbox| {
        sandbox.reconcile();
        let shard = sandbox.active_shard("shard-a").await;
        let dsn = &shard.postgres.primary;
        let made = sandbox.institution("north").await;
        let suspended = sandbox.ops().suspend_institution(made.id).await.expect("suspended");
        assert_eq!(suspended.status, InstitutionStatus::Suspended);
        assert_eq!(on_shard(dsn, made.id).await.as_deref(), Some("SUSPENDED"));
        let again = sandbox.ops().suspend_institution(made.id).await.expect("again");
        assert_eq!(again, suspended);
        let resumed = sandbox.ops().resume_institution(made.id).await.expect("resumed");
        assert_eq!(resumed.status, InstitutionStatus::Active);
        assert_eq!(on_shard(dsn, made.id).await.as_deref(), Some("ACTIVE"));
    })
    .await;
}

#[tokio::test]
async fn a_suspension_that_crashed_before_the_shard_was_told_is_finished() {
    sandbox(async |sandbox| {
        sandbox.reconcile();
        let shard = sandbox.active_shard("shard-a").await;
        let made = sandbox.institution("north").await;
        sqlx::query(
            "UPDATE institutions SET status = 'suspended', settled = false, retry_at = now()",
        )
        .execute(sandbox.pool())
        .await
        .expect("written");
        eventually("the shard to know", async || {
            on_shard(&shard.postgres.primary, made.id).await.as_deref() == Some("SUSPENDED")
        })
        .await;
    })
    .await;
}

#[tokio::test]
async fn opposite_wishes_at_once_end_with_shard_and_directory_agreeing() {
    sandbox(async |sandbox| {
        sandbox.reconcile();
        let shard = sandbox.active_shard("shard-a").await;
        let made = sandbox.institution("north").await;
        let wishes = (0..20).map(|number| {
            let ops = sandbox.ops();
            async move {
                if number % 2 == 0 {
                    ops.suspend_institution(made.id).await
                } else {
                    ops.resume_institution(made.id).await
                }
            }
        });
        futures::future::join_all(wishes).await;
        eventually("it to be settled", async || {
            reconcile::settle_due(&sandbox.platform).await.expect("settled");
            !sandbox.ops().institution(made.id).await.expect("shown").pending
        })
        .await;
        let directory = sandbox.ops().institution(made.id).await.expect("shown").institution.status;
        let told = on_shard(&shard.postgres.primary, made.id).await.expect("a row");
        assert_eq!(told.to_lowercase(), directory.as_str());
    })
    .await;
}

#[tokio::test]
async fn institutions_are_listed_by_slug_and_page() {
    sandbox(async |sandbox| {
        sandbox.reconcile();
        sandbox.active_shard("shard-a").await;
        for slug in ["c", "a", "b"] {
            sandbox.institution(slug).await;
        }
        let page = |page| InstitutionQuery {
            page: Some(page),
            limit: Some(2),
            ..InstitutionQuery::default()
        };
        let first = sandbox.ops().institutions(&page(1)).await.expect("a page");
        let slugs: Vec<_> = first.items.iter().map(|item| item.slug.as_str()).collect();
        assert_eq!((slugs, first.total, first.total_pages), (vec!["a", "b"], 3, 2));
        let second = sandbox.ops().institutions(&page(2)).await.expect("a page");
        assert_eq!(second.items[0].slug, "c");
        let one = InstitutionQuery { slug: Some("b".to_owned()), ..InstitutionQuery::default() };
        assert_eq!(sandbox.ops().institutions(&one).await.expect("listed").total, 1);
    })
    .await;
}

#[tokio::test]
async fn a_shards_claims_are_held_against_the_directory() {
    sandbox(async |sandbox| {
        sandbox.reconcile();
        let shard = sandbox.active_shard("shard-a").await;
        let [kept, moved, later] = [
            sandbox.institution("kept").await,
            sandbox.institution("moved").await,
            sandbox.institution("later").await,
        ];
        sandbox.ops().add_shard(&sandbox.new_shard("shard-b").await).await.expect("added");
        sqlx::query(
            "UPDATE institutions SET epoch = 3,
                 shard_id = CASE slug WHEN 'moved' THEN 'shard-b' ELSE shard_id END
             WHERE slug IN ('moved', 'later')",
        )
        .execute(sandbox.pool())
        .await
        .expect("moved");
        let unknown = InstitutionId::new(Uuid::now_v7());
        let ids = [kept.id, moved.id, later.id, unknown];
        let claims = OwnershipClaims { owned: ids.map(|id| (id, Epoch(1))).into() };
        let node = sandbox.client(Role::Node);
        let elsewhere =
            node.reconcile_shard(&shard.id, &claims).await.expect("an answer").elsewhere;
        let told: Vec<_> = elsewhere.iter().map(|it| (it.institution, it.owner.clone())).collect();
        let expected = [
            (moved.id, Some(shard_id("shard-b"))),
            (later.id, Some(shard_id("shard-a"))),
            (unknown, None),
        ];
        assert_eq!(told, expected);
        let claims = OwnershipClaims { owned: vec![(kept.id, Epoch(1)); CLAIMS_MAX + 1] };
        let error = node.reconcile_shard(&shard.id, &claims).await.expect_err("too many");
        assert_eq!(error.refusal().map(|refusal| refusal.status), Some(422));
    })
    .await;
}
