//! nginx, twice: as the upstream that answers at once, and as a proxy that routes by the institution's header.

use std::fmt::Write as _;
use std::fs;
use std::net::SocketAddr;
use std::path::Path;

use super::Contender;
use crate::running::{Running, free_address, until_answers};

/// What the upstream answers, about as long as a program.
const ANSWER: &str = r#"{"id":"01936f4e-7c1a-7000-8000-000000000001","code":"BSC-CS","name":"BSc Computing","status":"ACTIVE","credits":"180.0000","rowVersion":1,"createdAt":"2026-11-23T09:00:00.000000Z"}"#;

/// The upstream, at two addresses.
pub(super) struct Upstream {
    pub(super) addresses: Vec<SocketAddr>,
    _process: Running,
}

/// Starts the upstream.
pub(super) async fn upstream(directory: &Path) -> anyhow::Result<Upstream> {
    let addresses = vec![free_address()?, free_address()?];
    let listens = addresses.iter().fold(String::new(), |mut text, address| {
        let _ = writeln!(text, "listen {address};");
        text
    });
    let server = format!(
        "server {{ {listens} location / {{ default_type application/json; return 200 '{ANSWER}'; }} }}"
    );
    let mut process = start(directory, "upstream", &server)?;
    until_answers(&format!("http://{}/", addresses[0]), &mut process).await?;
    Ok(Upstream { addresses, _process: process })
}

/// Starts the proxy.
pub(super) async fn contender(
    directory: &Path,
    upstreams: &[SocketAddr],
) -> anyhow::Result<Contender> {
    let address = free_address()?;
    let servers = upstreams.iter().fold(String::new(), |mut text, upstream| {
        let _ = writeln!(text, "server {upstream};");
        text
    });
    let server = format!(
        "upstream nodes {{ hash $http_x_institution_id consistent; {servers}
           keepalive 64; keepalive_requests 1000000000; }}
         server {{ listen {address}; location / {{
           proxy_pass http://nodes; proxy_http_version 1.1; proxy_set_header Connection \"\"; }} }}"
    );
    let mut process = start(directory, "proxy", &server)?;
    until_answers(&format!("http://{address}/"), &mut process).await?;
    Ok(Contender { name: "nginx", process, address, rounds: Vec::new() })
}

/// One process, no master: nothing can be left behind.
fn start(directory: &Path, name: &str, servers: &str) -> anyhow::Result<Running> {
    let temporary = ["client_body", "proxy", "fastcgi", "uwsgi", "scgi"].iter().fold(
        String::new(),
        |mut text, what| {
            let path = directory.join(format!("{name}-{what}"));
            let _ = writeln!(text, "{what}_temp_path {};", path.display());
            text
        },
    );
    let configuration = format!(
        "daemon off; master_process off; error_log stderr crit; pid {};
         events {{ worker_connections 1024; }}
         http {{ access_log off; keepalive_timeout 3600s; keepalive_requests 1000000000; {temporary} {servers} }}",
        directory.join(format!("{name}.pid")).display()
    );
    let file = directory.join(format!("{name}.conf"));
    fs::write(&file, configuration)?;
    Running::start("nginx", &["-c", &file.display().to_string(), "-e", "stderr"])
}
