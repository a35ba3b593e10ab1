//! Scales: what a percentage is called.
//!
//! What must stay true: a scale names every percentage from 0 on; a band begins at its percentage, that included; what
//! is compared is the percentage as it is stored, rounded to 4 decimals.

use std::collections::BTreeSet;

use rust_decimal::Decimal;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

/// The most bands of a scale.
const BANDS_MAX: usize = 50;
/// The longest name of a band, in characters.
const LABEL_MAX: usize = 30;

/// A band of a scale.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
#[schema(as = ScaleBand)]
pub struct Band {
    /// What it is called, such as `A-`.
    pub label: String,
    /// The percentage that it begins at.
    pub from_percent: Decimal,
}

/// What a percentage is called, whatever the order of the bands.
pub fn label(bands: &[Band], percent: Decimal) -> Option<&str> {
    let reached = bands.iter().filter(|band| band.from_percent <= percent);
    reached.max_by_key(|band| band.from_percent).map(|band| band.label.as_str())
}

/// Whether bands make a scale; else the index of the one at fault (none: all of them), and what is expected.
pub fn check_bands(bands: &[Band]) -> Result<(), (Option<usize>, &'static str)> {
    if bands.is_empty() || bands.len() > BANDS_MAX {
        return Err((None, "1 to 50 bands are expected"));
    }
    let (mut labels, mut starts) = (BTreeSet::new(), BTreeSet::new());
    for (index, band) in bands.iter().enumerate() {
        let fault = if !(1..=LABEL_MAX).contains(&band.label.chars().count()) {
            "a label of 1 to 30 characters is expected"
        } else if !(Decimal::ZERO..=Decimal::from(1_000)).contains(&band.from_percent)
            || band.from_percent.normalize().scale() > 4
        {
            "0 to 1000 percent with at most 4 decimals is expected"
        } else if !labels.insert(&band.label) {
            "a label that no other band has is expected"
        } else if !starts.insert(band.from_percent) {
            "a percentage that no other band begins at is expected"
        } else {
            continue;
        };
        return Err((Some(index), fault));
    }
    if starts.first().is_some_and(|least| !least.is_zero()) {
        return Err((None, "a band that begins at 0 is expected"));
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn bands(bands: &[(&str, &str)]) -> Vec<Band> {
        let band = |(label, from): &(&str, &str)| Band {
            label: (*label).to_owned(),
            from_percent: from.parse().expect("a decimal"),
        };
        bands.iter().map(band).collect()
    }

    #[test]
    fn a_band_begins_at_its_percentage() {
        let scale = bands(&[("F", "0"), ("A", "90"), ("B", "79.5")]);
        assert_eq!(check_bands(&scale), Ok(()));
        for (percent, wanted) in [
            ("100.5", "A"),
            ("90", "A"),
            ("89.9999", "B"),
            ("79.5", "B"),
            ("79.4999", "F"),
            ("0", "F"),
        ] {
            assert_eq!(
                label(&scale, percent.parse().expect("a decimal")),
                Some(wanted),
                "{percent}"
            );
        }
        assert_eq!(label(&[], Decimal::ZERO), None);
    }

    #[test]
    fn a_scale_names_all_and_no_two_alike() {
        for (wrong, at) in [
            (&[][..], None),
            (&[("A", "1")], None),
            (&[("A", "0"), ("A", "50")], Some(1)),
            (&[("A", "0"), ("B", "0.0")], Some(1)),
            (&[("", "0")], Some(0)),
            (&[("A", "0"), ("B", "50.00001")], Some(1)),
            (&[("A", "-1"), ("B", "0")], Some(0)),
        ] {
            assert_eq!(check_bands(&bands(wrong)).expect_err("refused").0, at, "{wrong:?}");
        }
    }
}
