//! deploy/ is what it says: the reference is that of the programs, units and settings start a platform that serves,
//! and every command line and setting of the compose file is taken by the programs.

mod compose;
mod reference;
mod site;
mod start;
mod unit;

use std::path::PathBuf;

/// A file of the repository.
fn repository(path: &str) -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("..").join(path)
}

fn read(path: &str) -> String {
    std::fs::read_to_string(repository(path)).unwrap_or_else(|error| panic!("{path}: {error}"))
}
