//! What a run is told.

use std::path::PathBuf;

use anyhow::Context as _;

/// What every part needs.
#[derive(Debug, Clone)]
pub(crate) struct Settings {
    /// Seconds of one measurement.
    pub(crate) seconds: u32,
    /// This program; the others lie beside it.
    pub(crate) own_program: PathBuf,
}

impl Settings {
    /// Settings of this process.
    pub(crate) fn new(seconds: u32) -> anyhow::Result<Self> {
        let own_program = std::env::current_exe().context("the program's own path is not known")?;
        Ok(Self { seconds, own_program })
    }

    /// A program of the same build.
    pub(crate) fn program(&self, name: &str) -> anyhow::Result<String> {
        let path = self.own_program.with_file_name(name);
        anyhow::ensure!(path.is_file(), "{} is missing: `make bench` builds it", path.display());
        Ok(path.display().to_string())
    }

    /// The profile of the build, by the name of its directory.
    pub(crate) fn profile(&self) -> String {
        let directory = self.own_program.parent().and_then(|parent| parent.file_name());
        directory.map_or_else(String::new, |name| name.to_string_lossy().into_owned())
    }
}
