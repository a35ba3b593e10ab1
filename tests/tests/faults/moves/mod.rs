//! R10: movers stand before and after every step of a move, each with an institution of its own, while a part of the
//! platform is killed or frozen. Each move ends by itself; there is one owner, everything acknowledged is there once,
//! and nothing is left behind.
//!
//! One fault meets all steps at once: `posts` says where each mover stands, `cases` which places there are.

mod cases;
mod control_database;
mod posts;
mod stage;
mod stale;

use std::time::{Duration, Instant};

use lxp_tests::{History, Institution, Load, Request, Size, freeze, kill, thaw};
use serde_json::json;
use service_kit::token::Role;
use shard_map::InstitutionId;
use tokio::task::AbortHandle;
use uuid::Uuid;

use self::cases::{Case, Way};
use self::stage::{Begun, Leader, Stage};

/// Each institution is asked once in this.
const PACE: Duration = Duration::from_millis(1500);
/// So long a part stays frozen: longer than a lease, and than anybody may be kept waiting by a move.
const FROZEN_FOR: Duration = Duration::from_secs(6);
/// So many moves are begun at once.
const BEGIN_AT_ONCE: usize = 12;
/// Movers come one after the other, the next one within this; at last they must not wait for each other for long.
const COME_WITHIN: Duration = Duration::from_mins(1);
const STAND_WITHIN: Duration = Duration::from_secs(5);
/// How often those are tried again that came too late, or could not stand for so long.
const TRIES: usize = 5;
/// A leader that is killed is followed within 5 s, on a machine that is not busy.
const FOLLOWED_WITHIN: Duration = Duration::from_secs(10);

/// What a fault strikes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Part {
    Mover,
    Named(&'static str),
}

/// What becomes of it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Fault {
    Killed,
    Frozen,
}

#[tokio::test(flavor = "multi_thread")]
async fn a_mover_is_killed_or_sleeps_at_any_step() {
    suffer(&[Part::Mover]).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_node_of_either_side_is_killed_or_sleeps_at_any_step() {
    suffer(&[Part::Named("node-shard-a-1"), Part::Named("node-shard-b-1")]).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn the_router_is_killed_or_sleeps_at_any_step() {
    suffer(&[Part::Named("router")]).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn the_database_of_either_side_is_killed_or_sleeps_at_any_step() {
    let databases = ["postgres-shard-a-primary", "postgres-shard-b-primary"];
    suffer(&databases.map(Part::Named)).await;
}

/// What stands in CI for the tests above: every part at each second step, the next part at the others, killed and asleep
/// in turn. At all of them it takes eleven minutes.
#[tokio::test(flavor = "multi_thread")]
async fn each_part_fails_at_each_second_step() {
    let named = ["node-shard-a-1", "postgres-shard-b-primary", "router"];
    let others = ["node-shard-b-1", "postgres-shard-a-primary"];
    let parts = [Part::Mover].into_iter().chain(named.into_iter().chain(others).map(Part::Named));
    let mut stage = Stage::set().await;
    for (turn, part) in parts.enumerate() {
        let crowd = cases::all().into_iter().filter(|case| !case.alone).enumerate();
        let of_this_part = crowd.filter(|(number, _)| (number + turn) % 2 == 0);
        let (killed, asleep): (Vec<_>, Vec<_>) =
            of_this_part.partition(|(number, _)| (number / 2 + turn / 2) % 2 == 0);
        for (fault, cases) in [(Fault::Killed, killed), (Fault::Frozen, asleep)] {
            let cases = cases.into_iter().map(|(_, case)| case).collect();
            meet_all(&mut stage, part, fault, cases).await;
        }
    }
}

/// Every fault of these parts at every step, each once; twenty times in a soak. Moves lead from shard-a to shard-b.
async fn suffer(parts: &[Part]) {
    let mut stage = Stage::set().await;
    let size = Size::of_this_run();
    for _ in 0..size.pick(1, 20) {
        for part in parts {
            for fault in [Fault::Killed, Fault::Frozen] {
                let (alone, crowd): (Vec<_>, Vec<_>) =
                    cases::all().into_iter().partition(|case| case.alone);
                meet_all(&mut stage, *part, fault, crowd).await;
                // One after the other they take an hour.
                if size == Size::Soak {
                    for case in alone {
                        meet_all(&mut stage, *part, fault, vec![case]).await;
                    }
                }
            }
        }
    }
}

/// The fault at each of these places; again for those at which nobody stood when it came.
async fn meet_all(stage: &mut Stage, part: Part, fault: Fault, mut open: Vec<Case>) {
    for _ in 0..TRIES {
        let met = meet(stage, part, fault, &open).await;
        open.retain(|case| !met.contains(case));
        if open.is_empty() {
            return;
        }
    }
    panic!("{part:?} {fault:?}: nobody ever stood at {open:?}");
}

/// A mover at each of these places, then the fault. Answers where one stood when it came.
async fn meet(stage: &mut Stage, part: Part, fault: Fault, open: &[Case]) -> Vec<Case> {
    let began = Instant::now();
    let institutions = stage.institutions(open.len(), "shard-a").await;
    let load = Load::light(&stage.platform, &institutions, PACE);
    let busy = keep_writing(stage, open, &institutions);
    load.run_for(PACE).await;
    let (moves, standing) = take_places(stage, open, &institutions).await;
    let placed = began.elapsed();
    let at = load.now();
    strike(stage, part, fault, &moves).await;
    let ended = stage.ended(&moves).await;
    stage.platform.expect_all_up().await;
    busy.iter().for_each(AbortHandle::abort);
    load.run_for(PACE * 2).await;
    let history = load.stop().await;
    eprintln!(
        "{part:?} {fault:?}: {} of {} stood after {placed:?}, {ended:?}, {:?} in all; {}",
        standing.len(),
        open.len(),
        began.elapsed(),
        history.summary(at)
    );
    stage.expect_no_residue(&institutions).await;
    expect_ledger(&history, part);
    let stood = |begun: &&Begun| standing.contains(&begun.institution.id);
    let met = moves.iter().zip(open).filter(|(begun, _)| stood(begun));
    met.map(|(_, case)| case.clone()).collect()
}

fn expect_ledger(history: &History, part: Part) {
    history.expect_nothing_lost();
    // What a fault costs beside is other tests' to say.
    let allowed = |error: &Request| {
        let moving = error.status == 503 && error.retry_after;
        moving || part != Part::Mover && matches!(error.status, 0 | 502 | 503 | 504)
    };
    history.expect_no_error_but("a move that stands still", allowed);
}

/// Where log rows are to be forgotten some must have been captured: these institutions write more, and nothing that the
/// ledger knows.
fn keep_writing(stage: &Stage, cases: &[Case], institutions: &[Institution]) -> Vec<AbortHandle> {
    let wanted =
        cases.iter().zip(institutions).filter(|(case, _)| case.name.contains("::forget::"));
    let write = |(_, institution): (&Case, &Institution)| {
        let token = stage.platform.token_of(institution.id, Role::Admin, Uuid::now_v7());
        let client = stage.control.at(stage.platform.router()).with_token(&token);
        let writing = async move {
            loop {
                let body = json!({"code": Uuid::now_v7().simple().to_string(), "name": "n"});
                let _ =
                    client.try_send(reqwest::Method::POST, "/v1/programs", Some(body), &[]).await;
                tokio::time::sleep(Duration::from_millis(100)).await;
            }
        };
        tokio::spawn(writing).abort_handle()
    };
    wanted.map(write).collect()
}

/// Begins a move of each institution and waits until its mover stands where its case says.
async fn take_places(
    stage: &Stage,
    cases: &[Case],
    institutions: &[Institution],
) -> (Vec<Begun>, Vec<InstitutionId>) {
    for (case, institution) in cases.iter().zip(institutions) {
        stage.posts.post(institution.id, &case.waits_at);
    }
    let mut moves = Vec::new();
    for some in institutions.chunks(BEGIN_AT_ONCE) {
        let begun = stage.begin(some, "shard-b").await;
        let waiting = stage.standing(&begun, COME_WITHIN).await.len();
        assert_eq!(waiting, some.len(), "not all came to where they wait for the others");
        moves.extend(begun);
    }
    for (case, begun) in cases.iter().zip(&moves) {
        if case.way == Way::GivenUp {
            stage.cancel(begun).await;
        }
    }
    for (case, institution) in cases.iter().zip(institutions) {
        stage.posts.post(institution.id, &case.name);
    }
    let standing = stage.standing(&moves, STAND_WITHIN).await;
    (moves, standing)
}

/// The fault. Afterwards the part works again.
async fn strike(stage: &mut Stage, part: Part, fault: Fault, moves: &[Begun]) {
    match (part, fault) {
        (Part::Named(name), Fault::Killed) => {
            let before = stage.platform.kill(name);
            stage.posts.clear();
            stage.platform.is_up_again(name, before).await;
        }
        (Part::Named(name), Fault::Frozen) => {
            let pid = stage.platform.pid(name);
            freeze(pid);
            stage.posts.clear();
            tokio::time::sleep(FROZEN_FOR).await;
            thaw(pid);
        }
        (Part::Mover, Fault::Killed) => {
            let leader = stage.leader().await;
            let (term, struck) = (stage.term().await.unwrap_or_default(), Instant::now());
            let pid = stage.pid_of(leader);
            kill(pid);
            stage.posts.clear();
            expect_follower(stage, term, struck).await;
            match leader {
                Leader::First => stage.platform.is_up_again("control-plane", pid).await,
                Leader::Second => stage.start_second().await,
            }
        }
        (Part::Mover, Fault::Frozen) => {
            let leader = stage.leader().await;
            let (term, struck) = (stage.term().await.unwrap_or_default(), Instant::now());
            let pid = stage.pid_of(leader);
            freeze(pid);
            // Those who stand there go on when they wake, at once.
            stage.posts.clear();
            expect_follower(stage, term, struck).await;
            stage.ended(moves).await;
            thaw(pid);
            // It has woken, and has heard that it does not lead any more.
            let admin = stage.control_plane(leader);
            let woken = Instant::now();
            while admin.metric("lxp_leader", |_| true).await > 0.5 {
                assert!(woken.elapsed() < Duration::from_secs(10), "two lead");
                tokio::time::sleep(Duration::from_millis(50)).await;
            }
        }
    }
}

/// There is a leader of a later term soon: the one that was killed may be it, when it is back.
async fn expect_follower(stage: &Stage, than: i64, since: Instant) {
    loop {
        let term = stage.term().await;
        if term.is_some_and(|term| term > than) {
            eprintln!("another leads after {:?}", since.elapsed());
            return;
        }
        assert!(since.elapsed() < FOLLOWED_WITHIN, "nobody follows the leader: {term:?}");
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
}
