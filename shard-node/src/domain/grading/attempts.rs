//! What several attempts come to.

use rust_decimal::Decimal;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::units::{decimal, divide, units};

/// Which attempt counts.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "SCREAMING_SNAKE_CASE")]
pub enum AttemptPolicy {
    /// The best.
    #[default]
    Best,
    /// The last.
    Last,
    /// The first.
    First,
    /// All of them, by their mean.
    Average,
}

impl AttemptPolicy {
    /// All of them.
    pub const ALL: [Self; 4] = [Self::Best, Self::Last, Self::First, Self::Average];

    /// As it is stored and sent.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Best => "BEST",
            Self::Last => "LAST",
            Self::First => "FIRST",
            Self::Average => "AVERAGE",
        }
    }

    /// The policy of a word.
    pub fn of(word: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|policy| policy.as_str() == word)
    }
}

/// The score of attempts, which are in their order, after lateness. None of none.
pub fn over(policy: AttemptPolicy, scores: &[Decimal]) -> Option<Decimal> {
    match policy {
        AttemptPolicy::Best => scores.iter().max().copied(),
        AttemptPolicy::Last => scores.last().copied(),
        AttemptPolicy::First => scores.first().copied(),
        AttemptPolicy::Average => {
            let count = i128::try_from(scores.len()).ok().filter(|count| *count > 0)?;
            let sum: i128 = scores.iter().map(|score| units(*score)).sum();
            Some(decimal(divide(sum, count)))
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_policy_has_its_own_score() {
        let scores = ["7.5", "9", "3.1"].map(|text| text.parse::<Decimal>().expect("a decimal"));
        let score = |policy| over(policy, &scores).expect("a score").to_string();
        assert_eq!(score(AttemptPolicy::Best), "9");
        assert_eq!(score(AttemptPolicy::Last), "3.1");
        assert_eq!(score(AttemptPolicy::First), "7.5");
        assert_eq!(score(AttemptPolicy::Average), "6.5333");
        for policy in AttemptPolicy::ALL {
            assert_eq!(over(policy, &[]), None);
            assert_eq!(AttemptPolicy::of(policy.as_str()), Some(policy));
        }
    }

    #[test]
    fn a_mean_is_rounded_half_up() {
        let scores = [Decimal::new(1, 4), Decimal::ZERO];
        assert_eq!(over(AttemptPolicy::Average, &scores), Some(Decimal::new(1, 4)));
    }
}
