//! What is there, counted through the router, against what the files say.

use std::collections::BTreeMap;

use serde::Deserialize;
use serde_json::Value;

use super::api::{CallError, Session};
use super::plan::{Class, Counts, Tenant, count};
use super::tenant::SOURCE;

/// A class as it is.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Seats {
    external_id: Option<String>,
    seats_taken: u64,
}

/// Counts what an institution has from these files.
pub(super) async fn read_back(session: &Session) -> Result<(Counts, Vec<Seats>), CallError> {
    let enrollments = |status| total(session, "/v1/enrollments", Some(("status", status)));
    let query = [("source", SOURCE), ("limit", "200"), ("select", "externalId,seatsTaken")];
    let (courses, terms, classes, students, all, active, completed, dropped, withdrawn) = futures::try_join!(
        total(session, "/v1/courses", None),
        total(session, "/v1/terms", None),
        session.list::<Seats>("/v1/classes", &query),
        total(session, "/v1/students", None),
        total(session, "/v1/enrollments", None),
        enrollments("ACTIVE"),
        enrollments("COMPLETED"),
        enrollments("DROPPED"),
        enrollments("WITHDRAWN"),
    )?;
    let counts = Counts {
        courses,
        terms,
        classes: classes.total.unwrap_or_default(),
        students,
        enrollments: all,
        active,
        completed,
        dropped,
        withdrawn,
        // These are read with the gradebooks.
        ..Counts::default()
    };
    Ok((counts, classes.items))
}

async fn total(
    session: &Session,
    path: &str,
    filter: Option<(&str, &str)>,
) -> Result<u64, CallError> {
    let mut query = vec![("source", SOURCE), ("limit", "1"), ("count", "exact"), ("select", "id")];
    query.extend(filter);
    Ok(session.list::<Value>(path, &query).await?.total.unwrap_or_default())
}

/// Each difference in a sentence; none when all is as the files say.
pub(super) fn differences(tenant: &Tenant, found: &Counts, seats: &[Seats]) -> Vec<String> {
    let slug = &tenant.slug;
    let expected = tenant.counts();
    let counts = expected.named().into_iter().zip(found.named());
    let counts = counts.filter(|((_, expected), (_, found))| expected != found).map(
        |((name, expected), (_, found))| {
            format!("{slug}: {expected} {name} are in the files, {found} are there")
        },
    );
    let taken: BTreeMap<&str, u64> = seats
        .iter()
        .filter_map(|row| Some((row.external_id.as_deref()?, row.seats_taken)))
        .collect();
    let classes = tenant.classes.iter().filter_map(|class| {
        let (code, expected) = (class.code.to_string(), staying(class));
        let found = taken.get(code.as_str()).copied();
        let found = found.filter(|found| *found != expected)?;
        Some(format!("{slug}: {expected} of class {code} stayed, {found} seats are taken"))
    });
    counts.chain(classes).collect()
}

fn staying(class: &Class) -> u64 {
    count(class.enrollments.iter().filter(|row| row.end.is_none()))
}

#[cfg(test)]
mod tests {
    use super::super::dataset::tests::oulad;
    use super::super::plan::plan;
    use super::*;

    fn as_planned(tenant: &Tenant) -> Vec<Seats> {
        let seats = |class: &Class| Seats {
            external_id: Some(class.code.to_string()),
            seats_taken: staying(class),
        };
        tenant.classes.iter().map(seats).collect()
    }

    #[test]
    fn what_is_as_the_files_say_has_no_differences() {
        for tenant in plan(&oulad()).expect("a plan") {
            let seats = as_planned(&tenant);
            assert_eq!(differences(&tenant, &tenant.counts(), &seats), Vec::<String>::new());
        }
    }

    #[test]
    fn a_missing_enrolment_and_a_seat_too_many_are_named() {
        let tenants = plan(&oulad()).expect("a plan");
        let tenant = &tenants[0];
        let mut found = tenant.counts();
        found.enrollments -= 1;
        found.dropped -= 1;
        let mut seats = as_planned(tenant);
        seats[0].seats_taken += 1;
        let differences = differences(tenant, &found, &seats);
        assert_eq!(differences.len(), 3, "{differences:?}");
        assert!(differences[0].starts_with("east-anglian-region: 3340 enrolments"));
        assert!(differences[2].contains("of class AAA-2013J"));
    }
}
