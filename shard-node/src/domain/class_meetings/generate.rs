//! Attendance sessions out of the timetable.

use axum::http::StatusCode;
use chrono::NaiveDate;
use garde::Validate;
use serde::{Deserialize, Serialize};
use service_kit::Problem;
use utoipa::ToSchema;
use uuid::Uuid;

use super::rules::{Held, Slot};
use super::store::{self, PlannedSession};
use crate::domain::attendance::{self, AttendanceSession};
use crate::domain::checks::valid_day;
use crate::error::Error;
use crate::operation::{Reply, Work};
use crate::resource::bulk;

/// Sessions that one call makes at most.
const SESSIONS_MAX: usize = 500;

/// Days for which to make sessions.
#[derive(Debug, Deserialize, Validate, ToSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct GenerateSessions {
    /// The class.
    #[garde(skip)]
    pub class_id: Uuid,
    /// The first day; the timetable's where absent.
    #[garde(inner(custom(valid_day)))]
    pub from: Option<NaiveDate>,
    /// The last day; the timetable's where absent.
    #[garde(inner(custom(valid_day)))]
    pub until: Option<NaiveDate>,
}

/// What came of it.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct GeneratedSessions {
    /// Those that were made.
    pub items: Vec<AttendanceSession>,
    /// How many the timetable has on these days that were there before, moved and cancelled ones among them.
    pub there: usize,
}

/// Makes those that are not there yet. The class's row is held, so that two who ask at once make each once.
pub(super) async fn generate(
    work: &mut Work,
    input: GenerateSessions,
) -> Result<Reply<GeneratedSessions>, Error> {
    let GenerateSessions { class_id, from, until } = input;
    work.expect_class(class_id).await?;
    store::lock_class(work.tx(), class_id).await?;
    let slots = store::slots_by_meeting(work.tx(), class_id).await?;
    let planned = plan(&slots, from, until)?;
    let ids = store::insert_sessions(work.tx(), class_id, &planned).await?;
    let items = bulk::created_all::<AttendanceSession>(work, &ids).await?;
    for session in &items {
        attendance::changed(work, class_id, session.date);
    }
    let there = planned.len() - items.len();
    let made = !items.is_empty();
    let answer = GeneratedSessions { items, there };
    let place = format!("/v1/classes/{class_id}/attendance-sessions");
    Ok(if made { Reply::created(answer, place) } else { Reply::ok(answer) })
}

/// The sessions of these days, in their order.
fn plan(
    slots: &[(Uuid, Slot)],
    from: Option<NaiveDate>,
    until: Option<NaiveDate>,
) -> Result<Vec<PlannedSession>, Error> {
    let of_slot = |(meeting, slot): &(Uuid, Slot)| {
        let (meeting, slot) = (*meeting, *slot);
        let (from, until) = (from.unwrap_or(slot.from), until.unwrap_or(slot.until));
        slot.dates(from, until).filter_map(move |date| {
            let held: Held = slot.on(date)?;
            Some(PlannedSession { id: Uuid::now_v7(), meeting, held })
        })
    };
    let mut planned: Vec<_> = slots.iter().flat_map(of_slot).take(SESSIONS_MAX + 1).collect();
    if planned.len() > SESSIONS_MAX {
        return Err(too_many());
    }
    planned.sort_by_key(|session| (session.held.starts_at, session.meeting));
    Ok(planned)
}

fn too_many() -> Error {
    let title = "The timetable has too many sessions on these days";
    Problem::new(StatusCode::UNPROCESSABLE_ENTITY, "too-many-sessions", title)
        .detail(format!("at most {SESSIONS_MAX} are made at once: say from and until"))
        .into()
}
