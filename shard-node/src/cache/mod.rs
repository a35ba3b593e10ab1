//! Two levels of cache: in the process for under a second, in the shard's Redis Cluster for minutes.
//!
//! What must stay true:
//! - A key carries the institution (as its hash tag), the *epoch* at which this shard owns it, the entity and
//!   the entity's *generation*: a stale cache fences itself, and invalidation is one write of a new generation.
//! - A generation is a random token, never a counter: one that was evicted cannot come back.
//! - The generation is read before the row, and the row from the primary: a fill that lost a race with a write
//!   lands under a generation that nobody reads any more.
//! - What is held in the process is at most 1 s behind: [`LOCAL_TTL`] plus what Redis is waited for.
//! - Redis down is slower, never wrong: then only the process's level answers. An invalidation that Redis did not
//!   confirm is told to all nodes at once ([`news`]) and repeated by the relay; and a Redis that was away, and may
//!   have kept what is stale, is not read until the relay has caught up (`redis::health`).
//! - So many fills at once ask the primary, and so many wait, whatever Redis does ([`Gates`]): beyond, 503. Of one
//!   institution half as many.

mod encoded;
pub mod news;

use std::collections::BTreeSet;
use std::sync::Arc;
use std::time::{Duration, Instant};

use futures::future::join_all;
use moka::future::Cache as Moka;
use serde::Serialize;
use serde::de::DeserializeOwned;
use service_kit::Problem;
use shard_map::{Epoch, InstitutionId};
use sqlx::PgPool;
use uuid::Uuid;

use crate::error::Error;
use crate::limits::Gates;
use crate::redis::Redis;

pub use encoded::Encoded;
use encoded::Held;

/// How long the process believes a generation or a value. With `redis::PATIENCE` under 1 s.
const LOCAL_TTL: Duration = Duration::from_millis(700);

/// Entries held in the process at most, of each kind.
const LOCAL_CAPACITY: u64 = 100_000;

/// How long a generation is kept in Redis when nobody writes.
const GENERATION_TTL: Duration = Duration::from_hours(24);

/// Where one value is kept.
#[derive(Debug, Clone, Copy)]
pub struct Key<'a> {
    /// The tenant.
    pub institution: InstitutionId,
    /// The epoch at which this shard owns it.
    pub epoch: Epoch,
    /// The entity whose generation it hangs on.
    pub entity: &'static str,
    /// What it is within the entity.
    pub item: &'a str,
}

/// The two levels.
pub struct Cache {
    generations: Moka<String, Generation>,
    values: Moka<String, Held>,
    redis: Arc<Redis>,
    fills: Gates,
}

#[derive(Clone)]
struct Generation {
    token: Arc<str>,
    /// Whether Redis knows it: only then are values kept there.
    shared: bool,
    /// Before it was read. A process that is starved may learn of it much later.
    asked_at: Instant,
}

impl Generation {
    fn is_fresh(&self) -> bool {
        self.asked_at.elapsed() < LOCAL_TTL
    }
}

impl Cache {
    /// A cache over a Redis Cluster; `fills` is the way to the primary.
    pub fn new(redis: Arc<Redis>, fills: Gates) -> Self {
        Self { generations: local(), values: local(), redis, fills }
    }

    /// The Redis Cluster below.
    pub fn redis(&self) -> &Redis {
        &self.redis
    }

    /// The value under a key, else what `load` reads from the primary; `None` is a value, too.
    ///
    /// One flight a key and node: those who come meanwhile get the first one's result. What the process holds is found
    /// without any of the rest being set up.
    pub async fn get_or_load<T, L, F>(
        &self,
        key: Key<'_>,
        ttl: Duration,
        load: L,
    ) -> Result<Option<Encoded<T>>, Error>
    where
        T: Serialize + DeserializeOwned,
        L: FnOnce() -> F,
        F: Future<Output = Result<Option<T>, Error>>,
    {
        let generation = self.generation(key).await;
        let name = format!(
            "{}:v{}:{}",
            prefix(key.institution, key.epoch, key.entity),
            generation.token,
            key.item
        );
        if let Some(held) = self.values.get(&name).await {
            return Ok(held.encoded());
        }
        let shared = generation.shared && self.redis.is_trusted();
        let fill = self.fill(&name, key.institution, shared, ttl, load);
        let filled = self.values.try_get_with_by_ref(&name, Box::pin(fill)).await;
        let held = filled.map_err(|problem| Error::Refused(Box::new((**problem).clone())))?;
        Ok(held.encoded())
    }

    async fn fill<T, L, F>(
        &self,
        name: &str,
        institution: InstitutionId,
        shared: bool,
        ttl: Duration,
        load: L,
    ) -> Result<Held, Box<Problem>>
    where
        T: Serialize + DeserializeOwned,
        L: FnOnce() -> F,
        F: Future<Output = Result<Option<T>, Error>>,
    {
        if shared
            && let Some(bytes) = self.redis.get(name).await
            && serde_json::from_slice::<Option<T>>(&bytes).is_ok()
        {
            return Ok(Held::of(bytes));
        }
        let place = self.fills.enter(institution).await;
        let place = place.map_err(|error| Box::new(error.into_problem()))?;
        let value = load().await.map_err(|error| Box::new(error.into_problem()))?;
        drop(place);
        let bytes = encoded::encode(&value).map_err(|error| Box::new(error.into_problem()))?;
        if shared {
            self.redis.set(name, &bytes, jittered(ttl)).await;
        }
        Ok(Held::of(bytes))
    }

    /// After a commit: nobody reads any more what was cached of these entities before, on any node. Where Redis
    /// did not take it, the other nodes are told through `pool`.
    pub async fn invalidate<E: AsRef<str>>(
        &self,
        pool: &PgPool,
        institution: InstitutionId,
        epoch: Epoch,
        entities: &BTreeSet<E>,
    ) {
        if !self.raise_all(institution, epoch, entities).await {
            news::send(pool, institution, epoch, entities).await;
        }
    }

    /// Raises the generations of entities, here and in Redis. Answers whether Redis took it.
    pub async fn raise_all<E: AsRef<str>>(
        &self,
        institution: InstitutionId,
        epoch: Epoch,
        entities: &BTreeSet<E>,
    ) -> bool {
        let raised = entities.iter().map(|entity| self.raise(institution, epoch, entity.as_ref()));
        join_all(raised).await.into_iter().all(|shared| shared)
    }

    async fn raise(&self, institution: InstitutionId, epoch: Epoch, entity: &str) -> bool {
        let name = generation_key(institution, epoch, entity);
        let (fresh, asked_at) = (new_token(), Instant::now());
        let raised = self.redis.raise(&name, &fresh, GENERATION_TTL).await;
        let shared = raised.is_some();
        let token = raised.unwrap_or(fresh).into();
        self.generations.insert(name, Generation { token, shared, asked_at }).await;
        shared
    }

    async fn generation(&self, key: Key<'_>) -> Generation {
        let name = generation_key(key.institution, key.epoch, key.entity);
        if let Some(known) = self.generations.get(&name).await.filter(Generation::is_fresh) {
            return known;
        }
        Box::pin(self.generation_anew(name)).await
    }

    async fn generation_anew(&self, name: String) -> Generation {
        let known = self.generations.get_with_by_ref(&name, self.read_generation(&name)).await;
        if known.is_fresh() {
            return known;
        }
        let read = self.read_generation(&name).await;
        self.generations.insert(name, read.clone()).await;
        read
    }

    async fn read_generation(&self, name: &str) -> Generation {
        let (fresh, asked_at) = (new_token(), Instant::now());
        let shared = if self.redis.is_trusted() {
            self.redis.generation(name, &fresh, GENERATION_TTL).await
        } else {
            None
        };
        let (token, shared) = shared.map_or((fresh, false), |token| (token, true));
        Generation { token: token.into(), shared, asked_at }
    }
}

fn local<V: Clone + Send + Sync + 'static>() -> Moka<String, V> {
    Moka::builder().max_capacity(LOCAL_CAPACITY).time_to_live(LOCAL_TTL).build()
}

fn prefix(institution: InstitutionId, epoch: Epoch, entity: &str) -> String {
    format!("{{{institution}}}:e{epoch}:{entity}")
}

fn generation_key(institution: InstitutionId, epoch: Epoch, entity: &str) -> String {
    format!("{}:gen", prefix(institution, epoch, entity))
}

fn new_token() -> String {
    Uuid::new_v4().simple().to_string()
}

/// Up to a tenth less, so that what was filled together does not expire together.
fn jittered(ttl: Duration) -> Duration {
    let tenth = u64::try_from(ttl.as_millis() / 10).unwrap_or(u64::MAX).max(1);
    let (random, _) = Uuid::new_v4().as_u64_pair();
    ttl.saturating_sub(Duration::from_millis(random % tenth))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn keys_of_an_institution_share_a_slot_and_carry_the_epoch() {
        let institution = InstitutionId::new(Uuid::nil());
        assert_eq!(
            generation_key(institution, Epoch(3), "programs"),
            "{00000000-0000-0000-0000-000000000000}:e3:programs:gen"
        );
    }

    #[test]
    fn jitter_takes_at_most_a_tenth() {
        for _ in 0..1000 {
            let ttl = jittered(Duration::from_mins(5));
            assert!(ttl > Duration::from_mins(4) && ttl <= Duration::from_mins(5));
        }
    }
}
