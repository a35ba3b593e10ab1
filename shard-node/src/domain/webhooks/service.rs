//! What an institution does with its webhooks.

use axum::http::StatusCode;
use serde_json::json;
use service_kit::Problem;
use service_kit::problem::FieldProblem;
use uuid::Uuid;

use super::fan_out::job;
use super::rules::TEST;
use super::target::target;
use super::{Delivery, NewWebhook, OfEndpoint, PatchWebhook, Secret, Webhook, store};
use crate::error::{Error, not_found};
use crate::jobs::store as jobs;
use crate::operation::{Event, Reader, Reply, Work};
use crate::resource::{self, Page, Resource, load_required};

const PATH: &str = super::PATH;

/// Webhooks of an institution at most.
const WEBHOOKS_MAX: i64 = 20;

/// Creates one; its secret is in the answer.
pub(super) async fn create(work: &mut Work, input: NewWebhook) -> Result<Reply<Webhook>, Error> {
    expect_target(work, &input.url)?;
    if store::count(work.tx()).await? >= WEBHOOKS_MAX {
        return Err(conflict("webhooks-max", "There are enough webhooks", "delete one first"));
    }
    let (id, secret) = (Uuid::now_v7(), new_secret()?);
    store::insert(work.tx(), id, &input, &secret).await?;
    let webhook: Webhook = load_required(work.tx(), id).await?;
    resource::record(work, "CREATED", id, &webhook)?;
    let webhook = Webhook { secret: Some(secret), ..webhook };
    Ok(Reply::created(webhook, format!("{PATH}/{id}")))
}

/// Changes one.
pub(super) async fn update(work: &mut Work, patch: PatchWebhook) -> Result<Reply<Webhook>, Error> {
    if let Some(url) = &patch.url {
        expect_target(work, url)?;
    }
    let webhook = patch.apply_to(resource::lock::<Webhook>(work, patch.id).await?);
    store::update(work.tx(), &webhook).await?;
    resource::updated(work, webhook.id).await
}

/// Gives one another secret, which is in the answer.
pub(super) async fn rotate(work: &mut Work, id: Uuid) -> Result<Reply<Webhook>, Error> {
    resource::lock::<Webhook>(work, id).await?;
    let secret = new_secret()?;
    store::rotate(work.tx(), id, &secret).await?;
    let webhook: Webhook = load_required(work.tx(), id).await?;
    resource::record(work, "SECRET_ROTATED", id, &webhook)?;
    Ok(Reply::ok(Webhook { secret: Some(secret), ..webhook }))
}

/// Sends to one again, as if it had never failed.
pub(super) async fn enable(work: &mut Work, id: Uuid) -> Result<Reply<Webhook>, Error> {
    resource::lock::<Webhook>(work, id).await?;
    store::enable(work.tx(), id).await?;
    resource::updated(work, id).await
}

/// Sends nothing more to one.
pub(super) async fn disable(work: &mut Work, id: Uuid) -> Result<Reply<Webhook>, Error> {
    resource::lock::<Webhook>(work, id).await?;
    store::disable(work.tx(), id, "BY_HAND").await?;
    resource::updated(work, id).await
}

/// Records an event that goes to this one alone.
pub(super) async fn test(work: &mut Work, id: Uuid) -> Result<Reply<Webhook>, Error> {
    let webhook = resource::lock::<Webhook>(work, id).await?;
    expect_enabled(&webhook)?;
    work.record(Event {
        kind: TEST.into(),
        aggregate: Webhook::ENTITY,
        aggregate_id: id,
        aggregate_version: webhook.row_version,
        payload: json!({"id": id}),
        touches: Webhook::TOUCHES,
    });
    Ok(Reply::accepted(webhook, format!("{PATH}/{id}/deliveries")))
}

/// The deliveries of one.
pub(super) async fn deliveries(
    reader: &Reader,
    input: OfEndpoint,
) -> Result<Page<Delivery>, Error> {
    let mut tx = reader.begin().await?;
    if resource::load::<Webhook>(&mut tx, input.endpoint_id).await?.is_none() {
        return Err(not_found(Webhook::NOUN));
    }
    let page = resource::list_where(&mut tx, input.query).await?;
    tx.commit().await?;
    Ok(page)
}

/// Delivers once more, whatever became of it; attempts are counted anew.
pub(super) async fn replay(work: &mut Work, id: Uuid) -> Result<Reply<Delivery>, Error> {
    let delivery = resource::lock::<Delivery>(work, id).await?;
    let webhook: Webhook = load_required(work.tx(), delivery.endpoint_id).await?;
    expect_enabled(&webhook)?;
    store::replay(work.tx(), id).await?;
    // It may rest for hours, with few attempts left.
    jobs::begin_anew(work.tx(), super::DELIVERY_JOB, &id.to_string()).await?;
    work.enqueue(job(id));
    let delivery: Delivery = load_required(work.tx(), id).await?;
    Ok(Reply::accepted(delivery, format!("{}/{id}", super::DELIVERY)))
}

fn expect_target(work: &Work, url: &str) -> Result<(), Error> {
    match target(url, work.addresses) {
        Ok(_) => Ok(()),
        Err(why) => Err(Problem::new(
            StatusCode::UNPROCESSABLE_ENTITY,
            "webhook-url",
            "Nothing is sent there",
        )
        .field(FieldProblem::new("/url", "webhook-url", why))
        .into()),
    }
}

fn expect_enabled(webhook: &Webhook) -> Result<(), Error> {
    match webhook.status.as_str() {
        "ENABLED" => Ok(()),
        _ => Err(conflict("webhook-disabled", "The webhook is disabled", "enable it first")),
    }
}

fn conflict(code: &'static str, title: &'static str, detail: &str) -> Error {
    Problem::new(StatusCode::CONFLICT, code, title).detail(detail).into()
}

fn new_secret() -> Result<Secret, Error> {
    let mut key = [0; 32];
    getrandom::fill(&mut key).map_err(|error| Error::Defect(format!("no randomness: {error}")))?;
    Ok(Secret::of_key(&key))
}
