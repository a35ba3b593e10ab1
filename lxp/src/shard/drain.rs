//! `lxp shard drain`: plan, show, confirm, apply.

use clap::Args;
use control_api::{Hours, NewPlan};
use shard_map::ShardId;

use crate::connection::{Connection, explain};
use crate::output::confirm::Confirm;
use crate::output::{Format, print};
use crate::rebalance::{Follow, follow, parse_hours, shown, status};

/// `lxp shard drain`.
#[derive(Debug, Args)]
pub(crate) struct Drain {
    shard: ShardId,
    /// Print the plan; nothing changes.
    #[arg(long)]
    dry_run: bool,
    /// Moves begin in these hours alone, in UTC, such as 22-6 [default: at any time]
    #[arg(long, value_name = "FROM-TO", value_parser = parse_hours)]
    between: Option<Hours>,
    #[command(flatten)]
    confirm: Confirm,
    #[command(flatten)]
    follow: Follow,
    #[command(flatten)]
    connection: Connection,
}

/// Runs the command.
pub(super) async fn run(drain: &Drain) -> anyhow::Result<()> {
    let client = drain.connection.client()?;
    let new = NewPlan::Drain { shard: drain.shard.clone(), window: drain.between };
    let plan = client.propose(&new).await.map_err(explain)?;
    if drain.dry_run {
        return print(&shown(&client, &plan, drain.follow.output).await?);
    }
    let text = shown(&client, &plan, Format::Table).await?;
    let what =
        format!("{} leaves the ring: it gets no new institution\n{}", drain.shard, text.trim_end());
    if let Err(refused) = drain.confirm.ask(&what) {
        client.cancel_plan(plan.id).await.map_err(explain)?;
        return Err(refused);
    }
    let plan = client.apply_plan(plan.id).await.map_err(explain)?;
    if plan.moves.is_empty() {
        return print(&status(&client, &plan, drain.follow.output).await?);
    }
    follow(&client, plan, &drain.follow).await
}
