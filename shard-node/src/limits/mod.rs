//! Limits: how much a caller may ask in a minute, and how much may be under way at once.
//!
//! What must stay true:
//! - A user (a token's subject), an api client, the bulk calls of either and an institution have a budget a minute
//!   each, kept in Redis on its time (`rate`); a bulk call counts as one, whatever its rows, and a tRPC batch as so
//!   many as it has calls. What is refused costs none of them.
//! - A request for a token of an api client comes from nobody who is known: it has budgets of its own, and takes nothing
//!   from those of the known.
//! - A Redis that is slow or away holds nobody up: 50 ms, then this node's own knowledge decides.
//! - Every queue has a bound: requests of the node, of one institution ([`InFlight`]), fills of the cache ([`Gates`]).
//!   What is beyond is refused at once.

mod gate;
mod gcra;
mod headers;
mod in_flight;
mod keyed;
mod rate;

use std::sync::Arc;
use std::time::Duration;

use schemars::JsonSchema;
use serde::Deserialize;
use service_kit::token::Role;
use shard_map::InstitutionId;
use uuid::Uuid;

pub use gate::Gates;
pub use headers::Standing;
pub use in_flight::{InFlight, Place};
pub(crate) use keyed::Keyed;
pub use rate::{Charge, Rate, Refusal};

use crate::operation::Caller;
use crate::redis::Redis;

/// How many times one api client's budget of tokens all of an institution's have that are not known.
const TOKENS_OF_ALL: u32 = 10;

/// How long a fill of the cache waits for its turn.
const FILL_WAIT: Duration = Duration::from_secs(1);

/// `[limits]`. A budget of 0 is none at all; the node says so when it starts.
#[derive(Debug, Clone, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct LimitSettings {
    /// Requests of one user a minute.
    #[schemars(extend("x-unit" = "requests a minute"))]
    pub user_per_minute: u32,
    /// Requests of one api client a minute.
    #[schemars(extend("x-unit" = "requests a minute"))]
    pub client_per_minute: u32,
    /// Bulk calls of one user or api client a minute.
    #[schemars(extend("x-unit" = "calls a minute"))]
    pub bulk_per_minute: u32,
    /// Requests for a token of one api client a minute; of all of an institution's ten times as many.
    #[schemars(extend("x-unit" = "requests a minute"))]
    pub token_per_minute: u32,
    /// Requests of one institution a minute, all of its callers together.
    #[schemars(extend("x-unit" = "requests a minute"))]
    pub institution_per_minute: u32,
    /// Requests that the node takes at once.
    #[schemars(extend("x-unit" = "requests"))]
    pub in_flight: u32,
    /// Requests that the node takes at once from one institution.
    #[schemars(extend("x-unit" = "requests"))]
    pub institution_in_flight: u32,
    /// Cache fills that ask the primary at once.
    #[schemars(extend("x-unit" = "fills"))]
    pub fills: u32,
    /// Cache fills that wait for their turn.
    #[schemars(extend("x-unit" = "fills"))]
    pub waiting_fills: u32,
}

impl Default for LimitSettings {
    fn default() -> Self {
        Self {
            user_per_minute: 1_000,
            client_per_minute: 6_000,
            bulk_per_minute: 600,
            token_per_minute: 60,
            institution_per_minute: 60_000,
            in_flight: 1_024,
            institution_in_flight: 512,
            fills: 8,
            waiting_fills: 512,
        }
    }
}

impl LimitSettings {
    /// The way of cache fills to the primary.
    pub fn fills(&self) -> Gates {
        Gates::new(self.fills, self.waiting_fills, FILL_WAIT)
    }

    /// Says which budgets are off.
    pub fn report(&self) {
        for (name, per_minute) in [
            ("user_per_minute", self.user_per_minute),
            ("client_per_minute", self.client_per_minute),
            ("bulk_per_minute", self.bulk_per_minute),
            ("token_per_minute", self.token_per_minute),
            ("institution_per_minute", self.institution_per_minute),
        ] {
            if per_minute == 0 {
                tracing::warn!(setting = name, "A limit is 0: requests are not limited by it");
            }
        }
    }
}

/// All of a node's limits.
pub struct Limits {
    settings: LimitSettings,
    rate: Arc<Rate>,
    /// Requests under way.
    pub in_flight: Arc<InFlight>,
}

impl Limits {
    /// Limits whose budgets are shared through Redis.
    pub fn new(settings: LimitSettings, redis: Arc<Redis>) -> Self {
        let in_flight = InFlight::new(settings.in_flight, settings.institution_in_flight);
        Self { settings, rate: Arc::new(Rate::new(redis)), in_flight: Arc::new(in_flight) }
    }

    /// Takes what so many calls, some of them bulk ones, cost from the budgets that they count against.
    ///
    /// # Errors
    /// When one of them is used up: then none is charged.
    pub async fn charge(
        &self,
        caller: &Caller,
        calls: usize,
        bulk: usize,
    ) -> Result<Vec<Standing>, Refusal> {
        let count = |number: usize| u32::try_from(number).unwrap_or(u32::MAX);
        let single = calls.saturating_sub(bulk);
        let person = if caller.roles.contains(Role::ApiClient) {
            ("client", self.settings.client_per_minute)
        } else {
            ("user", self.settings.user_per_minute)
        };
        let budgets = [
            (person.0, person.1, count(single), Some(caller.subject)),
            ("bulk", self.settings.bulk_per_minute, count(bulk), Some(caller.subject)),
            ("institution", self.settings.institution_per_minute, count(calls), None),
        ];
        let counted =
            budgets.into_iter().filter(|(_, per_minute, cost, _)| *per_minute > 0 && *cost > 0);
        let charges = counted.map(|(name, per_minute, cost, subject)| {
            let of = subject.map(|subject| format!(":{subject}")).unwrap_or_default();
            // One slot: the institution is the hash tag.
            let key = format!("{{{}}}:limit:{name}{of}", caller.institution);
            Charge { key, name, per_minute, cost }
        });
        self.rate.charge(charges.collect()).await
    }

    /// Takes what one request for a token costs: from a client that is known to have the right secret, what such clients
    /// have to themselves; from anybody else, what is there for guesses.
    ///
    /// # Errors
    /// When the budget of the client id that it names, or the institution's, is used up.
    pub async fn charge_token(
        &self,
        institution: InstitutionId,
        client: Uuid,
        is_known: bool,
    ) -> Result<Vec<Standing>, Refusal> {
        let per_minute = self.settings.token_per_minute;
        if per_minute == 0 {
            return Ok(Vec::new());
        }
        let charge = |name, of: String, per_minute| {
            let key = format!("{{{institution}}}:limit:{name}{of}");
            Charge { key, name, per_minute, cost: 1 }
        };
        let of = format!(":{client}");
        if is_known {
            return self.rate.charge(vec![charge("renewals", of, per_minute)]).await;
        }
        let all = per_minute.saturating_mul(TOKENS_OF_ALL);
        let charges = vec![charge("token", of, per_minute), charge("tokens", String::new(), all)];
        self.rate.charge(charges).await
    }
}
