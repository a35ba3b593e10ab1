//! Materials: the questions that papers are drawn from, frozen by a job as they were when the blueprint was written.
//!
//! What must stay true: of a published assessment they never change; of a draft each blueprint has its own. What is shown
//! of them has no key: the pool stays in the database, and reasons why something cannot be drawn name questions by id.

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
use crate::jobs::{Failure, Handler, Job, NewJob};
use crate::operation::{Reader, Reply, Work};
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

/// The handler that makes them.
pub(super) fn handler() -> Handler {
    Handler::effect(KIND, |work, job| Box::pin(run(work, job)))
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

async fn run(work: &mut Work, job: &Job) -> Result<(), Failure> {
    let Payload { assessment_id } = job.decode()?;
    Ok(make(work, assessment_id).await?)
}

/// Makes those of a draft that has none yet; says why where that cannot be done.
async fn make(work: &mut Work, id: Uuid) -> Result<(), Error> {
    let Some(wanted) = store::lock_wanted(work.tx(), id).await? else { return Ok(()) };
    let blueprint: Blueprint = decode(wanted.blueprint.clone(), "a blueprint")?;
    let pool = match questions::pool_of(work.tx(), &blueprint).await {
        Ok(pool) => pool,
        Err(Error::Refused(problem)) => {
            return store::failed(work.tx(), id, json!(reasons(&problem))).await;
        }
        Err(error) => return Err(error),
    };
    if let Err(failures) = prove(&blueprint, &pool) {
        return store::failed(work.tx(), id, json!(failures)).await;
    }
    let pool = serde_json::to_value(&pool)
        .map_err(|error| Error::Defect(format!("a pool does not encode: {error}")))?;
    let hash = Sha256::new()
        .chain_update(wanted.blueprint.to_string())
        .chain_update([0])
        .chain_update(pool.to_string())
        .finalize();
    store::insert_materials(work.tx(), id, &wanted, &pool, &hash).await?;
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

/// Draws sample papers, and has the grader grade their own keys: each must have full marks.
pub(super) fn prove(blueprint: &Blueprint, pool: &Pool) -> Result<(), Vec<String>> {
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
