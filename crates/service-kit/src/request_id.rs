//! Request ids and trace contexts: kept when they are well-formed, else made.

use std::fmt;

use uuid::Uuid;

/// The header that carries it, in and out.
pub const REQUEST_ID_HEADER: &str = "x-request-id";

/// Longest request id that is kept, in bytes.
const MAX_BYTES: usize = 64;

/// A request's id: 1 to 64 of `A-Z a-z 0-9 . _ -`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RequestId(String);

impl RequestId {
    /// Keeps the client's id if it is well-formed, else makes one.
    pub fn keep_or_make(header: Option<&[u8]>) -> Self {
        header
            .and_then(|bytes| std::str::from_utf8(bytes).ok())
            .filter(|text| well_formed(text))
            .map_or_else(|| Self(Uuid::now_v7().simple().to_string()), |text| Self(text.to_owned()))
    }

    /// The id as text.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for RequestId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

fn well_formed(text: &str) -> bool {
    !text.is_empty()
        && text.len() <= MAX_BYTES
        && text.bytes().all(|b| b.is_ascii_alphanumeric() || matches!(b, b'.' | b'_' | b'-'))
}

/// Whether a `traceparent` is one of W3C's version 00: `00-<32 hex>-<16 hex>-<2 hex>`, ids not zero.
pub fn is_traceparent(text: &str) -> bool {
    let parts: Vec<_> = text.split('-').collect();
    let [version, trace, parent, flags] = parts[..] else { return false };
    let hex = |part: &str, length: usize| {
        part.len() == length && part.bytes().all(|b| matches!(b, b'0'..=b'9' | b'a'..=b'f'))
    };
    let zero = |part: &str| part.bytes().all(|b| b == b'0');
    version == "00"
        && hex(trace, 32)
        && hex(parent, 16)
        && hex(flags, 2)
        && !zero(trace)
        && !zero(parent)
}

/// A new sampled `traceparent`.
pub fn new_traceparent() -> String {
    let trace = Uuid::new_v4().simple().to_string();
    let parent = Uuid::new_v4().simple().to_string();
    format!("00-{trace}-{}-01", &parent[..16])
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_well_formed_id_is_kept() {
        assert_eq!(RequestId::keep_or_make(Some(b"abc-1.x_Y")).as_str(), "abc-1.x_Y");
    }

    #[test]
    fn an_ill_formed_id_is_replaced() {
        for bad in [&b""[..], b"a b", b"a\nb", b"\xff", &[b'a'; 65]] {
            let made = RequestId::keep_or_make(Some(bad));
            assert_ne!(made.as_str().as_bytes(), bad);
            assert!(well_formed(made.as_str()));
        }
    }

    #[test]
    fn a_made_traceparent_is_one() {
        assert!(is_traceparent(&new_traceparent()));
        assert!(!is_traceparent("00-00000000000000000000000000000000-0000000000000001-01"));
        assert!(!is_traceparent("garbage"));
    }
}
