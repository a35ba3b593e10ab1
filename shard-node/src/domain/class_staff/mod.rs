//! Class staff: who teaches a class, and so hears of it.
//!
//! What must stay true: a user is on a class's staff at most once; adding again answers the one that is there.
//!
//! Left to others: what its members may read (`policy` asks whether the caller teaches the class).

mod model;
mod store;

use axum::http::Method;
use uuid::Uuid;

pub use model::{AddStaff, ClassStaff, OneOfStaff};

use crate::error::{Error, not_found};
use crate::operation::{Operation, Reply, Work};
use crate::resource::{self, ListQuery, Page};

const PATH: &str = "/v1/classes/{classId}/staff";
const ITEM: &str = "/v1/classes/{classId}/staff/{userId}";

/// The operations of class staff.
pub fn operations() -> Vec<Operation> {
    vec![
        Operation::read::<ListQuery<ClassStaff>, Page<ClassStaff>>(
            "academic.listClassStaff",
            PATH,
            |reader, query| Box::pin(resource::list(reader, query)),
        )
        .summary("Lists who teaches a class"),
        Operation::write::<AddStaff, ClassStaff>("academic.addClassStaff", PATH, |work, input| {
            Box::pin(add(work, input))
        })
        .summary("Puts a user on the staff of a class: 201, 200 where it is there already")
        .status(201),
        Operation::write::<OneOfStaff, ()>("academic.removeClassStaff", ITEM, |work, input| {
            Box::pin(remove(work, input))
        })
        .summary("Takes a user off the staff of a class")
        .method(Method::DELETE)
        .status(204),
    ]
}

async fn add(work: &mut Work, input: AddStaff) -> Result<Reply<ClassStaff>, Error> {
    let AddStaff { class_id, user_id } = input;
    let id = Uuid::now_v7();
    if store::insert(work.tx(), id, class_id, user_id).await? {
        let path = format!("/v1/classes/{class_id}/staff/{user_id}");
        let row: ClassStaff = resource::load_required(work.tx(), id).await?;
        resource::record(work, "CREATED", id, &row)?;
        return Ok(Reply::created(row, path));
    }
    let there = store::find(work.tx(), class_id, user_id).await?;
    let there = there.ok_or_else(|| Error::Defect("a member that is taken is not there".into()))?;
    Ok(Reply::ok(resource::load_required(work.tx(), there).await?))
}

async fn remove(work: &mut Work, input: OneOfStaff) -> Result<Reply<()>, Error> {
    let found = store::find(work.tx(), input.class_id, input.user_id).await?;
    let id = found.ok_or_else(|| not_found("member of this class's staff"))?;
    resource::remove::<ClassStaff>(work, id).await
}
