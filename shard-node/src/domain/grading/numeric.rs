//! Numbers: within a tolerance of a value, or in a range; both ends count.

use rust_decimal::Decimal;
use serde_json::{Value, json};

use super::answer::{self, Read};
use super::units::Part;
use super::{GradingPolicy, Number, NumericRule, Within};

/// The longest number, in bytes.
const NUMBER_MAX: usize = 300;

/// The best part that accepts the number.
pub(super) fn numeric(
    rule: &NumericRule,
    answer: Option<&Value>,
    policy: &GradingPolicy,
) -> Read<Part> {
    number(answer, policy).and_then(|number| {
        let accepting = rule.accepted.iter().filter(|accepted| accepted.within.holds(&number));
        let best = accepting.map(|accepted| accepted.fraction).max();
        Read::Given(best.map_or(Part::NONE, Part::fraction))
    })
}

/// The number that an answer writes, as JSON or as text.
fn number(answer: Option<&Value>, policy: &GradingPolicy) -> Read<Number> {
    if let Some(Value::Number(number)) = answer {
        return Read::of(Number::parse(&number.to_string()));
    }
    answer::text(answer, NUMBER_MAX).and_then(|text| Read::of(Number::parse(&plain(text, policy))))
}

/// The text as a keyboard for ASCII writes it. Not NFKC, which makes 102 of 10².
fn plain(text: &str, policy: &GradingPolicy) -> String {
    let ascii = |c: char| match c {
        '\u{2212}' => '-',
        // The full-width forms of ASCII, of East Asian keyboards.
        '\u{ff01}'..='\u{ff5e}' => {
            u32::from(c).checked_sub(0xfee0).and_then(char::from_u32).unwrap_or(c)
        }
        c => c,
    };
    let plain: String = text.trim().chars().map(ascii).collect();
    if policy.decimal_comma && !plain.contains('.') { plain.replacen(',', ".", 1) } else { plain }
}

impl Within {
    /// Whether the number is in it, its ends included.
    pub fn holds(&self, number: &Number) -> bool {
        match self {
            Self::Absolute { value, tolerance } => number.minus(value).size() <= *tolerance,
            Self::Relative { value, tolerance } => {
                number.minus(value).size() <= tolerance.times(&value.size())
            }
            Self::Geometric { value, tolerance } => {
                let factor = tolerance.plus(&Number::from(1));
                let (size, wanted) = (number.size(), value.size());
                number.is_negative() == value.is_negative()
                    && size.times(&factor) >= wanted
                    && size <= wanted.times(&factor)
            }
            Self::Range { min, max } => min <= number && number <= max,
        }
    }
}

/// A number that is worth the most.
pub(super) fn best(rule: &NumericRule) -> Value {
    // The first among equals.
    let best = rule.accepted.iter().rev().max_by_key(|accepted| accepted.fraction);
    best.filter(|best| best.fraction > Decimal::ZERO).map_or(Value::Null, |best| {
        match &best.within {
            Within::Absolute { value, .. }
            | Within::Relative { value, .. }
            | Within::Geometric { value, .. } => json!(value),
            Within::Range { min, .. } => json!(min),
        }
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::grading::AcceptedNumber;

    fn of(text: &str) -> Number {
        text.parse().expect("a number")
    }

    fn absolute(value: &str, tolerance: &str) -> Within {
        Within::Absolute { value: of(value), tolerance: of(tolerance) }
    }

    #[test]
    fn a_tolerance_includes_its_ends_where_binary_fractions_would_not() {
        // In f64, -11.7 - 0.02 is -11.719999999999999, and refuses -11.72.
        assert!((-11.7_f64 - -11.72_f64).abs() > 0.02);
        let within = absolute("-11.7", "0.02");
        for (text, holds) in
            [("-11.72", true), ("-11.68", true), ("-11.7200000001", false), ("-11.679", false)]
        {
            assert_eq!(within.holds(&of(text)), holds, "{text}");
        }
    }

    #[test]
    fn a_relative_tolerance_is_a_part_of_the_value_and_a_geometric_one_a_factor() {
        let relative = Within::Relative { value: of("-200"), tolerance: of("0.01") };
        for (text, holds) in [("-202", true), ("-198", true), ("-202.0001", false), ("200", false)]
        {
            assert_eq!(relative.holds(&of(text)), holds, "{text}");
        }
        let geometric = Within::Geometric { value: of("-200"), tolerance: of("0.25") };
        for (text, holds) in [
            ("-250", true),
            ("-160", true),
            ("-159.99", false),
            ("-250.01", false),
            ("200", false),
            ("0", false),
        ] {
            assert_eq!(geometric.holds(&of(text)), holds, "{text}");
        }
        let zero = Within::Geometric { value: of("0"), tolerance: of("0.25") };
        assert!(zero.holds(&of("0")) && !zero.holds(&of("0.1")) && !zero.holds(&of("-0.1")));
        let range = Within::Range { min: of("1"), max: of("2") };
        assert!(
            range.holds(&of("1.0")) && range.holds(&of("2")) && !range.holds(&of("2.000000001"))
        );
        let planck = Within::Relative { value: of("6.62607015e-34"), tolerance: of("0.001") };
        assert!(planck.holds(&of("6.626e-34")) && !planck.holds(&of("6.6e-34")));
    }

    #[test]
    fn the_best_that_accepts_counts() {
        let accepted = |tolerance: &str, fraction: i64| AcceptedNumber {
            within: absolute("10", tolerance),
            fraction: Decimal::new(fraction, 2),
        };
        let rule = NumericRule { accepted: vec![accepted("1", 50), accepted("0.1", 100)] };
        let part = |answer: Value| numeric(&rule, Some(&answer), &GradingPolicy::default());
        assert_eq!(part(json!("10.1")), Read::Given(Part::fraction(Decimal::ONE)));
        assert_eq!(part(json!(10.5)), Read::Given(Part::fraction(Decimal::new(5, 1))));
        assert_eq!(part(json!("12")), Read::Given(Part::NONE));
        assert_eq!(best(&rule), json!("10"));
    }

    #[test]
    fn numbers_are_read_as_people_write_them() {
        let policy = GradingPolicy::default();
        let comma = GradingPolicy { decimal_comma: true };
        let read = |text: &str, policy: &GradingPolicy| number(Some(&json!(text)), policy);
        for text in ["-1.5", " \u{2212}1.5 ", "-1.50", "\u{ff0d}１．５", "-15e-1"] {
            assert_eq!(read(text, &policy), Read::Given(of("-1.5")), "{text}");
        }
        for text in ["1,5", "10²", "1 000", "1.5 m", "1e400", "half", &"9".repeat(1_000_000)] {
            assert_eq!(read(text, &policy), Read::Malformed);
        }
        assert_eq!(read("1,5", &comma), Read::Given(of("1.5")));
        assert_eq!(read("1.5", &comma), Read::Given(of("1.5")));
        assert_eq!(read("1,000.5", &comma), Read::Malformed);
        assert_eq!(read("1,000,5", &comma), Read::Malformed);
        assert_eq!(number(Some(&json!(1.0e300)), &policy), Read::Malformed);
        assert_eq!(number(Some(&json!(true)), &policy), Read::Malformed);
        assert_eq!(number(Some(&json!(" ")), &policy), Read::Blank);
    }
}
