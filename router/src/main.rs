//! `lxp-router`: the platform's edge. It verifies a request's token, looks up which shard owns the token's
//! institution, and sends the request to a node of that shard.
//!
//! What must stay true:
//! - The institution comes from the verified token alone; no header or path from outside chooses it.
//! - A node's 421 never reaches a client, and is followed at most twice.
//! - What may have had an effect is sent again only if that is safe, and then once.
//! - It serves from its last good map when the control plane is away, also after a restart.
//!
//! Left alone on purpose: whether the institution exists and what the caller may do (the node decides).

mod app;
mod config;
mod error;
mod listen;
mod map;
mod metrics;
mod proxy;
mod tenant;
mod upstream;

use std::process::ExitCode;

use clap::Parser;

#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

/// The edge of the learning platform: routes each request to the shard that owns its institution.
#[derive(Debug, Parser)]
#[command(version)]
struct Arguments {
    #[command(flatten)]
    service: service_kit::config::Arguments,
}

fn main() -> ExitCode {
    let arguments = Arguments::parse();
    match app::run(&arguments.service) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("lxp-router: {error:#}");
            ExitCode::FAILURE
        }
    }
}
