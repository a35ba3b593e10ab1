//! The one window in which nobody may be served: the control database is gone between fence and commit. Requests wait,
//! then they are told to come again; once it is back the move ends, and nothing is lost.

use std::time::Duration;

use lxp_tests::{Load, Size, freeze, thaw};

use super::Fault;
use super::stage::Stage;

const DATABASE: &str = "control-postgres";
const PACE: Duration = Duration::from_millis(300);
/// Longer than a request waits, and than anybody may be kept waiting by a move.
const GONE_FOR: Duration = Duration::from_secs(8);

#[tokio::test(flavor = "multi_thread")]
async fn without_the_control_database_after_the_fence_requests_wait_and_nothing_is_lost() {
    let stage = Stage::set().await;
    for _ in 0..Size::of_this_run().pick(1, 20) {
        for fault in [Fault::Frozen, Fault::Killed] {
            it_is_gone(&stage, fault).await;
        }
    }
}

async fn it_is_gone(stage: &Stage, fault: Fault) {
    let institutions = stage.institutions(3, "shard-a").await;
    let load = Load::light(&stage.platform, &institutions, PACE);
    load.run_for(PACE * 3).await;
    for institution in &institutions {
        stage.posts.post(institution.id, "move::commit::before");
    }
    let moves = stage.begin(&institutions, "shard-b").await;
    // The others come, or have been given up: nobody may stand here for long.
    stage.one_stands(&moves).await;
    let gone = load.now();
    let pid = stage.platform.pid(DATABASE);
    match fault {
        Fault::Frozen => freeze(pid),
        Fault::Killed => stage.platform.stop_now(&[DATABASE]).await,
    }
    stage.posts.clear();
    load.run_for(GONE_FOR).await;
    match fault {
        Fault::Frozen => thaw(pid),
        Fault::Killed => stage.platform.begin(&[DATABASE]).await,
    }
    let ended = stage.ended(&moves).await;
    stage.platform.expect_all_up().await;
    load.run_for(PACE * 3).await;
    let history = load.stop().await;
    eprintln!("{fault:?}: {ended:?}, {}", history.summary(gone));
    history.expect_nothing_lost();
    stage.expect_no_residue(&institutions).await;
    let told = |request: &lxp_tests::Request| {
        request.status == 503 && request.code == "cutover-timeout" && request.retry_after
    };
    history.expect_no_error_but("who had waited is told to come again", told);
    assert!(history.errors().any(told), "nobody waited in vain: the fence did not last");
}
