//! What a question must be to be kept: every fault with the pointer to its place. Pure.
//!
//! What must stay true: what passes here can be drawn and graded, and its key gets all points: it is tried with sample
//! seeds before it is written.

mod body;

use std::collections::BTreeSet;

use rust_decimal::Decimal;
use service_kit::problem::FieldProblem;
use uuid::Uuid;

use super::blueprint::{Blueprint, Fixed, FixedItem, Pool, PooledQuestion, Section, SectionKind};
use super::definition::{Content, Difficulty, Parameter};
use super::draw::prove;
use super::formula::{Expression, Kind, Names, RESERVED};
use super::parameters::Parameters;
use super::render::{is_name, unknown_place};
use super::seed::Seed;

/// The longest statement, in characters.
const STATEMENT_MAX: usize = 20_000;
/// The most parameters, and constraints.
const PARAMETERS_MAX: usize = 20;
/// The most values of a parameter that are listed.
const LISTED_MAX: usize = 200;
/// The longest of those, in characters.
const LISTED_TEXT_MAX: usize = 200;
/// How often a question is drawn before it is kept.
const SAMPLES: u32 = 20;
/// Faults that an answer lists at most.
const FAULTS_MAX: usize = 50;
/// The most tags, and the longest, in characters.
const TAGS_MAX: usize = 20;
const TAG_MAX: usize = 50;

/// What is wrong with a question; nothing where it can be kept.
pub(super) fn faults(content: &Content) -> Vec<FieldProblem> {
    let mut faults = Faults { names: Names::new(), found: Vec::new() };
    faults.parameters(content);
    if faults.found.is_empty() {
        match Parameters::read(&content.parameters, &content.constraints) {
            Ok(parameters) => faults.names = parameters.names,
            Err(fault) => faults.add(fault.pointer, fault.detail),
        }
    }
    if faults.found.is_empty() {
        faults.text("/statement", &content.statement, STATEMENT_MAX);
        faults.body(content);
    }
    if faults.found.is_empty() {
        faults.found.extend(tried(content));
    }
    faults.found
}

/// The first fault of papers with this question alone.
fn tried(content: &Content) -> Option<FieldProblem> {
    let id = Uuid::nil();
    let question = PooledQuestion {
        id,
        version: 1,
        bank_id: id,
        tags: Vec::new(),
        difficulty: Difficulty::default(),
        content: content.clone(),
    };
    let item = FixedItem { question_id: id, points: Decimal::ONE_HUNDRED };
    let kind = SectionKind::Fixed(Fixed { items: vec![item] });
    let blueprint = Blueprint::of(vec![Section { title: String::new(), kind }]);
    let pool = Pool { questions: vec![question] };
    let failures = prove(&blueprint, &pool, SAMPLES, Seed::sample).err()?;
    let pointer = if content.constraints.is_empty() { "/body" } else { "/constraints" };
    let nil = format!(" of question {id}");
    let reason = failures.first().map(|failure| failure.reason.replace(&nil, ""))?;
    Some(FieldProblem::new(pointer, "invalid", reason))
}

/// For garde: tags are short, trimmed and different.
pub(super) fn valid_tags(tags: &[String], (): &()) -> garde::Result {
    let different: BTreeSet<&String> = tags.iter().collect();
    let is_tag = |tag: &String| {
        (1..=TAG_MAX).contains(&tag.chars().count())
            && tag.trim() == tag
            && !tag.contains(char::is_control)
    };
    if tags.len() <= TAGS_MAX && different.len() == tags.len() && tags.iter().all(is_tag) {
        return Ok(());
    }
    Err(garde::Error::new(
        "at most 20 different tags are expected, each of 1 to 50 characters without space around it",
    ))
}

/// What was found.
struct Faults {
    /// What texts and formulas may name.
    names: Names,
    found: Vec<FieldProblem>,
}

impl Faults {
    fn add(&mut self, pointer: impl Into<String>, detail: impl Into<String>) {
        if self.found.len() < FAULTS_MAX {
            self.found.push(FieldProblem::new(pointer, "invalid", detail.into()));
        }
    }

    fn expect(&mut self, holds: bool, pointer: impl Into<String>, detail: &str) {
        if !holds {
            self.add(pointer, detail);
        }
    }

    /// A text that students see: not blank, not too long, with places for parameters that there are.
    fn text(&mut self, pointer: impl Into<String>, text: &str, chars_max: usize) {
        let pointer = pointer.into();
        if text.trim().is_empty() || text.chars().count() > chars_max {
            self.add(pointer, format!("a text of 1 to {chars_max} characters is expected"));
        } else if let Some(name) = unknown_place(text, &self.names) {
            let detail =
                format!("`{name}` is no parameter; write {{ {{{name}}} }} where none is meant");
            self.add(pointer, detail);
        }
    }

    /// A part of the points.
    fn fraction(&mut self, pointer: impl Into<String>, value: Decimal) {
        let fits =
            (Decimal::ZERO..=Decimal::ONE).contains(&value) && value.normalize().scale() <= 4;
        self.expect(fits, pointer, "0 to 1 with at most 4 decimals is expected");
    }

    /// A formula whose value is a number.
    fn number(&mut self, pointer: impl Into<String>, formula: &str) {
        if let Err(detail) = Expression::parse_as(formula, &self.names, Kind::Number) {
            self.add(pointer, detail);
        }
    }

    fn parameters(&mut self, content: &Content) {
        let (parameters, constraints) = (content.parameters.len(), content.constraints.len());
        self.expect(
            parameters <= PARAMETERS_MAX,
            "/parameters",
            "at most 20 parameters are expected",
        );
        self.expect(
            constraints <= PARAMETERS_MAX,
            "/constraints",
            "at most 20 constraints are expected",
        );
        let mut seen = BTreeSet::new();
        for (index, parameter) in content.parameters.iter().enumerate() {
            let name = parameter.name();
            let is_free = !RESERVED.contains(&name) && seen.insert(name);
            self.expect(
                is_name(name) && is_free,
                format!("/parameters/{index}/name"),
                "a name of its own is expected: a letter, then letters, digits and _, at most 32; no word of formulas",
            );
            let Parameter::Choices(choices) = parameter else { continue };
            let fits = |text: &str| !text.is_empty() && text.chars().count() <= LISTED_TEXT_MAX;
            self.expect(
                (1..=LISTED_MAX).contains(&choices.values.len())
                    && choices.values.iter().all(|value| fits(&value.0)),
                format!("/parameters/{index}/values"),
                "1 to 200 values are expected, each of 1 to 200 characters",
            );
        }
    }
}
