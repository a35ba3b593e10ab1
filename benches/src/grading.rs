//! (j) What grading costs: papers of 40 items, five of each type that no person grades, by one core. Beside it what
//! cannot be saved: the same answers are decoded from the JSON in which they come.

use std::hint::black_box;
use std::time::Duration;

use anyhow::Context as _;
use serde_json::{Value, json};
use shard_node::domain::grading::{
    Answers, GradingPolicy, ItemState, VariantKey, full_marks, grade,
};
use shard_node::domain::questions::{Blueprint, Pool, Seed, draw};
use uuid::Uuid;

use crate::report::{Bar, Section};
use crate::settings::Settings;
use crate::table::{Table, median, short};
use crate::{cpu, noise};

/// Items of each type.
const EACH: usize = 5;
/// Different papers, with answers of their own.
const PAPERS: u32 = 200;
const ROUNDS: usize = 7;
/// Grading may take so much of what decoding the answers takes.
const RATIO_GOAL: f64 = 6.0;
const RATIO_BAR: f64 = 12.0;
/// A thousand papers are graded in a minute beside all else: so many a second and core are far more.
const PAPERS_BAR: f64 = 1_000.0;

/// A paper's key, the answers to it, and the JSON that they come in.
struct Handed {
    key: VariantKey,
    answers: Answers,
    json: Vec<u8>,
}

/// Measures it in this process: nothing else of the benchmark runs meanwhile.
pub(crate) fn run(settings: &Settings) -> anyhow::Result<Section> {
    let noise = noise::Watch::begin()?;
    let (blueprint, pool) = paper()?;
    let handed: Vec<Handed> =
        (0..PAPERS).map(|number| hand_in(&blueprint, &pool, number)).collect::<Result<_, _>>()?;
    let policy = GradingPolicy::default();
    let budget = Duration::from_secs(settings.seconds.into()) / 4;
    let (mut decoding, mut grading, mut drawing) = (Vec::new(), Vec::new(), Vec::new());
    for _ in 0..ROUNDS {
        decoding.push(us_each(budget, &handed, |one| {
            serde_json::from_slice::<Answers>(&one.json).is_ok()
        })?);
        grading.push(us_each(budget, &handed, |one| {
            grade(&one.key, &one.answers, &policy).score.is_sign_positive()
        })?);
        let mut number = PAPERS;
        drawing.push(us_each(budget, &handed, |_| {
            number = number.wrapping_add(1);
            draw(&blueprint, &pool, Seed::sample(number)).is_ok()
        })?);
    }
    let (decoding, grading, drawing) = (median(decoding), median(grading), median(drawing));
    let mut table =
        Table::new(&["what", "CPU us a paper", "papers a second and core", "of decoding"]);
    for (what, us) in
        [("decode the answers", decoding), ("grade them", grading), ("draw a paper", drawing)]
    {
        table.row([what.to_owned(), short(us), short(1e6 / us), short(us / decoding)]);
    }
    let items = blueprint.items();
    let text = format!(
        "{PAPERS} papers of {items} items, {EACH} of each type that no person grades, with parameters, every third \
         answer wrong; medians of {ROUNDS} rounds in turns, on one core. Drawing is what starting an attempt costs."
    );
    let bars = vec![
        Bar::at_most(
            "grading, of decoding the same answers",
            grading / decoding,
            RATIO_GOAL,
            RATIO_BAR,
        ),
        Bar::at_least("papers graded a second and core", 1e6 / grading, PAPERS_BAR),
    ];
    Ok(Section::new("j. Grading", &text, &table, bars, &noise.end()?))
}

/// Microseconds of CPU that each of many runs takes.
fn us_each(
    budget: Duration,
    handed: &[Handed],
    mut work: impl FnMut(&Handed) -> bool,
) -> anyhow::Result<f64> {
    let before = cpu::of_this_thread()?;
    let mut runs = 0_u32;
    loop {
        for one in handed {
            anyhow::ensure!(black_box(work(black_box(one))), "it failed");
            runs += 1;
        }
        let took = cpu::of_this_thread()?.saturating_sub(before);
        if took >= budget {
            return Ok(took.as_secs_f64() * 1e6 / f64::from(runs));
        }
    }
}

/// A drawn paper, answered: every third item wrongly.
fn hand_in(blueprint: &Blueprint, pool: &Pool, number: u32) -> anyhow::Result<Handed> {
    let key = draw(blueprint, pool, Seed::sample(number)).context("a paper")?.key;
    let mut answers = full_marks(&key);
    for answer in answers.0.values_mut().step_by(3) {
        *answer = spoilt(answer);
    }
    let graded = grade(&key, &answers, &GradingPolicy::default());
    let are_scored = graded.items.iter().all(|item| item.state == ItemState::Scored);
    anyhow::ensure!(are_scored && graded.score < graded.possible, "answers that cost some points");
    let json = serde_json::to_vec(&answers)?;
    Ok(Handed { key, answers, json })
}

/// A worse answer of the same form.
fn spoilt(answer: &Value) -> Value {
    match answer {
        Value::String(text) if text.starts_with('c') => {
            json!(if text == "c1" { "c2" } else { "c1" })
        }
        Value::String(text) if text.parse::<f64>().is_ok() => json!("123456.789"),
        Value::String(_) => json!("something else"),
        Value::Bool(truth) => json!(!truth),
        Value::Array(names) => {
            names.iter().rev().skip(usize::from(names.len() == 2)).cloned().collect()
        }
        Value::Object(members) => {
            let first = members.values().next().cloned().unwrap_or_default();
            let spoil = |(name, value): (&String, &Value)| {
                let value = if value.is_string()
                    && value.as_str().is_some_and(|text| text.starts_with('r'))
                {
                    first.clone()
                } else {
                    spoilt(value)
                };
                (name.clone(), value)
            };
            members.iter().map(spoil).collect()
        }
        other => other.clone(),
    }
}

fn paper() -> anyhow::Result<(Blueprint, Pool)> {
    let bodies = [
        json!({"type": "SINGLE", "choices": [{"text": "{{a}}"}, {"text": "right", "fraction": 1}, {"text": "wrong"}, {"text": "other"}]}),
        json!({"type": "TRUE_FALSE", "answer": true}),
        json!({"type": "MULTIPLE", "scoring": "PARTIAL", "choices": [{"text": "2", "right": true}, {"text": "3", "right": true},
            {"text": "four"}, {"text": "six"}, {"text": "eight"}]}),
        json!({"type": "NUMERIC", "accepted": [{"value": "a * b", "tolerance": "0.01", "toleranceType": "RELATIVE"},
            {"value": "a * b", "tolerance": "1", "fraction": "0.5"}]}),
        json!({"type": "SHORT_TEXT", "accepted": [{"text": "the sun"}, {"text": "our star", "pattern": "(our|the) star"}]}),
        json!({"type": "MATCHING", "pairs": [{"prompt": "France", "partner": "Paris"}, {"prompt": "Italy", "partner": "Rome"},
            {"prompt": "Spain", "partner": "Madrid"}, {"prompt": "Japan", "partner": "Tokyo"}], "distractors": ["Bonn"]}),
        json!({"type": "ORDERING", "scoring": "PAIRWISE", "items": ["mouse", "cat", "dog", "horse", "whale"]}),
        json!({"type": "CLOZE", "parts": [{"name": "x", "body": {"type": "SHORT_TEXT", "accepted": [{"text": "cat"}]}},
            {"name": "y", "body": {"type": "NUMERIC", "accepted": [{"value": "a"}]}}]}),
    ];
    let mut questions = Vec::new();
    for (body, number) in bodies.iter().cycle().take(bodies.len() * EACH).zip(1_u128..) {
        let gaps = if body["type"] == "CLOZE" { "[[x]] [[y]]" } else { "" };
        questions.push(json!({"id": Uuid::from_u128(number), "version": 1, "bankId": Uuid::nil(), "tags": [], "difficulty": "EASY",
            "content": {"statement": format!("With {{{{a}}}} and {{{{b}}}}: what is it? {gaps}"), "shuffle": true,
                "parameters": [{"kind": "RANGE", "name": "a", "min": "0.5", "max": 20, "step": "0.5"},
                    {"kind": "RANGE", "name": "b", "min": 2, "max": 9}],
                "constraints": ["a != b"], "body": body}}));
    }
    let items: Vec<Value> = questions
        .iter()
        .map(|question| json!({"questionId": question["id"], "points": "2.5"}))
        .collect();
    let blueprint =
        json!({"sections": [{"title": "All", "kind": {"type": "FIXED", "items": items}}]});
    Ok((
        serde_json::from_value(blueprint)?,
        serde_json::from_value(json!({"questions": questions}))?,
    ))
}
