//! What a percent is called and comes to in a class. Pure but for reading the scale.

use rust_decimal::Decimal;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;
use uuid::Uuid;

use super::store;
use crate::domain::grading::totals::{Band, label};
use crate::error::Error;
use crate::store::TenantTx;

/// What passes where neither class nor institution says.
const PASS_MARK: Decimal = Decimal::from_parts(50, 0, 0, false, 0);

/// What an enrolment came to.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, sqlx::Type, ToSchema)]
#[serde(rename_all = "UPPERCASE")]
#[sqlx(type_name = "text", rename_all = "UPPERCASE")]
pub enum Outcome {
    /// Passed.
    Pass,
    /// Passed with distinction.
    Distinction,
    /// Not passed.
    Fail,
    /// Left before the end.
    Withdrawn,
    /// Recognised without being done here.
    Exempt,
    /// Still to be completed.
    Incomplete,
}

impl Outcome {
    /// The word in JSON and in the database.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Pass => "PASS",
            Self::Distinction => "DISTINCTION",
            Self::Fail => "FAIL",
            Self::Withdrawn => "WITHDRAWN",
            Self::Exempt => "EXEMPT",
            Self::Incomplete => "INCOMPLETE",
        }
    }

    /// Whether who has it went through to the end.
    pub(super) fn completes(self) -> bool {
        matches!(self, Self::Pass | Self::Distinction | Self::Fail | Self::Exempt)
    }
}

/// A scale, as a class goes by it.
#[derive(Debug, Clone)]
pub(super) struct Marks {
    bands: Vec<Band>,
    pass: Decimal,
    distinction: Option<Decimal>,
}

/// What a percent comes to.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Called {
    pub(super) letter: Option<String>,
    pub(super) outcome: Outcome,
}

impl Marks {
    /// The class's own, the institution's default, or half of everything.
    pub(super) async fn of_class(tx: &mut TenantTx, class: Uuid) -> Result<Self, Error> {
        let scale = store::scale_of(tx, class).await?;
        Ok(scale.map_or(Self { bands: Vec::new(), pass: PASS_MARK, distinction: None }, |scale| {
            Self {
                bands: scale.bands.0,
                pass: scale.pass_mark,
                distinction: scale.distinction_mark,
            }
        }))
    }

    /// What a percent, as it is stored, comes to.
    pub(super) fn call(&self, percent: Decimal) -> Called {
        let outcome = match self.distinction {
            Some(mark) if percent >= mark => Outcome::Distinction,
            _ if percent >= self.pass => Outcome::Pass,
            _ => Outcome::Fail,
        };
        Called { letter: label(&self.bands, percent).map(str::to_owned), outcome }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_mark_is_reached_at_its_percent_and_not_before() {
        let of = |text: &str| text.parse::<Decimal>().expect("a decimal");
        let band =
            |label: &str, from: &str| Band { label: label.to_owned(), from_percent: of(from) };
        let marks = Marks {
            bands: vec![band("F", "0"), band("C", "40"), band("A", "70")],
            pass: of("40"),
            distinction: Some(of("85")),
        };
        for (percent, letter, outcome) in [
            ("39.9999", "F", Outcome::Fail),
            ("40", "C", Outcome::Pass),
            ("84.9999", "A", Outcome::Pass),
            ("85", "A", Outcome::Distinction),
        ] {
            let called = marks.call(of(percent));
            assert_eq!((called.letter.as_deref(), called.outcome), (Some(letter), outcome));
        }
    }
}
