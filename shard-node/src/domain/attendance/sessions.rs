//! Sessions: the meetings of a class in which students are marked.

use axum::http::StatusCode;
use chrono::{DateTime, NaiveDate, Utc};
use garde::Validate;
use serde::Deserialize;
use service_kit::Problem;
use service_kit::problem::FieldProblem;
use utoipa::ToSchema;
use uuid::Uuid;

use super::model::{AttendanceSession, OfClass, STATUSES};
use super::{SESSIONS, stats, store};
use crate::domain::checks::valid_day;
use crate::error::Error;
use crate::operation::{Reader, Reply, Work, invalid};
use crate::policy::About;
use crate::resource::{self, Page, Within, nullable};

/// A session to create.
#[derive(Debug, Deserialize, Validate, ToSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct NewSession {
    /// The class.
    #[garde(skip)]
    pub class_id: Uuid,
    /// Its day, on the class's own calendar.
    #[garde(custom(valid_day))]
    pub date: NaiveDate,
    /// When it begins, on that day; of the sessions of a day each begins at another time.
    #[garde(skip)]
    pub starts_at: Option<DateTime<Utc>>,
    /// When it ends.
    #[garde(skip)]
    pub ends_at: Option<DateTime<Utc>>,
    /// What it is about.
    #[garde(length(chars, min = 1, max = 300))]
    pub title: Option<String>,
}

/// A change of a session; what is absent stays, what is null is cleared.
#[derive(Debug, Deserialize, Validate, ToSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct PatchSession {
    /// Which one.
    #[garde(skip)]
    pub id: Uuid,
    /// Another day, while nobody is marked.
    #[garde(inner(custom(valid_day)))]
    pub date: Option<NaiveDate>,
    /// When it begins, or that nobody knows.
    #[serde(default, deserialize_with = "nullable")]
    #[schema(value_type = Option<DateTime<Utc>>)]
    #[garde(skip)]
    pub starts_at: Option<Option<DateTime<Utc>>>,
    /// When it ends, or that nobody knows.
    #[serde(default, deserialize_with = "nullable")]
    #[schema(value_type = Option<DateTime<Utc>>)]
    #[garde(skip)]
    pub ends_at: Option<Option<DateTime<Utc>>>,
    /// Another title, or none.
    #[serde(default, deserialize_with = "nullable")]
    #[schema(value_type = Option<String>)]
    #[garde(inner(inner(length(chars, min = 1, max = 300))))]
    pub title: Option<Option<String>>,
    /// OPEN, CLOSED or CANCELLED.
    #[garde(inner(custom(valid_status)))]
    pub status: Option<String>,
}

fn valid_status(value: &str, (): &()) -> garde::Result {
    if STATUSES.contains(&value) {
        return Ok(());
    }
    Err(garde::Error::new("OPEN, CLOSED or CANCELLED is expected"))
}

/// Lists those of a class.
pub(super) async fn list(
    reader: &Reader,
    input: Within<AttendanceSession, OfClass>,
) -> Result<Page<AttendanceSession>, Error> {
    let mut tx = reader.begin().await?;
    reader.expect_class(&mut tx, input.of).await?;
    let page = resource::list_where(&mut tx, input.query).await?;
    tx.commit().await?;
    Ok(page)
}

/// Gives one.
pub(super) async fn get(reader: &Reader, id: Uuid) -> Result<AttendanceSession, Error> {
    let mut tx = reader.begin().await?;
    let session: AttendanceSession = resource::load_required(&mut tx, id).await?;
    reader.expect(&mut tx, About::class(session.class_id)).await?;
    tx.commit().await?;
    Ok(session)
}

/// Creates one.
pub(super) async fn create(
    work: &mut Work,
    input: NewSession,
) -> Result<Reply<AttendanceSession>, Error> {
    work.expect_class(input.class_id).await?;
    let id = Uuid::now_v7();
    check_times(work, input.class_id, input.date, (input.starts_at, input.ends_at)).await?;
    store::insert_session(work.tx(), id, &input).await?;
    stats::changed(work, input.class_id, input.date);
    resource::created(work, id, SESSIONS).await
}

/// Changes one. Who marks holds its row meanwhile.
pub(super) async fn update(
    work: &mut Work,
    patch: PatchSession,
) -> Result<Reply<AttendanceSession>, Error> {
    let before = lock(work, patch.id).await?;
    let day = before.date;
    let session = patch.apply_to(before);
    if session.date != day && store::has_marks(work.tx(), session.id).await? {
        return Err(has_marks());
    }
    check_times(work, session.class_id, session.date, (session.starts_at, session.ends_at)).await?;
    store::update_session(work.tx(), &session).await?;
    stats::changed(work, session.class_id, session.date);
    if session.date != day {
        stats::changed(work, session.class_id, day);
    }
    resource::updated(work, session.id).await
}

/// Deletes one in which nobody is marked.
pub(super) async fn delete(work: &mut Work, id: Uuid) -> Result<Reply<()>, Error> {
    let session = lock(work, id).await?;
    let reply = resource::remove::<AttendanceSession>(work, id).await?;
    stats::changed(work, session.class_id, session.date);
    Ok(reply)
}

/// Locks one of a class of the caller's.
pub(super) async fn lock(work: &mut Work, id: Uuid) -> Result<AttendanceSession, Error> {
    let session = resource::lock::<AttendanceSession>(work, id).await?;
    work.expect(About::class(session.class_id)).await?;
    Ok(session)
}

impl PatchSession {
    /// The session as it is to be.
    fn apply_to(self, mut session: AttendanceSession) -> AttendanceSession {
        session.date = self.date.unwrap_or(session.date);
        session.starts_at = self.starts_at.unwrap_or(session.starts_at);
        session.ends_at = self.ends_at.unwrap_or(session.ends_at);
        session.title = self.title.unwrap_or(session.title);
        session.status = self.status.unwrap_or(session.status);
        session
    }
}

/// It begins on its day, and ends after that.
async fn check_times(
    work: &mut Work,
    class: Uuid,
    date: NaiveDate,
    (starts_at, ends_at): (Option<DateTime<Utc>>, Option<DateTime<Utc>>),
) -> Result<(), Error> {
    for (at, pointer) in [(starts_at, "/startsAt"), (ends_at, "/endsAt")] {
        let Some(at) = at else { continue };
        // What is not even of its year is none of the day's, and may be none of Postgres'.
        let is_near = (at.date_naive() - date).num_days().abs() <= 2;
        let begins = pointer == "/startsAt";
        let on = if is_near { Some(store::local_date(work.tx(), class, at).await?) } else { None };
        if on.is_none() || (begins && on != Some(date)) {
            let detail = format!("an instant of {date} in the class's time zone is expected");
            return Err(invalid().field(FieldProblem::new(pointer, "invalid", detail)).into());
        }
    }
    match starts_at.zip(ends_at) {
        Some((starts_at, ends_at)) if ends_at < starts_at => {
            let detail = "startsAt or later is expected";
            Err(invalid().field(FieldProblem::new("/endsAt", "invalid", detail)).into())
        }
        _ => Ok(()),
    }
}

fn has_marks() -> Error {
    let code = "has-records";
    Problem::new(StatusCode::CONFLICT, code, "Students are marked in this session")
        .field(FieldProblem::new(
            "/date",
            code,
            "they were in the class on its day; make another session",
        ))
        .into()
}
