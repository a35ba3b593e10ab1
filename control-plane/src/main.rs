//! `lxp-control-plane --config FILE`: reads its settings and runs the control plane until SIGTERM.

use std::io::Write as _;
use std::path::{Path, PathBuf};
use std::process::ExitCode;

use clap::Parser;
use control_plane::operation::tenant_move::failpoint;
use control_plane::{app, config};

#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

/// The control plane of lxp: shards, nodes, institutions, and the map that routers follow.
#[derive(Debug, Parser)]
#[command(name = "lxp-control-plane", version)]
struct Arguments {
    /// The settings, a TOML file; `LXP_CONTROL__SECTION__KEY` in the environment overrides it.
    #[arg(long, required_unless_present = "failpoints")]
    config: Option<PathBuf>,
    /// Print the names that `FAILPOINTS` takes, one a line, and end: only builds for tests have any.
    #[arg(long)]
    failpoints: bool,
}

fn main() -> ExitCode {
    let arguments = Arguments::parse();
    let done = match &arguments.config {
        Some(config) if !arguments.failpoints => start(config),
        _ => list_failpoints(),
    };
    match done {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("lxp-control-plane: {error:#}");
            ExitCode::FAILURE
        }
    }
}

fn list_failpoints() -> anyhow::Result<()> {
    if cfg!(feature = "failpoints") {
        writeln!(std::io::stdout(), "{}", failpoint::names().join("\n"))?;
    }
    Ok(())
}

fn start(config: &Path) -> anyhow::Result<()> {
    let settings = config::load(config)?;
    let access = config::load_access(&settings.access_file)?;
    service_kit::telemetry::start("lxp-control-plane", &settings.log);
    service_kit::tls::install_provider();
    #[cfg(feature = "failpoints")]
    let _armed = failpoint::setup();
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build()?;
    runtime.block_on(async {
        let stop = service_kit::shutdown::on_signal()?;
        app::run(settings, access, stop).await
    })
}
