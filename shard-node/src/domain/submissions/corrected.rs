//! Keys as they were corrected since papers were drawn.
//!
//! What must stay true: a correction changes how answers are graded, never what was asked. The paper is drawn anew from the
//! corrected questions with the same seed, and an item takes its new key only where it asks what the student was asked: the
//! same choices, partners and gaps in the same order, and, where values were drawn for it, the same words. Any other item
//! keeps the key that it had; and a question that asks something else now keeps what it was corrected to before.

use std::collections::BTreeSet;

use rust_decimal::Decimal;
use uuid::Uuid;

use super::store::{self, Drawn, Facts, Sat};
use crate::domain::assessments::{self, Materials, decode};
use crate::domain::grading::{Graded, GradingPolicy, ItemState, VariantKey};
use crate::domain::questions::{
    Blueprint, Fixed, FixedItem, Paper, PaperItem, Pool, PooledQuestion, Section, SectionKind,
    Seed, Variant,
};
use crate::domain::{keys, questions};
use crate::error::Error;
use crate::store::TenantTx;

/// What was corrected.
pub(super) struct Correction {
    /// What papers are made of.
    blueprint: Blueprint,
    /// The institution's key.
    secret: [u8; 32],
    /// The questions of the materials, in their newest versions.
    pub(super) pool: Pool,
    /// Questions for which everybody has full points.
    pub(super) full_credit: BTreeSet<Uuid>,
}

impl Correction {
    /// The key of a paper as it is corrected.
    pub(super) fn key(&self, of: Drawn, key: &VariantKey, paper: &Paper) -> VariantKey {
        let number = |it: i32| u32::try_from(it).unwrap_or_default();
        let (attempt, revision) = (number(of.attempt), number(of.revision));
        let seed =
            questions::seed(&self.secret, of.assessment_id, of.student_id, attempt, revision);
        let anew = questions::draw(&self.blueprint, &self.pool, seed).ok();
        anew.map_or_else(|| key.clone(), |anew| overlaid(key, paper, &anew, &self.pool))
    }

    /// How answers are read: as the assessment said when it was published.
    pub(super) fn grading(&self) -> &GradingPolicy {
        &self.blueprint.grading
    }

    /// Gives full points where everybody has them.
    pub(super) fn credit(&self, key: &VariantKey, graded: &mut Graded) {
        let credited: BTreeSet<&str> = key
            .items
            .iter()
            .filter(|item| self.full_credit.contains(&item.question_id))
            .map(|item| item.item.as_str())
            .collect();
        for item in &mut graded.items {
            if credited.contains(item.item.as_str()) {
                item.points = item.possible;
                item.state = ItemState::Scored;
            }
        }
        graded.score = graded.items.iter().map(|item| item.points).sum();
        graded.needs_review = graded.items.iter().any(|item| item.state == ItemState::Review);
    }
}

/// The newest correction that was applied to an assessment.
pub(super) async fn newest(
    tx: &mut TenantTx,
    assessment: Uuid,
) -> Result<Option<Correction>, Error> {
    let Some(kept) = store::correction(tx, assessment).await? else { return Ok(None) };
    let pool = decode(kept.questions, "corrected questions")?;
    let blueprint = assessments::materials(tx, assessment).await?.blueprint;
    let secret = keys::institution_key(tx).await?;
    let full_credit = kept.full_credit.into_iter().collect();
    Ok(Some(Correction { blueprint, secret, pool, full_credit }))
}

/// A correction by what the questions say now.
pub(super) async fn by_newest_questions(
    tx: &mut TenantTx,
    assessment: Uuid,
    full_credit: &[Uuid],
) -> Result<Correction, Error> {
    let Materials { blueprint, mut pool } = assessments::materials(tx, assessment).await?;
    let ids: Vec<Uuid> = pool.questions.iter().map(|question| question.id).collect();
    let newest = store::newest_versions(tx, &ids).await?;
    let before: Pool = match store::correction(tx, assessment).await? {
        Some(before) => decode(before.questions, "corrected questions")?,
        None => Pool::default(),
    };
    for question in &mut pool.questions {
        let Some((version, content)) = newest.get(&question.id) else { continue };
        // Bank, tags and difficulty stay as they were: the draw goes by them.
        let newest = PooledQuestion {
            version: *version,
            content: decode(content.clone(), "a question")?,
            ..question.clone()
        };
        let corrected = before.questions.iter().find(|before| before.id == question.id);
        *question = match corrected {
            Some(corrected) if !are_alike(question, &newest) => corrected.clone(),
            _ => newest,
        };
    }
    let secret = keys::institution_key(tx).await?;
    let full_credit = full_credit.iter().copied().collect();
    Ok(Correction { blueprint, secret, pool, full_credit })
}

/// The key by which an attempt is graded.
pub(super) async fn key(
    tx: &mut TenantTx,
    facts: &Facts,
    own: &Sat,
    correction: Option<&Correction>,
) -> Result<VariantKey, Error> {
    let key: VariantKey = decode(store::variant_key(tx, own.id).await?, "a key")?;
    let Some(correction) = correction else { return Ok(key) };
    let paper: Paper = decode(store::variant(tx, own.id).await?, "a paper")?;
    Ok(correction.key(drawn(facts, own), &key, &paper))
}

/// Of which draw the paper of an attempt is.
pub(super) fn drawn(facts: &Facts, own: &Sat) -> Drawn {
    Drawn {
        assessment_id: facts.assessment_id,
        student_id: own.student_id,
        attempt: own.attempt,
        revision: own.revision,
    }
}

/// A key with the rules of another one for those items that ask the same.
fn overlaid(key: &VariantKey, paper: &Paper, anew: &Variant, pool: &Pool) -> VariantKey {
    let mut key = key.clone();
    for item in &mut key.items {
        let asked = paper.items.iter().find(|asked| asked.item == item.item);
        let asks = anew.paper.items.iter().find(|asks| asks.item == item.item);
        let new = anew.key.items.iter().find(|new| new.item == item.item);
        let (Some(asked), Some(asks), Some(new)) = (asked, asks, new) else { continue };
        let drawn = pool.questions.iter().find(|question| question.id == item.question_id);
        let has_values = drawn.is_none_or(|question| !question.content.parameters.is_empty());
        if new.question_id == item.question_id && asks_the_same(asked, asks, has_values) {
            *item = new.clone();
        }
    }
    key
}

/// Whether two versions of a question ask the same of somebody.
fn are_alike(one: &PooledQuestion, other: &PooledQuestion) -> bool {
    let asked = |question: &PooledQuestion| {
        let fixed = FixedItem { question_id: question.id, points: Decimal::ONE };
        let kind = SectionKind::Fixed(Fixed { items: vec![fixed] });
        let blueprint = Blueprint::of(vec![Section { title: String::new(), kind }]);
        let pool = Pool { questions: vec![question.clone()] };
        questions::draw(&blueprint, &pool, Seed::sample(0)).ok()
    };
    let has_values = !other.content.parameters.is_empty();
    match (asked(one), asked(other)) {
        (Some(one), Some(other)) => {
            let mut pairs = one.paper.items.iter().zip(&other.paper.items);
            pairs.all(|(one, other)| asks_the_same(one, other, has_values))
        }
        _ => false,
    }
}

/// Whether what was answered to the one is an answer to the other.
fn asks_the_same(asked: &PaperItem, asks: &PaperItem, has_values: bool) -> bool {
    (asked.statement == asks.statement || !has_values)
        && (asked.points, &asked.field, &asked.parts) == (asks.points, &asks.field, &asks.parts)
}
