//! Drawing a student's paper from a blueprint and a pool, and proving that it can be done.
//!
//! What must stay true: the same blueprint, pool and seed give the same paper and key, in every build; each question's
//! values and order depend on the seed and the question alone, so that a paper whose questions were corrected can be
//! drawn anew beside the one that was written. What was proved is drawn for every seed. A proof has a budget.

use std::collections::BTreeMap;

use uuid::Uuid;

use super::blueprint::{Blueprint, Pool, PooledQuestion};
use super::choose::choose;
use super::definition::Content;
use super::instantiate::{Instance, instantiate};
use super::paper::{Paper, PaperItem, Variant};
use super::parameters::{Effort, Parameters};
use super::seed::{Generator, Seed};
use crate::domain::grading::{
    Answers, GradingPolicy, ItemKey, ItemState, VariantKey, full_marks, grade,
};
use rust_decimal::Decimal;

/// Failures that a proof lists at most.
const FAILURES_MAX: usize = 20;
/// What a paper may cost on average to be drawn and proved: about so many additions, of which there are some 20 million
/// in a second. So a thousand students who begin in a minute take a sixth of a core, and the 100 papers of a proof about
/// a second: far less than the deadline of a request, and than a transaction may idle. It is three times what a paper of
/// 300 ordinary questions takes.
const PAPER_WORK_MAX: u64 = 200_000;
/// What drawing a question costs before its first try, in additions: its generators, and its formulas, which are read.
const DRAW_WORK: u64 = 100;
/// What a pattern costs in a proof, in additions: most are kept compiled.
const PATTERN_WORK: u64 = 500;

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
    /// Values for a question's parameters were found so late that some students would have none.
    #[error(
        "too few values for the parameters of question {question} fulfil its constraints and keep its choices apart: \
         let more of their combinations do so, or offer fewer"
    )]
    Rare {
        /// The question.
        question: Uuid,
    },
    /// Papers take too long to be drawn; this question the longest.
    #[error(
        "papers take too long to be drawn, and most of that is the work of question {question}: let more combinations of \
         its values fulfil its constraints, shorten its formulas and texts, or ask fewer such questions"
    )]
    TooCostly {
        /// The question.
        question: Uuid,
    },
}

impl DrawError {
    /// The question, where it is one's fault.
    fn question(&self) -> Option<Uuid> {
        match self {
            Self::TooFew { .. } => None,
            Self::Missing { question, .. }
            | Self::Repeated { question, .. }
            | Self::NoValues { question }
            | Self::Rare { question }
            | Self::TooCostly { question } => Some(*question),
        }
    }
}

/// Draws a paper.
pub fn draw(blueprint: &Blueprint, pool: &Pool, seed: Seed) -> Result<Variant, DrawError> {
    watched(blueprint, pool, seed, |_, _| Ok(()))
}

/// The same, where somebody looks at what each question took.
fn watched(
    blueprint: &Blueprint,
    pool: &Pool,
    seed: Seed,
    mut look: impl FnMut(&PooledQuestion, Effort) -> Result<(), DrawError>,
) -> Result<Variant, DrawError> {
    let chosen = choose(blueprint, pool, &mut Generator::new(seed, b"sections"))?;
    let mut paper = Paper { items: Vec::with_capacity(chosen.len()) };
    let mut key = VariantKey { items: Vec::with_capacity(chosen.len()) };
    for (one, number) in chosen.into_iter().zip(1_usize..) {
        let item = format!("i{number}");
        let (instance, effort) = tried(one.question, one.points, seed);
        let judged = look(one.question, effort);
        let instance = instance.ok_or(DrawError::NoValues { question: one.question.id })?;
        judged?;
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

/// A question as a student with this seed sees it.
pub(super) fn instance(
    question: &PooledQuestion,
    points: Decimal,
    seed: Seed,
) -> Result<Instance, DrawError> {
    tried(question, points, seed).0.ok_or(DrawError::NoValues { question: question.id })
}

/// The same, none where no values were found, and what that took.
fn tried(question: &PooledQuestion, points: Decimal, seed: Seed) -> (Option<Instance>, Effort) {
    let content = &question.content;
    let Ok(parameters) = Parameters::read(&content.parameters, &content.constraints) else {
        return (None, Effort::default());
    };
    let mut values = Generator::of_question(seed, b"values", question.id);
    parameters.draw(&mut values, cost(content), |values| {
        let order = Generator::of_question(seed, b"order", question.id);
        instantiate(content, points, &parameters.names, values, order)
    })
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
/// of its points, and nothing gets none. No question is near the end of its tries, and all papers together keep to
/// their budget. The lots of sections are not counted: items and pool bound them.
pub fn prove(
    blueprint: &Blueprint,
    pool: &Pool,
    samples: u32,
    seed_of: impl Fn(u32) -> Seed,
) -> Result<(), Vec<ProofFailure>> {
    let mut failures = Vec::new();
    let mut budget = Budget::of(samples);
    for sample in 0..samples {
        let look = |question: &PooledQuestion, effort| budget.spend(question, effort);
        match watched(blueprint, pool, seed_of(sample), look) {
            Ok(variant) => failures.extend(faults(sample, &variant.key)),
            Err(error) => failures.push(ProofFailure {
                sample,
                question_id: error.question(),
                reason: error.to_string(),
            }),
        }
        if failures.len() >= FAILURES_MAX || budget.left.is_none() {
            failures.truncate(FAILURES_MAX);
            break;
        }
    }
    if failures.is_empty() { Ok(()) } else { Err(failures) }
}

/// What a proof may cost yet, and what has cost what.
struct Budget {
    /// In additions; none once more was spent than there was.
    left: Option<u64>,
    spent: BTreeMap<Uuid, u64>,
}

impl Budget {
    fn of(samples: u32) -> Self {
        Self { left: Some(u64::from(samples) * PAPER_WORK_MAX), spent: BTreeMap::new() }
    }

    fn spend(&mut self, question: &PooledQuestion, effort: Effort) -> Result<(), DrawError> {
        let content = &question.content;
        let patterns = content.body.patterns().saturating_mul(PATTERN_WORK);
        // It is put together once more for the paper, and graded.
        let once = DRAW_WORK.saturating_add(cost(content).saturating_mul(2));
        let work = effort.work.saturating_add(once).saturating_add(patterns);
        *self.spent.entry(question.id).or_default() += work;
        self.left = self.left.and_then(|left| left.checked_sub(work));
        if self.left.is_none() {
            let costliest = self.spent.iter().max_by_key(|(_, work)| **work);
            let question = costliest.map_or(question.id, |(id, _)| *id);
            return Err(DrawError::TooCostly { question });
        }
        if effort.is_rare {
            return Err(DrawError::Rare { question: question.id });
        }
        Ok(())
    }
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
