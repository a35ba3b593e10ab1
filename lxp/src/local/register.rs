//! Makes the shards known to the control plane, and the demo institution. Repeating it is harmless, and so it is
//! repeated while the control plane is away or has its hands full: a busy machine is no reason to give up.

use std::path::Path;
use std::time::Duration;

use anyhow::Context as _;
use control_api::{
    ClientError, ControlClient, Dsn, NewInstitution, NewShard, Shard, ShardChange, ShardPostgres,
};
use shard_map::{InstitutionId, InstitutionStatus, ShardId, ShardState};
use tokio::time::{Instant, sleep};

use crate::failure::Failure;

/// Migrating and hearing from a node may take this long.
const ACTIVE_WITHIN: Duration = Duration::from_mins(1);
const ASK_EVERY: Duration = Duration::from_millis(100);

const DEMO_SLUG: &str = "demo";

/// Where a shard's parts are.
#[derive(Debug)]
pub(crate) struct ShardParts<'a> {
    pub(crate) id: &'a str,
    /// Its share of the ring, when it is new.
    pub(crate) weight: u32,
    /// DSN as owner.
    pub(crate) primary: &'a str,
    pub(crate) replicas: &'a [String],
    pub(crate) redis: &'a [String],
}

pub(crate) fn client(url: &str, token: &str) -> anyhow::Result<ControlClient> {
    ControlClient::new(url, token).context("the control plane's client")
}

/// Adds a shard, or says where its parts are now, and waits until it serves.
pub(crate) async fn shard(
    client: &ControlClient,
    parts: &ShardParts<'_>,
    log: &Path,
) -> anyhow::Result<()> {
    let id: ShardId = parts.id.parse()?;
    let dsns = |urls: &[String]| urls.iter().map(Dsn::new).collect::<Vec<_>>();
    let postgres =
        ShardPostgres { primary: Dsn::new(parts.primary), replicas: dsns(parts.replicas) };
    let redis = dsns(parts.redis);
    let new = NewShard { id: id.clone(), weight: parts.weight, postgres, redis };
    let begun = Instant::now();
    let mut shard = patiently(begun, async || announce(client, &new).await).await?;
    while !serves(&shard) {
        if begun.elapsed() > ACTIVE_WITHIN {
            return Err(inactive(&shard).log(log).next("mend that, then `lxp local up`").into());
        }
        sleep(ASK_EVERY).await;
        shard = patiently(begun, async || client.shard(&id).await).await?;
    }
    Ok(())
}

/// Adds it, or says where its parts are now and has it migrated.
async fn announce(client: &ControlClient, new: &NewShard) -> Result<Shard, ClientError> {
    if !client.shards().await?.items.iter().any(|shard| shard.id == new.id) {
        return client.add_shard(new).await;
    }
    let change = ShardChange {
        postgres: Some(new.postgres.clone()),
        redis: Some(new.redis.clone()),
        ..ShardChange::default()
    };
    let shard = client.change_shard(&new.id, &change).await?;
    // A build that brings migrations: nobody else asks for them on a platform of one machine.
    if is_migrated(&shard) { Ok(shard) } else { client.migrate_shard(&new.id).await }
}

/// Asks again while what is in the way passes, for as long as a shard may take.
async fn patiently<T>(
    begun: Instant,
    ask: impl AsyncFn() -> Result<T, ClientError>,
) -> Result<T, ClientError> {
    loop {
        match ask().await {
            Err(error) if error.is_passing() && begun.elapsed() < ACTIVE_WITHIN => {
                sleep(ASK_EVERY).await;
            }
            answered => return answered,
        }
    }
}

/// Migrated to what this build wants, too: an upgrade finds the shard active before it is migrated. One that is drained
/// serves whom it still has.
fn serves(shard: &Shard) -> bool {
    matches!(shard.state, ShardState::Active | ShardState::Draining) && is_migrated(shard)
}

fn is_migrated(shard: &Shard) -> bool {
    shard.schema_version == Some(shard.schema_wanted)
}

fn inactive(shard: &Shard) -> Failure {
    let Shard { id, state, schema_version, schema_wanted, last_error, .. } = shard;
    let has = schema_version.map_or("none".to_owned(), |version| version.to_string());
    let waits_for =
        if is_migrated(shard) { "no node of it is ready" } else { "the migration is not done" };
    let why = last_error.as_deref().unwrap_or(waits_for);
    Failure::unhealthy(format!(
        "{id} is {state} after {} s: migration {has} of {schema_wanted}; {why}",
        ACTIVE_WITHIN.as_secs()
    ))
}

/// The demo institution, created when it is missing.
pub(crate) async fn demo_institution(client: &ControlClient) -> anyhow::Result<InstitutionId> {
    let demo = NewInstitution {
        id: None,
        slug: DEMO_SLUG.to_owned(),
        name: "Demo University".to_owned(),
        timezone: "Europe/London".to_owned(),
        shard: None,
    };
    let begun = Instant::now();
    loop {
        let made = patiently(begun, async || client.create_institution(&demo).await).await?;
        if made.status != InstitutionStatus::Creating {
            return Ok(made.id);
        }
        if begun.elapsed() > ACTIVE_WITHIN {
            let what = format!("the demo institution is still being created on {}", made.shard);
            return Err(Failure::unhealthy(what).next("lxp shard list").into());
        }
        sleep(ASK_EVERY).await;
    }
}

#[cfg(test)]
mod tests {
    use tokio::net::TcpListener;

    use super::*;
    use crate::answers::serve;

    const BUSY: &str = r#"{"status":503,"code":"overloaded","title":"Overloaded"}"#;
    const TAKEN: &str = r#"{"status":409,"code":"exists","title":"There is one"}"#;

    #[tokio::test]
    async fn a_control_plane_with_its_hands_full_is_asked_again_and_a_refusal_is_final() {
        service_kit::tls::install_provider();
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port");
        let url = format!("http://{}", listener.local_addr().expect("an address"));
        let client = client(&url, "token").expect("a client");
        let asked = patiently(Instant::now(), async || client.shards().await);
        let answers = [(503, BUSY), (503, BUSY), (409, TAKEN)];
        let (answered, heads) = tokio::join!(asked, serve(listener, &answers));
        let error = answered.expect_err("the refusal");
        assert_eq!(error.refusal().map(|refusal| refusal.code.as_str()), Some("exists"));
        assert_eq!(heads.len(), answers.len());
    }
}
