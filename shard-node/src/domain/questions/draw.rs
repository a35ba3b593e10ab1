//! Drawing a student's paper from a blueprint and a pool, and proving that it can be done.
//!
//! What must stay true: the same blueprint, pool and seed give the same paper and key, in every build; each question's
//! values and order depend on the seed and the question alone, so that a corrected question can be graded anew on the
//! papers that were written ([`rekey`]).

use std::collections::BTreeMap;

use uuid::Uuid;

use super::blueprint::{Blueprint, Pool, PooledQuestion};
use super::choose::choose;
use super::definition::Content;
use super::instantiate::{Instance, instantiate};
use super::paper::{Field, Paper, PaperItem, Variant};
use super::parameters::Parameters;
use super::seed::{Generator, Seed};
use crate::domain::grading::{
    Answers, GradingPolicy, ItemKey, ItemState, VariantKey, full_marks, grade,
};
use rust_decimal::Decimal;

/// Failures that a proof lists at most.
const FAILURES_MAX: usize = 20;

/// Why a paper cannot be drawn. Sections are counted from 0.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum DrawError {
    /// There are not enough questions.
    #[error("section {section} draws {wanted} questions, and only {found} are left for it")]
    TooFew {
        /// The section.
        section: usize,
        /// How many it draws.
        wanted: usize,
        /// How many there were.
        found: usize,
    },
    /// A fixed question is not in the pool.
    #[error("question {question} of section {section} is not in the pool")]
    Missing {
        /// The section.
        section: usize,
        /// The question.
        question: Uuid,
    },
    /// A fixed question is named twice.
    #[error("question {question} of section {section} is there twice")]
    Repeated {
        /// The section.
        section: usize,
        /// The question.
        question: Uuid,
    },
    /// No values were found for a question's parameters.
    #[error(
        "no values for the parameters of question {question} fulfil its constraints and keep its choices apart"
    )]
    NoValues {
        /// The question.
        question: Uuid,
    },
    /// A question is not as it was where papers were drawn from it.
    #[error("question {question} has another form than the paper's item {item}")]
    OtherForm {
        /// The question.
        question: Uuid,
        /// The item.
        item: String,
    },
}

/// Draws a paper.
pub fn draw(blueprint: &Blueprint, pool: &Pool, seed: Seed) -> Result<Variant, DrawError> {
    let chosen = choose(blueprint, pool, &mut Generator::new(seed, b"sections"))?;
    let mut paper = Paper { items: Vec::with_capacity(chosen.len()) };
    let mut key = VariantKey { items: Vec::with_capacity(chosen.len()) };
    for (one, number) in chosen.into_iter().zip(1_usize..) {
        let item = format!("i{number}");
        let instance = instance(one.question, one.points, seed)?;
        key.items.push(item_key(item.clone(), one.question, one.points, &instance));
        paper.items.push(PaperItem {
            item,
            section: blueprint.sections[one.section].title.clone(),
            points: one.points,
            statement: instance.statement,
            field: instance.field,
            parts: instance.parts,
        });
    }
    Ok(Variant { paper, key })
}

/// The key of a paper that was drawn from a seed, as the questions of another pool have it: for grading anew once a
/// question was corrected. Its values and orders are those of the paper; a question with other choices, partners or gaps
/// is refused.
pub fn rekey(variant: &Variant, pool: &Pool, seed: Seed) -> Result<VariantKey, DrawError> {
    let by_id: BTreeMap<Uuid, &PooledQuestion> =
        pool.questions.iter().map(|question| (question.id, question)).collect();
    let items = variant.key.items.iter().zip(&variant.paper.items).map(|(key, item)| {
        let question = key.question_id;
        let missing = DrawError::OtherForm { question, item: key.item.clone() };
        let found = *by_id.get(&question).ok_or_else(|| missing.clone())?;
        let instance = instance(found, key.points, seed)?;
        let parts = |parts: &[super::paper::PaperPart]| -> Vec<(String, Form)> {
            parts.iter().map(|part| (part.part.clone(), form(&part.field))).collect()
        };
        let is_same = form(&instance.field) == form(&item.field)
            && parts(&instance.parts) == parts(&item.parts);
        if !is_same {
            return Err(missing);
        }
        Ok(item_key(key.item.clone(), found, key.points, &instance))
    });
    Ok(VariantKey { items: items.collect::<Result<_, _>>()? })
}

/// What answers to a field are made of, but for the wording.
type Form = (super::definition::QuestionType, usize, usize, usize);

fn form(field: &Field) -> Form {
    (field.kind, field.choices.len(), field.prompts.len(), field.partners.len())
}

/// A question as a student with this seed sees it.
pub(super) fn instance(
    question: &PooledQuestion,
    points: Decimal,
    seed: Seed,
) -> Result<Instance, DrawError> {
    let no_values = DrawError::NoValues { question: question.id };
    let content = &question.content;
    let Ok(parameters) = Parameters::read(&content.parameters, &content.constraints) else {
        return Err(no_values);
    };
    let mut values = Generator::of_question(seed, b"values", question.id);
    let drawn = parameters.draw(&mut values, cost(content), |values| {
        let order = Generator::of_question(seed, b"order", question.id);
        instantiate(content, points, &parameters.names, values, order)
    });
    drawn.ok_or(no_values)
}

/// What putting a question together costs, beside an addition of its formulas: by its length.
fn cost(content: &Content) -> u64 {
    const BYTES_AN_ADDITION: usize = 20;
    let length = content.statement.len() + content.body.length();
    u64::try_from(length / BYTES_AN_ADDITION).unwrap_or(u64::MAX)
}

fn item_key(
    item: String,
    question: &PooledQuestion,
    points: Decimal,
    instance: &Instance,
) -> ItemKey {
    let rule = instance.rule.clone();
    ItemKey { item, question_id: question.id, question_version: question.version, points, rule }
}

/// What a proof has found wrong.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ProofFailure {
    /// Which of the samples.
    pub sample: u32,
    /// The question, where it is one's fault.
    pub question_id: Option<Uuid>,
    /// What is wrong, in a sentence.
    pub reason: String,
}

/// Draws papers from sample seeds, and grades the key's own answers to each: every item that no person grades gets all
/// of its points, and nothing gets none.
pub fn prove(
    blueprint: &Blueprint,
    pool: &Pool,
    samples: u32,
    seed_of: impl Fn(u32) -> Seed,
) -> Result<(), Vec<ProofFailure>> {
    let mut failures = Vec::new();
    for sample in 0..samples {
        match draw(blueprint, pool, seed_of(sample)) {
            Ok(variant) => failures.extend(faults(sample, &variant.key)),
            Err(error) => failures.push(ProofFailure {
                sample,
                question_id: match &error {
                    DrawError::TooFew { .. } => None,
                    DrawError::Missing { question, .. }
                    | DrawError::Repeated { question, .. }
                    | DrawError::NoValues { question }
                    | DrawError::OtherForm { question, .. } => Some(*question),
                },
                reason: error.to_string(),
            }),
        }
        if failures.len() >= FAILURES_MAX {
            failures.truncate(FAILURES_MAX);
            break;
        }
    }
    if failures.is_empty() { Ok(()) } else { Err(failures) }
}

/// The items whose own key does not get all points, and what gets points for nothing.
fn faults(sample: u32, key: &VariantKey) -> Vec<ProofFailure> {
    let policy = GradingPolicy::default();
    let best = grade(key, &full_marks(key), &policy);
    let blank = grade(key, &Answers::default(), &policy);
    let items = key.items.iter().zip(best.items.iter().zip(&blank.items));
    let faulty = items.filter_map(|(item, (best, blank))| {
        let is_full = match best.state {
            ItemState::Scored => best.points == best.possible,
            ItemState::Review => item.rule.is_reviewed(),
            ItemState::Unanswered | ItemState::Invalid => false,
        };
        let reason = if !is_full {
            format!(
                "the key gets {} of {} points",
                best.points.normalize(),
                best.possible.normalize()
            )
        } else if blank.state != ItemState::Unanswered || !blank.points.is_zero() {
            "an empty answer gets points".to_owned()
        } else {
            return None;
        };
        Some(ProofFailure { sample, question_id: Some(item.question_id), reason })
    });
    faulty.collect()
}
