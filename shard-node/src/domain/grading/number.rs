//! Exact decimal numbers, for what students answer and what questions compute.
//!
//! What must stay true:
//! - Sums, differences and products are exact; what is kept of a quotient or a root is a rule of ours ([`QUOTIENT`]), not
//!   of a library's release: keys that were drawn before are drawn the same again.
//! - A text is bounded before it is read, and a number by [`DIGITS`] and [`EXPONENT`]: `1e999999999` costs nothing.
//!
//! Not `rust_decimal`, which points use: Planck's constant, 6.62607015e-34, has more decimals than it holds.

use std::cmp::Ordering;
use std::fmt;
use std::str::FromStr;

use num_bigint::{BigInt, Sign};
use serde::de::{Deserializer, Error as _, Visitor};
use serde::{Deserialize, Serialize, Serializer};

/// Significant digits that a number may have.
pub(crate) const DIGITS: u32 = 60;
/// A number is less than ten to this, and has at most so many decimals.
pub(crate) const EXPONENT: i32 = 100;
/// Significant digits of a quotient or a root that does not end.
pub(crate) const QUOTIENT: u32 = 30;
/// The longest text that is read, in bytes.
const TEXT_MAX: usize = 300;

/// A decimal number: `digits / 10^scale`, with no zero at the end of its digits.
#[derive(Clone, PartialEq, Eq, Hash)]
pub struct Number {
    digits: BigInt,
    scale: i32,
}

impl Number {
    /// Zero.
    pub fn zero() -> Self {
        Self { digits: BigInt::ZERO, scale: 0 }
    }

    /// Reads `-11.72`, `.5`, `5.`, `6.02e23`; none where it is no number, or past the bounds.
    pub fn parse(text: &str) -> Option<Self> {
        if text.len() > TEXT_MAX {
            return None;
        }
        let (is_negative, rest) = match text.strip_prefix('-') {
            Some(rest) => (true, rest),
            None => (false, text.strip_prefix('+').unwrap_or(text)),
        };
        let (mantissa, exponent) = match rest.split_once(['e', 'E']) {
            Some((mantissa, exponent)) => (mantissa, exponent_of(exponent)?),
            None => (rest, 0),
        };
        let (whole, decimals) = mantissa.split_once('.').unwrap_or((mantissa, ""));
        let digits = [whole, decimals].concat();
        if digits.is_empty() || !digits.bytes().all(|byte| byte.is_ascii_digit()) {
            return None;
        }
        let significant = digits.trim_start_matches('0').trim_end_matches('0');
        if significant.len() > DIGITS as usize {
            return None;
        }
        let decimals = i32::try_from(decimals.len()).ok()?;
        let digits = BigInt::parse_bytes(digits.as_bytes(), 10)?;
        let digits = if is_negative { -digits } else { digits };
        Self { digits, scale: decimals - exponent }.normal().within_bounds()
    }

    /// `a + b`.
    #[must_use]
    pub fn plus(&self, other: &Self) -> Self {
        let (a, b, scale) = aligned(self, other);
        Self { digits: a + b, scale }.normal()
    }

    /// `a - b`.
    #[must_use]
    pub fn minus(&self, other: &Self) -> Self {
        self.plus(&other.negated())
    }

    /// `a * b`.
    #[must_use]
    pub fn times(&self, other: &Self) -> Self {
        Self { digits: &self.digits * &other.digits, scale: self.scale + other.scale }.normal()
    }

    /// `a / b`, exact where it ends within the digits kept, else the nearest (even on a tie); none where `b` is 0.
    pub fn over(&self, other: &Self) -> Option<Self> {
        if other.is_zero() {
            return None;
        }
        // Enough digits, and one that says whether there was more.
        let shift = i64::from(QUOTIENT) + 2 + length(&other.digits) - length(&self.digits);
        let shift = i32::try_from(shift.max(0)).ok()?;
        let dividend = &self.digits * ten_to(shift);
        let (quotient, rest) = (&dividend / &other.digits, &dividend % &other.digits);
        let is_negative = (dividend.sign() == Sign::Minus) != (other.digits.sign() == Sign::Minus);
        let more = i32::from(rest != BigInt::ZERO) * if is_negative { -1 } else { 1 };
        let digits = quotient * 10 + more;
        let exact = Self { digits, scale: self.scale - other.scale + shift + 1 };
        Some(exact.kept(QUOTIENT))
    }

    /// What is left of it by whole times `other`, with the sign of that; none where that is 0.
    pub fn modulo(&self, other: &Self) -> Option<Self> {
        let (a, b, scale) = aligned(self, other);
        if b == BigInt::ZERO {
            return None;
        }
        let rest = a % &b;
        let is_other_side =
            rest != BigInt::ZERO && (rest.sign() == Sign::Minus) != (b.sign() == Sign::Minus);
        let digits = if is_other_side { rest + b } else { rest };
        Some(Self { digits, scale }.normal())
    }

    /// The root; none of what is negative.
    pub fn root(&self) -> Option<Self> {
        if self.digits.sign() == Sign::Minus {
            return None;
        }
        let shift = 2 * i64::from(QUOTIENT) + 4 - length(&self.digits);
        let mut shift = i32::try_from(shift.max(0)).ok()?;
        // Half of the scale is the root's.
        shift += (self.scale + shift).rem_euclid(2);
        let square = &self.digits * ten_to(shift);
        let root = square.sqrt();
        let more = i32::from(&root * &root != square);
        let exact = Self { digits: root * 10 + more, scale: (self.scale + shift) / 2 + 1 };
        Some(exact.kept(QUOTIENT))
    }

    /// The nearest with so many decimals, half away from 0; negative: tens, hundreds and so on.
    #[must_use]
    pub fn rounded(&self, decimals: i32) -> Self {
        self.cut(decimals, |digits, unit| {
            let half = unit / 2;
            let shifted = if digits.sign() == Sign::Minus { digits - half } else { digits + half };
            shifted / unit
        })
    }

    /// The greatest whole number that is not above it.
    #[must_use]
    pub fn floor(&self) -> Self {
        self.cut(0, |digits, unit| {
            let quotient = digits / unit;
            if digits.sign() == Sign::Minus { quotient - 1 } else { quotient }
        })
    }

    /// The number without its sign.
    #[must_use]
    pub fn size(&self) -> Self {
        if self.digits.sign() == Sign::Minus { self.negated() } else { self.clone() }
    }

    /// The number with the other sign.
    #[must_use]
    pub fn negated(&self) -> Self {
        Self { digits: -&self.digits, scale: self.scale }
    }

    /// Whether it is 0.
    pub fn is_zero(&self) -> bool {
        self.digits == BigInt::ZERO
    }

    /// Whether it is below 0.
    pub fn is_negative(&self) -> bool {
        self.digits.sign() == Sign::Minus
    }

    /// The same as a whole number; none where it is none, or a large one.
    pub fn whole(&self) -> Option<i64> {
        if self.scale > 0 {
            return None;
        }
        i64::try_from(&self.digits * ten_to(-self.scale)).ok()
    }

    /// The number as results of computations are kept: with [`DIGITS`] digits, the nearest (even on a tie); none past
    /// the bounds.
    pub fn bounded(&self) -> Option<Self> {
        self.clone().kept(DIGITS).within_bounds()
    }

    fn kept(self, digits: u32) -> Self {
        let excess = i32::try_from(length(&self.digits) - i64::from(digits)).unwrap_or(0);
        if excess <= 0 {
            return self.normal();
        }
        let unit = ten_to(excess);
        let (quotient, rest) = (&self.digits / &unit, &self.digits % &unit);
        let twice = BigInt::from(rest.magnitude().clone()) * 2;
        let is_odd = quotient.bit(0);
        let up = twice > unit || (twice == unit && is_odd);
        let sign = if self.digits.sign() == Sign::Minus { -1 } else { 1 };
        let digits = quotient + if up { sign } else { 0 };
        Self { digits, scale: self.scale - excess }.normal()
    }

    /// What digits past a place come to, by a rule that takes digits and the place's unit.
    fn cut(&self, decimals: i32, rule: impl FnOnce(&BigInt, &BigInt) -> BigInt) -> Self {
        let excess = self.scale - decimals;
        if excess <= 0 {
            return self.clone();
        }
        let digits = rule(&self.digits, &ten_to(excess));
        Self { digits, scale: decimals }.normal()
    }

    fn normal(mut self) -> Self {
        if self.is_zero() {
            return Self::zero();
        }
        let ten = BigInt::from(10);
        loop {
            let (quotient, rest) = (&self.digits / &ten, &self.digits % &ten);
            if rest != BigInt::ZERO {
                return self;
            }
            (self.digits, self.scale) = (quotient, self.scale - 1);
        }
    }

    fn within_bounds(self) -> Option<Self> {
        let size = length(&self.digits) - i64::from(self.scale);
        let fits = self.is_zero() || (size <= i64::from(EXPONENT) && self.scale <= EXPONENT);
        fits.then_some(self)
    }
}

/// The exponent of a text; far past the bounds where it has many digits.
fn exponent_of(text: &str) -> Option<i32> {
    let digits = text.strip_prefix(['+', '-']).unwrap_or(text);
    if digits.is_empty() || !digits.bytes().all(|byte| byte.is_ascii_digit()) {
        return None;
    }
    let digits = digits.trim_start_matches('0');
    if digits.len() > 4 {
        return None;
    }
    let size: i32 = if digits.is_empty() { 0 } else { digits.parse().ok()? };
    Some(if text.starts_with('-') { -size } else { size })
}

fn aligned(a: &Number, b: &Number) -> (BigInt, BigInt, i32) {
    let scale = a.scale.max(b.scale);
    let at = |number: &Number| &number.digits * ten_to(scale - number.scale);
    (at(a), at(b), scale)
}

fn ten_to(power: i32) -> BigInt {
    BigInt::from(10).pow(u32::try_from(power).unwrap_or(0))
}

/// How many digits it is written with.
fn length(digits: &BigInt) -> i64 {
    if *digits == BigInt::ZERO {
        return 1;
    }
    // One or two too few or many by the logarithm; then counted.
    let bits = digits.bits();
    let guess = (bits.saturating_sub(1)).saturating_mul(30_103) / 100_000;
    let mut count = i32::try_from(guess).unwrap_or(i32::MAX).max(0);
    let size = digits.magnitude();
    while *size >= *ten_to(count).magnitude() {
        count += 1;
    }
    i64::from(count)
}

impl Ord for Number {
    fn cmp(&self, other: &Self) -> Ordering {
        let (a, b, _) = aligned(self, other);
        a.cmp(&b)
    }
}

impl PartialOrd for Number {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

impl From<i64> for Number {
    fn from(value: i64) -> Self {
        Self { digits: value.into(), scale: 0 }.normal()
    }
}

impl FromStr for Number {
    type Err = &'static str;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        Self::parse(text).ok_or("a decimal number such as -11.72 or 6.02e23 is expected")
    }
}

/// All of its digits, without an exponent.
impl fmt::Display for Number {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut digits = self.digits.magnitude().to_string();
        if let Ok(zeros) = usize::try_from(-self.scale) {
            digits.extend(std::iter::repeat_n('0', zeros));
        } else {
            let decimals = usize::try_from(self.scale).unwrap_or(0);
            if digits.len() <= decimals {
                digits.insert_str(0, &"0".repeat(decimals + 1 - digits.len()));
            }
            digits.insert(digits.len() - decimals, '.');
        }
        f.pad_integral(!self.is_negative(), "", &digits)
    }
}

impl fmt::Debug for Number {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

impl Serialize for Number {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl<'de> Deserialize<'de> for Number {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Text;
        impl Visitor<'_> for Text {
            type Value = Number;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("a decimal number as text")
            }

            fn visit_str<E: serde::de::Error>(self, text: &str) -> Result<Number, E> {
                text.parse().map_err(E::custom)
            }

            fn visit_i64<E: serde::de::Error>(self, value: i64) -> Result<Number, E> {
                Ok(value.into())
            }

            fn visit_u64<E: serde::de::Error>(self, value: u64) -> Result<Number, E> {
                value.to_string().parse().map_err(E::custom)
            }

            fn visit_f64<E: serde::de::Error>(self, value: f64) -> Result<Number, E> {
                value.to_string().parse().map_err(E::custom)
            }
        }
        deserializer.deserialize_any(Text).map_err(D::Error::custom)
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn of(text: &str) -> Number {
        Number::parse(text).unwrap_or_else(|| panic!("{text} is no number"))
    }

    #[test]
    fn numbers_are_read_and_written() {
        for (text, written) in [
            ("0", "0"),
            ("-0.00", "0"),
            ("007", "7"),
            ("+1.50", "1.5"),
            (".5", "0.5"),
            ("5.", "5"),
            ("-11.72", "-11.72"),
            ("6.02e3", "6020"),
            ("1E-3", "0.001"),
            ("-1.25e+0002", "-125"),
            ("12300", "12300"),
        ] {
            assert_eq!(of(text).to_string(), written, "{text}");
        }
        let planck = format!("0.{}662607015", "0".repeat(33));
        assert_eq!(of("6.62607015e-34").to_string(), planck);
    }

    #[test]
    fn what_is_no_number_or_past_the_bounds_is_refused() {
        let long = "1".repeat(61);
        for text in [
            "",
            "-",
            ".",
            "e5",
            "1e",
            "1e+",
            "1.2.3",
            "1,5",
            " 1",
            "1 ",
            "0x10",
            "1_000",
            "inf",
            "NaN",
            "--1",
            "+-1",
            "1e400",
            "1e-400",
            "1e99999999999999999999",
            "1e101",
            "1e-101",
            "１",
            "½",
            &long,
        ] {
            assert_eq!(Number::parse(text), None, "{text}");
        }
        assert!(Number::parse(&"0".repeat(1_000_000)).is_none());
        assert!(Number::parse(&format!("1{}", "0".repeat(99))).is_some());
    }

    #[test]
    fn quotients_and_roots_keep_thirty_digits_or_all() {
        let over = |a: &str, b: &str| of(a).over(&of(b)).expect("a quotient").to_string();
        assert_eq!(over("1", "8"), "0.125");
        assert_eq!(over("-1", "3"), format!("-0.{}", "3".repeat(30)));
        assert_eq!(over("2", "3"), format!("0.{}7", "6".repeat(29)));
        assert_eq!(over("0", "3"), "0");
        assert_eq!(over("1e49", "1e-50"), of("1e99").to_string());
        assert_eq!(of("1").over(&Number::zero()), None);
        let root = |text: &str| of(text).root().expect("a root").to_string();
        assert_eq!(root("0.25"), "0.5");
        assert_eq!(root("1e50"), of("1e25").to_string());
        assert_eq!(root("2"), "1.41421356237309504880168872421");
        assert_eq!(root("0"), "0");
        assert_eq!(of("-1").root(), None);
    }

    #[test]
    fn rounding_is_half_away_from_zero() {
        for (text, decimals, rounded) in [
            ("2.5", 0, "3"),
            ("-2.5", 0, "-3"),
            ("2.45", 1, "2.5"),
            ("1249", -2, "1200"),
            ("1250", -2, "1300"),
            ("0.04", 1, "0"),
        ] {
            assert_eq!(of(text).rounded(decimals), of(rounded), "{text}");
        }
        for (text, floor) in
            [("2.9", "2"), ("-2.1", "-3"), ("-2", "-2"), ("0.5", "0"), ("-0.5", "-1")]
        {
            assert_eq!(of(text).floor(), of(floor), "{text}");
        }
    }

    prop_compose! {
        fn number()(digits in -1_000_000_000_i64..1_000_000_000, scale in -20_i32..20) -> Number {
            Number { digits: digits.into(), scale }.normal()
        }
    }

    proptest! {
        #[test]
        fn no_text_makes_it_panic(text in "\\PC{0,80}") {
            let _ = Number::parse(&text);
        }

        #[test]
        fn a_text_that_looks_like_a_number_reads_back(text in "[-+]?[0-9]{0,70}(\\.[0-9]{0,70})?([eE][-+]?[0-9]{1,5})?") {
            if let Some(number) = Number::parse(&text) {
                prop_assert_eq!(Number::parse(&number.to_string()), Some(number.clone()));
                let json = serde_json::to_string(&number).expect("it encodes");
                prop_assert_eq!(serde_json::from_str::<Number>(&json).expect("it decodes"), number);
            }
        }

        #[test]
        fn arithmetic_is_exact(a in number(), b in number(), c in number()) {
            prop_assert_eq!(a.plus(&b).minus(&b), a.clone());
            prop_assert_eq!(a.plus(&b).times(&c), a.times(&c).plus(&b.times(&c)));
            prop_assert_eq!(a < b, b.minus(&a) > Number::zero());
            if let Some(quotient) = a.over(&b) {
                // Off by half of the last of 30 digits at most.
                let off = quotient.times(&b).minus(&a).size();
                prop_assert!(off <= a.size().times(&of("1e-29")));
            }
        }

        #[test]
        fn a_root_is_the_root_of_its_square(a in number()) {
            prop_assert_eq!(a.times(&a).root(), Some(a.size()));
        }
    }
}
