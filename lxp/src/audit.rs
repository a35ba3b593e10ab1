//! `lxp audit`: who did what in an institution, through its API; and whether that is what was written.
//!
//! A walk along the chain is many calls, each of which goes on from the hash that the one before worked out: what is
//! trusted is the last hash that was printed, not the server's memory of it. Kept elsewhere, it finds whoever works out
//! every hash anew (`--after`, `--hash`).

use clap::Subcommand;
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use crate::api::Api;
use crate::failure::Failure;
use crate::load::api::{Page, Session};
use crate::output::{Read, View, say};

const HEADER: [&str; 6] = ["SEQ", "AT", "TYPE", "OF", "ACTOR", "REQUEST"];

/// Events of one call.
const STRETCH: &str = "20000";

/// `lxp audit`.
#[derive(Debug, Subcommand)]
pub(crate) enum Command {
    /// List what was done, the latest first.
    List {
        /// Only events of this type, such as `PROGRAM_CREATED`.
        #[arg(long = "type", value_name = "TYPE")]
        kind: Option<String>,
        /// Only what this user caused.
        #[arg(long, value_name = "USER_ID")]
        actor: Option<String>,
        /// Only what happened to this thing, such as courses/ID.
        #[arg(long, value_name = "THING")]
        of: Option<String>,
        /// So many of them.
        #[arg(long, default_value_t = 50, value_parser = clap::value_parser!(u16).range(1..=200))]
        limit: u16,
        #[command(flatten)]
        read: Read,
        #[command(flatten)]
        api: Api,
    },
    /// Work out every hash again; exit code 5 where one is not what it should be.
    Verify {
        /// Begin after this event; with --hash
        #[arg(long, value_name = "SEQ", requires = "hash", default_value_t = 0)]
        after: i64,
        /// The hash that it had when it was verified before.
        #[arg(long, value_name = "HEX", requires = "after")]
        hash: Option<String>,
        #[command(flatten)]
        read: Read,
        #[command(flatten)]
        api: Api,
    },
}

/// What a stretch, or the whole chain, came to.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
struct Walk {
    events: i64,
    first: Option<i64>,
    last: i64,
    head: String,
    complete: bool,
    ok: bool,
    broken: Option<Broken>,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
struct Broken {
    seq: i64,
    why: String,
}

impl Walk {
    /// With the stretch that follows it.
    fn then(self, next: Self) -> Self {
        Self { events: self.events + next.events, first: self.first.or(next.first), ..next }
    }
}

/// Runs the command.
pub(crate) async fn run(command: &Command) -> anyhow::Result<()> {
    match command {
        Command::List { kind, actor, of, limit, read, api } => {
            let session = api.session()?;
            let limit = limit.to_string();
            let given = [("type", kind), ("actor", actor), ("of", of)];
            let mut query = vec![("limit", limit.as_str())];
            query.extend(given.iter().filter_map(|(name, value)| Some((*name, value.as_deref()?))));
            let fetch = || async {
                let page: Page<Value> =
                    session.list("/v1/audit", &query).await.map_err(Failure::from)?;
                let rows = page.items.iter().map(row);
                View::list(&json!({"items": page.items}), &HEADER, rows, "nothing was done yet")
            };
            read.show(fetch).await
        }
        Command::Verify { after, hash, read, api } => {
            let session = api.session()?;
            let walk = walk(&session, *after, hash.clone()).await?;
            read.show(|| async { View::object(&walk) }).await?;
            judge(&walk)
        }
    }
}

/// Stretch after stretch, to the end or to the first that is broken.
async fn walk(session: &Session, after: i64, hash: Option<String>) -> anyhow::Result<Walk> {
    let mut all: Option<Walk> = None;
    loop {
        let (after, hash) = match &all {
            None => (after, hash.clone()),
            Some(walk) => (walk.last, Some(walk.head.clone())),
        };
        let after = after.to_string();
        let mut query = vec![("after", after.as_str()), ("limit", STRETCH)];
        query.extend(hash.as_deref().map(|hash| ("hash", hash)));
        let next: Walk = session.read("/v1/audit:verify", &query).await.map_err(Failure::from)?;
        let is_new = next.events > 0;
        let walk = match all {
            None => next,
            Some(walk) => walk.then(next),
        };
        // One that gets no further would never end.
        if walk.complete || !walk.ok || !is_new {
            return Ok(walk);
        }
        say(&format!("{} events are sound ...", walk.events));
        all = Some(walk);
    }
}

fn judge(walk: &Walk) -> anyhow::Result<()> {
    let Some(Broken { seq, why }) = &walk.broken else { return Ok(()) };
    let what = match why.as_str() {
        "missing" => "is missing".to_owned(),
        "changed" => "is not what was written, or what stands before it is not".to_owned(),
        "other-hash" => "has another hash than it had".to_owned(),
        "beyond-head" => "was added past the end".to_owned(),
        other => other.to_owned(),
    };
    Err(Failure::unhealthy(format!("the audit is broken: event {seq} {what}"))
        .next("compare it with a backup: up to the event before it, it is sound")
        .into())
}

fn row(entry: &Value) -> Vec<String> {
    let text = |name: &str| entry[name].as_str().unwrap_or("-").to_owned();
    let at: String = text("createdAt").chars().take(19).collect::<String>().replace('T', " ");
    let of = format!("{}/{}", text("aggregate"), text("aggregateId"));
    vec![entry["seq"].to_string(), at, text("type"), of, text("actorId"), text("requestId")]
}

#[cfg(test)]
mod tests {
    use super::*;

    fn walk(first: Option<i64>, last: i64, broken: Option<Broken>) -> Walk {
        let events = first.map_or(0, |first| last - first + 1);
        let (head, ok) = (format!("{last:064x}"), broken.is_none());
        Walk { events, first, last, head, complete: ok, ok, broken }
    }

    #[test]
    fn stretches_add_up() {
        let both = walk(Some(1), 20_000, None).then(walk(Some(20_001), 20_007, None));
        assert_eq!((both.events, both.first, both.last), (20_007, Some(1), 20_007));
        assert_eq!(both.head, walk(None, 20_007, None).head);
    }

    #[test]
    fn a_broken_chain_is_unhealthy() {
        assert!(judge(&walk(Some(1), 3, None)).is_ok());
        let broken = Broken { seq: 4, why: "missing".to_owned() };
        let error = judge(&walk(Some(1), 3, Some(broken))).expect_err("it is broken");
        let failure = Failure::of(&error);
        assert_eq!(failure.exit(), crate::failure::Exit::Unhealthy);
        assert!(failure.to_string().contains("event 4 is missing"), "{failure}");
    }

    #[test]
    fn a_row_says_who_did_what() {
        let entry = json!({"seq": 7, "createdAt": "2026-11-29T08:00:00.1Z", "type": "COURSE_CREATED",
            "aggregate": "courses", "aggregateId": "c", "actorId": null, "requestId": "r"});
        let expected = ["7", "2026-11-29 08:00:00", "COURSE_CREATED", "courses/c", "-", "r"];
        assert_eq!(row(&entry), expected);
    }
}
