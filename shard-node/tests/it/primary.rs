//! Which primary a node serves from: the one that it remembers, and every other one only after its ownership was
//! compared with the directory.

use std::time::Duration;

use axum::http::Method;
use control_api::Elsewhere;
use service_kit::postgres::give_back;
use shard_map::{Epoch, InstitutionId, MapVersion};
use sqlx::Connection;
use tokio::time::Instant;

use crate::support::Shard;
use crate::support::api::{Plan, Served};
use crate::support::directory::FakeDirectory;

const PROGRAMS: &str = "/v1/programs";

/// One request, as it is answered.
async fn ask(served: &Served, institution: InstitutionId) -> (u16, String) {
    let admin = served.admin(institution);
    let answer = admin.send_once(Method::GET, PROGRAMS, None, &[]).await;
    (answer.status.as_u16(), answer.code().to_owned())
}

async fn until_answered(served: &Served, institution: InstitutionId, expected: (u16, &str)) {
    let deadline = Instant::now() + Duration::from_secs(20);
    loop {
        let answer = ask(served, institution).await;
        if (answer.0, &*answer.1) == expected {
            return;
        }
        assert!(Instant::now() < deadline, "{answer:?} and not {expected:?}");
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
}

async fn until(what: &str, mut holds: impl FnMut() -> bool) {
    let deadline = Instant::now() + Duration::from_secs(20);
    while !holds() {
        assert!(Instant::now() < deadline, "waited for {what}");
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
}

const UNAVAILABLE: (u16, &str) = (503, "shard-unavailable");
const SERVED: (u16, &str) = (200, "");

fn elsewhere(institution: InstitutionId, owner: Option<&str>) -> Elsewhere {
    Elsewhere {
        institution,
        owner: owner.map(|owner| owner.parse().expect("an id")),
        epoch: owner.map(|_| Epoch(3)),
        map_version: owner.map(|_| MapVersion(7)),
    }
}

/// Moves an institution away, as the end of a move does.
async fn move_away(shard: &Shard, institution: InstitutionId) {
    let mut owner = shard.connect("lxp_owner").await;
    sqlx::query(
        "UPDATE ownership SET state = 'moved', owner = 'shard-x', epoch = 3 WHERE institution_id = $1",
    )
    .bind(institution.as_uuid())
    .execute(&mut owner)
    .await
    .expect("moved");
    owner.close().await.expect("closed");
}

#[tokio::test]
async fn a_first_start_serves_nothing_until_the_directory_was_asked() {
    let shard = Shard::create().await;
    let institution = shard.admit().await;
    let directory = FakeDirectory::start().await;
    directory.set_away(true);
    let served = Plan::new(&shard, directory.clone()).serve().await;
    until("the directory to be asked", || directory.asked() > 0).await;
    let answer = ask(&served, institution).await;
    assert_eq!((answer.0, &*answer.1), UNAVAILABLE);
    directory.set_away(false);
    until_answered(&served, institution, SERVED).await;
    drop(served);
    shard.drop_database().await;
}

#[tokio::test]
async fn a_restarted_node_serves_from_the_primary_it_knows_without_the_control_plane() {
    let shard = Shard::create().await;
    let institution = shard.admit().await;
    let plan = Plan::new(&shard, FakeDirectory::start().await);
    let served = plan.serve().await;
    until_answered(&served, institution, SERVED).await;
    drop(served);
    plan.directory.set_away(true);
    let asked = plan.directory.asked();
    let served = plan.serve().await;
    until_answered(&served, institution, SERVED).await;
    assert_eq!(plan.directory.asked(), asked, "a known primary needs no directory");
    drop(served);
    shard.drop_database().await;
}

#[tokio::test]
async fn an_older_copy_of_the_primary_does_not_serve_what_the_directory_gives_to_others() {
    let shard = Shard::create().await;
    let [kept, moved, back, unknown] =
        [shard.admit().await, shard.admit().await, shard.admit().await, shard.admit().await];
    let copy = shard.copy().await;
    move_away(&shard, moved).await;
    let plan = Plan::new(&shard, FakeDirectory::start().await);
    let served = plan.serve().await;
    until_answered(&served, kept, SERVED).await;
    until_answered(&served, moved, (421, "not-owner")).await;
    plan.directory.set_away(true);
    let asked = plan.directory.asked();
    shard.restore(&copy).await;
    until("the older copy to be seen", || plan.directory.asked() > asked).await;
    for institution in [kept, moved, back, unknown] {
        let answer = ask(&served, institution).await;
        assert_eq!((answer.0, &*answer.1), UNAVAILABLE, "before it was compared");
    }
    plan.directory.refuse(vec![
        elsewhere(moved, Some("shard-x")),
        elsewhere(back, Some("shard-t")),
        elsewhere(unknown, None),
    ]);
    plan.directory.set_away(false);
    until_answered(&served, kept, SERVED).await;
    expect_withheld(&served, moved, back, unknown).await;
    // A restart does not forget it, and asks nobody.
    drop(served);
    plan.directory.set_away(true);
    let served = plan.serve().await;
    until_answered(&served, kept, SERVED).await;
    expect_withheld(&served, moved, back, unknown).await;
    drop(served);
    shard.drop_database().await;
}

/// Moved away: the 421 that names the owner. Away and back meanwhile: nobody has it. Unknown: nobody's.
async fn expect_withheld(
    served: &Served,
    moved: InstitutionId,
    back: InstitutionId,
    unknown: InstitutionId,
) {
    let answer = served.admin(moved).get(PROGRAMS).await.expect(421);
    assert_eq!((&answer.body["owner"], &answer.body["epoch"]), (&"shard-x".into(), &3.into()));
    assert_eq!(ask(served, back).await.1, UNAVAILABLE.1);
    let answer = served.admin(unknown).get(PROGRAMS).await.expect(421);
    assert!(answer.body["owner"].is_null());
}

#[tokio::test]
async fn where_a_failover_is_possible_a_commit_that_no_standby_confirms_gives_no_lease() {
    let shard = Shard::create().await;
    let institution = shard.admit().await;
    let mut plan = Plan::new(&shard, FakeDirectory::start().await);
    plan.failover = true;
    let served = plan.serve().await;
    let answer = ask(&served, institution).await;
    assert_eq!((answer.0, &*answer.1), UNAVAILABLE);
    drop(served);
    shard.drop_database().await;
}

/// A deposed primary may still answer on connections that were made to it, while polls have met its successor.
#[tokio::test]
async fn no_connection_from_before_another_primary_is_used_again() {
    let shard = Shard::create().await;
    let [institution, _] = [shard.admit().await, shard.admit().await];
    let plan = Plan::new(&shard, FakeDirectory::start().await);
    let served = plan.serve().await;
    until_answered(&served, institution, SERVED).await;
    let old = old_connections(&served).await;
    let asked = plan.directory.asked();
    let mut owner = shard.connect("lxp_owner").await;
    sqlx::query("SELECT setval('ownership_version', last_value - 1) FROM ownership_version")
        .execute(&mut owner)
        .await
        .expect("gone back");
    owner.close().await.expect("closed");
    until("another primary to be seen", || plan.directory.asked() > asked).await;
    until_answered(&served, institution, SERVED).await;
    let used = backends(&served).await;
    assert!(used.iter().all(|backend| !old.contains(backend)), "{used:?} of {old:?}");
    drop(served);
    shard.drop_database().await;
}

/// As a server that was started again leaves them.
#[tokio::test]
async fn connections_that_the_server_has_ended_fail_no_request() {
    let shard = Shard::create().await;
    let institution = shard.admit().await;
    let plan = Plan::new(&shard, FakeDirectory::start().await);
    let served = plan.serve().await;
    until_answered(&served, institution, SERVED).await;
    // From now on connections are kept.
    old_connections(&served).await;
    let pool = &served.node.pool;
    let opened = (0..plan.connections).map(|_| pool.acquire());
    let mut backends: Vec<i32> = Vec::new();
    for mut connection in futures::future::try_join_all(opened).await.expect("all connections") {
        let backend = sqlx::query_scalar("SELECT pg_backend_pid()").fetch_one(&mut *connection);
        backends.push(backend.await.expect("an id"));
        give_back(connection);
    }
    until("all to be back", || pool.num_idle() == plan.connections as usize).await;
    let mut superuser = shard.connect("postgres").await;
    sqlx::query("SELECT pg_terminate_backend(pid, 5000) FROM unnest($1) pid")
        .bind(backends)
        .execute(&mut superuser)
        .await
        .expect("ended");
    superuser.close().await.expect("closed");
    for student in 0..plan.connections {
        let path = format!("/v1/students/{}", uuid::Uuid::from_u128(student.into()));
        let answer = served.admin(institution).send_once(Method::GET, &path, None, &[]).await;
        assert_eq!((answer.status.as_u16(), answer.code()), (404, "not-found"));
    }
    drop(served);
    shard.drop_database().await;
}

/// The pool's backends, all of them at once.
async fn backends(served: &Served) -> Vec<i32> {
    let pool = &served.node.pool;
    let (mut held, mut found) = (Vec::new(), Vec::new());
    for _ in 0..pool.size() {
        let mut connection = pool.acquire().await.expect("a connection");
        let backend = sqlx::query_scalar("SELECT pg_backend_pid()").fetch_one(&mut *connection);
        found.push(backend.await.expect("an id"));
        held.push(connection);
    }
    found
}

/// The backends of connections that are kept: after a start there is a moment in which none is.
async fn old_connections(served: &Served) -> Vec<i32> {
    let deadline = Instant::now() + Duration::from_secs(20);
    loop {
        let (once, again) = (backends(served).await, backends(served).await);
        if once.iter().any(|backend| again.contains(backend)) {
            return again;
        }
        assert!(Instant::now() < deadline, "no connection is kept");
        tokio::time::sleep(Duration::from_millis(100)).await;
    }
}
