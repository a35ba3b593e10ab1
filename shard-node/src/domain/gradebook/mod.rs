//! The gradebook: how a class counts, what students' grades come to by that, and their results.
//!
//! What must stay true:
//! - Totals are never stored: they are computed from the grades, exactly, whenever they are read ([`structure`]).
//! - A student, and who answers for one, sees what is released and nothing else.
//! - Grades cannot change a final result: an admin reopens it, or it is sent anew by its version ([`results`]).
//!
//! Left to others: grades themselves (grades), and the arithmetic of totals (grading).

mod categories;
mod late_policies;
mod results;
mod scale;
mod scales;
mod stats;
mod store;
mod structure;
mod view;

use axum::http::Method;
use service_kit::token::{Role, Roles};
use uuid::Uuid;

pub use categories::{GradingCategory, NewCategory, PatchCategory};
pub use late_policies::{LateInterval, LatePolicy, NewLatePolicy, PatchLatePolicy};
pub use results::{BulkResult, BulkResults, ClassResult, FinalizeResults, Finalized, ReopenResult};
pub use scale::Outcome;
pub use scales::{GradeScale, NewScale, PatchScale};
pub use stats::{AssessmentStats, ByClass, ClassGradeStats};
pub use structure::{CategoryRow, Cell, Column};
pub(crate) use structure::{Structure, totals};
pub use view::{
    Gradebook, GradebookQuery, GradebookResult, GradebookRow, GradebookTotals, OwnGradebook,
    OwnGradebookQuery,
};

use crate::domain::grades::OfClass;
use crate::error::Error;
use crate::operation::{Operation, roles};
use crate::policy::{FAMILY, Policy, Relation, TEACHERS};
use crate::resource::bulk::BulkAnswer;
use crate::resource::{self, ById, ListQuery, Page, Within};
use crate::store::TenantTx;

const CATEGORY: &str = "/v1/grading-categories/{id}";
const CATEGORIES: &str = "/v1/classes/{classId}/grading-categories";
const SCALE: &str = "/v1/grade-scales/{id}";
const LATE_POLICY: &str = "/v1/late-policies/{id}";
/// Who may know how things count, whatever class it is.
const STAFF: Roles = roles(&[Role::Admin, Role::Staff, Role::Instructor, Role::ApiClient]);
/// The office and other systems.
const SENDERS: Roles = roles(&[Role::Admin, Role::Staff, Role::ApiClient]);
/// The office, those who teach the class, and other systems.
const READERS: Policy = TEACHERS.with(Role::ApiClient, Relation::Any);
/// A student, and who answers for one.
const OWN: Policy = Policy::of(Roles::empty())
    .with(Role::Student, Relation::Own)
    .with(Role::Guardian, Relation::Guards);

/// How a class counts.
pub(crate) async fn structure_of(tx: &mut TenantTx, class: Uuid) -> Result<Structure, Error> {
    store::structure(tx, class).await
}

/// The grades of students in a class.
pub(crate) async fn cells_of(
    tx: &mut TenantTx,
    class: Uuid,
    students: &[Uuid],
) -> Result<Vec<Cell>, Error> {
    store::cells(tx, class, students).await
}

/// The operations of gradebooks.
pub fn operations() -> Vec<Operation> {
    [reads(), results(), categories(), scales(), late_policies()].into_iter().flatten().collect()
}

fn reads() -> Vec<Operation> {
    vec![
        Operation::read::<GradebookQuery, Gradebook>(
            "gradebook.get",
            "/v1/classes/{classId}/gradebook",
            |reader, query| Box::pin(view::get(reader, query)),
        )
        .summary("Gives a page of a class's gradebook: students by assessments, with their totals")
        .policy(READERS),
        Operation::read::<OwnGradebookQuery, OwnGradebook>(
            "gradebook.getOwn",
            "/v1/classes/{classId}/gradebook/mine",
            |reader, query| Box::pin(view::own(reader, query)),
        )
        .summary("Gives a student's own grades of a class, as far as they are released, with their totals")
        .policy(OWN),
        Operation::read::<ByClass, ClassGradeStats>(
            "gradebook.classStats",
            "/v1/classes/{classId}/grade-stats",
            |reader, query| Box::pin(stats::get(reader, query)),
        )
        .summary("Gives what the grades of a class come to, assessment by assessment")
        .policy(READERS),
    ]
}

fn results() -> Vec<Operation> {
    vec![
        Operation::read::<Within<ClassResult, OfClass>, Page<ClassResult>>(
            "gradebook.listResults",
            "/v1/classes/{classId}/results",
            |reader, input| Box::pin(results::list(reader, input)),
        )
        .summary("Lists the results of a class")
        .policy(READERS),
        Operation::write::<FinalizeResults, Finalized>(
            "gradebook.finalizeResults",
            "/v1/classes/{classId}/results:finalize",
            |work, input| Box::pin(results::finalize(work, input)),
        )
        .summary("Makes what the grades of a class come to its students' results, and completes their enrolments")
        .policy(TEACHERS)
        .queues_at("classId"),
        Operation::write::<BulkResults, BulkAnswer>(
            "gradebook.bulkResults",
            "/v1/classes/{classId}/results:bulk",
            |work, input| Box::pin(results::send(work, input)),
        )
        .summary("Takes up to 1,000 results of a class from another system, with a status for each")
        .roles(SENDERS)
        .queues_at("classId"),
        Operation::read::<ById, ClassResult>(
            "gradebook.getResult",
            "/v1/results/{id}",
            |reader, input| Box::pin(results::get(reader, input.id)),
        )
        .summary("Gives a result; a student's own")
        .policy(FAMILY.with(Role::Instructor, Relation::Teaches).with(Role::ApiClient, Relation::Any)),
        Operation::write::<ReopenResult, ClassResult>(
            "gradebook.reopenResult",
            "/v1/results/{id}:reopen",
            |work, input| Box::pin(results::reopen(work, input)),
        )
        .summary("Reopens a final result, so that grades may change again; says why")
        .roles(roles(&[Role::Admin])),
    ]
}

fn categories() -> Vec<Operation> {
    vec![
        Operation::read::<Within<GradingCategory, OfClass>, Page<GradingCategory>>(
            "gradebook.listCategories",
            CATEGORIES,
            |reader, input| Box::pin(categories::list(reader, input)),
        )
        .summary("Lists the categories of a class")
        .policy(READERS),
        Operation::write::<NewCategory, GradingCategory>(
            "gradebook.createCategory",
            CATEGORIES,
            |work, input| Box::pin(categories::create(work, input)),
        )
        .summary("Creates a category of a class: its weight, and how many are dropped")
        .policy(TEACHERS)
        .status(201),
        Operation::read::<ById, GradingCategory>(
            "gradebook.getCategory",
            CATEGORY,
            |reader, input| Box::pin(categories::get(reader, input.id)),
        )
        .summary("Gives a category")
        .policy(READERS),
        Operation::write::<PatchCategory, GradingCategory>(
            "gradebook.updateCategory",
            CATEGORY,
            |work, input| Box::pin(categories::update(work, input)),
        )
        .summary("Changes a category; results that are final stay")
        .method(Method::PATCH)
        .policy(TEACHERS),
        Operation::write::<ById, ()>("gradebook.deleteCategory", CATEGORY, |work, input| {
            Box::pin(categories::delete(work, input.id))
        })
        .summary("Deletes a category that no assessment is in")
        .method(Method::DELETE)
        .policy(TEACHERS)
        .status(204),
    ]
}

fn scales() -> Vec<Operation> {
    vec![
        Operation::read::<ListQuery<GradeScale>, Page<GradeScale>>(
            "gradebook.listScales",
            scales::PATH,
            |reader, query| Box::pin(resource::list(reader, query)),
        )
        .summary("Lists scales: the institution's, and those of classes")
        .roles(STAFF),
        Operation::write::<NewScale, GradeScale>(
            "gradebook.createScale",
            scales::PATH,
            |work, input| Box::pin(scales::create(work, input)),
        )
        .summary("Creates a scale of a class, or of the institution, which is for admin and staff")
        .policy(TEACHERS)
        .status(201),
        Operation::read_encoded::<ById, GradeScale>(
            "gradebook.getScale",
            SCALE,
            |reader, input| Box::pin(resource::find_encoded(reader, input.id)),
        )
        .summary("Gives a scale")
        .roles(STAFF),
        Operation::write::<PatchScale, GradeScale>(
            "gradebook.updateScale",
            SCALE,
            |work, input| Box::pin(scales::update(work, input)),
        )
        .summary("Changes a scale; results that are final stay")
        .method(Method::PATCH)
        .policy(TEACHERS),
        Operation::write::<ById, ()>("gradebook.deleteScale", SCALE, |work, input| {
            Box::pin(scales::delete(work, input.id))
        })
        .summary("Deletes a scale; results that are final stay")
        .method(Method::DELETE)
        .policy(TEACHERS)
        .status(204),
    ]
}

fn late_policies() -> Vec<Operation> {
    vec![
        Operation::read::<ListQuery<LatePolicy>, Page<LatePolicy>>(
            "gradebook.listLatePolicies",
            late_policies::PATH,
            |reader, query| Box::pin(resource::list(reader, query)),
        )
        .summary("Lists late policies: those for every class, and those of classes")
        .roles(STAFF),
        Operation::write::<NewLatePolicy, LatePolicy>(
            "gradebook.createLatePolicy",
            late_policies::PATH,
            |work, input| Box::pin(late_policies::create(work, input)),
        )
        .summary(
            "Creates a late policy of a class, or for every class, which is for admin and staff",
        )
        .policy(TEACHERS)
        .status(201),
        Operation::read_encoded::<ById, LatePolicy>(
            "gradebook.getLatePolicy",
            LATE_POLICY,
            |reader, input| Box::pin(resource::find_encoded(reader, input.id)),
        )
        .summary("Gives a late policy")
        .roles(STAFF),
        Operation::write::<PatchLatePolicy, LatePolicy>(
            "gradebook.updateLatePolicy",
            LATE_POLICY,
            |work, input| Box::pin(late_policies::update(work, input)),
        )
        .summary("Changes a late policy; grades that were given stay")
        .method(Method::PATCH)
        .policy(TEACHERS),
        Operation::write::<ById, ()>("gradebook.deleteLatePolicy", LATE_POLICY, |work, input| {
            Box::pin(late_policies::delete(work, input.id))
        })
        .summary("Deletes a late policy that no assessment goes by")
        .method(Method::DELETE)
        .policy(TEACHERS)
        .status(204),
    ]
}
