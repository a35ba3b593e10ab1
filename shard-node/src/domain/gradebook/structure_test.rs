use super::*;

fn of(text: &str) -> Decimal {
    text.parse().expect("a decimal")
}

fn id(number: u128) -> Uuid {
    Uuid::from_u128(number)
}

fn column(number: u128, possible: &str, category: Option<u128>) -> Column {
    Column {
        assessment_id: id(number),
        title: format!("A{number}"),
        kind: None,
        grading_type: "MANUAL".to_owned(),
        status: "PUBLISHED".to_owned(),
        points_possible: of(possible),
        due_at: None,
        category_id: category.map(id),
        subject_id: None,
        counts: true,
        released: true,
    }
}

fn cell(number: u128, state: State, score: Option<&str>, possible: &str) -> Cell {
    Cell {
        grade_id: id(100 + number),
        student_id: id(1),
        assessment_id: id(number),
        state,
        score: score.map(of),
        possible: of(possible),
        late_deduction: Decimal::ZERO,
        origin: Origin::Manual,
        released: true,
        row_version: 1,
    }
}

fn category(number: u128, weight: &str, drop_lowest: i32) -> CategoryRow {
    let (id, name, weight) = (id(number), format!("C{number}"), of(weight));
    CategoryRow { id, name, weight, drop_lowest, drop_highest: 0 }
}

fn percents(structure: &Structure, cells: &[Cell]) -> (Option<String>, Option<String>) {
    let totals = totals(structure, &cells.iter().collect::<Vec<_>>());
    let text = |percent: Option<Decimal>| percent.map(|percent| percent.normalize().to_string());
    (text(totals.current), text(totals.last))
}

fn both(current: &str, last: &str) -> (Option<String>, Option<String>) {
    (Some(current.to_owned()), Some(last.to_owned()))
}

#[test]
fn without_categories_points_count_and_with_them_their_weights() {
    let cells =
        [cell(1, State::Graded, Some("90"), "100"), cell(2, State::Graded, Some("5"), "10")];
    let mut structure = Structure {
        categories: Vec::new(),
        columns: vec![column(1, "100", None), column(2, "10", None), column(3, "110", None)],
    };
    assert_eq!(percents(&structure, &cells), both("86.3636", "43.1818"));
    structure.categories = vec![category(7, "40", 0)];
    structure.columns[0].category_id = Some(id(7));
    // 40 for what is in the category, 60 for the rest: 90%, 50% now, 5/120 in the end.
    assert_eq!(percents(&structure, &cells), both("66", "38.5"));
}

#[test]
fn what_is_exempt_is_in_neither_total_and_what_does_not_count_is_nowhere() {
    let mut structure = Structure {
        categories: Vec::new(),
        columns: vec![column(1, "10", None), column(2, "10", None), column(3, "10", None)],
    };
    structure.columns[2].counts = false;
    let cells = [
        cell(1, State::Graded, Some("8"), "10"),
        cell(2, State::Exempt, None, "10"),
        cell(3, State::Graded, Some("0"), "10"),
    ];
    assert_eq!(percents(&structure, &cells), both("80", "80"));
    assert_eq!(structure.ungraded(&cells.iter().collect::<Vec<_>>()), Vec::<Uuid>::new());
    let first: Vec<&Cell> = cells.iter().take(1).collect();
    assert_eq!(structure.ungraded(&first), [id(2)]);
}

#[test]
fn the_lowest_that_is_dropped_is_the_one_that_costs_most() {
    let structure = Structure {
        categories: vec![category(7, "100", 1)],
        columns: vec![
            column(1, "100", Some(7)),
            column(2, "100", Some(7)),
            column(3, "20", Some(7)),
        ],
    };
    let cells = [
        cell(1, State::Graded, Some("80"), "100"),
        cell(2, State::Graded, Some("20"), "100"),
        cell(3, State::Graded, Some("1"), "20"),
    ];
    assert_eq!(percents(&structure, &cells), both("67.5", "67.5"));
}

#[test]
fn a_subject_has_its_own_columns_and_those_of_all() {
    let mut structure = Structure {
        categories: Vec::new(),
        columns: vec![column(1, "10", None), column(2, "10", None)],
    };
    structure.columns[1].subject_id = Some(id(9));
    let named = |subject| {
        let columns = structure.of_subject(id(subject)).columns;
        columns.iter().map(|column| column.assessment_id).collect::<Vec<_>>()
    };
    assert_eq!(named(9), [id(1), id(2)]);
    assert_eq!(named(8), [id(1)]);
}
