//! Values for parameters, by chance, within the constraints.
//!
//! What must stay true: tries are bounded; where a question has few combinations of values, one that is taken is found
//! if there is one, so that whether such a question can be drawn does not depend on the seed. Where it has many, chance
//! goes on, and who proves a question refuses one whose values are found late: of what passes, no seed that there will
//! ever be finds none. What a seed has drawn once it draws for good: later tries are appended.

use super::definition::{Formula, Parameter};
use super::formula::{Expression, Kind, Names, Value, Values};
use super::seed::Generator;
use crate::domain::grading::Number;

/// The most values of one parameter.
pub(super) const VALUES_MAX: u64 = 1_000_000;
/// Combinations that are tried by chance, at most and at least.
const TRIES_MAX: u64 = 500;
const TRIES_MIN: u64 = 20;
/// Combinations that are walked through after that; where there are more, so many others are tried by chance.
const WALK_MAX: u64 = 20_000;
/// Values are rare that take more than a tenth of all tries by chance. Where none of a proof's 100 samples does, at least
/// 87 of 100 seeds do not (else that happened to one question in a million); and of those who have ten times as many
/// tries, at most one in a thousand million, 0.13^10, finds none.
const MARGIN: u64 = 10;
/// What all tries of one draw may cost, and the walk as much again: about so many additions.
const WORK_MAX: u64 = 500_000;

/// Parameters, ready to be drawn from.
#[derive(Debug, Clone)]
pub(super) struct Parameters {
    /// In order: what is free, and what is derived of what stands before it.
    all: Vec<(String, Source)>,
    constraints: Vec<Expression>,
    /// Their names, and what they are.
    pub(super) names: Names,
}

#[derive(Debug, Clone)]
enum Source {
    Range { min: Number, step: Number, count: u64 },
    Choices(Vec<Value>),
    Derived(Expression),
}

impl Source {
    /// How many values it has by itself.
    fn count(&self) -> u64 {
        match self {
            Self::Range { count, .. } => *count,
            Self::Choices(values) => u64::try_from(values.len()).unwrap_or(u64::MAX),
            Self::Derived(_) => 1,
        }
    }

    fn value(&self, index: u64, before: &Values) -> Option<Value> {
        match self {
            Self::Range { min, step, .. } => {
                let index = Number::from(i64::try_from(index).ok()?);
                min.plus(&step.times(&index)).bounded().map(Value::Number)
            }
            Self::Choices(values) => values.get(usize::try_from(index).ok()?).cloned(),
            Self::Derived(expression) => expression.eval(before),
        }
    }
}

/// What a draw took.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(super) struct Effort {
    /// About so many additions.
    pub(super) work: u64,
    /// Whether values were found so late that other seeds might find none.
    pub(super) is_rare: bool,
}

/// What is wrong with a parameter or a constraint: where, and what is expected.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Fault {
    /// Below the content: `/parameters/0/min`.
    pub(super) pointer: String,
    pub(super) detail: String,
}

impl Parameters {
    /// Reads them.
    pub(super) fn read(parameters: &[Parameter], constraints: &[Formula]) -> Result<Self, Fault> {
        let mut read = Self { all: Vec::new(), constraints: Vec::new(), names: Names::new() };
        for (index, parameter) in parameters.iter().enumerate() {
            let fault = |(member, detail): (&str, String)| Fault {
                pointer: format!("/parameters/{index}/{member}"),
                detail,
            };
            let (source, kind) = source(parameter, &read.names).map_err(fault)?;
            read.names.insert(parameter.name().to_owned(), kind);
            read.all.push((parameter.name().to_owned(), source));
        }
        for (index, constraint) in constraints.iter().enumerate() {
            let parsed = Expression::parse_as(&constraint.0, &read.names, Kind::Truth);
            let fault = |detail| Fault { pointer: format!("/constraints/{index}"), detail };
            read.constraints.push(parsed.map_err(fault)?);
        }
        Ok(read)
    }

    /// What the first combination comes to that fulfils the constraints and is taken, none where none was found; and
    /// what that took. `cost` is what taking one costs, beside an addition.
    pub(super) fn draw<T>(
        &self,
        generator: &mut Generator,
        cost: u64,
        take: impl Fn(&Values) -> Option<T>,
    ) -> (Option<T>, Effort) {
        let bounds: Vec<u64> = self.all.iter().map(|(_, source)| source.count()).collect();
        let combinations =
            bounds.iter().try_fold(1_u64, |product, bound| product.checked_mul(*bound));
        let cost = self.cost().saturating_add(cost).max(1);
        let walk_max = WALK_MAX.min(WORK_MAX / cost);
        let few = combinations.filter(|number| (1..=walk_max.max(1)).contains(number));
        let by_chance = (WORK_MAX / cost).clamp(TRIES_MIN, TRIES_MAX);
        let tries = match few {
            Some(1) => 1,
            Some(_) => by_chance,
            None => by_chance + walk_max,
        };
        for tried in 1..=tries {
            let indexes: Vec<u64> = bounds.iter().map(|bound| generator.below(*bound)).collect();
            if let Some(taken) = self.values(&indexes).as_ref().and_then(&take) {
                let is_rare = few.is_none() && tried > tries / MARGIN;
                return (Some(taken), Effort { work: tried.saturating_mul(cost), is_rare });
            }
        }
        let walked = few.filter(|number| *number > 1).unwrap_or(0);
        let start = generator.below(walked);
        let found = (0..walked).find_map(|step| {
            let indexes = digits((start + step) % walked, &bounds);
            let taken = self.values(&indexes).as_ref().and_then(&take)?;
            Some((taken, step + 1))
        });
        let steps = found.as_ref().map_or(walked, |(_, steps)| *steps);
        let work = (tries + steps).saturating_mul(cost);
        (found.map(|(taken, _)| taken), Effort { work, is_rare: false })
    }

    /// What one combination costs, beside an addition.
    fn cost(&self) -> u64 {
        let derived = self.all.iter().map(|(_, source)| match source {
            Source::Derived(expression) => expression.cost(),
            Source::Range { .. } | Source::Choices(_) => 1,
        });
        derived.chain(self.constraints.iter().map(Expression::cost)).sum()
    }

    /// The values of a combination, if it fulfils the constraints.
    fn values(&self, indexes: &[u64]) -> Option<Values> {
        let mut values = Values::new();
        for ((name, source), index) in self.all.iter().zip(indexes) {
            let value = source.value(*index, &values)?;
            values.insert(name.clone(), value);
        }
        self.constraints.iter().all(|constraint| constraint.holds(&values)).then_some(values)
    }
}

/// A number's digits, where each place has a base of its own.
fn digits(mut number: u64, bases: &[u64]) -> Vec<u64> {
    let digit = |base: &u64| {
        let digit = number % base;
        number /= base;
        digit
    };
    bases.iter().map(digit).collect()
}

fn source(parameter: &Parameter, names: &Names) -> Result<(Source, Kind), (&'static str, String)> {
    match parameter {
        Parameter::Range(range) => {
            let min = literal(&range.min).map_err(|detail| ("min", detail))?;
            let max = literal(&range.max).map_err(|detail| ("max", detail))?;
            let step = literal(&range.step).map_err(|detail| ("step", detail))?;
            let count = count(&min, &max, &step)?;
            Ok((Source::Range { min, step, count }, Kind::Number))
        }
        Parameter::Choices(choices) => {
            let numbers: Option<Vec<Value>> = choices
                .values
                .iter()
                .map(|value| Number::parse(&value.0).map(Value::Number))
                .collect();
            if let Some(numbers) = numbers {
                return Ok((Source::Choices(numbers), Kind::Number));
            }
            let texts = choices.values.iter().map(|value| Value::Text(value.0.clone()));
            Ok((Source::Choices(texts.collect()), Kind::Text))
        }
        Parameter::Derived(derived) => {
            let parsed = Expression::parse_as(&derived.expression.0, names, Kind::Number);
            Ok((Source::Derived(parsed.map_err(|detail| ("expression", detail))?), Kind::Number))
        }
    }
}

fn literal(formula: &Formula) -> Result<Number, String> {
    Number::parse(&formula.0).ok_or_else(|| "a number such as 0.5 is expected".to_owned())
}

/// How many values a range has.
fn count(min: &Number, max: &Number, step: &Number) -> Result<u64, (&'static str, String)> {
    if step.is_zero() || step.is_negative() {
        return Err(("step", "more than 0 is expected".to_owned()));
    }
    if min > max {
        return Err(("max", "at least `min` is expected".to_owned()));
    }
    // The quotient of numbers that are far apart is rounded, and maybe up.
    let steps = max.minus(min).over(step).map(|steps| steps.floor());
    let steps = steps.and_then(|steps| steps.whole()).and_then(|steps| u64::try_from(steps).ok());
    match steps {
        Some(steps) if steps < VALUES_MAX => Ok(steps + 1),
        _ => Err(("step", format!("a step that makes at most {VALUES_MAX} values is expected"))),
    }
}

#[cfg(test)]
mod tests {
    use serde_json::{Value as Json, json};

    use super::super::seed::Seed;
    use super::*;

    fn read(parameters: Json, constraints: Json) -> Result<Parameters, Fault> {
        let parameters: Vec<Parameter> = serde_json::from_value(parameters).expect("parameters");
        let constraints: Vec<Formula> = serde_json::from_value(constraints).expect("constraints");
        Parameters::read(&parameters, &constraints)
    }

    fn drawn(parameters: &Parameters, sample: u32) -> Option<String> {
        tried(parameters, sample).0
    }

    fn tried(parameters: &Parameters, sample: u32) -> (Option<String>, Effort) {
        let mut generator = Generator::new(Seed::sample(sample), b"test");
        parameters.draw(&mut generator, 1, |values| {
            let texts: Vec<String> =
                values.iter().map(|(name, value)| format!("{name}={value}")).collect();
            Some(texts.join(" "))
        })
    }

    #[test]
    fn values_keep_to_their_ranges_steps_and_constraints() {
        let parameters = json!([{"kind": "RANGE", "name": "a", "min": "0.1", "max": "0.35", "step": "0.1"},
            {"kind": "CHOICES", "name": "b", "values": [1, 2, "3"]},
            {"kind": "DERIVED", "name": "c", "expression": "a * b"}]);
        let read = read(parameters, json!(["a != 0.1", "c > 0.3"])).expect("parameters");
        let all: std::collections::BTreeSet<String> =
            (0..200).map(|sample| drawn(&read, sample).expect("values")).collect();
        let all: Vec<&str> = all.iter().map(String::as_str).collect();
        assert_eq!(
            all,
            ["a=0.2 b=2 c=0.4", "a=0.2 b=3 c=0.6", "a=0.3 b=2 c=0.6", "a=0.3 b=3 c=0.9"]
        );
    }

    #[test]
    fn the_one_combination_of_some_thousand_is_found_and_of_none_none() {
        let parameters = json!([{"kind": "RANGE", "name": "a", "min": 1, "max": 100}, {"kind": "RANGE", "name": "b", "min": 1, "max": 100}]);
        let one = read(parameters.clone(), json!(["a == 77 and b == 13"])).expect("parameters");
        for sample in 0..10 {
            assert_eq!(drawn(&one, sample).as_deref(), Some("a=77 b=13"));
        }
        let none = read(parameters, json!(["a / (b - b) > 0"])).expect("parameters");
        assert_eq!(drawn(&none, 0), None);
    }

    /// Two numbers up to 1,000: more combinations than are walked through.
    fn two_of_a_thousand(constraint: &str) -> Parameters {
        let range = |name: &str| json!({"kind": "RANGE", "name": name, "min": 1, "max": 1_000});
        read(json!([range("a"), range("b")]), json!([constraint])).expect("parameters")
    }

    #[test]
    fn values_that_are_one_in_a_hundred_are_found_by_every_seed() {
        let read = two_of_a_thousand("a <= 10");
        for sample in 0..1_000 {
            let (drawn, effort) = tried(&read, sample);
            assert!(drawn.is_some() && !effort.is_rare, "{sample}: {effort:?}");
        }
    }

    #[test]
    fn values_that_are_found_late_are_told() {
        let rare = two_of_a_thousand("a == 77 and b <= 500");
        let samples: Vec<_> = (0..20).map(|sample| tried(&rare, sample)).collect();
        assert!(samples.iter().all(|(drawn, _)| drawn.is_some()));
        assert!(samples.iter().any(|(_, effort)| effort.is_rare));
        let none = two_of_a_thousand("a + b == 2001");
        let (drawn, effort) = tried(&none, 0);
        assert_eq!((drawn, effort.is_rare), (None, false));
        assert!(effort.work <= 2 * WORK_MAX, "{effort:?}");
    }

    #[test]
    fn a_combination_without_a_value_is_not_drawn() {
        let parameters = json!([{"kind": "RANGE", "name": "a", "min": -1, "max": 1}, {"kind": "DERIVED", "name": "b", "expression": "1 / a"}]);
        let read = read(parameters, json!([])).expect("parameters");
        for sample in 0..30 {
            assert!(!drawn(&read, sample).expect("values").contains("a=0"));
        }
    }

    #[test]
    fn faults_say_where_they_are() {
        let at = |parameters: Json, constraints: Json| {
            read(parameters, constraints).expect_err("refused").pointer
        };
        let range = |min: &str, max: &str, step: &str| json!([{"kind": "RANGE", "name": "a", "min": min, "max": max, "step": step}]);
        assert_eq!(at(range("x", "1", "1"), json!([])), "/parameters/0/min");
        assert_eq!(at(range("2", "1", "1"), json!([])), "/parameters/0/max");
        assert_eq!(at(range("0", "1", "0"), json!([])), "/parameters/0/step");
        assert_eq!(at(range("0", "1", "-1"), json!([])), "/parameters/0/step");
        assert_eq!(at(range("0", "1", "1e-9"), json!([])), "/parameters/0/step");
        assert_eq!(at(json!([]), json!(["1"])), "/constraints/0");
        let later = json!([{"kind": "DERIVED", "name": "b", "expression": "a"}, {"kind": "RANGE", "name": "a", "min": 1, "max": 2}]);
        assert_eq!(at(later, json!([])), "/parameters/0/expression");
        let text = json!([{"kind": "CHOICES", "name": "a", "values": ["x", 1]}, {"kind": "DERIVED", "name": "b", "expression": "a"}]);
        assert_eq!(at(text, json!([])), "/parameters/1/expression");
    }
}
