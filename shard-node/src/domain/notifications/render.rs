//! From the data of a notification to its words. Pure, and the same for inbox and mail.
//!
//! What must stay true: whatever the data holds, a subject is one line without control characters.

use std::fmt::Write as _;

use serde_json::Value;

use super::NotificationType;

/// Longest subject, in characters.
const SUBJECT_MAX: usize = 200;

/// What a notification says.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Words {
    /// In a line.
    pub(super) subject: String,
    /// In full.
    pub(super) text: String,
}

/// The words of a notification; a type of a later version is called by its name.
pub(super) fn words(kind: &str, payload: &Value) -> Words {
    let said = |name: &str| payload[name].as_str().unwrap_or_default();
    let class = || format!("{} ({})", said("classTitle"), said("classCode"));
    let (subject, text) = match NotificationType::parse(kind) {
        Some(NotificationType::ProgramCreated) => (
            format!("New program: {}", said("code")),
            format!("The program {} ({}) was created.", said("name"), said("code")),
        ),
        Some(NotificationType::StudentEnrolled) => (
            format!("You are enrolled in {}", said("classCode")),
            format!("You have a seat in {}.", class()),
        ),
        Some(NotificationType::StudentJoined) => (
            format!("A student enrolled in {}", said("classCode")),
            format!("Another student has a seat in {}.", class()),
        ),
        Some(NotificationType::SeatOffered) => (
            format!("A seat in {} is offered to you", said("classCode")),
            format!(
                "A seat in {} is free. Accept it by {}; after that it is offered to the next who waits.",
                class(),
                said("expiresAtLocal")
            ),
        ),
        Some(NotificationType::OfferExpired) => (
            format!("The offer of a seat in {} has ended", said("classCode")),
            format!("The seat in {} was not taken and goes to the next who waits.", class()),
        ),
        Some(NotificationType::AssessmentGraded) => (
            format!("Graded in {}: {}", said("classCode"), said("assessmentTitle")),
            match (payload["score"].as_str(), payload["possible"].as_str()) {
                (Some(score), Some(possible)) => format!(
                    "{} in {} was graded: {score} of {possible} points.",
                    said("assessmentTitle"),
                    class()
                ),
                _ => format!(
                    "{} in {} was graded. The score is shown once it is released.",
                    said("assessmentTitle"),
                    class()
                ),
            },
        ),
        Some(NotificationType::ResultFinal) => (
            format!("Your result in {}", said("classCode")),
            format!("Your result in {} is final: {}.", class(), outcome(said("outcome"))),
        ),
        None => (kind.to_owned(), String::new()),
    };
    Words { subject: one_line(&subject), text: plain(&text) }
}

/// An outcome in words.
fn outcome(word: &str) -> &str {
    match word {
        "PASS" => "passed",
        "DISTINCTION" => "passed with distinction",
        "FAIL" => "not passed",
        "WITHDRAWN" => "withdrawn",
        "EXEMPT" => "exempted",
        _ => "incomplete",
    }
}

/// Without control characters and line separators, so many characters at most.
fn one_line(text: &str) -> String {
    let breaks = |c: char| c.is_control() || matches!(c, '\u{2028}' | '\u{2029}');
    text.chars().map(|c| if breaks(c) { ' ' } else { c }).take(SUBJECT_MAX).collect()
}

/// Without control characters but line breaks.
fn plain(text: &str) -> String {
    text.chars().filter(|c| *c == '\n' || !c.is_control()).collect()
}

/// The text of a mail: the words, and who sends them.
pub(super) fn mail_text(words: &Words, institution: &str) -> String {
    let mut text = format!("{}\n", words.text);
    // Writing to a String cannot fail.
    let _ =
        write!(text, "\n-- \n{}\nThis message was sent automatically.\n", one_line(institution));
    text
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use serde_json::json;

    use super::*;

    #[test]
    fn every_type_has_words_that_name_what_it_is_about() {
        let payload = json!({"code": "BSC", "name": "Computing", "classCode": "CS-A", "classTitle": "Computing",
            "expiresAtLocal": "2026-09-01 08:00 Europe/London"});
        for kind in NotificationType::ALL {
            let Words { subject, text } = words(kind.as_str(), &payload);
            assert!(subject.contains("BSC") || subject.contains("CS-A"), "{subject}");
            assert!(text.contains("Computing"), "{text}");
        }
        let later = words("OF_A_LATER_VERSION", &json!({}));
        assert_eq!(later.subject, "OF_A_LATER_VERSION");
    }

    proptest! {
        #[test]
        fn a_subject_is_one_line_whatever_the_data_holds(code in any::<String>()) {
            for kind in NotificationType::ALL {
                let payload = json!({"code": code, "classCode": code, "name": code, "classTitle": code});
                let Words { subject, text } = words(kind.as_str(), &payload);
                prop_assert!(!subject.chars().any(char::is_control), "{subject:?}");
                prop_assert!(subject.chars().count() <= SUBJECT_MAX);
                prop_assert!(!text.contains('\r'));
            }
        }
    }
}
