//! Answers of several parts: pairs, and the gaps of a cloze.

use serde_json::Value;

use super::answer::{self, Read};
use super::score::{Outcome, outcome};
use super::units::{Part, units};
use super::{ClozeRule, GradingPolicy, ItemState, MatchingRule};

/// The part of the pairs that are right. What has no partner yet is not right; a partner may be chosen twice.
pub(super) fn matching(rule: &MatchingRule, answer: Option<&Value>) -> Read<Part> {
    answer::pairs(answer).and_then(|given| {
        let is_known = |(name, partner): (&&str, &&str)| {
            rule.pairs.contains_key(*name) && rule.partners.contains(*partner)
        };
        if !given.iter().all(is_known) {
            return Read::Malformed;
        }
        let is_right = |(name, partner): &(&String, &String)| {
            given.get(name.as_str()) == Some(&partner.as_str())
        };
        Read::Given(Part::count(rule.pairs.iter().filter(is_right).count(), rule.pairs.len()))
    })
}

/// The sum of the gaps: each is graded by itself, so one that is malformed takes nothing from the others.
pub(super) fn cloze(
    rule: &ClozeRule,
    worth: i128,
    answer: Option<&Value>,
    policy: &GradingPolicy,
) -> Outcome {
    let members = match answer::members(answer) {
        Read::Blank => return Outcome::none(ItemState::Unanswered),
        Read::Malformed => return Outcome::none(ItemState::Invalid),
        Read::Given(members) => members,
    };
    if !members.keys().all(|name| rule.parts.iter().any(|key| key.part == *name)) {
        return Outcome::none(ItemState::Invalid);
    }
    let outcomes: Vec<Outcome> = rule
        .parts
        .iter()
        .map(|key| outcome(&key.rule, units(key.points).max(0), members.get(&key.part), policy))
        .collect();
    let any = |state| outcomes.iter().any(|outcome| outcome.state == state);
    let state = [ItemState::Review, ItemState::Scored, ItemState::Invalid]
        .into_iter()
        .find(|state| any(*state));
    let sum: i128 = outcomes.iter().map(|outcome| outcome.units).sum();
    Outcome { units: sum.min(worth), state: state.unwrap_or(ItemState::Unanswered) }
}

#[cfg(test)]
mod tests {
    use rust_decimal::Decimal;
    use serde_json::json;

    use super::*;
    use crate::domain::grading::{AcceptedText, PartKey, Rule, ShortTextRule, SingleRule};

    #[test]
    fn pairs_count_one_by_one() {
        let words = |pairs: &[(&str, &str)]| {
            pairs.iter().map(|(a, b)| ((*a).to_owned(), (*b).to_owned())).collect()
        };
        let rule = MatchingRule {
            pairs: words(&[("l1", "r1"), ("l2", "r2"), ("l3", "r1")]),
            partners: ["r1", "r2", "r3"].map(str::to_owned).into(),
        };
        let part = |answer: Value| matching(&rule, Some(&answer));
        assert_eq!(
            part(json!({"l1": "r1", "l2": "r3", "l3": "r1"})),
            Read::Given(Part { of: 2, all: 3 })
        );
        assert_eq!(part(json!({"l1": "r1", "l2": null})), Read::Given(Part { of: 1, all: 3 }));
        assert_eq!(part(json!({"l1": "r9"})), Read::Malformed);
        assert_eq!(part(json!({"l9": "r1"})), Read::Malformed);
        assert_eq!(part(json!({"l1": null, "l2": ""})), Read::Blank);
    }

    #[test]
    fn a_cloze_is_the_sum_of_its_gaps() {
        let text = AcceptedText { text: "sun".to_owned(), pattern: None, fraction: Decimal::ONE };
        let short = Rule::ShortText(ShortTextRule { accepted: vec![text], case_sensitive: false });
        let choices = [("c1".to_owned(), Decimal::ONE), ("c2".to_owned(), Decimal::new(5, 1))];
        let single = Rule::Single(SingleRule { choices: choices.into() });
        let part = |part: &str, points: i64, rule: Rule| PartKey {
            part: part.to_owned(),
            points: points.into(),
            rule,
        };
        let rule = ClozeRule { parts: vec![part("a", 1, short), part("b", 3, single)] };
        let graded = |answer: Value| {
            let outcome = cloze(&rule, 40_000, Some(&answer), &GradingPolicy::default());
            (outcome.units, outcome.state)
        };
        assert_eq!(graded(json!({"a": "Sun", "b": "c1"})), (40_000, ItemState::Scored));
        assert_eq!(graded(json!({"a": "moon", "b": "c2"})), (15_000, ItemState::Scored));
        assert_eq!(graded(json!({"a": "Sun", "b": "c9"})), (10_000, ItemState::Scored));
        assert_eq!(graded(json!({"a": "Sun"})), (10_000, ItemState::Scored));
        assert_eq!(graded(json!({"a": 7})), (0, ItemState::Invalid));
        assert_eq!(graded(json!({"x": "Sun"})), (0, ItemState::Invalid));
        assert_eq!(graded(json!({"a": " ", "b": null})), (0, ItemState::Unanswered));
        assert_eq!(graded(json!("Sun")), (0, ItemState::Invalid));
    }
}
