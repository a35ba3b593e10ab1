//! What the body of a question must be, type by type.

use std::collections::BTreeSet;

use rust_decimal::Decimal;

use super::super::definition::{
    Body, ClozeBody, Content, MatchingBody, MultipleBody, NumberAnswer, NumericBody, PartBody,
    Scoring, ShortTextBody, SingleBody,
};
use super::super::render::{gaps, is_name};
use super::Faults;
use crate::domain::grading::check_pattern;

/// The most choices, pairs, or things to be ordered.
const CHOICES_MAX: usize = 50;
/// The longest of them, in characters.
const CHOICE_TEXT_MAX: usize = 2_000;
/// The most that is accepted as an answer.
const ACCEPTED_MAX: usize = 50;
/// The longest text that is accepted, in characters.
const ACCEPTED_TEXT_MAX: usize = 500;
/// The longest unit, in characters.
const UNIT_MAX: usize = 50;
/// The most gaps.
const PARTS_MAX: usize = 30;
/// The most characters that an essay may ask for.
const ESSAY_CHARS_MAX: u32 = 200_000;
/// The most files that may be asked for.
const FILES_MAX: u32 = 20;

impl Faults {
    pub(super) fn body(&mut self, content: &Content) {
        let at = "/body";
        match &content.body {
            Body::Single(body) => self.single(at, body),
            Body::TrueFalse(body) => self.fraction("/body/wrongFraction", body.wrong_fraction),
            Body::Multiple(body) => self.multiple(at, body),
            Body::Numeric(body) => self.numeric(at, body),
            Body::ShortText(body) => self.short_text(at, body),
            Body::Matching(body) => self.matching(body),
            Body::Ordering(body) => self.texts("/body/items", "", &body.items, 2),
            Body::Cloze(body) => self.cloze(&content.statement, body),
            Body::Essay(body) => {
                let fits =
                    body.max_chars.is_none_or(|chars| (1..=ESSAY_CHARS_MAX).contains(&chars));
                self.expect(fits, "/body/maxChars", "1 to 200000 is expected");
            }
            Body::File(body) => {
                let fits = body.max_files.is_none_or(|files| (1..=FILES_MAX).contains(&files));
                self.expect(fits, "/body/maxFiles", "1 to 20 is expected");
            }
        }
    }

    /// A list of texts that students see, of so many at least.
    fn texts<T: AsRef<str>>(&mut self, list: &str, member: &str, texts: &[T], least: usize) {
        if !(least..=CHOICES_MAX).contains(&texts.len()) {
            self.add(list, format!("{least} to {CHOICES_MAX} are expected"));
            return;
        }
        for (index, text) in texts.iter().enumerate() {
            self.text(format!("{list}/{index}{member}"), text.as_ref(), CHOICE_TEXT_MAX);
        }
    }

    fn single(&mut self, at: &str, body: &SingleBody) {
        let list = format!("{at}/choices");
        let texts: Vec<&String> = body.choices.iter().map(|choice| &choice.text).collect();
        self.texts(&list, "/text", &texts, 2);
        for (index, choice) in body.choices.iter().enumerate() {
            self.fraction(format!("{list}/{index}/fraction"), choice.fraction);
        }
        let is_reachable = body.choices.iter().any(|choice| choice.fraction == Decimal::ONE);
        self.expect(is_reachable, list, "a choice with a fraction of 1 is expected");
    }

    fn multiple(&mut self, at: &str, body: &MultipleBody) {
        let list = format!("{at}/choices");
        let texts: Vec<&String> = body.choices.iter().map(|choice| &choice.text).collect();
        self.texts(&list, "/text", &texts, 2);
        let is_map = body.scoring == Scoring::Map;
        for (index, choice) in body.choices.iter().enumerate() {
            let fits = |value: Decimal| {
                is_map
                    && (Decimal::NEGATIVE_ONE..=Decimal::ONE).contains(&value)
                    && value.normalize().scale() <= 4
            };
            self.expect(
                choice.value.is_none_or(fits),
                format!("{list}/{index}/value"),
                "-1 to 1 with at most 4 decimals is expected, and only where `scoring` is MAP",
            );
            self.expect(
                !(is_map && choice.right),
                format!("{list}/{index}/right"),
                "nothing is expected where `scoring` is MAP: `value` says what a choice is worth",
            );
        }
        if is_map {
            let values = body.choices.iter().filter_map(|choice| choice.value);
            let most: Decimal = values.filter(|value| *value > Decimal::ZERO).sum();
            self.expect(most >= Decimal::ONE, list, "values whose sum reaches 1 are expected");
        } else {
            let is_reachable = body.choices.iter().any(|choice| choice.right);
            self.expect(is_reachable, list, "a choice that is right is expected");
        }
        let has_penalty = body.scoring == Scoring::Partial;
        self.only_with(has_penalty, format!("{at}/penalty"), body.penalty, "PARTIAL");
        self.only_with(is_map, format!("{at}/lower"), body.lower, "MAP");
    }

    fn only_with(&mut self, is_it: bool, pointer: String, value: Option<Decimal>, scoring: &str) {
        match value {
            None => {}
            Some(value) if is_it => self.fraction(pointer, value),
            Some(_) => {
                self.add(pointer, format!("nothing is expected unless `scoring` is {scoring}"));
            }
        }
    }

    fn numeric(&mut self, at: &str, body: &NumericBody) {
        let list = format!("{at}/accepted");
        if !(1..=ACCEPTED_MAX).contains(&body.accepted.len()) {
            return self.add(list, "1 to 50 are expected");
        }
        for (index, answer) in body.accepted.iter().enumerate() {
            self.number_answer(&format!("{list}/{index}"), answer);
        }
        let is_reachable = body.accepted.iter().any(|answer| answer.fraction == Decimal::ONE);
        self.expect(is_reachable, list, "one with a fraction of 1 is expected");
        if let Some(unit) = &body.unit {
            self.text(format!("{at}/unit"), unit, UNIT_MAX);
        }
    }

    fn number_answer(&mut self, at: &str, answer: &NumberAnswer) {
        self.fraction(format!("{at}/fraction"), answer.fraction);
        let is_range = answer.min.is_some() && answer.max.is_some();
        let is_half = answer.min.is_some() != answer.max.is_some();
        let is_one = answer.value.is_some() != is_range && !is_half;
        self.expect(is_one, at, "either `value`, or `min` and `max`, is expected");
        let is_about = answer.value.is_some() || answer.tolerance.is_none();
        self.expect(is_about, format!("{at}/tolerance"), "nothing is expected without `value`");
        for (member, formula) in [
            ("value", &answer.value),
            ("tolerance", &answer.tolerance),
            ("min", &answer.min),
            ("max", &answer.max),
        ] {
            if let Some(formula) = formula {
                self.number(format!("{at}/{member}"), &formula.0);
            }
        }
    }

    fn short_text(&mut self, at: &str, body: &ShortTextBody) {
        let list = format!("{at}/accepted");
        if !(1..=ACCEPTED_MAX).contains(&body.accepted.len()) {
            return self.add(list, "1 to 50 are expected");
        }
        for (index, answer) in body.accepted.iter().enumerate() {
            self.text(format!("{list}/{index}/text"), &answer.text, ACCEPTED_TEXT_MAX);
            self.fraction(format!("{list}/{index}/fraction"), answer.fraction);
            if let Some(pattern) = &answer.pattern
                && let Err(why) = check_pattern(pattern, &answer.text, body.case_sensitive)
            {
                self.add(format!("{list}/{index}/pattern"), why);
            }
        }
        let is_reachable = body.accepted.iter().any(|answer| answer.fraction == Decimal::ONE);
        self.expect(is_reachable, list, "one with a fraction of 1 is expected");
    }

    fn matching(&mut self, body: &MatchingBody) {
        let prompts: Vec<&String> = body.pairs.iter().map(|pair| &pair.prompt).collect();
        let partners: Vec<&String> = body.pairs.iter().map(|pair| &pair.partner).collect();
        self.texts("/body/pairs", "/prompt", &prompts, 2);
        self.texts("/body/pairs", "/partner", &partners, 2);
        self.texts("/body/distractors", "", &body.distractors, 0);
    }

    fn cloze(&mut self, statement: &str, body: &ClozeBody) {
        if !(1..=PARTS_MAX).contains(&body.parts.len()) {
            return self.add("/body/parts", "1 to 30 are expected");
        }
        let mut seen = BTreeSet::new();
        for (index, part) in body.parts.iter().enumerate() {
            let at = format!("/body/parts/{index}");
            let is_its_own = is_name(&part.name) && seen.insert(&part.name);
            self.expect(
                is_its_own && gaps(statement, &part.name) == 1,
                format!("{at}/name"),
                "a name of its own is expected, which stands once in the statement, as [[name]]",
            );
            let fits = part.weight > Decimal::ZERO
                && part.weight <= Decimal::from(1_000)
                && part.weight.normalize().scale() <= 4;
            self.expect(
                fits,
                format!("{at}/weight"),
                "more than 0 and at most 1000 is expected, with at most 4 decimals",
            );
            let at = format!("{at}/body");
            match &part.body {
                PartBody::Single(body) => self.single(&at, body),
                PartBody::Multiple(body) => self.multiple(&at, body),
                PartBody::Numeric(body) => self.numeric(&at, body),
                PartBody::ShortText(body) => self.short_text(&at, body),
            }
        }
    }
}
