//! The last good map on disk, so that a restarted router serves while the control plane is away.
//!
//! What must stay true: the file is always one whole map or absent (written beside it, synced, renamed), and
//! one that is damaged is reported and ignored. Its checksum is the map's own.

use std::fs::{self, File};
use std::io::{self, Write as _};
use std::path::PathBuf;

use shard_map::{MapError, MapSnapshot, ShardMap};

/// Where the map is kept.
#[derive(Debug, Clone)]
pub(crate) struct MapFile(PathBuf);

/// Why the file gives no map.
#[derive(Debug, thiserror::Error)]
pub(crate) enum MapFileError {
    /// It cannot be read.
    #[error("it cannot be read: {0}")]
    Read(#[from] io::Error),
    /// It is no map in JSON.
    #[error("it is no map in JSON: {0}")]
    Json(#[from] serde_json::Error),
    /// Its content is not what its checksum says, or not understood by this build.
    #[error(transparent)]
    Map(#[from] MapError),
}

impl MapFile {
    /// A map file at a path; it need not exist.
    pub(crate) fn new(path: PathBuf) -> Self {
        Self(path)
    }

    /// Reads the map; none where there is no file.
    pub(crate) fn read(&self) -> Result<Option<ShardMap>, MapFileError> {
        let json = match fs::read(&self.0) {
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
            read => read?,
        };
        let snapshot: MapSnapshot = serde_json::from_slice(&json)?;
        Ok(Some(ShardMap::from_snapshot(snapshot)?))
    }

    /// Reads the map at start: what is wrong with the file is reported, and the router goes on without it.
    pub(crate) fn read_or_report(&self) -> Option<ShardMap> {
        self.read().unwrap_or_else(|error| {
            tracing::error!(
                error = %error,
                map.file = %self.0.display(),
                "The map on disk is ignored; waiting for the control plane's"
            );
            None
        })
    }

    /// Replaces the file by this map.
    pub(crate) fn write(&self, map: &ShardMap) -> io::Result<()> {
        let directory = self.0.parent().filter(|path| !path.as_os_str().is_empty());
        if let Some(directory) = directory {
            fs::create_dir_all(directory)?;
        }
        let mut beside = self.0.clone().into_os_string();
        beside.push(".new");
        let mut file = File::create(&beside)?;
        file.write_all(&serde_json::to_vec(&map.to_snapshot())?)?;
        file.sync_all()?;
        fs::rename(&beside, &self.0)?;
        // The rename itself is on disk only when its directory is.
        directory.map_or(Ok(()), |directory| File::open(directory)?.sync_all())
    }

    /// The path, for messages.
    pub(crate) fn path(&self) -> std::path::Display<'_> {
        self.0.display()
    }
}

#[cfg(test)]
mod tests {
    use shard_map::{MapShard, MapVersion, ShardState};

    use super::*;

    fn map() -> ShardMap {
        let shard = MapShard {
            id: "shard-a".parse().expect("an id"),
            state: ShardState::Active,
            weight: 1,
        };
        ShardMap::new(MapVersion(3), MapVersion(2), [shard], [], []).expect("a map")
    }

    #[test]
    fn a_map_survives_its_file() {
        let directory = tempfile::tempdir().expect("a directory");
        let file = MapFile::new(directory.path().join("deep/map.json"));
        assert!(file.read().expect("no file is no error").is_none());
        file.write(&map()).expect("written");
        file.write(&map()).expect("replaced");
        assert_eq!(file.read().expect("read").expect("a map").checksum(), map().checksum());
        assert_eq!(fs::read_dir(directory.path().join("deep")).expect("a directory").count(), 1);
    }

    #[test]
    fn a_damaged_file_is_an_error_and_not_a_map() {
        let directory = tempfile::tempdir().expect("a directory");
        let path = directory.path().join("map.json");
        let file = MapFile::new(path.clone());
        file.write(&map()).expect("written");
        let sound = fs::read_to_string(&path).expect("text");
        for damaged in [
            sound.replace("shard-a", "shard-b"),
            sound.replace("\"version\":3", "\"version\":4"),
            sound[..sound.len() / 2].to_owned(),
            String::new(),
            "[]".to_owned(),
        ] {
            fs::write(&path, &damaged).expect("written");
            assert!(file.read().is_err(), "{damaged}");
            assert!(file.read_or_report().is_none());
        }
    }
}
