//! The cases of R10: each failpoint of a mover, as the mover itself lists them, so that a new step has its cases.

use control_plane::operation::tenant_move::failpoint::{Edge, Step, names};
use shard_map::MovePhase;

/// A move that goes well has no such steps: two are for an institution that leaves no gap, three for a target that lost
/// what was committed (`control-plane/tests/it/moves` has both).
const ELSEWHERE: [Step; 5] =
    [Step::Park, Step::NoteFence, Step::BeginAgain, Step::RoundAgain, Step::CommitAgain];

/// Steps of a move that is given up.
const GIVEN_UP: [Step; 8] = [
    Step::Abort,
    Step::TakeBack,
    Step::Drain,
    Step::DeleteLog,
    Step::UndoImport,
    Step::DeleteCopy,
    Step::UndoRow,
    Step::ForgetAborted,
];

/// While nobody is served a mover may not stand for long.
const HASTY: [Step; 7] = [
    Step::FenceRound,
    Step::Fence,
    Step::LastRound,
    Step::Commit,
    Step::Activate,
    Step::NotePause,
    Step::LetGo,
];

/// Right before their COMMIT they hold the lock of all news of their shard, and no other move could go on there.
const ALONE: [Step; 8] = [
    Step::Import,
    Step::Close,
    Step::Fence,
    Step::Activate,
    Step::LetGo,
    Step::TakeBack,
    Step::UndoImport,
    Step::UndoRow,
];

/// How a mover comes to a failpoint.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Way {
    /// Its move goes well.
    Forward,
    /// Its move is given up.
    GivenUp,
}

/// A failpoint and the way there.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Case {
    pub(super) name: String,
    pub(super) way: Way,
    /// Where its mover stands until all others are in their places.
    pub(super) waits_at: String,
    /// Whether no other mover can stand somewhere meanwhile.
    pub(super) alone: bool,
}

/// All of them.
pub(super) fn all() -> Vec<Case> {
    let is_of = |name: &str, words: &[&str]| {
        words.iter().any(|word| Edge::ALL.iter().any(|edge| edge.of(word) == name))
    };
    let words = |steps: &[Step]| steps.iter().map(|step| step.as_str()).collect::<Vec<_>>();
    let (elsewhere, hasty) = (words(&ELSEWHERE), words(&HASTY));
    let given_up = [words(&GIVEN_UP), vec![MovePhase::Aborting.as_str()]].concat();
    let cutover = Edge::Before.of(MovePhase::Cutover.as_str());
    // A move is given up early, and just before its cutover.
    let mut phases = [MovePhase::Copying, MovePhase::Closing].into_iter().cycle();
    let mut case = |name: String| {
        let (way, waits_at) = if is_of(&name, &given_up) {
            let phase = phases.next().unwrap_or(MovePhase::Copying);
            (Way::GivenUp, Edge::Before.of(phase.as_str()))
        } else if is_of(&name, &[Step::Capture.as_str()]) {
            (Way::Forward, Edge::Before.of(MovePhase::Preflight.as_str()))
        } else if is_of(&name, &hasty) || name == Edge::After.of(MovePhase::Cutover.as_str()) {
            (Way::Forward, cutover.clone())
        } else {
            (Way::Forward, name.clone())
        };
        let alone = ALONE.iter().any(|step| Edge::Before.of(step.as_str()) == name);
        Case { name, way, waits_at, alone }
    };
    names().into_iter().filter(|name| !is_of(name, &elsewhere)).map(&mut case).collect()
}
