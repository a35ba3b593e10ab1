//! What a run is told.

use std::path::PathBuf;

use anyhow::Context as _;
use clap::Args;

/// How much of it part f moves: the figures of the design by default, a smoke of it by smaller ones.
#[derive(Debug, Clone, Copy, Args)]
pub(crate) struct MoveSizes {
    /// Part f: moves of small institutions.
    #[arg(long, default_value_t = 200)]
    pub(crate) small_moves: u32,
    /// Part f: moves of a large one, to and fro.
    #[arg(long, default_value_t = 10)]
    pub(crate) large_moves: u32,
    /// Part f: its rows.
    #[arg(long, default_value_t = 1_000_000)]
    pub(crate) large_rows: u32,
    /// Part f: writes a second while it moves.
    #[arg(long, default_value_t = 200)]
    pub(crate) writes_per_second: u32,
    /// Part f: rows that are written with capture's triggers and without.
    #[arg(long, default_value_t = 100_000)]
    pub(crate) capture_rows: u32,
}

/// How large part h is: the design's figures by default.
#[derive(Debug, Clone, Copy, Args)]
pub(crate) struct ScaleSizes {
    /// Part h: institutions.
    #[arg(long, default_value_t = 1_000_000)]
    pub(crate) institutions: u32,
    /// Part h: shards.
    #[arg(long, default_value_t = 1_000, value_parser = clap::value_parser!(u32).range(12..))]
    pub(crate) shards: u32,
}

/// What every part needs.
#[derive(Debug, Clone)]
pub(crate) struct Settings {
    /// Seconds of one measurement.
    pub(crate) seconds: u32,
    /// How much part f moves.
    pub(crate) moves: MoveSizes,
    /// How large part h is.
    pub(crate) scale: ScaleSizes,
    /// This program; the others lie beside it.
    pub(crate) own_program: PathBuf,
}

impl Settings {
    /// Settings of this process.
    pub(crate) fn new(seconds: u32, moves: MoveSizes, scale: ScaleSizes) -> anyhow::Result<Self> {
        let own_program = std::env::current_exe().context("the program's own path is not known")?;
        Ok(Self { seconds, moves, scale, own_program })
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
