//! Use cases of enrolments.

use chrono::NaiveDate;
use uuid::Uuid;

use super::enroll::{self, Outcome, event};
use super::model::{EndEnrollment, Enroll, Enrollment, OfClass, ProgressList};
use super::rules::{ClassFacts, Request, may_leave};
use super::store::{self, EventRow, Locked};
use super::{PATH, Status, Transition};
use crate::error::{Error, not_found};
use crate::operation::{Reader, Reply, Work, forbidden};
use crate::resource::{self, ListQuery, Page};
use service_kit::Problem;
use service_kit::token::Role;

/// Enrols one student.
pub(super) async fn enroll(work: &mut Work, input: Enroll) -> Result<Reply<Enrollment>, Error> {
    let now = work.now;
    let class = store::lock_class(work.tx(), input.class_id, now)
        .await?
        .ok_or_else(|| not_found("class"))?;
    let by_student = work.caller.is_student();
    if by_student {
        if !store::is_own_student(work, input.student_id).await? {
            return Err(forbidden("a student enrols nobody else"));
        }
        if input.effective_date.is_some() {
            return Err(forbidden("effectiveDate is for admin and staff"));
        }
    }
    let request = Request {
        student: input.student_id,
        on_full: input.on_full,
        effective_on: input.effective_date.unwrap_or(class.today),
        external: None,
        in_window: by_student,
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

/// Takes an enrolment from one state to another; a seat that it frees goes to the first who waits.
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
    change(work, &class, &locked, to, day, input.reason).await?;
    if locked.status.holds_seat() && !to.holds_seat() {
        store::free_seat(work.tx(), class.id).await?;
        promote(work, class.id).await?;
    }
    Ok(Reply::ok(resource::load_required(work.tx(), input.id).await?))
}

/// Gives free seats of an open class to those who wait, in their order. The class must be locked in this
/// transaction.
pub(crate) async fn promote_waitlist(work: &mut Work, class: Uuid) -> Result<(), Error> {
    promote(work, class).await
}

async fn promote(work: &mut Work, class: Uuid) -> Result<(), Error> {
    let now = work.now;
    let facts =
        store::lock_class(work.tx(), class, now).await?.ok_or_else(|| not_found("class"))?;
    let waiting = store::lock_first_waiting(work.tx(), class, facts.seats_to_give()).await?;
    for locked in &waiting {
        let to = locked.status.apply(Transition::Promote).map_err(Problem::from)?;
        change(work, &facts, locked, to, facts.today, None).await?;
    }
    let ids: Vec<Uuid> = waiting.iter().map(|locked| locked.id).collect();
    store::begin_progress(work.tx(), class, &ids).await?;
    store::take_seats(work.tx(), class, ids.len()).await
}

async fn change(
    work: &mut Work,
    class: &ClassFacts,
    locked: &Locked,
    to: Status,
    day: NaiveDate,
    reason: Option<String>,
) -> Result<(), Error> {
    let actor = work.caller.subject;
    let ended_on =
        matches!(to, Status::Dropped | Status::Withdrawn | Status::Cancelled).then_some(day);
    let row_version = store::set_status(work.tx(), locked.id, to, ended_on).await?;
    let row = EventRow {
        enrollment: locked.id,
        from: Some(locked.status),
        to,
        effective_on: day,
        reason,
    };
    store::append_events(work.tx(), actor, &[row]).await?;
    work.record(event(locked.id, class.id, locked.student, Some(locked.status), to, row_version));
    Ok(())
}

/// The day from which a change counts; a student's own changes count from today, and are their own.
async fn effective_day(
    work: &mut Work,
    class: &ClassFacts,
    locked: &Locked,
    asked: Option<NaiveDate>,
) -> Result<NaiveDate, Error> {
    if work.caller.is_student() {
        if !store::is_own_student(work, locked.student).await? {
            return Err(forbidden("the enrolment is another student's"));
        }
        if asked.is_some() {
            return Err(forbidden("effectiveDate is for admin, staff and api clients"));
        }
    }
    Ok(asked.unwrap_or(class.today))
}

/// Lists enrolments; a student's list is their own, whatever it asks for.
pub(super) async fn list(
    reader: &Reader,
    query: ListQuery<Enrollment>,
) -> Result<Page<Enrollment>, Error> {
    if !reader.caller.is_student() {
        return resource::list(reader, query).await;
    }
    let mut tx = reader.begin().await?;
    let own = store::student_of_user(&mut tx, reader.caller.subject).await?;
    let own = own.ok_or_else(|| forbidden("the token's subject is no student here"))?;
    let page =
        resource::list_where(&mut tx, query.with_filter("studentId", own.to_string())).await?;
    tx.commit().await?;
    Ok(page)
}

/// Lists the enrolments of a class; an instructor must teach it.
pub(super) async fn list_of_class(
    reader: &Reader,
    input: OfClass,
) -> Result<Page<Enrollment>, Error> {
    let mut tx = reader.begin().await?;
    if !store::class_exists(&mut tx, input.class_id).await? {
        return Err(not_found("class"));
    }
    let instructor = reader.caller.roles.contains(Role::Instructor) && !reader.caller.is_office();
    if instructor && !store::teaches(&mut tx, input.class_id, reader.caller.subject).await? {
        return Err(forbidden("the class is another instructor's"));
    }
    let query = input.query.with_filter("classId", input.class_id.to_string());
    let page = resource::list_where(&mut tx, query).await?;
    tx.commit().await?;
    Ok(page)
}

/// One enrolment; a student's own.
pub(super) async fn get(reader: &Reader, id: Uuid) -> Result<Enrollment, Error> {
    let mut tx = reader.begin().await?;
    let enrollment: Enrollment = resource::load_required(&mut tx, id).await?;
    expect_own(reader, &mut tx, enrollment.student_id).await?;
    tx.commit().await?;
    Ok(enrollment)
}

/// The progress of one enrolment; a student's own.
pub(super) async fn progress(reader: &Reader, id: Uuid) -> Result<ProgressList, Error> {
    let mut tx = reader.begin().await?;
    let enrollment: Enrollment = resource::load_required(&mut tx, id).await?;
    expect_own(reader, &mut tx, enrollment.student_id).await?;
    let items = store::progress(&mut tx, id).await?;
    tx.commit().await?;
    Ok(ProgressList { enrollment_id: id, items })
}

async fn expect_own(
    reader: &Reader,
    tx: &mut crate::store::TenantTx,
    student: Uuid,
) -> Result<(), Error> {
    if !reader.caller.is_student() {
        return Ok(());
    }
    let own = store::student_of_user(tx, reader.caller.subject).await?;
    if own == Some(student) { Ok(()) } else { Err(forbidden("the enrolment is another student's")) }
}
