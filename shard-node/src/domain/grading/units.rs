//! Points as whole numbers: units of 0.0001, the scale of the columns. Exact, and out of reach of overflow.
//!
//! What must stay true: whatever a decimal is, its units are within [`UNITS_MAX`] of 0, so that products of three of
//! them with small numbers fit 128 bits.

use rust_decimal::Decimal;

/// Units of 1.
pub(super) const ONE: i128 = 10_000;

/// The most that `numeric(12,4)` holds.
pub(super) const UNITS_MAX: i128 = 999_999_999_999;

/// The most points that an item or an assessment may be worth.
pub const POINTS_MAX: Decimal = Decimal::from_parts(1_000_000, 0, 0, false, 0);

/// Whether a decimal is points of an item or an assessment: 0 to a million, with at most 4 decimals.
pub fn is_score(value: Decimal) -> bool {
    (Decimal::ZERO..=POINTS_MAX).contains(&value) && value.normalize().scale() <= 4
}

/// A decimal in units, rounded half up away from 0, and cut to what can be stored.
pub(super) fn units(value: Decimal) -> i128 {
    let mantissa = value.mantissa();
    let scale = value.scale();
    let units = if scale <= 4 {
        mantissa.saturating_mul(10_i128.pow(4 - scale))
    } else {
        divide(mantissa, 10_i128.pow(scale - 4))
    };
    units.clamp(-UNITS_MAX, UNITS_MAX)
}

/// Units as a decimal with 4 decimals.
pub(super) fn decimal(units: i128) -> Decimal {
    Decimal::from_i128_with_scale(units.clamp(-UNITS_MAX, UNITS_MAX), 4)
}

/// `a / b`, rounded half up away from 0. `b` is positive.
pub(super) fn divide(a: i128, b: i128) -> i128 {
    let (quotient, rest) = (a / b, a % b);
    // Not doubled: that could overflow.
    let up = rest.unsigned_abs() >= b.unsigned_abs() - rest.unsigned_abs();
    if rest != 0 && up { quotient + a.signum() } else { quotient }
}

/// A part of something: `of / all`, from 0 to 1 where it is applied. `all` is positive.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Part {
    pub(super) of: i128,
    pub(super) all: i128,
}

impl Part {
    pub(super) const NONE: Self = Self { of: 0, all: 1 };
    pub(super) const WHOLE: Self = Self { of: 1, all: 1 };

    /// A fraction as a question states it.
    pub(super) fn fraction(value: Decimal) -> Self {
        Self { of: units(value), all: ONE }
    }

    /// So many of so many; nothing of nothing.
    pub(super) fn count(of: usize, all: usize) -> Self {
        if all == 0 {
            return Self::NONE;
        }
        // A count of what is in memory.
        Self { of: i128::try_from(of).unwrap_or(0), all: i128::try_from(all).unwrap_or(1) }
    }

    /// What it is of so many units: never less than none, never more than all.
    pub(super) fn of_units(self, units: i128) -> i128 {
        divide(units.saturating_mul(self.of.clamp(0, self.all)), self.all)
    }
}

/// Splits points by weights into parts of 0.0001 that add up to them exactly; the remainder goes to those who lost
/// most by rounding, the first among equals. Equal parts where the weights say nothing.
pub(crate) fn split(points: Decimal, weights: &[Decimal]) -> Vec<Decimal> {
    let total = units(points).max(0);
    let mut shares: Vec<i128> = weights.iter().map(|weight| units(*weight).max(0)).collect();
    if shares.iter().all(|share| *share == 0) {
        shares.fill(1);
    }
    let sum: i128 = shares.iter().sum();
    if sum == 0 {
        return Vec::new();
    }
    let mut parts: Vec<i128> = shares.iter().map(|share| total * share / sum).collect();
    let mut by_loss: Vec<usize> = (0..parts.len()).collect();
    by_loss.sort_by_key(|index| std::cmp::Reverse(total * shares[*index] % sum));
    let missing = total - parts.iter().sum::<i128>();
    for index in by_loss.into_iter().take(usize::try_from(missing).unwrap_or_default()) {
        parts[index] += 1;
    }
    parts.into_iter().map(decimal).collect()
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn of(text: &str) -> Decimal {
        text.parse().expect("a decimal")
    }

    #[test]
    fn units_round_half_up_and_stay_within_what_is_stored() {
        assert_eq!(units(of("1.00005")), 10_001);
        assert_eq!(units(of("1.00004999999999999999999999")), 10_000);
        assert_eq!(units(of("-1.00005")), -10_001);
        assert_eq!(units(Decimal::MAX), UNITS_MAX);
        assert_eq!(units(Decimal::MIN), -UNITS_MAX);
        assert_eq!(decimal(UNITS_MAX).to_string(), "99999999.9999");
    }

    #[test]
    fn what_is_split_adds_up() {
        assert_eq!(split(of("1"), &[of("1"); 3]), [of("0.3334"), of("0.3333"), of("0.3333")]);
        assert_eq!(split(of("10"), &[of("1"), of("0"), of("3")]), [of("2.5"), of("0"), of("7.5")]);
        assert_eq!(split(of("2"), &[of("0"), of("0")]), [of("1"), of("1")]);
        assert_eq!(split(of("2"), &[]), []);
    }

    proptest! {
        #[test]
        fn every_split_adds_up(total in 0_i64..=10_000_000_000, weights in prop::collection::vec(0_i64..1_000_000, 1..40)) {
            let points = Decimal::new(total, 4);
            let weights: Vec<Decimal> = weights.into_iter().map(|weight| Decimal::new(weight, 4)).collect();
            prop_assert_eq!(split(points, &weights).iter().sum::<Decimal>(), points);
        }

        #[test]
        fn a_quotient_is_the_nearest(a in -1_000_000_i128..1_000_000, b in 1_i128..1_000) {
            let quotient = divide(a, b);
            prop_assert!((2 * (a - quotient * b)).abs() <= b);
            prop_assert_eq!(divide(-a, b), -quotient);
        }
    }
}
