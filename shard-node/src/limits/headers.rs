//! Where a caller stands, as `RateLimit` and `RateLimit-Policy` say it (draft-ietf-httpapi-ratelimit-headers).

use axum::http::{HeaderMap, HeaderName, HeaderValue};

use super::gcra;
use super::rate::Charge;

const LIMIT: HeaderName = HeaderName::from_static("ratelimit");
const POLICY: HeaderName = HeaderName::from_static("ratelimit-policy");

/// Where one budget stands.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Standing {
    name: &'static str,
    per_minute: u32,
    remaining: u32,
    /// Until all of it is there again.
    reset_s: u32,
}

impl Standing {
    pub(super) fn new(charge: &Charge, debt_us: f64) -> Self {
        let Charge { name, per_minute, .. } = *charge;
        let remaining = gcra::remaining(debt_us, per_minute);
        Self { name, per_minute, remaining, reset_s: gcra::seconds(debt_us) }
    }

    /// Writes both headers; none where there is no budget.
    pub fn write(standings: &[Self], headers: &mut HeaderMap) {
        if standings.is_empty() {
            return;
        }
        let list = |each: fn(&Self) -> String| {
            HeaderValue::from_str(&standings.iter().map(each).collect::<Vec<_>>().join(", "))
        };
        let limit = list(|at| format!("\"{}\";r={};t={}", at.name, at.remaining, at.reset_s));
        let policy = list(|at| format!("\"{}\";q={};w=60", at.name, at.per_minute));
        if let (Ok(limit), Ok(policy)) = (limit, policy) {
            headers.insert(LIMIT, limit);
            headers.insert(POLICY, policy);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_headers_are_structured_lists() {
        let charge = |name, per_minute| Charge { key: String::new(), name, per_minute, cost: 1 };
        let standings = [
            Standing::new(&charge("user", 1_000), 60_000.0),
            Standing::new(&charge("institution", 60_000), 60e6),
        ];
        let mut headers = HeaderMap::new();
        Standing::write(&standings, &mut headers);
        assert_eq!(headers[LIMIT], "\"user\";r=999;t=1, \"institution\";r=0;t=60");
        assert_eq!(headers[POLICY], "\"user\";q=1000;w=60, \"institution\";q=60000;w=60");
        let mut none = HeaderMap::new();
        Standing::write(&[], &mut none);
        assert!(none.is_empty());
    }
}
