//! Which router to speak to for an institution, and as whom: options, the environment, else the local platform found
//! here, whose key signs a token of the institution that is named.

use std::path::PathBuf;

use chrono::TimeDelta;
use clap::Args;
use service_kit::token::Role;
use shard_map::InstitutionId;

use crate::failure::Failure;
use crate::load::api::{Router, Session};
use crate::local::layout::Layout;
use crate::local::state::State;
use crate::token::{local_key, mint_for_role};

/// One command makes its calls one after another.
const CONCURRENCY: usize = 1;

/// How long a token lives that is made for one command.
const TOKEN_TTL: TimeDelta = TimeDelta::minutes(15);

/// The options of every command that asks an institution's API.
#[derive(Debug, Clone, Args)]
#[command(next_help_heading = "Institution")]
pub(crate) struct Api {
    /// The router's URL [default: that of the local platform in .lxp, here or above]
    #[arg(long, env = "LXP_URL", value_name = "URL")]
    url: Option<String>,
    /// A bearer token of an admin of the institution.
    #[arg(long, env = "LXP_TOKEN", value_name = "TOKEN", hide_env_values = true)]
    token: Option<String>,
    /// The institution, with a token that the local platform's key signs; instead of a token.
    #[arg(long, value_name = "ID")]
    institution: Option<InstitutionId>,
    /// The local platform's data directory [default: .lxp here or above]
    #[arg(long, env = "LXP_DATA_DIR", value_name = "DIR")]
    data_dir: Option<PathBuf>,
}

impl Api {
    /// The API of the institution; nothing is sent yet.
    pub(crate) fn session(&self) -> anyhow::Result<Session> {
        let layout = Layout::find(self.data_dir.as_deref())?;
        let url = match &self.url {
            Some(url) => url.clone(),
            None => State::read(&layout).url("router").map(str::to_owned).ok_or_else(|| {
                Failure::usage("no router is named, and there is no local platform here or above")
                    .next("give --url or LXP_URL, or `lxp local up`")
            })?,
        };
        let (name, token) = match (&self.institution, &self.token) {
            (Some(institution), _) => {
                let key = local_key(&layout)?;
                let token = mint_for_role(&key, *institution, Role::Admin, None, TOKEN_TTL)?;
                (institution.to_string(), token)
            }
            (None, Some(token)) => ("the token's institution".to_owned(), token.clone()),
            (None, None) => {
                let what = "neither an institution nor a token is named";
                return Err(Failure::usage(what)
                    .next("give --institution ID (a local platform's), or --token or LXP_TOKEN")
                    .into());
            }
        };
        Ok(Router::new(&url, CONCURRENCY)?.session(&name, &token)?)
    }
}
