//! Api clients: programs that speak for an institution. Their tokens come from `POST /oauth/token` (client credentials,
//! RFC 6749, 4.4), which `http/oauth.rs` answers by what stands here.
//!
//! What must stay true:
//! - A secret is shown when it is made, and never again; the row has its SHA-256 alone. It is 256 random bits of our own:
//!   nothing guesses it, so a hash that is slow on purpose (argon2id) would protect nothing, and make an endpoint that
//!   anybody may call the dearest of all.
//! - Whatever is wrong with a client id or a secret, the answer is the same.
//! - A client that is revoked, expired or deleted is heard no longer than caches live, whatever its token says: each
//!   request with a token that a node has signed asks for its client ([`expect_live`]).
//! - What signs those tokens signs for nobody else (`service_kit::token`): a node whose key is stolen makes no admin.
//! - When a client was seen last is no change of it: it stands in a table of its own, and is written once a minute.
//!
//! Left to others: what an api client may do (the registry's roles), its budgets (`crate::limits`).

mod client_id;
mod issue;
mod model;
mod rules;
mod secret;
mod service;
mod store;

use std::sync::LazyLock;

use axum::http::Method;
use service_kit::token::{Role, Roles};

pub(crate) use client_id::ClientId;
pub use issue::{ApiClientSettings, IssueError, TokenIssuer};
pub use model::{ApiClient, NewApiClient, PatchApiClient};
pub use secret::ClientSecret;
pub(crate) use service::{Grant, expect_live};

use crate::operation::{Operation, roles};
use crate::resource::{self, ById, ListQuery, Page};

const PATH: &str = "/v1/api-clients";
const ITEM: &str = "/v1/api-clients/{id}";
const ADMIN: Roles = roles(&[Role::Admin]);

/// The operations of api clients.
pub fn operations() -> Vec<Operation> {
    [reads(), writes()].into_iter().flatten().map(|it| it.roles(ADMIN)).collect()
}

/// What `/oauth/token` asks of an institution. It is no operation of the API: nobody calls it with a token.
pub(crate) static GRANT: LazyLock<Operation> = LazyLock::new(|| {
    Operation::write::<service::Credentials, Grant>("oauth.token", "/oauth/token", |work, input| {
        Box::pin(service::grant(work, input))
    })
    .roles(roles(&[Role::ApiClient]))
    .keeps_no_answer()
});

fn reads() -> Vec<Operation> {
    vec![
        Operation::read::<ListQuery<ApiClient>, Page<ApiClient>>(
            "admin.listApiClients",
            PATH,
            |reader, query| Box::pin(resource::list(reader, query)),
        )
        .summary("Lists api clients, without their secrets"),
        Operation::read::<ById, ApiClient>("admin.getApiClient", ITEM, |reader, input| {
            Box::pin(resource::find(reader, input.id))
        })
        .summary("Gives an api client, without its secret"),
    ]
}

fn writes() -> Vec<Operation> {
    vec![
        Operation::write::<NewApiClient, ApiClient>(
            "admin.createApiClient",
            PATH,
            |work, input| Box::pin(service::create(work, input)),
        )
        .summary("Creates an api client; its secret is in this answer alone")
        .status(201)
        .keeps_no_answer(),
        Operation::write::<PatchApiClient, ApiClient>(
            "admin.updateApiClient",
            ITEM,
            |work, input| Box::pin(service::update(work, input)),
        )
        .summary("Changes an api client")
        .method(Method::PATCH),
        Operation::write::<ById, ()>("admin.deleteApiClient", ITEM, |work, input| {
            Box::pin(resource::remove::<ApiClient>(work, input.id))
        })
        .summary("Deletes an api client; its tokens are not taken any more")
        .method(Method::DELETE)
        .status(204),
        Operation::write::<ById, ApiClient>(
            "admin.rotateApiClientSecret",
            "/v1/api-clients/{id}:rotateSecret",
            |work, input| Box::pin(service::rotate(work, input.id)),
        )
        .summary(
            "Makes a new secret, which is in this answer alone; for a day the old one is taken, too",
        )
        .keeps_no_answer(),
        Operation::write::<ById, ApiClient>(
            "admin.revokeApiClient",
            "/v1/api-clients/{id}:revoke",
            |work, input| Box::pin(service::revoke(work, input.id)),
        )
        .summary("Revokes an api client for good; its tokens are not taken any more"),
    ]
}
