//! `lxp-control-plane --config FILE`: reads its settings and runs the control plane until SIGTERM.

use std::io::Write as _;
use std::process::ExitCode;

use clap::Parser;
use control_plane::operation::tenant_move::failpoint;
use control_plane::operation::tenant_move::planted::Fault;
use control_plane::{app, config};

#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

/// The control plane of lxp: shards, nodes, institutions, and the map that routers follow.
#[derive(Debug, Parser)]
#[command(name = "lxp-control-plane", version)]
struct Arguments {
    #[command(flatten)]
    service: service_kit::config::Arguments,
    /// Print the names that `FAILPOINTS` takes, one a line, and end: only builds for tests have any.
    #[arg(long, group = "what")]
    failpoints: bool,
}

fn main() -> ExitCode {
    let arguments = Arguments::parse();
    let done = if arguments.failpoints { list_failpoints() } else { start(&arguments.service) };
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
        let faults = Fault::ALL.iter().map(|fault| fault.name().to_owned());
        let names: Vec<_> = failpoint::names().into_iter().chain(faults).collect();
        writeln!(std::io::stdout(), "{}", names.join("\n"))?;
    }
    Ok(())
}

fn start(arguments: &service_kit::config::Arguments) -> anyhow::Result<()> {
    let read = arguments.read("lxp-control-plane", config::PREFIX, config::check)?;
    let Some(settings) = read else { return Ok(()) };
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
