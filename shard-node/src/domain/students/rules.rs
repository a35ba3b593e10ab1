//! Which rows of a bulk call are taken. Pure.

use std::collections::{HashMap, HashSet};

use axum::http::StatusCode;
use service_kit::Problem;
use uuid::Uuid;

use super::model::NewStudent;
use crate::error::{Error, taken, unknown_reference};
use crate::resource::bulk::RowResult;

/// A student that is to be inserted.
#[derive(Debug)]
pub(super) struct Planned {
    pub(super) id: Uuid,
    pub(super) user_id: Uuid,
    pub(super) new: NewStudent,
}

/// Who has which number and external id, and which programs there are.
#[derive(Debug, Default)]
pub(super) struct Known {
    pub(super) by_student_no: HashMap<String, Uuid>,
    pub(super) by_external_id: HashMap<(String, String), Uuid>,
    pub(super) programs: HashSet<Uuid>,
}

impl Known {
    /// Adds what a student has.
    pub(super) fn add(&mut self, id: Uuid, student_no: &str, external: Option<(String, String)>) {
        self.by_student_no.insert(student_no.to_owned(), id);
        if let Some(external) = external {
            self.by_external_id.insert(external, id);
        }
    }
}

/// A source and an id there; only the two together name somebody.
pub(super) fn external(new: &NewStudent) -> Option<(String, String)> {
    new.source.clone().zip(new.external_id.clone())
}

/// What becomes of each row, in order: of two that exclude each other the first is taken. Ids come from
/// `new_id`.
pub(super) fn plan(
    rows: Vec<Result<NewStudent, Problem>>,
    mut known: Known,
    mut new_id: impl FnMut() -> Uuid,
) -> (Vec<Planned>, Vec<RowResult>) {
    let mut planned = Vec::new();
    let mut results = Vec::with_capacity(rows.len());
    for (index, row) in rows.into_iter().enumerate() {
        let accepted = row.map_err(|problem| RowResult::refused(index, problem)).and_then(|new| {
            refuse(index, &new, &known)?;
            Ok(new)
        });
        match accepted {
            Err(refused) => results.push(refused),
            Ok(new) => {
                let id = new_id();
                known.add(id, &new.student_no, external(&new));
                results.push(RowResult::done(index, StatusCode::CREATED, id));
                planned.push(Planned { id, user_id: new_id(), new });
            }
        }
    }
    (planned, results)
}

/// The external id is asked first: it says that the row was sent before.
fn refuse(index: usize, new: &NewStudent, known: &Known) -> Result<(), RowResult> {
    let refused = |error: Error| RowResult::refused(index, error.into_problem());
    if let Some(holder) = external(new).and_then(|external| known.by_external_id.get(&external)) {
        let error = taken("external-id-taken", "/externalId", "this external id");
        return Err(refused(error).id(*holder));
    }
    if let Some(holder) = known.by_student_no.get(&new.student_no) {
        let error = taken("student-no-taken", "/studentNo", "this student number");
        return Err(refused(error).id(*holder));
    }
    match new.program_id {
        Some(program) if !known.programs.contains(&program) => {
            Err(RowResult::refused(index, unknown_reference("/programId", "program")))
        }
        _ => Ok(()),
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::operation::invalid;

    fn student(student_no: &str, external_id: Option<&str>) -> NewStudent {
        NewStudent {
            student_no: student_no.to_owned(),
            given_name: "Ada".to_owned(),
            family_name: "Lovelace".to_owned(),
            email: None,
            program_id: None,
            cohort_year: None,
            standing: "ACTIVE".to_owned(),
            accommodations: None,
            source: Some("sis".to_owned()),
            external_id: external_id.map(str::to_owned),
        }
    }

    fn counter() -> impl FnMut() -> Uuid {
        let mut last = 0;
        move || {
            last += 1;
            Uuid::from_u128(last)
        }
    }

    fn seen(results: &[RowResult]) -> Vec<(usize, u16, Option<&str>)> {
        results
            .iter()
            .map(|row| (row.index, row.status, row.error.as_ref().map(|error| error.code.as_ref())))
            .collect()
    }

    #[test]
    fn a_row_of_a_kind_that_exists_names_who_has_it() {
        let holder = Uuid::from_u128(99);
        let mut known = Known::default();
        known.add(holder, "S-1", Some(("sis".to_owned(), "1".to_owned())));
        let rows = vec![
            Ok(student("S-1", Some("1"))),
            Ok(student("S-1", None)),
            Ok(student("S-2", Some("2"))),
        ];
        let (planned, results) = plan(rows, known, counter());
        assert_eq!(
            seen(&results),
            [
                (0, 409, Some("external-id-taken")),
                (1, 409, Some("student-no-taken")),
                (2, 201, None)
            ]
        );
        assert_eq!((results[0].id, results[1].id), (Some(holder), Some(holder)));
        assert_eq!(planned.len(), 1);
    }

    #[test]
    fn of_two_alike_in_a_batch_the_first_good_one_is_taken() {
        let mut with_program = student("S-1", None);
        with_program.program_id = Some(Uuid::from_u128(5));
        let rows = vec![
            Err(invalid()),
            Ok(with_program),
            Ok(student("S-1", Some("1"))),
            Ok(student("S-1", Some("2"))),
            Ok(student("S-3", Some("1"))),
        ];
        let (planned, results) = plan(rows, Known::default(), counter());
        assert_eq!(
            seen(&results),
            [
                (0, 400, Some("invalid-input")),
                (1, 404, Some("not-found")),
                (2, 201, None),
                (3, 409, Some("student-no-taken")),
                (4, 409, Some("external-id-taken")),
            ]
        );
        assert_eq!(results[3].id, Some(planned[0].id));
        assert_eq!(results[4].id, Some(planned[0].id));
    }

    #[test]
    fn an_external_id_without_its_partner_excludes_nobody() {
        let mut rootless = student("S-1", Some("1"));
        rootless.source = None;
        let mut other = rootless.clone();
        other.student_no = "S-2".to_owned();
        let (planned, _) = plan(vec![Ok(rootless), Ok(other)], Known::default(), counter());
        assert_eq!(planned.len(), 2);
    }

    proptest! {
        #[test]
        fn what_is_planned_can_be_inserted_and_every_row_has_its_answer(
            batch in prop::collection::vec((0..8_u8, prop::option::of(0..8_u8)), 0..40),
        ) {
            let rows: Vec<_> = batch
                .iter()
                .map(|(no, external)| {
                    Ok(student(&no.to_string(), external.map(|id| id.to_string()).as_deref()))
                })
                .collect();
            let (planned, results) = plan(rows, Known::default(), counter());
            prop_assert!(results.iter().map(|row| row.index).eq(0..batch.len()));
            let numbers: HashSet<_> = planned.iter().map(|one| &one.new.student_no).collect();
            prop_assert_eq!(numbers.len(), planned.len());
            let externals: Vec<_> = planned.iter().filter_map(|one| external(&one.new)).collect();
            let distinct: HashSet<_> = externals.iter().collect();
            prop_assert_eq!(distinct.len(), externals.len());
            let made = results.iter().filter(|row| row.status == 201).count();
            prop_assert_eq!(made, planned.len());
        }
    }
}
