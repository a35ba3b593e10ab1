//! Where everything lies in the data directory (`.lxp`), and which of it is ours to delete.
//!
//! As root, Postgres runs as the user `postgres`. Where that user may not pass through the parents of the data
//! directory (a checkout under /root), its data lies in /var/lib/lxp and `.lxp/postgres` is a link to it.

use std::fmt::Write as _;
use std::fs;
use std::io;
use std::os::unix::fs::{DirBuilderExt as _, OpenOptionsExt as _, PermissionsExt as _};
use std::path::{Path, PathBuf};

use anyhow::Context as _;
use sha2::{Digest as _, Sha256};

use crate::failure::Failure;

/// The data directory's name.
pub(crate) const DATA_DIR: &str = ".lxp";

/// Home of Postgres data that cannot lie in the data directory.
const OUTSIDE: &str = "/var/lib/lxp";

/// All that `up` makes in the data directory; `down --purge` deletes these and nothing else.
const ENTRIES: [&str; 12] = [
    "added",
    "config",
    "held",
    "keys",
    "lock",
    "logs",
    "nodes",
    "postgres",
    "redis",
    "router",
    "secrets",
    "state.json",
];

/// The paths of one data directory.
#[derive(Debug, Clone)]
pub(crate) struct Layout {
    root: PathBuf,
}

impl Layout {
    /// The layout of a data directory, which need not exist.
    pub(crate) fn at(root: &Path) -> anyhow::Result<Self> {
        let root = std::path::absolute(root)
            .with_context(|| format!("no absolute path for {}", root.display()))?;
        if root.exists() && !root.is_dir() {
            let what = format!("{} is no directory", root.display());
            return Err(Failure::usage(what).next("name a directory with --data-dir").into());
        }
        Ok(Self { root })
    }

    /// The named data directory, else the one found in the current directory or above it.
    pub(crate) fn find(named: Option<&Path>) -> anyhow::Result<Self> {
        if let Some(named) = named {
            return Self::at(named);
        }
        let here = std::env::current_dir().context("no current directory")?;
        let found = here.ancestors().map(|dir| dir.join(DATA_DIR)).find(|dir| is_ours(dir));
        Self::at(&found.unwrap_or_else(|| here.join(DATA_DIR)))
    }

    pub(crate) fn root(&self) -> &Path {
        &self.root
    }

    pub(crate) fn lock(&self) -> PathBuf {
        self.root.join("lock")
    }

    pub(crate) fn state(&self) -> PathBuf {
        self.root.join("state.json")
    }

    pub(crate) fn log(&self, name: &str) -> PathBuf {
        self.root.join("logs").join(format!("{name}.log"))
    }

    pub(crate) fn config(&self, name: &str) -> PathBuf {
        self.root.join("config").join(format!("{name}.toml"))
    }

    pub(crate) fn secret(&self, name: &str) -> PathBuf {
        self.root.join("secrets").join(name)
    }

    pub(crate) fn key(&self, name: &str) -> PathBuf {
        self.root.join("keys").join(name)
    }

    /// Where the names of the parts lie that are held down.
    pub(crate) fn held_dir(&self) -> PathBuf {
        self.root.join("held")
    }

    pub(crate) fn held(&self, name: &str) -> PathBuf {
        self.held_dir().join(name)
    }

    /// Where the names of the shards lie that were added while the platform ran.
    pub(crate) fn added_dir(&self) -> PathBuf {
        self.root.join("added")
    }

    pub(crate) fn added(&self, shard: &str) -> PathBuf {
        self.added_dir().join(shard)
    }

    /// There once the control plane has had this shard: if it has it no more, somebody removed it.
    pub(crate) fn registered(&self, shard: &str) -> PathBuf {
        self.added_dir().join(format!("{shard}.registered"))
    }

    /// There where a shard was removed: it is not started any more.
    pub(crate) fn removed(&self, shard: &str) -> PathBuf {
        self.added_dir().join(format!("{shard}.removed"))
    }

    /// Why a shard could not be added.
    pub(crate) fn not_added(&self, shard: &str) -> PathBuf {
        self.added_dir().join(format!("{shard}.failed"))
    }

    pub(crate) fn redis(&self) -> PathBuf {
        self.root.join("redis")
    }

    pub(crate) fn postgres(&self) -> PathBuf {
        self.root.join("postgres")
    }

    pub(crate) fn router_dir(&self) -> PathBuf {
        self.root.join("router")
    }

    pub(crate) fn router_map(&self) -> PathBuf {
        self.router_dir().join("map.json")
    }

    /// Where a router gives its listeners to its successor.
    pub(crate) fn router_socket(&self) -> PathBuf {
        self.router_dir().join("sock")
    }

    pub(crate) fn node_state(&self, name: &str) -> PathBuf {
        self.root.join("nodes").join(name)
    }

    /// Makes the directories that are missing. Refuses a directory that holds something else.
    pub(crate) fn make(&self) -> anyhow::Result<()> {
        let foreign = fs::read_dir(&self.root).is_ok_and(|mut entries| entries.next().is_some());
        if foreign && !is_ours(&self.root) {
            let what =
                format!("{} is not empty and is no data directory of lxp", self.root.display());
            return Err(Failure::refused(what).next("name another one with --data-dir").into());
        }
        // 0711: the user `postgres` passes through to its own, and lists nothing.
        make_dir(&self.root, 0o711)?;
        fs::set_permissions(&self.root, fs::Permissions::from_mode(0o711))
            .with_context(|| format!("cannot set the mode of {}", self.root.display()))?;
        for (name, mode) in [
            ("logs", 0o755),
            ("config", 0o700),
            ("secrets", 0o700),
            ("keys", 0o700),
            ("router", 0o700),
            ("nodes", 0o700),
        ] {
            make_dir(&self.root.join(name), mode)?;
        }
        // The lock's file says from the start whose it is: `up -d` writes its log here before anybody holds it.
        fs::OpenOptions::new()
            .create(true)
            .append(true)
            .open(self.root.join("lock"))
            .with_context(|| format!("cannot write in {}", self.root.display()))?;
        Ok(())
    }

    /// Makes the home of Postgres data and answers its real path. `passable` says whether Postgres' user gets
    /// to a directory.
    pub(crate) fn make_postgres(
        &self,
        passable: impl Fn(&Path) -> bool,
    ) -> anyhow::Result<PathBuf> {
        let link = self.postgres();
        if !link.exists() && passable(&self.root) {
            make_dir(&link, 0o711)?;
        } else if !link.exists() {
            let outside = self.outside();
            make_dir(&outside, 0o711)?;
            // A link that leads nowhere is what an interrupted purge leaves.
            remove(&link)?;
            std::os::unix::fs::symlink(&outside, &link)
                .with_context(|| format!("cannot make {}", link.display()))?;
        }
        fs::canonicalize(&link).with_context(|| format!("cannot follow {}", link.display()))
    }

    /// Deletes all that `up` made, the directory too when nothing else is in it.
    pub(crate) fn purge(&self) -> anyhow::Result<()> {
        let postgres = self.postgres();
        if let Ok(target) = fs::read_link(&postgres)
            && target == self.outside()
        {
            remove(&target)?;
            // Others may have data there: then it stays.
            let _ = fs::remove_dir(OUTSIDE);
        }
        for entry in ENTRIES {
            remove(&self.root.join(entry))?;
        }
        match fs::remove_dir(&self.root) {
            Err(error) if error.kind() == io::ErrorKind::DirectoryNotEmpty => Ok(()),
            Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(()),
            other => other.with_context(|| format!("cannot remove {}", self.root.display())),
        }
    }

    fn outside(&self) -> PathBuf {
        let digest = Sha256::digest(self.root.as_os_str().as_encoded_bytes());
        Path::new(OUTSIDE).join(hex(&digest[..8]))
    }
}

/// Writes a file that only its owner reads, whole or not at all.
pub(crate) fn write_private(path: &Path, content: &[u8]) -> anyhow::Result<()> {
    use io::Write as _;
    let new = path.with_extension("new");
    let write = || -> io::Result<()> {
        let mut file = fs::OpenOptions::new()
            .write(true)
            .create(true)
            .truncate(true)
            .mode(0o600)
            .open(&new)?;
        file.write_all(content)?;
        fs::rename(&new, path)
    };
    write().with_context(|| format!("cannot write {}", path.display()))
}

/// Makes a directory, with its parents, if it is missing.
pub(crate) fn make_dir(path: &Path, mode: u32) -> anyhow::Result<()> {
    fs::DirBuilder::new()
        .recursive(true)
        .mode(mode)
        .create(path)
        .with_context(|| format!("cannot make {}", path.display()))
}

/// Removes a file, a link or a whole directory; missing is fine.
pub(crate) fn remove(path: &Path) -> anyhow::Result<()> {
    let removed = match fs::symlink_metadata(path) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(()),
        Err(error) => Err(error),
        Ok(metadata) if metadata.is_dir() => fs::remove_dir_all(path),
        Ok(_) => fs::remove_file(path),
    };
    removed.with_context(|| format!("cannot remove {}", path.display()))
}

/// Bytes as hex digits.
pub(crate) fn hex(bytes: &[u8]) -> String {
    bytes.iter().fold(String::new(), |mut text, byte| {
        // Writing to a String cannot fail.
        let _ = write!(text, "{byte:02x}");
        text
    })
}

fn is_ours(root: &Path) -> bool {
    root.join("lock").is_file()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_directory_with_something_else_in_it_is_refused() {
        let directory = tempfile::tempdir().expect("a directory");
        fs::write(directory.path().join("thesis.tex"), "x").expect("a file");
        let layout = Layout::at(directory.path()).expect("a layout");
        let error = layout.make().expect_err("not ours");
        assert!(error.to_string().contains("is no data directory of lxp"), "{error}");
    }

    #[test]
    fn purge_leaves_what_is_not_ours() {
        let directory = tempfile::tempdir().expect("a directory");
        let root = directory.path().join("data");
        let layout = Layout::at(&root).expect("a layout");
        layout.make().expect("directories");
        layout.make_postgres(|_| true).expect("a directory");
        fs::write(root.join("mine.txt"), "x").expect("a file");
        layout.purge().expect("purged");
        let left: Vec<_> = fs::read_dir(&root).expect("it is there").flatten().collect();
        assert_eq!(left.len(), 1);
        fs::remove_file(root.join("mine.txt")).expect("removed");
        layout.purge().expect("purged");
        assert!(!root.exists());
    }
}
