//! Short texts: compared after NFKC, trimming and collapsing of white space, and folding of case unless it counts.
//!
//! What must stay true: a pattern is matched in time linear in the text (the `regex` crate), to the whole of it, and is
//! bounded in length and in what it compiles to.

use std::sync::LazyLock;

use moka::sync::Cache;
use regex::{Regex, RegexBuilder};
use rust_decimal::Decimal;
use serde_json::{Value, json};
use unicode_normalization::UnicodeNormalization as _;

use super::answer::{self, Read, SHORT_TEXT_MAX};
use super::units::Part;
use super::{AcceptedText, ShortTextRule};

/// The longest pattern, in bytes.
const PATTERN_MAX: usize = 500;
/// What a pattern may compile to, in bytes.
const COMPILED_MAX: usize = 512 * 1024;
/// What matching one may keep between two texts, in bytes.
const MATCHING_MAX: usize = 256 * 1024;
/// The longest normalised text, in bytes: some characters become eighteen.
const NORMAL_MAX: usize = 2 * SHORT_TEXT_MAX;
/// Compiled patterns that are kept; those of the papers that are graded right now.
const PATTERNS_MAX: u64 = 64;

static PATTERNS: LazyLock<Cache<(String, bool), Option<Regex>>> =
    LazyLock::new(|| Cache::new(PATTERNS_MAX));

/// The best part that accepts the text.
pub(super) fn short_text(rule: &ShortTextRule, answer: Option<&Value>) -> Read<Part> {
    answer::text(answer, SHORT_TEXT_MAX).and_then(|text| {
        let given = Given::of(text, rule.case_sensitive);
        if given.normal.len() > NORMAL_MAX {
            return Read::Malformed;
        }
        let accepting = rule.accepted.iter().filter(|accepted| given.is(accepted));
        let best = accepting.map(|accepted| accepted.fraction).max();
        Read::Given(best.map_or(Part::NONE, Part::fraction))
    })
}

/// A text that is worth the most.
pub(super) fn best(rule: &ShortTextRule) -> Value {
    // The first among equals.
    let best = rule.accepted.iter().rev().max_by_key(|accepted| accepted.fraction);
    json!(best.filter(|best| best.fraction > Decimal::ZERO).map(|best| &best.text))
}

/// Whether a pattern may be used, and matches its example; else why not.
pub(crate) fn check_pattern(
    pattern: &str,
    example: &str,
    case_sensitive: bool,
) -> Result<(), String> {
    if pattern.len() > PATTERN_MAX {
        return Err(format!("at most {PATTERN_MAX} bytes are expected"));
    }
    let regex = compile(pattern, case_sensitive)?;
    if regex.is_match(&normal(example)) {
        return Ok(());
    }
    Err("a pattern that matches the whole of its text is expected".to_owned())
}

/// A text that is compared with what is accepted.
struct Given {
    normal: String,
    /// The same with its case folded, unless that counts.
    compared: String,
    case_sensitive: bool,
}

impl Given {
    fn of(text: &str, case_sensitive: bool) -> Self {
        let normal = normal(text);
        let compared = if case_sensitive { normal.clone() } else { folded(&normal) };
        Self { normal, compared, case_sensitive }
    }

    fn is(&self, accepted: &AcceptedText) -> bool {
        match &accepted.pattern {
            Some(pattern) => compiled(pattern, self.case_sensitive)
                .is_some_and(|regex| regex.is_match(&self.normal)),
            None => Self::of(&accepted.text, self.case_sensitive).compared == self.compared,
        }
    }
}

/// NFKC, without white space around it, and one space for each run of it within.
fn normal(text: &str) -> String {
    let text: String = text.nfkc().collect();
    let mut words = text.split_whitespace();
    let mut normal = words.next().unwrap_or_default().to_owned();
    for word in words {
        normal.push(' ');
        normal.push_str(word);
    }
    normal
}

/// The same for texts that differ in case alone: as `ß` and `SS`, or the two small sigmas of Greek.
fn folded(normal: &str) -> String {
    let upper = normal.chars().flat_map(char::to_uppercase);
    upper.flat_map(char::to_lowercase).nfkc().collect()
}

fn compiled(pattern: &str, case_sensitive: bool) -> Option<Regex> {
    // A pattern was checked when its question was written; what does not compile matches nothing.
    PATTERNS
        .get_with((pattern.to_owned(), case_sensitive), || compile(pattern, case_sensitive).ok())
}

fn compile(pattern: &str, case_sensitive: bool) -> Result<Regex, String> {
    let build = |pattern: &str| {
        RegexBuilder::new(pattern)
            .case_insensitive(!case_sensitive)
            .size_limit(COMPILED_MAX)
            .dfa_size_limit(MATCHING_MAX)
            .nest_limit(50)
            .build()
            .map_err(|error| error.to_string())
    };
    // By itself first: `a)|(b` would leave the anchors.
    build(pattern)?;
    build(&format!(r"\A(?:{pattern})\z"))
}

#[cfg(test)]
mod tests {
    use std::time::{Duration, Instant};

    use super::*;

    fn rule(texts: &[(&str, i64)], case_sensitive: bool) -> ShortTextRule {
        let accepted = |(text, percent): &(&str, i64)| AcceptedText {
            text: (*text).to_owned(),
            pattern: None,
            fraction: Decimal::new(*percent, 2),
        };
        ShortTextRule { accepted: texts.iter().map(accepted).collect(), case_sensitive }
    }

    fn pattern(pattern: &str, case_sensitive: bool) -> ShortTextRule {
        let accepted = AcceptedText {
            text: String::new(),
            pattern: Some(pattern.to_owned()),
            fraction: Decimal::ONE,
        };
        ShortTextRule { accepted: vec![accepted], case_sensitive }
    }

    fn percent(rule: &ShortTextRule, text: &str) -> i128 {
        match short_text(rule, Some(&json!(text))) {
            Read::Given(part) => part.of_units(100),
            other => panic!("{other:?}"),
        }
    }

    #[test]
    fn texts_are_compared_by_what_people_see() {
        let paris = rule(&[("Paris", 100), ("Lutetia  Parisiorum", 50)], false);
        for text in ["paris", " PARIS\n", "Ｐａｒｉｓ", "pari\u{73}"] {
            assert_eq!(percent(&paris, text), 100, "{text}");
        }
        assert_eq!(percent(&paris, "lutetia\u{a0}\tparisiorum"), 50);
        assert_eq!(percent(&paris, "Par is"), 0);
        assert_eq!(percent(&rule(&[("Paris", 100)], true), "paris"), 0);
        assert_eq!(percent(&rule(&[("Straße", 100)], false), "STRASSE"), 100);
        assert_eq!(percent(&rule(&[("ΣΊΣΥΦΟΣ", 100)], false), "σίσυφος"), 100);
        assert_eq!(percent(&rule(&[("e\u{301}tude", 100)], true), "étude"), 100);
        assert_eq!(percent(&rule(&[("H2O", 100)], false), "H₂O"), 100);
    }

    #[test]
    fn a_pattern_is_for_the_whole_text() {
        assert_eq!(percent(&pattern("colou?r", false), " Color "), 100);
        assert_eq!(percent(&pattern("colou?r", true), "Color"), 0);
        assert_eq!(percent(&pattern("colou?r", false), "colors"), 0);
        assert_eq!(percent(&pattern("a|ab", false), "ab"), 100);
        assert_eq!(percent(&pattern("a)|(b", false), "xb"), 0);
        assert_eq!(percent(&pattern("(?x)a # b", false), "ac"), 0);
        assert_eq!(percent(&pattern("(?m)^a$", false), "a\nb"), 0);
    }

    #[test]
    fn a_pattern_that_is_none_or_large_or_misses_its_example_is_refused() {
        assert_eq!(check_pattern("colou?r", "color", true), Ok(()));
        assert_eq!(check_pattern(r"\w+ \d{1,3}", "Room 12", false), Ok(()));
        for (pattern, example) in [
            ("a)|(b", "a"),
            ("(", "("),
            (r"(?<=a)b", "b"),
            (r"(a)\1", "aa"),
            ("a", "b"),
            (r"(\w{99}){99}", "a"),
        ] {
            assert!(check_pattern(pattern, example, true).is_err(), "{pattern}");
        }
        assert!(check_pattern(&"a".repeat(501), &"a".repeat(501), true).is_err());
    }

    #[test]
    fn a_pattern_that_would_take_for_ever_elsewhere_does_not() {
        let began = Instant::now();
        let text = "a".repeat(SHORT_TEXT_MAX);
        for evil in ["(a+)+b", "(a|aa)+b", "(a|a?)+b", "(.*a){12}b"] {
            assert_eq!(percent(&pattern(evil, false), &text), 0, "{evil}");
        }
        assert!(began.elapsed() < Duration::from_secs(20), "{:?}", began.elapsed());
    }

    #[test]
    fn a_text_is_bounded_before_and_after_it_is_normalised() {
        let rule = rule(&[("a", 100)], false);
        assert_eq!(short_text(&rule, Some(&json!("a".repeat(1_000_000)))), Read::Malformed);
        // One of these characters becomes eighteen.
        assert_eq!(short_text(&rule, Some(&json!("\u{fdfa}".repeat(600)))), Read::Malformed);
    }
}
