//! Which control plane to speak to, and as whom: options, the environment, else the local platform found here.

use std::path::PathBuf;

use anyhow::Context as _;
use clap::Args;
use control_api::{ClientError, ControlClient, Institution, InstitutionQuery};
use shard_map::InstitutionId;

use crate::failure::Failure;
use crate::local::layout::Layout;
use crate::local::secrets::Secrets;
use crate::local::state::State;

/// The options of every command that asks the control plane.
#[derive(Debug, Clone, Args)]
#[command(next_help_heading = "Control plane")]
pub(crate) struct Connection {
    /// Its URL [default: that of the local platform in .lxp, here or above]
    #[arg(long, env = "LXP_CONTROL_URL", value_name = "URL")]
    control_url: Option<String>,
    /// A bearer token of role platform-ops [default: the local platform's]
    #[arg(long, env = "LXP_CONTROL_TOKEN", value_name = "TOKEN", hide_env_values = true)]
    control_token: Option<String>,
    /// The local platform's data directory [default: .lxp here or above]
    #[arg(long, env = "LXP_DATA_DIR", value_name = "DIR")]
    data_dir: Option<PathBuf>,
}

impl Connection {
    /// The local platform, where it is the one that is spoken to.
    pub(crate) fn local(&self) -> anyhow::Result<Option<State>> {
        let state = State::read(&self.layout()?);
        let named = self.control_url.as_deref();
        let is_it = named.is_none() || named == state.url("control-plane");
        Ok(is_it.then_some(state))
    }

    /// Where the local platform is.
    pub(crate) fn layout(&self) -> anyhow::Result<Layout> {
        Layout::find(self.data_dir.as_deref())
    }

    /// A client; nothing is sent yet.
    pub(crate) fn client(&self) -> anyhow::Result<ControlClient> {
        let layout = self.layout()?;
        let url = match &self.control_url {
            Some(url) => url.clone(),
            None => State::read(&layout)
                .url("control-plane")
                .map(str::to_owned)
                .ok_or_else(|| missing("no control plane is named", "--control-url"))?,
        };
        let token = match &self.control_token {
            Some(token) => token.clone(),
            // The local platform's token is for nobody else.
            None if self.control_url.is_some() => {
                return Err(missing("no token for the control plane", "--control-token").into());
            }
            None => Secrets::read(&layout)?.platform_ops,
        };
        ControlClient::new(&url, &token).map_err(|error| {
            let next = "give --control-url or LXP_CONTROL_URL as http://host:port";
            Failure::usage(error.to_string()).next(next).into()
        })
    }
}

fn missing(what: &str, option: &str) -> Failure {
    let what = format!("{what}, and there is no local platform here or above");
    let variable = option.trim_start_matches('-').replace('-', "_").to_uppercase();
    Failure::usage(what).next(format!("give {option} or LXP_{variable}, or `lxp local up`"))
}

/// A failed call as its reader wants it.
#[expect(clippy::needless_pass_by_value, reason = "it stands in map_err")]
pub(crate) fn explain(error: ClientError) -> anyhow::Error {
    let failure = match &error {
        ClientError::Setup { .. } => Failure::usage(error.to_string()),
        ClientError::Refused { refusal, .. } if refusal.status < 500 => {
            let next = match refusal.status {
                401 | 403 => {
                    "look at --control-token and LXP_CONTROL_TOKEN: `lxp local env` prints a good one"
                }
                404 => "see what there is: lxp shard list, lxp node list, lxp institution list",
                _ => "change the command as it says",
            };
            Failure::refused(error.to_string()).next(next)
        }
        _ => Failure::unhealthy(error.to_string())
            .next("lxp local status, and lxp local logs control-plane"),
    };
    failure.into()
}

/// The institution that a person named: by id or by slug.
pub(crate) async fn institution(
    client: &ControlClient,
    named: &str,
) -> anyhow::Result<InstitutionId> {
    if let Ok(id) = named.parse() {
        return Ok(id);
    }
    let query = InstitutionQuery { slug: Some(named.to_owned()), ..InstitutionQuery::default() };
    let page = client.institutions(&query).await.map_err(explain)?;
    let found: Option<Institution> = page.items.into_iter().next();
    let unknown = || {
        Failure::refused(format!("no institution has the id or slug `{named}`"))
            .next("lxp institution list")
    };
    Ok(found.with_context(unknown).map_err(|error| anyhow::Error::from(Failure::of(&error)))?.id)
}
