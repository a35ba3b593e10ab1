//! What an institution does with its api clients, and what is asked for them.

use std::time::Duration;

use axum::http::StatusCode;
use chrono::TimeDelta;
use garde::Validate;
use serde::{Deserialize, Serialize};
use service_kit::Problem;
use service_kit::problem::FieldProblem;
use utoipa::ToSchema;
use uuid::Uuid;

use super::rules::Standing;
use super::{ApiClient, ClientSecret, NewApiClient, PatchApiClient, store};
use crate::cache::Key;
use crate::error::Error;
use crate::operation::{Reader, Reply, Work};
use crate::resource::{self, Resource, load_required};

/// Api clients of an institution at most.
const CLIENTS_MAX: i64 = 100;

/// How long the secret before is taken beside a new one.
const OVERLAP: TimeDelta = TimeDelta::hours(24);

/// How long it is kept what ends a client. A change makes it forgotten.
const STANDING_TTL: Duration = Duration::from_mins(5);

/// Creates one; its secret is in the answer.
pub(super) async fn create(
    work: &mut Work,
    input: NewApiClient,
) -> Result<Reply<ApiClient>, Error> {
    if input.expires_at.is_some_and(|expires_at| expires_at <= work.now) {
        return Err(expired_already());
    }
    if store::count_locked(work.tx()).await? >= CLIENTS_MAX {
        let detail = format!("an institution has {CLIENTS_MAX} at most: delete one first");
        return Err(conflict("api-clients-max", "There are enough api clients", &detail));
    }
    let (id, secret, by) = (Uuid::now_v7(), ClientSecret::random()?, work.caller.subject);
    store::insert(work.tx(), id, &input, secret.digest(), by).await?;
    let client: ApiClient = load_required(work.tx(), id).await?;
    resource::record(work, "CREATED", id, &client)?;
    let client = ApiClient { client_secret: Some(secret), ..client };
    Ok(Reply::created(client, format!("{}/{id}", super::PATH)))
}

/// Changes one.
pub(super) async fn update(
    work: &mut Work,
    patch: PatchApiClient,
) -> Result<Reply<ApiClient>, Error> {
    if patch.expires_at.flatten().is_some_and(|expires_at| expires_at <= work.now) {
        return Err(expired_already());
    }
    let client = lock_unrevoked(work, patch.id).await?;
    store::update(work.tx(), &patch.apply_to(client)).await?;
    resource::updated(work, patch.id).await
}

/// Gives one another secret, which is in the answer.
pub(super) async fn rotate(work: &mut Work, id: Uuid) -> Result<Reply<ApiClient>, Error> {
    lock_unrevoked(work, id).await?;
    let (secret, until) = (ClientSecret::random()?, work.now + OVERLAP);
    store::rotate(work.tx(), id, secret.digest(), until).await?;
    let client: ApiClient = load_required(work.tx(), id).await?;
    resource::record(work, "SECRET_ROTATED", id, &client)?;
    Ok(Reply::ok(ApiClient { client_secret: Some(secret), ..client }))
}

/// Revokes one for good; twice is once.
pub(super) async fn revoke(work: &mut Work, id: Uuid) -> Result<Reply<ApiClient>, Error> {
    let client = resource::lock::<ApiClient>(work, id).await?;
    if client.revoked_at.is_some() {
        return Ok(Reply::ok(client));
    }
    let at = work.now;
    store::revoke(work.tx(), id, at).await?;
    let client: ApiClient = load_required(work.tx(), id).await?;
    resource::record(work, "REVOKED", id, &client)?;
    Ok(Reply::ok(client))
}

async fn lock_unrevoked(work: &mut Work, id: Uuid) -> Result<ApiClient, Error> {
    let client = resource::lock::<ApiClient>(work, id).await?;
    if client.revoked_at.is_none() {
        return Ok(client);
    }
    Err(conflict("api-client-revoked", "The api client is revoked", "make another one"))
}

/// What a client names itself by.
#[derive(Debug, Deserialize, Validate, ToSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct Credentials {
    /// Its id.
    #[garde(skip)]
    client: Uuid,
    /// Its secret.
    #[garde(skip)]
    secret: ClientSecret,
}

/// A client that may have a token.
#[derive(Debug, Serialize, Deserialize, ToSchema)]
pub(crate) struct Grant {
    /// Seconds after which it ends; none where it does not.
    pub(crate) ends_in_s: Option<i64>,
}

/// Whether a client is who it says; whatever is wrong, the answer is the same.
pub(super) async fn grant(work: &mut Work, input: Credentials) -> Result<Reply<Grant>, Error> {
    let (client, at) = (input.client, work.now);
    let presented = input.secret.digest();
    let known = store::known(work.tx(), client).await?;
    let Some(known) = known.filter(|known| known.takes(&presented, at)) else {
        return Err(client_unknown().into());
    };
    store::used(work.tx(), client, at).await?;
    let life = known.standing.life(TimeDelta::MAX, at);
    let ends_in_s = known.standing.expires_at.map(|_| life.num_seconds());
    Ok(Reply::ok(Grant { ends_in_s }))
}

/// 401 where a caller's token is a node's, and its client is not taken any more.
pub(crate) async fn expect_live(reader: &Reader) -> Result<(), Error> {
    let caller = &reader.caller;
    if !caller.is_own_client {
        return Ok(());
    }
    let item = caller.subject.to_string();
    let (institution, epoch, entity) = (caller.institution, caller.epoch, ApiClient::ENTITY);
    let key = Key { institution, epoch, entity, item: &item };
    let standing = if caller.cached {
        let cache = &reader.node.cache;
        let found = cache.get_or_load(key, STANDING_TTL, || standing(reader)).await?;
        found.map(|found| found.decode()).transpose()?
    } else {
        standing(reader).await?
    };
    match standing {
        Some(standing) if standing.is_live(reader.node.now()) => Ok(()),
        _ => Err(Problem::new(
            StatusCode::UNAUTHORIZED,
            "token-revoked",
            "A valid bearer token is needed",
        )
        .detail("the api client of this token was revoked or deleted, or has expired")
        .into()),
    }
}

async fn standing(reader: &Reader) -> Result<Option<Standing>, Error> {
    let mut tx = reader.begin().await?;
    let standing = store::standing(&mut tx, reader.caller.subject).await?;
    tx.commit().await?;
    Ok(standing)
}

/// 401 for a client id and secret that are not taken together.
fn client_unknown() -> Problem {
    Problem::new(StatusCode::UNAUTHORIZED, "client-unknown", "The client is not known").detail(
        "client id and secret are not those of an api client that is neither revoked nor expired",
    )
}

fn expired_already() -> Error {
    Problem::new(StatusCode::UNPROCESSABLE_ENTITY, "expires-at", "It would have expired already")
        .field(FieldProblem::new("/expiresAt", "expires-at", "a time in the future is expected"))
        .into()
}

fn conflict(code: &'static str, title: &'static str, detail: &str) -> Error {
    Problem::new(StatusCode::CONFLICT, code, title).detail(detail).into()
}
