//! What holds of every key and every answer.

use std::collections::{BTreeMap, BTreeSet};

use proptest::prelude::*;
use proptest::strategy::ValueTree as _;
use rust_decimal::Decimal;
use serde_json::{Value, json};
use uuid::Uuid;

use super::{
    AcceptedNumber, AcceptedText, Answers, ClozeRule, Graded, GradingPolicy, ItemKey, ItemState,
    MatchingRule, MultipleRule, Number, NumericRule, Order, OrderingRule, PartKey, Rule, Selection,
    ShortTextRule, SingleRule, TrueFalseRule, VariantKey, Within, full_marks, grade, split,
};

/// A part of the points, in hundredths.
fn fraction() -> impl Strategy<Value = Decimal> {
    (0_i64..=100).prop_map(|percent| Decimal::new(percent, 2))
}

fn names(prefix: &'static str, count: usize) -> Vec<String> {
    (1..=count).map(|number| format!("{prefix}{number}")).collect()
}

fn number() -> impl Strategy<Value = Number> {
    (-1_000_000_i64..1_000_000, 0_u32..8).prop_map(|(digits, scale)| {
        Decimal::new(digits, scale).to_string().parse().expect("a number")
    })
}

fn single() -> impl Strategy<Value = Rule> {
    prop::collection::vec(fraction(), 1..6).prop_map(|mut fractions| {
        fractions.push(Decimal::ONE);
        let choices = names("c", fractions.len()).into_iter().zip(fractions).collect();
        Rule::Single(SingleRule { choices })
    })
}

fn true_false() -> impl Strategy<Value = Rule> {
    (any::<bool>(), fraction()).prop_map(|(truth, wrong)| {
        let (when_true, when_false) =
            if truth { (Decimal::ONE, wrong) } else { (wrong, Decimal::ONE) };
        Rule::TrueFalse(TrueFalseRule { when_true, when_false })
    })
}

fn multiple() -> impl Strategy<Value = Rule> {
    let choice = (any::<bool>(), -100_i64..=100);
    (prop::collection::vec(choice, 1..7), 0_u8..4, fraction()).prop_map(
        |(mut choices, scoring, part)| {
            choices.push((true, 100));
            let all = names("c", choices.len());
            let right = all
                .iter()
                .zip(&choices)
                .filter(|(_, (right, _))| *right)
                .map(|(name, _)| name.clone());
            let right: BTreeSet<String> = right.collect();
            let scoring = match scoring {
                0 => Selection::AllOrNothing,
                1 => Selection::Partial { penalty: None },
                2 => Selection::Partial { penalty: Some(part) },
                _ => Selection::Map {
                    values: all
                        .iter()
                        .cloned()
                        .zip(choices.iter().map(|(_, value)| Decimal::new(*value, 2)))
                        .collect(),
                    default: Decimal::ZERO,
                    lower: Some(part),
                    upper: None,
                },
            };
            Rule::Multiple(MultipleRule { choices: all.into_iter().collect(), right, scoring })
        },
    )
}

fn within() -> impl Strategy<Value = Within> {
    (number(), number(), 0_u8..4).prop_map(|(value, other, kind)| match kind {
        0 => Within::Absolute { value, tolerance: other.size() },
        1 => Within::Relative { value, tolerance: other.size() },
        2 => Within::Geometric { value, tolerance: other.size() },
        _ => Within::Range { min: value.clone().min(other.clone()), max: value.max(other) },
    })
}

fn numeric() -> impl Strategy<Value = Rule> {
    (within(), prop::collection::vec((within(), fraction()), 0..3)).prop_map(|(best, others)| {
        let others =
            others.into_iter().map(|(within, fraction)| AcceptedNumber { within, fraction });
        let best = AcceptedNumber { within: best, fraction: Decimal::ONE };
        Rule::Numeric(NumericRule { accepted: others.chain([best]).collect() })
    })
}

fn short_text() -> impl Strategy<Value = Rule> {
    let texts = prop::collection::vec(("[a-zA-ZäßΣ]{1,6}( [a-z]{1,4})?", fraction()), 0..3);
    ("[a-zA-ZäßΣ]{1,6}( [a-z]{1,4})?", texts, any::<bool>()).prop_map(
        |(best, others, case_sensitive)| {
            let accepted =
                |text: String, fraction: Decimal| AcceptedText { text, pattern: None, fraction };
            let others = others.into_iter().map(|(text, fraction)| accepted(text, fraction));
            let accepted = others.chain([accepted(best, Decimal::ONE)]).collect();
            Rule::ShortText(ShortTextRule { accepted, case_sensitive })
        },
    )
}

fn matching() -> impl Strategy<Value = Rule> {
    prop::collection::vec(1_usize..5, 1..6).prop_map(|partners| {
        let pairs = names("l", partners.len())
            .into_iter()
            .zip(partners.iter().map(|partner| format!("r{partner}")));
        let partners = names("r", 5).into_iter().collect();
        Rule::Matching(MatchingRule { pairs: pairs.collect(), partners })
    })
}

fn ordering() -> impl Strategy<Value = Rule> {
    let scoring = prop::sample::select(vec![Order::Exact, Order::Positional, Order::Pairwise]);
    (2_usize..7, scoring).prop_flat_map(|(count, scoring)| {
        Just(names("o", count))
            .prop_shuffle()
            .prop_map(move |order| Rule::Ordering(OrderingRule { order, scoring }))
    })
}

/// Every rule that no person grades.
fn leaf() -> impl Strategy<Value = Rule> {
    prop_oneof![single(), true_false(), multiple(), numeric(), short_text(), matching(), ordering()]
}

/// A rule and what its item is worth, in units of 0.0001.
fn item() -> impl Strategy<Value = (Rule, i64)> {
    let worth = prop_oneof![Just(0_i64), 1_i64..100, 1_i64..1_000_000, Just(10_000_000_000)];
    let cloze = (prop::collection::vec((leaf(), 1_i64..1_000), 1..4), worth.clone()).prop_map(
        |(parts, worth)| {
            let weights: Vec<Decimal> = parts.iter().map(|(_, weight)| (*weight).into()).collect();
            let points = split(Decimal::new(worth, 4), &weights);
            let key = |(((rule, _), points), part)| PartKey { part, points, rule };
            let named = parts.into_iter().zip(points).zip(names("p", weights.len()));
            (Rule::Cloze(ClozeRule { parts: named.map(key).collect() }), worth)
        },
    );
    prop_oneof![8 => (leaf(), worth), 2 => cloze]
}

fn key() -> impl Strategy<Value = VariantKey> {
    prop::collection::vec(item(), 1..5).prop_map(|items| VariantKey {
        items: items
            .into_iter()
            .zip(names("i", 9))
            .map(|((rule, worth), item)| ItemKey {
                item,
                question_id: Uuid::nil(),
                question_version: 1,
                points: Decimal::new(worth, 4),
                rule,
            })
            .collect(),
    })
}

/// What clients may send, sensible or not.
fn answer() -> impl Strategy<Value = Value> {
    let name = prop_oneof![
        "[clrop][1-6]",
        "i[1-4]",
        "\\PC{0,12}",
        "[-+]?[0-9]{1,40}(\\.[0-9]{1,40})?(e[-+]?[0-9]{1,4})?"
    ];
    let leaf = prop_oneof![
        Just(Value::Null),
        any::<bool>().prop_map(Value::Bool),
        any::<i64>().prop_map(|number| json!(number)),
        any::<f64>().prop_map(|number| json!(number)),
        name.clone().prop_map(Value::String),
    ];
    leaf.prop_recursive(3, 40, 8, move |inner| {
        prop_oneof![
            prop::collection::vec(inner.clone(), 0..8).prop_map(Value::Array),
            prop::collection::btree_map(name.clone(), inner, 0..6)
                .prop_map(|members| json!(members)),
        ]
    })
}

fn answers() -> impl Strategy<Value = Answers> {
    prop::collection::btree_map("i[1-5]", answer(), 0..6).prop_map(Answers)
}

fn graded(key: &VariantKey, answers: &Answers) -> Graded {
    grade(key, answers, &GradingPolicy::default())
}

/// One answer's points by one rule that is worth 10.
fn points(rule: &Rule, answer: Value) -> Decimal {
    let item = ItemKey {
        item: "i1".to_owned(),
        question_id: Uuid::nil(),
        question_version: 1,
        points: Decimal::TEN,
        rule: rule.clone(),
    };
    graded(&VariantKey { items: vec![item] }, &Answers([("i1".to_owned(), answer)].into())).score
}

proptest! {
    #[test]
    fn the_keys_own_answers_get_all_points(key in key()) {
        let graded = graded(&key, &full_marks(&key));
        prop_assert_eq!(graded.score, graded.possible);
        prop_assert!(graded.items.iter().all(|item| item.state == ItemState::Scored), "{:?}", graded);
    }

    #[test]
    fn points_stay_between_nothing_and_all_and_add_up(key in key(), answers in answers()) {
        let graded = graded(&key, &answers);
        for (item, key) in graded.items.iter().zip(&key.items) {
            prop_assert!(Decimal::ZERO <= item.points && item.points <= item.possible);
            prop_assert_eq!(item.possible, key.points);
            prop_assert!(item.state == ItemState::Scored || item.points.is_zero());
            prop_assert!(item.points.scale() <= 4);
        }
        prop_assert_eq!(graded.score, graded.items.iter().map(|item| item.points).sum::<Decimal>());
        prop_assert_eq!(graded.possible, graded.items.iter().map(|item| item.possible).sum::<Decimal>());
    }

    #[test]
    fn the_same_is_graded_the_same_and_a_key_reads_back_from_json(key in key(), answers in answers()) {
        let first = graded(&key, &answers);
        prop_assert_eq!(&first, &graded(&key, &answers));
        let stored = serde_json::to_value(&key).expect("it encodes");
        let read: VariantKey = serde_json::from_value(stored).expect("it decodes");
        prop_assert_eq!(&read, &key);
        prop_assert_eq!(first, graded(&read, &answers));
    }

    #[test]
    fn the_order_of_items_and_of_chosen_things_does_not_matter(key in key(), answers in answers()) {
        let mut turned = key.clone();
        turned.items.reverse();
        let by_name = |graded: Graded| -> BTreeMap<String, (Decimal, ItemState)> {
            graded.items.into_iter().map(|item| (item.item, (item.points, item.state))).collect()
        };
        let reversed = answers.0.iter().map(|(name, value)| {
            let is_order = key.items.iter().any(|item| item.item == *name && matches!(item.rule, Rule::Ordering(_)));
            let value = match value {
                Value::Array(items) if !is_order => items.iter().rev().cloned().collect(),
                value => value.clone(),
            };
            (name.clone(), value)
        });
        let reversed = Answers(reversed.collect());
        prop_assert_eq!(by_name(graded(&key, &answers)), by_name(graded(&turned, &reversed)));
    }

    #[test]
    fn an_answer_to_one_item_changes_no_other(key in key(), one in answers(), other in answer()) {
        let before = graded(&key, &one);
        let mut changed = one;
        changed.0.insert("i1".to_owned(), other);
        let after = graded(&key, &changed);
        prop_assert_eq!(&before.items[1..], &after.items[1..]);
    }

    #[test]
    fn nothing_is_unanswered_and_gets_nothing(key in key(), blank in prop::sample::select(vec![json!(null), json!(""), json!(" "), json!([]), json!({})])) {
        let answers = Answers(key.items.iter().map(|item| (item.item.clone(), blank.clone())).collect());
        for item in graded(&key, &answers).items {
            prop_assert_eq!((item.points, item.state), (Decimal::ZERO, ItemState::Unanswered));
        }
    }

    #[test]
    fn one_right_choice_more_or_one_wrong_choice_less_never_costs_points(rule in multiple(), chosen in prop::collection::btree_set(1_usize..8, 1..8)) {
        let Rule::Multiple(multiple) = &rule else { unreachable!("made above") };
        let is_good = |name: &String| match &multiple.scoring {
            Selection::Map { values, .. } => values[name] > Decimal::ZERO,
            _ => multiple.right.contains(name),
        };
        let chosen: BTreeSet<String> = chosen.iter().map(|number| format!("c{number}")).filter(|name| multiple.choices.contains(name)).collect();
        prop_assume!(!chosen.is_empty());
        let before = points(&rule, json!(chosen));
        for name in &multiple.choices {
            let mut other = chosen.clone();
            let is_better = if is_good(name) { other.insert(name.clone()) } else { other.remove(name) };
            if is_better && !other.is_empty() {
                prop_assert!(points(&rule, json!(other)) >= before, "{name}");
            }
        }
    }

    #[test]
    fn one_right_pair_more_never_costs_points(rule in matching(), given in prop::collection::btree_map(1_usize..6, 1_usize..6, 1..6)) {
        let Rule::Matching(matching) = &rule else { unreachable!("made above") };
        let given: BTreeMap<String, String> = given.into_iter().map(|(left, right)| (format!("l{left}"), format!("r{right}")))
            .filter(|(left, _)| matching.pairs.contains_key(left)).collect();
        let before = points(&rule, json!(given));
        for (left, right) in &matching.pairs {
            let mut better = given.clone();
            let had = better.insert(left.clone(), right.clone());
            let after = points(&rule, json!(better));
            let was_right = had.as_ref() == Some(right);
            prop_assert_eq!(after > before, !was_right);
            prop_assert!(after >= before);
        }
    }

    #[test]
    fn to_bring_two_neighbours_into_order_never_costs_points(rule in ordering(), moves in prop::collection::vec(0_usize..100, 0..8)) {
        let Rule::Ordering(ordering) = &rule else { unreachable!("made above") };
        let mut given = ordering.order.clone();
        for step in moves {
            let at = step % given.len();
            given.swap(0, at);
        }
        // Among places a swap of neighbours may move both from where they belong: pairs and exact order only.
        prop_assume!(ordering.scoring != Order::Positional);
        let place = |name: &String| ordering.order.iter().position(|one| one == name);
        let before = points(&rule, json!(given));
        for at in 1..given.len() {
            if place(&given[at - 1]) > place(&given[at]) {
                let mut better = given.clone();
                better.swap(at - 1, at);
                prop_assert!(points(&rule, json!(better)) >= before);
            }
        }
    }

    #[test]
    fn to_put_a_thing_at_its_place_never_costs_points(count in 2_usize..7, moves in prop::collection::vec(0_usize..100, 0..8)) {
        let order = names("o", count);
        let rule = Rule::Ordering(OrderingRule { order: order.clone(), scoring: Order::Positional });
        let mut given = order.clone();
        for step in moves {
            given.swap(0, step % count);
        }
        let before = points(&rule, json!(given));
        for (place, wanted) in order.iter().enumerate() {
            let mut better = given.clone();
            let at = better.iter().position(|name| name == wanted).expect("all are there");
            better.swap(place, at);
            prop_assert!(points(&rule, json!(better)) >= before);
        }
    }

    #[test]
    fn a_number_that_is_nearer_never_gets_less(value in number(), tolerance in number(), one in number(), other in number()) {
        let (value, tolerance) = (value, tolerance.size());
        let distance = |number: &Number| number.minus(&value).size();
        let (near, far) = if distance(&one) <= distance(&other) { (one, other) } else { (other, one) };
        for within in [Within::Absolute { value: value.clone(), tolerance: tolerance.clone() },
            Within::Relative { value: value.clone(), tolerance }] {
            let rule = Rule::Numeric(NumericRule { accepted: vec![AcceptedNumber { within, fraction: Decimal::ONE }] });
            prop_assert!(points(&rule, json!(near)) >= points(&rule, json!(far)));
        }
    }
}

#[test]
fn answers_without_measure_are_refused_and_nothing_panics() {
    let megabyte = "x".repeat(1_000_000);
    let rules: Vec<Rule> = {
        let mut runner = proptest::test_runner::TestRunner::deterministic();
        (0..200).map(|_| item().new_tree(&mut runner).expect("a rule").current().0).collect()
    };
    let deep = (0..100).fold(json!("x"), |inner, _| json!([inner]));
    let huge: Vec<Value> = (0..100_000).map(|number| json!(format!("c{number}"))).collect();
    let wide: serde_json::Map<String, Value> =
        (0..100_000).map(|number| (format!("p{number}"), json!("x"))).collect();
    for rule in &rules {
        for answer in [
            json!(megabyte),
            json!([megabyte]),
            deep.clone(),
            json!(huge),
            json!(wide),
            json!("1e400"),
            json!("-9".repeat(200)),
            json!(f64::MAX),
        ] {
            assert_eq!(points(rule, answer), Decimal::ZERO);
        }
    }
}
