//! Writing grades: what a change of a grade is, whoever makes it.
//!
//! What must stay true: grade, history, progress, event and notification are one transaction, and a student is told no
//! score, nor is anybody by an event, before it is released.

use std::collections::HashMap;

use chrono::{DateTime, Utc};
use serde_json::{Value, json};
use uuid::Uuid;

use super::model::{Grade, State};
use super::progress;
use super::rules::{Mark, Place, Sheet, Standing, released_at};
use super::store::{self, Class, Enrolled, EventRow, GradeRow};
use crate::domain::notifications::{Notice, NotificationType, notify};
use crate::error::{Error, not_found};
use crate::operation::{Event, Work};
use crate::resource::Resource as _;

/// What is known of the places that a call names, all of it locked.
pub(super) struct Known {
    pub(super) class_id: Uuid,
    pub(super) class: Class,
    pub(super) sheets: HashMap<Uuid, Sheet>,
    pub(super) enrolled: HashMap<Uuid, Enrolled>,
    pub(super) standing: HashMap<Place, Standing>,
    pub(super) due: HashMap<Place, DateTime<Utc>>,
}

impl Known {
    /// Locks what these places need: assessments, enrolments, grades.
    pub(super) async fn hold(
        work: &mut Work,
        class_id: Uuid,
        places: &[Place],
    ) -> Result<Self, Error> {
        let (mut assessments, mut students): (Vec<Uuid>, Vec<Uuid>) =
            places.iter().copied().unzip();
        for ids in [&mut assessments, &mut students] {
            ids.sort_unstable();
            ids.dedup();
        }
        let tx = work.tx();
        let class = store::load_class(tx, class_id).await?.ok_or_else(|| not_found("class"))?;
        let sheets = store::hold_sheets(tx, class_id, &assessments).await?;
        let enrolled = store::hold_enrollments(tx, class_id, &students).await?;
        let standing = store::hold_grades(tx, places).await?;
        let due = store::due_dates(tx, &assessments, &students).await?;
        Ok(Self { class_id, class, sheets, enrolled, standing, due })
    }

    /// When a student's work is due.
    pub(super) fn due_at(&self, place: Place) -> Option<DateTime<Utc>> {
        let own = self.due.get(&place).copied();
        own.or_else(|| self.sheets.get(&place.0).and_then(|sheet| sheet.due_at))
    }
}

/// A grade to write.
#[derive(Debug, Clone)]
pub(super) struct Writing {
    pub(super) place: Place,
    pub(super) mark: Mark,
    /// When it was given elsewhere; now where absent.
    pub(super) graded_at: Option<DateTime<Utc>>,
    /// Why, for the history.
    pub(super) reason: Option<String>,
    /// Whether the student may see what it was made of; where absent, it stays shown, or is where the assessment says so.
    pub(super) shows: Option<bool>,
}

/// Writes grades that were judged, with all that belongs to it; answers ids and versions.
pub(super) async fn write(
    work: &mut Work,
    known: &Known,
    writings: &[Writing],
    tells: bool,
) -> Result<HashMap<Place, (Uuid, i64)>, Error> {
    if writings.is_empty() {
        return Ok(HashMap::new());
    }
    let (by, now) = (actor(work), work.now);
    let rows: Vec<GradeRow<'_>> = writings
        .iter()
        .map(|writing| GradeRow {
            place: writing.place,
            mark: &writing.mark,
            graded_at: (writing.mark.state != State::Ungraded)
                .then(|| writing.graded_at.unwrap_or(now)),
            released_at: shown(known, writing, now),
        })
        .collect();
    let written = store::write(work.tx(), known.class_id, by, &rows).await?;
    let mut events = Vec::with_capacity(writings.len());
    for writing in writings {
        let Some((id, version)) = written.get(&writing.place).copied() else { continue };
        let before = known.standing.get(&writing.place);
        events.push(EventRow {
            grade: id,
            version,
            kind: if before.is_some() { "CHANGED" } else { "GIVEN" },
            before: before.map(|before| told(&before.mark)),
            after: told(&writing.mark),
            reason: writing.reason.clone(),
        });
    }
    store::append_events(work.tx(), by, &events).await?;
    let changes: Vec<Change<'_>> = writings
        .iter()
        .zip(&rows)
        .filter_map(|(writing, row)| {
            let (id, version) = written.get(&writing.place).copied()?;
            let released = row.released_at.is_some();
            Some(Change { id, version, place: writing.place, mark: &writing.mark, released })
        })
        .collect();
    for change in &changes {
        work.record(event(known.class_id, change));
    }
    if tells {
        tell(work, known, &changes).await?;
    }
    let mut students: Vec<Uuid> = writings.iter().map(|writing| writing.place.1).collect();
    students.sort_unstable();
    students.dedup();
    progress::refresh(work.tx(), known.class_id, &students).await?;
    Ok(written)
}

/// Since when the student sees it.
fn shown(known: &Known, writing: &Writing, now: DateTime<Utc>) -> Option<DateTime<Utc>> {
    let sheet = known.sheets.get(&writing.place.0);
    let sheet_shows = sheet.is_some_and(|sheet| sheet.shows);
    released_at(&writing.mark, known.standing.get(&writing.place), writing.shows, sheet_shows, now)
}

/// Who does it; the platform is nobody.
pub(super) fn actor(work: &Work) -> Option<Uuid> {
    Some(work.caller.subject).filter(|subject| !subject.is_nil())
}

/// A grade for its history.
pub(super) fn told(mark: &Mark) -> Value {
    json!({
        "state": mark.state, "score": mark.score.map(|score| score.normalize().to_string()),
        "possible": mark.possible.normalize().to_string(),
        "lateDeduction": mark.late_deduction.normalize().to_string(),
        "origin": mark.origin, "submissionId": mark.submission, "note": mark.note,
    })
}

/// A grade that was written, for those who hear of it.
pub(super) struct Change<'m> {
    pub(super) id: Uuid,
    pub(super) version: i64,
    pub(super) place: Place,
    pub(super) mark: &'m Mark,
    pub(super) released: bool,
}

/// `ASSESSMENT_GRADED`, or `GRADE_CHANGED` where there is no score; a score is in it once it is released.
pub(super) fn event(class: Uuid, change: &Change<'_>) -> Event {
    let Change { id, version, place: (assessment, student), mark, released } = change;
    let mut payload = json!({
        "gradeId": id, "classId": class, "assessmentId": assessment, "studentId": student,
        "submissionId": mark.submission, "state": mark.state, "origin": mark.origin, "released": released,
        "rowVersion": version,
    });
    if *released {
        payload["score"] = json!(mark.score.map(|score| score.normalize().to_string()));
        payload["possible"] = json!(mark.possible.normalize().to_string());
        payload["lateDeduction"] = json!(mark.late_deduction.normalize().to_string());
    }
    let graded = mark.state == State::Graded;
    Event {
        kind: if graded { "ASSESSMENT_GRADED" } else { "GRADE_CHANGED" }.into(),
        aggregate: Grade::ENTITY,
        aggregate_id: *id,
        aggregate_version: *version,
        payload,
        touches: Grade::TOUCHES,
    }
}

/// Tells students of their grades; without a score until that is released.
pub(super) async fn tell(
    work: &mut Work,
    known: &Known,
    changes: &[Change<'_>],
) -> Result<(), Error> {
    let graded = || changes.iter().filter(|change| change.mark.state == State::Graded);
    let students: Vec<Uuid> = graded().map(|change| change.place.1).collect();
    let users = store::users(work.tx(), &students).await?;
    let notices: Vec<Notice> = graded()
        .filter_map(|change| {
            let user = users.get(&change.place.1).copied()?;
            let sheet = known.sheets.get(&change.place.0)?;
            let mut payload = json!({
                "gradeId": change.id, "assessmentId": sheet.id, "assessmentTitle": sheet.title,
                "classId": known.class_id, "classCode": known.class.code, "classTitle": known.class.title,
                "released": change.released,
            });
            if change.released {
                payload["score"] = json!(change.mark.score.map(|score| score.normalize().to_string()));
                payload["possible"] = json!(change.mark.possible.normalize().to_string());
            }
            let about = format!("{}:{}", change.id, change.version);
            Some(Notice { user, kind: NotificationType::AssessmentGraded, about, payload })
        })
        .collect();
    notify(work, &notices).await
}
