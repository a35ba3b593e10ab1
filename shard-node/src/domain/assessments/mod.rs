//! Assessments: what students of a class are assessed by, from the draft to the release of scores.
//!
//! What must stay true:
//! - DRAFT, PUBLISHED, CLOSED, and never back. What is published was proved with [`materials::SAMPLES`] papers; its
//!   blueprint, materials, grading type and points never change again.
//! - Materials are made by a job, a revision for each blueprint. Their keys are in the database and in no answer, event,
//!   job, log or cache.
//! - Students see no drafts, and nothing of classes that they are not in.
//! - Its row is locked first of all by whoever changes it, held by whoever begins an attempt or grades one.
//!
//! Left to others: who sits it (attempts), what that is worth (submissions), categories and late policies (gradebook).

mod input;
mod lifecycle;
mod materials;
mod model;
mod overrides;
mod rules;
mod service;
mod status;
mod store;
mod views;

use axum::http::Method;
use service_kit::token::Role;
use uuid::Uuid;

pub use input::{NewAssessment, PatchAssessment};
pub use materials::MaterialsView;
pub use model::{Assessment, CountedAttempt, GradingType, MaterialsStatus, ReleasePolicy};
pub use overrides::{AssessmentOverride, OfAssessment, OfStudent, SetOverride};
pub use status::Status;

pub(crate) use lifecycle::KIND as CLOSE_ASSESSMENT;
pub(crate) use materials::{KIND as GENERATE_ASSESSMENT_MATERIALS, Materials, decode, materials};

use crate::error::Error;
use crate::jobs::Handler;
use crate::operation::{Operation, Work};
use crate::policy::{About, Policy, Relation, TEACHERS};
use crate::resource::{self, ById, ListQuery, Page, Resource as _, Within};
use crate::store::TenantTx;

const PATH: &str = "/v1/assessments";
const ITEM: &str = "/v1/assessments/{id}";
const OVERRIDES: &str = "/v1/assessments/{assessmentId}/overrides";
const OVERRIDE: &str = "/v1/assessments/{assessmentId}/overrides/{studentId}";
/// Teachers, and of what is no draft the students of the class.
const READ: Policy = TEACHERS.with(Role::Student, Relation::Attends);

/// The operations of assessments.
pub fn operations() -> Vec<Operation> {
    [crud(), lifecycle(), materials_operations(), overrides()].into_iter().flatten().collect()
}

/// What is done in the background.
pub fn handlers() -> Vec<Handler> {
    vec![materials::handler(), lifecycle::handler()]
}

fn crud() -> Vec<Operation> {
    vec![
        Operation::read::<ListQuery<Assessment>, Page<Assessment>>(
            "assessment.listAssessments",
            PATH,
            |reader, query| Box::pin(service::list(reader, query)),
        )
        .summary("Lists assessments: an instructor's classes', a student's without drafts")
        .policy(READ),
        Operation::read::<ById, Assessment>("assessment.getAssessment", ITEM, |reader, input| {
            Box::pin(service::get(reader, input.id))
        })
        .summary("Gives an assessment")
        .policy(READ),
        Operation::write::<NewAssessment, Assessment>(
            "assessment.createAssessment",
            PATH,
            |work, input| Box::pin(service::create(work, input)),
        )
        .summary("Creates an assessment as a draft; with a blueprint, a job makes its materials")
        .policy(TEACHERS)
        .status(201),
        Operation::write::<PatchAssessment, Assessment>(
            "assessment.updateAssessment",
            ITEM,
            |work, input| Box::pin(service::update(work, input)),
        )
        .summary("Changes an assessment; what students were promised, while it is a draft")
        .method(Method::PATCH)
        .policy(TEACHERS),
        Operation::write::<ById, ()>("assessment.deleteAssessment", ITEM, |work, input| {
            Box::pin(service::delete(work, input))
        })
        .summary("Deletes a draft")
        .method(Method::DELETE)
        .policy(TEACHERS)
        .status(204),
    ]
}

fn lifecycle() -> Vec<Operation> {
    vec![
        Operation::write::<ById, Assessment>(
            "assessment.publishAssessment",
            "/v1/assessments/{id}:publish",
            |work, input| Box::pin(lifecycle::publish(work, input)),
        )
        .summary("Publishes a draft, once 100 sample papers were drawn and graded")
        .policy(TEACHERS),
        Operation::write::<ById, Assessment>(
            "assessment.closeAssessment",
            "/v1/assessments/{id}:close",
            |work, input| Box::pin(lifecycle::close(work, input)),
        )
        .summary("Closes an assessment: what is under way is handed in as it was saved last")
        .policy(TEACHERS),
        Operation::write::<ById, Assessment>(
            "assessment.releaseAssessment",
            "/v1/assessments/{id}:release",
            |work, input| Box::pin(lifecycle::release(work, input)),
        )
        .summary("Releases scores to students, and once it is closed the key")
        .policy(TEACHERS),
    ]
}

fn materials_operations() -> Vec<Operation> {
    vec![
        Operation::read::<ById, MaterialsView>(
            "assessment.getMaterials",
            "/v1/assessments/{id}/materials",
            |reader, input| Box::pin(materials::get(reader, input.id)),
        )
        .summary("Gives blueprint, hash and state of an assessment's materials; no key")
        .policy(TEACHERS),
        Operation::write::<ById, MaterialsView>(
            "assessment.generateMaterials",
            "/v1/assessments/{id}:generate",
            |work, input| Box::pin(materials::generate(work, input)),
        )
        .summary("Has a draft's materials made anew from what the banks hold now")
        .policy(TEACHERS)
        .status(202),
    ]
}

fn overrides() -> Vec<Operation> {
    vec![
        Operation::read::<Within<AssessmentOverride, OfAssessment>, Page<AssessmentOverride>>(
            "assessment.listOverrides",
            OVERRIDES,
            |reader, input| Box::pin(overrides::list(reader, input)),
        )
        .summary("Lists what is different for single students")
        .policy(TEACHERS),
        Operation::write::<SetOverride, AssessmentOverride>(
            "assessment.setOverride",
            OVERRIDE,
            |work, input| Box::pin(overrides::set(work, input)),
        )
        .summary("Sets windows, extra time and extra attempts of one student")
        .method(Method::PUT)
        .policy(TEACHERS),
        Operation::write::<OfStudent, ()>("assessment.deleteOverride", OVERRIDE, |work, input| {
            Box::pin(overrides::delete(work, input))
        })
        .summary("Takes away what is different for one student")
        .method(Method::DELETE)
        .policy(TEACHERS)
        .status(204),
    ]
}

/// Locks one and checks `If-Match`; 404 where there is none.
///
/// # Errors
/// 404, 412; the database's.
async fn lock(work: &mut Work, id: Uuid) -> Result<Assessment, Error> {
    resource::lock(work, id).await
}

/// The same of a class that the caller teaches; 404 where it is another's, whatever version was named.
///
/// # Errors
/// 404, 412; the database's.
pub(crate) async fn lock_taught(work: &mut Work, id: Uuid) -> Result<Assessment, Error> {
    let it = lock_any_version(work, id).await?;
    work.caller.expect_version(it.row_version)?;
    Ok(it)
}

/// The same, where `If-Match` speaks of something else.
async fn lock_any_version(work: &mut Work, id: Uuid) -> Result<Assessment, Error> {
    let if_match = work.caller.if_match.take();
    let locked = lock(work, id).await;
    work.caller.if_match = if_match;
    let it = locked?;
    work.expect(About::class(it.class_id).hidden(Assessment::NOUN)).await?;
    Ok(it)
}

/// Who gives the points of an assessment.
///
/// # Errors
/// The database's.
pub(crate) async fn grading_type(tx: &mut TenantTx, id: Uuid) -> Result<GradingType, Error> {
    store::grading_type(tx, id).await
}
