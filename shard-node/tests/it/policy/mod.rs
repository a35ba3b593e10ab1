//! Every role at every operation: what comes of it is measured on a node with real rows, and equals the table that is
//! committed beside this file. The table is the contract.
//!
//! A new operation: `LXP_REGENERATE=1 cargo nextest run --workspace -E 'test(every_role_at_every_operation)'` writes its
//! line; what is measured is then reviewed as a change of contract. Where the generic input does not do, the operation
//! gets one in `cases.rs`, and things of new kinds in `world.rs`.

mod cases;
mod world;

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::path::Path;

use axum::http::Method;
use serde_json::Value;
use shard_node::operation::Operation;
use shard_node::operations::OPERATIONS;

use self::cases::Case;
use self::world::{CALLERS, World};
use crate::support::api::Answer;

const TABLE: &str = "tests/it/policy_table.txt";
const REGENERATE: &str =
    "LXP_REGENERATE=1 cargo nextest run --workspace -E 'test(every_role_at_every_operation)'";

const HEAD: &str = "\
# Who may do what, as it was measured: each operation, asked by nine callers for the same thing.
#
# The thing is of class A, student S and program P of one institution. The callers are an admin; staff; the instructor of
# class A; the instructor of another class; student S; a student of another class; the guardian of S; the guardian of that
# other student; an api client. Lists are asked without a filter, but where one is demanded.
#
#   yes    it is done or given; a list: whole    some   a list of what is theirs
#   403    not for this role or relation        none   a list in which nothing is theirs
#   404    there is no such thing for this caller
#
# Another status: the caller may, but not in this state. Reviewed as the contract (API.md); written anew by
# LXP_REGENERATE=1.
";

/// What came of one operation: a word for each caller.
type Line = Vec<String>;

#[tokio::test]
async fn every_role_at_every_operation() {
    let world = World::open().await;
    let (mut measured, mut unsound) = (BTreeMap::new(), Vec::new());
    for operation in OPERATIONS.iter() {
        let case = cases::of(operation, &world);
        let (line, fault) = measure(&world, operation, &case).await;
        measured.insert(operation.name, line);
        unsound.extend(fault);
    }
    world.close().await;
    let text = render(&measured);
    let file = Path::new(env!("CARGO_MANIFEST_DIR")).join(TABLE);
    #[expect(clippy::disallowed_methods, reason = "a switch of this test alone")]
    let regenerate = std::env::var("LXP_REGENERATE").is_ok();
    if regenerate {
        std::fs::write(&file, &text).expect("written");
    }
    let committed = std::fs::read_to_string(&file).unwrap_or_default();
    let wrong = [unsound, differences(&committed, &text)].concat();
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

/// Asks as each caller; what is written is taken back before the next one asks. A fault where the request is not such
/// that anybody could succeed with it.
async fn measure(
    world: &World,
    operation: &'static Operation,
    case: &Case,
) -> (Line, Option<String>) {
    let mut line = Line::new();
    let (mut everything, mut bad) = (0, None);
    for caller in CALLERS {
        let headers: &[(&str, &str)] =
            if operation.method == Method::GET { &[] } else { &[("if-match", "*")] };
        let client = &world.clients[caller];
        let method = operation.method.clone();
        let answer = client.send(method, &case.path, case.body.clone(), headers).await;
        if operation.method != Method::GET {
            world.restore().await;
        }
        let shown = items(&answer.body);
        everything = everything.max(shown.unwrap_or_default());
        let outcome = match shown {
            _ if !answer.status.is_success() => answer.status.as_u16().to_string(),
            Some(0) if everything > 0 => "none".to_owned(),
            Some(shown) if shown < everything => "some".to_owned(),
            _ => "yes".to_owned(),
        };
        if !is_sound(&answer) && bad.is_none() {
            bad = Some(format!("as {caller}: {} {}", answer.status, answer.body));
        }
        line.push(outcome);
    }
    if bad.is_none() && line.iter().all(|word| word != "yes") {
        bad = Some("nobody may".to_owned());
    }
    let fault = bad.map(|bad| {
        let (name, path) = (operation.name, &case.path);
        format!(
            "{name} ({path}) cannot be judged, {bad}\n    give it a path or body in tests/it/policy/cases.rs with which \
             those who may succeed, and what it needs in world.rs"
        )
    });
    (line, fault)
}

/// A refusal by role, relation or state; not one of the request's form, and nothing of ours.
fn is_sound(answer: &Answer) -> bool {
    answer.status.is_success() || matches!(answer.status.as_u16(), 403 | 404 | 409 | 410 | 412)
}

fn items(body: &Value) -> Option<usize> {
    body["items"].as_array().map(Vec::len)
}

fn render(measured: &BTreeMap<&str, Line>) -> String {
    let mut text = HEAD.to_owned();
    let width = measured.keys().map(|name| name.len()).max().unwrap_or_default();
    let mut row = |name: &str, words: &[String]| {
        let _ = write!(text, "\n{name:<width$}");
        for (word, caller) in words.iter().zip(CALLERS) {
            let _ = write!(text, "  {word:<0$}", caller.len());
        }
        let kept = text.trim_end().len();
        text.truncate(kept);
    };
    row("", &CALLERS.map(str::to_owned));
    for (name, words) in measured {
        row(name, words);
    }
    text.push('\n');
    text
}

/// What the table does not say, or says otherwise.
fn differences(committed: &str, measured: &str) -> Vec<String> {
    let lines = |text: &str| -> BTreeMap<String, String> {
        let rows = text.lines().filter(|line| !line.starts_with(['#', ' ']) && !line.is_empty());
        rows.filter_map(|line| line.split_once(' '))
            .map(|(name, rest)| {
                (name.to_owned(), rest.split_whitespace().collect::<Vec<_>>().join(" "))
            })
            .collect()
    };
    let (table, found) = (lines(committed), lines(measured));
    let callers = CALLERS.join(" ");
    let mut wrong = Vec::new();
    for (name, measured) in &found {
        match table.get(name) {
            Some(said) if said == measured => {}
            Some(said) => wrong.push(format!(
                "{name}: {TABLE} says\n    {said}\n  and what comes of it is\n    {measured}\n  ({callers})"
            )),
            None => wrong.push(format!(
                "{name} has no line in {TABLE}; what comes of it is\n    {measured}\n  ({callers})\n  {REGENERATE}"
            )),
        }
    }
    let gone = table.keys().filter(|name| !found.contains_key(*name));
    wrong.extend(gone.map(|name| format!("{name} stands in {TABLE} and is no operation")));
    if wrong.is_empty() && committed != measured {
        wrong.push(format!("{TABLE} is not of the form that {REGENERATE} writes"));
    }
    wrong
}
