//! Our own services: where their programs are, their settings, how they are run.

use std::ffi::OsString;
use std::path::PathBuf;

use anyhow::Context as _;
use nix::sys::signal::Signal;
use serde_json::{Value, json};

use super::account::Account;
use super::child::Spec;
use super::layout::{Layout, make_dir, write_private};
use super::probe::Probe;
use super::secrets::Secrets;
use super::state::{Kind, Process, UpDown};
use crate::failure::Failure;
use crate::token::{AUDIENCE, CLIENT_KEY, ISSUER};

/// Longest path of a socket: the kernel takes 107 bytes, and the router puts a process id and `.new` behind it.
const SOCKET_PATH_MAX_BYTES: usize = 90;

/// The programs, which lie beside `lxp` itself.
#[derive(Debug, Clone)]
pub(crate) struct Programs {
    pub(crate) router: PathBuf,
    pub(crate) node: PathBuf,
    pub(crate) control_plane: PathBuf,
}

impl Programs {
    pub(crate) fn find() -> anyhow::Result<Self> {
        // The link bin/lxp is followed: the kernel names the file itself.
        let own = std::env::current_exe().context("the path of `lxp` is not known")?;
        let beside = |name: &str| {
            let path = own.with_file_name(name);
            if path.is_file() {
                return Ok(path);
            }
            let what = format!("`{name}` is missing beside {}", own.display());
            Err(Failure::refused(what).next("make build"))
        };
        Ok(Self {
            router: beside("lxp-router")?,
            node: beside("lxp-shard-node")?,
            control_plane: beside("lxp-control-plane")?,
        })
    }
}

/// Where a service listens.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Listen {
    pub(crate) port: u16,
    pub(crate) admin_port: u16,
}

impl Listen {
    pub(crate) fn url(self) -> String {
        format!("http://127.0.0.1:{}", self.port)
    }
}

/// The control plane.
pub(crate) fn control_plane(
    layout: &Layout,
    program: PathBuf,
    listen: Listen,
    database: &str,
) -> anyhow::Result<Spec> {
    let settings = json!({
        "listen": address(listen.port),
        "admin_listen": address(listen.admin_port),
        "log": "info",
        "access_file": layout.secret("access.json"),
        "postgres": {"url": database, "max_connections": 8},
    });
    service(layout, "control-plane", Kind::ControlPlane, None, program, listen, &settings)
}

/// What a node serves.
#[derive(Debug)]
pub(crate) struct NodeParts<'a> {
    pub(crate) name: &'a str,
    /// Its id at the control plane: the name without `node-`.
    pub(crate) id: &'a str,
    pub(crate) shard: &'a str,
    pub(crate) control_url: &'a str,
    pub(crate) primary: &'a str,
    pub(crate) replicas: &'a [String],
    pub(crate) redis: &'a [String],
}

/// A shard node.
pub(crate) fn node(
    layout: &Layout,
    program: PathBuf,
    listen: Listen,
    parts: &NodeParts<'_>,
) -> anyhow::Result<Spec> {
    let settings = json!({
        "id": parts.id,
        "shard": parts.shard,
        "listen": address(listen.port),
        "admin_listen": address(listen.admin_port),
        "public_url": listen.url(),
        "control_url": parts.control_url,
        "control_token_file": Secrets::token_file(layout, "node"),
        "state_dir": layout.node_state(parts.name),
        "log": "info",
        "tokens": tokens(layout),
        "postgres": {"primary": parts.primary, "replicas": parts.replicas, "max_connections": 16},
        "redis": {"nodes": parts.redis},
        "api_clients": {"signing_key_file": layout.key(CLIENT_KEY)},
        "webhooks": {"allow_private_addresses": true},
    });
    let shard = Some(parts.shard.to_owned());
    let mut spec = service(layout, parts.name, Kind::Node, shard, program, listen, &settings)?;
    spec.process.node_id = Some(parts.id.to_owned());
    Ok(spec)
}

/// The router.
pub(crate) fn router(
    layout: &Layout,
    program: PathBuf,
    listen: Listen,
    control_url: &str,
) -> anyhow::Result<Spec> {
    let mut settings = json!({
        "listen": address(listen.port),
        "admin_listen": address(listen.admin_port),
        "control_url": control_url,
        "control_token_file": Secrets::token_file(layout, "router"),
        "map_file": layout.router_map(),
        "threads": 2,
        "log": "info",
        "tokens": tokens(layout),
    });
    let socket = layout.router_socket();
    make_dir(&layout.router_dir(), 0o700)?;
    if socket.as_os_str().len() <= SOCKET_PATH_MAX_BYTES {
        settings["handover_socket"] = json!(socket);
    }
    service(layout, "router", Kind::Router, None, program, listen, &settings)
}

fn service(
    layout: &Layout,
    name: &str,
    kind: Kind,
    shard: Option<String>,
    program: PathBuf,
    listen: Listen,
    settings: &Value,
) -> anyhow::Result<Spec> {
    let file = layout.config(name);
    write_private(&file, toml::to_string(settings)?.as_bytes())?;
    let admin_url = format!("http://127.0.0.1:{}", listen.admin_port);
    Ok(Spec {
        process: Process {
            name: name.to_owned(),
            kind,
            shard,
            pid: None,
            url: listen.url(),
            admin_url: Some(admin_url.clone()),
            app_url: None,
            state: UpDown::Down,
            node_id: None,
            held: false,
            restarts: 0,
            started_ticks: None,
        },
        program,
        args: vec![OsString::from("--config"), file.into_os_string()],
        account: Account::Own,
        inherit_env: true,
        log: layout.log(name),
        probe: Probe::Http(format!("{admin_url}/readyz")),
        stop: Signal::SIGTERM,
        quit: Signal::SIGKILL,
    })
}

fn tokens(layout: &Layout) -> Value {
    json!({
        "issuer": ISSUER,
        "audience": AUDIENCE,
        "keys_file": layout.key("jwks.json"),
        "client_keys_file": layout.key("client-jwks.json"),
    })
}

fn address(port: u16) -> String {
    format!("127.0.0.1:{port}")
}
