//! `lxp shard weight | capacity | undrain | remove`: shown, confirmed, done.

use clap::Args;
use control_api::{Shard, ShardChange, ShardRemoval};
use shard_map::ShardId;

use super::one;
use crate::changing::Changing;
use crate::connection::explain;
use crate::output::say;

/// `lxp shard weight`.
#[derive(Debug, Args)]
pub(crate) struct Weight {
    shard: ShardId,
    /// Its share of the ring relative to others; 0: nobody but who is pinned to it.
    #[arg(value_name = "WEIGHT", value_parser = clap::value_parser!(u32).range(0..=100))]
    share: u32,
    #[command(flatten)]
    rest: Changing,
}

/// `lxp shard capacity`.
#[derive(Debug, Args)]
pub(crate) struct Capacity {
    shard: ShardId,
    /// How many institutions it takes; 0: as many as come.
    institutions: u32,
    #[command(flatten)]
    rest: Changing,
}

/// `lxp shard undrain`.
#[derive(Debug, Args)]
pub(crate) struct Undrain {
    shard: ShardId,
    #[command(flatten)]
    rest: Changing,
}

/// `lxp shard remove`.
#[derive(Debug, Args)]
pub(crate) struct Remove {
    shard: ShardId,
    /// Its database is gone for good: that it does not answer shall keep nobody. Where it does, it must be empty.
    #[arg(long)]
    database_is_lost: bool,
    #[command(flatten)]
    rest: Changing,
}

impl Weight {
    pub(super) async fn run(&self) -> anyhow::Result<()> {
        let change = ShardChange { weight: Some(self.share), ..ShardChange::default() };
        self.rest.change(&self.shard, &change).await
    }
}

impl Undrain {
    pub(super) async fn run(&self) -> anyhow::Result<()> {
        let client = self.rest.connection.client()?;
        let before = client.shard(&self.shard).await.map_err(explain)?;
        self.rest.confirm.ask(&format!(
            "{}: {} -> active: the ring gives it institutions again\n  nothing moves before a plan is applied",
            before.id, before.state
        ))?;
        let after = client.undrain_shard(&self.shard).await.map_err(explain)?;
        self.rest.read.show(|| async { one(&after) }).await?;
        if let Some(next) = &after.next {
            say(&format!("nothing has moved; next: {next}"));
        }
        Ok(())
    }
}

impl Capacity {
    pub(super) async fn run(&self) -> anyhow::Result<()> {
        let change = ShardChange { capacity: Some(self.institutions), ..ShardChange::default() };
        self.rest.change(&self.shard, &change).await
    }
}

impl Remove {
    pub(super) async fn run(&self) -> anyhow::Result<()> {
        let client = self.rest.connection.client()?;
        let before = client.shard(&self.shard).await.map_err(explain)?;
        self.rest.confirm.ask(&removal(&before, self.database_is_lost))?;
        let asked = ShardRemoval { database_is_lost: self.database_is_lost };
        let removed = client.remove_shard(&self.shard, asked).await.map_err(explain)?;
        self.rest.read.show(|| async { one(&removed) }).await?;
        say(&format!("{} is removed: stop its nodes, then its databases", removed.id));
        Ok(())
    }
}

impl Changing {
    async fn change(&self, shard: &ShardId, change: &ShardChange) -> anyhow::Result<()> {
        let client = self.connection.client()?;
        let before = client.shard(shard).await.map_err(explain)?;
        self.confirm.ask(&what(&before, change))?;
        let after = client.change_shard(shard, change).await.map_err(explain)?;
        self.read.show(|| async { one(&after) }).await?;
        if let Some(next) = &after.next {
            say(&format!("nothing has moved; next: {next}"));
        }
        Ok(())
    }
}

fn removal(before: &Shard, database_is_lost: bool) -> String {
    let Shard { id, state, institutions, .. } = before;
    let database = if database_is_lost {
        "; if its database does not answer, nobody looks whether it held rows: what is in it is lost"
    } else {
        "; its database stays as it is"
    };
    format!("{id} ({state}, {institutions} institutions) -> removed{database}")
}

/// `shard-a: weight 1 -> 2`.
fn what(before: &Shard, change: &ShardChange) -> String {
    let unlimited = |most: Option<i64>| most.map_or("none".to_owned(), |most| most.to_string());
    let weight = change.weight.map(|to| format!("weight {} -> {to}", before.weight));
    let capacity = change.capacity.map(|to| {
        let to = (to > 0).then_some(i64::from(to));
        format!("capacity {} -> {}", unlimited(before.capacity), unlimited(to))
    });
    let all: Vec<String> = weight.into_iter().chain(capacity).collect();
    format!("{}: {}\n  nothing moves before a plan is applied", before.id, all.join(", "))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn whoever_gives_a_database_up_is_told_what_is_lost() {
        let shard = super::super::tests::shard();
        assert!(removal(&shard, false).ends_with("its database stays as it is"));
        assert!(removal(&shard, true).ends_with("is lost"));
    }

    #[test]
    fn a_change_says_what_was_and_what_will_be() {
        let text = |change| what(&super::super::tests::shard(), &change);
        let weight = ShardChange { weight: Some(0), ..ShardChange::default() };
        let golden = "shard-c: weight 2 -> 0\n  nothing moves before a plan is applied";
        assert_eq!(text(weight), golden);
        let capacity = ShardChange { capacity: Some(0), ..ShardChange::default() };
        assert!(text(capacity).starts_with("shard-c: capacity 500 -> none\n"));
    }
}
