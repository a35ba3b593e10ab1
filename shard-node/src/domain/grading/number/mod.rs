//! Exact decimal numbers, for what students answer and what questions compute.
//!
//! What must stay true:
//! - Sums, differences and products are exact; what is kept of a quotient or a root is a rule of ours ([`QUOTIENT`]), not
//!   of a library's release: keys that were drawn before are drawn the same again.
//! - A text is bounded before it is read, and a number by [`DIGITS`] and [`EXPONENT`]: `1e999999999` costs nothing.
//!
//! Not `rust_decimal`, which points use: Planck's constant, 6.62607015e-34, has more decimals than it holds.

#[cfg(test)]
mod tests;
mod text;

use std::cmp::Ordering;

use num_bigint::{BigInt, Sign};

/// Significant digits that a number may have.
pub(crate) const DIGITS: u32 = 60;
/// A number is less than ten to this, and has at most so many decimals.
pub(crate) const EXPONENT: i32 = 100;
/// Significant digits of a quotient or a root that does not end.
pub(crate) const QUOTIENT: u32 = 30;

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
        let exact = Self { digits: root * 10 + more, scale: i32::midpoint(self.scale, shift) + 1 };
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
