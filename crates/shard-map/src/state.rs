//! The states that cross the wire, as the words that everybody uses for them.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

/// A word that names no state.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("`{word}` is no {what}: one of {allowed} is expected")]
pub struct UnknownState {
    /// What was expected, as a noun.
    pub what: &'static str,
    /// What was found.
    pub word: String,
    /// What is allowed, comma-separated.
    pub allowed: &'static str,
}

macro_rules! states {
    ($(#[$doc:meta])* $name:ident, $what:literal, $($(#[$vdoc:meta])* $variant:ident = $word:literal),+ $(,)?) => {
        $(#[$doc])*
        #[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize, ToSchema)]
        pub enum $name {
            $($(#[$vdoc])* #[serde(rename = $word)] $variant),+
        }

        impl $name {
            /// All of them.
            pub const ALL: &[Self] = &[$(Self::$variant),+];

            /// The word that stands in JSON and in the databases.
            pub const fn as_str(self) -> &'static str {
                match self { $(Self::$variant => $word),+ }
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.pad(self.as_str())
            }
        }

        impl FromStr for $name {
            type Err = UnknownState;

            fn from_str(word: &str) -> Result<Self, UnknownState> {
                match word {
                    $($word => Ok(Self::$variant),)+
                    _ => Err(UnknownState {
                        what: $what,
                        word: word.to_owned(),
                        allowed: concat!($($word, " "),+).trim_ascii_end(),
                    }),
                }
            }
        }
    };
}

states! {
    /// Whether a shard takes institutions. Only an active one stands in the ring.
    ShardState, "shard state",
    /// Registered; not yet migrated, or without a ready node.
    Joining = "joining",
    /// In the ring.
    Active = "active",
    /// Out of the ring; what it owns is to move away.
    Draining = "draining",
}

states! {
    /// Whether a node is sent requests.
    NodeState, "node state",
    /// Takes requests.
    Up = "up",
    /// Missed heartbeats; used when nothing better is there.
    Suspect = "suspect",
    /// Gets nothing.
    Down = "down",
    /// Taken out by a person; gets nothing until uncordoned.
    Cordoned = "cordoned",
}

states! {
    /// An institution in the directory.
    InstitutionStatus, "institution status",
    /// Placed; its rows on the shard are being written.
    Creating = "creating",
    /// Served.
    Active = "active",
    /// Kept, answered with 403 `institution-suspended`.
    Suspended = "suspended",
}

states! {
    /// A shard database's own word on an institution: the node's only truth.
    OwnershipState, "ownership state",
    /// Rows of a move are arriving; the source serves.
    Importing = "importing",
    /// Served here.
    Active = "active",
    /// Served here, every read through the guard on the primary.
    Closing = "closing",
    /// Nobody is served until the move is decided.
    Fenced = "fenced",
    /// Owned elsewhere.
    Moved = "moved",
}

states! {
    /// How far a move is.
    MovePhase, "move phase",
    /// Both sides are looked at; rows have not begun to arrive.
    Preflight = "preflight",
    /// Rows are copied, and what changes meanwhile once more.
    Copying = "copying",
    /// Both copies are compared.
    Verifying = "verifying",
    /// The source serves every read through its guard.
    Closing = "closing",
    /// Fence, last round, commit point.
    Cutover = "cutover",
    /// Committed: the target serves, what the source has is deleted.
    Cleaning = "cleaning",
    /// The target has it, the source nothing.
    Done = "done",
    /// Given up: the source serves, what the target has is deleted.
    Aborting = "aborting",
    /// All is as it was before.
    Aborted = "aborted",
}

states! {
    /// What a plan is for.
    PlanKind, "plan kind",
    /// One institution, to a shard that somebody named.
    Move = "move",
    /// Institutions to where the ring puts them.
    Rebalance = "rebalance",
    /// Everything away from a shard.
    Drain = "drain",
}

states! {
    /// How far a plan is.
    PlanState, "plan state",
    /// Shown, not applied.
    Proposed = "proposed",
    /// Its moves are under way.
    Running = "running",
    /// No move of it begins for now.
    Paused = "paused",
    /// All its moves have ended.
    Done = "done",
    /// What had not begun will not.
    Cancelled = "cancelled",
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_wrong_word_names_the_allowed_ones() {
        let error = "gone".parse::<ShardState>().expect_err("no such state");
        assert_eq!(
            error.to_string(),
            "`gone` is no shard state: one of joining active draining is expected"
        );
    }
}
