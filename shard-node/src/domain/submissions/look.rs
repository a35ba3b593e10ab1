//! What grading anew would change, without changing or locking anything.
//!
//! What must stay true: students begin, save and are graded meanwhile. All that is needed is read in a few statements,
//! however many submissions there are; the rest is pure.

use std::collections::HashMap;

use uuid::Uuid;

use super::corrected::{Correction, drawn};
use super::grade::by_key;
use super::items::Kept;
use super::regrade::{RegradeAnswer, RegradeChange, change};
use super::store::{self, Facts, LookedAt};
use crate::domain::assessments::decode;
use crate::domain::grading::VariantKey;
use crate::domain::questions::Paper;
use crate::error::Error;
use crate::operation::Work;

/// Submissions that one dry run looks at, at most.
const DRY_MAX: i64 = 200;

/// Says what a correction would change in the submissions after one.
pub(super) async fn look(
    work: &mut Work,
    assessment: Uuid,
    correction: Correction,
    after: Option<Uuid>,
) -> Result<RegradeAnswer, Error> {
    let found = store::look_at_graded(work.tx(), assessment, after, DRY_MAX).await?;
    let examined = found.len();
    let is_full = i64::try_from(examined).unwrap_or(i64::MAX) == DRY_MAX;
    let ids: Vec<Uuid> = found.iter().map(|it| it.sat.id).collect();
    let next = ids.last().copied().filter(|_| is_full);
    let facts = match ids.first() {
        Some(first) => store::facts(work.tx(), *first).await?,
        None => None,
    };
    let kept = store::kept_of(work.tx(), &ids).await?;
    let changes = match facts {
        // Pure, but long: another thread does it, while this one waits for nothing of the database.
        Some(facts) => {
            let looked = move || changes(&facts, &found, &kept, &correction);
            let looked = tokio::task::spawn_blocking(looked).await;
            looked.map_err(|error| Error::Defect(format!("the dry run ended: {error}")))??
        }
        None => Vec::new(),
    };
    Ok(RegradeAnswer { dry_run: true, examined, changes, next, regrade_id: None, job_id: None })
}

/// What changes in each; `of_one` are the facts of one of them.
fn changes(
    of_one: &Facts,
    found: &[LookedAt],
    kept: &HashMap<Uuid, Vec<Kept>>,
    correction: &Correction,
) -> Result<Vec<RegradeChange>, Error> {
    let mut changes = Vec::new();
    for LookedAt { sat, due_at, paper, key } in found {
        let facts = Facts { student_id: sat.student_id, due_at: *due_at, ..of_one.clone() };
        let paper: Paper = decode(paper.clone(), "a paper")?;
        let key: VariantKey = decode(key.clone(), "a key")?;
        let key = correction.key(drawn(&facts, sat), &key, &paper);
        let graded = by_key(sat, &key, correction.grading(), Some(correction))?;
        let kept = kept.get(&sat.id).map(Vec::as_slice).unwrap_or_default();
        changes.extend(change(&facts, sat, kept, &graded)?);
    }
    Ok(changes)
}
