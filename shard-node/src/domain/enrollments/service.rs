//! Use cases of enrolments.

use chrono::NaiveDate;
use uuid::Uuid;

use super::enroll::{self, Outcome};
use super::model::{EndEnrollment, Enroll, Enrollment, OfClass, ProgressList};
use super::promote::{Change, change, promote_waitlist};
use super::rules::{ClassFacts, Request, may_accept, may_leave};
use super::store::{self, Locked};
use super::{PATH, Status, Transition};
use crate::error::{Error, not_found};
use crate::operation::{Reader, Reply, Work, forbidden};
use crate::policy::{self, About};
use crate::resource::{self, ListQuery, Page};
use crate::store::TenantTx;
use service_kit::Problem;

/// Enrols one student.
pub(super) async fn enroll(work: &mut Work, input: Enroll) -> Result<Reply<Enrollment>, Error> {
    let now = work.now;
    let class = store::lock_class(work.tx(), input.class_id, now)
        .await?
        .ok_or_else(|| not_found("class"))?;
    work.expect(About::student(input.student_id)).await?;
    let by_student = !work.caller.relations.is_any();
    if by_student && (input.effective_date.is_some() || input.overrides.is_some()) {
        return Err(forbidden("effectiveDate and overrides are for admin and staff"));
    }
    let (passing, reason) =
        input.overrides.map(|overrides| (overrides.refusals, overrides.reason)).unzip();
    let request = Request {
        student: input.student_id,
        on_full: input.on_full,
        effective_on: input.effective_date.unwrap_or(class.today),
        external: None,
        in_window: by_student,
        passing: passing.unwrap_or_default(),
        reason,
    };
    let outcome = enroll::enroll(work, &class, &[request]).await?.pop();
    let outcome =
        outcome.ok_or_else(|| Error::Defect("a request without an outcome".to_owned()))?;
    match outcome.map_err(Problem::from)? {
        Outcome::Existing(id) => Ok(Reply::ok(resource::load_required(work.tx(), id).await?)),
        Outcome::Made(id, status) => {
            let made = resource::load_required(work.tx(), id).await?;
            let place = format!("{PATH}/{id}");
            let waits = status == Status::Waitlisted;
            Ok(if waits { Reply::accepted(made, place) } else { Reply::created(made, place) })
        }
    }
}

/// Takes an enrolment from one state to another; a seat that it frees goes to the first who waits, one that was
/// offered and is taken was held already.
pub(super) async fn transition(
    work: &mut Work,
    input: EndEnrollment,
    transition: Transition,
) -> Result<Reply<Enrollment>, Error> {
    let now = work.now;
    let class_id =
        store::class_of(work.tx(), input.id).await?.ok_or_else(|| not_found("enrolment"))?;
    let class =
        store::lock_class(work.tx(), class_id, now).await?.ok_or_else(|| not_found("class"))?;
    let locked = store::lock(work.tx(), input.id).await?.ok_or_else(|| not_found("enrolment"))?;
    work.caller.expect_version(locked.row_version)?;
    let day = effective_day(work, &class, &locked, input.effective_date).await?;
    let to = locked.status.apply(transition).map_err(Problem::from)?;
    may_leave(&class, transition, day)?;
    if transition == Transition::Accept {
        may_accept(&class, locked.offer_expires_at, now)?;
        store::begin_progress(work.tx(), class.id, &[locked.id]).await?;
    }
    let declined = (transition == Transition::Decline).then(|| "declined".to_owned());
    change(
        work,
        &class,
        &locked,
        Change { to, day, reason: input.reason.or(declined), overrode: Vec::new() },
    )
    .await?;
    if locked.status.holds_seat() && !to.holds_seat() {
        store::free_seat(work.tx(), class.id).await?;
        promote_waitlist(work, class.id).await?;
    }
    Ok(Reply::ok(resource::load_required(work.tx(), input.id).await?))
}

/// The day from which a change counts; a student's own changes count from today, and are their own.
async fn effective_day(
    work: &mut Work,
    class: &ClassFacts,
    locked: &Locked,
    asked: Option<NaiveDate>,
) -> Result<NaiveDate, Error> {
    work.expect(About::enrollment(class.id, locked.student)).await?;
    if asked.is_some() && !work.caller.relations.is_any() {
        return Err(forbidden("effectiveDate is for admin, staff and api clients"));
    }
    Ok(asked.unwrap_or(class.today))
}

/// Lists enrolments: those of students whom the caller may see.
pub(super) async fn list(
    reader: &Reader,
    query: ListQuery<Enrollment>,
) -> Result<Page<Enrollment>, Error> {
    let mut tx = reader.begin().await?;
    let visible = policy::visible_students(&mut tx, &reader.caller).await?;
    let page = resource::list_where(&mut tx, query.among("studentId", visible)).await?;
    tx.commit().await?;
    Ok(page)
}

/// Lists the enrolments of a class.
pub(super) async fn list_of_class(
    reader: &Reader,
    input: OfClass,
) -> Result<Page<Enrollment>, Error> {
    let mut tx = reader.begin().await?;
    reader.expect_class(&mut tx, input.class_id).await?;
    let query = input.query.with_filter("classId", input.class_id.to_string());
    let page = resource::list_where(&mut tx, query).await?;
    tx.commit().await?;
    Ok(page)
}

/// One enrolment.
pub(super) async fn get(reader: &Reader, id: Uuid) -> Result<Enrollment, Error> {
    let mut tx = reader.begin().await?;
    let enrollment = load(reader, &mut tx, id).await?;
    tx.commit().await?;
    Ok(enrollment)
}

/// The progress of one enrolment.
pub(super) async fn progress(reader: &Reader, id: Uuid) -> Result<ProgressList, Error> {
    let mut tx = reader.begin().await?;
    load(reader, &mut tx, id).await?;
    let items = store::progress(&mut tx, id).await?;
    tx.commit().await?;
    Ok(ProgressList { enrollment_id: id, items })
}

/// One that the caller may see.
pub(super) async fn load(
    reader: &Reader,
    tx: &mut TenantTx,
    id: Uuid,
) -> Result<Enrollment, Error> {
    let enrollment: Enrollment = resource::load_required(tx, id).await?;
    reader.expect(tx, About::enrollment(enrollment.class_id, enrollment.student_id)).await?;
    Ok(enrollment)
}
