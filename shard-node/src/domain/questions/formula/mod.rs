//! Formulas over parameters, in exact decimals.
//!
//! ```text
//! or         = and { "or" and }
//! and        = not { "and" not }
//! not        = "not" not | comparison
//! comparison = sum [ ("<" | "<=" | ">" | ">=" | "==" | "!=") sum ]
//! sum        = product { ("+" | "-") product }
//! product    = sign { ("*" | "/") sign }
//! sign       = "-" sign | power
//! power      = primary [ "^" sign ]
//! primary    = number | name | "pi" | function "(" or { "," or } ")" | "(" or ")"
//! function   = abs, ceil, floor, max, min, mod, round, sqrt: numbers; if: a condition and two numbers
//! ```
//!
//! What must stay true: a formula gives the same value in every build. Sums, differences and products are exact within 60
//! digits; quotients and roots keep 30; `round(x, n)` is half away from zero; `mod(a, b)` has the sign of `b`; a power's
//! exponent is whole, from -100 to 100. What has no value (a division by zero, a number past 1e100) has none here: the
//! values that led there are not drawn.
//!
//! Its length and depth are bounded when it is read, so evaluating one is, too.

mod eval;
mod lex;
mod parse;

pub(super) use eval::{Value, Values};
pub(super) use parse::{Expression, Kind, Names};

/// The longest formula, in bytes.
const FORMULA_MAX: usize = 500;
/// The deepest nesting.
const DEPTH_MAX: usize = 40;

/// Words that no parameter is called.
pub(super) const RESERVED: [&str; 13] =
    ["abs", "and", "ceil", "floor", "if", "max", "min", "mod", "not", "or", "pi", "round", "sqrt"];

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::domain::grading::Number;

    fn of(text: &str) -> Number {
        text.parse().expect("a number")
    }

    fn names() -> Names {
        ["a", "b", "c2"].map(|name| (name.to_owned(), Kind::Number)).into()
    }

    fn eval(text: &str) -> Option<Value> {
        let expression =
            Expression::parse(text, &names()).unwrap_or_else(|why| panic!("{text}: {why}"));
        let values: Values = [("a", "7"), ("b", "-2"), ("c2", "0.5")]
            .map(|(name, value)| (name.to_owned(), Value::Number(of(value))))
            .into();
        expression.eval(&values)
    }

    #[test]
    fn formulas_have_the_values_of_school() {
        for (text, value) in [
            ("1 + 2 * 3", "7"),
            ("(1 + 2) * 3", "9"),
            ("10 - 4 - 3", "3"),
            ("20 / 4 / 5", "1"),
            ("2 ^ 3 ^ 2", "512"),
            ("-2 ^ 2", "-4"),
            ("(-2) ^ 2", "4"),
            ("2 ^ -2", "0.25"),
            ("0 ^ 0", "1"),
            ("a * b + c2", "-13.5"),
            ("--a", "7"),
            ("0.1 + 0.2", "0.3"),
            ("1e3 + .5", "1000.5"),
            ("round(2.345, 2)", "2.35"),
            ("round(-2.5)", "-3"),
            ("round(1250, -2)", "1300"),
            ("ceil(-1.5)", "-1"),
            ("floor(-1.5)", "-2"),
            ("mod(-7, 3)", "2"),
            ("mod(7, -3)", "-2"),
            ("mod(5.5, 2)", "1.5"),
            ("min(3, a, b)", "-2"),
            ("max(3, a, b)", "7"),
            ("abs(b)", "2"),
            ("sqrt(2.25)", "1.5"),
            ("if(a > 5 and not (b > 0), 1, 2)", "1"),
            ("round(pi, 5)", "3.14159"),
            ("round(2 / 3, 4)", "0.6667"),
        ] {
            assert_eq!(eval(text), Some(Value::Number(of(value))), "{text}");
        }
        for (text, truth) in [
            ("a > b", true),
            ("a <= 6.999", false),
            ("a == 7.0 and b != 2", true),
            ("a < 0 or b < 0", true),
            ("not a == 7", false),
            ("(a > 0) and (b > 0)", false),
        ] {
            assert_eq!(eval(text), Some(Value::Truth(truth)), "{text}");
        }
    }

    #[test]
    fn what_has_no_value_has_none() {
        for text in [
            "1 / 0",
            "mod(1, 0)",
            "sqrt(-1)",
            "0 ^ -1",
            "2 ^ 0.5",
            "2 ^ 101",
            "1e99 * 10",
            "10 ^ 100",
            "round(a, c2)",
            "a / (b + 2) > 1",
        ] {
            assert_eq!(eval(text), None, "{text}");
        }
        assert_eq!(eval("if(b == 0, 1 / 0, 5)"), Some(Value::Number(of("5"))));
        assert_eq!(eval("b != -2 and 1 / 0 > 1"), Some(Value::Truth(false)));
    }

    #[test]
    fn what_is_no_formula_is_refused_with_a_reason() {
        let deep = format!("{}1{}", "(".repeat(60), ")".repeat(60));
        let long = format!("1{}", "+1".repeat(300));
        for text in [
            "",
            "1 +",
            "* 2",
            "(1",
            "1)",
            "x",
            "A",
            "1 2",
            "a b",
            "foo(1)",
            "abs()",
            "abs(1, 2)",
            "round(1, 2, 3)",
            "if(1, 2, 3)",
            "if(a > 1, 2, b > 1)",
            "a > b > c2",
            "a + (b > 1)",
            "not a",
            "a and b",
            "1 = 1",
            "a & b",
            "1..2",
            "1e",
            "'a'",
            "a;b",
            "abs",
            "and",
            "1e400",
            "§",
            &deep,
            &long,
        ] {
            assert!(Expression::parse(text, &names()).is_err(), "{text}");
        }
        let texts: Names = [("word".to_owned(), Kind::Text)].into();
        assert!(Expression::parse("word + 1", &texts).is_err());
    }

    proptest! {
        #[test]
        fn no_text_makes_it_panic(text in "\\PC{0,60}") {
            let _ = Expression::parse(&text, &names()).map(|expression| expression.eval(&Values::new()));
        }

        #[test]
        fn no_formula_makes_it_panic(words in prop::collection::vec(
            prop::sample::select(vec!["a", "b", "c2", "1", "0", "9e99", "1e-99", "0.1", "+", "-", "*", "/", "^", "(", ")", ",", "<", "==",
                "and", "or", "not", "if(", "round(", "sqrt(", "mod(", "pi", "min("]), 0..30)) {
            let text = words.join(" ");
            if let Ok(expression) = Expression::parse(&text, &names()) {
                let values: Values = [("a", "7e50"), ("b", "-2"), ("c2", "1e-60")]
                    .map(|(name, value)| (name.to_owned(), Value::Number(of(value)))).into();
                let _ = expression.eval(&values);
            }
        }
    }
}
