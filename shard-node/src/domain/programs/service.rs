//! Use cases of programs.

use std::collections::HashMap;

use axum::http::StatusCode;
use rust_decimal::Decimal;
use serde_json::json;
use service_kit::Problem;
use service_kit::problem::FieldProblem;
use uuid::Uuid;

use super::generate::{Existing, Plan, generate};
use super::model::{NewProgram, PatchProgram, Program, ProgramDetail, TemplateRef, TemplateSource};
use super::store::{self, ItemRow};
use super::template::Template;
use crate::domain::prerequisites::lock_prerequisites;
use crate::domain::{courses, term_systems};
use crate::error::Error;
use crate::operation::{Event, Reply, Work};
use crate::resource::{self, Resource};

/// Creates a program, its curriculum, the courses that the template brings and the term system.
pub(super) async fn create(
    work: &mut Work,
    input: NewProgram,
) -> Result<Reply<ProgramDetail>, Error> {
    let template = template(work, input.curriculum_template.as_ref()).await?;
    let system = term_systems::store::find_or_insert(
        work.tx(),
        &input.term_system,
        input.terms_per_year,
        input.weeks_per_term,
    )
    .await?;
    let id = Uuid::now_v7();
    let credits =
        template.as_ref().map(|(template, _)| template.credits_required).unwrap_or_default();
    store::insert(work.tx(), id, system, credits, &input).await?;
    if let Some((template, is_stored)) = template {
        write_curriculum(work, id, template, is_stored, input.terms_per_year).await?;
    }
    let program = resource::load_required::<ProgramDetail>(work.tx(), id).await?;
    record_created(work, &program)?;
    Ok(Reply::created(program, format!("{}/{id}", super::PATH)))
}

/// Changes a program.
pub(super) async fn update(
    work: &mut Work,
    patch: PatchProgram,
) -> Result<Reply<ProgramDetail>, Error> {
    let program = patch.apply_to(resource::lock::<Program>(work, patch.id).await?);
    store::update(work.tx(), &program).await?;
    resource::updated(work, program.id).await
}

/// The template itself, and whether it was stored before; an inline one is stored under its code and version, so that it
/// can be named later.
async fn template(
    work: &mut Work,
    source: Option<&TemplateSource>,
) -> Result<Option<(Template, bool)>, Error> {
    match source {
        None => Ok(None),
        Some(TemplateSource::Inline(template)) => {
            let is_new = store::insert_template(work.tx(), Uuid::now_v7(), template).await?;
            let is_stored = !is_new && store::expect_same(work.tx(), template).await?;
            Ok(Some((template.clone(), is_stored)))
        }
        Some(TemplateSource::Stored(named)) => {
            Ok(Some((stored_template(work, named).await?, true)))
        }
    }
}

/// A stored template by its name.
pub(super) async fn stored_template(
    work: &mut Work,
    named: &TemplateRef,
) -> Result<Template, Error> {
    let found = store::find_template(work.tx(), &named.code, named.version).await?;
    let (_, template) = found.ok_or_else(|| unknown_template(&named.code, named.version))?;
    Ok(template)
}

/// Has a stored template name the courses that it would bring where they are there: it brought them when it was used before.
pub(super) fn name_brought(template: &mut Template, known: &Known) {
    for item in &mut template.items {
        if let Some(new) = item.new_course.take_if(|new| known.contains_key(&new.code)) {
            item.course = Some(new.code);
        }
    }
}

/// Ids and credits of courses by their codes.
pub(super) type Known = HashMap<String, (Uuid, Decimal)>;

/// The courses that a template names and that are there, and what generating it must know of them.
pub(super) async fn existing(
    work: &mut Work,
    template: &Template,
) -> Result<(Known, Existing), Error> {
    let named = template.items.iter().flat_map(|item| {
        item.code().into_iter().chain(item.prerequisites.iter().map(String::as_str))
    });
    let codes: Vec<String> = named.map(str::to_owned).collect();
    let known = courses::store::by_codes(work.tx(), &codes).await?;
    let existing = Existing {
        credits: known.iter().map(|(code, (_, credits))| (code.clone(), *credits)).collect(),
        prerequisites: stored_prerequisites(work, template, &codes).await?,
    };
    Ok((known, existing))
}

async fn write_curriculum(
    work: &mut Work,
    program: Uuid,
    mut template: Template,
    is_stored: bool,
    terms_per_year: i32,
) -> Result<(), Error> {
    let (known, existing) = existing(work, &template).await?;
    if is_stored {
        name_brought(&mut template, &known);
    }
    let plan = generate(&template, &existing, terms_per_year)?;
    let mut ids: HashMap<String, Uuid> =
        known.into_iter().map(|(code, (id, _))| (code, id)).collect();
    create_courses(work, &plan, &mut ids).await?;
    let curriculum = Uuid::now_v7();
    store::insert_curriculum(work.tx(), curriculum, program, &template).await?;
    let rows = item_rows(&plan, &ids)?;
    store::insert_items(work.tx(), curriculum, &rows).await?;
    store::insert_prerequisites(work.tx(), &prerequisites(&plan, &ids)).await
}

/// The prerequisites that a template's own may close a cycle with. They are read under a lock, so that of two
/// templates that close one together the second is refused.
async fn stored_prerequisites(
    work: &mut Work,
    template: &Template,
    codes: &[String],
) -> Result<Vec<(String, String)>, Error> {
    if template.items.iter().all(|item| item.prerequisites.is_empty()) {
        return Ok(Vec::new());
    }
    lock_prerequisites(work.tx()).await?;
    store::prerequisites_of(work.tx(), codes).await
}

async fn create_courses(
    work: &mut Work,
    plan: &Plan<'_>,
    ids: &mut HashMap<String, Uuid>,
) -> Result<(), Error> {
    for new in plan.items.iter().filter_map(|planned| planned.item.new_course.as_ref()) {
        let id = Uuid::now_v7();
        let course = courses::NewCourse {
            code: new.code.clone(),
            title: new.title.clone(),
            credits: new.credits,
            source: None,
            external_id: None,
        };
        courses::store::insert(work.tx(), id, &course).await?;
        resource::created::<courses::Course>(work, id, "/v1/courses").await?;
        ids.insert(new.code.clone(), id);
    }
    Ok(())
}

fn item_rows(plan: &Plan<'_>, ids: &HashMap<String, Uuid>) -> Result<Vec<ItemRow>, Error> {
    let row = |planned: &super::generate::PlannedItem<'_>| {
        let course = ids.get(planned.code).copied().ok_or_else(|| {
            Error::Defect(format!("the plan has a course `{}` without an id", planned.code))
        })?;
        Ok(ItemRow {
            id: Uuid::now_v7(),
            course,
            year: planned.item.year,
            term: planned.item.term,
            kind: planned.item.kind.as_str(),
            group: planned.item.group.clone(),
        })
    };
    plan.items.iter().map(row).collect()
}

/// (course, prerequisite) pairs.
fn prerequisites(plan: &Plan<'_>, ids: &HashMap<String, Uuid>) -> Vec<(Uuid, Uuid)> {
    let pairs = plan.items.iter().flat_map(|planned| {
        planned.item.prerequisites.iter().map(move |code| (planned.code, code.as_str()))
    });
    pairs.filter_map(|(course, needed)| Some((*ids.get(course)?, *ids.get(needed)?))).collect()
}

fn record_created(work: &mut Work, program: &ProgramDetail) -> Result<(), Error> {
    let payload = serde_json::to_value(program)
        .map_err(|error| Error::Defect(format!("a program does not encode: {error}")))?;
    work.record(Event {
        kind: "PROGRAM_CREATED".into(),
        aggregate: ProgramDetail::ENTITY,
        aggregate_id: program.program.id,
        aggregate_version: program.program.row_version,
        payload: json!({"program": payload, "createdBy": work.caller.subject}),
        touches: ProgramDetail::TOUCHES,
    });
    Ok(())
}

fn unknown_template(code: &str, version: i32) -> Error {
    Problem::new(
        StatusCode::UNPROCESSABLE_ENTITY,
        "template",
        "The curriculum template cannot be used",
    )
    .field(FieldProblem::new(
        "/curriculumTemplate",
        "unknown-template",
        format!("no stored template has the code `{code}` and version {version}"),
    ))
    .into()
}
