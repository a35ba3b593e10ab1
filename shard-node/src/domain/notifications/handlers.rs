//! Who is told of what happens: one handler for each event that people hear of.
//!
//! What must stay true: each can run twice, in any order and late. A notice is about one program or enrolment, so it
//! comes once (`Notice::about`); what is gone meanwhile tells nobody.

use serde::Deserialize;
use serde_json::{Value, json};
use uuid::Uuid;

use super::store::{self, Enrolled};
use super::{Notice, NotificationType, deliver, notify};
use crate::jobs::{Failure, Handler, Job};
use crate::operation::Work;

/// The handlers of notifications.
pub fn handlers() -> Vec<Handler> {
    vec![
        Handler::effect("PROGRAM_CREATED", |work, job| Box::pin(program_created(work, job))),
        Handler::effect("STUDENT_ENROLLED", |work, job| Box::pin(student_enrolled(work, job))),
        Handler::effect("ENROLLMENT_OFFERED", |work, job| {
            Box::pin(tell_student(work, job, NotificationType::SeatOffered))
        }),
        Handler::effect("ENROLLMENT_EXPIRED", |work, job| {
            Box::pin(tell_student(work, job, NotificationType::OfferExpired))
        }),
        deliver::handler(),
    ]
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct ProgramCreated {
    program: Program,
    created_by: Uuid,
}

#[derive(Deserialize)]
struct Program {
    id: Uuid,
    code: String,
    name: String,
}

/// Tells the coordinators, but not the one who did it.
async fn program_created(work: &mut Work, job: &Job) -> Result<(), Failure> {
    let ProgramCreated { program, created_by } = job.decode()?;
    let now = work.now;
    let coordinators = store::coordinators(work.tx(), now).await?;
    let others = coordinators.into_iter().filter(|user| *user != created_by);
    let notices: Vec<_> = others
        .map(|user| Notice {
            user,
            kind: NotificationType::ProgramCreated,
            about: program.id.to_string(),
            payload: json!({"programId": program.id, "code": program.code, "name": program.name}),
        })
        .collect();
    Ok(notify(work, &notices).await?)
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct OfEnrollment {
    enrollment_id: Uuid,
}

/// Tells the student, and whoever teaches the class.
async fn student_enrolled(work: &mut Work, job: &Job) -> Result<(), Failure> {
    let OfEnrollment { enrollment_id } = job.decode()?;
    let Some(enrolled) = store::enrolled(work.tx(), enrollment_id).await? else { return Ok(()) };
    let staff = store::staff(work.tx(), enrolled.class).await?;
    let notice =
        |user, kind, payload| Notice { user, kind, about: enrollment_id.to_string(), payload };
    let own = payload(enrollment_id, &enrolled);
    // The staff lists the class's enrolments, and reads there which student it is; never a name.
    let mut of_class = own.clone();
    of_class["studentId"] = json!(enrolled.student);
    let mut notices = vec![notice(enrolled.user, NotificationType::StudentEnrolled, own)];
    notices.extend(
        staff
            .into_iter()
            .map(|user| notice(user, NotificationType::StudentJoined, of_class.clone())),
    );
    Ok(notify(work, &notices).await?)
}

/// Tells the student of an offer, or of its end.
async fn tell_student(work: &mut Work, job: &Job, kind: NotificationType) -> Result<(), Failure> {
    let OfEnrollment { enrollment_id } = job.decode()?;
    let Some(enrolled) = store::enrolled(work.tx(), enrollment_id).await? else { return Ok(()) };
    let mut payload = payload(enrollment_id, &enrolled);
    if kind == NotificationType::SeatOffered {
        // Answered already, or over: it is no news any more.
        let Some(expires_at) = enrolled.expires_at else { return Ok(()) };
        payload["expiresAt"] = json!(expires_at);
        payload["expiresAtLocal"] = json!(enrolled.expires_at_local);
    }
    let about = enrollment_id.to_string();
    Ok(notify(work, &[Notice { user: enrolled.user, kind, about, payload }]).await?)
}

fn payload(enrollment: Uuid, enrolled: &Enrolled) -> Value {
    json!({
        "enrollmentId": enrollment, "classId": enrolled.class,
        "classCode": enrolled.code, "classTitle": enrolled.title,
    })
}
