//! Exact quotients of whole numbers, as large as they get.

use num_bigint::BigInt;
use rust_decimal::Decimal;

use super::super::units::{ONE, UNITS_MAX, decimal};

/// `above / below`; `below` is positive.
#[derive(Debug, Clone)]
pub(super) struct Quotient {
    above: BigInt,
    below: BigInt,
}

impl Quotient {
    pub(super) fn zero() -> Self {
        Self { above: BigInt::ZERO, below: BigInt::from(1) }
    }

    /// None where nothing is divided by.
    pub(super) fn of(above: i128, below: i128) -> Option<Self> {
        (below > 0).then(|| Self { above: above.into(), below: below.into() })
    }

    pub(super) fn plus(&self, other: &Self) -> Self {
        let above = &self.above * &other.below + &other.above * &self.below;
        Self { above, below: &self.below * &other.below }
    }

    pub(super) fn times(self, factor: i128) -> Self {
        Self { above: self.above * factor, below: self.below }
    }

    pub(super) fn over(self, divisor: i128) -> Option<Self> {
        (divisor > 0).then(|| Self { above: self.above, below: self.below * divisor })
    }

    /// In percent, rounded half up to 4 decimals. It is not negative.
    pub(super) fn percent(self) -> Decimal {
        let twice: BigInt = self.above * (2 * 100 * ONE) + &self.below;
        let units: BigInt = twice / (self.below * 2);
        decimal(i128::try_from(units).unwrap_or(UNITS_MAX))
    }
}
