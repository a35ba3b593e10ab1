//! Figures as people read them.

use chrono::{DateTime, Utc};

/// `2026-11-24 02:03:04`, in UTC.
pub(super) fn time(at: DateTime<Utc>) -> String {
    at.format("%F %T").to_string()
}

/// `1,234,567`.
pub(super) fn count(number: i64) -> String {
    let digits = number.unsigned_abs().to_string();
    let mut text = String::with_capacity(digits.len() + digits.len() / 3 + 1);
    if number < 0 {
        text.push('-');
    }
    for (at, digit) in digits.chars().enumerate() {
        if at > 0 && (digits.len() - at).is_multiple_of(3) {
            text.push(',');
        }
        text.push(digit);
    }
    text
}

/// `1 node`, `3 nodes`.
pub(super) fn counted(number: usize, noun: &str) -> String {
    let number_text = count(i64::try_from(number).unwrap_or(i64::MAX));
    format!("{number_text} {noun}{}", if number == 1 { "" } else { "s" })
}

/// `43 ms`, `1.2 s`.
pub(super) fn millis(ms: f64) -> String {
    if ms < 1_000.0 { format!("{ms:.0} ms") } else { format!("{:.1} s", ms / 1_000.0) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn thousands_stand_apart() {
        assert_eq!(
            [count(0), count(999), count(1_000), count(-1_234_567)],
            ["0", "999", "1,000", "-1,234,567"]
        );
        assert_eq!((counted(1, "node"), counted(2, "node")), ("1 node".into(), "2 nodes".into()));
    }
}
