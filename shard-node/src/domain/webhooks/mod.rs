//! Webhooks: an institution's events, sent to where it wants them. Standard Webhooks (standardwebhooks.com).
//!
//! What must stay true:
//! - Each event that an enabled endpoint wants is delivered at least once, or its delivery says why not. Whatever is sent
//!   again has the same `webhook-id`; receivers go by that.
//! - Deliveries are written with the events' numbers, in one transaction (`fan_out`): none is missed, none is twice.
//! - Nothing is sent to an address that is not public, whatever name leads there and whenever it does: the address that
//!   was looked at is the one that is connected to (`send`), and redirects are not followed. A developer's node may be
//!   told otherwise (`allow_private_addresses`).
//! - A secret is shown when it is made, and never again: no read, event, log or error has it, nor is it kept under an
//!   `Idempotency-Key`. Nor do events, logs and
//!   errors have an endpoint's URL, which may hold somebody else's secret. It stands in the row as it is: it signs.
//! - An endpoint that has failed for five days without one success, or that answers 410, is disabled: an event says so.
//!
//! Left to others: how jobs are leased and tried (`crate::jobs`). What is numbered while an endpoint is disabled is not
//! kept for it: its owner catches up by `GET /v1/events?after`.

mod address;
mod deliver;
mod delivery;
mod fan_out;
mod model;
mod rules;
mod send;
mod service;
mod settings;
mod sign;
mod store;
mod target;

use axum::http::Method;
use service_kit::token::{Role, Roles};

pub use delivery::{Delivery, OfEndpoint};
pub(crate) use fan_out::fan_out;
pub use model::{NewWebhook, PatchWebhook, Webhook};
pub use send::{Names, Sender, SystemNames};
pub use settings::{Addresses, WebhookSettings};
pub use sign::Secret;

use crate::jobs::Handler;
use crate::operation::{Operation, roles};
use crate::resource::{self, ById, ListQuery, Page};

/// The kind of the jobs that deliver.
pub const DELIVERY_JOB: &str = "WEBHOOK_DELIVERY";

const PATH: &str = "/v1/webhooks";
const ITEM: &str = "/v1/webhooks/{id}";
const DELIVERY: &str = "/v1/webhook-deliveries";
const SECRET: &[&str] = &["secret"];
const OWNERS: Roles = roles(&[Role::Admin, Role::ApiClient]);

/// The operations of webhooks.
pub fn operations() -> Vec<Operation> {
    [reads(), writes(), verbs()].into_iter().flatten().map(|it| it.roles(OWNERS)).collect()
}

/// What delivers.
pub fn handlers() -> Vec<Handler> {
    vec![
        Handler::outside(DELIVERY_JOB, |cx, job| Box::pin(deliver::deliver(cx, job)))
            .attempts(deliver::JOB_ATTEMPTS)
            .timeout(deliver::TIMEOUT),
    ]
}

fn reads() -> Vec<Operation> {
    vec![
        Operation::read::<ListQuery<Webhook>, Page<Webhook>>(
            "webhook.list",
            PATH,
            |reader, query| Box::pin(resource::list(reader, query)),
        )
        .summary("Lists webhooks, without their secrets"),
        Operation::read::<ById, Webhook>("webhook.get", ITEM, |reader, input| {
            Box::pin(resource::find(reader, input.id))
        })
        .summary("Gives a webhook, without its secret"),
        Operation::read::<OfEndpoint, Page<Delivery>>(
            "webhook.listDeliveries",
            "/v1/webhooks/{endpointId}/deliveries",
            |reader, input| Box::pin(service::deliveries(reader, input)),
        )
        .summary("Lists what was and will be delivered to a webhook"),
        Operation::read::<ById, Delivery>(
            "webhook.getDelivery",
            "/v1/webhook-deliveries/{id}",
            |reader, input| Box::pin(resource::find(reader, input.id)),
        )
        .summary("Gives a delivery"),
    ]
}

fn writes() -> Vec<Operation> {
    vec![
        Operation::write::<NewWebhook, Webhook>("webhook.create", PATH, |work, input| {
            Box::pin(service::create(work, input))
        })
        .summary("Creates a webhook; its secret is in this answer alone")
        .shows_once(SECRET)
        .status(201),
        Operation::write::<PatchWebhook, Webhook>("webhook.update", ITEM, |work, input| {
            Box::pin(service::update(work, input))
        })
        .summary("Changes a webhook")
        .method(Method::PATCH),
        Operation::write::<ById, ()>("webhook.delete", ITEM, |work, input| {
            Box::pin(resource::remove::<Webhook>(work, input.id))
        })
        .summary("Deletes a webhook with its deliveries")
        .method(Method::DELETE)
        .status(204),
    ]
}

fn verbs() -> Vec<Operation> {
    vec![
        Operation::write::<ById, Webhook>(
            "webhook.rotateSecret",
            "/v1/webhooks/{id}:rotateSecret",
            |work, input| Box::pin(service::rotate(work, input.id)),
        )
        .summary(
            "Makes a new secret, which is in this answer alone; for a day the old one signs, too",
        )
        .shows_once(SECRET),
        Operation::write::<ById, Webhook>(
            "webhook.enable",
            "/v1/webhooks/{id}:enable",
            |work, input| Box::pin(service::enable(work, input.id)),
        )
        .summary("Sends to a webhook again"),
        Operation::write::<ById, Webhook>(
            "webhook.disable",
            "/v1/webhooks/{id}:disable",
            |work, input| Box::pin(service::disable(work, input.id)),
        )
        .summary("Sends nothing more to a webhook"),
        Operation::write::<ById, Webhook>(
            "webhook.test",
            "/v1/webhooks/{id}:test",
            |work, input| Box::pin(service::test(work, input.id)),
        )
        .summary("Sends a WEBHOOK_TEST event to one webhook")
        .status(202),
        Operation::write::<ById, Delivery>(
            "webhook.replayDelivery",
            "/v1/webhook-deliveries/{id}:replay",
            |work, input| Box::pin(service::replay(work, input.id)),
        )
        .summary("Delivers an event once more, with the same webhook-id")
        .status(202),
    ]
}
