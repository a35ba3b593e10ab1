//! Use cases of users.

use service_kit::token::Role;
use uuid::Uuid;

use super::model::{HeldRole, NewUser, PatchUser, User, admin_rows};
use super::store;
use crate::domain::students::Student;
use crate::error::Error;
use crate::operation::{Reader, Reply, Work, forbidden};
use crate::policy::About;
use crate::resource;

/// Gives a user; to who is no office the one that they are.
pub(super) async fn get(reader: &Reader, id: Uuid) -> Result<User, Error> {
    let mut tx = reader.begin().await?;
    reader.expect(&mut tx, About::user(id)).await?;
    let user = resource::load_required(&mut tx, id).await?;
    tx.commit().await?;
    Ok(user)
}

/// Creates a user with its roles.
pub(super) async fn create(work: &mut Work, new: NewUser) -> Result<Reply<User>, Error> {
    may_set_roles(work, &[], &new.roles)?;
    let id = Uuid::now_v7();
    store::insert(work.tx(), id, &new).await?;
    store::insert_roles(work.tx(), id, &new.roles).await?;
    resource::created(work, id, super::PATH).await
}

/// Changes a user. The student that it may be is locked first, as whoever changes a student does.
pub(super) async fn update(work: &mut Work, patch: PatchUser) -> Result<Reply<User>, Error> {
    let student = store::lock_student(work.tx(), patch.id).await?;
    let before = resource::lock::<User>(work, patch.id).await?;
    let had = before.roles.clone();
    let user = patch.apply_to(before);
    if user.roles != had {
        may_set_roles(work, &had, &user.roles)?;
        store::delete_roles(work.tx(), user.id).await?;
        store::insert_roles(work.tx(), user.id, &user.roles).await?;
    }
    store::update(work.tx(), &user).await?;
    if let Some(student) = student {
        store::touch_student(work.tx(), student).await?;
        resource::updated::<Student>(work, student).await?;
    }
    resource::updated(work, user.id).await
}

/// Deletes a user that nothing refers to.
pub(super) async fn delete(work: &mut Work, id: Uuid) -> Result<Reply<()>, Error> {
    lock_to_delete(work, id).await?;
    resource::remove::<User>(work, id).await
}

/// Locks a user whose roles are about to go with it; who takes ADMIN away must be an admin.
pub(crate) async fn lock_to_delete(work: &mut Work, id: Uuid) -> Result<(), Error> {
    let user = resource::lock::<User>(work, id).await?;
    may_set_roles(work, &user.roles, &[])
}

fn may_set_roles(work: &Work, before: &[HeldRole], after: &[HeldRole]) -> Result<(), Error> {
    if work.caller.roles.contains(Role::Admin) || admin_rows(before) == admin_rows(after) {
        return Ok(());
    }
    Err(forbidden("only an admin gives or takes the role ADMIN"))
}
