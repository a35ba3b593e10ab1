//! Org units: faculties, departments and chairs, as a tree; a user's role may be one within a unit.
//!
//! What must stay true: nothing is above itself. Whoever gives a unit a parent holds the institution's lock of the tree, so
//! two who turn it around at once do not close a circle.
//!
//! Left to others: what a role within a unit allows (nothing more than the role does).

mod model;
mod store;

use axum::http::{Method, StatusCode};
use service_kit::Problem;
use service_kit::problem::FieldProblem;
use uuid::Uuid;

pub use model::{NewUnit, OrgUnit, PatchUnit};

use crate::error::Error;
use crate::operation::{Operation, Reply, Work};
use crate::resource::{self, ById, ListQuery, Page};

const PATH: &str = "/v1/org-units";
const ITEM: &str = "/v1/org-units/{id}";

/// The operations of org units.
pub fn operations() -> Vec<Operation> {
    vec![
        Operation::read::<ListQuery<OrgUnit>, Page<OrgUnit>>(
            "admin.listOrgUnits",
            PATH,
            |reader, query| Box::pin(resource::list(reader, query)),
        )
        .summary("Lists org units"),
        Operation::read::<ById, OrgUnit>("admin.getOrgUnit", ITEM, |reader, input| {
            Box::pin(resource::find(reader, input.id))
        })
        .summary("Gives an org unit"),
        Operation::write::<NewUnit, OrgUnit>("admin.createOrgUnit", PATH, |work, input| {
            Box::pin(create(work, input))
        })
        .summary("Creates an org unit")
        .status(201),
        Operation::write::<PatchUnit, OrgUnit>("admin.updateOrgUnit", ITEM, |work, input| {
            Box::pin(update(work, input))
        })
        .summary("Changes an org unit, or moves it with all that is below it")
        .method(Method::PATCH),
        Operation::write::<ById, ()>("admin.deleteOrgUnit", ITEM, |work, input| {
            Box::pin(resource::remove::<OrgUnit>(work, input.id))
        })
        .summary("Deletes an org unit that nothing is below and nobody has a role in")
        .method(Method::DELETE)
        .status(204),
    ]
}

async fn create(work: &mut Work, input: NewUnit) -> Result<Reply<OrgUnit>, Error> {
    let id = Uuid::now_v7();
    store::insert(work.tx(), id, &input).await?;
    resource::created(work, id, PATH).await
}

async fn update(work: &mut Work, patch: PatchUnit) -> Result<Reply<OrgUnit>, Error> {
    let moves = matches!(patch.parent_id, Some(Some(_)));
    if moves {
        store::lock_tree(work.tx()).await?;
    }
    let unit = patch.apply_to(resource::lock::<OrgUnit>(work, patch.id).await?);
    if let Some(parent) = unit.parent_id.filter(|_| moves)
        && store::lineage(work.tx(), parent).await?.contains(&unit.id)
    {
        return Err(circle());
    }
    store::update(work.tx(), &unit).await?;
    resource::updated(work, unit.id).await
}

fn circle() -> Error {
    let code = "org-unit-cycle";
    Problem::new(StatusCode::UNPROCESSABLE_ENTITY, code, "The unit would be above itself")
        .field(FieldProblem::new(
            "/parentId",
            code,
            "a unit that is neither this one nor below it is expected",
        ))
        .into()
}
