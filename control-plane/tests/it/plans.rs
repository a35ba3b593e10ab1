//! Plans and moves as operators ask for them. No reconciler runs here, so no move goes on by itself.

use control_api::{Dsn, Institution, Move, MoveQuery, NewPlan, Plan, ShardChange, ShardPostgres};
use control_api::{InstitutionQuery, NewInstitution};
use control_plane::api::access::Role;
use control_plane::service::ring::RingEdit;
use control_plane::shard_db::migrate;
use control_plane::store::journal::Actor;
use control_plane::store::moves;
use futures::future::join_all;
use shard_map::{Epoch, InstitutionId, InstitutionStatus, MovePhase, PlanKind, PlanState};
use sqlx::{AssertSqlSafe, Connection, PgConnection};
use uuid::Uuid;

use crate::support::{Sandbox, eventually, new_institution, sandbox, shard_id, token};

/// Two shards that are active. Answers the first one's database.
pub(crate) async fn two_shards(sandbox: &Sandbox) -> Dsn {
    let first = active(sandbox, "shard-a").await;
    active(sandbox, "shard-b").await;
    first
}

pub(crate) async fn active(sandbox: &Sandbox, id: &str) -> Dsn {
    let new = sandbox.new_shard(id).await;
    sandbox.ops().add_shard(&new).await.expect("added");
    let dsn = new.postgres.primary;
    // On a busy machine its database may not answer at once.
    eventually("the migrations", async || migrate(&dsn).await.is_ok()).await;
    let (edit, actor) = (RingEdit::Activate, Actor::reconciler());
    sandbox.platform.change_ring(&new.id, edit, &actor, &[]).await.expect("active");
    dsn
}

/// An institution on the first shard.
async fn school(sandbox: &Sandbox, slug: &str) -> Institution {
    school_with_id(sandbox, None, slug).await
}

pub(crate) async fn school_with_id(
    sandbox: &Sandbox,
    id: Option<InstitutionId>,
    slug: &str,
) -> Institution {
    let new = NewInstitution { id, shard: Some(shard_id("shard-a")), ..new_institution(slug) };
    let made = sandbox.ops().create_institution(&new).await.expect("created");
    eventually("its shard to have it", async || {
        let again = sandbox.ops().create_institution(&new).await.expect("created");
        again.status == InstitutionStatus::Active
    })
    .await;
    made
}

fn to(institution: InstitutionId, shard: &str) -> NewPlan {
    NewPlan::Move { institution, to: shard_id(shard) }
}

async fn planned(sandbox: &Sandbox, institution: InstitutionId) -> Plan {
    sandbox.ops().propose(&to(institution, "shard-b")).await.expect("proposed")
}

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

/// A plan that was applied, and its move.
async fn applied(sandbox: &Sandbox, institution: InstitutionId) -> (Plan, Move) {
    let plan = planned(sandbox, institution).await;
    let plan = sandbox.ops().apply_plan(plan.id).await.expect("applied");
    let id = plan.moves[0].move_id.expect("a move");
    (plan, sandbox.ops().one_move(id).await.expect("the move"))
}

pub(crate) async fn advance(sandbox: &Sandbox, id: Uuid, from: MovePhase, to: MovePhase) {
    let mut connection = sandbox.pool().acquire().await.expect("a connection");
    assert!(moves::advance(&mut connection, id, from, to).await.expect("written"));
}

/// The mover's question.
async fn due(sandbox: &Sandbox) -> Vec<Uuid> {
    let mut connection = sandbox.pool().acquire().await.expect("a connection");
    moves::due(&mut connection, 10).await.expect("an answer")
}

pub(crate) async fn sql(sandbox: &Sandbox, statement: String) {
    sqlx::query(AssertSqlSafe(statement)).execute(sandbox.pool()).await.expect("written");
}

pub(crate) fn refused<T: std::fmt::Debug>(
    answer: Result<T, control_api::ClientError>,
) -> (u16, String, String) {
    let error = answer.expect_err("refused");
    let refusal = error.refusal().expect("a refusal").clone();
    (refusal.status, refusal.code, refusal.detail.unwrap_or_default())
}

#[track_caller]
pub(crate) fn is_refused<T: std::fmt::Debug>(
    answer: Result<T, control_api::ClientError>,
    code: (u16, &str),
) {
    let (status, word, _) = refused(answer);
    assert_eq!((status, &*word), code);
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

#[tokio::test]
async fn applying_begins_each_move_once_however_often_it_is_asked() {
    sandbox(async |sandbox| {
        two_shards(&sandbox).await;
        let north = school(&sandbox, "north").await;
        let plan = planned(&sandbox, north.id).await;
        let ops = sandbox.ops();
        let all = join_all((0..5).map(|_| ops.apply_plan(plan.id))).await;
        let again = ops.apply_plan(plan.id).await.expect("again");
        assert_eq!(again.state, PlanState::Running);
        assert!(all.into_iter().all(|answer| answer.expect("applied") == again));
        let moves = ops.moves(&MoveQuery::default()).await.expect("listed").items;
        let [it] = &moves[..] else { panic!("one move: {moves:?}") };
        assert_eq!((Some(it.id), Some(plan.id)), (again.moves[0].move_id, it.plan));
        assert_eq!((it.phase, it.epochs.fence), (MovePhase::Preflight, Epoch(2)));
        assert_eq!((&it.from, &it.to), (&north.shard, &shard_id("shard-b")));
        assert_eq!((Some(it.rows), &*it.requested_by), (plan.moves[0].rows, "test-platform-ops"));
        let audit = ops.audit(0, 200).await.expect("the audit").items;
        let of_plans: Vec<_> =
            audit.iter().filter(|entry| entry.target == plan.id.to_string()).collect();
        let actions: Vec<_> =
            of_plans.iter().map(|entry| (&*entry.actor, &*entry.action)).collect();
        let who = "test-platform-ops";
        assert_eq!(actions, [(who, "plan.propose"), (who, "plan.apply")]);
        let events = ops.events(0, 200).await.expect("events").items;
        assert!(
            events
                .iter()
                .any(|event| event.kind == "move.requested" && event.subject == it.id.to_string())
        );
    })
    .await;
}

#[tokio::test]
async fn a_plan_is_refused_when_what_it_was_made_for_has_changed() {
    sandbox(async |sandbox| {
        two_shards(&sandbox).await;
        let (north, south) = (school(&sandbox, "north").await, school(&sandbox, "south").await);
        let plan = planned(&sandbox, north.id).await;
        let draining =
            |state: &str| format!("UPDATE shards SET state = '{state}' WHERE id = 'shard-b'");
        sql(&sandbox, draining("draining")).await;
        is_refused(sandbox.ops().apply_plan(plan.id).await, (409, "shard-not-active"));
        sql(&sandbox, draining("active")).await;
        // It was away and is back: the same shard at another epoch.
        sql(&sandbox, format!("UPDATE institutions SET epoch = 4 WHERE id = '{}'", north.id)).await;
        let (status, code, detail) = refused(sandbox.ops().apply_plan(plan.id).await);
        assert_eq!((status, &*code), (409, "plan-outdated"));
        assert!(detail.contains(&north.id.to_string()) && detail.contains("epoch 4"), "{detail}");
        let elsewhere = format!(
            "UPDATE institutions SET epoch = 1, shard_id = 'shard-b' WHERE id = '{}'",
            north.id
        );
        sql(&sandbox, elsewhere).await;
        is_refused(sandbox.ops().apply_plan(plan.id).await, (409, "plan-outdated"));
        let (first, second) =
            (planned(&sandbox, south.id).await, planned(&sandbox, south.id).await);
        sandbox.ops().apply_plan(first.id).await.expect("applied");
        is_refused(sandbox.ops().apply_plan(second.id).await, (409, "move-under-way"));
        // A change of others is none of theirs.
        let moves = sandbox.ops().moves(&MoveQuery::default()).await.expect("listed").items;
        assert_eq!(moves.iter().map(|it| it.institution).collect::<Vec<_>>(), [south.id]);
        assert_eq!(sandbox.ops().plan(plan.id).await.expect("shown").state, PlanState::Proposed);
    })
    .await;
}

#[tokio::test]
async fn of_a_paused_plan_no_move_begins_until_it_is_resumed() {
    sandbox(async |sandbox| {
        two_shards(&sandbox).await;
        let (north, south) = (school(&sandbox, "north").await, school(&sandbox, "south").await);
        let proposed = planned(&sandbox, south.id).await;
        is_refused(sandbox.ops().pause_plan(proposed.id).await, (409, "plan-not-applied"));
        let (plan, it) = applied(&sandbox, north.id).await;
        assert_eq!(due(&sandbox).await, [it.id]);
        for _ in 0..2 {
            let paused = sandbox.ops().pause_plan(plan.id).await.expect("paused");
            assert_eq!(paused.state, PlanState::Paused);
        }
        assert!(due(&sandbox).await.is_empty());
        assert_eq!(
            sandbox.ops().apply_plan(plan.id).await.expect("harmless").state,
            PlanState::Paused
        );
        for _ in 0..2 {
            let resumed = sandbox.ops().resume_plan(plan.id).await.expect("resumed");
            assert_eq!(resumed.state, PlanState::Running);
        }
        assert_eq!(due(&sandbox).await, [it.id]);
        // What has begun goes on.
        advance(&sandbox, it.id, MovePhase::Preflight, MovePhase::Copying).await;
        sandbox.ops().pause_plan(plan.id).await.expect("paused");
        assert_eq!(due(&sandbox).await, [it.id]);
        advance(&sandbox, it.id, MovePhase::Copying, MovePhase::Done).await;
        assert_eq!(sandbox.ops().plan(plan.id).await.expect("shown").state, PlanState::Done);
        is_refused(sandbox.ops().resume_plan(plan.id).await, (409, "plan-done"));
        is_refused(sandbox.ops().cancel_plan(plan.id).await, (409, "plan-done"));
    })
    .await;
}

#[tokio::test]
async fn a_cancelled_plan_gives_up_what_is_not_committed() {
    sandbox(async |sandbox| {
        two_shards(&sandbox).await;
        let (north, south) = (school(&sandbox, "north").await, school(&sandbox, "south").await);
        let proposed = planned(&sandbox, north.id).await;
        for _ in 0..2 {
            let cancelled = sandbox.ops().cancel_plan(proposed.id).await.expect("cancelled");
            assert_eq!(cancelled.state, PlanState::Cancelled);
        }
        is_refused(sandbox.ops().apply_plan(proposed.id).await, (409, "plan-cancelled"));
        is_refused(sandbox.ops().resume_plan(proposed.id).await, (409, "plan-cancelled"));

        let (plan, it) = applied(&sandbox, north.id).await;
        sandbox.ops().pause_plan(plan.id).await.expect("paused");
        sandbox.ops().cancel_plan(plan.id).await.expect("cancelled");
        let it = sandbox.ops().one_move(it.id).await.expect("the move");
        assert!(it.cancel_reason.is_some_and(|why| why.contains("test-platform-ops")));
        assert_eq!(due(&sandbox).await, [it.id]);

        let (plan, it) = applied(&sandbox, south.id).await;
        advance(&sandbox, it.id, MovePhase::Preflight, MovePhase::Cleaning).await;
        is_refused(sandbox.ops().cancel_plan(plan.id).await, (409, "move-committed"));
        assert_eq!(sandbox.ops().plan(plan.id).await.expect("shown").state, PlanState::Running);
    })
    .await;
}

#[tokio::test]
async fn a_move_is_cancelled_once_and_only_before_its_commit() {
    sandbox(async |sandbox| {
        two_shards(&sandbox).await;
        let (north, south) = (school(&sandbox, "north").await, school(&sandbox, "south").await);
        let (_, it) = applied(&sandbox, north.id).await;
        for _ in 0..2 {
            let cancelled = sandbox.ops().cancel_move(it.id).await.expect("cancelled");
            assert_eq!(cancelled.cancel_reason.as_deref(), Some("cancelled by test-platform-ops"));
        }
        advance(&sandbox, it.id, MovePhase::Preflight, MovePhase::Aborted).await;
        let ended = sandbox.ops().cancel_move(it.id).await.expect("harmless");
        assert_eq!(ended.phase, MovePhase::Aborted);
        let audit = sandbox.ops().audit(0, 200).await.expect("the audit").items;
        let asked = audit.iter().filter(|entry| entry.action == "move.cancel");
        assert_eq!(asked.map(|entry| &*entry.target).collect::<Vec<_>>(), [it.id.to_string()]);

        let (_, it) = applied(&sandbox, south.id).await;
        advance(&sandbox, it.id, MovePhase::Preflight, MovePhase::Cleaning).await;
        is_refused(sandbox.ops().cancel_move(it.id).await, (409, "move-committed"));
        advance(&sandbox, it.id, MovePhase::Cleaning, MovePhase::Done).await;
        is_refused(sandbox.ops().cancel_move(it.id).await, (409, "move-committed"));
    })
    .await;
}

#[tokio::test]
async fn lists_are_narrowed_as_asked() {
    sandbox(async |sandbox| {
        two_shards(&sandbox).await;
        let (north, south) = (school(&sandbox, "north").await, school(&sandbox, "south").await);
        let west = school(&sandbox, "west").await;
        let mut ids = vec![];
        for institution in [north.id, south.id] {
            let (_, it) = applied(&sandbox, institution).await;
            ids.push(it.id);
        }
        advance(&sandbox, ids[0], MovePhase::Preflight, MovePhase::Aborted).await;
        let list = async |query: MoveQuery| -> Vec<Uuid> {
            let moves = sandbox.ops().moves(&query).await.expect("listed");
            moves.items.iter().map(|it| it.id).collect()
        };
        assert_eq!(list(MoveQuery::default()).await, [ids[1], ids[0]]);
        assert_eq!(list(MoveQuery { active: true, ..MoveQuery::default() }).await, [ids[1]]);
        assert_eq!(list(MoveQuery { limit: Some(1), ..MoveQuery::default() }).await, [ids[1]]);
        let of_north = MoveQuery { institution: Some(north.id), ..MoveQuery::default() };
        assert_eq!(list(of_north).await, [ids[0]]);
        let query =
            InstitutionQuery { ids: vec![west.id, north.id], ..InstitutionQuery::default() };
        let page = sandbox.ops().institutions(&query).await.expect("listed");
        let slugs: Vec<_> = page.items.iter().map(|institution| &*institution.slug).collect();
        assert_eq!((page.total, &slugs[..]), (2, &["north", "west"][..]));
    })
    .await;
}
