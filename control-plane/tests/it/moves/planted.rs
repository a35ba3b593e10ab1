//! Faults that are planted, each with a test of this suite that must fail then.

use std::process::Command;

use control_plane::operation::tenant_move::planted::Fault;

/// Runs a test of this very program with a fault planted in it.
fn is_caught(fault: Fault, test: &str) {
    let program = std::env::current_exe().expect("this program");
    let ran = Command::new(program)
        .args(["--exact", &format!("moves::{test}"), "--test-threads=1"])
        .env("FAILPOINTS", format!("{}=return", fault.name()))
        .output()
        .expect("it runs");
    let said = String::from_utf8_lossy(&ran.stdout);
    let tail: Vec<_> = said.lines().rev().take(30).collect();
    assert!(said.contains("running 1 test"), "there is no {test}: {said}");
    assert!(!ran.status.success(), "{fault:?} is not seen by {test}");
    println!("{}", tail.into_iter().rev().collect::<Vec<_>>().join("\n"));
}

macro_rules! caught {
    ($($name:ident: $fault:ident by $test:literal,)+) => {
        $(#[test]
        fn $name() {
            is_caught(Fault::$fault, $test);
        })+

        #[test]
        fn every_fault_has_one_who_sees_it() {
            assert_eq!([$(Fault::$fault,)+], Fault::ALL);
        }
    };
}

caught! {
    no_ownership_check_is_seen: NoOwnershipCheck by "an_institution_moves_to_and_fro_while_clients_write",
    capture_off_is_seen: CaptureOff by "an_institution_moves_to_and_fro_while_clients_write",
    a_fence_that_is_skipped_is_seen: FenceSkipped
        by "cutover::transactions_that_do_not_leave_are_cut_off_and_nothing_of_them_stays",
    no_final_round_is_seen: NoFinalRound by "an_institution_moves_to_and_fro_while_clients_write",
    a_term_that_is_ignored_is_seen: TermIgnored by "what_a_former_leader_sends_late_is_refused",
    a_late_round_is_seen: LateRoundAccepted by "what_a_former_leader_sends_late_is_refused",
    an_activation_without_its_checkpoint_is_seen: ActivationUnchecked
        by "cutover::a_target_that_has_not_what_was_committed_is_copied_again",
    a_clean_up_that_is_skipped_is_seen: CleanUpSkipped by "an_institution_moves_to_and_fro_while_clients_write",
}
