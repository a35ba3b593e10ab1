//! Assessments, scores and results of an institution whose students are enrolled.
//!
//! The files weigh each assessment by itself, so each is a category of its own: a total is then the weighted mean of its
//! scores, rescaled to what is graded, as the source means it. Nobody is told: all of it is long past.
//!
//! What must stay true: every step can run again at any time without doubling anything, as in `tenant`. Scores come
//! before results, because a final result closes its grades.

use std::collections::BTreeMap;

use futures::stream::{self, StreamExt as _, TryStreamExt as _};
use serde_json::{Value, json};
use uuid::Uuid;

use super::api::Session;
use super::dataset::StudentNo;
use super::files::Place;
use super::marks::{Assessment, Marked, SCORE_MAX};
use super::plan::{Class, Enrollment, Tenant, count, day};
use super::progress::Progress;
use super::tenant::{BULK_ROWS, Made, PREPARED, SOURCE, bulk, ensure, known, refused_row};
use crate::failure::Failure;

/// What there is of a class, by numbers of the files.
struct There<'p> {
    class: &'p Class,
    id: Uuid,
    assessments: BTreeMap<String, Uuid>,
}

/// Brings assessments, scores and results to what the plan says.
pub(super) async fn load(
    session: &Session,
    tenant: &Tenant,
    classes: &BTreeMap<String, Uuid>,
    students: &BTreeMap<StudentNo, Uuid>,
    progress: &Progress,
    made: &mut Made,
) -> Result<(), Failure> {
    let there: Vec<(There<'_>, u64)> = stream::iter(&tenant.classes)
        .map(|class| prepare(session, class, classes))
        .buffer_unordered(PREPARED)
        .try_collect()
        .await?;
    made.assessments += there.iter().map(|(_, new)| new).sum::<u64>();
    let calls = there.iter().flat_map(|(there, _)| {
        there.class.scores.chunks(BULK_ROWS).map(move |chunk| (there, chunk))
    });
    made.grades += stream::iter(calls)
        .map(|(there, chunk)| score_chunk(session, there, chunk, students, progress))
        .buffer_unordered(PREPARED)
        .try_fold(0, |sum, new| async move { Ok(sum + new) })
        .await?;
    let calls = there.iter().flat_map(|(there, _)| {
        there.class.enrollments.chunks(BULK_ROWS).map(move |chunk| (there, chunk))
    });
    made.results += stream::iter(calls)
        .map(|(there, chunk)| result_chunk(session, there, chunk, students, progress))
        .buffer_unordered(PREPARED)
        .try_fold(0, |sum, new| async move { Ok(sum + new) })
        .await?;
    Ok(())
}

/// Makes the categories and assessments of a class that are not there, and publishes what is a draft; answers how many
/// assessments are new.
async fn prepare<'p>(
    session: &Session,
    class: &'p Class,
    classes: &BTreeMap<String, Uuid>,
) -> Result<(There<'p>, u64), Failure> {
    let Some(id) = classes.get(&class.code.to_string()).copied() else {
        return Err(Failure::unhealthy(format!("{} was made and is not there", class.code)));
    };
    let path = format!("/v1/classes/{id}/grading-categories");
    let wanted =
        class.assessments.iter().enumerate().map(|(position, assessment)| {
            (assessment.no.to_string(), category(assessment, position))
        });
    let categories = ensure(session, &path, &[], wanted.collect(), &mut 0).await?;
    let of_class = id.to_string();
    let filter = [("classId", of_class.as_str())];
    let wanted = class.assessments.iter().filter_map(|assessment| {
        let category = categories.get(&assessment.no.to_string())?;
        Some((assessment.no.to_string(), body(assessment, id, *category)))
    });
    let mut new = 0;
    let path = "/v1/assessments";
    let assessments = ensure(session, path, &filter, wanted.collect(), &mut new).await?;
    let drafts = known(session, path, &[filter[0], ("status", "DRAFT")]).await?;
    stream::iter(drafts.into_values())
        .map(|draft| publish(session, draft))
        .buffer_unordered(PREPARED)
        .try_collect::<()>()
        .await?;
    Ok((There { class, id, assessments }, new))
}

fn category(assessment: &Assessment, position: usize) -> Value {
    let no = assessment.no.to_string();
    json!({
        "name": title(assessment), "weight": assessment.weight.to_string(), "position": position,
        "source": SOURCE, "externalId": no,
    })
}

fn body(assessment: &Assessment, class: Uuid, category: Uuid) -> Value {
    let due = assessment.day.map(|number| {
        let day = day(assessment.class.presentation, number);
        format!("{day}T23:59:59Z")
    });
    json!({
        "classId": class, "title": title(assessment), "kind": assessment.kind.word(),
        "gradingType": assessment.kind.grading_type(), "pointsPossible": SCORE_MAX.to_string(), "dueAt": due,
        "categoryId": category, "source": SOURCE, "externalId": assessment.no.to_string(),
    })
}

fn title(assessment: &Assessment) -> String {
    format!("{} {}", assessment.kind.word(), assessment.no)
}

/// Publishes a draft; another run may have done so meanwhile.
async fn publish(session: &Session, assessment: Uuid) -> Result<(), Failure> {
    let path = format!("/v1/assessments/{assessment}:publish");
    match session.post::<Value>(&path, &json!({})).await {
        Ok(_) => Ok(()),
        Err(error) => match error.problem() {
            Some(problem) if problem.code == "illegal-transition" => Ok(()),
            _ => Err(error.into()),
        },
    }
}

async fn score_chunk(
    session: &Session,
    there: &There<'_>,
    chunk: &[Marked],
    students: &BTreeMap<StudentNo, Uuid>,
    progress: &Progress,
) -> Result<u64, Failure> {
    let presentation = there.class.code.presentation;
    let item = |row: &Marked| {
        let at = format!("{}T12:00:00Z", day(presentation, row.submitted));
        let graded = row.score.is_some();
        json!({
            "studentId": students.get(&row.student),
            "assessmentId": there.assessments.get(&row.assessment.to_string()),
            "score": row.score.map(|score| score.to_string()), "submittedAt": at,
            "gradedAt": graded.then_some(&at), "note": row.is_banked.then_some("banked"),
            "source": SOURCE, "externalId": format!("{}/{}", row.assessment, row.student),
        })
    };
    let path = format!("/v1/classes/{}/grades:bulk", there.id);
    let items = chunk.iter().map(item).collect();
    send(session, &path, items, chunk.iter().map(|row| &row.place), progress).await
}

async fn result_chunk(
    session: &Session,
    there: &There<'_>,
    chunk: &[Enrollment],
    students: &BTreeMap<StudentNo, Uuid>,
    progress: &Progress,
) -> Result<u64, Failure> {
    let with_result = || chunk.iter().filter_map(|row| Some((row, row.result?)));
    let items: Vec<Value> = with_result()
        .map(|(row, result)| {
            json!({
                "studentId": students.get(&row.student), "outcome": result.outcome(),
                "source": SOURCE, "externalId": format!("{}/{}", there.class.code, row.student),
            })
        })
        .collect();
    if items.is_empty() {
        return Ok(0);
    }
    let path = format!("/v1/classes/{}/results:bulk", there.id);
    send(session, &path, items, with_result().map(|(row, _)| &row.place), progress).await
}

/// Sends rows; answers how many are new.
async fn send<'p>(
    session: &Session,
    path: &str,
    items: Vec<Value>,
    places: impl Iterator<Item = &'p Place>,
    progress: &Progress,
) -> Result<u64, Failure> {
    let rows = bulk(session, path, json!({"notify": false}), items).await?;
    for (place, row) in places.zip(&rows) {
        if !matches!(row.status, 200 | 201) {
            return Err(refused_row(place, row));
        }
    }
    progress.rows(rows.len());
    Ok(count(rows.iter().filter(|row| row.status == 201)))
}
