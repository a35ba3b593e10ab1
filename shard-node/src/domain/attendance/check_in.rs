//! Checking in: a short code, shown in the room for a while, with which students mark themselves.

use chrono::{DateTime, TimeDelta, Utc};
use garde::Validate;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;
use uuid::Uuid;

use super::codes::PRESENT;
use super::model::{AttendanceRecord, AttendanceSession};
use super::rules::{self, Accepted, Held};
use super::{SESSIONS, sessions, stats, store};
use crate::domain::enrollments::student_of_user;
use crate::error::{Error, not_found};
use crate::operation::{Reply, Work, forbidden};
use crate::resource::{self, Resource as _};

/// How long a code holds where nobody says.
const VALID_FOR_S: u32 = 600;

/// A code to make.
#[derive(Debug, Deserialize, Validate, ToSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct OpenCheckIn {
    /// The session.
    #[garde(skip)]
    pub id: Uuid,
    /// How many seconds it holds, 30 to 7200; 600 where absent.
    #[garde(range(min = 30, max = 7200))]
    pub valid_for_s: Option<u32>,
}

/// The code that was made; it is shown this once.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct CheckInCode {
    /// Six digits.
    pub code: String,
    /// Until when it holds.
    pub expires_at: DateTime<Utc>,
}

/// A student who is there.
#[derive(Debug, Deserialize, Validate, ToSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct CheckIn {
    /// The session.
    #[garde(skip)]
    pub id: Uuid,
    /// The code that is shown.
    #[garde(length(chars, min = 1, max = 64))]
    pub code: String,
}

/// Makes a code; the one before, and tries at it, are over.
pub(super) async fn open(work: &mut Work, input: OpenCheckIn) -> Result<Reply<CheckInCode>, Error> {
    let session = sessions::lock(work, input.id).await?;
    store::hold_session(work.tx(), session.id)
        .await?
        .ok_or_else(|| not_found(AttendanceSession::NOUN))?
        .expect_open()?;
    let (random, salt) = (Uuid::new_v4().as_u128(), Uuid::new_v4());
    // The low 62 bits of a random UUID are random, all of them.
    let code = rules::code_of(u64::try_from(random & ((1 << 62) - 1)).unwrap_or_default());
    let valid_for = TimeDelta::seconds(i64::from(input.valid_for_s.unwrap_or(VALID_FOR_S)));
    let expires_at = work.now + valid_for;
    let hash = rules::hash_of(salt.as_bytes(), &code);
    store::open_check_in(work.tx(), session.id, salt.as_bytes(), &hash, expires_at).await?;
    let opened: AttendanceSession = resource::load_required(work.tx(), session.id).await?;
    resource::record(work, "UPDATED", session.id, &opened)?;
    Ok(Reply::ok(CheckInCode { code, expires_at }))
}

/// Marks the caller as present.
pub(super) async fn check_in(
    work: &mut Work,
    input: CheckIn,
) -> Result<Reply<AttendanceRecord>, Error> {
    let now = work.now;
    let held = store::hold_session(work.tx(), input.id)
        .await?
        .ok_or_else(|| not_found(AttendanceSession::NOUN))?;
    let (student, enrollment) = expect_student(work, &held).await?;
    if let Some(there) = store::checked_in(work.tx(), input.id, student).await? {
        return Ok(Reply::ok(resource::load_required(work.tx(), there).await?));
    }
    held.expect_open()?;
    held.expect_code(now)?;
    let tries = store::count_try(work.tx(), input.id, student).await?;
    if tries > rules::TRIES || !held.is_code(&input.code) {
        work.keep_although_refused();
        return Err(rules::wrong_code(tries).into());
    }
    let code = store::hold_codes(work.tx()).await?.get(PRESENT).copied();
    let code = code.ok_or_else(|| Error::Defect("the institution has no code PRESENT".into()))?;
    let mark = Accepted { index: 0, student, enrollment, code, note: None };
    let by = work.caller.subject;
    let id =
        store::insert_check_in(work.tx(), input.id, by, &mark).await?.ok_or_else(already_marked)?;
    stats::changed(work, held.class_id, held.date);
    let place = format!("{SESSIONS}/{}/records", input.id);
    let record: AttendanceRecord = resource::load_required(work.tx(), id).await?;
    resource::record(work, "CREATED", id, &record)?;
    Ok(Reply::created(record, place))
}

/// The student that the caller is, and the enrolment in the class on the session's day.
async fn expect_student(work: &mut Work, held: &Held) -> Result<(Uuid, Uuid), Error> {
    let subject = work.caller.subject;
    let student = student_of_user(work.tx(), subject).await?;
    let student = student.ok_or_else(|| forbidden("the token's subject is no student here"))?;
    let enrolled = store::enrolled(work.tx(), held, &[student]).await?;
    match enrolled.get(&student) {
        Some(enrollment) => Ok((student, *enrollment)),
        None => Err(forbidden("the student was not in the class on that day")),
    }
}

fn already_marked() -> Error {
    use axum::http::StatusCode;
    use service_kit::Problem;
    Problem::new(StatusCode::CONFLICT, "already-marked", "You are marked in this session already")
        .detail("whoever teaches the class can change that")
        .into()
}
