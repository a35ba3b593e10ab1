//! What each operation does with a request: read, call the service, encode. No rules, no SQL.

use std::time::{Duration, Instant};

use axum::body::Body;
use axum::http::{HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Response};
use bytes::Bytes;
use control_api::{DownReason, Heartbeat, List, MAP_WAIT_S, NewInstitution, NewShard};
use control_api::{NodeRegistration, OwnershipClaims, Pin, ShardChange, ShardRemoval};
use serde::Serialize;
use service_kit::Problem;
use shard_map::{InstitutionStatus, MapVersion};
use tokio_util::sync::CancellationToken;

use super::access::Role;
use super::request::Request;
use super::routes::Operation;
use super::{moves, openapi};
use crate::error::Error;
use crate::model::validate;
use crate::service::Platform;
use crate::service::nodes::NodeWord;

/// Answers a request that may use the database.
pub(super) async fn answer(
    platform: &Platform,
    operation: Operation,
    request: &Request,
) -> Result<Response, Problem> {
    match operation {
        Operation::AddShard
        | Operation::ChangeShard
        | Operation::MigrateShard
        | Operation::DrainShard
        | Operation::UndrainShard
        | Operation::RemoveShard
        | Operation::ReconcileShard => shard(platform, operation, request).await,
        Operation::ListShards => list(request, platform.shards().await),
        Operation::ShowShard => encode(platform.shard(&request.id("shard")?).await),
        Operation::InspectShard => encode(platform.inspect_shard(&request.id("shard")?).await),
        Operation::RegisterNode => {
            let node: NodeRegistration = request.json()?;
            encode(platform.register_node(&request.actor(), &node).await)
        }
        Operation::ListNodes => list(request, platform.nodes().await),
        Operation::ShowNode => encode(platform.node(&request.id("node")?).await),
        Operation::Heartbeat => {
            let beat: Heartbeat = request.json()?;
            let done = platform.heartbeat(&request.id("node")?, &beat).await;
            done.map(|()| StatusCode::NO_CONTENT.into_response()).map_err(Error::into_problem)
        }
        Operation::HoldNodeDown
        | Operation::LetNodeUp
        | Operation::CordonNode
        | Operation::UncordonNode => node_word(platform, operation, request).await,
        Operation::CreateInstitution
        | Operation::ListInstitutions
        | Operation::ShowInstitution
        | Operation::SuspendInstitution
        | Operation::ResumeInstitution
        | Operation::PinInstitution
        | Operation::UnpinInstitution => institution(platform, operation, request).await,
        Operation::ProposePlan
        | Operation::ListPlans
        | Operation::ShowPlan
        | Operation::ApplyPlan
        | Operation::PausePlan
        | Operation::ResumePlan
        | Operation::CancelPlan => moves::plan(platform, operation, request).await,
        Operation::ListMoves | Operation::ShowMove | Operation::CancelMove => {
            moves::moves(platform, operation, request).await
        }
        Operation::ShowMap => {
            request.query()?;
            Ok(map_json(platform.feed.fresh().await.snapshot_json()))
        }
        Operation::ShowDocument => {
            request.query()?;
            encode(Ok(&*openapi::DOCUMENT))
        }
        Operation::ShowMapHistory | Operation::ListEvents | Operation::ListAudit => {
            chronicle(platform, operation, request).await
        }
    }
}

/// Answers `GET /v1/map?after=V`: news as soon as there are some, 204 at the deadline or when `stop` comes.
pub(super) async fn map_news(
    platform: &Platform,
    request: &Request,
    stop: &CancellationToken,
) -> Result<Response, Problem> {
    let after = request.query()?.after()?.unwrap_or(0);
    if request.caller.role == Role::Router {
        let (name, now) = (&request.caller.name, Instant::now());
        platform.feed.followers.asks(name, request.peer, MapVersion(after), now);
    }
    let deadline = Duration::from_secs(MAP_WAIT_S);
    let after = MapVersion(after);
    match platform.feed.news(after, deadline, stop).await {
        None => Ok(StatusCode::NO_CONTENT.into_response()),
        Some(published) => Ok(map_json(published.since_json(after))),
    }
}

async fn shard(
    platform: &Platform,
    operation: Operation,
    request: &Request,
) -> Result<Response, Problem> {
    let actor = request.actor();
    match operation {
        Operation::AddShard => {
            let new: NewShard = request.json()?;
            created(platform.add_shard(&actor, &new).await, |shard| {
                format!("/v1/shards/{}", shard.id)
            })
        }
        Operation::MigrateShard => {
            request.no_body()?;
            encode(platform.migrate_shard(&actor, &request.id("shard")?).await)
        }
        Operation::DrainShard => {
            request.no_body()?;
            encode(platform.drain_shard(&actor, &request.id("shard")?).await)
        }
        Operation::UndrainShard => {
            request.no_body()?;
            encode(platform.undrain_shard(&actor, &request.id("shard")?).await)
        }
        Operation::RemoveShard => {
            let asked: ShardRemoval = request.json_or_default()?;
            encode(platform.remove_shard(&actor, &request.id("shard")?, &asked).await)
        }
        Operation::ReconcileShard => {
            let claims: OwnershipClaims = request.json()?;
            encode(platform.reconcile_shard(&request.id("shard")?, &claims).await)
        }
        _ => {
            let change: ShardChange = request.json()?;
            encode(platform.change_shard(&actor, &request.id("shard")?, &change).await)
        }
    }
}

async fn node_word(
    platform: &Platform,
    operation: Operation,
    request: &Request,
) -> Result<Response, Problem> {
    if operation != Operation::HoldNodeDown {
        request.no_body()?;
    }
    let word = match operation {
        Operation::HoldNodeDown => {
            let down: DownReason = request.json()?;
            let wrong = validate::down_reason(&down);
            if !wrong.is_empty() {
                return Err(Error::Invalid(wrong).into_problem());
            }
            NodeWord::Down(down.reason)
        }
        Operation::CordonNode => NodeWord::Cordon,
        Operation::UncordonNode => NodeWord::Uncordon,
        _ => NodeWord::Up,
    };
    encode(platform.say_of_node(&request.actor(), &request.id("node")?, &word).await)
}

async fn institution(
    platform: &Platform,
    operation: Operation,
    request: &Request,
) -> Result<Response, Problem> {
    let status = match operation {
        Operation::CreateInstitution => {
            let new: NewInstitution = request.json()?;
            let done = platform.create_institution(&request.actor(), &new).await;
            return created(done, |institution| format!("/v1/institutions/{}", institution.id));
        }
        Operation::ListInstitutions => {
            let query = request.query()?;
            let (ids, page, limit) = (query.ids("ids")?, query.page()?, query.limit()?);
            let (slug, ids) = (query.text("slug"), ids.as_deref());
            return encode(platform.institutions(slug, ids, page, limit).await);
        }
        Operation::ShowInstitution => {
            return encode(platform.institution(request.id("institution")?).await);
        }
        Operation::PinInstitution => {
            let pin: Pin = request.json_or_default()?;
            return encode(platform.pin(&request.actor(), request.id("institution")?, &pin).await);
        }
        Operation::UnpinInstitution => {
            request.no_body()?;
            return encode(platform.unpin(&request.actor(), request.id("institution")?).await);
        }
        Operation::SuspendInstitution => InstitutionStatus::Suspended,
        _ => InstitutionStatus::Active,
    };
    request.no_body()?;
    let id = request.id("institution")?;
    encode(platform.set_institution_status(&request.actor(), id, status).await)
}

/// Lists that grow: with `after` the oldest first, without it the newest first.
async fn chronicle(
    platform: &Platform,
    operation: Operation,
    request: &Request,
) -> Result<Response, Problem> {
    let query = request.query()?;
    let (after, limit) = (query.after()?, query.limit()?);
    match operation {
        Operation::ShowMapHistory => items(platform.map_history(after, limit).await),
        Operation::ListAudit => items(platform.audit(after, limit).await),
        _ => items(platform.events(after, limit).await),
    }
}

fn list<T: Serialize>(request: &Request, all: Result<Vec<T>, Error>) -> Result<Response, Problem> {
    request.query()?;
    items(all)
}

pub(super) fn items<T: Serialize>(items: Result<Vec<T>, Error>) -> Result<Response, Problem> {
    encode(items.map(|items| List { items }))
}

pub(super) fn encode<T: Serialize>(answer: Result<T, Error>) -> Result<Response, Problem> {
    let answer = answer.map_err(Error::into_problem)?;
    Ok(axum::Json(answer).into_response())
}

/// 201 with its address where it is new, 200 where it was there.
pub(super) fn created<T: Serialize>(
    answer: Result<(T, bool), Error>,
    location: impl FnOnce(&T) -> String,
) -> Result<Response, Problem> {
    let (it, is_new) = answer.map_err(Error::into_problem)?;
    let location = HeaderValue::from_str(&location(&it)).ok();
    let mut response = axum::Json(it).into_response();
    if is_new {
        *response.status_mut() = StatusCode::CREATED;
        response.headers_mut().extend(location.map(|at| (header::LOCATION, at)));
    }
    Ok(response)
}

fn map_json(json: Bytes) -> Response {
    let mut response = Response::new(Body::from(json));
    let json = HeaderValue::from_static("application/json");
    response.headers_mut().insert(header::CONTENT_TYPE, json);
    response
}
