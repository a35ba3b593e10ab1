//! Materials: the questions that papers are drawn from, frozen by a job as they were when the blueprint was written.
//!
//! What must stay true:
//! - Of a published assessment they never change; of a draft each blueprint has its own.
//! - What is shown of them has no key: the pool stays in the database, and reasons why something cannot be drawn name
//!   questions by id.
//! - A proof costs a processor for as long as its budget lasts (`questions::prove`): it has a thread of its own, so that
//!   nobody else waits for it, and the job that makes materials holds no transaction meanwhile.

use axum::http::StatusCode;
use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};
use service_kit::Problem;
use sha2::{Digest as _, Sha256};
use utoipa::ToSchema;
use uuid::Uuid;

use super::model::{Assessment, MaterialsStatus};
use super::status::Status;
use super::{lock_taught, rules, store};
use crate::domain::attempts::receipt::hex;
use crate::domain::questions::{self, Blueprint, Pool, ProofFailure, Seed};
use crate::error::Error;
use crate::jobs::{Failure, Handler, Job, JobContext, NewJob};
use crate::operation::{Caller, Finished, Reader, Reply, Work};
use crate::policy::About;
use crate::resource::{self, ById, Resource as _};
use crate::store::TenantTx;

/// Jobs of this kind make an assessment's materials.
pub(crate) const KIND: &str = "GENERATE_ASSESSMENT_MATERIALS";

/// Papers that are drawn and graded before students get any.
pub(super) const SAMPLES: u32 = 100;

/// Reasons that are kept at most.
const PROBLEMS_MAX: usize = 20;

/// What papers are drawn from.
#[derive(Debug, Clone)]
pub(crate) struct Materials {
    /// What a paper is made of.
    pub(crate) blueprint: Blueprint,
    /// The questions, with their keys.
    pub(crate) pool: Pool,
}

/// What may be seen of materials.
#[derive(Debug, Clone, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct MaterialsView {
    /// The assessment.
    pub assessment_id: Uuid,
    /// Which blueprint this is, from 1; 0 where there is none.
    pub revision: i32,
    /// Where they stand.
    pub status: MaterialsStatus,
    /// Why they could not be made.
    pub problems: Vec<String>,
    /// What a paper is made of.
    #[schema(value_type = Option<Blueprint>)]
    pub blueprint: Option<Value>,
    /// SHA-256 of blueprint and questions, keys among them, in hexadecimal: what students get is drawn from these.
    pub hash: Option<String>,
    /// When they were made.
    pub made_at: Option<DateTime<Utc>>,
    /// The assessment's version.
    pub row_version: i64,
}

/// The handler that makes them: one at once, because each has a processor to itself.
pub(super) fn handler() -> Handler {
    Handler::outside(KIND, |context, job| Box::pin(run(context, job))).at_once(1)
}

/// The job that makes them.
pub(super) fn job(assessment: Uuid) -> NewJob {
    NewJob::new(KIND, json!({"assessmentId": assessment})).unique(assessment.to_string())
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Payload {
    assessment_id: Uuid,
}

async fn run(context: &JobContext, job: &Job) -> Result<(), Failure> {
    let Payload { assessment_id } = job.decode()?;
    Ok(make(context, assessment_id).await?)
}

/// Makes those of a draft that has none yet; says why where that cannot be done.
async fn make(context: &JobContext, id: Uuid) -> Result<(), Error> {
    let mut tx = context.begin().await?;
    let wanted = store::lock_wanted(&mut tx, id).await?;
    let Some(wanted) = wanted else { return tx.rollback().await };
    let blueprint: Blueprint = decode(wanted.blueprint.clone(), "a blueprint")?;
    let found = questions::pool_of(&mut tx, &blueprint).await;
    tx.rollback().await?;
    let proof = match found {
        Ok(pool) => proved(blueprint, pool).await?,
        Err(Error::Refused(problem)) => Err(reasons(&problem)),
        Err(error) => return Err(error),
    };
    keep(context, id, wanted.revision, proof).await
}

/// Writes what came of it in a transaction of its own, unless the draft has another blueprint since, or none: whoever
/// gave it one has queued the job again.
async fn keep(
    context: &JobContext,
    id: Uuid,
    revision: i32,
    proof: Result<Pool, Vec<String>>,
) -> Result<(), Error> {
    let JobContext { node, institution, epoch, deadline, .. } = context;
    let caller = Caller::platform(*institution, *epoch, *deadline, context.id);
    let tx = context.begin().await?;
    let mut work = Work::new(caller, node.now(), tx, node.jobs.clone());
    let wanted = store::lock_wanted(work.tx(), id).await?;
    if let Some(wanted) = wanted.filter(|wanted| wanted.revision == revision) {
        match proof {
            Ok(pool) => ready(&mut work, id, &wanted, &pool).await?,
            Err(failures) => store::failed(work.tx(), id, json!(failures)).await?,
        }
    }
    let Finished { tx, wakes, recorded, .. } = work.finish().await?;
    tx.commit().await?;
    if wakes {
        node.jobs.wake(*institution);
    }
    if recorded {
        node.wakes.wake(*institution);
    }
    Ok(())
}

/// Writes materials that were proved.
async fn ready(work: &mut Work, id: Uuid, of: &store::Wanted, pool: &Pool) -> Result<(), Error> {
    let pool = serde_json::to_value(pool)
        .map_err(|error| Error::Defect(format!("a pool does not encode: {error}")))?;
    let hash = Sha256::new()
        .chain_update(of.blueprint.to_string())
        .chain_update([0])
        .chain_update(pool.to_string())
        .finalize();
    store::insert_materials(work.tx(), id, of, &pool, &hash).await?;
    let made: Assessment = resource::load_required(work.tx(), id).await?;
    resource::record(work, "MATERIALS_READY", id, &made)
}

fn reasons(problem: &Problem) -> Vec<String> {
    let of_fields = problem.errors.iter().filter_map(|field| field.detail.clone());
    let mut reasons: Vec<String> = of_fields.take(PROBLEMS_MAX).collect();
    if reasons.is_empty() {
        reasons.push(problem.detail.clone().unwrap_or_else(|| problem.title.to_string()));
    }
    reasons
}

/// The pool, once it was proved; else why it cannot be. Another thread does it: what is dropped meanwhile leaves it to end
/// by itself, with its budget.
pub(super) async fn proved(
    blueprint: Blueprint,
    pool: Pool,
) -> Result<Result<Pool, Vec<String>>, Error> {
    let proof = tokio::task::spawn_blocking(move || prove(&blueprint, &pool).map(|()| pool)).await;
    proof.map_err(|error| Error::Defect(format!("the proof ended: {error}")))
}

/// Draws sample papers, and has the grader grade their own keys: each must have full marks.
fn prove(blueprint: &Blueprint, pool: &Pool) -> Result<(), Vec<String>> {
    questions::prove(blueprint, pool, SAMPLES, Seed::sample).map_err(|failures| {
        let said = |failure: &ProofFailure| match failure.question_id {
            Some(question) => format!("question {question}: {}", failure.reason),
            None => failure.reason.clone(),
        };
        failures.iter().take(PROBLEMS_MAX).map(said).collect()
    })
}

/// The materials that count.
pub(crate) async fn materials(tx: &mut TenantTx, assessment: Uuid) -> Result<Materials, Error> {
    let found = store::materials(tx, assessment).await?;
    let (blueprint, pool) =
        found.ok_or_else(|| Error::Defect("a paper without materials".to_owned()))?;
    Ok(Materials { blueprint: decode(blueprint, "a blueprint")?, pool: decode(pool, "a pool")? })
}

/// Shows them to who teaches the class.
pub(super) async fn get(reader: &Reader, id: Uuid) -> Result<MaterialsView, Error> {
    let mut tx = reader.begin().await?;
    let of: Assessment = resource::load_required(&mut tx, id).await?;
    reader.expect(&mut tx, About::class(of.class_id).hidden(Assessment::NOUN)).await?;
    let view = view(&mut tx, id).await?;
    tx.commit().await?;
    Ok(view)
}

async fn view(tx: &mut TenantTx, id: Uuid) -> Result<MaterialsView, Error> {
    let shown = store::shown(tx, id).await?;
    let problems = shown.problems.map(|problems| decode(problems, "problems")).transpose()?;
    Ok(MaterialsView {
        assessment_id: id,
        revision: shown.revision,
        status: shown.status,
        problems: problems.unwrap_or_default(),
        blueprint: shown.blueprint,
        hash: shown.hash.map(|hash| hex(&hash)),
        made_at: shown.made_at,
        row_version: shown.row_version,
    })
}

/// Has the materials of a draft made anew, by what the banks have now.
pub(super) async fn generate(work: &mut Work, input: ById) -> Result<Reply<MaterialsView>, Error> {
    let it = lock_taught(work, input.id).await?;
    if it.status != Status::Draft {
        let title = "It is published";
        return Err(Problem::new(StatusCode::CONFLICT, "assessment-published", title)
            .detail("its materials stay as they are; :regrade grades by corrected questions")
            .into());
    }
    let blueprint = store::blueprint_of(work.tx(), it.id).await?;
    let blueprint = blueprint.ok_or_else(|| rules::not_ready("it has no blueprint".to_owned()))?;
    store::set_blueprint(work.tx(), it.id, Some(blueprint), None).await?;
    work.enqueue(job(it.id));
    Ok(Reply::accepted(
        view(work.tx(), it.id).await?,
        format!("{}/{}/materials", super::PATH, it.id),
    ))
}

/// What is kept, as its type. What is wrong with it is not said: that would be said of a key.
pub(crate) fn decode<T: serde::de::DeserializeOwned>(kept: Value, what: &str) -> Result<T, Error> {
    serde_json::from_value(kept).map_err(|_| Error::Defect(format!("{what} does not decode")))
}
