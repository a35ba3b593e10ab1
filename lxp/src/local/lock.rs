//! Whether a supervisor runs on a data directory: it holds a lock on `.lxp/lock` for as long as it lives, however
//! it ends. The file says its process id.

use std::fs::{File, OpenOptions, TryLockError};
use std::io::{Read as _, Seek as _, Write as _};

use anyhow::Context as _;

use super::layout::Layout;

/// The lock, held. The kernel lets go of it when the process ends; children do not inherit it.
#[derive(Debug)]
pub(crate) struct Lock {
    _file: File,
}

/// Who has it.
#[derive(Debug)]
pub(crate) enum Taken {
    Ours(Lock),
    Theirs,
}

impl Lock {
    /// Takes the lock if nobody has it. The data directory must be there.
    pub(crate) fn take(layout: &Layout) -> anyhow::Result<Taken> {
        let path = layout.lock();
        let try_take = || -> std::io::Result<Taken> {
            let mut file = OpenOptions::new()
                .read(true)
                .write(true)
                .create(true)
                .truncate(false)
                .open(&path)?;
            match file.try_lock() {
                Ok(()) => {}
                Err(TryLockError::WouldBlock) => return Ok(Taken::Theirs),
                Err(TryLockError::Error(error)) => return Err(error),
            }
            file.set_len(0)?;
            file.rewind()?;
            writeln!(file, "{}", std::process::id())?;
            Ok(Taken::Ours(Self { _file: file }))
        };
        try_take().with_context(|| format!("cannot lock {}", path.display()))
    }

    /// The supervisor that runs on the data directory, if one does.
    pub(crate) fn supervisor(layout: &Layout) -> Option<u32> {
        let mut file = File::open(layout.lock()).ok()?;
        match file.try_lock_shared() {
            Err(TryLockError::WouldBlock) => read_pid(&mut file),
            _ => None,
        }
    }
}

fn read_pid(file: &mut File) -> Option<u32> {
    let mut text = String::new();
    file.read_to_string(&mut text).ok()?;
    text.trim().parse().ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_one_has_the_lock_and_others_see_who() {
        let directory = tempfile::tempdir().expect("a directory");
        let layout = Layout::at(directory.path()).expect("a layout");
        assert_eq!(Lock::supervisor(&layout), None);
        let held = Lock::take(&layout).expect("a lock");
        assert!(matches!(held, Taken::Ours(_)));
        let own = std::process::id();
        assert!(matches!(Lock::take(&layout).expect("an answer"), Taken::Theirs));
        assert_eq!(Lock::supervisor(&layout), Some(own));
        drop(held);
        assert_eq!(Lock::supervisor(&layout), None);
    }
}
