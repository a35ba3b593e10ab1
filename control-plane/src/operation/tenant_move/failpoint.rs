//! Where a test meets a mover: right before and right after everything that it commits, and at both ends of each phase.
//!
//! What must stay true:
//! - Nothing of a mover is committed but as a [`Step`]: so a new step has its failpoints, and the fault suite, which
//!   goes by [`names`], its cases.
//! - Without the feature `failpoints` there is nothing of it; no build but that of tests has it.
//!
//! `FAILPOINTS="NAME=ACTION;..."` says what happens there. Beside the actions of the crate `fail` (`sleep(ms)`, `pause`,
//! `panic`, `print`, `1*...`): `return` lets the step fail, `return(kill)` kills this process, `return(freeze)` stops it
//! until SIGCONT, and `return(DIRECTORY)` waits for as long as the file DIRECTORY/INSTITUTION has the failpoint's name
//! in it; meanwhile there is INSTITUTION.here beside it.

use shard_map::MovePhase;

#[cfg(feature = "failpoints")]
pub(super) use self::armed::reach;
#[cfg(feature = "failpoints")]
pub use self::armed::setup;
#[cfg(not(feature = "failpoints"))]
pub(super) use self::unarmed::reach;

macro_rules! steps {
    ($($(#[$doc:meta])* $name:ident = $word:literal,)+) => {
        /// Something that a mover commits.
        #[derive(Debug, Clone, Copy, PartialEq, Eq)]
        pub enum Step {
            $($(#[$doc])* $name,)+
        }

        impl Step {
            /// All of them, in the order of a move that goes well, then of one that is given up.
            pub const ALL: &[Self] = &[$(Self::$name,)+];

            /// As it stands in a failpoint's name.
            pub const fn as_str(self) -> &'static str {
                match self { $(Self::$name => $word,)+ }
            }
        }
    };
}

steps! {
    /// The target expects rows.
    Import = "import",
    /// The source captures.
    Capture = "capture",
    /// The journal has both sides.
    NoteSides = "note-sides",
    /// A round of the copy is at the target.
    CopyRound = "copy-round",
    /// What a round has taken in is no longer in the source's log.
    Forget = "forget",
    /// The journal has a round.
    NoteRound = "note-round",
    /// Nodes hold requests back, or do so no more.
    Park = "park",
    /// The round that both copies are compared at.
    VerifiedRound = "verified-round",
    /// Reads pass the guard.
    Close = "close",
    /// A round while the lease runs out.
    ClosingRound = "closing-round",
    /// A round just before the fence.
    FenceRound = "fence-round",
    /// Nobody is served.
    Fence = "fence",
    /// The journal has a fence that was given up.
    NoteFence = "note-fence",
    /// The last round.
    LastRound = "last-round",
    /// The commit point.
    Commit = "commit",
    /// The target serves.
    Activate = "activate",
    /// What the target lacks is copied anew.
    BeginAgain = "begin-again",
    /// A round of that.
    RoundAgain = "round-again",
    /// The journal has what the target has now.
    CommitAgain = "commit-again",
    /// The journal has how long nobody was served.
    NotePause = "note-pause",
    /// The source sends everybody on.
    LetGo = "let-go",
    /// The source's rows are deleted.
    DeleteRows = "delete-rows",
    /// The target speaks of the move no more.
    FinishImport = "finish-import",
    /// The source speaks of the move no more.
    ForgetMove = "forget-move",
    /// The move is given up.
    Abort = "abort",
    /// The source serves again.
    TakeBack = "take-back",
    /// Those who captured have ended.
    Drain = "drain",
    /// What was captured is deleted.
    DeleteLog = "delete-log",
    /// The target sends everybody to the source.
    UndoImport = "undo-import",
    /// The half copy is deleted.
    DeleteCopy = "delete-copy",
    /// The target's row is what it was.
    UndoRow = "undo-row",
    /// The source speaks no more of a move that was given up.
    ForgetAborted = "forget-aborted",
}

/// On which side of it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Edge {
    /// At a shard, all is done but the COMMIT; in the journal, which holds locks that others need, nothing is begun. Of a
    /// phase, it has just begun.
    Before,
    /// It is committed; of a phase, its work is done and the journal does not have it.
    After,
}

impl Edge {
    /// Both.
    pub const ALL: [Self; 2] = [Self::Before, Self::After];

    /// The failpoint of a phase or step.
    pub fn of(self, word: &str) -> String {
        let edge = match self {
            Self::Before => "before",
            Self::After => "after",
        };
        format!("move::{word}::{edge}")
    }
}

/// The names of all failpoints: phases, then steps. Those of faults are in `planted.rs`.
pub fn names() -> Vec<String> {
    let worked = |phase: &&MovePhase| !matches!(phase, MovePhase::Done | MovePhase::Aborted);
    let phases = MovePhase::ALL.iter().filter(worked).map(|phase| phase.as_str());
    let words = phases.chain(Step::ALL.iter().map(|step| step.as_str()));
    words.flat_map(|word| Edge::ALL.map(|edge| edge.of(word))).collect()
}

#[cfg(not(feature = "failpoints"))]
mod unarmed {
    use super::super::side::{Act, Stop};
    use super::Edge;

    /// Nothing.
    #[inline]
    pub(in super::super) fn reach(
        _: &str,
        _: Edge,
        _: &Act,
    ) -> std::future::Ready<Result<(), Stop>> {
        std::future::ready(Ok(()))
    }
}

#[cfg(feature = "failpoints")]
mod armed {
    use std::path::{Path, PathBuf};
    use std::time::Duration;

    use rustix::process::{Signal, getpid, kill_process};

    use super::super::side::{Act, Stop};
    use super::Edge;

    const LOOK_EVERY: Duration = Duration::from_millis(10);

    /// Takes what `FAILPOINTS` says; it holds until the answer is dropped.
    pub fn setup() -> fail::FailScenario<'static> {
        fail::FailScenario::setup()
    }

    /// Does what was said for this failpoint.
    pub(in super::super) async fn reach(word: &str, edge: Edge, act: &Act) -> Result<(), Stop> {
        let name = edge.of(word);
        let asked = name.clone();
        // `sleep` and `pause` hold their thread.
        let evaluated =
            tokio::task::spawn_blocking(move || fail::eval(&asked, |argument| argument));
        let said = evaluated.await.unwrap_or_else(|error| match error.try_into_panic() {
            Ok(panic) => std::panic::resume_unwind(panic),
            Err(_) => None,
        });
        let Some(argument) = said else { return Ok(()) };
        match argument.as_deref() {
            None => Err(Stop::Retry(format!("failpoint {name}"))),
            Some("kill") => signal(Signal::KILL),
            Some("freeze") => signal(Signal::STOP),
            Some(directory) => {
                stand(&Path::new(directory).join(act.institution.to_string()), &name).await;
                Ok(())
            }
        }
    }

    fn signal(signal: Signal) -> Result<(), Stop> {
        kill_process(getpid(), signal).map_err(|error| Stop::Retry(error.to_string()))
    }

    /// Waits while the file says so.
    async fn stand(file: &Path, name: &str) {
        let is_here = || std::fs::read_to_string(file).is_ok_and(|posted| posted == name);
        if !is_here() {
            return;
        }
        tracing::info!(failpoint = name, "A mover stands here");
        let _here = Here::mark(file.with_extension("here"));
        while is_here() {
            tokio::time::sleep(LOOK_EVERY).await;
        }
    }

    /// There while somebody stands.
    struct Here(PathBuf);

    impl Here {
        fn mark(file: PathBuf) -> Self {
            // Who waits for it sees by its absence that it could not be written.
            let _ = std::fs::write(&file, "");
            Self(file)
        }
    }

    impl Drop for Here {
        fn drop(&mut self) {
            let _ = std::fs::remove_file(&self.0);
        }
    }
}

#[cfg(test)]
mod tests {
    use std::path::Path;

    use super::*;

    /// What the mover consists of, but this file.
    fn sources() -> Vec<(String, String)> {
        let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("src/operation/tenant_move");
        let files =
            std::fs::read_dir(folder).expect("the folder").map(|file| file.expect("a file").path());
        let others =
            files.filter(|file| file.file_name().is_some_and(|name| name != "failpoint.rs"));
        let read = |file: std::path::PathBuf| {
            (file.display().to_string(), std::fs::read_to_string(&file).expect("a source"))
        };
        others.map(read).collect()
    }

    #[test]
    fn nothing_is_committed_but_as_a_step() {
        let sources = sources();
        assert!(sources.len() > 5);
        let commits: Vec<_> = sources
            .iter()
            .flat_map(|(file, text)| text.lines().map(move |line| (file, line)))
            .filter(|(_, line)| {
                line.contains("COMMIT\"")
                    || line.contains(".commit().await")
                    || line.contains("tx.publish(")
            })
            .collect();
        let known = ["/side.rs", "/mod.rs", "/mod.rs", "/mod.rs"];
        let found: Vec<_> = commits.iter().map(|(file, _)| file.as_str()).collect();
        assert_eq!(found.len(), known.len(), "{commits:#?}");
        for name in known {
            assert!(found.iter().any(|file| file.ends_with(name)), "{commits:#?}");
        }
    }

    #[test]
    fn every_step_is_taken_somewhere() {
        let all: String = sources().into_iter().map(|(_, text)| text).collect();
        for step in Step::ALL {
            assert!(all.contains(&format!("Step::{step:?}")), "{step:?} is not used");
        }
    }

    #[test]
    fn no_two_failpoints_have_one_name() {
        let mut names = names();
        names.sort_unstable();
        names.dedup();
        assert_eq!(names.len(), 2 * (Step::ALL.len() + MovePhase::ALL.len() - 2));
        assert!(names.contains(&"move::cutover::before".to_owned()));
    }
}
