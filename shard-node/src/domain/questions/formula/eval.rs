//! From a formula and values to its value, or to none.

use std::collections::BTreeMap;
use std::fmt;

use super::parse::{Comparison, Expression, Function, Node, Operator};
use crate::domain::grading::Number;

/// The furthest exponent.
const POWER_MAX: i64 = 100;
/// The furthest place that is rounded to.
const PLACES_MAX: i64 = 100;

/// A value.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(in super::super) enum Value {
    /// A number.
    Number(Number),
    /// True or false.
    Truth(bool),
    /// A text.
    Text(String),
}

impl fmt::Display for Value {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Number(number) => number.fmt(f),
            Self::Truth(truth) => truth.fmt(f),
            Self::Text(text) => f.write_str(text),
        }
    }
}

/// The values of parameters.
pub(in super::super) type Values = BTreeMap<String, Value>;

impl Expression {
    /// Its value; none where it has none.
    pub(in super::super) fn eval(&self, values: &Values) -> Option<Value> {
        eval(&self.node, values)
    }

    /// Its value as a number.
    pub(in super::super) fn number(&self, values: &Values) -> Option<Number> {
        number(&self.node, values)
    }

    /// Whether it holds; not where it has no value.
    pub(in super::super) fn holds(&self, values: &Values) -> bool {
        truth(&self.node, values) == Some(true)
    }
}

fn eval(node: &Node, values: &Values) -> Option<Value> {
    Some(match node {
        Node::Number(number) => Value::Number(number.clone()),
        Node::Name(name) => values.get(name)?.clone(),
        Node::Negative(of) => Value::Number(number(of, values)?.negated()),
        Node::Binary(operator, left, right) => {
            Value::Number(binary(*operator, &number(left, values)?, &number(right, values)?)?)
        }
        Node::Compare(comparison, left, right) => {
            Value::Truth(compare(*comparison, &number(left, values)?, &number(right, values)?))
        }
        Node::And(left, right) => Value::Truth(truth(left, values)? && truth(right, values)?),
        Node::Or(left, right) => Value::Truth(truth(left, values)? || truth(right, values)?),
        Node::Not(of) => Value::Truth(!truth(of, values)?),
        Node::Call(function, arguments) => {
            let arguments: Option<Vec<Number>> =
                arguments.iter().map(|argument| number(argument, values)).collect();
            Value::Number(call(*function, &arguments?)?.bounded()?)
        }
        Node::If(nodes) => {
            let [condition, then, otherwise] = &**nodes;
            let chosen = if truth(condition, values)? { then } else { otherwise };
            Value::Number(number(chosen, values)?)
        }
    })
}

fn number(node: &Node, values: &Values) -> Option<Number> {
    match eval(node, values)? {
        Value::Number(number) => Some(number),
        Value::Truth(_) | Value::Text(_) => None,
    }
}

fn truth(node: &Node, values: &Values) -> Option<bool> {
    match eval(node, values)? {
        Value::Truth(truth) => Some(truth),
        Value::Number(_) | Value::Text(_) => None,
    }
}

fn binary(operator: Operator, left: &Number, right: &Number) -> Option<Number> {
    match operator {
        Operator::Add => left.plus(right).bounded(),
        Operator::Subtract => left.minus(right).bounded(),
        Operator::Multiply => left.times(right).bounded(),
        Operator::Divide => left.over(right)?.bounded(),
        Operator::Power => power(left, right.whole()?),
    }
}

fn power(base: &Number, exponent: i64) -> Option<Number> {
    if !(-POWER_MAX..=POWER_MAX).contains(&exponent) {
        return None;
    }
    let mut product = Number::from(1);
    for _ in 0..exponent.unsigned_abs() {
        product = product.times(base).bounded()?;
    }
    if exponent < 0 { Number::from(1).over(&product)?.bounded() } else { Some(product) }
}

fn compare(comparison: Comparison, left: &Number, right: &Number) -> bool {
    match comparison {
        Comparison::Less => left < right,
        Comparison::AtMost => left <= right,
        Comparison::More => left > right,
        Comparison::AtLeast => left >= right,
        Comparison::Equal => left == right,
        Comparison::Different => left != right,
    }
}

fn call(function: Function, arguments: &[Number]) -> Option<Number> {
    let first = arguments.first()?;
    match function {
        Function::Abs => Some(first.size()),
        Function::Ceil => Some(first.negated().floor().negated()),
        Function::Floor => Some(first.floor()),
        Function::Max => arguments.iter().max().cloned(),
        Function::Min => arguments.iter().min().cloned(),
        Function::Mod => first.modulo(arguments.get(1)?),
        Function::Round => {
            let places = arguments.get(1).map_or(Some(0), Number::whole)?;
            let places = i32::try_from(places.clamp(-PLACES_MAX, PLACES_MAX)).ok()?;
            Some(first.rounded(places))
        }
        Function::Sqrt => first.root(),
    }
}
