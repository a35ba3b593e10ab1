//! What holds of papers and their keys.

use std::collections::BTreeSet;

use rust_decimal::Decimal;
use serde_json::{Value, json};
use sha2::{Digest as _, Sha256};
use uuid::Uuid;

use super::rules;
use super::samples::{all_types, content, each_type, ohm, question};
use super::seed::Generator;
use super::{Blueprint, DrawError, Pool, PooledQuestion, Seed, Variant, draw, prove, seed};
use crate::domain::grading::{Answers, GradingPolicy, ItemState, full_marks, grade};

fn of_student(student: u128) -> Seed {
    seed(&[1; 32], Uuid::from_u128(100), Uuid::from_u128(student), 1, 1)
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().fold(String::new(), |hex, byte| format!("{hex}{byte:02x}"))
}

/// Papers that were written are graded by keys that were drawn long ago: a build that draws others is wrong.
#[test]
fn the_generator_and_papers_are_those_of_every_other_build() {
    let mut generator = Generator::new(of_student(7), b"vector");
    let numbers: Vec<u64> = (0..6).map(|_| generator.below(1_000_000)).collect();
    assert_eq!(numbers, NUMBERS);
    let (blueprint, pool) = all_types();
    let variant = draw(&blueprint, &pool, of_student(7)).expect("drawn");
    let drawn = json!([variant.paper, variant.key]).to_string();
    assert_eq!(hex(&Sha256::digest(drawn.as_bytes())), DRAWN, "{drawn}");
}

/// Made by another program, from what `seed.rs` says.
const NUMBERS: [u64; 6] = [455_267, 791_278, 729_784, 591_825, 343_176, 189_939];
/// SHA-256 of that paper and its key as JSON.
const DRAWN: &str = "88ee24988c1998a9f83d8def713cdc8754af20eb4c1cf08c3de97b6096419698";

#[test]
fn every_type_is_drawn_and_its_key_gets_all_points() {
    let (blueprint, pool) = all_types();
    assert_eq!(prove(&blueprint, &pool, 100, Seed::sample), Ok(()));
    let papers: BTreeSet<String> = (0..20)
        .map(|student| text(&draw(&blueprint, &pool, of_student(student)).expect("drawn")))
        .collect();
    assert!(papers.len() > 15, "only {} different papers", papers.len());
    assert_eq!(blueprint.points(), Decimal::new(275, 1));
}

fn text(variant: &Variant) -> String {
    serde_json::to_string(&variant.paper).expect("it encodes")
}

#[test]
fn a_paper_says_nothing_of_what_is_right() {
    let (blueprint, pool) = all_types();
    let variant = draw(&blueprint, &pool, of_student(1)).expect("drawn");
    let paper = text(&variant);
    for marker in [
        "sun",
        "our star",
        "fraction",
        "right",
        "rule",
        "tolerance",
        "accepted",
        "penalty",
        "pattern",
        "questionId",
        "\"cat\",\"weight",
    ] {
        assert!(!paper.contains(marker), "{marker} is in {paper}");
    }
    // The ids of an order stand as they are shown, whatever the right one is.
    let shown: Vec<&str> =
        variant.paper.items[7].field.choices.iter().map(|choice| choice.id.as_str()).collect();
    assert_eq!(shown, ["o1", "o2", "o3", "o4"]);
}

#[test]
fn a_drawn_answer_is_graded_by_the_students_own_values() {
    let blueprint: Blueprint =
        serde_json::from_value(json!({"sections": [{"kind": {"type": "FIXED",
        "items": [{"questionId": Uuid::from_u128(1), "points": "4"}]}}]}))
        .expect("a blueprint");
    let pool = Pool { questions: vec![question(1, ohm())] };
    let variant = draw(&blueprint, &pool, of_student(3)).expect("drawn");
    let statement = &variant.paper.items[0].statement;
    let numbers: Vec<Decimal> =
        statement.split_whitespace().filter_map(|word| word.parse().ok()).collect();
    let volts = numbers[0] * numbers[1];
    let points = |answer: Decimal| {
        let answers = Answers([("i1".to_owned(), json!(answer.to_string()))].into());
        grade(&variant.key, &answers, &GradingPolicy::default()).score
    };
    assert_eq!(points(volts), Decimal::from(4), "{statement}");
    assert_eq!(points(volts * Decimal::new(101, 2)), Decimal::from(4));
    assert_eq!(points(volts * Decimal::new(102, 2)), Decimal::ONE);
    assert_eq!(points(volts * Decimal::from(3)), Decimal::ZERO);
    assert_eq!(variant.paper.items[0].field.unit.as_deref(), Some("V"));
}

#[test]
fn partners_and_gaps_are_worth_what_they_say() {
    let (blueprint, pool) = all_types();
    let variant = draw(&blueprint, &pool, of_student(5)).expect("drawn");
    let matching = &variant.paper.items[6].field;
    let texts: BTreeSet<&str> =
        matching.partners.iter().map(|partner| partner.text.as_str()).collect();
    assert_eq!((texts.len(), matching.partners.len()), (3, 3));
    let mut answers = full_marks(&variant.key);
    let cloze = answers.0.get_mut("i9").expect("the cloze");
    cloze["b"] = json!("5");
    let graded = grade(&variant.key, &answers, &GradingPolicy::default());
    // Of 2.5 points the gaps have 1, 0.5 and 1.
    assert_eq!(
        (graded.items[8].points, graded.items[8].state),
        (Decimal::new(2, 0), ItemState::Scored)
    );
}

#[test]
fn what_cannot_be_drawn_says_why() {
    let (mut blueprint, mut pool) = all_types();
    let draw_section = json!({"title": "", "kind": {"type": "DRAW", "bankId": Uuid::nil(), "count": 1, "points": 1}});
    blueprint.sections.push(serde_json::from_value(draw_section).expect("a section"));
    let too_few = DrawError::TooFew { section: 1, wanted: 1, found: 0 };
    assert_eq!(draw(&blueprint, &pool, of_student(1)), Err(too_few));
    blueprint.sections.pop();
    pool.questions.remove(0);
    let missing = DrawError::Missing { section: 0, question: Uuid::from_u128(1) };
    assert_eq!(draw(&blueprint, &pool, of_student(1)), Err(missing.clone()));
    let failures = prove(&blueprint, &pool, 100, Seed::sample).expect_err("not drawable");
    assert_eq!(failures.len(), 20);
    assert_eq!(
        (failures[0].question_id, &failures[0].reason),
        (Some(Uuid::from_u128(1)), &missing.to_string())
    );
}

#[test]
fn a_proof_finds_a_key_that_does_not_get_all_points() {
    let (blueprint, mut pool) = all_types();
    let mut lame = each_type()[0].clone();
    lame["body"]["choices"][1]["fraction"] = json!("0.9");
    pool.questions[0] = question(1, lame);
    let failures = prove(&blueprint, &pool, 3, Seed::sample).expect_err("a lame key");
    assert_eq!(failures.len(), 3);
    assert_eq!(failures[0].reason, "the key gets 2.25 of 2.5 points");
}

/// A paper that is drawn anew from corrected questions has their keys, and asks what was asked.
#[test]
fn a_corrected_question_leaves_papers_as_they_were_drawn_and_changes_its_own_key() {
    let (blueprint, mut pool) = all_types();
    let before = draw(&blueprint, &pool, of_student(9)).expect("drawn");
    let mut corrected = each_type()[0].clone();
    corrected["body"]["choices"][2]["fraction"] = json!("1");
    pool.questions[0] = PooledQuestion { version: 2, ..question(1, corrected) };
    let after = draw(&blueprint, &pool, of_student(9)).expect("drawn");
    assert_eq!(after.paper, before.paper);
    assert_eq!(after.key.items[1..], before.key.items[1..]);
    assert_eq!(after.key.items[0].question_version, 2);
    let nine = before.paper.items[0]
        .field
        .choices
        .iter()
        .find(|choice| choice.text == "9")
        .expect("a choice");
    let answers = Answers([("i1".to_owned(), json!(nine.id))].into());
    let score = |key| grade(key, &answers, &GradingPolicy::default()).score;
    assert_eq!(
        (score(&before.key), score(&after.key)),
        (Decimal::new(625, 3), Decimal::new(25, 1))
    );
}

/// Two numbers up to 1,000, of which some fulfil a constraint.
fn two_of_a_thousand(constraint: &str) -> Value {
    let range = |name: &str| json!({"kind": "RANGE", "name": name, "min": 1, "max": 1_000});
    json!({"statement": "{{a}} + {{b}}?", "shuffle": true, "parameters": [range("a"), range("b")],
        "constraints": [constraint], "body": {"type": "NUMERIC", "accepted": [{"value": "a + b"}]}})
}

fn named(questions: &[PooledQuestion]) -> Blueprint {
    let items: Vec<Value> =
        questions.iter().map(|it| json!({"questionId": it.id, "points": "1"})).collect();
    let section = json!({"kind": {"type": "FIXED", "items": items}});
    serde_json::from_value(json!({"sections": [section]})).expect("a blueprint")
}

#[test]
fn a_question_that_some_students_could_not_be_asked_is_refused() {
    let refused = |constraint| rules::faults(&content(two_of_a_thousand(constraint)));
    assert_eq!(refused("a <= 10").len(), 0);
    let rare = refused("a == 77 and b <= 500");
    assert_eq!(rare[0].pointer, "/constraints");
    let pool = Pool { questions: vec![question(1, two_of_a_thousand("a == 77 and b <= 500"))] };
    let failures =
        prove(&named(&pool.questions), &pool, 100, Seed::sample).expect_err("it is rare");
    let rare = DrawError::Rare { question: Uuid::from_u128(1) };
    assert_eq!(failures[0].reason, rare.to_string());
}

/// Papers are proved by a node that has something else to do.
#[test]
fn a_paper_that_takes_long_to_draw_is_refused_before_it_has_taken_long() {
    let ordinary = (1..=299).map(|id| question(id, two_of_a_thousand("a != b")));
    let mut pool = Pool { questions: ordinary.collect() };
    assert_eq!(prove(&named(&pool.questions), &pool, 2, Seed::sample), Ok(()));
    pool.questions = (1..=300).map(|id| question(id, two_of_a_thousand("a <= 8"))).collect();
    let failures = prove(&named(&pool.questions), &pool, 2, Seed::sample).expect_err("too costly");
    assert_eq!((failures.len(), failures[0].sample), (1, 0), "{failures:?}");
    let costliest = failures[0].question_id.expect("a question");
    let expected = DrawError::TooCostly { question: costliest };
    assert_eq!(failures[0].reason, expected.to_string());
}

/// The pointers of a question's faults, after some of its members were replaced.
fn faults(of: usize, changes: &[(&str, Value)]) -> Vec<String> {
    let mut value = each_type()[of].clone();
    for (pointer, change) in changes {
        *value.pointer_mut(pointer).unwrap_or_else(|| panic!("no {pointer}")) = change.clone();
    }
    rules::faults(&content(value)).into_iter().map(|fault| fault.pointer).collect()
}

#[test]
fn sound_questions_have_no_faults() {
    for (index, _) in each_type().iter().enumerate() {
        assert_eq!(faults(index, &[]), [""; 0], "question {index}");
    }
}

#[test]
fn each_fault_has_its_place() {
    let expect = |of: usize, pointer: &str, change: Value, at: &str| {
        assert_eq!(faults(of, &[(pointer, change)]), [at], "{pointer} of question {of}");
    };
    expect(0, "/statement", json!(" "), "/statement");
    expect(0, "/statement", json!("{{x}}?"), "/statement");
    expect(0, "/body/choices", json!([{"text": "5", "fraction": 1}]), "/body/choices");
    expect(0, "/body/choices/1/fraction", json!("0.5"), "/body/choices");
    expect(
        0,
        "/body/choices/0",
        json!({"text": "4", "fraction": "1.5"}),
        "/body/choices/0/fraction",
    );
    expect(0, "/body/choices/0/text", json!(""), "/body/choices/0/text");
    expect(0, "/body/choices/0/text", json!(" 5 "), "/body");
    expect(1, "/body/wrongFraction", json!("-0.1"), "/body/wrongFraction");
    expect(2, "/body/penalty", json!(2), "/body/penalty");
    expect(2, "/body/scoring", json!("ALL_OR_NOTHING"), "/body/penalty");
    expect(3, "/body/choices/1/value", json!("0.4"), "/body/choices");
    expect(3, "/body/choices/2/value", json!(-2), "/body/choices/2/value");
    expect(4, "/parameters/2/expression", json!("i * x"), "/parameters/2/expression");
    expect(4, "/parameters/1/name", json!("i"), "/parameters/1/name");
    expect(4, "/parameters/1/name", json!("sqrt"), "/parameters/1/name");
    expect(4, "/constraints/0", json!("u"), "/constraints/0");
    expect(4, "/constraints/0", json!("u > 1000"), "/constraints");
    expect(4, "/body/accepted/0/value", json!("u +"), "/body/accepted/0/value");
    expect(4, "/body/accepted/0", json!({"value": "u", "min": 1}), "/body/accepted/0");
    expect(4, "/body/accepted/0/tolerance", json!("-1"), "/constraints");
    expect(5, "/body/accepted/1/pattern", json!("(our|the"), "/body/accepted/1/pattern");
    expect(5, "/body/accepted/1/text", json!("a star"), "/body/accepted/1/pattern");
    expect(6, "/body/pairs/1/prompt", json!("France"), "/body");
    expect(7, "/body/items", json!(["one"]), "/body/items");
    expect(8, "/body/parts/0/name", json!("z"), "/body/parts/0/name");
    expect(8, "/statement", json!("[[a]] [[b]] [[c]] [[c]]"), "/body/parts/2/name");
    expect(8, "/body/parts/1/weight", json!(0), "/body/parts/1/weight");
    expect(8, "/body/parts/1/body/accepted", json!([]), "/body/parts/1/body/accepted");
    expect(9, "/body/maxChars", json!(0), "/body/maxChars");
    expect(10, "/body/maxFiles", json!(99), "/body/maxFiles");
}
