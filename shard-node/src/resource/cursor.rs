//! Cursors: where a page ended, as the values of its sort fields. Opaque to clients.

use std::fmt::Write as _;

use serde_json::Value;

use super::query::canonical;
use super::{Field, Kind};

/// Hex of a JSON array of texts, one for each sort field.
pub(super) fn encode(sort: &[(&'static Field, bool)], last: &Value) -> Option<String> {
    let values: Option<Vec<String>> =
        sort.iter().map(|(field, _)| text(last.get(field.name)?)).collect();
    let json = serde_json::to_string(&values?).ok()?;
    Some(json.bytes().fold(String::with_capacity(2 * json.len()), |mut hex, byte| {
        // Writing to a String cannot fail.
        let _ = write!(hex, "{byte:02x}");
        hex
    }))
}

/// The values, if the cursor belongs to a list with this sort.
pub(super) fn decode(sort: &[(&'static Field, bool)], cursor: &str) -> Option<Vec<String>> {
    let bytes: Option<Vec<u8>> = (0..cursor.len())
        .step_by(2)
        .map(|at| u8::from_str_radix(cursor.get(at..at + 2)?, 16).ok())
        .collect();
    let values: Vec<String> = serde_json::from_slice(&bytes?).ok()?;
    if values.len() != sort.len() {
        return None;
    }
    values.iter().zip(sort).map(|(value, (field, _))| canonical(field, value).ok()).collect()
}

fn text(value: &Value) -> Option<String> {
    match value {
        Value::String(text) => Some(text.clone()),
        Value::Number(number) => Some(number.to_string()),
        _ => None,
    }
}

/// The SQL type that a bound text is cast to.
pub(super) fn sql_type(kind: Kind) -> &'static str {
    match kind {
        Kind::Uuid => "uuid",
        Kind::Text | Kind::OneOf(_) => "text",
        Kind::Integer => "bigint",
        Kind::Decimal => "numeric",
        Kind::Date => "date",
        Kind::Timestamp => "timestamptz",
    }
}

/// `(a, b, c)` past the values at `$first...`, each field in its own direction:
/// `a > $1 OR (a = $1 AND (b < $2 OR ...))`.
pub(super) fn past(sort: &[(&'static Field, bool)], first: usize) -> String {
    let Some(((field, descending), rest)) = sort.split_first() else { return "false".to_owned() };
    let (column, kind) = (field.column, sql_type(field.kind));
    let operator = if *descending { "<" } else { ">" };
    let here = format!("{column} {operator} ${first}::text::{kind}");
    if rest.is_empty() {
        return here;
    }
    format!("({here} OR ({column} = ${first}::text::{kind} AND {}))", past(rest, first + 1))
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    static CREATED: Field = Field::both("createdAt", "t.created_at", Kind::Timestamp);
    static ID: Field = Field::both("id", "t.id", Kind::Uuid);

    #[test]
    fn a_cursor_reads_back() {
        let sort = [(&CREATED, true), (&ID, false)];
        let last = json!({"createdAt": "2026-01-01T00:00:00Z", "id": "00000000-0000-0000-0000-000000000001"});
        let cursor = encode(&sort, &last).expect("a cursor");
        assert_eq!(decode(&sort, &cursor).expect("values").len(), 2);
        assert_eq!(decode(&sort[..1], &cursor), None);
        assert_eq!(decode(&sort, "zz"), None);
        assert_eq!(decode(&sort, "é"), None);
    }

    #[test]
    fn directions_may_differ() {
        assert_eq!(
            past(&[(&CREATED, true), (&ID, false)], 2),
            "(t.created_at < $2::text::timestamptz OR (t.created_at = $2::text::timestamptz AND \
             t.id > $3::text::uuid))"
        );
    }
}
