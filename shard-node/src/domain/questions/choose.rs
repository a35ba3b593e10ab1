//! Which questions a paper has: the fixed ones, and by lot as many of a bank as each section draws.
//!
//! What must stay true: no question twice in a paper; the order of the pool does not matter; whether a blueprint can be
//! drawn from a pool does not depend on the seed. For the last, sections that compete for the same questions give way to
//! each other (augmenting paths, as in a matching): where there is a way, it is found.

use std::collections::BTreeMap;

use rust_decimal::Decimal;
use uuid::Uuid;

use super::blueprint::{Blueprint, Pool, PooledQuestion, SectionKind};
use super::draw::DrawError;
use super::seed::Generator;

/// A question of a paper.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Chosen<'p> {
    /// The section, from 0.
    pub(super) section: usize,
    pub(super) question: &'p PooledQuestion,
    pub(super) points: Decimal,
}

/// The questions of a paper, in its order.
pub(super) fn choose<'p>(
    blueprint: &Blueprint,
    pool: &'p Pool,
    generator: &mut Generator,
) -> Result<Vec<Chosen<'p>>, DrawError> {
    let by_id: BTreeMap<Uuid, &PooledQuestion> =
        pool.questions.iter().map(|question| (question.id, question)).collect();
    let mut lots = Lots::new(fixed(blueprint, &by_id)?);
    for (section, part) in blueprint.sections.iter().enumerate() {
        let SectionKind::Draw(draw) = &part.kind else { continue };
        let free = by_id.values().filter(|question| question.is_of(draw));
        let mut candidates: Vec<Uuid> = free.map(|question| question.id).collect();
        generator.shuffle(&mut candidates);
        lots.draw(section, draw.count as usize, candidates)?;
    }
    let mut chosen = Vec::with_capacity(blueprint.items());
    for (section, part) in blueprint.sections.iter().enumerate() {
        let questions: Vec<(Uuid, Decimal)> = match &part.kind {
            SectionKind::Fixed(fixed) => {
                fixed.items.iter().map(|item| (item.question_id, item.points)).collect()
            }
            SectionKind::Draw(draw) => lots.of(section).map(|id| (id, draw.points)).collect(),
        };
        chosen.extend(questions.into_iter().filter_map(|(id, points)| {
            by_id.get(&id).map(|question| Chosen { section, question, points })
        }));
    }
    Ok(chosen)
}

/// The fixed questions, all of which must be there, each once.
fn fixed(
    blueprint: &Blueprint,
    by_id: &BTreeMap<Uuid, &PooledQuestion>,
) -> Result<BTreeMap<Uuid, Option<usize>>, DrawError> {
    let mut fixed = BTreeMap::new();
    for (section, part) in blueprint.sections.iter().enumerate() {
        let SectionKind::Fixed(items) = &part.kind else { continue };
        for item in &items.items {
            let question = item.question_id;
            if !by_id.contains_key(&question) {
                return Err(DrawError::Missing { section, question });
            }
            if fixed.insert(question, None).is_some() {
                return Err(DrawError::Repeated { section, question });
            }
        }
    }
    Ok(fixed)
}

/// Slots of sections, and the questions that they have.
struct Lots {
    /// The slot that has a question; none for a fixed one.
    holder: BTreeMap<Uuid, Option<usize>>,
    /// What each slot has.
    slots: Vec<Slot>,
    /// What each section may draw, in the order of its lot.
    candidates: BTreeMap<usize, Vec<Uuid>>,
}

struct Slot {
    section: usize,
    question: Option<Uuid>,
}

impl Lots {
    fn new(fixed: BTreeMap<Uuid, Option<usize>>) -> Self {
        Self { holder: fixed, slots: Vec::new(), candidates: BTreeMap::new() }
    }

    fn draw(
        &mut self,
        section: usize,
        count: usize,
        candidates: Vec<Uuid>,
    ) -> Result<(), DrawError> {
        self.candidates.insert(section, candidates);
        for found in 0..count {
            let slot = self.slots.len();
            self.slots.push(Slot { section, question: None });
            if !self.find(slot) {
                return Err(DrawError::TooFew { section, wanted: count, found });
            }
        }
        Ok(())
    }

    /// Gives a slot a question: a free one, or one whose holder can be given another, and so on. Without recursion:
    /// the search goes breadth first, and notes whence each question was reached.
    fn find(&mut self, slot: usize) -> bool {
        let mut reached: BTreeMap<Uuid, usize> = BTreeMap::new();
        let mut waiting = vec![slot];
        let mut next = 0;
        while let Some(&seeker) = waiting.get(next) {
            next += 1;
            let section = self.slots[seeker].section;
            for &question in self.candidates.get(&section).into_iter().flatten() {
                let holder = self.holder.get(&question).copied();
                if holder == Some(None) || reached.contains_key(&question) {
                    continue;
                }
                reached.insert(question, seeker);
                let Some(holder) = holder.flatten() else {
                    self.hand_over(question, &reached, slot);
                    return true;
                };
                waiting.push(holder);
            }
        }
        false
    }

    /// Each seeker on the way takes what it has reached, and leaves what it had to the one before.
    fn hand_over(&mut self, mut question: Uuid, reached: &BTreeMap<Uuid, usize>, first: usize) {
        while let Some(&seeker) = reached.get(&question) {
            self.holder.insert(question, Some(seeker));
            let left = self.slots[seeker].question.replace(question);
            match left {
                Some(left) if seeker != first => question = left,
                _ => return,
            }
        }
    }

    /// What a section has, in the order of its lot.
    fn of(&self, section: usize) -> impl Iterator<Item = Uuid> {
        let is_its = move |id: &&Uuid| {
            let slot = self.holder.get(*id).copied().flatten();
            slot.is_some_and(|slot| self.slots[slot].section == section)
        };
        self.candidates.get(&section).into_iter().flatten().filter(is_its).copied()
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use proptest::prelude::*;
    use serde_json::json;

    use super::super::blueprint::{Draw, Section};
    use super::super::seed::Seed;
    use super::*;

    fn question(id: u128, tags: &[String]) -> PooledQuestion {
        let content = json!({"statement": "?", "shuffle": true, "parameters": [], "constraints": [],
            "body": {"type": "TRUE_FALSE", "answer": true}});
        PooledQuestion {
            id: Uuid::from_u128(id),
            version: 1,
            bank_id: Uuid::nil(),
            tags: tags.to_vec(),
            difficulty: super::super::definition::Difficulty::Easy,
            content: serde_json::from_value(content).expect("content"),
        }
    }

    fn number(id: Uuid) -> usize {
        usize::try_from(id.as_u128()).expect("a small number")
    }

    fn section(tag: &str, count: u32) -> Section {
        let draw = Draw {
            bank_id: Uuid::nil(),
            tags: vec![tag.to_owned()],
            difficulty: None,
            count,
            points: Decimal::ONE,
        };
        Section { title: String::new(), kind: SectionKind::Draw(draw) }
    }

    /// Whether there is a way, by trying all: for each section in turn all subsets.
    fn is_feasible(wanted: &[(usize, u32)], tags: &[BTreeSet<usize>], used: u32) -> bool {
        let Some(((tag, count), rest)) = wanted.split_first() else { return true };
        (0_u32..1 << tags.len()).any(|set| {
            let fits = |bit: usize| set & (1 << bit) == 0 || tags[bit].contains(tag);
            set & used == 0
                && set.count_ones() == *count
                && (0..tags.len()).all(fits)
                && is_feasible(rest, tags, used | set)
        })
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(200))]
        #[test]
        fn a_way_is_found_where_there_is_one_whatever_the_seed_and_the_order_of_the_pool(
            tags in prop::collection::vec(prop::collection::btree_set(0_usize..3, 0..3), 1..8),
            wanted in prop::collection::vec((0_usize..3, 1_u32..4), 1..4), sample: u32) {
            let name = |tag: &usize| format!("t{tag}");
            let mut pool = Pool { questions: tags.iter().enumerate().map(|(id, tags)| {
                question(id as u128, &tags.iter().map(name).collect::<Vec<_>>())
            }).collect() };
            let sections = wanted.iter().map(|(tag, count)| section(&name(tag), *count)).collect();
            let blueprint = Blueprint::of(sections);
            let feasible = is_feasible(&wanted, &tags, 0);
            let draw = |pool: &Pool| {
                let mut generator = Generator::new(Seed::sample(sample), b"sections");
                choose(&blueprint, pool, &mut generator).map(|chosen| {
                    chosen.iter().map(|one| (one.section, one.question.id)).collect::<Vec<_>>()
                })
            };
            let drawn = draw(&pool);
            prop_assert_eq!(drawn.is_ok(), feasible);
            pool.questions.reverse();
            prop_assert_eq!(&drawn, &draw(&pool));
            if let Ok(drawn) = drawn {
                let different: BTreeSet<Uuid> = drawn.iter().map(|(_, id)| *id).collect();
                prop_assert_eq!(different.len(), drawn.len());
                for (section, (tag, count)) in wanted.iter().enumerate() {
                    let of: Vec<_> = drawn.iter().filter(|(of, _)| *of == section).collect();
                    prop_assert_eq!(of.len(), *count as usize);
                    prop_assert!(of.iter().all(|(_, id)| tags[number(*id)].contains(tag)));
                }
            }
        }
    }

    #[test]
    fn each_question_of_a_bank_is_drawn_about_as_often() {
        let tags = ["t".to_owned()];
        let pool = Pool { questions: (0..10).map(|id| question(id, &tags)).collect() };
        let blueprint = Blueprint::of(vec![section("t", 3)]);
        let mut counts = [0; 10];
        for sample in 0..2_000 {
            let mut generator = Generator::new(Seed::sample(sample), b"sections");
            for one in choose(&blueprint, &pool, &mut generator).expect("drawn") {
                counts[number(one.question.id)] += 1;
            }
        }
        assert!(counts.iter().all(|count| (500..700).contains(count)), "{counts:?}");
    }
}
