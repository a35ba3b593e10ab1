//! `[mail]`: how mail leaves a node.

use std::path::PathBuf;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// How mail leaves the node; where the section is absent, none does.
#[derive(Debug, Clone, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct MailSettings {
    /// The sender of every mail: an address, or `Name <address>`. Without `[mail]` no mail is sent.
    pub from: String,
    /// The server that takes it.
    pub smtp: SmtpSettings,
}

/// The server that takes mail.
#[derive(Debug, Clone, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct SmtpSettings {
    /// Its name, which its certificate must have.
    pub host: String,
    /// Its port: 587 with `starttls` and 465 with `tls`, by custom.
    #[schemars(extend("x-unit" = "port"))]
    pub port: u16,
    /// `starttls` (demanded, never given up), `tls` from the first byte, or `none`.
    #[serde(default)]
    #[schemars(with = "String")]
    pub tls: TlsMode,
    /// Who logs in; nobody where it is absent.
    #[serde(default)]
    pub username: Option<String>,
    /// File with the password.
    #[serde(default)]
    pub password_file: Option<PathBuf>,
}

/// How the way to the server is kept private.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Deserialize, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum TlsMode {
    /// Not at all.
    None,
    /// From the first byte.
    Tls,
    /// From the server's consent on; without it nothing is sent.
    #[default]
    Starttls,
}
