//! Bare Pingora: a proxy that does nothing but choose an upstream in turn. The yardstick of the router, from the
//! same build and with the same allocator.

use std::net::SocketAddr;
use std::path::Path;
use std::sync::atomic::{AtomicUsize, Ordering};

use async_trait::async_trait;
use clap::Args;
use pingora::proxy::{ProxyHttp, Session, http_proxy_service};
use pingora::server::Server;
use pingora::server::configuration::ServerConf;
use pingora::upstreams::peer::HttpPeer;

use super::Contender;
use crate::running::{Running, free_address, until_answers};

/// As the router's.
const POOL_SIZE: usize = 1024;

/// The hidden subcommand that serves it.
#[derive(Debug, Args)]
pub(crate) struct BareProxy {
    #[arg(long)]
    listen: SocketAddr,
    #[arg(long)]
    upstream: Vec<SocketAddr>,
}

struct Bare {
    upstreams: Vec<SocketAddr>,
    turn: AtomicUsize,
}

#[async_trait]
impl ProxyHttp for Bare {
    type CTX = ();

    fn new_ctx(&self) {}

    async fn upstream_peer(
        &self,
        _session: &mut Session,
        _context: &mut (),
    ) -> pingora::Result<Box<HttpPeer>> {
        let turn = self.turn.fetch_add(1, Ordering::Relaxed);
        let upstream = self.upstreams[turn % self.upstreams.len()];
        Ok(Box::new(HttpPeer::new(upstream, false, String::new())))
    }
}

/// Serves until it is killed.
pub(crate) fn serve(settings: &BareProxy) -> anyhow::Result<()> {
    anyhow::ensure!(!settings.upstream.is_empty(), "--upstream is needed");
    let configuration =
        ServerConf { threads: 1, upstream_keepalive_pool_size: POOL_SIZE, ..ServerConf::default() };
    let mut server = Server::new_with_opt_and_conf(None, configuration);
    server.bootstrap();
    let bare = Bare { upstreams: settings.upstream.clone(), turn: AtomicUsize::new(0) };
    let mut service = http_proxy_service(&server.configuration, bare);
    service.add_tcp(&settings.listen.to_string());
    server.add_service(service);
    server.run_forever()
}

/// Starts it as a process of its own.
pub(super) async fn contender(
    own_program: &Path,
    upstreams: &[SocketAddr],
) -> anyhow::Result<Contender> {
    let address = free_address()?;
    let listen = address.to_string();
    let upstreams: Vec<String> = upstreams.iter().map(SocketAddr::to_string).collect();
    let mut arguments = vec!["bare-proxy", "--listen", &listen];
    arguments.extend(upstreams.iter().flat_map(|upstream| ["--upstream", upstream.as_str()]));
    let mut process = Running::start(&own_program.display().to_string(), &arguments)?;
    until_answers(&format!("http://{address}/"), &mut process).await?;
    Ok(Contender { name: "bare Pingora", process, address, rounds: Vec::new() })
}
