//! Whether a client is taken, and for how long its token may live. Pure.

use chrono::{DateTime, TimeDelta, Utc};
use serde::{Deserialize, Serialize};

use super::secret::SecretDigest;

/// What ends a client.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Standing {
    pub(super) expires_at: Option<DateTime<Utc>>,
    pub(super) revoked_at: Option<DateTime<Utc>>,
}

impl Standing {
    /// Whether it is neither revoked nor expired.
    pub(super) fn is_live(&self, at: DateTime<Utc>) -> bool {
        self.revoked_at.is_none() && self.expires_at.is_none_or(|expires_at| at < expires_at)
    }

    /// How long its token lives: as long as others, but not longer than the client.
    pub(super) fn life(&self, ttl: TimeDelta, at: DateTime<Utc>) -> TimeDelta {
        self.expires_at.map_or(ttl, |expires_at| ttl.min(expires_at - at))
    }
}

/// What is kept of a client's secrets.
#[derive(Debug, Clone)]
pub(super) struct Known {
    pub(super) secret_hash: Vec<u8>,
    pub(super) previous_hash: Option<Vec<u8>>,
    pub(super) previous_until: Option<DateTime<Utc>>,
    pub(super) standing: Standing,
}

impl Known {
    /// Whether a secret is the present one, or the one before while that is taken, too.
    pub(super) fn takes(&self, presented: &SecretDigest, at: DateTime<Utc>) -> bool {
        let previous = self.previous_hash.as_deref().unwrap_or_default();
        let overlaps = self.previous_until.is_some_and(|until| at < until);
        // Both are looked at, whichever it is.
        let (is_present, was_present) = (presented.is(&self.secret_hash), presented.is(previous));
        self.standing.is_live(at) && (is_present || (was_present && overlaps))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::api_clients::ClientSecret;

    fn at(minutes: i64) -> DateTime<Utc> {
        DateTime::UNIX_EPOCH + TimeDelta::minutes(minutes)
    }

    #[test]
    fn a_secret_is_taken_until_its_end_and_the_one_before_while_they_overlap() {
        let [present, before, other] = [(); 3].map(|()| ClientSecret::random().expect("a secret"));
        let known = Known {
            secret_hash: present.digest().0.to_vec(),
            previous_hash: Some(before.digest().0.to_vec()),
            previous_until: Some(at(10)),
            standing: Standing { expires_at: Some(at(20)), revoked_at: None },
        };
        let takes = |secret: &ClientSecret, minutes| known.takes(&secret.digest(), at(minutes));
        assert!(takes(&present, 0) && takes(&before, 0) && !takes(&other, 0));
        assert!(takes(&present, 10) && !takes(&before, 10));
        assert!(takes(&present, 19) && !takes(&present, 20));
        let standing = Standing { revoked_at: Some(at(-1)), ..known.standing };
        let revoked = Known { standing, ..known.clone() };
        assert!(!revoked.takes(&present.digest(), at(0)));
        let fresh = Known { previous_hash: None, previous_until: None, ..known };
        assert!(!fresh.takes(&before.digest(), at(0)) && fresh.takes(&present.digest(), at(0)));
    }

    #[test]
    fn a_token_lives_no_longer_than_its_client() {
        let (ttl, standing) =
            (TimeDelta::minutes(10), Standing { expires_at: None, revoked_at: None });
        assert_eq!(standing.life(ttl, at(0)), ttl);
        let standing = Standing { expires_at: Some(at(20)), ..standing };
        assert_eq!(standing.life(ttl, at(5)), ttl);
        assert_eq!(standing.life(ttl, at(13)), TimeDelta::minutes(7));
    }
}
