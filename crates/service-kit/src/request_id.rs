//! Request ids and trace contexts: kept when they are well-formed, else made.

use std::fmt;

use uuid::Uuid;
use uuid::fmt::Simple;

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
            .map_or_else(|| Self(simple(Uuid::now_v7())), |text| Self(text.to_owned()))
    }

    /// The id as text.
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// The id as text that is owned.
    pub fn into_string(self) -> String {
        self.0
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
    let Some((ids, flags)) = text.strip_prefix("00-").and_then(|rest| rest.split_at_checked(49))
    else {
        return false;
    };
    let Some((trace, parent)) = ids.split_at_checked(32) else { return false };
    let hex = |part: &str, length: usize| {
        part.len() == length && part.bytes().all(|b| matches!(b, b'0'..=b'9' | b'a'..=b'f'))
    };
    let id = |part: Option<&str>, length: usize| {
        part.is_some_and(|part| hex(part, length) && part.bytes().any(|b| b != b'0'))
    };
    id(Some(trace), 32)
        && id(parent.strip_prefix('-'), 16)
        && flags.strip_prefix('-').is_some_and(|flags| hex(flags, 2))
}

/// A new sampled `traceparent`.
pub fn new_traceparent() -> String {
    let mut ids = [[0; Simple::LENGTH]; 2];
    let [trace, parent] = ids.each_mut().map(|id| &*Uuid::new_v4().simple().encode_lower(id));
    ["00-", trace, "-", &parent[..16], "-01"].concat()
}

/// Without the formatting machinery: each request comes by here.
fn simple(id: Uuid) -> String {
    id.simple().encode_lower(&mut [0; Simple::LENGTH]).to_owned()
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
        let good = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01";
        assert!(is_traceparent(good));
        for at in 0..good.len() {
            assert!(!is_traceparent(&good[..at]), "{at} of it");
            let odd = format!("{}X{}", &good[..at], &good[at + 1..]);
            assert!(!is_traceparent(&odd), "{odd}");
        }
        for bad in [
            "garbage",
            "00-0af7651916cd43dd8448eb211c80319c-0000000000000000-01",
            "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01-",
            "00-\u{e4}af7651916cd43dd8448eb211c8031c-b7ad6b7169203331-01",
        ] {
            assert!(!is_traceparent(bad), "{bad}");
        }
    }
}
