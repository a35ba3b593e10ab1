//! Faults that a test plants in moves, to show that the suite sees them: a green run counts only then.
//!
//! What must stay true:
//! - Without the feature `failpoints` there is nothing of it, and each fault is only ever taken away from a mover or
//!   from a shard's functions: nothing here does a move's work.
//! - Each has a test that fails when it is planted (`tests/it/moves/planted.rs` runs them).
//!
//! `FAILPOINTS="fault::no-final-round=return"` plants one.

#[cfg(feature = "failpoints")]
pub(super) use self::armed::{in_functions, is_planted};
#[cfg(not(feature = "failpoints"))]
pub(super) use self::unarmed::{in_functions, is_planted};

macro_rules! faults {
    ($($(#[$doc:meta])* $name:ident = $word:literal,)+) => {
        /// Something that keeps moves right, taken away.
        #[derive(Debug, Clone, Copy, PartialEq, Eq)]
        pub enum Fault {
            $($(#[$doc])* $name,)+
        }

        impl Fault {
            /// All of them.
            pub const ALL: &[Self] = &[$(Self::$name,)+];

            /// As `FAILPOINTS` names it.
            pub const fn name(self) -> &'static str {
                match self { $(Self::$name => concat!("fault::", $word),)+ }
            }
        }
    };
}

faults! {
    /// The guard lets everybody in, whoever owns the institution.
    NoOwnershipCheck = "no-ownership-check",
    /// What changes is not copied again.
    CaptureOff = "capture-off",
    /// The fence waits for nobody who is inside.
    FenceSkipped = "fence-skipped",
    /// What changed up to the fence is left behind.
    NoFinalRound = "no-final-round",
    /// A mover's transaction is let in whatever its term.
    TermIgnored = "term-ignored",
    /// A round is written whatever came before it.
    LateRoundAccepted = "late-round-accepted",
    /// The target serves whatever it has.
    ActivationUnchecked = "activation-unchecked",
    /// The source keeps its rows.
    CleanUpSkipped = "clean-up-skipped",
}

#[cfg(not(feature = "failpoints"))]
mod unarmed {
    use super::super::side::Stop;
    use super::Fault;

    /// Never.
    #[inline]
    pub(in super::super) const fn is_planted(_: Fault) -> bool {
        false
    }

    /// Nothing.
    #[inline]
    pub(in super::super) fn in_functions(
        _: &mut sqlx::PgConnection,
    ) -> std::future::Ready<Result<(), Stop>> {
        std::future::ready(Ok(()))
    }
}

#[cfg(feature = "failpoints")]
mod armed {
    use sqlx::{AssertSqlSafe, Executor as _, PgConnection};

    use super::super::side::Stop;
    use super::Fault;

    /// What is taken out of which function of a shard, and what stands there instead.
    const IN_FUNCTIONS: [(Fault, &str, &str, &str); 3] = [
        (
            Fault::NoOwnershipCheck,
            "tenant_enter(uuid)",
            "state IS NULL OR state NOT IN (''active'', ''closing'')",
            "false",
        ),
        (
            Fault::TermIgnored,
            "move_enter(uuid, uuid, bigint, text[])",
            "of_term < greatest(highest, o.term)",
            "false",
        ),
        (
            Fault::LateRoundAccepted,
            "move_round(uuid, bigint, text, uuid, boolean, bigint)",
            "AND round = this_round - 1",
            "",
        ),
    ];

    /// Whether a test has planted it.
    pub(in super::super) fn is_planted(fault: Fault) -> bool {
        fail::eval(fault.name(), |_| ()).is_some()
    }

    /// Plants those that are of a shard's functions; the connection is their owner's.
    pub(in super::super) async fn in_functions(connection: &mut PgConnection) -> Result<(), Stop> {
        for (fault, function, check, instead) in IN_FUNCTIONS {
            if !is_planted(fault) {
                continue;
            }
            connection
                .execute(AssertSqlSafe(format!(
                    "DO $plant$ BEGIN
                         EXECUTE replace(pg_get_functiondef('{function}'::regprocedure), '{check}', '{instead}');
                     END $plant$"
                )))
                .await?;
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A check that is written otherwise one day would be taken away by nothing.
    #[test]
    fn what_is_taken_out_of_functions_stands_in_the_newest_migration_of_each() {
        let folder = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("../migrations/shard");
        let mut files: Vec<_> = std::fs::read_dir(folder)
            .expect("the folder")
            .map(|f| f.expect("a file").path())
            .collect();
        files.sort();
        let all: Vec<String> =
            files.iter().map(|file| std::fs::read_to_string(file).expect("a migration")).collect();
        for (function, check) in [
            ("FUNCTION tenant_enter(", "state IS NULL OR state NOT IN ('active', 'closing')"),
            ("FUNCTION move_enter(", "of_term < greatest(highest, o.term)"),
            ("FUNCTION move_round(", "AND round = this_round - 1"),
        ] {
            let made = |text: &&String| {
                text.contains(&format!("CREATE {function}"))
                    || text.contains(&format!("CREATE OR REPLACE {function}"))
            };
            let newest = all.iter().rev().find(made).expect("a migration makes it");
            assert!(newest.contains(check), "{function}: {check}");
        }
    }

    #[test]
    fn no_two_faults_have_one_name() {
        let mut names: Vec<_> = Fault::ALL.iter().map(|fault| fault.name()).collect();
        names.sort_unstable();
        names.dedup();
        assert_eq!(names.len(), Fault::ALL.len());
    }
}
