//! Attendance: who was there, session by session, and what that comes to for a class and day.
//!
//! What must stay true:
//! - At most one mark of a student in a session; marks are of students who were in the class on its day.
//! - A code for checking in is kept as a salted hash only. A student has [`rules::TRIES`] tries at it, and each wrong
//!   one is kept although it is refused; so six digits are not guessed.
//! - What a class and day come to is computed whole, from the marks, by a job that each change queues with itself: it
//!   may run twice or late, and is right once it has run after the last change.
//!
//! Left to others: sessions out of a timetable (there is none yet), and what weeks and months come to (reports).

mod access;
mod check_in;
mod codes;
mod model;
mod records;
mod rules;
mod sessions;
mod stats;
mod store;

use axum::http::Method;
use service_kit::token::{Role, Roles};

pub use check_in::{CheckIn, CheckInCode, OpenCheckIn};
pub use codes::{AttendanceCode, NewCode, PatchCode};
pub use model::{AttendanceRecord, AttendanceSession, ClassAttendance, OfClass, OfSession};
pub use records::{BulkMarks, Mark};
pub use sessions::{NewSession, PatchSession};
pub use stats::UPDATE_CLASS_ATTENDANCE;

use crate::jobs::Handler;
use crate::operation::{Operation, roles};
use crate::resource::bulk::BulkAnswer;
use crate::resource::{self, ById, ListQuery, Page, Within};
use crate::schedules::DAILY_ATTENDANCE;

pub(crate) use access::{expect_taught, instructor};

const CODES: &str = "/v1/attendance-codes";
const CODE: &str = "/v1/attendance-codes/{id}";
const OF_CLASS: &str = "/v1/classes/{classId}/attendance-sessions";
const SESSIONS: &str = "/v1/attendance-sessions";
const SESSION: &str = "/v1/attendance-sessions/{id}";
const RECORDS: &str = "/v1/attendance-sessions/{sessionId}/records";
const TEACHING: Roles = roles(&[Role::Admin, Role::Staff, Role::Instructor]);
const SELF: Roles = roles(&[Role::Admin, Role::Staff, Role::Student]);

/// The operations of attendance.
pub fn operations() -> Vec<Operation> {
    [codes(), sessions(), marks(), checking_in()].into_iter().flatten().collect()
}

/// What is done in the background.
pub fn handlers() -> Vec<Handler> {
    vec![
        Handler::effect(UPDATE_CLASS_ATTENDANCE, |work, job| Box::pin(stats::update(work, job))),
        Handler::effect(DAILY_ATTENDANCE, |work, job| Box::pin(stats::update_day(work, job))),
    ]
}

fn codes() -> Vec<Operation> {
    vec![
        Operation::read::<ListQuery<AttendanceCode>, Page<AttendanceCode>>(
            "attendance.listCodes",
            CODES,
            |reader, query| Box::pin(resource::list(reader, query)),
        )
        .summary("Lists what a student may be marked as")
        .roles(TEACHING),
        Operation::read_encoded::<ById, AttendanceCode>(
            "attendance.getCode",
            CODE,
            |reader, input| Box::pin(resource::find_encoded(reader, input.id)),
        )
        .summary("Gives a code")
        .roles(TEACHING),
        Operation::write::<NewCode, AttendanceCode>(
            "attendance.createCode",
            CODES,
            |work, input| Box::pin(codes::create(work, input)),
        )
        .summary("Creates a code")
        .status(201),
        Operation::write::<PatchCode, AttendanceCode>(
            "attendance.updateCode",
            CODE,
            |work, input| Box::pin(codes::update(work, input)),
        )
        .summary("Changes a code; what it counts as, while nobody is marked with it")
        .method(Method::PATCH),
        Operation::write::<ById, ()>("attendance.deleteCode", CODE, |work, input| {
            Box::pin(codes::delete(work, input.id))
        })
        .summary("Deletes a code that nobody is marked with")
        .method(Method::DELETE)
        .status(204),
    ]
}

fn sessions() -> Vec<Operation> {
    vec![
        Operation::read::<Within<AttendanceSession, OfClass>, Page<AttendanceSession>>(
            "attendance.listSessions",
            OF_CLASS,
            |reader, input| Box::pin(sessions::list(reader, input)),
        )
        .summary("Lists the sessions of a class")
        .roles(TEACHING),
        Operation::write::<NewSession, AttendanceSession>(
            "attendance.createSession",
            OF_CLASS,
            |work, input| Box::pin(sessions::create(work, input)),
        )
        .summary("Creates a session of a class")
        .roles(TEACHING)
        .status(201),
        Operation::read::<ById, AttendanceSession>(
            "attendance.getSession",
            SESSION,
            |reader, input| Box::pin(sessions::get(reader, input.id)),
        )
        .summary("Gives a session")
        .roles(TEACHING),
        Operation::write::<PatchSession, AttendanceSession>(
            "attendance.updateSession",
            SESSION,
            |work, input| Box::pin(sessions::update(work, input)),
        )
        .summary("Changes a session; its day, while nobody is marked in it")
        .method(Method::PATCH)
        .roles(TEACHING),
        Operation::write::<ById, ()>("attendance.deleteSession", SESSION, |work, input| {
            Box::pin(sessions::delete(work, input.id))
        })
        .summary("Deletes a session in which nobody is marked")
        .method(Method::DELETE)
        .roles(TEACHING)
        .status(204),
    ]
}

fn marks() -> Vec<Operation> {
    vec![
        Operation::write::<BulkMarks, BulkAnswer>(
            "attendance.markRecords",
            "/v1/attendance-sessions/{sessionId}/records:bulk",
            |work, input| Box::pin(records::mark(work, input)),
        )
        .summary("Marks up to 1,000 students of a session, with a status for each")
        .roles(TEACHING),
        Operation::read::<Within<AttendanceRecord, OfSession>, Page<AttendanceRecord>>(
            "attendance.listRecords",
            RECORDS,
            |reader, input| Box::pin(records::list(reader, input)),
        )
        .summary("Lists the marks of a session")
        .roles(TEACHING),
        Operation::read::<Within<ClassAttendance, OfClass>, Page<ClassAttendance>>(
            "attendance.classStats",
            "/v1/classes/{classId}/attendance-stats",
            |reader, input| Box::pin(stats::list(reader, input)),
        )
        .summary("Lists what the attendance of a class comes to, day by day")
        .roles(TEACHING),
    ]
}

fn checking_in() -> Vec<Operation> {
    vec![
        Operation::write::<OpenCheckIn, CheckInCode>(
            "attendance.openCheckIn",
            "/v1/attendance-sessions/{id}:openCheckIn",
            |work, input| Box::pin(check_in::open(work, input)),
        )
        .summary("Makes a code with which students mark themselves present for a while")
        .roles(TEACHING)
        .keeps_no_answer(),
        Operation::write::<CheckIn, AttendanceRecord>(
            "attendance.checkIn",
            "/v1/attendance-sessions/{id}:check-in",
            |work, input| Box::pin(check_in::check_in(work, input)),
        )
        .summary("Marks the student who asks as present, by the code: 201, 200 where that was done")
        .roles(SELF)
        .status(201)
        .keeps_no_answer(),
    ]
}
