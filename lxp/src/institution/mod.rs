//! `lxp institution`: the tenants, where they live, and whether they are served.

mod pins;

use std::time::Duration;

use clap::{Args, Subcommand};
use control_api::{
    ControlClient, Institution, InstitutionDetail, InstitutionQuery, List, Move, MoveQuery,
    NewInstitution,
};
use serde_json::{Value, json};
use shard_map::{InstitutionId, InstitutionStatus, ShardId};
use tokio::time::{Instant, sleep};

use crate::connection::{self, Connection, explain};
use crate::failure::{Exit, Failure};
use crate::output::{self, Read, View};

const HEADER: [&str; 8] =
    ["ID", "SLUG", "NAME", "TIMEZONE", "STATUS", "SHARD", "EPOCH", "PINNED TO"];

/// Entries that are asked for at a time.
const PAGE_MAX: i64 = 200;
const CREATED_WITHIN: Duration = Duration::from_secs(20);
const ASK_EVERY: Duration = Duration::from_millis(200);

/// `lxp institution`.
#[derive(Debug, Subcommand)]
pub(crate) enum Command {
    /// List them, by slug.
    List {
        /// Only the one with this slug.
        #[arg(long)]
        slug: Option<String>,
        /// Only this page, from 1 [default: all pages]
        #[arg(long, value_parser = clap::value_parser!(i64).range(1..))]
        page: Option<i64>,
        /// Entries of a page [default: all entries]
        #[arg(long, value_parser = clap::value_parser!(i64).range(1..=200))]
        limit: Option<i64>,
        #[command(flatten)]
        read: Read,
        #[command(flatten)]
        connection: Connection,
    },
    /// Create one; the same again changes nothing.
    Create {
        /// 1 to 63 of a-z, 0-9 and -.
        slug: String,
        /// For people.
        #[arg(long)]
        name: String,
        /// An IANA time zone.
        #[arg(long, default_value = "UTC")]
        timezone: String,
        /// Its id [default: a new one]
        #[arg(long)]
        id: Option<InstitutionId>,
        /// Where it is to live [default: where the ring says]
        #[arg(long)]
        shard: Option<ShardId>,
        #[command(flatten)]
        read: Read,
        #[command(flatten)]
        connection: Connection,
    },
    /// All that is known of one, with each shard's own word on it.
    Show(One),
    /// The shard that owns it.
    Where(One),
    /// Stop serving it; its data stays.
    Suspend(One),
    /// Serve it again.
    Resume(One),
    /// Want it on a shard, whatever the ring says; plans go by that.
    Pin(pins::Wish),
    /// Let the ring decide again where it belongs.
    Unpin(pins::Unpin),
    /// Want it on a shard by itself: nobody else belongs there any more; plans go by that.
    Isolate(pins::Wish),
}

/// One institution.
#[derive(Debug, Args)]
pub(crate) struct One {
    /// Its id or slug.
    institution: String,
    #[command(flatten)]
    read: Read,
    #[command(flatten)]
    connection: Connection,
}

/// Runs the command.
pub(crate) async fn run(command: &Command) -> anyhow::Result<()> {
    match command {
        Command::List { slug, page, limit, read, connection } => {
            let query = InstitutionQuery {
                slug: slug.clone(),
                page: *page,
                limit: *limit,
                ..InstitutionQuery::default()
            };
            list(&query, *read, connection).await
        }
        Command::Create { slug, name, timezone, id, shard, read, connection } => {
            let new = NewInstitution {
                id: *id,
                slug: slug.clone(),
                name: name.clone(),
                timezone: timezone.clone(),
                shard: shard.clone(),
            };
            let made = create(&connection.client()?, &new).await?;
            read.show(|| async { one(&made) }).await?;
            unfinished(&made)
        }
        Command::Show(which) => show(which).await,
        Command::Where(which) => whereabouts(which).await,
        Command::Suspend(which) => {
            let client = which.connection.client()?;
            let id = connection::institution(&client, &which.institution).await?;
            let changed = client.suspend_institution(id).await.map_err(explain)?;
            which.read.show(|| async { one(&changed) }).await
        }
        Command::Resume(which) => {
            let client = which.connection.client()?;
            let id = connection::institution(&client, &which.institution).await?;
            let changed = client.resume_institution(id).await.map_err(explain)?;
            which.read.show(|| async { one(&changed) }).await
        }
        Command::Pin(to) => to.pin().await,
        Command::Unpin(unpin) => unpin.run().await,
        Command::Isolate(to) => to.isolate().await,
    }
}

async fn list(query: &InstitutionQuery, read: Read, connection: &Connection) -> anyhow::Result<()> {
    let client = connection.client()?;
    if query.page.is_none() && query.limit.is_none() {
        return read.show(|| all(&client, query)).await;
    }
    let fetch = || async {
        let page = client.institutions(query).await.map_err(explain)?;
        if page.total_pages > page.page {
            output::say(&format!(
                "page {} of {}: --page {} goes on",
                page.page,
                page.total_pages,
                page.page + 1
            ));
        }
        View::list(&page, &HEADER, page.items.iter().map(row), "no institutions")
    };
    read.show(fetch).await
}

/// Every page.
async fn all(client: &ControlClient, query: &InstitutionQuery) -> anyhow::Result<View> {
    let mut items = Vec::new();
    for number in 1.. {
        let query = InstitutionQuery { page: Some(number), limit: Some(PAGE_MAX), ..query.clone() };
        let page = client.institutions(&query).await.map_err(explain)?;
        items.extend(page.items);
        if page.page >= page.total_pages {
            break;
        }
    }
    let rows: Vec<_> = items.iter().map(row).collect();
    View::list(&List { items }, &HEADER, rows, "no institutions")
}

/// Creates it and waits until its shard has it, for a while.
async fn create(client: &ControlClient, new: &NewInstitution) -> anyhow::Result<Institution> {
    let mut made = client.create_institution(new).await.map_err(explain)?;
    let begun = Instant::now();
    while made.status == InstitutionStatus::Creating && begun.elapsed() < CREATED_WITHIN {
        sleep(ASK_EVERY).await;
        made = client.institution(made.id).await.map_err(explain)?.institution;
    }
    Ok(made)
}

/// What is still being created is said as such.
fn unfinished(made: &Institution) -> anyhow::Result<()> {
    if made.status != InstitutionStatus::Creating {
        return Ok(());
    }
    let Institution { slug, shard, .. } = made;
    let what = format!("{slug} is still being created: {shard} has not answered; it goes on");
    Err(Failure::new(Exit::TimedOut, what).next(format!("lxp institution show {slug}")).into())
}

async fn show(which: &One) -> anyhow::Result<()> {
    let client = which.connection.client()?;
    let id = connection::institution(&client, &which.institution).await?;
    let fetch = || async {
        let mut shown = serde_json::to_value(client.institution(id).await.map_err(explain)?)?;
        let query = MoveQuery { institution: Some(id), active: true, limit: Some(1) };
        let under_way = client.moves(&query).await.map_err(explain)?.items.pop();
        shown["move"] = under_way.as_ref().map_or(Value::Null, moving);
        View::object(&shown)
    };
    which.read.show(fetch).await
}

/// A move under way, as its institution shows it.
fn moving(it: &Move) -> Value {
    json!({
        "id": it.id, "from": it.from, "to": it.to, "phase": it.phase,
        "next": format!("lxp move status {} -w", it.institution),
    })
}

async fn whereabouts(which: &One) -> anyhow::Result<()> {
    let client = which.connection.client()?;
    let id = connection::institution(&client, &which.institution).await?;
    let fetch = || async {
        let InstitutionDetail { institution, .. } =
            client.institution(id).await.map_err(explain)?;
        let json = json!({
            "id": institution.id, "slug": institution.slug,
            "shard": institution.shard, "epoch": institution.epoch,
        });
        View::object(&json)
    };
    which.read.show(fetch).await
}

fn one(institution: &Institution) -> anyhow::Result<View> {
    View::list(institution, &HEADER, [row(institution)], "")
}

fn row(institution: &Institution) -> Vec<String> {
    let Institution { id, slug, name, timezone, status, shard, epoch, pinned } = institution;
    vec![
        id.to_string(),
        slug.clone(),
        name.clone(),
        timezone.clone(),
        status.to_string(),
        shard.to_string(),
        epoch.to_string(),
        pinned.as_ref().map_or_else(|| "-".to_owned(), ToString::to_string),
    ]
}
