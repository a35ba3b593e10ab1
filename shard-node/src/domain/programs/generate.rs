//! From a template to a curriculum. Pure: what exists already comes in as arguments.
//!
//! What must stay true: a template is taken whole or refused with *all* that is wrong in it, each by a JSON
//! pointer into the request.

use std::collections::{HashMap, HashSet};

use axum::http::StatusCode;
use rust_decimal::Decimal;
use service_kit::Problem;
use service_kit::problem::FieldProblem;

use super::template::{Item, ItemKind, Template};

/// A template that can be written: courses in order, each with its place and prerequisites.
#[derive(Debug)]
pub(super) struct Plan<'t> {
    /// The items, in the template's order.
    pub(super) items: Vec<PlannedItem<'t>>,
}

/// One course of a plan.
#[derive(Debug)]
pub(super) struct PlannedItem<'t> {
    /// The course's code.
    pub(super) code: &'t str,
    /// The template's item.
    pub(super) item: &'t Item,
}

/// What is there already, as far as a template names it.
#[derive(Debug, Default)]
pub(super) struct Existing {
    /// Credits of courses by their codes.
    pub(super) credits: HashMap<String, Decimal>,
    /// (course, prerequisite) by their codes: those of the named courses, of what these need, and so on.
    pub(super) prerequisites: Vec<(String, String)>,
}

/// Checks a template against what exists and the terms of a year.
pub(super) fn generate<'t>(
    template: &'t Template,
    existing: &Existing,
    terms_per_year: i32,
) -> Result<Plan<'t>, Problem> {
    let Existing { credits, prerequisites } = existing;
    let mut wrong = groups_repeated(template);
    let mut items: Vec<PlannedItem<'t>> = Vec::new();
    let mut seen = HashSet::new();
    for (index, item) in template.items.iter().enumerate() {
        wrong.extend(misplaced(index, item, template, terms_per_year));
        match item.code() {
            None => wrong.push(field(
                index,
                "",
                "course-choice",
                "either course or newCourse is expected",
            )),
            Some(code) if !seen.insert(code) => {
                wrong.push(field(
                    index,
                    "/course",
                    "course-repeated",
                    "it stands in the template already",
                ));
            }
            Some(code) => {
                wrong.extend(course_unfit(index, item, code, credits));
                items.push(PlannedItem { code, item });
            }
        }
    }
    wrong.extend(prerequisites_unfit(template, credits));
    wrong.extend(cycles(template, prerequisites));
    wrong.extend(shortfall(template, credits));
    if wrong.is_empty() {
        return Ok(Plan { items });
    }
    let mut problem = Problem::new(
        StatusCode::UNPROCESSABLE_ENTITY,
        "template",
        "The curriculum template cannot be used",
    );
    problem.errors = wrong;
    Err(problem)
}

/// A group that stands twice would count its courses twice.
fn groups_repeated(template: &Template) -> Vec<FieldProblem> {
    let mut seen = HashSet::new();
    let repeated =
        template.groups.iter().enumerate().filter(|(_, group)| !seen.insert(&group.code));
    repeated
        .map(|(index, _)| {
            let pointer = format!("/curriculumTemplate/groups/{index}/code");
            FieldProblem::new(pointer, "group-repeated", "a group before it has this code")
        })
        .collect()
}

fn field(
    index: usize,
    member: &str,
    code: &'static str,
    detail: impl Into<String>,
) -> FieldProblem {
    FieldProblem::new(format!("/curriculumTemplate/items/{index}{member}"), code, detail)
}

fn misplaced(
    index: usize,
    item: &Item,
    template: &Template,
    terms_per_year: i32,
) -> Vec<FieldProblem> {
    let mut wrong = Vec::new();
    if item.year > template.years {
        let detail = format!("the template has {} years", template.years);
        wrong.push(field(index, "/year", "year-beyond-years", detail));
    }
    if item.term > terms_per_year {
        let detail = format!("a year has {terms_per_year} terms");
        wrong.push(field(index, "/term", "term-beyond-terms-per-year", detail));
    }
    if let Some(group) = &item.group
        && template.groups.iter().all(|known| known.code != *group)
    {
        wrong.push(field(
            index,
            "/group",
            "unknown-group",
            format!("no group has the code `{group}`"),
        ));
    }
    wrong
}

fn course_unfit(
    index: usize,
    item: &Item,
    code: &str,
    existing: &HashMap<String, Decimal>,
) -> Option<FieldProblem> {
    match (item.new_course.is_some(), existing.contains_key(code)) {
        (false, false) => Some(field(
            index,
            "/course",
            "unknown-course",
            format!("no course has the code `{code}`"),
        )),
        (true, true) => {
            let detail = format!("a course with the code `{code}` is there: name it by `course`");
            Some(field(index, "/newCourse/code", "code-taken", detail))
        }
        _ => None,
    }
}

/// A prerequisite is in the template at an earlier term, or is a course that exists outside it.
fn prerequisites_unfit(
    template: &Template,
    existing: &HashMap<String, Decimal>,
) -> Vec<FieldProblem> {
    let places: HashMap<&str, (i32, i32)> = template
        .items
        .iter()
        .filter_map(|item| Some((item.code()?, (item.year, item.term))))
        .collect();
    let mut wrong = Vec::new();
    for (index, item) in template.items.iter().enumerate() {
        for (at, code) in item.prerequisites.iter().enumerate() {
            let member = format!("/prerequisites/{at}");
            match places.get(code.as_str()) {
                Some(place) if *place >= (item.year, item.term) => {
                    let detail = format!("`{code}` is scheduled in the same term or later");
                    wrong.push(field(index, &member, "prerequisite-later", detail));
                }
                Some(_) => {}
                None if existing.contains_key(code) => {}
                None => {
                    let detail = format!("no course has the code `{code}`");
                    wrong.push(field(index, &member, "unknown-course", detail));
                }
            }
        }
    }
    wrong
}

/// Items whose prerequisites lead back to themselves, on ways that other templates made among them.
fn cycles(template: &Template, stored: &[(String, String)]) -> Vec<FieldProblem> {
    let mut edges: HashMap<&str, Vec<&str>> = HashMap::new();
    for (course, needed) in stored {
        edges.entry(course).or_default().push(needed);
    }
    for item in &template.items {
        let Some(code) = item.code() else { continue };
        let needed = item.prerequisites.iter().map(String::as_str);
        edges.entry(code).or_default().extend(needed);
    }
    let leads_back = |start: &str| {
        let mut open: Vec<&str> = edges.get(start).cloned().unwrap_or_default();
        let mut seen = HashSet::new();
        while let Some(code) = open.pop() {
            if code == start {
                return true;
            }
            if seen.insert(code) {
                open.extend(edges.get(code).into_iter().flatten());
            }
        }
        false
    };
    let in_cycle = |(index, item): (usize, &Item)| {
        // What needs nothing new closes no cycle.
        let code = item.code().filter(|_| !item.prerequisites.is_empty())?;
        leads_back(code).then(|| {
            field(
                index,
                "/prerequisites",
                "prerequisite-cycle",
                format!("they lead back to `{code}`"),
            )
        })
    };
    template.items.iter().enumerate().filter_map(in_cycle).collect()
}

/// Core credits plus, of each group, what is to be taken from it, must reach what is required.
fn shortfall(template: &Template, existing: &HashMap<String, Decimal>) -> Option<FieldProblem> {
    let credits = |item: &Item| {
        let new = item.new_course.as_ref().map(|course| course.credits);
        new.or_else(|| existing.get(item.course.as_deref()?).copied()).unwrap_or_default()
    };
    let of_group = |group: Option<&str>| {
        let items = template.items.iter().filter(|item| match group {
            None => item.kind == ItemKind::Core || item.group.is_none(),
            Some(code) => item.kind == ItemKind::Elective && item.group.as_deref() == Some(code),
        });
        items.map(credits).sum::<Decimal>()
    };
    let groups = template.groups.iter().map(|group| {
        let all = of_group(Some(&group.code));
        group.credits.map_or(all, |least| least.min(all))
    });
    let reached = of_group(None) + groups.sum::<Decimal>();
    (reached < template.credits_required).then(|| {
        let detail = format!(
            "the items give {}, {} are required",
            reached.normalize(),
            template.credits_required.normalize()
        );
        FieldProblem::new("/curriculumTemplate/creditsRequired", "credit-shortfall", detail)
    })
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use serde_json::{Value, json};

    use super::*;

    fn template(items: &Value) -> Template {
        serde_json::from_value(json!({
            "code": "CS", "version": 1, "years": 2, "creditsRequired": "60",
            "groups": [{"code": "E", "credits": "15"}], "items": items,
        }))
        .expect("a template")
    }

    fn existing() -> Existing {
        let credits =
            ["MATH", "OLD", "LINK"].map(|code| (code.to_owned(), Decimal::from(30))).into();
        Existing { credits, prerequisites: Vec::new() }
    }

    fn codes(items: &Value) -> Vec<(String, String)> {
        faults(&template(items), &existing())
    }

    fn faults(template: &Template, existing: &Existing) -> Vec<(String, String)> {
        let refused = generate(template, existing, 2).expect_err("a refusal");
        refused.errors.into_iter().map(|error| (error.pointer, error.code.into_owned())).collect()
    }

    #[test]
    fn a_sound_template_is_taken_in_its_order() {
        let template = template(&json!([
            {"course": "MATH", "year": 1, "term": 1},
            {"newCourse": {"code": "P", "title": "Programming", "credits": "30"}, "year": 1, "term": 2,
             "prerequisites": ["MATH"]},
            {"newCourse": {"code": "X", "title": "Elective", "credits": "20"}, "year": 2, "term": 1,
             "kind": "ELECTIVE", "group": "E", "prerequisites": ["P", "OLD"]},
        ]));
        let plan = generate(&template, &existing(), 2).expect("a plan");
        assert_eq!(plan.items.iter().map(|item| item.code).collect::<Vec<_>>(), ["MATH", "P", "X"]);
    }

    #[test]
    fn every_fault_is_named_by_its_pointer() {
        let found = codes(&json!([
            {"course": "NONE", "year": 1, "term": 1},
            {"course": "MATH", "year": 3, "term": 3, "prerequisites": ["NONE", "GONE"]},
            {"course": "MATH", "year": 1, "term": 1, "group": "Z"},
            {"year": 1, "term": 1},
        ]));
        let at = |index: usize, member: &str| format!("/curriculumTemplate/items/{index}{member}");
        for expected in [
            (at(0, "/course"), "unknown-course"),
            (at(1, "/year"), "year-beyond-years"),
            (at(1, "/term"), "term-beyond-terms-per-year"),
            (at(1, "/prerequisites/1"), "unknown-course"),
            (at(2, "/course"), "course-repeated"),
            (at(2, "/group"), "unknown-group"),
            (at(3, ""), "course-choice"),
        ] {
            assert!(
                found.contains(&(expected.0.clone(), expected.1.to_owned())),
                "{expected:?} in {found:?}"
            );
        }
    }

    #[test]
    fn a_cycle_and_a_later_prerequisite_are_refused() {
        let found = codes(&json!([
            {"course": "MATH", "year": 1, "term": 1, "prerequisites": ["OLD"]},
            {"course": "OLD", "year": 1, "term": 2, "prerequisites": ["MATH"]},
        ]));
        let has = |code: &str| found.iter().filter(|(_, found)| found == code).count();
        assert_eq!((has("prerequisite-cycle"), has("prerequisite-later")), (2, 1));
    }

    #[test]
    fn a_way_back_over_stored_prerequisites_is_a_cycle() {
        let items = json!([
            {"course": "MATH", "year": 1, "term": 1},
            {"course": "OLD", "year": 1, "term": 2, "prerequisites": ["MATH"]},
        ]);
        let edge = |course: &str, needed: &str| (course.to_owned(), needed.to_owned());
        let prerequisites = vec![edge("MATH", "LINK"), edge("LINK", "OLD")];
        let stored = Existing { prerequisites, ..existing() };
        let at = "/curriculumTemplate/items/1/prerequisites".to_owned();
        assert_eq!(faults(&template(&items), &stored), [(at, "prerequisite-cycle".to_owned())]);
        let prerequisites = vec![edge("MATH", "LINK")];
        let stored = Existing { prerequisites, ..existing() };
        assert!(generate(&template(&items), &stored, 2).is_ok());
    }

    #[test]
    fn a_group_that_stands_twice_hides_no_shortfall() {
        let mut template = template(&json!([
            {"course": "MATH", "year": 1, "term": 1},
            {"course": "OLD", "year": 1, "term": 1, "kind": "ELECTIVE", "group": "E"},
        ]));
        template.groups.push(template.groups[0].clone());
        let at = "/curriculumTemplate/groups/1/code".to_owned();
        assert_eq!(faults(&template, &existing())[0], (at, "group-repeated".to_owned()));
    }

    #[test]
    fn a_shortfall_counts_of_a_group_only_what_is_taken() {
        // 30 core and 15 of the group's 40: short of 60.
        let found = codes(&json!([
            {"course": "MATH", "year": 1, "term": 1},
            {"newCourse": {"code": "X", "title": "X", "credits": "40"}, "year": 1, "term": 1,
             "kind": "ELECTIVE", "group": "E"},
        ]));
        assert_eq!(
            found,
            [("/curriculumTemplate/creditsRequired".to_owned(), "credit-shortfall".to_owned())]
        );
    }

    proptest! {
        /// Whatever prerequisites stand in it, a template that is taken has each of them at an earlier term.
        #[test]
        fn taken_templates_schedule_prerequisites_earlier(
            edges in proptest::collection::vec((0..6_usize, 0..6_usize), 0..8),
            places in proptest::collection::vec((1..3_i32, 1..3_i32), 6),
        ) {
            let items: Vec<Value> = places.iter().enumerate().map(|(index, (year, term))| {
                let needs: Vec<String> = edges.iter()
                    .filter(|(from, _)| *from == index).map(|(_, to)| format!("C{to}")).collect();
                json!({"newCourse": {"code": format!("C{index}"), "title": "t", "credits": "10"},
                       "year": year, "term": term, "prerequisites": needs})
            }).collect();
            let template = template(&json!(items));
            let sound = edges.iter().all(|(from, to)| places[*to] < places[*from]);
            prop_assert_eq!(generate(&template, &Existing::default(), 2).is_ok(), sound);
        }
    }
}
