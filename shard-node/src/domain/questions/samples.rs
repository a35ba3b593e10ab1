//! Questions of every type, for tests.

use rust_decimal::Decimal;
use serde_json::{Value, json};
use uuid::Uuid;

use super::blueprint::{Blueprint, Fixed, FixedItem, Pool, PooledQuestion, Section, SectionKind};
use super::definition::{Content, Difficulty};

/// A question with parameters, constraints and a derived value.
pub(super) fn ohm() -> Value {
    json!({"statement": "{{i}} A flow through {{r}} ohm. How many volts are that?", "shuffle": true,
        "parameters": [{"kind": "RANGE", "name": "i", "min": "0.5", "max": "5", "step": "0.5"},
            {"kind": "CHOICES", "name": "r", "values": [10, 20, 47]},
            {"kind": "DERIVED", "name": "u", "expression": "i * r"}],
        "constraints": ["u < 200", "u != 10"],
        "body": {"type": "NUMERIC", "unit": "V",
            "accepted": [{"value": "u", "tolerance": "0.01", "toleranceType": "RELATIVE"}, {"min": "u / 2", "max": "u * 2", "fraction": "0.25"}]}})
}

/// One of each type.
pub(super) fn each_type() -> Vec<Value> {
    let plain = |statement: &str, body: Value| json!({"statement": statement, "shuffle": true, "parameters": [], "constraints": [], "body": body});
    let word = json!({"text": "sun", "fraction": "1"});
    vec![
        plain(
            "Which is prime?",
            json!({"type": "SINGLE", "choices": [{"text": "4"}, {"text": "5", "fraction": 1},
            {"text": "9", "fraction": "0.25"}, {"text": "15"}]}),
        ),
        plain("0 is even.", json!({"type": "TRUE_FALSE", "answer": true, "wrongFraction": "0.1"})),
        plain(
            "Which are prime?",
            json!({"type": "MULTIPLE", "scoring": "PARTIAL", "penalty": "0.25", "choices":
            [{"text": "2", "right": true}, {"text": "3", "right": true}, {"text": "4"}, {"text": "6"}]}),
        ),
        plain(
            "Which are prime?",
            json!({"type": "MULTIPLE", "scoring": "MAP", "lower": "0.05", "choices":
            [{"text": "2", "value": "0.5"}, {"text": "3", "value": "0.6"}, {"text": "4", "value": "-1"}, {"text": "6"}]}),
        ),
        ohm(),
        plain(
            "What shines by day?",
            json!({"type": "SHORT_TEXT", "accepted": [word, {"text": "our star", "pattern": "(our|the) star"}]}),
        ),
        plain(
            "Find the capitals.",
            json!({"type": "MATCHING", "pairs": [{"prompt": "France", "partner": "Paris"},
            {"prompt": "Italy", "partner": "Rome"}, {"prompt": "Gaul", "partner": "Paris"}], "distractors": ["Bonn", "Rome"]}),
        ),
        plain(
            "By size.",
            json!({"type": "ORDERING", "items": ["mouse", "cat", "horse", "whale"], "scoring": "PAIRWISE"}),
        ),
        plain(
            "The [[a]] has [[b]] legs and is [[c]].",
            json!({"type": "CLOZE", "parts": [
            {"name": "a", "body": {"type": "SHORT_TEXT", "accepted": [{"text": "cat"}]}},
            {"name": "b", "weight": "0.5", "body": {"type": "NUMERIC", "accepted": [{"value": "4"}]}},
            {"name": "c", "body": {"type": "SINGLE", "choices": [{"text": "an animal", "fraction": "1"}, {"text": "a plant"}]}}]}),
        ),
        plain("Discuss.", json!({"type": "ESSAY", "maxChars": 5000})),
        plain("Hand in.", json!({"type": "FILE", "maxFiles": 2})),
    ]
}

pub(super) fn content(value: Value) -> Content {
    serde_json::from_value(value).expect("content")
}

/// A version of a question whose id is a number.
pub(super) fn question(id: u128, value: Value) -> PooledQuestion {
    PooledQuestion {
        id: Uuid::from_u128(id),
        version: 1,
        bank_id: Uuid::nil(),
        tags: Vec::new(),
        difficulty: Difficulty::Medium,
        content: content(value),
    }
}

/// A paper with each type once, and what it is drawn from.
pub(super) fn all_types() -> (Blueprint, Pool) {
    let questions: Vec<PooledQuestion> =
        each_type().into_iter().zip(1_u128..).map(|(value, id)| question(id, value)).collect();
    let item = |question: &PooledQuestion| FixedItem {
        question_id: question.id,
        points: Decimal::new(25, 1),
    };
    let items = questions.iter().map(item).collect();
    let section = Section { title: "Part A".to_owned(), kind: SectionKind::Fixed(Fixed { items }) };
    (Blueprint::of(vec![section]), Pool { questions })
}
