//! What makes studying possible for a student: who gets more time, for example. It is nobody's business but the
//! student's, the family's and the office's, and stays out of events.

use garde::Validate;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

/// What a student is granted.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, Validate, ToSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Accommodations {
    /// How much longer time limits are, in percent: 0 to 300.
    #[serde(default)]
    #[garde(range(min = 0, max = 300))]
    pub extra_time_percent: i32,
    /// Whether breaks are granted.
    #[serde(default)]
    #[garde(skip)]
    pub breaks: bool,
    /// What else there is to know.
    #[serde(default)]
    #[garde(length(chars, max = 2000))]
    pub notes: String,
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn what_is_granted_has_bounds_and_a_known_form() {
        let read = |value| serde_json::from_value::<Accommodations>(value);
        for (percent, fits) in [(-1, false), (0, true), (300, true), (301, false)] {
            let granted = read(json!({"extraTimePercent": percent})).expect("of the right form");
            assert_eq!(granted.validate().is_ok(), fits, "{percent}");
        }
        assert!(read(json!({"extraTime": 10})).is_err());
        assert!(read(json!({"notes": "x".repeat(2001)})).expect("a text").validate().is_err());
    }
}
