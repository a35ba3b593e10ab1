//! `lxp institution pin | unpin | isolate`: shown, confirmed, done. Nothing moves by it.

use clap::Args;
use control_api::{ControlClient, Institution, Pin, Shard};
use shard_map::{ShardId, ShardState};

use super::one;
use crate::changing::Changing;
use crate::connection::{self, explain};
use crate::failure::Failure;
use crate::output::say;

/// `lxp institution pin | isolate`.
#[derive(Debug, Args)]
pub(crate) struct Wish {
    /// Its id or slug.
    institution: String,
    /// The shard [default: where it lives; for isolate an empty one]
    #[arg(long, value_name = "SHARD")]
    to: Option<ShardId>,
    #[command(flatten)]
    rest: Changing,
}

/// `lxp institution unpin`.
#[derive(Debug, Args)]
pub(crate) struct Unpin {
    /// Its id or slug.
    institution: String,
    #[command(flatten)]
    rest: Changing,
}

impl Wish {
    pub(super) async fn pin(&self) -> anyhow::Result<()> {
        let client = self.rest.connection.client()?;
        let before = find(&client, &self.institution).await?;
        let to = self.to.clone().unwrap_or_else(|| before.shard.clone());
        self.set(&client, &before, to, false).await
    }

    pub(super) async fn isolate(&self) -> anyhow::Result<()> {
        let client = self.rest.connection.client()?;
        let before = find(&client, &self.institution).await?;
        let to = match &self.to {
            Some(to) => to.clone(),
            None => empty_one(&client.shards().await.map_err(explain)?.items, &before)?,
        };
        self.set(&client, &before, to, true).await
    }
}

impl Unpin {
    pub(super) async fn run(&self) -> anyhow::Result<()> {
        let client = self.rest.connection.client()?;
        let before = find(&client, &self.institution).await?;
        let Some(from) = &before.pinned else {
            say(&format!("{} is not pinned: nothing is to be changed", before.slug));
            return self.rest.read.show(|| async { one(&before) }).await;
        };
        let slug = &before.slug;
        self.rest.confirm.ask(&format!("{slug}: pinned to {from} -> where the ring wants it"))?;
        let after = client.unpin_institution(before.id).await.map_err(explain)?;
        self.rest.read.show(|| async { one(&after) }).await?;
        let shard = client.shard(from).await.map_err(explain)?;
        if shard.weight == 0 {
            say(&format!(
                "{from} has a weight of 0 still: lxp shard weight {from} 1 puts it into the ring again"
            ));
        }
        Ok(())
    }
}

impl Wish {
    async fn set(
        &self,
        client: &ControlClient,
        before: &Institution,
        to: ShardId,
        alone: bool,
    ) -> anyhow::Result<()> {
        self.rest.confirm.ask(&what(before, &to, alone))?;
        let pin = Pin { shard: Some(to), alone };
        let after = client.pin_institution(before.id, &pin).await.map_err(explain)?;
        self.rest.read.show(|| async { one(&after) }).await?;
        say(&next(&after, alone));
        Ok(())
    }
}

async fn find(client: &ControlClient, named: &str) -> anyhow::Result<Institution> {
    let id = connection::institution(client, named).await?;
    Ok(client.institution(id).await.map_err(explain)?.institution)
}

/// The active shard on which nobody lives, or this institution alone.
fn empty_one(shards: &[Shard], institution: &Institution) -> anyhow::Result<ShardId> {
    let own = |shard: &Shard| i64::from(shard.id == institution.shard);
    let empty = shards
        .iter()
        .find(|shard| shard.state == ShardState::Active && shard.institutions == own(shard));
    let none = || {
        let next = "lxp shard add, or name one with --to: its others will belong elsewhere";
        Failure::refused("no shard is empty").next(next)
    };
    Ok(empty.ok_or_else(none)?.id.clone())
}

fn what(before: &Institution, to: &ShardId, alone: bool) -> String {
    let Institution { slug, shard, pinned, .. } = before;
    let was = pinned
        .as_ref()
        .map_or("where the ring wants it".to_owned(), |pin| format!("pinned to {pin}"));
    let others =
        if alone { "\n  nobody else belongs there any more: its weight becomes 0" } else { "" };
    format!(
        "{slug} (on {shard}): {was} -> pinned to {to}{others}\n  nothing moves before a plan is applied"
    )
}

fn next(after: &Institution, alone: bool) -> String {
    let Institution { slug, shard, pinned, .. } = after;
    match pinned {
        _ if alone => "nothing has moved; next: lxp rebalance plan".to_owned(),
        Some(pin) if pin != shard => {
            format!("nothing has moved; next: lxp move start {slug} --to {pin}")
        }
        _ => format!("{slug} stays on {shard}, whatever the ring says"),
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn institution(pinned: Option<&str>) -> Institution {
        let json = json!({
            "id": "01990000-0000-7000-8000-000000000001", "slug": "inst-017", "name": "N", "timezone": "UTC",
            "status": "active", "shard": "shard-a", "epoch": 1, "pinned": pinned,
        });
        serde_json::from_value(json).expect("an institution")
    }

    fn shard(id: &str, institutions: i64) -> Shard {
        let json = json!({
            "id": id, "state": "active", "weight": 1, "institutions": institutions, "schemaVersion": 1,
            "schemaWanted": 1, "lastError": null,
        });
        serde_json::from_value(json).expect("a shard")
    }

    fn id(shard: &str) -> ShardId {
        shard.parse().expect("an id")
    }

    #[test]
    fn a_pin_says_what_was_what_will_be_and_that_nothing_moves() {
        let golden = "\
inst-017 (on shard-a): where the ring wants it -> pinned to shard-b
  nothing moves before a plan is applied";
        assert_eq!(what(&institution(None), &id("shard-b"), false), golden);
        let golden = "\
inst-017 (on shard-a): pinned to shard-a -> pinned to shard-c
  nobody else belongs there any more: its weight becomes 0
  nothing moves before a plan is applied";
        assert_eq!(what(&institution(Some("shard-a")), &id("shard-c"), true), golden);
    }

    #[test]
    fn what_is_next_after_a_pin_depends_on_where_it_lives() {
        let moved = next(&institution(Some("shard-b")), false);
        assert_eq!(moved, "nothing has moved; next: lxp move start inst-017 --to shard-b");
        let stays = next(&institution(Some("shard-a")), false);
        assert_eq!(stays, "inst-017 stays on shard-a, whatever the ring says");
        assert!(next(&institution(Some("shard-a")), true).ends_with("lxp rebalance plan"));
    }

    #[test]
    fn an_institution_is_isolated_on_an_empty_shard_or_where_it_lives_alone() {
        let found = |all: &[(&str, i64)]| {
            let shards: Vec<_> = all.iter().map(|(id, count)| shard(id, *count)).collect();
            empty_one(&shards, &institution(None)).ok()
        };
        assert_eq!(found(&[("shard-a", 3), ("shard-b", 1), ("shard-c", 0)]), Some(id("shard-c")));
        assert_eq!(found(&[("shard-a", 1), ("shard-b", 2)]), Some(id("shard-a")));
        assert_eq!(found(&[("shard-a", 2), ("shard-b", 1)]), None);
    }
}
