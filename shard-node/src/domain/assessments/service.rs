//! Use cases of assessments: they are listed, read, created, changed and deleted.

use axum::http::StatusCode;
use rust_decimal::Decimal;
use service_kit::Problem;
use uuid::Uuid;

use super::input::{NewAssessment, PatchAssessment};
use super::model::{Assessment, CountedAttempt, MaterialsStatus, ReleasePolicy};
use super::status::Status;
use super::views::{Attended, Taught, TaughtOrAttended, USER};
use super::{PATH, lifecycle, lock_taught, materials, rules, store};
use crate::domain::grades::refresh_class_job;
use crate::domain::questions::Blueprint;
use crate::domain::{attempts, submissions};
use crate::error::{Error, not_found, unknown_reference};
use crate::operation::{Reader, Reply, Work};
use crate::policy::{self, About, Relation, class_exists, teaches};
use crate::resource::{self, ById, ListQuery, Page, Resource};
use crate::store::TenantTx;

/// Lists assessments: of the classes that the caller teaches all, of those that the caller is a student of no drafts.
pub(super) async fn list(
    reader: &Reader,
    query: ListQuery<Assessment>,
) -> Result<Page<Assessment>, Error> {
    let mut tx = reader.begin().await?;
    let relations = reader.caller.relations;
    let user = reader.caller.subject.to_string();
    let page = if relations.is_any() {
        resource::list_where(&mut tx, query).await?
    } else {
        match (relations.contains(Relation::Teaches), relations.contains(Relation::Attends)) {
            (true, true) => seen_by::<TaughtOrAttended>(&mut tx, query, user).await?,
            (true, false) => seen_by::<Taught>(&mut tx, query, user).await?,
            (false, _) => seen_by::<Attended>(&mut tx, query, user).await?,
        }
    };
    tx.commit().await?;
    Ok(page)
}

async fn seen_by<V: Resource>(
    tx: &mut TenantTx,
    query: ListQuery<Assessment>,
    user: String,
) -> Result<Page<Assessment>, Error> {
    Ok(resource::list_where(tx, query.of::<V>().with_filter(USER, user)).await?.of())
}

/// Gives one; to students none that is a draft.
pub(super) async fn get(reader: &Reader, id: Uuid) -> Result<Assessment, Error> {
    let mut tx = reader.begin().await?;
    let caller = &reader.caller;
    let it: Assessment = resource::load_required(&mut tx, id).await?;
    policy::expect(&mut tx, caller, About::class(it.class_id).hidden(Assessment::NOUN)).await?;
    if it.status == Status::Draft && !caller.relations.is_any() {
        let is_staff = caller.relations.contains(Relation::Teaches)
            && teaches(&mut tx, it.class_id, caller.subject).await?;
        if !is_staff {
            return Err(not_found(Assessment::NOUN));
        }
    }
    tx.commit().await?;
    Ok(it)
}

/// Creates a draft; where it has a blueprint, with the job that makes its materials.
pub(super) async fn create(
    work: &mut Work,
    input: NewAssessment,
) -> Result<Reply<Assessment>, Error> {
    let now = work.now;
    if !class_exists(work.tx(), input.class_id).await? {
        return Err(unknown_reference("/classId", "class").into());
    }
    work.expect(About::class(input.class_id).hidden("class")).await?;
    expect_late_policy(work, input.late_policy_id, input.class_id).await?;
    rules::check_windows((input.opens_at, input.due_at, input.closes_at))?;
    let of_blueprint = input.blueprint.as_ref().map(Blueprint::points);
    let points_possible = rules::points(of_blueprint, input.points_possible)?;
    let blueprint = input.blueprint.clone();
    let new = Assessment {
        id: Uuid::now_v7(),
        class_id: input.class_id,
        subject_id: input.subject_id,
        title: input.title,
        instructions: input.instructions,
        kind: input.kind,
        grading_type: input.grading_type,
        status: Status::Draft,
        points_possible,
        opens_at: input.opens_at,
        due_at: input.due_at,
        closes_at: input.closes_at,
        time_limit_seconds: input.time_limit_seconds,
        max_attempts: input.max_attempts.unwrap_or(1),
        attempt_policy: input.attempt_policy.unwrap_or(CountedAttempt::Best),
        category_id: input.category_id,
        late_policy_id: input.late_policy_id,
        release_policy: input.release_policy.unwrap_or(ReleasePolicy::Immediate),
        released_at: None,
        counts: input.counts.unwrap_or(true),
        revision: 0,
        materials_status: MaterialsStatus::None,
        published_at: None,
        closed_at: None,
        source: input.source,
        external_id: input.external_id,
        row_version: 1,
        created_at: now,
        updated_at: now,
    };
    store::insert(work.tx(), &new).await?;
    if let Some(blueprint) = blueprint {
        set_blueprint(work, new.id, Some(blueprint)).await?;
    }
    resource::created(work, new.id, PATH).await
}

/// Changes one. Attempts that are under way go by new windows and times at once; where it is due at another time, or
/// lateness costs something else, a job works out anew what that takes of those that were graded.
pub(super) async fn update(
    work: &mut Work,
    mut patch: PatchAssessment,
) -> Result<Reply<Assessment>, Error> {
    let before = lock_taught(work, patch.id).await?;
    rules::may_change(&before, &patch)?;
    let blueprint = patch.blueprint.take();
    let (moves, counted) = (patch.moves_deadlines(), before.counts);
    let given = patch.points_possible;
    let mut it = patch.apply_to(before.clone());
    rules::check_windows((it.opens_at, it.due_at, it.closes_at))?;
    it.points_possible = new_points(&before, blueprint.as_ref(), given)?;
    if it.late_policy_id != before.late_policy_id {
        expect_late_policy(work, it.late_policy_id, it.class_id).await?;
    }
    store::update(work.tx(), &it).await?;
    if let Some(blueprint) = blueprint {
        set_blueprint(work, it.id, blueprint).await?;
    }
    if it.status == Status::Published && moves {
        attempts::retime(work, it.id, None).await?;
        lifecycle::close_by_itself(work, it.id).await?;
    }
    let weighs = (it.counts, it.category_id) != (counted, before.category_id);
    if it.status != Status::Draft && weighs {
        work.enqueue(refresh_class_job(it.class_id));
    }
    let lateness = (it.due_at, it.late_policy_id) != (before.due_at, before.late_policy_id);
    if it.status != Status::Draft && lateness {
        work.enqueue(submissions::settle_lateness(it.id, None));
    }
    resource::updated(work, it.id).await
}

/// Its points once it is changed: those of its blueprint, which comes, stays or goes.
fn new_points(
    before: &Assessment,
    blueprint: Option<&Option<Blueprint>>,
    given: Option<Decimal>,
) -> Result<Decimal, Problem> {
    let had = before.materials_status != MaterialsStatus::None;
    let own = match blueprint {
        Some(new) => new.as_ref().map(Blueprint::points),
        None => had.then_some(before.points_possible),
    };
    rules::points(own, given.or(own.is_none().then_some(before.points_possible)))
}

async fn set_blueprint(
    work: &mut Work,
    id: Uuid,
    blueprint: Option<Blueprint>,
) -> Result<(), Error> {
    let points = blueprint.as_ref().map(Blueprint::points);
    let is_there = blueprint.is_some();
    let blueprint = blueprint.map(serde_json::to_value).transpose();
    let blueprint = blueprint
        .map_err(|error| Error::Defect(format!("a blueprint does not encode: {error}")))?;
    store::set_blueprint(work.tx(), id, blueprint, points).await?;
    if is_there {
        work.enqueue(materials::job(id));
    }
    Ok(())
}

/// A late policy of every class, or of this one.
async fn expect_late_policy(
    work: &mut Work,
    policy: Option<Uuid>,
    class: Uuid,
) -> Result<(), Error> {
    match policy {
        Some(policy) if !store::late_policy_fits(work.tx(), policy, class).await? => {
            Err(unknown_reference("/latePolicyId", "late policy").into())
        }
        _ => Ok(()),
    }
}

/// Deletes a draft.
pub(super) async fn delete(work: &mut Work, input: ById) -> Result<Reply<()>, Error> {
    let it = lock_taught(work, input.id).await?;
    if it.status != Status::Draft {
        let title = "It is published";
        return Err(Problem::new(StatusCode::CONFLICT, "assessment-published", title)
            .detail("a draft alone is deleted; close it instead")
            .into());
    }
    resource::remove::<Assessment>(work, it.id).await
}
