//! Reading answers: blank, malformed, or what they say. Bounds come first.
//!
//! What must stay true: whatever a client has sent is one of the three; its size is looked at before it is worked on.

use std::collections::BTreeMap;

use serde_json::{Map, Value};

/// The longest word that names a choice, in bytes.
const NAME_MAX: usize = 64;
/// The most choices, pairs or places that are looked at.
pub(super) const CHOICES_MAX: usize = 1_000;
/// The longest short text, in bytes.
pub(super) const SHORT_TEXT_MAX: usize = 4_000;
/// The longest essay, in bytes.
pub(super) const ESSAY_MAX: usize = 1_000_000;
/// The most files.
pub(super) const FILES_MAX: usize = 50;

/// What an answer is to its question.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Read<T> {
    /// Nothing.
    Blank,
    /// No answer to such a question.
    Malformed,
    /// An answer.
    Given(T),
}

impl<T> Read<T> {
    pub(super) fn of(given: Option<T>) -> Self {
        given.map_or(Self::Malformed, Self::Given)
    }

    pub(super) fn and_then<U>(self, next: impl FnOnce(T) -> Read<U>) -> Read<U> {
        match self {
            Self::Blank => Read::Blank,
            Self::Malformed => Read::Malformed,
            Self::Given(given) => next(given),
        }
    }
}

/// Whether nothing was answered: absent, null, white space, or a list or object of such things. As far as it is looked
/// at; what is larger or deeper than any answer is not blank.
pub(super) fn is_blank(value: Option<&Value>) -> bool {
    is_blank_at(value, 2)
}

fn is_blank_at(value: Option<&Value>, depth: u8) -> bool {
    match value {
        None | Some(Value::Null) => true,
        Some(Value::String(text)) => text.len() <= ESSAY_MAX && text.trim().is_empty(),
        Some(Value::Array(items)) => {
            items.is_empty()
                || (depth > 0
                    && items.len() <= CHOICES_MAX
                    && items.iter().all(|item| is_blank_at(Some(item), depth - 1)))
        }
        Some(Value::Object(members)) => {
            members.is_empty()
                || (depth > 0
                    && members.len() <= CHOICES_MAX
                    && members.values().all(|item| is_blank_at(Some(item), depth - 1)))
        }
        Some(Value::Bool(_) | Value::Number(_)) => false,
    }
}

/// A name, of a choice for example.
pub(super) fn name(value: Option<&Value>) -> Read<&str> {
    if is_blank(value) {
        return Read::Blank;
    }
    Read::of(value.and_then(as_name))
}

/// Different names.
pub(super) fn names(value: Option<&Value>) -> Read<Vec<&str>> {
    if is_blank(value) {
        return Read::Blank;
    }
    Read::of(value.and_then(different_names))
}

fn different_names(value: &Value) -> Option<Vec<&str>> {
    let items = value.as_array().filter(|items| items.len() <= CHOICES_MAX)?;
    let names: Vec<&str> = items.iter().map(as_name).collect::<Option<_>>()?;
    let mut sorted = names.clone();
    sorted.sort_unstable();
    sorted.dedup();
    (sorted.len() == names.len()).then_some(names)
}

/// A partner by name; those that are blank are left out.
pub(super) fn pairs(value: Option<&Value>) -> Read<BTreeMap<&str, &str>> {
    members(value).and_then(|members| {
        let given = members.iter().filter(|(_, partner)| !is_blank(Some(partner)));
        Read::of(given.map(|(name, partner)| Some((name.as_str(), as_name(partner)?))).collect())
    })
}

/// The members of an object.
pub(super) fn members(value: Option<&Value>) -> Read<&Map<String, Value>> {
    if is_blank(value) {
        return Read::Blank;
    }
    let members = value.and_then(Value::as_object);
    Read::of(members.filter(|members| members.len() <= CHOICES_MAX))
}

/// A text of so many bytes at most.
pub(super) fn text(value: Option<&Value>, bytes_max: usize) -> Read<&str> {
    if is_blank(value) {
        return Read::Blank;
    }
    Read::of(value.and_then(Value::as_str).filter(|text| text.len() <= bytes_max))
}

/// Yes or no, as JSON or as the words `true` and `false`.
pub(super) fn truth(value: Option<&Value>) -> Read<bool> {
    if is_blank(value) {
        return Read::Blank;
    }
    Read::of(match value {
        Some(Value::Bool(truth)) => Some(*truth),
        Some(Value::String(word)) if word == "true" => Some(true),
        Some(Value::String(word)) if word == "false" => Some(false),
        _ => None,
    })
}

fn as_name(value: &Value) -> Option<&str> {
    value.as_str().filter(|name| !name.is_empty() && name.len() <= NAME_MAX)
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn nothing_is_blank_however_it_is_written() {
        for value in [
            json!(null),
            json!(""),
            json!(" \n\u{a0}"),
            json!([]),
            json!({}),
            json!([""]),
            json!({"l1": null, "l2": [" "]}),
        ] {
            assert!(is_blank(Some(&value)), "{value}");
        }
        for value in [
            json!(0),
            json!(false),
            json!("x"),
            json!(["", "x"]),
            json!({"a": 0}),
            json!([[[[]]], 1]),
        ] {
            assert!(!is_blank(Some(&value)), "{value}");
        }
        assert!(is_blank(None));
    }

    #[test]
    fn what_is_of_another_form_is_malformed() {
        assert_eq!(name(Some(&json!(1))), Read::Malformed);
        assert_eq!(names(Some(&json!("c1"))), Read::Malformed);
        assert_eq!(names(Some(&json!(["c1", "c1"]))), Read::Malformed);
        assert_eq!(names(Some(&json!(["c1", 2]))), Read::Malformed);
        assert_eq!(pairs(Some(&json!(["l1"]))), Read::Malformed);
        assert_eq!(truth(Some(&json!("yes"))), Read::Malformed);
        assert_eq!(text(Some(&json!("abcd")), 3), Read::Malformed);
        assert_eq!(
            pairs(Some(&json!({"l1": "r1", "l2": null}))),
            Read::Given([("l1", "r1")].into())
        );
    }
}
