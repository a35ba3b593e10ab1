//! `lxp local add-shard`: one more shard for the platform that runs here.
//!
//! What is wanted lies as a file by the shard's name in `.lxp/added`; the supervisor looks there and starts what it
//! lacks, now and at each `up`. A shard that cannot be started is wanted no more: why stands beside it until somebody
//! asks again. Its data stays, for the next try.

use std::collections::{BTreeMap, BTreeSet};
use std::convert::Infallible;
use std::fs;
use std::io;
use std::path::PathBuf;
use std::time::Duration;

use anyhow::Context as _;
use clap::Args;
use serde::{Deserialize, Serialize};
use tokio::time::{Instant, sleep};

use super::child;
use super::hold;
use super::layout::{Layout, make_dir, remove, write_private};
use super::lock::Lock;
use super::platform::Platform;
use super::state::{Size, State};
use super::up::{MAX_NODES, MAX_SHARDS};
use crate::failure::{Exit, Failure};
use crate::output::progress::Progress;
use crate::output::say;

/// Its databases, its first migration and its nodes; each step of it has a deadline of its own.
const ADDED_WITHIN: Duration = Duration::from_mins(5);
const LOOK_EVERY: Duration = Duration::from_millis(100);

/// `lxp local add-shard`.
#[derive(Debug, Args)]
pub(crate) struct AddShard {
    /// Its share of the ring relative to others.
    #[arg(long, value_name = "N", default_value_t = 1, value_parser = clap::value_parser!(u32).range(1..=100))]
    weight: u32,
    /// Nodes that serve it [default: as many as the others have]
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u8).range(1..=MAX_NODES))]
    nodes: Option<u8>,
    /// The data directory [default: .lxp here or above]
    #[arg(long, value_name = "DIR")]
    data_dir: Option<PathBuf>,
}

/// What is wanted of a shard.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Added {
    /// Its share of the ring, when it is new.
    pub(crate) weight: u32,
    /// Its nodes; as many as the others have where it is left out.
    pub(crate) nodes: Option<u8>,
}

/// Runs the command.
pub(crate) async fn run(add: &AddShard) -> anyhow::Result<()> {
    let layout = Layout::find(add.data_dir.as_deref())?;
    hold::check(&layout, &[])?;
    let size = State::read(&layout).size.context("the running platform has no size")?;
    let id = ask(&layout, size, Added { weight: add.weight, nodes: add.nodes })?;
    wait(&layout, &id).await?;
    say(&format!(
        "{id} takes institutions: `lxp move start INSTITUTION --to {id}` moves one there"
    ));
    Ok(())
}

/// The shards that were added, by name.
pub(crate) fn read(layout: &Layout) -> anyhow::Result<BTreeMap<String, Added>> {
    let files = fs::read_dir(layout.added_dir()).into_iter().flatten().flatten();
    let names = files.filter_map(|file| file.file_name().into_string().ok());
    names
        .filter(|name| !name.contains('.'))
        .map(|name| {
            let path = layout.added(&name);
            let read = || anyhow::Ok(serde_json::from_slice(&fs::read(&path)?)?);
            let wish = read().with_context(|| format!("{} is not understood", path.display()))?;
            Ok((name, wish))
        })
        .collect()
}

/// All shards of a platform of this size, with those that were added and without those that were removed.
pub(crate) fn all(
    layout: &Layout,
    size: Size,
    added: &BTreeMap<String, Added>,
) -> BTreeMap<String, Added> {
    let usual = Added { weight: 1, nodes: None };
    let mut all: BTreeMap<_, _> = (0..size.shards).map(|n| (name(n), usual)).collect();
    all.extend(added.clone());
    all.retain(|id, _| !layout.removed(id).exists());
    all
}

/// The control plane has this shard.
pub(crate) fn note_registered(layout: &Layout, id: &str) -> anyhow::Result<()> {
    make_dir(&layout.added_dir(), 0o700)?;
    write_private(&layout.registered(id), b"")
}

/// The control plane had this shard and has it no more: nobody starts it again. Its data stays.
pub(crate) fn note_removed(layout: &Layout, id: &str) -> anyhow::Result<()> {
    write_private(&layout.removed(id), b"")?;
    remove(&layout.added(id))
}

/// Starts what was added since the platform began, for as long as it is polled.
pub(crate) async fn obey(layout: &Layout, platform: &Platform) -> Infallible {
    let mut done = BTreeSet::new();
    loop {
        // What cannot be read is told at the next `up`.
        for (id, wish) in read(layout).unwrap_or_default() {
            if platform.has_shard(&id) || done.contains(&id) {
                continue;
            }
            let added = platform.add_shard(&id, wish).await;
            let is_there = match added {
                Ok(()) => true,
                Err(error) => not_added(layout, platform, &id, &error).await,
            };
            if is_there {
                child::say(&format!("{id} was added"));
                done.insert(id);
            }
        }
        sleep(LOOK_EVERY).await;
    }
}

/// Says why it failed, and wants it no more. Answers true where it stays: institutions may live there by now.
async fn not_added(layout: &Layout, platform: &Platform, id: &str, error: &anyhow::Error) -> bool {
    let failure = Failure::of(error);
    child::say(&format!("{id} did not start: {failure}"));
    let stays = platform.is_active(id).await;
    let tell = || -> anyhow::Result<()> {
        if !stays {
            remove(&layout.added(id))?;
        }
        write_private(&layout.not_added(id), &serde_json::to_vec(&failure)?)
    };
    if let Err(error) = tell() {
        child::say(&format!("that is not written: {error:#}"));
    }
    stays
}

/// Writes the wish for the next shard that there is not. Answers its name.
fn ask(layout: &Layout, size: Size, wish: Added) -> anyhow::Result<String> {
    make_dir(&layout.added_dir(), 0o700)?;
    let wish = serde_json::to_vec(&wish)?;
    let mine = layout.added_dir().join(format!("{}.new", std::process::id()));
    write_private(&mine, &wish)?;
    for number in size.shards..u8::try_from(MAX_SHARDS)? {
        let id = name(number);
        if layout.removed(&id).exists() {
            continue;
        }
        if !layout.added(&id).exists() {
            remove(&layout.not_added(&id))?;
        }
        // Whole or not at all, and refused where another one has asked for it already.
        match fs::hard_link(&mine, layout.added(&id)) {
            Ok(()) => {
                remove(&mine)?;
                return Ok(id);
            }
            Err(error) if error.kind() == io::ErrorKind::AlreadyExists => {}
            Err(error) => return Err(error).context("the shard cannot be asked for"),
        }
    }
    remove(&mine)?;
    Err(Failure::refused(format!("there are {MAX_SHARDS} shards, and no more names")).into())
}

async fn wait(layout: &Layout, id: &str) -> anyhow::Result<()> {
    let mut progress = Progress::new();
    let begun = Instant::now();
    loop {
        let mut state = State::read(layout);
        state.notes.clear();
        state.steps.retain(|step| step.name == id);
        progress.show(&state);
        if state.steps.iter().any(|step| step.took_ms.is_some()) {
            progress.finish();
            return Ok(());
        }
        if let Ok(failure) = fs::read(layout.not_added(id)) {
            progress.finish();
            return Err(serde_json::from_slice::<Failure>(&failure)?
                .next("mend what the log says, then `lxp local add-shard`")
                .into());
        }
        if Lock::supervisor(layout).is_none() {
            let what = format!("the platform ended before {id} was added; `lxp local up` adds it");
            return Err(Failure::unhealthy(what).log(&layout.log("supervisor")).into());
        }
        if begun.elapsed() > ADDED_WITHIN {
            let what = format!("{id} is not up after {} s; it goes on", ADDED_WITHIN.as_secs());
            return Err(Failure::new(Exit::TimedOut, what).next("lxp local status -w").into());
        }
        sleep(LOOK_EVERY).await;
    }
}

fn name(number: u8) -> String {
    format!("shard-{}", char::from(b'a' + number))
}
