//! From a formula's text to what is computed: by recursive descent, and every part knows what it is.

use std::collections::BTreeMap;
use std::slice::Iter;

use super::lex::{Token, tokens};
use super::{DEPTH_MAX, FORMULA_MAX};
use crate::domain::grading::Number;

/// What a value is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(in super::super) enum Kind {
    /// A number.
    Number,
    /// True or false.
    Truth,
    /// A text, with which nothing is computed.
    Text,
}

/// The names that a formula may use.
pub(in super::super) type Names = BTreeMap<String, Kind>;

/// A formula.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(in super::super) struct Expression {
    pub(super) node: Node,
    /// What its value is.
    pub(in super::super) kind: Kind,
}

/// A part of a formula.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Node {
    Number(Number),
    Name(String),
    Negative(Box<Node>),
    Binary(Operator, Box<Node>, Box<Node>),
    Compare(Comparison, Box<Node>, Box<Node>),
    And(Box<Node>, Box<Node>),
    Or(Box<Node>, Box<Node>),
    Not(Box<Node>),
    Call(Function, Vec<Node>),
    If(Box<[Node; 3]>),
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Operator {
    Add,
    Subtract,
    Multiply,
    Divide,
    Power,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Comparison {
    Less,
    AtMost,
    More,
    AtLeast,
    Equal,
    Different,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Function {
    Abs,
    Ceil,
    Floor,
    Max,
    Min,
    Mod,
    Round,
    Sqrt,
}

impl Function {
    /// The function of a name, and how many numbers it takes.
    fn of(name: &str) -> Option<(Self, std::ops::RangeInclusive<usize>)> {
        Some(match name {
            "abs" => (Self::Abs, 1..=1),
            "ceil" => (Self::Ceil, 1..=1),
            "floor" => (Self::Floor, 1..=1),
            "max" => (Self::Max, 2..=10),
            "min" => (Self::Min, 2..=10),
            "mod" => (Self::Mod, 2..=2),
            "round" => (Self::Round, 1..=2),
            "sqrt" => (Self::Sqrt, 1..=1),
            _ => return None,
        })
    }
}

/// Pi to 50 decimals.
const PI: &str = "3.14159265358979323846264338327950288419716939937511";

impl Expression {
    /// Reads a formula; an error says what is wrong with it.
    pub(in super::super) fn parse(text: &str, names: &Names) -> Result<Self, String> {
        if text.len() > FORMULA_MAX {
            return Err(format!("at most {FORMULA_MAX} bytes are expected"));
        }
        let tokens = tokens(text)?;
        let mut parser = Parser { rest: tokens.iter(), names, depth: 0 };
        let (node, kind) = parser.or()?;
        match parser.rest.next() {
            None => Ok(Self { node, kind }),
            Some(token) => Err(format!("{} is not expected there", word(Some(token)))),
        }
    }

    /// Reads a formula whose value is of a kind.
    pub(in super::super) fn parse_as(
        text: &str,
        names: &Names,
        kind: Kind,
    ) -> Result<Self, String> {
        let expression = Self::parse(text, names)?;
        match (expression.kind == kind, kind) {
            (true, _) => Ok(expression),
            (false, Kind::Truth) => Err("a comparison is expected".to_owned()),
            (false, Kind::Number | Kind::Text) => Err("a number is expected".to_owned()),
        }
    }
}

impl Expression {
    /// What evaluating it may cost, beside an addition.
    pub(in super::super) fn cost(&self) -> u64 {
        self.node.cost()
    }
}

impl Node {
    fn cost(&self) -> u64 {
        match self {
            Self::Number(_) | Self::Name(_) => 1,
            Self::Negative(of) | Self::Not(of) => 1 + of.cost(),
            Self::Binary(operator, left, right) => {
                let own = match operator {
                    Operator::Add | Operator::Subtract | Operator::Multiply => 1,
                    Operator::Divide => 3,
                    Operator::Power => 100,
                };
                own + left.cost() + right.cost()
            }
            Self::Compare(_, left, right) | Self::And(left, right) | Self::Or(left, right) => {
                1 + left.cost() + right.cost()
            }
            Self::Call(function, arguments) => {
                let own = if *function == Function::Sqrt { 10 } else { 2 };
                own + arguments.iter().map(Self::cost).sum::<u64>()
            }
            Self::If(nodes) => 1 + nodes.iter().map(Self::cost).sum::<u64>(),
        }
    }
}

type Parsed = Result<(Node, Kind), String>;

struct Parser<'a> {
    rest: Iter<'a, Token>,
    names: &'a Names,
    depth: usize,
}

impl Parser<'_> {
    fn or(&mut self) -> Parsed {
        self.depth += 1;
        if self.depth > DEPTH_MAX {
            return Err(format!("at most {DEPTH_MAX} levels are expected"));
        }
        let mut left = self.and()?;
        while self.takes_word("or") {
            let right = truth(self.and()?)?;
            left = (Node::Or(Box::new(truth(left)?), Box::new(right)), Kind::Truth);
        }
        self.depth -= 1;
        Ok(left)
    }

    fn and(&mut self) -> Parsed {
        let mut left = self.not()?;
        while self.takes_word("and") {
            let right = truth(self.not()?)?;
            left = (Node::And(Box::new(truth(left)?), Box::new(right)), Kind::Truth);
        }
        Ok(left)
    }

    fn not(&mut self) -> Parsed {
        let mut is_negative = None;
        while self.takes_word("not") {
            is_negative = Some(!is_negative.unwrap_or(false));
        }
        let parsed = self.comparison()?;
        match is_negative {
            None => Ok(parsed),
            Some(true) => Ok((Node::Not(Box::new(truth(parsed)?)), Kind::Truth)),
            Some(false) => Ok((truth(parsed)?, Kind::Truth)),
        }
    }

    fn comparison(&mut self) -> Parsed {
        let left = self.sum()?;
        let signs = [
            ("<=", Comparison::AtMost),
            (">=", Comparison::AtLeast),
            ("==", Comparison::Equal),
            ("!=", Comparison::Different),
            ("<", Comparison::Less),
            (">", Comparison::More),
        ];
        let Some((_, comparison)) = signs.into_iter().find(|(sign, _)| self.takes_sign(sign))
        else {
            return Ok(left);
        };
        let (left, right) = (number(left)?, number(self.sum()?)?);
        Ok((Node::Compare(comparison, Box::new(left), Box::new(right)), Kind::Truth))
    }

    fn sum(&mut self) -> Parsed {
        let mut left = self.product()?;
        loop {
            let operator = if self.takes_sign("+") {
                Operator::Add
            } else if self.takes_sign("-") {
                Operator::Subtract
            } else {
                return Ok(left);
            };
            left = binary(operator, left, self.product()?)?;
        }
    }

    fn product(&mut self) -> Parsed {
        let mut left = self.sign()?;
        loop {
            let operator = if self.takes_sign("*") {
                Operator::Multiply
            } else if self.takes_sign("/") {
                Operator::Divide
            } else {
                return Ok(left);
            };
            left = binary(operator, left, self.sign()?)?;
        }
    }

    fn sign(&mut self) -> Parsed {
        let mut is_negative = None;
        while self.takes_sign("-") {
            is_negative = Some(!is_negative.unwrap_or(false));
        }
        let parsed = self.power()?;
        match is_negative {
            None => Ok(parsed),
            Some(true) => Ok((Node::Negative(Box::new(number(parsed)?)), Kind::Number)),
            Some(false) => Ok((number(parsed)?, Kind::Number)),
        }
    }

    fn power(&mut self) -> Parsed {
        let base = self.primary()?;
        if !self.takes_sign("^") {
            return Ok(base);
        }
        self.depth += 1;
        if self.depth > DEPTH_MAX {
            return Err(format!("at most {DEPTH_MAX} levels are expected"));
        }
        let exponent = self.sign()?;
        self.depth -= 1;
        binary(Operator::Power, base, exponent)
    }

    fn primary(&mut self) -> Parsed {
        match self.rest.next() {
            Some(Token::Number(number)) => Ok((Node::Number(number.clone()), Kind::Number)),
            Some(Token::Sign("(")) => {
                let inner = self.or()?;
                self.expect(")")?;
                Ok(inner)
            }
            Some(Token::Name(name)) if name == "pi" => {
                let pi = Number::parse(PI).ok_or("pi is no number")?;
                Ok((Node::Number(pi), Kind::Number))
            }
            Some(Token::Name(name)) if name == "if" => self.choice(),
            Some(Token::Name(name)) => match Function::of(name) {
                Some((function, takes)) => self.call(name, function, &takes),
                None => match self.names.get(name) {
                    Some(kind) => Ok((Node::Name(name.clone()), *kind)),
                    None => Err(format!("`{name}` is no parameter before it")),
                },
            },
            other => Err(format!("a number is expected, not {}", word(other))),
        }
    }

    fn call(
        &mut self,
        name: &str,
        function: Function,
        takes: &std::ops::RangeInclusive<usize>,
    ) -> Parsed {
        let arguments = self.arguments()?;
        if !takes.contains(&arguments.len()) {
            let (least, most) = (takes.start(), takes.end());
            return Err(format!(
                "{name}() takes {least} to {most} numbers, not {}",
                arguments.len()
            ));
        }
        let arguments: Result<Vec<Node>, String> = arguments.into_iter().map(number).collect();
        Ok((Node::Call(function, arguments?), Kind::Number))
    }

    fn choice(&mut self) -> Parsed {
        let arguments: Result<[(Node, Kind); 3], _> = self.arguments()?.try_into();
        let [condition, then, otherwise] =
            arguments.map_err(|_| "if() takes a condition and two numbers".to_owned())?;
        let nodes = [truth(condition)?, number(then)?, number(otherwise)?];
        Ok((Node::If(Box::new(nodes)), Kind::Number))
    }

    fn arguments(&mut self) -> Result<Vec<(Node, Kind)>, String> {
        self.expect("(")?;
        let mut arguments = vec![self.or()?];
        while self.takes_sign(",") {
            arguments.push(self.or()?);
        }
        self.expect(")")?;
        Ok(arguments)
    }

    fn expect(&mut self, sign: &str) -> Result<(), String> {
        if self.takes_sign(sign) {
            return Ok(());
        }
        Err(format!("`{sign}` is expected, not {}", word(self.rest.clone().next())))
    }

    fn takes_sign(&mut self, wanted: &str) -> bool {
        self.takes(|token| matches!(token, Token::Sign(sign) if *sign == wanted))
    }

    fn takes_word(&mut self, wanted: &str) -> bool {
        self.takes(|token| matches!(token, Token::Name(name) if name == wanted))
    }

    fn takes(&mut self, is_it: impl Fn(&Token) -> bool) -> bool {
        let is_next = self.rest.clone().next().is_some_and(is_it);
        if is_next {
            self.rest.next();
        }
        is_next
    }
}

fn binary(operator: Operator, left: (Node, Kind), right: (Node, Kind)) -> Parsed {
    let node = Node::Binary(operator, Box::new(number(left)?), Box::new(number(right)?));
    Ok((node, Kind::Number))
}

fn number((node, kind): (Node, Kind)) -> Result<Node, String> {
    match kind {
        Kind::Number => Ok(node),
        Kind::Truth => Err("a number is expected, not a comparison".to_owned()),
        Kind::Text => Err("a number is expected, not a text".to_owned()),
    }
}

fn truth((node, kind): (Node, Kind)) -> Result<Node, String> {
    match kind {
        Kind::Truth => Ok(node),
        Kind::Number | Kind::Text => Err("a comparison is expected, such as a > b".to_owned()),
    }
}

fn word(token: Option<&Token>) -> String {
    match token {
        None => "the end".to_owned(),
        Some(Token::Number(number)) => format!("`{number}`"),
        Some(Token::Name(name)) => format!("`{name}`"),
        Some(Token::Sign(sign)) => format!("`{sign}`"),
    }
}
