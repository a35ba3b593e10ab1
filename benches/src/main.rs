//! `lxp-bench`: the price of a request, each figure beside its yardstick in the same run. `make bench` runs it.
//!
//! What must stay true:
//! - It counts CPU time, which another's load on the machine changes little, and compares in turns; requests a
//!   second and latencies are printed beside it.
//! - A missed bar fails the run; a goal is only printed.
//! - Nothing that it starts outlives it.

mod api;
mod cpu;
mod document;
mod edge;
mod grading;
mod jobs;
mod load;
mod lookup;
mod moves;
mod noise;
mod planner;
mod platform;
mod postgres;
mod report;
mod road;
mod running;
mod scale;
mod settings;
mod statements;
mod sweep;
mod table;

use std::path::{Path, PathBuf};
use std::process::ExitCode;

use anyhow::Context as _;
use clap::{Parser, Subcommand};
use tokio::signal::unix::{SignalKind, signal};

use crate::report::{Bar, Section};
use crate::settings::{MoveSizes, ScaleSizes, Settings};

/// As in the router: the bare proxy in this program is its yardstick.
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

/// Measures what a request costs, beside what it could cost.
#[derive(Debug, Parser)]
struct Arguments {
    #[command(subcommand)]
    probe: Option<Probe>,
    /// What to measure, of a to k [default: all]
    parts: Vec<String>,
    /// Seconds of one measurement.
    #[arg(long, default_value_t = 4)]
    seconds: u32,
    #[command(flatten)]
    moves: MoveSizes,
    #[command(flatten)]
    scale: ScaleSizes,
    /// The page whose generated sections are replaced.
    #[arg(long, value_name = "FILE")]
    write: Option<PathBuf>,
}

/// What runs as a process of its own.
#[derive(Debug, Subcommand)]
enum Probe {
    #[command(hide = true)]
    BareProxy(edge::BareProxy),
    #[command(hide = true)]
    MapProbe,
}

/// (c) and (d) share a platform: either brings both.
const PARTS: [&str; 11] = ["a", "b", "c", "d", "e", "f", "g", "h", "i", "j", "k"];

fn main() -> ExitCode {
    let arguments = Arguments::parse();
    let ran = match &arguments.probe {
        Some(Probe::BareProxy(settings)) => edge::serve_bare(settings).map(|()| true),
        Some(Probe::MapProbe) => lookup::probe().map(|()| true),
        None => measure(&arguments),
    };
    match ran {
        Ok(true) => ExitCode::SUCCESS,
        Ok(false) => ExitCode::FAILURE,
        Err(error) => {
            eprintln!("lxp-bench: {error:#}");
            ExitCode::from(2)
        }
    }
}

/// Answers whether every bar is kept.
///
/// On one thread: the kernel ends what was started when the thread that started it ends.
#[tokio::main(flavor = "current_thread")]
async fn measure(arguments: &Arguments) -> anyhow::Result<bool> {
    service_kit::tls::install_provider();
    let settings = Settings::new(arguments.seconds.max(1), arguments.moves, arguments.scale)?;
    for part in &arguments.parts {
        anyhow::ensure!(PARTS.contains(&part.as_str()), "there is no part {part}: {PARTS:?}");
    }
    let (mut interrupt, mut terminate) =
        (signal(SignalKind::interrupt())?, signal(SignalKind::terminate())?);
    tokio::select! {
        kept = all(arguments, &settings) => kept,
        _ = interrupt.recv() => anyhow::bail!("interrupted"),
        _ = terminate.recv() => anyhow::bail!("terminated"),
    }
}

async fn all(arguments: &Arguments, settings: &Settings) -> anyhow::Result<bool> {
    let asked =
        |part: &str| arguments.parts.is_empty() || arguments.parts.iter().any(|p| p == part);
    let mut bars: Vec<Bar> = Vec::new();
    let together: [&[&str]; 10] =
        [&["a"], &["b"], &["c", "d"], &["e"], &["f"], &["g"], &["h"], &["i"], &["j"], &["k"]];
    for parts in together {
        if !parts.iter().any(|part| asked(part)) {
            continue;
        }
        eprintln!("measuring {} ...", parts.join(" and "));
        let sections = some(parts[0], settings).await.with_context(|| format!("part {parts:?}"))?;
        for (part, section) in parts.iter().zip(sections) {
            println!("{}", section.markdown);
            if let Some(page) = &arguments.write {
                write(page, part, &section, settings)?;
            }
            bars.extend(section.bars);
        }
    }
    for bar in bars.iter().filter(|bar| bar.is_missed()) {
        eprintln!("{}", bar.sentence());
    }
    Ok(!bars.iter().any(Bar::is_missed))
}

async fn some(part: &str, settings: &Settings) -> anyhow::Result<Vec<Section>> {
    match part {
        "a" => Ok(vec![edge::run(settings).await?]),
        "b" => Ok(vec![road::run(settings).await?]),
        "c" => statements::run(settings).await,
        "e" => Ok(vec![lookup::run(settings).await?]),
        "g" => Ok(vec![planner::run()?]),
        "h" => Ok(vec![scale::run(settings).await?]),
        "i" => Ok(vec![jobs::run(settings).await?]),
        "k" => Ok(vec![sweep::run(settings).await?]),
        "j" => Ok(vec![grading::run(settings)?]),
        _ => Ok(vec![moves::run(settings).await?]),
    }
}

/// Puts a section on the page, with the command that makes it again.
fn write(page: &Path, part: &str, section: &Section, settings: &Settings) -> anyhow::Result<()> {
    let unreadable = || format!("{} cannot be read", page.display());
    let before = std::fs::read_to_string(page).with_context(unreadable)?;
    let (profile, seconds) = (settings.profile(), settings.seconds);
    let command = format!("make bench BENCH={part} BENCH_SECONDS={seconds} PROFILE={profile}");
    let text = format!("{}\nMade by `{command}`.\n", section.markdown.trim_end());
    Ok(std::fs::write(page, document::with_section(&before, part, &text))?)
}
