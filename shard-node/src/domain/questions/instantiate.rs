//! One question for one student: what is seen, and what is right, put together side by side.
//!
//! What must stay true: an id says where a thing stands in this student's paper, and nothing else; no two choices read
//! alike, or the values that made them so are not drawn.

use std::collections::{BTreeMap, BTreeSet};

use rust_decimal::Decimal;

use super::definition::{
    Body, ClozeBody, Content, Formula, MatchingBody, MultipleBody, MultipleChoice, NumberAnswer,
    NumericBody, OrderingBody, PartBody, QuestionType, Scoring, ShortTextBody, SingleBody,
    ToleranceType,
};
use super::formula::{Expression, Kind, Names, Values};
use super::paper::{Field, Labelled, PaperPart};
use super::render::render;
use super::seed::Generator;
use crate::domain::grading::{
    AcceptedNumber, AcceptedText, ClozeRule, MatchingRule, MultipleRule, Number, NumericRule,
    OrderingRule, PartKey, Rule, Selection, ShortTextRule, SingleRule, TrueFalseRule, Within,
    split,
};

/// A question with a student's values.
#[derive(Debug, Clone)]
pub(super) struct Instance {
    pub(super) statement: String,
    pub(super) field: Field,
    pub(super) parts: Vec<PaperPart>,
    pub(super) rule: Rule,
}

/// Puts it together; none where it does not come out with these values.
pub(super) fn instantiate(
    content: &Content,
    points: Decimal,
    names: &Names,
    values: &Values,
    order: Generator,
) -> Option<Instance> {
    let mut maker = Maker { names, values, order, shuffles: content.shuffle };
    let statement = render(&content.statement, values)?;
    let mut parts = Vec::new();
    let (field, rule) = match &content.body {
        Body::Single(body) => maker.single(body)?,
        Body::TrueFalse(body) => {
            let (right, wrong) = (Decimal::ONE, body.wrong_fraction);
            let (when_true, when_false) = if body.answer { (right, wrong) } else { (wrong, right) };
            let rule = Rule::TrueFalse(TrueFalseRule { when_true, when_false });
            (Field::of(QuestionType::TrueFalse), rule)
        }
        Body::Multiple(body) => maker.multiple(body)?,
        Body::Numeric(body) => maker.numeric(body)?,
        Body::ShortText(body) => maker.short_text(body)?,
        Body::Matching(body) => maker.matching(body)?,
        Body::Ordering(body) => maker.ordering(body)?,
        Body::Cloze(body) => {
            let rule = maker.cloze(body, points, &mut parts)?;
            (Field::of(QuestionType::Cloze), rule)
        }
        Body::Essay(body) => {
            let max_chars = body.max_chars;
            (Field { max_chars, ..Field::of(QuestionType::Essay) }, Rule::Essay)
        }
        Body::File(body) => {
            let max_files = body.max_files;
            (Field { max_files, ..Field::of(QuestionType::File) }, Rule::File)
        }
    };
    Some(Instance { statement, field, parts, rule })
}

struct Maker<'v> {
    names: &'v Names,
    values: &'v Values,
    order: Generator,
    shuffles: bool,
}

impl Maker<'_> {
    fn single(&mut self, body: &SingleBody) -> Option<(Field, Rule)> {
        let texts = self.different(body.choices.iter().map(|choice| &choice.text))?;
        let places = self.places(texts.len(), self.shuffles);
        let fraction = |(id, place): (String, &usize)| (id, body.choices[*place].fraction);
        let choices = ids("c").zip(&places).map(fraction).collect();
        let field =
            Field { choices: labelled("c", &texts, &places), ..Field::of(QuestionType::Single) };
        Some((field, Rule::Single(SingleRule { choices })))
    }

    fn multiple(&mut self, body: &MultipleBody) -> Option<(Field, Rule)> {
        let texts = self.different(body.choices.iter().map(|choice| &choice.text))?;
        let places = self.places(texts.len(), self.shuffles);
        let by_id: Vec<_> =
            ids("c").zip(&places).map(|(id, place)| (id, &body.choices[*place])).collect();
        let is_right = |choice: &MultipleChoice| match body.scoring {
            Scoring::Map => choice.value.unwrap_or_default() > Decimal::ZERO,
            Scoring::AllOrNothing | Scoring::Partial => choice.right,
        };
        let right_ones = by_id.iter().filter(|(_, choice)| is_right(choice));
        let right: BTreeSet<String> = right_ones.map(|(id, _)| id.clone()).collect();
        let scoring = match body.scoring {
            Scoring::AllOrNothing => Selection::AllOrNothing,
            Scoring::Partial => Selection::Partial { penalty: body.penalty },
            Scoring::Map => Selection::Map {
                values: by_id
                    .iter()
                    .map(|(id, choice)| (id.clone(), choice.value.unwrap_or_default()))
                    .collect(),
                default: Decimal::ZERO,
                lower: body.lower,
                upper: None,
            },
        };
        let choices = by_id.into_iter().map(|(id, _)| id).collect();
        let field =
            Field { choices: labelled("c", &texts, &places), ..Field::of(QuestionType::Multiple) };
        Some((field, Rule::Multiple(MultipleRule { choices, right, scoring })))
    }

    fn numeric(&self, body: &NumericBody) -> Option<(Field, Rule)> {
        let accepted = |answer: &NumberAnswer| {
            let fraction = answer.fraction;
            self.within(answer).map(|within| AcceptedNumber { within, fraction })
        };
        let accepted: Option<Vec<AcceptedNumber>> = body.accepted.iter().map(accepted).collect();
        let unit = match &body.unit {
            Some(unit) => Some(render(unit, self.values)?),
            None => None,
        };
        let field = Field { unit, ..Field::of(QuestionType::Numeric) };
        Some((field, Rule::Numeric(NumericRule { accepted: accepted? })))
    }

    fn within(&self, answer: &NumberAnswer) -> Option<Within> {
        let Some(value) = &answer.value else {
            let (min, max) =
                (self.number(answer.min.as_ref()?)?, self.number(answer.max.as_ref()?)?);
            return (min <= max).then_some(Within::Range { min, max });
        };
        let value = self.number(value)?;
        let tolerance = match &answer.tolerance {
            Some(tolerance) => self.number(tolerance)?,
            None => Number::zero(),
        };
        if tolerance.is_negative() {
            return None;
        }
        Some(match answer.tolerance_type {
            ToleranceType::Absolute => Within::Absolute { value, tolerance },
            ToleranceType::Relative => Within::Relative { value, tolerance },
            ToleranceType::Geometric => Within::Geometric { value, tolerance },
        })
    }

    fn number(&self, formula: &Formula) -> Option<Number> {
        let parsed = Expression::parse_as(&formula.0, self.names, Kind::Number);
        parsed.ok()?.number(self.values)
    }

    fn short_text(&self, body: &ShortTextBody) -> Option<(Field, Rule)> {
        let accepted: Option<Vec<AcceptedText>> = body
            .accepted
            .iter()
            .map(|answer| {
                let text = render(&answer.text, self.values)?;
                Some(AcceptedText {
                    text,
                    pattern: answer.pattern.clone(),
                    fraction: answer.fraction,
                })
            })
            .collect();
        let rule = ShortTextRule { accepted: accepted?, case_sensitive: body.case_sensitive };
        Some((Field::of(QuestionType::ShortText), Rule::ShortText(rule)))
    }

    fn matching(&mut self, body: &MatchingBody) -> Option<(Field, Rule)> {
        let prompts = self.different(body.pairs.iter().map(|pair| &pair.prompt))?;
        let partner_of: Vec<String> = body
            .pairs
            .iter()
            .map(|pair| render(&pair.partner, self.values))
            .collect::<Option<_>>()?;
        let mut partners: Vec<String> = Vec::new();
        let distractors: Option<Vec<String>> =
            body.distractors.iter().map(|text| render(text, self.values)).collect();
        for text in partner_of.iter().cloned().chain(distractors?) {
            if !partners.contains(&text) {
                partners.push(text);
            }
        }
        let left = self.places(prompts.len(), self.shuffles);
        let right = self.places(partners.len(), true);
        let partners = labelled("r", &partners, &right);
        let id_of: BTreeMap<&str, &str> =
            partners.iter().map(|partner| (partner.text.as_str(), partner.id.as_str())).collect();
        let pair = |(id, place): (String, &usize)| {
            id_of.get(partner_of[*place].as_str()).map(|partner| (id, (*partner).to_owned()))
        };
        let pairs: Option<BTreeMap<String, String>> = ids("l").zip(&left).map(pair).collect();
        let all = partners.iter().map(|partner| partner.id.clone()).collect();
        let rule = MatchingRule { pairs: pairs?, partners: all };
        let prompts = labelled("l", &prompts, &left);
        let field = Field { prompts, partners, ..Field::of(QuestionType::Matching) };
        Some((field, Rule::Matching(rule)))
    }

    fn ordering(&mut self, body: &OrderingBody) -> Option<(Field, Rule)> {
        let texts = self.different(body.items.iter())?;
        let places = self.places(texts.len(), true);
        let mut order: Vec<(usize, String)> = places.iter().copied().zip(ids("o")).collect();
        order.sort_unstable();
        let order = order.into_iter().map(|(_, id)| id).collect();
        let field =
            Field { choices: labelled("o", &texts, &places), ..Field::of(QuestionType::Ordering) };
        Some((field, Rule::Ordering(OrderingRule { order, scoring: body.scoring })))
    }

    fn cloze(
        &mut self,
        body: &ClozeBody,
        points: Decimal,
        parts: &mut Vec<PaperPart>,
    ) -> Option<Rule> {
        let weights: Vec<Decimal> = body.parts.iter().map(|part| part.weight).collect();
        let mut keys = Vec::with_capacity(body.parts.len());
        for (part, points) in body.parts.iter().zip(split(points, &weights)) {
            let (field, rule) = match &part.body {
                PartBody::Single(body) => self.single(body)?,
                PartBody::Multiple(body) => self.multiple(body)?,
                PartBody::Numeric(body) => self.numeric(body)?,
                PartBody::ShortText(body) => self.short_text(body)?,
            };
            parts.push(PaperPart { part: part.name.clone(), field });
            keys.push(PartKey { part: part.name.clone(), points, rule });
        }
        Some(Rule::Cloze(ClozeRule { parts: keys }))
    }

    /// The texts with their values, if no two of them read alike.
    fn different<'t>(&self, texts: impl Iterator<Item = &'t String>) -> Option<Vec<String>> {
        let texts: Vec<String> =
            texts.map(|text| render(text, self.values)).collect::<Option<_>>()?;
        let distinct: BTreeSet<&str> = texts.iter().map(|text| text.trim()).collect();
        (distinct.len() == texts.len()).then_some(texts)
    }

    /// Which thing stands at each place.
    fn places(&mut self, count: usize, shuffles: bool) -> Vec<usize> {
        let mut places: Vec<usize> = (0..count).collect();
        if shuffles {
            self.order.shuffle(&mut places);
        }
        places
    }
}

/// `c1`, `c2` and so on.
fn ids(prefix: &'static str) -> impl Iterator<Item = String> {
    (1_usize..).map(move |number| format!("{prefix}{number}"))
}

/// The texts in the order of the places, with the places' ids.
fn labelled(prefix: &'static str, texts: &[String], places: &[usize]) -> Vec<Labelled> {
    let label = |(id, place): (String, &usize)| Labelled { id, text: texts[*place].clone() };
    ids(prefix).zip(places).map(label).collect()
}
