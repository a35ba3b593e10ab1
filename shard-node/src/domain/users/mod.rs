//! Users: the people of an institution, with the roles that they have there.
//!
//! What must stay true: a user has a role at most once; only an admin gives or takes ADMIN; whoever changes a user
//! that is a student raises the student's version, too (`students` reads the names from here).
//!
//! Left to others: signing in, what roles allow (a token's roles are the ceiling), who teaches a class
//! (`class_staff`). A student's user is made and deleted with the student.

mod model;
mod service;
mod store;

use axum::http::Method;
use service_kit::token::Role;

pub use model::{HeldRole, NewUser, PatchUser, User, UserRole};
pub(super) use service::lock_to_delete;

use crate::operation::Operation;
use crate::policy::{OFFICE, Policy, Relation};
use crate::resource::{self, ById, ListQuery, Page};

const PATH: &str = "/v1/users";
const ITEM: &str = "/v1/users/{id}";
/// Here their own is the user that they are.
const THEMSELVES: Policy =
    OFFICE.with(Role::Student, Relation::Own).with(Role::Guardian, Relation::Own);

/// The operations of users.
pub fn operations() -> Vec<Operation> {
    vec![
        Operation::read::<ListQuery<User>, Page<User>>("admin.listUsers", PATH, |reader, query| {
            Box::pin(resource::list(reader, query))
        })
        .summary("Lists users"),
        Operation::read::<ById, User>("admin.getUser", ITEM, |reader, input| {
            Box::pin(service::get(reader, input.id))
        })
        .summary("Gives a user with its roles; to students and guardians themselves")
        .policy(THEMSELVES),
        Operation::write::<NewUser, User>("admin.createUser", PATH, |work, input| {
            Box::pin(service::create(work, input))
        })
        .summary("Creates a user with its roles")
        .status(201),
        Operation::write::<PatchUser, User>("admin.updateUser", ITEM, |work, input| {
            Box::pin(service::update(work, input))
        })
        .summary("Changes a user; roles are replaced as a whole")
        .method(Method::PATCH),
        Operation::write::<ById, ()>("admin.deleteUser", ITEM, |work, input| {
            Box::pin(service::delete(work, input.id))
        })
        .summary("Deletes a user that nothing refers to, with its roles and its inbox")
        .method(Method::DELETE)
        .status(204),
    ]
}
