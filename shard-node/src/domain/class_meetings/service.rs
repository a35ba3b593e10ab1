//! Use cases of meetings.

use axum::http::StatusCode;
use chrono::NaiveDate;
use service_kit::Problem;
use service_kit::problem::FieldProblem;
use uuid::Uuid;

use super::model::{ClassMeeting, NewMeeting, OfClass, PatchMeeting};
use super::{PATH, store};
use crate::error::{Error, not_found};
use crate::operation::{Reader, Reply, Work, invalid};
use crate::policy::About;
use crate::resource::{self, Page, Resource as _, Within};

/// Meetings of one class at most.
const MEETINGS_MAX: i64 = 50;

/// Lists those of a class.
pub(super) async fn list(
    reader: &Reader,
    input: Within<ClassMeeting, OfClass>,
) -> Result<Page<ClassMeeting>, Error> {
    let mut tx = reader.begin().await?;
    reader.expect(&mut tx, About::class(input.of).hidden("class")).await?;
    let page = resource::list_where(&mut tx, input.query).await?;
    tx.commit().await?;
    Ok(page)
}

/// Gives one.
pub(super) async fn get(reader: &Reader, id: Uuid) -> Result<ClassMeeting, Error> {
    let mut tx = reader.begin().await?;
    let meeting: ClassMeeting = resource::load_required(&mut tx, id).await?;
    let about = About::class(meeting.class_id).hidden(ClassMeeting::NOUN);
    reader.expect(&mut tx, about).await?;
    tx.commit().await?;
    Ok(meeting)
}

/// Adds one.
pub(super) async fn create(
    work: &mut Work,
    input: NewMeeting,
) -> Result<Reply<ClassMeeting>, Error> {
    check_days(input.from, input.until)?;
    if !store::lock_class(work.tx(), input.class_id).await? {
        return Err(not_found("class"));
    }
    if store::count(work.tx(), input.class_id).await? >= MEETINGS_MAX {
        return Err(too_many());
    }
    let id = Uuid::now_v7();
    store::insert(work.tx(), id, &input).await?;
    resource::created(work, id, PATH).await
}

/// Changes one.
pub(super) async fn update(
    work: &mut Work,
    patch: PatchMeeting,
) -> Result<Reply<ClassMeeting>, Error> {
    let meeting = patch_locked(work, patch).await?;
    check_days(meeting.from, meeting.until)?;
    if meeting.ends <= meeting.starts {
        let detail = "a time after `starts` is expected, on the same day";
        return Err(invalid().field(FieldProblem::new("/ends", "invalid", detail)).into());
    }
    store::update(work.tx(), &meeting).await?;
    resource::updated(work, meeting.id).await
}

async fn patch_locked(work: &mut Work, patch: PatchMeeting) -> Result<ClassMeeting, Error> {
    lock_class_of(work, patch.id).await?;
    let before = resource::lock::<ClassMeeting>(work, patch.id).await?;
    Ok(patch.apply_to(before))
}

/// Deletes one.
pub(super) async fn delete(work: &mut Work, id: Uuid) -> Result<Reply<()>, Error> {
    lock_class_of(work, id).await?;
    resource::remove::<ClassMeeting>(work, id).await
}

/// The class first, as on every path.
async fn lock_class_of(work: &mut Work, id: Uuid) -> Result<(), Error> {
    let meeting: ClassMeeting = resource::load_required(work.tx(), id).await?;
    store::lock_class(work.tx(), meeting.class_id).await?;
    Ok(())
}

fn check_days(from: Option<NaiveDate>, until: Option<NaiveDate>) -> Result<(), Error> {
    match from.zip(until) {
        Some((from, until)) if until < from => {
            let detail = format!("{from} or a later day is expected");
            Err(invalid().field(FieldProblem::new("/until", "invalid", detail)).into())
        }
        _ => Ok(()),
    }
}

fn too_many() -> Error {
    Problem::new(StatusCode::CONFLICT, "too-many-meetings", "The class has too many meetings")
        .detail(format!("a class has at most {MEETINGS_MAX} weekly meetings"))
        .into()
}
