//! Asking whether a caller has one of the relations under which the operation admits them.

use service_kit::token::Role;
use uuid::Uuid;

use super::{Relation, store};
use crate::error::{Error, not_found};
use crate::operation::{Caller, forbidden};
use crate::store::TenantTx;

/// What somebody is about to read or change, as far as relations go.
#[derive(Debug, Clone, Copy, Default)]
pub struct About {
    class: Option<Uuid>,
    student: Option<Uuid>,
    user: Option<Uuid>,
    hidden: Option<&'static str>,
}

impl About {
    /// Something of a class.
    pub fn class(class: Uuid) -> Self {
        Self { class: Some(class), ..Self::default() }
    }

    /// Something of a student.
    pub fn student(student: Uuid) -> Self {
        Self { student: Some(student), ..Self::default() }
    }

    /// Something of a student in a class.
    pub fn enrollment(class: Uuid, student: Uuid) -> Self {
        Self { class: Some(class), student: Some(student), ..Self::default() }
    }

    /// A user, of whom "own" says that it is the caller.
    pub fn user(user: Uuid) -> Self {
        Self { user: Some(user), ..Self::default() }
    }

    /// Who has no relation to it is told that there is no such thing: 404 with this noun instead of 403.
    #[must_use]
    pub fn hidden(mut self, noun: &'static str) -> Self {
        self.hidden = Some(noun);
        self
    }

    fn refusal(self, caller: &Caller) -> Error {
        if self.user.is_some() {
            return forbidden("users read themselves only");
        }
        match (self.hidden, self.student) {
            (Some(noun), _) => not_found(noun),
            (None, None) => forbidden("the class is another instructor's, or not the caller's"),
            (None, Some(_)) if caller.roles.contains(Role::Guardian) => {
                forbidden("it is of a student for whom the caller does not answer")
            }
            (None, Some(_)) => forbidden("it is another student's, or of another class"),
        }
    }
}

/// Refuses who has none of the relations under which the operation admits the caller.
///
/// # Errors
/// 403 `forbidden`, or 404 where [`About::hidden`] says so.
pub async fn expect(tx: &mut TenantTx, caller: &Caller, about: About) -> Result<(), Error> {
    let asked = caller.relations;
    if asked.is_any() {
        return Ok(());
    }
    let user = caller.subject;
    if let Some(class) = about.class {
        if asked.contains(Relation::Teaches) && store::teaches(tx, class, user).await? {
            return Ok(());
        }
        let [own, guards] = [Relation::Attends, Relation::GuardsIn].map(|one| asked.contains(one));
        if (own || guards) && store::attends(tx, class, user, own, guards).await? {
            return Ok(());
        }
    }
    if let Some(student) = about.student
        && related_students(tx, caller).await?.contains(&student)
    {
        return Ok(());
    }
    if about.user == Some(user) && asked.contains(Relation::Own) {
        return Ok(());
    }
    Err(about.refusal(caller))
}

/// The same for something of a class that a path names.
///
/// # Errors
/// 404 where there is no such class, for anybody.
pub async fn expect_class(tx: &mut TenantTx, caller: &Caller, class: Uuid) -> Result<(), Error> {
    if !store::class_exists(tx, class).await? {
        return Err(not_found("class"));
    }
    expect(tx, caller, About::class(class)).await
}

/// The students whose things a list may show: none where it may show everybody's.
///
/// # Errors
/// 403 where the caller, admitted as a student or guardian, is none here.
pub async fn visible_students(
    tx: &mut TenantTx,
    caller: &Caller,
) -> Result<Option<Vec<Uuid>>, Error> {
    if caller.relations.is_any() {
        return Ok(None);
    }
    let related = related_students(tx, caller).await?;
    if related.is_empty() {
        return Err(forbidden("the token's subject is no student here, and answers for none"));
    }
    Ok(Some(related))
}

/// The student that the caller is, and those for whom the caller answers, as far as the operation lets them count.
async fn related_students(tx: &mut TenantTx, caller: &Caller) -> Result<Vec<Uuid>, Error> {
    let own = caller.relations.contains(Relation::Own);
    let guards = caller.relations.contains(Relation::Guards);
    store::related_students(tx, caller.subject, own, guards).await
}
