//! Choices: one of several, true or false, any number.

use std::collections::BTreeSet;

use rust_decimal::Decimal;
use serde_json::{Value, json};

use super::answer::{self, Read};
use super::units::{ONE, Part, units};
use super::{MultipleRule, Selection, SingleRule, TrueFalseRule};

/// The part that the choice is worth.
pub(super) fn single(rule: &SingleRule, answer: Option<&Value>) -> Read<Part> {
    answer::name(answer)
        .and_then(|choice| Read::of(rule.choices.get(choice).copied().map(Part::fraction)))
}

/// The part that the truth is worth.
pub(super) fn true_false(rule: &TrueFalseRule, answer: Option<&Value>) -> Read<Part> {
    answer::truth(answer).and_then(|truth| {
        Read::Given(Part::fraction(if truth { rule.when_true } else { rule.when_false }))
    })
}

/// The part that the selection is worth.
pub(super) fn multiple(rule: &MultipleRule, answer: Option<&Value>) -> Read<Part> {
    answer::names(answer).and_then(|chosen| {
        if !chosen.iter().all(|choice| rule.choices.contains(*choice)) {
            return Read::Malformed;
        }
        Read::Given(selection(rule, &chosen))
    })
}

fn selection(rule: &MultipleRule, chosen: &[&str]) -> Part {
    let right = chosen.iter().filter(|choice| rule.right.contains(**choice)).count();
    let wrong = chosen.len() - right;
    match &rule.scoring {
        Selection::AllOrNothing if wrong == 0 && right == rule.right.len() => Part::WHOLE,
        Selection::AllOrNothing => Part::NONE,
        Selection::Partial { penalty } => partial(right, wrong, rule.right.len(), *penalty),
        Selection::Map { values, default, lower, upper } => {
            let value = |choice: &&str| units(values.get(*choice).copied().unwrap_or(*default));
            let sum: i128 = chosen.iter().map(value).sum();
            let least = lower.map_or(0, units).max(0);
            let most = upper.map_or(ONE, units).min(ONE);
            Part { of: sum.max(least).min(most), all: ONE }
        }
    }
}

/// `right / all - wrong * penalty`, with one right choice's part as the penalty where none is named.
fn partial(right: usize, wrong: usize, all: usize, penalty: Option<Decimal>) -> Part {
    let Some(penalty) = penalty else {
        return Part::count(right.saturating_sub(wrong), all);
    };
    let right = Part::count(right, all);
    // A count of what is in memory.
    let lost = i128::try_from(wrong).unwrap_or(0) * units(penalty).max(0);
    Part { of: right.of * ONE - lost * right.all, all: right.all * ONE }
}

pub(super) fn best_single(rule: &SingleRule) -> Value {
    // The first among equals.
    let best = rule.choices.iter().rev().max_by_key(|(_, part)| **part);
    json!(best.map(|(choice, _)| choice))
}

pub(super) fn best_multiple(rule: &MultipleRule) -> BTreeSet<&String> {
    match &rule.scoring {
        Selection::AllOrNothing | Selection::Partial { .. } => rule.right.iter().collect(),
        Selection::Map { values, default, .. } => {
            let is_worth =
                |choice: &&String| *values.get(*choice).unwrap_or(default) > Decimal::ZERO;
            rule.choices.iter().filter(is_worth).collect()
        }
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn of(text: &str) -> Decimal {
        text.parse().expect("a decimal")
    }

    fn rule(scoring: Selection) -> MultipleRule {
        let names = |names: &[&str]| names.iter().map(|name| (*name).to_owned()).collect();
        MultipleRule {
            choices: names(&["a", "b", "c", "d", "e"]),
            right: names(&["a", "b", "c"]),
            scoring,
        }
    }

    /// Units of 10 points.
    fn points(rule: &MultipleRule, chosen: &[&str]) -> i128 {
        match multiple(rule, Some(&json!(chosen))) {
            Read::Given(part) => part.of_units(10 * ONE),
            other => panic!("{other:?}"),
        }
    }

    #[test]
    fn all_or_nothing_wants_exactly_the_right_ones() {
        let rule = rule(Selection::AllOrNothing);
        assert_eq!(points(&rule, &["c", "a", "b"]), 100_000);
        assert_eq!(points(&rule, &["a", "b"]), 0);
        assert_eq!(points(&rule, &["a", "b", "c", "d"]), 0);
    }

    #[test]
    fn partial_credit_is_as_in_canvas() {
        let canvas = rule(Selection::Partial { penalty: None });
        assert_eq!(points(&canvas, &["a", "b", "c"]), 100_000);
        assert_eq!(points(&canvas, &["a", "b"]), 66_667);
        assert_eq!(points(&canvas, &["a", "b", "d"]), 33_333);
        assert_eq!(points(&canvas, &["a", "d", "e"]), 0);
        let milder = rule(Selection::Partial { penalty: Some(of("0.1")) });
        assert_eq!(points(&milder, &["a", "b", "d"]), 56_667);
        assert_eq!(points(&milder, &["d", "e"]), 0);
        let free = rule(Selection::Partial { penalty: Some(of("0")) });
        assert_eq!(points(&free, &["a", "b", "c", "d", "e"]), 100_000);
    }

    #[test]
    fn a_map_sums_and_clamps() {
        let values = [("a", "0.6"), ("b", "0.6"), ("d", "-0.25")]
            .map(|(choice, value)| (choice.to_owned(), of(value)));
        let map = |lower: Option<&str>, upper: Option<&str>| {
            let (lower, upper) = (lower.map(of), upper.map(of));
            rule(Selection::Map {
                values: values.clone().into(),
                default: of("0.05"),
                lower,
                upper,
            })
        };
        let open = map(None, None);
        assert_eq!(points(&open, &["a"]), 60_000);
        assert_eq!(points(&open, &["a", "c"]), 65_000);
        assert_eq!(points(&open, &["a", "b"]), 100_000);
        assert_eq!(points(&open, &["d"]), 0);
        let narrow = map(Some("0.1"), Some("0.5"));
        assert_eq!(points(&narrow, &["d"]), 10_000);
        assert_eq!(points(&narrow, &["a"]), 50_000);
        assert_eq!(best_multiple(&open).len(), 4);
    }

    #[test]
    fn a_choice_may_be_worth_a_fraction_and_one_that_is_not_there_is_invalid() {
        let choices = [("a", "1"), ("b", "0.5"), ("c", "0")]
            .map(|(choice, part)| (choice.to_owned(), of(part)));
        let rule = SingleRule { choices: choices.into() };
        let part = |answer: Value| single(&rule, Some(&answer));
        assert_eq!(part(json!("b")), Read::Given(Part { of: 5_000, all: ONE }));
        assert_eq!(part(json!("d")), Read::Malformed);
        assert_eq!(part(json!(["a"])), Read::Malformed);
        assert_eq!(part(json!("")), Read::Blank);
        assert_eq!(best_single(&rule), json!("a"));
        let rule = TrueFalseRule { when_true: of("0.25"), when_false: of("1") };
        assert_eq!(
            true_false(&rule, Some(&json!(true))),
            Read::Given(Part { of: 2_500, all: ONE })
        );
        assert_eq!(
            true_false(&rule, Some(&json!("false"))),
            Read::Given(Part { of: ONE, all: ONE })
        );
    }
}
