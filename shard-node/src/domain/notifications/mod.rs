//! Notifications: what users are told, in their inbox and by mail.
//!
//! What must stay true:
//! - A user is told of a thing once: `dedup_key` is the user's own, so a job that runs twice inserts one row and queues
//!   one mail ([`notify`]).
//! - An inbox is its user's own; another user's notification is 404, for everybody.
//! - A notification holds ids and names of classes and programs, nothing that its user may not read.
//! - Mail is at least once ([`deliver`]); its Message-ID is the notification's, so that receivers know it again.
//!
//! By default everything is in the inbox; by mail go `SEAT_OFFERED`, `OFFER_EXPIRED`, `STUDENT_ENROLLED` and
//! `RESULT_FINAL`.
//! Left to others: how mail is sent (`crate::mail`), when it is tried again (`crate::jobs`).

mod deliver;
mod handlers;
mod inbox;
mod model;
mod notify;
mod preferences;
mod render;
mod store;

use axum::http::Method;
use service_kit::token::{Role, Roles};

pub use handlers::handlers;
pub use model::{
    Channel, Inbox, MarkedRead, Nothing, Notification, NotificationType, Preference, Preferences,
    SetPreferences,
};
pub use notify::{Notice, notify};

use crate::operation::{Operation, roles};
use crate::resource::{ById, ListQuery};

/// Those who are users: an api client is told nothing.
const USERS: Roles =
    roles(&[Role::Admin, Role::Staff, Role::Instructor, Role::Student, Role::Guardian]);

/// The operations of notifications.
pub fn operations() -> Vec<Operation> {
    vec![
        Operation::read::<ListQuery<Notification>, Inbox>(
            "notification.list",
            "/v1/notifications",
            |reader, query| Box::pin(inbox::list(reader, query)),
        )
        .summary("Lists the caller's own notifications, the newest first, and counts the unread")
        .roles(USERS),
        Operation::write::<ById, Notification>(
            "notification.markRead",
            "/v1/notifications/{id}:markRead",
            |work, input| Box::pin(inbox::mark_read(work, input.id)),
        )
        .summary("Marks one of the caller's own notifications as read")
        .roles(USERS),
        Operation::write::<Nothing, MarkedRead>(
            "notification.markAllRead",
            "/v1/notifications:markAllRead",
            |work, _| Box::pin(inbox::mark_all_read(work)),
        )
        .summary("Marks all of the caller's own notifications as read")
        .roles(USERS),
        Operation::read::<Nothing, Preferences>(
            "notification.getPreferences",
            "/v1/preferences",
            |reader, _| Box::pin(preferences::get(reader)),
        )
        .summary("Gives what the caller wants to be told of, and how")
        .roles(USERS),
        Operation::write::<SetPreferences, Preferences>(
            "notification.setPreferences",
            "/v1/preferences",
            |work, input| Box::pin(preferences::set(work, input)),
        )
        .summary("Replaces what the caller wants to be told of, and how")
        .method(Method::PUT)
        .roles(USERS),
    ]
}
