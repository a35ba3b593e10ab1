//! Which primary this node has confirmed, remembered on disk.
//!
//! What must stay true:
//! - A primary is known when it has the remembered system identifier and timeline, and its ownership version has
//!   not gone back. Every other one (a failover, a restore, an older copy, a first start) is compared with the
//!   directory before anything is served from it.
//! - What the comparison withholds is remembered with it, else a restart would serve it.
//! - The file is replaced whole and synced, *before* the poll that learned something counts.

use std::fs::{self, File};
use std::io::{self, Write as _};
use std::path::{Path, PathBuf};
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use serde::{Deserialize, Serialize};
use shard_map::{Epoch, InstitutionId};

use crate::error::NotOwner;

const FILE: &str = "primary.json";

/// Between the proof that a new connection leads to the confirmed primary, and its being counted as made.
const PROOF: Duration = Duration::from_secs(1);

/// Who a primary is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Identity {
    /// Postgres' system identifier.
    pub system: i64,
    /// The timeline that it writes.
    pub timeline: u32,
    /// The last version given to a row of `ownership`.
    pub sequence: i64,
}

impl Identity {
    /// Whether it is the same primary, no older than it was.
    pub fn continues(&self, before: &Self) -> bool {
        self.system == before.system
            && self.timeline == before.timeline
            && self.sequence >= before.sequence
    }

    /// Whether it looks like a standby of that primary, promoted without a loss of ownership changes.
    pub fn is_promoted_from(&self, before: &Self) -> bool {
        self.system == before.system
            && self.timeline > before.timeline
            && self.sequence >= before.sequence
    }
}

/// An institution that the primary would serve and the directory does not give to it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Withheld {
    /// The institution.
    pub institution: InstitutionId,
    /// Rows of this epoch or a later one are good again.
    pub until: Epoch,
    /// Whom to send its requests to; none where this very shard has it at a later epoch: nobody can serve it.
    pub not_owner: Option<NotOwner>,
}

#[derive(Debug, Clone, Default, Serialize, Deserialize)]
struct Content {
    confirmed: Option<Identity>,
    withheld: Vec<Withheld>,
}

/// The file.
#[derive(Debug)]
pub struct Memory {
    path: PathBuf,
    content: Mutex<Content>,
    /// When another primary was accepted last. Not under the lock of what is written to the disk.
    accepted: Mutex<Option<Instant>>,
}

impl Memory {
    /// Reads it from a directory, which is made where it is missing. A file that cannot be understood counts as none.
    pub fn open(directory: &Path) -> io::Result<Self> {
        fs::create_dir_all(directory)?;
        let path = directory.join(FILE);
        let content = match fs::read(&path) {
            Ok(bytes) => serde_json::from_slice(&bytes).unwrap_or_else(|error| {
                tracing::error!(file = %path.display(), error = %error, "The remembered primary is unreadable");
                Content::default()
            }),
            Err(error) if error.kind() == io::ErrorKind::NotFound => Content::default(),
            Err(error) => return Err(error),
        };
        Ok(Self { path, content: Mutex::new(content), accepted: Mutex::default() })
    }

    /// The primary that was confirmed last.
    pub fn confirmed(&self) -> Option<Identity> {
        self.content().confirmed
    }

    /// What is withheld from it.
    pub fn withheld(&self) -> Vec<Withheld> {
        self.content().withheld.clone()
    }

    /// Whether a primary is the confirmed one.
    pub fn knows(&self, identity: &Identity) -> bool {
        self.content().confirmed.is_some_and(|confirmed| identity.continues(&confirmed))
    }

    /// Whether a connection of this age may lead to the primary before the confirmed one: that one may still answer.
    pub(super) fn outdates(&self, age: Duration) -> bool {
        let accepted = *self.accepted.lock().unwrap_or_else(PoisonError::into_inner);
        accepted.is_some_and(|accepted| age + PROOF >= accepted.elapsed())
    }

    /// Remembers that the same primary has gone on.
    pub(super) fn advance(&self, identity: Identity) {
        let mut content = self.content();
        if content.confirmed != Some(identity) {
            content.confirmed = Some(identity);
            self.write(&content);
        }
    }

    /// Remembers another primary.
    pub(super) fn accept(&self, identity: Identity, withheld: Vec<Withheld>) {
        let mut content = self.content();
        *content = Content { confirmed: Some(identity), withheld };
        *self.accepted.lock().unwrap_or_else(PoisonError::into_inner) = Some(Instant::now());
        self.write(&content);
    }

    /// A disk that is full stops nothing: after a restart the node compares again, or remembers a little less.
    fn write(&self, content: &Content) {
        if let Err(error) = replace(&self.path, content) {
            let file = self.path.display();
            tracing::error!(file = %file, error = %error, "The primary cannot be remembered");
        }
    }

    fn content(&self) -> MutexGuard<'_, Content> {
        self.content.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

fn replace(path: &Path, content: &Content) -> io::Result<()> {
    let new = path.with_extension("new");
    let mut file = File::create(&new)?;
    file.write_all(&serde_json::to_vec(content)?)?;
    file.sync_all()?;
    fs::rename(&new, path)?;
    path.parent().map_or(Ok(()), |directory| File::open(directory)?.sync_all())
}

#[cfg(test)]
mod tests {
    use super::*;

    const KNOWN: Identity = Identity { system: 7, timeline: 2, sequence: 40 };

    #[test]
    fn another_system_another_timeline_or_an_older_sequence_is_another_primary() {
        assert!(KNOWN.continues(&KNOWN));
        assert!(Identity { sequence: 41, ..KNOWN }.continues(&KNOWN));
        for other in [
            Identity { system: 8, ..KNOWN },
            Identity { timeline: 3, ..KNOWN },
            Identity { timeline: 1, ..KNOWN },
            Identity { sequence: 39, ..KNOWN },
        ] {
            assert!(!other.continues(&KNOWN), "{other:?}");
        }
    }

    #[test]
    fn a_promoted_standby_has_a_later_timeline_and_lacks_nothing() {
        assert!(Identity { timeline: 3, ..KNOWN }.is_promoted_from(&KNOWN));
        for other in [
            KNOWN,
            Identity { timeline: 1, ..KNOWN },
            Identity { timeline: 3, sequence: 39, ..KNOWN },
            Identity { timeline: 3, system: 8, ..KNOWN },
        ] {
            assert!(!other.is_promoted_from(&KNOWN), "{other:?}");
        }
    }

    #[test]
    fn what_was_confirmed_and_withheld_is_there_after_a_restart() {
        let directory = tempfile::tempdir().expect("a directory");
        let state = directory.path().join("state");
        let memory = Memory::open(&state).expect("opened");
        assert!(!memory.knows(&KNOWN), "a first start knows nobody");
        let institution = InstitutionId::new(uuid::Uuid::nil());
        let withheld = vec![Withheld { institution, until: Epoch(3), not_owner: None }];
        memory.accept(KNOWN, withheld.clone());
        memory.advance(Identity { sequence: 41, ..KNOWN });
        let again = Memory::open(&state).expect("opened");
        assert!(!again.knows(&KNOWN) && again.knows(&Identity { sequence: 41, ..KNOWN }));
        assert_eq!(again.withheld(), withheld);
    }

    #[test]
    fn a_torn_file_counts_as_none() {
        let directory = tempfile::tempdir().expect("a directory");
        fs::write(directory.path().join(FILE), b"{\"confirmed\":{\"sys").expect("written");
        assert_eq!(Memory::open(directory.path()).expect("opened").confirmed(), None);
    }
}
