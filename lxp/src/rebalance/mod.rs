//! `lxp rebalance`: institutions to where pins and the ring want them, as a plan that is shown, then applied.

pub(crate) mod find;
pub(crate) mod view;
pub(crate) mod watch;

use chrono::TimeDelta;
use clap::{Args, Subcommand};
use control_api::{ControlClient, Hours, NewPlan, Plan};

use crate::connection::{Connection, explain};
use crate::moves::find::Slugs;
use crate::output::confirm::Confirm;
use crate::output::{Format, print, say};

/// `lxp rebalance`.
#[derive(Debug, Subcommand)]
pub(crate) enum Command {
    /// Make a plan and show it; nothing moves before it is applied.
    Plan(Make),
    /// Apply a plan: its moves begin, so many at once.
    Apply(Apply),
    /// How far a plan is.
    Status(Status),
    /// Begin no further move of a plan; those under way go on.
    Pause(Change),
    /// Go on with a paused plan.
    Resume(Change),
    /// End a plan: moves under way arrive, others do not begin.
    Cancel(Change),
}

/// `lxp rebalance plan`.
#[derive(Debug, Args)]
pub(crate) struct Make {
    /// Moves begin in these hours alone, in UTC, such as 22-6 [default: at any time]
    #[arg(long, value_name = "FROM-TO", value_parser = parse_hours)]
    between: Option<Hours>,
    /// How to print it.
    #[arg(short, long, value_enum, default_value_t = Format::Table)]
    output: Format,
    #[command(flatten)]
    connection: Connection,
}

/// `lxp rebalance apply`.
#[derive(Debug, Args)]
pub(crate) struct Apply {
    /// A plan by its id or short name [default: the newest that is only proposed]
    plan: Option<String>,
    #[command(flatten)]
    confirm: Confirm,
    #[command(flatten)]
    follow: Follow,
    #[command(flatten)]
    connection: Connection,
}

/// `lxp rebalance status`.
#[derive(Debug, Args)]
pub(crate) struct Status {
    /// A plan by its id or short name [default: the one that runs, else the newest]
    plan: Option<String>,
    #[command(flatten)]
    follow: Follow,
    #[command(flatten)]
    connection: Connection,
}

/// `lxp rebalance pause | resume | cancel`.
#[derive(Debug, Args)]
pub(crate) struct Change {
    /// A plan by its id or short name [default: the one that runs, else the newest]
    plan: Option<String>,
    #[command(flatten)]
    confirm: Confirm,
    /// How to print it.
    #[arg(short, long, value_enum, default_value_t = Format::Table)]
    output: Format,
    #[command(flatten)]
    connection: Connection,
}

/// Whether to stay, and how to print.
#[derive(Debug, Args)]
pub(crate) struct Follow {
    /// Stay until it has ended.
    #[arg(short, long)]
    pub(crate) watch: bool,
    /// With --watch: stop watching after this long, such as 10m; the plan goes on.
    #[arg(long, value_parser = crate::token::parse_ttl, requires = "watch")]
    pub(crate) timeout: Option<TimeDelta>,
    /// How to print it.
    #[arg(short, long, value_enum, default_value_t = Format::Table)]
    pub(crate) output: Format,
}

/// Runs the command.
pub(crate) async fn run(command: &Command) -> anyhow::Result<()> {
    match command {
        Command::Plan(make) => propose(make).await,
        Command::Apply(apply) => begin(apply).await,
        Command::Status(status) => {
            let client = status.connection.client()?;
            let plan = find::one(&client, status.plan.as_deref(), find::Wanted::Applied).await?;
            follow(&client, plan, &status.follow).await
        }
        Command::Pause(change) => change.make(Word::Pause).await,
        Command::Resume(change) => change.make(Word::Resume).await,
        Command::Cancel(change) => change.make(Word::Cancel).await,
    }
}

async fn propose(make: &Make) -> anyhow::Result<()> {
    let client = make.connection.client()?;
    let new = NewPlan::Rebalance { window: make.between };
    let plan = client.propose(&new).await.map_err(explain)?;
    print(&shown(&client, &plan, make.output).await?)
}

async fn begin(apply: &Apply) -> anyhow::Result<()> {
    let client = apply.connection.client()?;
    let plan = find::one(&client, apply.plan.as_deref(), find::Wanted::Proposed).await?;
    if plan.moves.is_empty() {
        return print(&shown(&client, &plan, apply.follow.output).await?);
    }
    apply.confirm.ask(shown(&client, &plan, Format::Table).await?.trim_end())?;
    let plan = client.apply_plan(plan.id).await.map_err(explain)?;
    follow(&client, plan, &apply.follow).await
}

/// How far a plan is, once or until it has ended.
pub(crate) async fn follow(
    client: &ControlClient,
    plan: Plan,
    follow: &Follow,
) -> anyhow::Result<()> {
    if follow.watch {
        return watch::until_ended(client, plan, follow.output, follow.timeout).await;
    }
    print(&status(client, &plan, follow.output).await?)
}

/// A plan as it is proposed.
pub(crate) async fn shown(
    client: &ControlClient,
    plan: &Plan,
    output: Format,
) -> anyhow::Result<String> {
    printed(client, plan, output, |slugs| view::proposal(plan, slugs)).await
}

/// A plan as it goes on.
pub(crate) async fn status(
    client: &ControlClient,
    plan: &Plan,
    output: Format,
) -> anyhow::Result<String> {
    let now = service_kit::clock::now();
    printed(client, plan, output, |slugs| Ok(view::block(plan, slugs, now))).await
}

/// A plan as JSON, or in words, for which its institutions' names are asked.
async fn printed(
    client: &ControlClient,
    plan: &Plan,
    output: Format,
    words: impl FnOnce(&Slugs) -> anyhow::Result<String>,
) -> anyhow::Result<String> {
    match output {
        Format::Json => Ok(format!("{}\n", serde_json::to_string(plan)?)),
        Format::Table => words(&slugs(client, plan).await?),
    }
}

async fn slugs(client: &ControlClient, plan: &Plan) -> anyhow::Result<Slugs> {
    let mut slugs = Slugs::default();
    slugs.add_ids(client, plan.moves.iter().map(|planned| planned.institution)).await?;
    Ok(slugs)
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Word {
    Pause,
    Resume,
    Cancel,
}

impl Change {
    async fn make(&self, word: Word) -> anyhow::Result<()> {
        let client = self.connection.client()?;
        let plan = find::one(&client, self.plan.as_deref(), find::Wanted::Applied).await?;
        let moving = plan.progress.moving;
        let what = match word {
            Word::Pause => format!("paused; {moving} under way go on, no other begins"),
            Word::Resume => "running".to_owned(),
            Word::Cancel => format!("cancelled; {moving} under way arrive, no other begins"),
        };
        self.confirm.ask(&format!("plan {}: {} -> {what}", plan.id, plan.state))?;
        let plan = match word {
            Word::Pause => client.pause_plan(plan.id).await,
            Word::Resume => client.resume_plan(plan.id).await,
            Word::Cancel => client.cancel_plan(plan.id).await,
        };
        let plan = plan.map_err(explain)?;
        print(&status(&client, &plan, self.output).await?)?;
        if word == Word::Cancel && moving > 0 {
            say("`lxp move status -w` shows those that still move");
        }
        Ok(())
    }
}

/// `22-6`.
pub(crate) fn parse_hours(text: &str) -> Result<Hours, String> {
    let expected =
        || format!("`{text}`: two different hours of the day in UTC are expected, such as 22-6");
    let (from, to) = text.split_once('-').ok_or_else(expected)?;
    let hour = |text: &str| text.parse().map_err(|_| expected());
    let hours = Hours { from: hour(from)?, to: hour(to)? };
    if hours.is_valid() { Ok(hours) } else { Err(expected()) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn hours_are_two_of_a_day_that_differ() {
        assert_eq!(parse_hours("22-6"), Ok(Hours { from: 22, to: 6 }));
        for bad in ["", "22", "22-24", "6-6", "-6", "a-b", "22:00-6:00"] {
            assert!(parse_hours(bad).is_err_and(|why| why.contains("such as 22-6")), "{bad}");
        }
    }
}
