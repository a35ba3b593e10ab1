//! One institution from nothing, or from wherever an earlier run ended, to what the plan says.
//!
//! What must stay true: every step asks or is told what is there already (by source and external id, and by an
//! enrolment's status), so that it can run again at any time without doubling anything.

use std::collections::BTreeMap;

use futures::stream::{self, StreamExt as _, TryStreamExt as _};
use serde::Deserialize;
use serde_json::{Value, json};
use service_kit::Problem;
use uuid::Uuid;

use super::api::{CallError, Page, Session, sentence};
use super::dataset::StudentNo;
use super::files::Place;
use super::grades;
use super::plan::{Class, End, Enrollment, Student, Tenant, Term};
use super::progress::Progress;
use crate::failure::Failure;

/// What rows say of where they come from.
pub(super) const SOURCE: &str = "oulad";

/// Rows of one bulk call. 1,000 are allowed; where everything is busy (unoptimised, on two cores) they took
/// 2.6 s of the 10 s that a node gives a request, and half of them keeps well away from that.
pub(super) const BULK_ROWS: usize = 500;

/// Calls of one institution that are prepared at once; how many are made is for the router's slots.
pub(super) const PREPARED: usize = 64;

/// What a run changed.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, serde::Serialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Made {
    pub(super) courses: u64,
    pub(super) terms: u64,
    pub(super) classes: u64,
    pub(super) students: u64,
    pub(super) enrollments: u64,
    /// Enrolments that were dropped or withdrawn.
    pub(super) ended: u64,
    pub(super) assessments: u64,
    pub(super) grades: u64,
    pub(super) results: u64,
}

/// A row of a bulk answer.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct RowResult {
    pub(super) status: u16,
    id: Option<Uuid>,
    enrollment_status: Option<String>,
    error: Option<Problem>,
}

#[derive(Debug, Deserialize)]
struct BulkAnswer {
    items: Vec<RowResult>,
}

/// Something that is there, by its id in the files.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
struct Known {
    id: Uuid,
    external_id: Option<String>,
}

/// An enrolment that is still to end.
struct Ending<'p> {
    enrollment: Uuid,
    end: End,
    place: &'p Place,
}

/// Brings the institution to what the plan says.
pub(super) async fn load(
    session: &Session,
    tenant: &Tenant,
    progress: &Progress,
) -> Result<Made, Failure> {
    let mut made = Made::default();
    let courses = tenant.modules.iter().map(|module| (module.clone(), course(module))).collect();
    let terms = tenant.terms.iter().map(|row| (row.code.to_string(), term(row))).collect();
    let (courses, terms) = futures::try_join!(
        ensure(session, "/v1/courses", &[], courses, &mut made.courses),
        ensure(session, "/v1/terms", &[], terms, &mut made.terms),
    )?;
    let wanted = tenant.classes.iter().filter_map(|row| {
        let course = courses.get(&row.code.module)?;
        let term = terms.get(&row.code.presentation.to_string())?;
        Some((row.code.to_string(), class(row, *course, *term)))
    });
    let classes = ensure(session, "/v1/classes", &[], wanted.collect(), &mut made.classes).await?;
    let students = students(session, &tenant.students, progress, &mut made.students).await?;
    let endings = enroll(session, tenant, &classes, &students, progress, &mut made).await?;
    end_all(session, &endings, progress, &mut made.ended).await?;
    if tenant.has_marks() {
        grades::load(session, tenant, &classes, &students, progress, &mut made).await?;
    }
    Ok(made)
}

fn course(module: &str) -> Value {
    json!({"code": module, "title": format!("Module {module}"), "source": SOURCE, "externalId": module})
}

fn term(term: &Term) -> Value {
    json!({
        "code": term.code.to_string(), "name": format!("Presentation {}", term.code),
        "startsOn": term.starts_on, "endsOn": term.ends_on, "dropUntil": term.drop_until,
        "enrollUntil": term.ends_on, "source": SOURCE, "externalId": term.code.to_string(),
    })
}

fn class(class: &Class, course: Uuid, term: Uuid) -> Value {
    let code = class.code.to_string();
    json!({
        "courseId": course, "termId": term, "code": code, "capacity": class.enrollments.len(),
        "source": SOURCE, "externalId": code,
    })
}

/// Makes what is not there yet, of what the filter names; answers the ids of all by external id.
pub(super) async fn ensure(
    session: &Session,
    path: &str,
    filter: &[(&str, &str)],
    wanted: Vec<(String, Value)>,
    made: &mut u64,
) -> Result<BTreeMap<String, Uuid>, Failure> {
    let mut known = known(session, path, filter).await?;
    let missing: Vec<_> = wanted.iter().filter(|(id, _)| !known.contains_key(id)).collect();
    let created: Vec<(String, Uuid, bool)> = stream::iter(missing)
        .map(|(id, body)| async move {
            let (uuid, new) = create(session, path, filter, (id, body)).await?;
            Ok::<_, Failure>((id.clone(), uuid, new))
        })
        .buffer_unordered(PREPARED)
        .try_collect()
        .await?;
    for (id, uuid, new) in created {
        *made += u64::from(new);
        known.insert(id, uuid);
    }
    Ok(known)
}

pub(super) async fn known(
    session: &Session,
    path: &str,
    filter: &[(&str, &str)],
) -> Result<BTreeMap<String, Uuid>, CallError> {
    let mut query =
        vec![("source", SOURCE), ("limit", "200"), ("count", "none"), ("select", "id,externalId")];
    query.extend(filter);
    let page: Page<Known> = session.list(path, &query).await?;
    Ok(page.items.into_iter().filter_map(|row| Some((row.external_id?, row.id))).collect())
}

/// Creates one. A conflict may come from a run that was killed while its last call was under way: then it is
/// there now.
async fn create(
    session: &Session,
    path: &str,
    filter: &[(&str, &str)],
    (external_id, body): (&str, &Value),
) -> Result<(Uuid, bool), Failure> {
    let refused = match session.post::<Known>(path, body).await {
        Ok(created) => return Ok((created.id, true)),
        Err(error) if error.problem().is_some_and(|problem| problem.status == 409) => error,
        Err(error) => return Err(error.into()),
    };
    match known(session, path, filter).await?.get(external_id) {
        Some(id) => Ok((*id, false)),
        None => Err(Failure::from(refused).next(format!(
            "`{external_id}` is taken by something that was not loaded from these files: rename it"
        ))),
    }
}

/// Makes the students in bulk; answers their ids.
async fn students(
    session: &Session,
    students: &[Student],
    progress: &Progress,
    made: &mut u64,
) -> Result<BTreeMap<StudentNo, Uuid>, Failure> {
    let chunks: Vec<Vec<(StudentNo, Uuid, bool)>> = stream::iter(students.chunks(BULK_ROWS))
        .map(|chunk| student_chunk(session, chunk, progress))
        .buffer_unordered(PREPARED)
        .try_collect()
        .await?;
    let all = || chunks.iter().flatten();
    *made += super::plan::count(all().filter(|(_, _, new)| *new));
    Ok(all().map(|(no, id, _)| (*no, *id)).collect())
}

async fn student_chunk(
    session: &Session,
    chunk: &[Student],
    progress: &Progress,
) -> Result<Vec<(StudentNo, Uuid, bool)>, Failure> {
    let item = |student: &Student| {
        let no = student.no.to_string();
        // The dataset is anonymised: there are no names.
        json!({
            "studentNo": no, "givenName": "Student", "familyName": no, "source": SOURCE, "externalId": no,
        })
    };
    let items: Vec<Value> = chunk.iter().map(item).collect();
    let rows = bulk(session, "/v1/students:bulk", json!({}), items).await?;
    let mut ids = Vec::with_capacity(rows.len());
    for (student, row) in chunk.iter().zip(rows) {
        let code = row.error.as_ref().map(|problem| &*problem.code);
        match (row.status, code, row.id) {
            (201, None, Some(id)) => ids.push((student.no, id, true)),
            (409, Some("external-id-taken"), Some(id)) => ids.push((student.no, id, false)),
            _ => return Err(refused_row(&student.place, &row)),
        }
    }
    progress.rows(chunk.len());
    Ok(ids)
}

/// Enrols in bulk, class by class; answers what is still to end, so that no two neighbours are of one class:
/// leaving locks the class.
async fn enroll<'p>(
    session: &Session,
    tenant: &'p Tenant,
    classes: &BTreeMap<String, Uuid>,
    students: &BTreeMap<StudentNo, Uuid>,
    progress: &Progress,
    made: &mut Made,
) -> Result<Vec<Ending<'p>>, Failure> {
    let calls = tenant.classes.iter().flat_map(|class| {
        let id = classes.get(&class.code.to_string()).copied();
        class.enrollments.chunks(BULK_ROWS).map(move |chunk| (class, id, chunk))
    });
    let chunks: Vec<(u64, Vec<Ending<'p>>)> = stream::iter(calls)
        .map(|(class, id, chunk)| enroll_chunk(session, class, id, chunk, students, progress))
        .buffer_unordered(PREPARED)
        .try_collect()
        .await?;
    let mut columns = Vec::with_capacity(chunks.len());
    for (new, endings) in chunks {
        made.enrollments += new;
        columns.push(endings.into_iter());
    }
    let mut endings = Vec::new();
    while !columns.is_empty() {
        columns.retain_mut(|column| column.next().map(|ending| endings.push(ending)).is_some());
    }
    Ok(endings)
}

async fn enroll_chunk<'p>(
    session: &Session,
    class: &Class,
    class_id: Option<Uuid>,
    chunk: &'p [Enrollment],
    students: &BTreeMap<StudentNo, Uuid>,
    progress: &Progress,
) -> Result<(u64, Vec<Ending<'p>>), Failure> {
    let Some(class_id) = class_id else {
        return Err(Failure::unhealthy(format!("{} was made and is not there", class.code)));
    };
    let item = |row: &Enrollment| {
        json!({
            "studentId": students.get(&row.student), "effectiveDate": row.enrolled_on,
            "source": SOURCE, "externalId": format!("{}/{}", class.code, row.student),
        })
    };
    let path = format!("/v1/classes/{class_id}/enrollments:bulk");
    let results = bulk(session, &path, json!({}), chunk.iter().map(item).collect()).await?;
    let (mut new, mut endings, mut ended_before) = (0, Vec::new(), 0);
    for (row, result) in chunk.iter().zip(results) {
        let (200 | 201, Some(enrollment)) = (result.status, result.id) else {
            return Err(refused_row(&row.place, &result));
        };
        new += u64::from(result.status == 201);
        let Some(end) = row.end else { continue };
        if result.enrollment_status.as_deref() == Some(end.leave.status()) {
            ended_before += 1;
        } else {
            endings.push(Ending { enrollment, end, place: &row.place });
        }
    }
    progress.rows(chunk.len() + ended_before);
    Ok((new, endings))
}

async fn end_all(
    session: &Session,
    endings: &[Ending<'_>],
    progress: &Progress,
    made: &mut u64,
) -> Result<(), Failure> {
    let mut ended =
        stream::iter(endings).map(|ending| end(session, ending)).buffer_unordered(PREPARED);
    while let Some(new) = ended.try_next().await? {
        *made += u64::from(new);
        progress.rows(1);
    }
    Ok(())
}

/// Ends one enrolment; false where that was done before, by a call of a killed run that came through.
async fn end(session: &Session, ending: &Ending<'_>) -> Result<bool, Failure> {
    let End { leave, on } = ending.end;
    let path = format!("/v1/enrollments/{}:{}", ending.enrollment, leave.verb());
    let result = session.post::<Value>(&path, &json!({"effectiveDate": on})).await;
    let stands = |error: &CallError| {
        let problem = error.problem()?;
        let from = problem.extra.get("from")?.as_str()?;
        (problem.code == "illegal-transition").then(|| from.to_owned())
    };
    match result {
        Ok(_) => Ok(true),
        Err(error) if stands(&error).as_deref() == Some(leave.status()) => Ok(false),
        Err(error) if error.problem().is_some() => {
            Err(Failure::refused(format!("{}: {error}", ending.place)))
        }
        Err(error) => Err(error.into()),
    }
}

/// A bulk call whose answer has a result for each row.
pub(super) async fn bulk(
    session: &Session,
    path: &str,
    mut body: Value,
    items: Vec<Value>,
) -> Result<Vec<RowResult>, Failure> {
    let rows = items.len();
    (body["atomic"], body["items"]) = (json!(false), json!(items));
    let answer: BulkAnswer = session.post(path, &body).await?;
    if answer.items.len() == rows {
        return Ok(answer.items);
    }
    let what = format!("POST {path}: {} results for {rows} rows", answer.items.len());
    Err(Failure::unhealthy(what))
}

pub(super) fn refused_row(place: &Place, row: &RowResult) -> Failure {
    let why = match &row.error {
        Some(problem) => format!("{}: {}", problem.code, sentence(problem)),
        None => "no reason was given".to_owned(),
    };
    Failure::refused(format!("{place} was refused: {} {why}", row.status))
}
