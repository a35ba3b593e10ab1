//! Every SQL statement of users and their roles.

use chrono::NaiveDate;
use uuid::Uuid;

use super::model::{HeldRole, NewUser, User};
use crate::error::Error;
use crate::resource::expect_one;
use crate::store::TenantTx;
use crate::store::constraint::{Constraint, explain};

const CONSTRAINTS: &[Constraint] = &[
    Constraint::taken(
        "users_institution_id_username_key",
        "username-taken",
        "/username",
        "this username",
    ),
    Constraint::taken(
        "users_institution_id_source_external_id_key",
        "external-id-taken",
        "/externalId",
        "this external id",
    ),
    Constraint::unknown("user_roles_institution_id_org_unit_id_fkey", "/roles", "org unit"),
];

/// Inserts a user.
pub(super) async fn insert(tx: &mut TenantTx, id: Uuid, new: &NewUser) -> Result<(), Error> {
    let institution = tx.institution().as_uuid();
    let done = sqlx::query!(
        "INSERT INTO users (institution_id, id, username, email, given_name, family_name, timezone,
                            source, external_id)
         VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9)",
        institution,
        id,
        new.username,
        new.email,
        new.given_name,
        new.family_name,
        new.timezone,
        new.source,
        new.external_id
    )
    .execute(tx.connection())
    .await
    .map_err(|error| explain(error, CONSTRAINTS))?;
    expect_one(done.rows_affected(), "user")
}

/// Writes a changed user. The row version rises even where only roles changed.
pub(super) async fn update(tx: &mut TenantTx, user: &User) -> Result<(), Error> {
    let institution = tx.institution().as_uuid();
    let done = sqlx::query!(
        "UPDATE users SET username = $3, email = $4, given_name = $5, family_name = $6, timezone = $7
         WHERE institution_id = $1 AND id = $2",
        institution,
        user.id,
        user.username,
        user.email,
        user.given_name,
        user.family_name,
        user.timezone
    )
    .execute(tx.connection())
    .await
    .map_err(|error| explain(error, CONSTRAINTS))?;
    expect_one(done.rows_affected(), "user")
}

/// Gives a user roles in one statement.
pub(super) async fn insert_roles(
    tx: &mut TenantTx,
    user: Uuid,
    roles: &[HeldRole],
) -> Result<(), Error> {
    if roles.is_empty() {
        return Ok(());
    }
    let institution = tx.institution().as_uuid();
    let ids: Vec<Uuid> = roles.iter().map(|_| Uuid::now_v7()).collect();
    let names: Vec<String> = roles.iter().map(|held| held.role.as_str().to_owned()).collect();
    let from: Vec<Option<NaiveDate>> = roles.iter().map(|held| held.from).collect();
    let until: Vec<Option<NaiveDate>> = roles.iter().map(|held| held.until).collect();
    let units: Vec<Option<Uuid>> = roles.iter().map(|held| held.org_unit_id).collect();
    sqlx::query!(
        "INSERT INTO user_roles (institution_id, id, user_id, role, from_on, until_on, org_unit_id)
         SELECT $1, id, $2, role, from_on, until_on, unit
         FROM unnest($3::uuid[], $4::text[], $5::date[], $6::date[], $7::uuid[])
              AS held (id, role, from_on, until_on, unit)",
        institution,
        user,
        &ids,
        &names,
        &from as &[Option<NaiveDate>],
        &until as &[Option<NaiveDate>],
        &units as &[Option<Uuid>]
    )
    .execute(tx.connection())
    .await
    .map_err(|error| explain(error, CONSTRAINTS))?;
    Ok(())
}

/// Takes all roles of a user that is locked.
pub(super) async fn delete_roles(tx: &mut TenantTx, user: Uuid) -> Result<(), Error> {
    let institution = tx.institution().as_uuid();
    sqlx::query!(
        "DELETE FROM user_roles WHERE institution_id = $1 AND user_id = $2",
        institution,
        user
    )
    .execute(tx.connection())
    .await?;
    Ok(())
}

/// Locks the student that a user is, if it is one.
pub(super) async fn lock_student(tx: &mut TenantTx, user: Uuid) -> Result<Option<Uuid>, Error> {
    let institution = tx.institution().as_uuid();
    Ok(sqlx::query_scalar!(
        "SELECT id FROM students WHERE institution_id = $1 AND user_id = $2 FOR NO KEY UPDATE",
        institution,
        user
    )
    .fetch_optional(tx.connection())
    .await?)
}

/// Raises the version of a student whose user has changed.
pub(super) async fn touch_student(tx: &mut TenantTx, student: Uuid) -> Result<(), Error> {
    let institution = tx.institution().as_uuid();
    let done = sqlx::query!(
        "UPDATE students SET standing = standing WHERE institution_id = $1 AND id = $2",
        institution,
        student
    )
    .execute(tx.connection())
    .await?;
    expect_one(done.rows_affected(), "student")
}
