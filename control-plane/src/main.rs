//! `lxp-control-plane --config FILE`: reads its settings and runs the control plane until SIGTERM.

use std::path::PathBuf;
use std::process::ExitCode;

use clap::Parser;
use control_plane::{app, config};

#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

/// The control plane of lxp: shards, nodes, institutions, and the map that routers follow.
#[derive(Debug, Parser)]
#[command(name = "lxp-control-plane", version)]
struct Arguments {
    /// The settings, a TOML file; `LXP_CONTROL__SECTION__KEY` in the environment overrides it.
    #[arg(long)]
    config: PathBuf,
}

fn main() -> ExitCode {
    match start(&Arguments::parse()) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("lxp-control-plane: {error:#}");
            ExitCode::FAILURE
        }
    }
}

fn start(arguments: &Arguments) -> anyhow::Result<()> {
    let settings = config::load(&arguments.config)?;
    let access = config::load_access(&settings.access_file)?;
    service_kit::telemetry::start("lxp-control-plane", &settings.log);
    service_kit::tls::install_provider();
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build()?;
    runtime.block_on(async {
        let stop = service_kit::shutdown::on_signal()?;
        app::run(settings, access, stop).await
    })
}
