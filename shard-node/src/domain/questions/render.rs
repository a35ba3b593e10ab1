//! Texts with places for values: `{{name}}` becomes the parameter's value.
//!
//! What must stay true: only a name between two double braces is a place; other braces, such as LaTeX's, stay as they
//! are. A text is not read again once values are in it.

use super::formula::{Names, Values};

/// The text with the values at their places; none where a place has no value.
pub(super) fn render(text: &str, values: &Values) -> Option<String> {
    let mut rendered = String::with_capacity(text.len());
    let mut rest = text;
    while let Some((before, name, after)) = next_place(rest) {
        rendered.push_str(before);
        rendered.push_str(&values.get(name)?.to_string());
        rest = after;
    }
    rendered.push_str(rest);
    Some(rendered)
}

/// The first place whose name is none of the parameters'.
pub(super) fn unknown_place<'t>(text: &'t str, names: &Names) -> Option<&'t str> {
    let mut rest = text;
    while let Some((_, name, after)) = next_place(rest) {
        if !names.contains_key(name) {
            return Some(name);
        }
        rest = after;
    }
    None
}

/// How often a gap of a name stands in a statement.
pub(super) fn gaps(statement: &str, name: &str) -> usize {
    statement.matches(&format!("[[{name}]]")).count()
}

/// What stands before the next place, its name, and what stands behind it.
fn next_place(text: &str) -> Option<(&str, &str, &str)> {
    let mut from = 0;
    while let Some(found) = text[from..].find("{{") {
        let at = from + found;
        let inner = &text[at + 2..];
        if let Some((name, after)) = inner.split_once("}}")
            && is_name(name.trim())
        {
            return Some((&text[..at], name.trim(), after));
        }
        from = at + 1;
    }
    None
}

/// Whether a parameter, or a gap, may be called so.
pub(super) fn is_name(name: &str) -> bool {
    name.len() <= 32
        && name.starts_with(|c: char| c.is_ascii_alphabetic())
        && name.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'_')
}

#[cfg(test)]
mod tests {
    use super::super::formula::{Kind, Value};
    use super::*;

    #[test]
    fn values_stand_where_their_names_stood() {
        let values: Values = [("a", "-1.50"), ("b_2", "20")]
            .map(|(name, value)| (name.to_owned(), Value::Number(value.parse().expect("a number"))))
            .into();
        for (text, rendered) in [
            ("{{a}} and {{ b_2 }}", Some("-1.5 and 20")),
            ("\\frac{{{a}}}{b}", Some("\\frac{-1.5}{b}")),
            ("{{1}} {{}} {{a b}} {{", Some("{{1}} {{}} {{a b}} {{")),
            ("é{{a}}é", Some("é-1.5é")),
            ("{{c}}", None),
        ] {
            assert_eq!(render(text, &values).as_deref(), rendered, "{text}");
        }
        let names: Names = [("a".to_owned(), Kind::Number)].into();
        assert_eq!(unknown_place("{{a}} {{1}} {{b}}", &names), Some("b"));
        assert_eq!(unknown_place("{{a}}", &names), None);
        assert_eq!(gaps("[[x]] [[xy]] [[x]]", "x"), 2);
    }

    #[test]
    fn a_value_is_no_place() {
        let values: Values = [("a".to_owned(), Value::Text("{{a}}".to_owned()))].into();
        assert_eq!(render("{{a}}", &values).as_deref(), Some("{{a}}"));
    }
}
