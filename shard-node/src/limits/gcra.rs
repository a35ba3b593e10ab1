//! The generic cell rate algorithm, as arithmetic. Pure; times in microseconds on any one clock. `rate.lua` does the
//! same on Redis' clock.
//!
//! A budget of N a minute is a debt that each request raises by a minute / N and that time pays off; it is used up
//! where the debt would pass a minute.

/// A minute.
pub(super) const WINDOW_US: f64 = 60_000_000.0;

/// What one request costs of a budget.
pub(super) fn interval_us(per_minute: u32) -> f64 {
    WINDOW_US / f64::from(per_minute.max(1))
}

/// The debt after `cost` more, or how long to wait until that is possible.
pub(super) fn charge(debt_us: f64, per_minute: u32, cost: u32) -> Result<f64, f64> {
    let after = debt_us.max(0.0) + f64::from(cost) * interval_us(per_minute);
    // A millionth of a request: what rounding may add up to.
    if after <= WINDOW_US + interval_us(per_minute) * 1e-6 {
        Ok(after)
    } else {
        Err(after - WINDOW_US)
    }
}

/// How many requests are left.
pub(super) fn remaining(debt_us: f64, per_minute: u32) -> u32 {
    let left = (WINDOW_US - debt_us.max(0.0)) / interval_us(per_minute) + 1e-6;
    whole(left.floor()).min(per_minute)
}

/// Seconds, rounded up.
pub(super) fn seconds(us: f64) -> u32 {
    whole((us / 1_000_000.0).ceil())
}

fn whole(number: f64) -> u32 {
    // Saturating, and 0 for what is negative: that is what `as` does with floats.
    #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "it saturates")]
    let whole = number as u32;
    whole
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn a_budget_can_be_spent_at_once_and_is_then_paid_back_evenly() {
        let mut debt = 0.0;
        for left in (0..1_000).rev() {
            debt = charge(debt, 1_000, 1).expect("within the budget");
            assert_eq!(remaining(debt, 1_000), left);
        }
        let wait = charge(debt, 1_000, 1).expect_err("used up");
        assert!((wait - 60_000.0).abs() < 1.0, "{wait}");
        assert!(charge(debt - 60_000.0, 1_000, 1).is_ok());
        assert_eq!((seconds(wait), seconds(0.0), seconds(1_000_001.0)), (1, 0, 2));
    }

    proptest! {
        /// In no minute, wherever it begins, twice the budget is passed; and what is left can be spent.
        #[test]
        fn no_more_than_the_budget_is_let_through(per_minute in 1_u32..5_000, costs in prop::collection::vec((1_u32..60, 0_u32..2_000), 1..200)) {
            let (mut debt, mut passed, mut elapsed) = (0.0_f64, 0_u32, 0.0);
            for (cost, pause_ms) in costs {
                debt = (debt - f64::from(pause_ms) * 1e3).max(0.0);
                elapsed += f64::from(pause_ms) * 1e3;
                let left = remaining(debt, per_minute);
                match charge(debt, per_minute, cost) {
                    Ok(after) => {
                        prop_assert!(cost <= left);
                        debt = after;
                        passed += cost;
                    }
                    Err(wait) => prop_assert!(wait > 0.0 && cost > left),
                }
                let paid_back = elapsed / interval_us(per_minute);
                prop_assert!(f64::from(passed) <= f64::from(per_minute) + paid_back + 1.0);
            }
        }
    }
}
