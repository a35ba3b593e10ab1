//! The control plane's directory, asked when the primary is one that this node does not know.

use std::path::PathBuf;

use control_api::{CLAIMS_MAX, ControlClient, Elsewhere, OwnershipClaims};
use service_kit::config;
use shard_map::{Epoch, InstitutionId, ShardId};

/// How to ask it.
#[derive(Debug, Clone)]
pub struct Directory {
    /// The control plane.
    pub url: String,
    /// File with a bearer token of role `node`.
    pub token_file: PathBuf,
    /// The shard of this node.
    pub shard: ShardId,
}

impl Directory {
    /// Which of these institutions, each with its epoch, the shard must not serve.
    ///
    /// # Errors
    /// What kept it from answering. A shard that owns nothing needs no answer.
    pub(super) async fn elsewhere(
        &self,
        owned: &[(InstitutionId, Epoch)],
    ) -> Result<Vec<Elsewhere>, String> {
        if owned.is_empty() {
            return Ok(Vec::new());
        }
        let token = config::read_secret(&self.token_file).map_err(|error| error.to_string())?;
        let client = ControlClient::new(&self.url, &token).map_err(|error| error.to_string())?;
        let mut elsewhere = Vec::new();
        for page in owned.chunks(CLAIMS_MAX) {
            let claims = OwnershipClaims { owned: page.to_vec() };
            let answer = client.reconcile_shard(&self.shard, &claims).await;
            elsewhere.extend(answer.map_err(|error| error.to_string())?.elsewhere);
        }
        Ok(elsewhere)
    }
}
