//! Where movers are to stand: one file an institution, with the name of a failpoint in it, in a directory that
//! `FAILPOINTS` names to every control plane of the platform (control-plane/src/operation/tenant_move/failpoint.rs).

use std::path::{Path, PathBuf};

use control_plane::operation::tenant_move::failpoint;
use shard_map::InstitutionId;
use tempfile::TempDir;

/// The directory.
pub(super) struct Posts(TempDir);

impl Posts {
    pub(super) fn new() -> Self {
        Self(tempfile::tempdir().expect("a directory"))
    }

    /// `FAILPOINTS`: at each of them whoever is to stand there stands.
    pub(super) fn failpoints(&self) -> String {
        let directory = self.0.path().display();
        let all = failpoint::names().into_iter().map(|name| format!("{name}=return({directory})"));
        all.collect::<Vec<_>>().join(";")
    }

    fn file(&self, institution: InstitutionId) -> PathBuf {
        self.0.path().join(institution.to_string())
    }

    /// The institution's mover stands at this failpoint, wherever it stood.
    pub(super) fn post(&self, institution: InstitutionId, name: &str) {
        let file = self.file(institution);
        // Never half of a name.
        let draft = file.with_extension("draft");
        std::fs::write(&draft, name).expect("written");
        std::fs::rename(&draft, &file).expect("posted");
    }

    /// Whether it stands.
    pub(super) fn stands(&self, institution: InstitutionId) -> bool {
        is_there(&self.file(institution).with_extension("here"))
    }

    /// All go on, those that are frozen as soon as they are thawed.
    pub(super) fn clear(&self) {
        for file in std::fs::read_dir(self.0.path()).expect("the directory").flatten() {
            // A mover that goes on removes its own.
            let _ = std::fs::remove_file(file.path());
        }
    }
}

fn is_there(file: &Path) -> bool {
    file.try_exists().is_ok_and(|there| there)
}
