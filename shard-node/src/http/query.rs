//! The query of a URI, as names and texts.

use service_kit::Problem;

use crate::operation::invalid;

/// The pairs in their order; 400 where a text is not UTF-8 once it is decoded.
pub(crate) fn pairs(query: Option<&str>) -> Result<Vec<(String, String)>, Problem> {
    let query = query.unwrap_or_default();
    if String::from_utf8(percent_decoded(query)).is_err() {
        return Err(invalid().detail("the query is not UTF-8"));
    }
    Ok(form_urlencoded::parse(query.as_bytes()).into_owned().collect())
}

/// The bytes behind the escapes; what is no escape stands for itself.
pub(super) fn percent_decoded(text: &str) -> Vec<u8> {
    let mut bytes = Vec::with_capacity(text.len());
    let mut rest = text.as_bytes();
    while let Some((first, tail)) = rest.split_first() {
        let escaped = tail.get(..2).filter(|_| *first == b'%').and_then(hex);
        bytes.push(escaped.unwrap_or(*first));
        rest = if escaped.is_some() { &tail[2..] } else { tail };
    }
    bytes
}

fn hex(digits: &[u8]) -> Option<u8> {
    let nibble = |digit: u8| u8::try_from(char::from(digit).to_digit(16)?).ok();
    Some(nibble(digits[0])? << 4 | nibble(digits[1])?)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn bad_utf_8_is_refused_and_nothing_else() {
        for bad in ["a=%ff", "%C3=1", "a=%ED%A0%80", "a=%c0%af"] {
            assert_eq!(pairs(Some(bad)).expect_err(bad).status, 400);
        }
        let pair = |name: &str, text: &str| vec![(name.to_owned(), text.to_owned())];
        for (query, expected) in [
            ("a=%C3%A9+b", pair("a", "é b")),
            ("a=100%", pair("a", "100%")),
            ("a=%zz%4", pair("a", "%zz%4")),
            ("%EF%BF%BD=", pair("\u{fffd}", "")),
        ] {
            assert_eq!(pairs(Some(query)).expect(query), expected);
        }
        assert!(pairs(None).expect("nothing").is_empty());
    }
}
