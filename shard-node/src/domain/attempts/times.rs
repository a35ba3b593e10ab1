//! Deadlines of attempts that are under way, when what they go by has changed.

use uuid::Uuid;

use super::store;
use super::sweep;
use crate::error::Error;
use crate::operation::Work;

/// Sets deadlines anew, of one student or of all: the assessment's row is locked. An attempt that lasts longer now has its
/// job later, one that has less time now has it sooner. What is closed has ended: no attempt in it comes back to life.
///
/// # Errors
/// The database's.
pub(crate) async fn retime(
    work: &mut Work,
    assessment: Uuid,
    student: Option<Uuid>,
) -> Result<(), Error> {
    let running = store::running(work.tx(), assessment, student).await?;
    let open = running.iter().filter(|it| it.is_open);
    let anew = open.map(|it| (it.id, it.deadline_at, it.terms.deadline(it.started_at)));
    let changed: Vec<_> =
        anew.filter(|(_, old, new)| old != new).map(|(id, _, new)| (id, new)).collect();
    set(work, &changed).await
}

/// Sets the deadlines of one student anew, in whatever is under way, because the student is granted more time or less: the
/// student's row is locked. Who begins at this very moment may have been judged by what was granted before.
///
/// # Errors
/// The database's.
pub(crate) async fn retime_student(work: &mut Work, student: Uuid) -> Result<(), Error> {
    for assessment in store::hold_sat_by(work.tx(), student).await? {
        retime(work, assessment, Some(student)).await?;
    }
    Ok(())
}

/// Ends what is under way, grace and all: the assessment's row is locked, and closed.
///
/// # Errors
/// The database's.
pub(crate) async fn cut(work: &mut Work, assessment: Uuid) -> Result<(), Error> {
    let now = work.now;
    let running = store::running(work.tx(), assessment, None).await?;
    let longer = running.iter().filter(|it| it.deadline_at.is_none_or(|deadline| deadline > now));
    let cut: Vec<_> = longer.map(|it| (it.id, Some(now))).collect();
    set(work, &cut).await
}

async fn set(
    work: &mut Work,
    deadlines: &[(Uuid, Option<chrono::DateTime<chrono::Utc>>)],
) -> Result<(), Error> {
    if deadlines.is_empty() {
        return Ok(());
    }
    store::set_deadlines(work.tx(), deadlines).await?;
    for (id, deadline) in deadlines {
        if let Some(deadline) = deadline {
            work.enqueue(sweep::job(*id, *deadline));
        }
    }
    Ok(())
}
