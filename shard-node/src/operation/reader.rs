//! What a read stands on: the caller, the caches, and a guarded transaction when the primary must be asked.

use std::sync::Arc;

use super::Caller;
use crate::error::Error;
use crate::node::Node;
use crate::store::TenantTx;

/// The context of one read.
#[derive(Clone)]
pub struct Reader {
    /// The node's parts.
    pub node: Arc<Node>,
    /// Who asks.
    pub caller: Caller,
}

impl Reader {
    /// Opens a guarded transaction on the primary.
    pub async fn begin(&self) -> Result<TenantTx, Error> {
        let Caller { institution, deadline, .. } = self.caller;
        TenantTx::begin_until(&self.node.pool, institution, deadline).await
    }
}
