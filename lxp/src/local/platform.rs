//! The whole platform: what there is of a given size, and the order in which it starts.
//!
//! The control plane and each shard start side by side; a shard's nodes wait for the control plane; the router
//! comes when all shards are active, the demo when the router serves.

use std::path::{Path, PathBuf};

use futures::future::{try_join, try_join_all};
use shard_map::ShardState;
use tokio::sync::watch;

use super::add_shard::{self, Added};
use super::fleet::Fleet;
use super::layout::Layout;
use super::ports::Ports;
use super::postgres::{Installation, Server, dsn, slot_of};
use super::redis::Master;
use super::secrets::Secrets;
use super::services::{self, Listen, NodeParts, Programs};
use super::state::{Board, Size, State};
use super::{bootstrap, child, demo, redis, register};
use crate::token::SIGNING_KEY;

/// The masters of a shard's Redis Cluster.
const REDIS_MASTERS: usize = 3;

pub(crate) const USUAL_PORT: u16 = 8080;
pub(crate) const USUAL_CONTROL_PORT: u16 = 8090;

/// Everything that starting needs to know.
#[derive(Debug)]
pub(crate) struct Platform {
    layout: Layout,
    board: Board,
    fleet: Fleet,
    size: Size,
    home: PathBuf,
    secrets: Secrets,
    postgres: Installation,
    redis_server: PathBuf,
    programs: Programs,
    control: ControlPart,
    shards: Vec<ShardPart>,
    router: Listen,
}

#[derive(Debug)]
struct ControlPart {
    postgres: Server,
    listen: Listen,
}

#[derive(Debug)]
struct ShardPart {
    id: String,
    weight: u32,
    primary: Server,
    replica: Server,
    masters: Vec<Master>,
    nodes: Vec<NodePart>,
}

#[derive(Debug)]
struct NodePart {
    id: String,
    listen: Listen,
}

/// The ports that its user asked for.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Asked {
    pub(crate) port: Option<u16>,
    pub(crate) control_port: Option<u16>,
}

impl Platform {
    /// Checks what must be there, chooses ports, makes secrets. Starts nothing.
    pub(crate) fn plan(
        layout: &Layout,
        board: &Board,
        fleet: &Fleet,
        size: Size,
        asked: Asked,
    ) -> anyhow::Result<Self> {
        let added = add_shard::read(layout)?;
        let (postgres, redis_server) = (Installation::find()?, redis::find_program()?);
        let programs = Programs::find()?;
        let secrets = Secrets::ensure(layout)?;
        let home = layout.make_postgres(|dir| postgres.account.can_pass(dir))?;
        let mut ports = Ports::new(board.snapshot().ports, std::process::id());
        let router = Listen {
            port: ports.known("router", "--port", asked.port, USUAL_PORT)?,
            admin_port: ports.free("router-admin")?,
        };
        let control_listen = Listen {
            port: ports.known(
                "control-plane",
                "--control-port",
                asked.control_port,
                USUAL_CONTROL_PORT,
            )?,
            admin_port: ports.free("control-plane-admin")?,
        };
        let mut planner = Planner { layout, home: &home, secrets: &secrets, ports, size };
        let control = ControlPart { postgres: planner.control_postgres()?, listen: control_listen };
        let shards = add_shard::all(layout, size, &added)
            .into_iter()
            .map(|(id, wish)| planner.shard(id, wish))
            .collect::<anyhow::Result<_>>()?;
        let (ports, notes) = planner.ports.finish();
        board.change(|state| {
            state.ports = ports;
            state.notes = notes;
        });
        Ok(Self {
            layout: layout.clone(),
            board: board.clone(),
            fleet: fleet.clone(),
            size,
            home,
            secrets,
            postgres,
            redis_server,
            programs,
            control,
            shards,
            router,
        })
    }

    /// Starts everything and waits until it serves.
    pub(crate) async fn start(&self) -> anyhow::Result<()> {
        let (ready, control_ready) = watch::channel(false);
        let control = self.board.step("control", async {
            self.start_control().await?;
            ready.send_replace(true);
            Ok(())
        });
        let shards = self.shards.iter().map(|shard| {
            self.board.step(&shard.id, self.start_shard(shard, control_ready.clone()))
        });
        try_join(control, try_join_all(shards)).await?;
        self.board.step("router", self.start_router()).await?;
        self.board.step("demo", self.make_demo()).await
    }

    /// Whether it has had this shard from the start.
    pub(crate) fn has_shard(&self, id: &str) -> bool {
        self.shards.iter().any(|shard| shard.id == id)
    }

    /// Starts one more shard and waits until it takes institutions. One that fails before it does is stopped.
    pub(crate) async fn add_shard(&self, id: &str, wish: Added) -> anyhow::Result<()> {
        let (_sender, ready) = watch::channel(true);
        let part = self.plan_shard(id, wish)?;
        self.board.change(|state| state.steps.retain(|step| step.name != id));
        let added = self.board.step(id, self.start_shard(&part, ready)).await;
        if added.is_err() && !self.is_active(id).await {
            self.fleet.stop_shard(id).await;
        }
        added
    }

    fn plan_shard(&self, id: &str, wish: Added) -> anyhow::Result<ShardPart> {
        let ports = Ports::beside(&self.board.snapshot().ports, std::process::id());
        let (layout, home, secrets) = (&self.layout, &*self.home, &self.secrets);
        let mut planner = Planner { layout, home, secrets, ports, size: self.size };
        let part = planner.shard(id.to_owned(), wish)?;
        let (ports, notes) = planner.ports.finish();
        self.board.change(|state| {
            state.ports.extend(ports);
            state.notes.extend(notes);
        });
        Ok(part)
    }

    /// Whether institutions may be on it by now. If nobody knows, they may.
    pub(crate) async fn is_active(&self, id: &str) -> bool {
        let shards = async {
            let client = register::client(&self.control.listen.url(), &self.secrets.platform_ops)?;
            anyhow::Ok(client.shards().await?.items)
        };
        let Ok(shards) = shards.await else { return true };
        shards.iter().any(|shard| shard.id.as_str() == id && shard.state == ShardState::Active)
    }

    async fn start_control(&self) -> anyhow::Result<()> {
        let database = &self.control.postgres;
        database.prepare(&self.postgres).await?;
        self.fleet.start(database.spec(&self.postgres)).await?;
        bootstrap::control(database, &self.secrets).await?;
        let program = self.programs.control_plane.clone();
        let spec = services::control_plane(
            &self.layout,
            program,
            self.control.listen,
            &database.owner_url,
        )?;
        self.fleet.start(spec).await
    }

    async fn start_shard(
        &self,
        shard: &ShardPart,
        mut control_ready: watch::Receiver<bool>,
    ) -> anyhow::Result<()> {
        try_join(self.start_databases(shard), self.start_redis(shard)).await?;
        // The sender goes away only when the control plane failed, which ends this future too.
        if control_ready.wait_for(|ready| *ready).await.is_err() {
            return Ok(());
        }
        if self.was_removed(&shard.id).await? {
            self.fleet.stop_shard(&shard.id).await;
            child::say(&format!("{} was removed: it is started no more, its data stays", shard.id));
            return add_shard::note_removed(&self.layout, &shard.id);
        }
        let nodes = shard.nodes.iter().map(|node| self.start_node(shard, node));
        try_join(try_join_all(nodes), self.register(shard)).await?;
        add_shard::note_registered(&self.layout, &shard.id)
    }

    /// Whether the control plane has had this shard and has it no more.
    async fn was_removed(&self, id: &str) -> anyhow::Result<bool> {
        if !self.layout.registered(id).exists() {
            return Ok(false);
        }
        let client = register::client(&self.control.listen.url(), &self.secrets.platform_ops)?;
        Ok(!client.shards().await?.items.iter().any(|shard| shard.id.as_str() == id))
    }

    async fn register(&self, shard: &ShardPart) -> anyhow::Result<()> {
        let client = register::client(&self.control.listen.url(), &self.secrets.platform_ops)?;
        let parts = register::ShardParts {
            id: &shard.id,
            weight: shard.weight,
            primary: &shard.primary.owner_url,
            replicas: std::slice::from_ref(&shard.replica.owner_url),
            redis: &shard.redis_urls(),
        };
        register::shard(&client, &parts, &self.layout.log("control-plane")).await
    }

    async fn start_databases(&self, shard: &ShardPart) -> anyhow::Result<()> {
        let ShardPart { primary, replica, .. } = shard;
        primary.prepare(&self.postgres).await?;
        self.fleet.start(primary.spec(&self.postgres)).await?;
        bootstrap::shard(primary, &self.secrets).await?;
        let follows = bootstrap::slot(primary, &slot_of(&replica.name)).await?;
        if !follows {
            replica.discard()?;
        }
        replica.prepare(&self.postgres).await?;
        self.fleet.start(replica.spec(&self.postgres)).await
    }

    async fn start_redis(&self, shard: &ShardPart) -> anyhow::Result<()> {
        let start = |master: &Master| {
            let prepared = master.prepare();
            let started = self.fleet.start(master.spec(&self.redis_server));
            async move {
                prepared?;
                started.await
            }
        };
        try_join_all(shard.masters.iter().map(start)).await?;
        redis::form(&shard.id, &shard.masters).await
    }

    async fn start_node(&self, shard: &ShardPart, node: &NodePart) -> anyhow::Result<()> {
        let parts = NodeParts {
            name: &format!("node-{}", node.id),
            id: &node.id,
            shard: &shard.id,
            control_url: &self.control.listen.url(),
            primary: &shard.primary.app_url,
            replicas: std::slice::from_ref(&shard.replica.app_url),
            redis: &shard.redis_urls(),
        };
        let spec = services::node(&self.layout, self.programs.node.clone(), node.listen, &parts)?;
        self.fleet.start(spec).await
    }

    async fn start_router(&self) -> anyhow::Result<()> {
        let (program, control_url) = (self.programs.router.clone(), self.control.listen.url());
        let spec = services::router(&self.layout, program, self.router, &control_url)?;
        self.fleet.start(spec).await
    }

    async fn make_demo(&self) -> anyhow::Result<()> {
        let client = register::client(&self.control.listen.url(), &self.secrets.platform_ops)?;
        let institution = register::demo_institution(&client).await?;
        self.board.change(|state| state.institution = Some(institution));
        demo::make(&self.layout.key(SIGNING_KEY), &self.router.url(), institution).await
    }
}

impl ShardPart {
    fn redis_urls(&self) -> Vec<String> {
        self.masters.iter().map(Master::url).collect()
    }
}

/// Names the parts and gives them ports.
struct Planner<'a> {
    layout: &'a Layout,
    home: &'a Path,
    secrets: &'a Secrets,
    ports: Ports,
    size: Size,
}

impl Planner<'_> {
    fn control_postgres(&mut self) -> anyhow::Result<Server> {
        let port = self.ports.free("control-postgres")?;
        let url = dsn("lxp_control", &self.secrets.lxp_control, port, "lxp_control");
        Ok(Server {
            app_url: url.clone(),
            owner_url: url,
            ..self.server("control-postgres", None, port)
        })
    }

    fn shard(&mut self, id: String, wish: Added) -> anyhow::Result<ShardPart> {
        let (primary, replica) =
            (format!("postgres-{id}-primary"), format!("postgres-{id}-replica-1"));
        let (port, replica_port) = (self.ports.free(&primary)?, self.ports.free(&replica)?);
        let follows = Some((port, slot_of(&replica)));
        let masters =
            (1..=REDIS_MASTERS).map(|n| self.master(&id, n)).collect::<anyhow::Result<_>>()?;
        let nodes = (1..=wish.nodes.unwrap_or(self.size.nodes_per_shard))
            .map(|n| {
                let id = format!("{id}-{n}");
                Ok(NodePart { listen: self.listen(&format!("node-{id}"))?, id })
            })
            .collect::<anyhow::Result<_>>()?;
        Ok(ShardPart {
            primary: self.server(&primary, Some(&id), port),
            replica: Server { follows, ..self.server(&replica, Some(&id), replica_port) },
            masters,
            nodes,
            weight: wish.weight,
            id,
        })
    }

    fn server(&self, name: &str, shard: Option<&str>, port: u16) -> Server {
        Server {
            name: name.to_owned(),
            shard: shard.map(str::to_owned),
            dir: self.home.join(name),
            port,
            log: self.layout.log(name),
            superuser_password: self.secrets.postgres.clone(),
            app_url: dsn("lxp_app", &self.secrets.lxp_app, port, "lxp"),
            owner_url: dsn("lxp_owner", &self.secrets.lxp_owner, port, "lxp"),
            follows: None,
            ephemeral: self.size.ephemeral,
        }
    }

    fn master(&mut self, shard: &str, number: usize) -> anyhow::Result<Master> {
        let name = format!("redis-{shard}-{number}");
        Ok(Master {
            shard: shard.to_owned(),
            dir: self.layout.redis().join(&name),
            port: self.ports.free(&name)?,
            bus_port: self.ports.free(&format!("{name}-bus"))?,
            log: self.layout.log(&name),
            name,
        })
    }

    fn listen(&mut self, name: &str) -> anyhow::Result<Listen> {
        Ok(Listen {
            port: self.ports.free(name)?,
            admin_port: self.ports.free(&format!("{name}-admin"))?,
        })
    }
}

/// The superuser's DSN of the first shard's primary, for tests of stores.
pub(crate) fn superuser_url(state: &State, secrets: &Secrets) -> Option<String> {
    let port = state.ports.get("postgres-shard-a-primary")?;
    Some(dsn("postgres", &secrets.postgres, *port, "postgres"))
}
