//! Reading grades, and changing one.

use chrono::{DateTime, Utc};
use garde::Validate;
use rust_decimal::Decimal;
use serde::Deserialize;
use utoipa::ToSchema;
use uuid::Uuid;

use super::bulk::to_micros;
use super::model::{Grade, GradeEvent, OfClass, OfGrade, State};
use super::pen::{self, Known, Writing};
use super::rules::{self, Said, Verdict};
use super::store;
use crate::domain::checks::valid_instant;
use crate::error::{Error, not_found};
use crate::operation::{Reader, Reply, Work};
use crate::policy::About;
use crate::resource::{self, Page, Resource as _, Within, nullable};

/// A change of a grade; what is absent stays, what is null is cleared.
#[derive(Debug, Deserialize, Validate, ToSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct PatchGrade {
    /// Which one.
    #[garde(skip)]
    pub id: Uuid,
    /// EXEMPT, or UNGRADED to clear it; GRADED goes without saying where there is a score.
    #[garde(skip)]
    pub state: Option<State>,
    /// Points before any late deduction; null clears the grade.
    #[serde(default, deserialize_with = "nullable")]
    #[schema(value_type = Option<String>)]
    #[garde(skip)]
    pub score: Option<Option<Decimal>>,
    /// Points that lateness takes; by the late policy, where there is one and it is known when the work was handed in, if
    /// absent.
    #[garde(skip)]
    pub late_deduction: Option<Decimal>,
    /// When the work was handed in.
    #[garde(inner(custom(valid_instant)))]
    pub submitted_at: Option<DateTime<Utc>>,
    /// A remark, or none.
    #[serde(default, deserialize_with = "nullable")]
    #[schema(value_type = Option<String>)]
    #[garde(inner(inner(length(chars, min = 1, max = 500))))]
    pub note: Option<Option<String>>,
    /// Why, for the history.
    #[garde(length(chars, min = 1, max = 500))]
    pub reason: Option<String>,
}

impl PatchGrade {
    /// What the grade is to say, where it stands so.
    fn said(&self, grade: &Grade) -> Said {
        let cleared =
            self.score == Some(None) || self.state.is_some_and(|state| state != State::Graded);
        let raw = grade.score.map(|score| score + grade.late_deduction);
        // What nobody speaks of stays as it is: the deduction, too, unless the score is another; then what is known to be
        // late costs anew.
        let stays = self.score.is_none() && !cleared;
        Said {
            state: if stays && self.state.is_none() { Some(grade.state) } else { self.state },
            score: if stays { raw } else { self.score.flatten() },
            late_deduction: self.late_deduction.or_else(|| {
                let kept = stays && self.submitted_at.is_none() && grade.state == State::Graded;
                kept.then_some(grade.late_deduction)
            }),
            submitted_at: self.submitted_at.map(to_micros).or(grade.submitted_at),
            note: self.note.clone().unwrap_or_else(|| grade.note.clone()),
            external: None,
        }
    }
}

/// Changes a grade by hand; no automatic one takes its place after that.
pub(super) async fn update(work: &mut Work, patch: PatchGrade) -> Result<Reply<Grade>, Error> {
    let (class, place) =
        store::class_of_grade(work.tx(), patch.id).await?.ok_or_else(|| not_found(Grade::NOUN))?;
    work.expect(About::class(class)).await?;
    let known = Known::hold(work, class, &[place]).await?;
    // `hold` has locked it: what is read now stays.
    let grade: Grade = resource::load_required(work.tx(), patch.id).await?;
    work.caller.expect_version(grade.row_version)?;
    let sheet = known.sheets.get(&place.0).ok_or_else(|| not_found("assessment"))?;
    let enrolled = known.enrolled.get(&place.1);
    let enrolled = enrolled.ok_or_else(|| rules::not_enrolled("/studentId"))?;
    let mark = rules::mark(&patch.said(&grade), sheet, known.due_at(place), known.class.zone)?;
    let standing = known.standing.get(&place);
    let mark = mark.after(standing);
    let verdict = rules::judge(&mark, Some(grade.row_version), standing, enrolled.is_final)?;
    if verdict == Verdict::Write {
        let writing = Writing { place, mark, graded_at: None, reason: patch.reason, shows: None };
        pen::write(work, &known, &[writing], true).await?;
    }
    let grade: Grade = resource::load_required(work.tx(), patch.id).await?;
    let version = grade.row_version;
    Ok(Reply::ok(grade).version(version))
}

/// Gives one.
pub(super) async fn get(reader: &Reader, id: Uuid) -> Result<Grade, Error> {
    let mut tx = reader.begin().await?;
    let grade: Grade = resource::load_required(&mut tx, id).await?;
    reader.expect(&mut tx, About::class(grade.class_id)).await?;
    tx.commit().await?;
    Ok(grade)
}

/// Lists those of a class.
pub(super) async fn list(
    reader: &Reader,
    input: Within<Grade, OfClass>,
) -> Result<Page<Grade>, Error> {
    let mut tx = reader.begin().await?;
    reader.expect_class(&mut tx, input.of).await?;
    let page = resource::list_where(&mut tx, input.query).await?;
    tx.commit().await?;
    Ok(page)
}

/// Lists the changes of a grade.
pub(super) async fn history(
    reader: &Reader,
    input: Within<GradeEvent, OfGrade>,
) -> Result<Page<GradeEvent>, Error> {
    let mut tx = reader.begin().await?;
    let grade: Grade = resource::load_required(&mut tx, input.of).await?;
    reader.expect(&mut tx, About::class(grade.class_id)).await?;
    let page = resource::list_where(&mut tx, input.query).await?;
    tx.commit().await?;
    Ok(page)
}
