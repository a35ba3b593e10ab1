//! Guardians: which user answers for which student, and since when.
//!
//! What must stay true: a user answers for a student by one link at most; while the link lasts, its days included, the
//! user reads that student's things, and nobody else's.
//!
//! Left to others: which things these are (each operation's policy), the role GUARDIAN of a token.

mod model;
mod store;

use axum::http::Method;
use service_kit::problem::FieldProblem;
use uuid::Uuid;

pub use model::{GuardianLink, NewLink, PatchLink};

use crate::error::Error;
use crate::operation::{Operation, Reply, Work, invalid};
use crate::resource::{self, ById, ListQuery, Page};

const PATH: &str = "/v1/guardian-links";
const ITEM: &str = "/v1/guardian-links/{id}";

/// The operations of guardians.
pub fn operations() -> Vec<Operation> {
    vec![
        Operation::read::<ListQuery<GuardianLink>, Page<GuardianLink>>(
            "admin.listGuardianLinks",
            PATH,
            |reader, query| Box::pin(resource::list(reader, query)),
        )
        .summary("Lists who answers for whom"),
        Operation::read::<ById, GuardianLink>("admin.getGuardianLink", ITEM, |reader, input| {
            Box::pin(resource::find(reader, input.id))
        })
        .summary("Gives a link of a guardian and a student"),
        Operation::write::<NewLink, GuardianLink>(
            "admin.createGuardianLink",
            PATH,
            |work, input| Box::pin(create(work, input)),
        )
        .summary("Lets a user answer for a student")
        .status(201),
        Operation::write::<PatchLink, GuardianLink>(
            "admin.updateGuardianLink",
            ITEM,
            |work, input| Box::pin(update(work, input)),
        )
        .summary("Changes what a guardian is to a student, or for how long")
        .method(Method::PATCH),
        Operation::write::<ById, ()>("admin.deleteGuardianLink", ITEM, |work, input| {
            Box::pin(resource::remove::<GuardianLink>(work, input.id))
        })
        .summary("Ends that a user answers for a student")
        .method(Method::DELETE)
        .status(204),
    ]
}

async fn create(work: &mut Work, input: NewLink) -> Result<Reply<GuardianLink>, Error> {
    let id = Uuid::now_v7();
    store::insert(work.tx(), id, &input).await?;
    resource::created(work, id, PATH).await
}

async fn update(work: &mut Work, patch: PatchLink) -> Result<Reply<GuardianLink>, Error> {
    let link = patch.apply_to(resource::lock::<GuardianLink>(work, patch.id).await?);
    if let Some((from, until)) = link.from.zip(link.until)
        && until < from
    {
        let detail = format!("{from} or a later day is expected");
        return Err(invalid().field(FieldProblem::new("/until", "invalid", detail)).into());
    }
    store::update(work.tx(), &link).await?;
    resource::updated(work, link.id).await
}
