//! From a key and answers to points.

use std::collections::BTreeMap;

use serde_json::{Value, json};

use super::answer::{self, ESSAY_MAX, FILES_MAX, Read};
use super::units::{Part, decimal, units};
use super::{
    Answers, GRADER_VERSION, Graded, GradedItem, GradingPolicy, ItemState, Rule, VariantKey,
    choice, compound, numeric, sort, text,
};

/// What answers are worth by a key. Answers to what the key does not have are left aside.
pub fn grade(key: &VariantKey, answers: &Answers, policy: &GradingPolicy) -> Graded {
    let (mut score, mut possible) = (0, 0);
    let items: Vec<GradedItem> = key
        .items
        .iter()
        .map(|item| {
            let worth = units(item.points).max(0);
            let outcome = outcome(&item.rule, worth, answers.0.get(&item.item), policy);
            score += outcome.units;
            possible += worth;
            GradedItem {
                item: item.item.clone(),
                points: decimal(outcome.units),
                possible: decimal(worth),
                state: outcome.state,
            }
        })
        .collect();
    Graded {
        version: GRADER_VERSION.to_owned(),
        needs_review: items.iter().any(|item| item.state == ItemState::Review),
        items,
        score: decimal(score),
        possible: decimal(possible),
    }
}

/// Answers that get all points; of what a person grades, some answer.
pub fn full_marks(key: &VariantKey) -> Answers {
    let items = key.items.iter();
    Answers(items.map(|item| (item.item.clone(), best_answer(&item.rule))).collect())
}

/// What one item, or gap, comes to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Outcome {
    pub(super) units: i128,
    pub(super) state: ItemState,
}

impl Outcome {
    pub(super) fn none(state: ItemState) -> Self {
        Self { units: 0, state }
    }
}

/// What an answer is worth of so many units.
pub(super) fn outcome(
    rule: &Rule,
    worth: i128,
    answer: Option<&Value>,
    policy: &GradingPolicy,
) -> Outcome {
    let part = match rule {
        Rule::Single(rule) => choice::single(rule, answer),
        Rule::TrueFalse(rule) => choice::true_false(rule, answer),
        Rule::Multiple(rule) => choice::multiple(rule, answer),
        Rule::Numeric(rule) => numeric::numeric(rule, answer, policy),
        Rule::ShortText(rule) => text::short_text(rule, answer),
        Rule::Matching(rule) => compound::matching(rule, answer),
        Rule::Ordering(rule) => sort::ordering(rule, answer),
        Rule::Cloze(rule) => return compound::cloze(rule, worth, answer, policy),
        Rule::Essay => return reviewed(&answer::text(answer, ESSAY_MAX)),
        Rule::File => return reviewed(&files(answer)),
    };
    match part {
        Read::Blank => Outcome::none(ItemState::Unanswered),
        Read::Malformed => Outcome::none(ItemState::Invalid),
        Read::Given(part) => scored(part, worth),
    }
}

fn scored(part: Part, worth: i128) -> Outcome {
    Outcome { units: part.of_units(worth), state: ItemState::Scored }
}

fn reviewed<T>(answer: &Read<T>) -> Outcome {
    Outcome::none(match answer {
        Read::Blank => ItemState::Unanswered,
        Read::Malformed => ItemState::Invalid,
        Read::Given(_) => ItemState::Review,
    })
}

/// The names of different files.
fn files(answer: Option<&Value>) -> Read<Vec<&str>> {
    answer::names(answer).and_then(|files| Read::of((files.len() <= FILES_MAX).then_some(files)))
}

fn best_answer(rule: &Rule) -> Value {
    match rule {
        Rule::Single(rule) => choice::best_single(rule),
        Rule::TrueFalse(rule) => json!(rule.when_true >= rule.when_false),
        Rule::Multiple(rule) => json!(choice::best_multiple(rule)),
        Rule::Numeric(rule) => numeric::best(rule),
        Rule::ShortText(rule) => text::best(rule),
        Rule::Matching(rule) => json!(rule.pairs),
        Rule::Ordering(rule) => json!(rule.order),
        Rule::Cloze(rule) => {
            let parts = rule.parts.iter();
            json!(parts.map(|key| (&key.part, best_answer(&key.rule))).collect::<BTreeMap<_, _>>())
        }
        Rule::Essay => json!("an essay"),
        Rule::File => json!(["file"]),
    }
}

#[cfg(test)]
mod tests {
    use rust_decimal::Decimal;
    use uuid::Uuid;

    use super::*;
    use crate::domain::grading::ItemKey;

    #[test]
    fn essays_and_files_wait_for_a_person() {
        use ItemState::{Invalid, Review, Unanswered};

        let item = |item: &str, rule: Rule| ItemKey {
            item: item.to_owned(),
            question_id: Uuid::nil(),
            question_version: 1,
            points: Decimal::TEN,
            rule,
        };
        let key = VariantKey { items: vec![item("i1", Rule::Essay), item("i2", Rule::File)] };
        let states = |answers: Value| {
            let answers: Answers = serde_json::from_value(answers).expect("answers");
            let graded = grade(&key, &answers, &GradingPolicy::default());
            assert_eq!((graded.score, graded.possible), (Decimal::ZERO, Decimal::from(20)));
            let states: Vec<ItemState> = graded.items.iter().map(|item| item.state).collect();
            (states, graded.needs_review)
        };
        assert_eq!(states(json!({"i1": "Once", "i2": ["f1", "f2"]})), (vec![Review, Review], true));
        assert_eq!(states(json!({"i1": "Once"})), (vec![Review, Unanswered], true));
        assert_eq!(states(json!({"i1": 7, "i2": "f1"})), (vec![Invalid, Invalid], false));
        assert_eq!(states(json!({"i2": ["f1", "f1"]})), (vec![Unanswered, Invalid], false));
        assert_eq!(format!("{key:?}"), "VariantKey of 2 items");
    }
}
