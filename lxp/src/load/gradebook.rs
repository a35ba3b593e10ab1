//! Gradebooks, read back through the router, against what the files say: how many scores and what mean a class has, and
//! of every student what the scores come to, to 4 decimals, and how it ended.

use std::collections::BTreeMap;

use futures::stream::{self, StreamExt as _, TryStreamExt as _};
use serde::Deserialize;
use uuid::Uuid;

use super::api::{CallError, Session};
use super::expected::{self, Total, text, units};
use super::marks::{FinalResult, Marked};
use super::plan::{Class, Counts, Tenant, count};
use super::tenant::{PREPARED, known};

/// Whose enrolments a gradebook shows: those who are in it, those who left.
const STATUSES: [&str; 5] = ["ACTIVE", "SUSPENDED", "COMPLETED", "DROPPED", "WITHDRAWN"];

/// A page of a gradebook, as far as it is compared.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
struct Book {
    assessments: Vec<serde_json::Value>,
    items: Vec<Row>,
    total_pages: u32,
}

/// A student.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Row {
    student_no: String,
    grades: Vec<Cell>,
    totals: Totals,
    result: Option<Outcome>,
}

#[derive(Debug, Deserialize)]
struct Cell {
    score: Option<String>,
}

#[derive(Debug, Deserialize)]
struct Totals {
    current: Option<String>,
    #[serde(rename = "final")]
    last: Option<String>,
}

#[derive(Debug, Deserialize)]
struct Outcome {
    outcome: String,
}

/// What the grades of a class come to.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
struct Stats {
    graded: u64,
    ungraded: u64,
    mean_score: Option<String>,
}

/// A class, as it was read.
struct Read<'p> {
    class: &'p Class,
    assessments: u64,
    rows: Vec<Row>,
    stats: Stats,
}

/// Reads every gradebook of an institution: adds to the counts, and answers each difference in a sentence.
pub(super) async fn read_back(
    session: &Session,
    tenant: &Tenant,
    counts: &mut Counts,
) -> Result<Vec<String>, CallError> {
    let ids = known(session, "/v1/classes", &[]).await?;
    let classes =
        tenant.classes.iter().filter_map(|class| Some((class, *ids.get(&class.code.to_string())?)));
    let read: Vec<Read<'_>> = stream::iter(classes)
        .map(|(class, id)| read_class(session, class, id))
        .buffered(PREPARED)
        .try_collect()
        .await?;
    let mut differences = Vec::new();
    for one in &read {
        let cells = || one.rows.iter().flat_map(|row| &row.grades);
        counts.assessments += one.assessments;
        counts.graded += count(cells().filter(|cell| cell.score.is_some()));
        counts.ungraded += count(cells().filter(|cell| cell.score.is_none()));
        counts.results += count(one.rows.iter().filter(|row| row.result.is_some()));
        let of_class = |what| format!("{}: {}: {what}", tenant.slug, one.class.code);
        differences.extend(class_differences(one.class, &one.stats).into_iter().map(of_class));
        differences.extend(row_differences(one.class, &one.rows).into_iter().map(of_class));
    }
    Ok(differences)
}

async fn read_class<'p>(
    session: &Session,
    class: &'p Class,
    id: Uuid,
) -> Result<Read<'p>, CallError> {
    let stats: Stats = session.get(&format!("/v1/classes/{id}/grade-stats")).await?;
    let path = format!("/v1/classes/{id}/gradebook");
    let (mut rows, mut assessments) = (Vec::new(), 0);
    for status in STATUSES {
        let mut page = 1;
        loop {
            let number = page.to_string();
            let query = [("status", status), ("limit", "200"), ("page", number.as_str())];
            let book: Book = session.read(&path, &query).await?;
            assessments = count(book.assessments.iter());
            rows.extend(book.items);
            if page >= book.total_pages {
                break;
            }
            page += 1;
        }
    }
    Ok(Read { class, assessments, rows, stats })
}

/// How a class's counts and mean differ from the files.
fn class_differences(class: &Class, stats: &Stats) -> Vec<String> {
    let graded = count(class.scores.iter().filter(|row| row.score.is_some()));
    let ungraded = count(class.scores.iter().filter(|row| row.score.is_none()));
    let mean = expected::mean(&class.scores);
    let found = stats.mean_score.as_deref().and_then(units);
    let mut differences = Vec::new();
    if (graded, ungraded) != (stats.graded, stats.ungraded) {
        differences.push(format!(
            "{graded} scores and {ungraded} without are in the files, {} and {} are there",
            stats.graded, stats.ungraded
        ));
    }
    if mean != found {
        let (mean, found) = (text(mean), text(found));
        differences.push(format!("the mean of the files is {mean}, {found} is there"));
    }
    differences
}

/// How students' totals and results differ from the files.
fn row_differences(class: &Class, rows: &[Row]) -> Vec<String> {
    let mut scores: BTreeMap<String, Vec<&Marked>> = BTreeMap::new();
    for score in &class.scores {
        scores.entry(score.student.to_string()).or_default().push(score);
    }
    let found: BTreeMap<&str, &Row> =
        rows.iter().map(|row| (row.student_no.as_str(), row)).collect();
    let mut differences = Vec::new();
    for enrollment in &class.enrollments {
        let no = enrollment.student.to_string();
        let Some(row) = found.get(no.as_str()) else {
            differences.push(format!("student {no} is not in the gradebook"));
            continue;
        };
        let own = scores.get(&no).into_iter().flatten().copied();
        let expected = expected::total(&class.assessments, own);
        let units = |text: &Option<String>| text.as_deref().and_then(units);
        let there = Total { now: units(&row.totals.current), end: units(&row.totals.last) };
        if expected != there {
            differences.push(format!(
                "student {no} comes to {} now and {} in the end by the files, {} and {} are there",
                text(expected.now),
                text(expected.end),
                text(there.now),
                text(there.end)
            ));
        }
        let wanted = enrollment.result.map(FinalResult::outcome);
        let outcome = row.result.as_ref().map(|result| result.outcome.as_str());
        if wanted != outcome {
            differences.push(format!(
                "student {no} ended as {wanted:?} by the files, as {outcome:?} there"
            ));
        }
    }
    differences
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::super::dataset::tests::oulad;
    use super::super::plan::plan;
    use super::*;

    /// A gradebook that is as the files say.
    fn as_planned(class: &Class) -> Vec<Row> {
        let row = |enrollment: &super::super::plan::Enrollment| {
            let own = || class.scores.iter().filter(|row| row.student == enrollment.student);
            let total = expected::total(&class.assessments, own());
            let text = |units: Option<u64>| units.map(|_| text(units));
            let cells: Vec<_> = own()
                .map(|row| json!({"score": row.score.map(|score| score.to_string())}))
                .collect();
            let row = json!({
                "studentNo": enrollment.student.to_string(), "grades": cells,
                "totals": {"current": text(total.now), "final": text(total.end)},
                "result": enrollment.result.map(|result| json!({"outcome": result.outcome()})),
            });
            serde_json::from_value(row).expect("a row")
        };
        class.enrollments.iter().map(row).collect()
    }

    fn a_class() -> Class {
        let tenants = plan(&oulad()).expect("a plan");
        let classes = tenants.into_iter().flat_map(|tenant| tenant.classes);
        let mut some = classes.filter(|class| class.scores.len() > 500);
        some.next().expect("a class with scores")
    }

    #[test]
    fn what_is_as_the_files_say_has_no_differences() {
        let class = a_class();
        assert_eq!(row_differences(&class, &as_planned(&class)), Vec::<String>::new());
        let graded = count(class.scores.iter().filter(|row| row.score.is_some()));
        let ungraded = count(class.scores.iter()) - graded;
        let mean_score = Some(text(expected::mean(&class.scores)));
        let stats = Stats { graded, ungraded, mean_score };
        assert_eq!(class_differences(&class, &stats), Vec::<String>::new());
    }

    #[test]
    fn a_total_a_result_and_a_mean_that_differ_in_the_last_place_are_named() {
        let class = a_class();
        let mut rows = as_planned(&class);
        let total = rows[0].totals.last.as_deref().and_then(units).expect("a total");
        rows[0].totals.last = Some(text(Some(total + 1)));
        rows[1].result = Some(Outcome { outcome: "EXEMPT".to_owned() });
        rows.remove(2);
        let differences = row_differences(&class, &rows);
        assert_eq!(differences.len(), 3, "{differences:?}");
        let mean = expected::mean(&class.scores).map(|mean| mean + 1);
        let graded = count(class.scores.iter().filter(|row| row.score.is_some()));
        let ungraded = count(class.scores.iter()) - graded;
        let stats = Stats { graded: graded - 1, ungraded, mean_score: Some(text(mean)) };
        assert_eq!(class_differences(&class, &stats).len(), 2);
    }
}
