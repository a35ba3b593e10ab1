//! Where events may be sent.

use schemars::JsonSchema;
use serde::Deserialize;

/// `[webhooks]`.
#[derive(Debug, Clone, Default, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct WebhookSettings {
    /// Whether webhooks may lead to private addresses, by http and to any port. On a developer's machine alone: every
    /// institution's admin could reach whatever the node can.
    pub allow_private_addresses: bool,
}

impl WebhookSettings {
    /// Where webhooks may lead.
    pub fn addresses(&self) -> Addresses {
        if self.allow_private_addresses { Addresses::Any } else { Addresses::Public }
    }
}

/// Where webhooks may lead.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Addresses {
    /// By https to public addresses.
    Public,
    /// Anywhere.
    Any,
}
