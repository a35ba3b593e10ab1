//! What the node tells the control plane: where it is, and every second that it lives.
//!
//! What must stay true: once the node is to stop, it says at once that it is not ready, here and on its `/readyz`,
//! and goes on saying so until it ends. The control plane being away stops nothing here.

use std::sync::Arc;
use std::time::Duration;

use control_api::{ControlClient, Heartbeat, NodeRegistration};
use service_kit::admin::Readiness;
use service_kit::config;
use tokio_util::sync::CancellationToken;

use crate::config::Settings;
use crate::node::Node;

/// How often it says so.
const EVERY: Duration = Duration::from_secs(1);

/// A node's word to the control plane.
pub struct Reporter {
    settings: Settings,
    node: Arc<Node>,
    readiness: Readiness,
    /// Once it is cancelled the node drains.
    draining: CancellationToken,
    client: Option<ControlClient>,
    is_registered: bool,
}

impl Reporter {
    /// Of a node that drains once `draining` is cancelled.
    pub fn new(
        settings: Settings,
        node: Arc<Node>,
        readiness: Readiness,
        draining: CancellationToken,
    ) -> Self {
        Self { settings, node, readiness, draining, client: None, is_registered: false }
    }

    /// Registers, and says how the node is until `stop`.
    pub async fn run(mut self, stop: CancellationToken) {
        let (draining, mut is_heard) = (self.draining.clone(), true);
        while !stop.is_cancelled() {
            // Ready once the database has answered; requests then find out for themselves.
            let drains = draining.is_cancelled();
            self.readiness.set(!drains && self.node.ownership.lease.holds());
            let said = tokio::select! {
                said = self.beat() => said,
                // What was on its way says otherwise.
                () = draining.cancelled(), if !drains => continue,
            };
            if let Err(error) = &said {
                self.is_registered = false;
                if is_heard {
                    tracing::warn!(error = %error, "The control plane does not hear us");
                }
            }
            is_heard = said.is_ok();
            tokio::select! {
                () = stop.cancelled() => {}
                () = draining.cancelled(), if !drains => {}
                () = tokio::time::sleep(EVERY) => {}
            }
        }
    }

    /// Says on `/readyz` alone how the node is, until `stop`: of one that answers no requests nobody else wants to know.
    pub async fn be_ready(self, stop: CancellationToken) {
        while !stop.is_cancelled() {
            let drains = self.draining.is_cancelled();
            self.readiness.set(!drains && self.node.ownership.lease.holds());
            tokio::select! {
                () = stop.cancelled() => {}
                () = self.draining.cancelled(), if !drains => {}
                () = tokio::time::sleep(EVERY) => {}
            }
        }
    }

    async fn beat(&mut self) -> anyhow::Result<()> {
        let Settings { id, control_url, control_token_file, postgres, .. } = &self.settings;
        if self.client.is_none() {
            let token = config::read_secret(control_token_file)?;
            self.client = Some(ControlClient::new(control_url, &token)?);
        }
        let Some(client) = &self.client else { return Ok(()) };
        if !self.is_registered {
            client.register_node(&registration(&self.settings)).await?;
            self.is_registered = true;
        }
        let load = self.node.load(postgres.max_connections);
        client.heartbeat(id, &Heartbeat { ready: self.readiness.get(), load }).await?;
        Ok(())
    }
}

fn registration(settings: &Settings) -> NodeRegistration {
    NodeRegistration {
        id: settings.id.clone(),
        shard: settings.shard.clone(),
        url: settings.public_url.clone(),
        admin_url: settings.admin_url(),
    }
}
