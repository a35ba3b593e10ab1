//! The job that delivers: reads what is to be sent, sends it, writes what came of it.

use std::time::Duration;

use serde::Deserialize;
use serde_json::json;
use uuid::Uuid;

use super::rules::delay;
use super::send::{Message, Trouble};
use super::sign::signatures;
use super::store::{self, Due, Outcome};
use super::{Delivery, Webhook};
use crate::error::Error;
use crate::jobs::{Failure, Job, JobContext};
use crate::operation::Event;
use crate::resource::Resource;
use crate::store::{TenantTx, outbox};

/// An attempt with what is read before it and written after it.
pub(super) const TIMEOUT: Duration = Duration::from_secs(15);

/// A delivery counts its own attempts; the job's are those and the ones that a crash cut off.
pub(super) const JOB_ATTEMPTS: i32 = 40;

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Payload {
    delivery_id: Uuid,
}

/// The payload of the job of a delivery.
pub(super) fn payload(delivery: Uuid) -> serde_json::Value {
    json!({"deliveryId": delivery})
}

/// Makes an attempt. The job ends with its delivery, whichever way: what became of it stands there.
pub(super) async fn deliver(cx: &JobContext, job: &Job) -> Result<(), Failure> {
    let Payload { delivery_id } = job.decode()?;
    let mut tx = cx.read().await?;
    let due = store::due(&mut tx, delivery_id).await?;
    tx.commit().await?;
    // Its endpoint was deleted, or it has ended.
    let Some(due) = due else { return Ok(()) };
    if !due.enabled {
        return end(cx, &due, Outcome::given_up("the webhook is disabled")).await;
    }
    match attempt(cx, &due).await {
        Ok(status) => end(cx, &due, Outcome::delivered(status)).await,
        Err(trouble) => failed(cx, job, &due, trouble).await,
    }
}

async fn attempt(cx: &JobContext, due: &Due) -> Result<u16, Trouble> {
    let id = Delivery::webhook_id(due.event.id);
    let body = json!({
        "type": due.event.kind,
        "timestamp": due.event.created_at,
        "data": due.event,
    });
    let (body, timestamp_s) = (body.to_string(), cx.node.now().timestamp());
    let signatures = signatures(&due.secrets, &id, timestamp_s, &body);
    let message = Message {
        endpoint: due.endpoint,
        url: &due.url,
        id: &id,
        timestamp_s,
        signatures: &signatures,
        body,
    };
    cx.node.webhooks.send(message).await
}

async fn end(cx: &JobContext, due: &Due, outcome: Outcome) -> Result<(), Failure> {
    let mut tx = cx.begin().await?;
    if outcome.is_delivered() {
        store::endpoint_is_well(&mut tx, due.endpoint).await?;
    }
    store::set_outcome(&mut tx, due.delivery, &outcome).await?;
    tx.commit().await?;
    Ok(())
}

async fn failed(cx: &JobContext, job: &Job, due: &Due, trouble: Trouble) -> Result<(), Failure> {
    // Without another attempt of its job nobody would come back to it.
    let is_last = trouble.is_gone() || job.attempt >= job.attempts_max;
    let after = if is_last { None } else { delay(due.attempts + 1, due.delivery) };
    let outcome = Outcome::failed(trouble.status(), trouble.to_string(), after);
    let mut tx = cx.begin().await?;
    store::set_outcome(&mut tx, due.delivery, &outcome).await?;
    let disabled = if trouble.is_gone() {
        store::disable(&mut tx, due.endpoint, "GONE").await?
    } else {
        store::endpoint_is_failing(&mut tx, due.endpoint).await?
    };
    if let Some(disabled) = disabled {
        record_disabled(&mut tx, due.endpoint, &disabled).await?;
    }
    tx.commit().await?;
    cx.node.wakes.wake(cx.institution);
    match after {
        Some(after) => Err(Failure::Retry { why: trouble.to_string(), after: Some(after) }),
        None => Ok(()),
    }
}

async fn record_disabled(
    tx: &mut TenantTx,
    endpoint: Uuid,
    disabled: &store::Disabled,
) -> Result<(), Error> {
    // The platform does it, at nobody's request.
    let cause = outbox::Cause { actor: Uuid::nil(), request_id: "webhook-delivery" };
    let event = Event {
        kind: "WEBHOOK_DISABLED".into(),
        aggregate: Webhook::ENTITY,
        aggregate_id: endpoint,
        aggregate_version: disabled.row_version,
        payload: json!({"id": endpoint, "reason": disabled.reason}),
        touches: Webhook::TOUCHES,
    };
    outbox::append(tx, &[event], cause).await?;
    Ok(())
}
