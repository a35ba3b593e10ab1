//! Whose class it is: the office's, and of instructors those who teach it.

use service_kit::token::Role;
use uuid::Uuid;

use crate::domain::enrollments::{class_exists, teaches};
use crate::error::{Error, not_found};
use crate::operation::{Caller, forbidden};
use crate::store::TenantTx;

/// The user, where the caller is here as an instructor and nothing more.
pub(crate) fn instructor(caller: &Caller) -> Option<Uuid> {
    let only = caller.roles.contains(Role::Instructor) && !caller.is_office();
    only.then_some(caller.subject)
}

/// 404 where there is no such class, 403 where it is another instructor's.
pub(crate) async fn expect_taught(
    tx: &mut TenantTx,
    instructor: Option<Uuid>,
    class: Uuid,
) -> Result<(), Error> {
    if !class_exists(tx, class).await? {
        return Err(not_found("class"));
    }
    match instructor {
        Some(user) if !teaches(tx, class, user).await? => {
            Err(forbidden("the class is another instructor's"))
        }
        _ => Ok(()),
    }
}
