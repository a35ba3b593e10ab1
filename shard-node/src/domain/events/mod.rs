//! Events as others read them: a log to follow, and an audit that can be verified.
//!
//! What must stay true: only events that have a number are shown, so that nothing appears behind a reader that goes by
//! `after`; what they are and how they get their numbers is `crate::events`. Nothing here changes anything.

mod model;
mod service;
mod store;

use service_kit::token::{Role, Roles};

pub(crate) use model::valid_type;
pub use model::{Audit, AuditEntry, AuditQuery, EventLog, EventQuery, LoggedEvent, WalkQuery};

use crate::events::verify::Walk;
use crate::operation::{Operation, roles};

const FOLLOWERS: Roles = roles(&[Role::Admin, Role::ApiClient]);
const AUDITORS: Roles = roles(&[Role::Admin]);

/// The operations of events.
pub fn operations() -> Vec<Operation> {
    vec![
        Operation::read::<EventQuery, EventLog>(
            "admin.listEvents",
            "/v1/events",
            |reader, query| Box::pin(service::list(reader, query)),
        )
        .summary("Gives the events after a number, in the order of their numbers")
        .roles(FOLLOWERS),
        Operation::read::<AuditQuery, Audit>("admin.listAudit", "/v1/audit", |reader, query| {
            Box::pin(service::audit(reader, query))
        })
        .summary("Gives who did what, the latest first")
        .roles(AUDITORS),
        Operation::read::<WalkQuery, Walk>(
            "admin.verifyAudit",
            "/v1/audit:verify",
            |reader, query| Box::pin(service::verify(reader, query)),
        )
        .summary("Works out the hashes of the audit again and says where they break")
        .roles(AUDITORS),
    ]
}
