//! Who is signed in: random ids in memory, for so long and so many of them.
//!
//! What must stay true: the cookie is no token and is known here by its digest alone. With another control plane, or
//! after a restart, the person signs in again.

use std::collections::HashMap;
use std::sync::{Mutex, PoisonError};
use std::time::{Duration, Instant};

use axum::http::{HeaderMap, header};
use uuid::Uuid;

use crate::api::access::{Caller, digest};

/// The cookie's name.
pub(super) const COOKIE: &str = "lxp_console";
/// A shift, then again.
pub(super) const LASTS: Duration = Duration::from_hours(12);
/// Sessions at once; with one more the oldest ends.
const MOST: usize = 64;

/// All sessions.
#[derive(Debug, Default)]
pub(super) struct Sessions(Mutex<HashMap<String, Session>>);

#[derive(Debug)]
struct Session {
    caller: Caller,
    until: Instant,
}

impl Sessions {
    /// Opens one. Answers its id: 244 random bits.
    pub(super) fn open(&self, caller: Caller, now: Instant) -> String {
        let id = format!("{}{}", Uuid::new_v4().simple(), Uuid::new_v4().simple());
        let mut all = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        all.retain(|_, session| session.until > now);
        while all.len() >= MOST {
            let oldest = all.iter().min_by_key(|(_, session)| session.until);
            let Some(oldest) = oldest.map(|(digest, _)| digest.clone()) else { break };
            all.remove(&oldest);
        }
        all.insert(digest(&id), Session { caller, until: now + LASTS });
        id
    }

    /// Whose it is.
    pub(super) fn holder(&self, id: &str, now: Instant) -> Option<Caller> {
        let all = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let session = all.get(&digest(id)).filter(|session| session.until > now)?;
        Some(session.caller.clone())
    }

    /// Ends one.
    pub(super) fn close(&self, id: &str) {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).remove(&digest(id));
    }
}

/// The id in a request's cookies.
pub(super) fn of(headers: &HeaderMap) -> Option<&str> {
    let cookies = headers.get_all(header::COOKIE).iter().filter_map(|value| value.to_str().ok());
    let mut pairs =
        cookies.flat_map(|value| value.split(';')).filter_map(|pair| pair.split_once('='));
    pairs.find(|(name, _)| name.trim() == COOKIE).map(|(_, id)| id.trim())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::api::access::Role;

    fn caller() -> Caller {
        Caller { name: "ann".to_owned(), role: Role::PlatformOps }
    }

    #[test]
    fn a_session_lasts_so_long_and_is_closed_by_who_has_it() {
        let (sessions, now) = (Sessions::default(), Instant::now());
        let (one, other) = (sessions.open(caller(), now), sessions.open(caller(), now));
        assert!(one != other && one.len() == 64);
        sessions.close(&one);
        assert_eq!(sessions.holder(&one, now), None);
        assert_eq!(sessions.holder(&other, now), Some(caller()));
        assert_eq!(sessions.holder(&other, now + LASTS), None);
        assert_eq!(sessions.holder("", now), None);
    }

    #[test]
    fn with_one_too_many_the_oldest_ends() {
        let (sessions, now) = (Sessions::default(), Instant::now());
        let open = |second| sessions.open(caller(), now + Duration::from_secs(second));
        let ids: Vec<String> = (0..=MOST as u64).map(open).collect();
        let there = ids.iter().filter(|id| sessions.holder(id, now).is_some()).count();
        assert_eq!((there, sessions.holder(&ids[0], now)), (MOST, None));
    }

    #[test]
    fn the_cookie_is_found_among_others() {
        let mut headers = HeaderMap::new();
        headers.append(header::COOKIE, "a=b; lxp_console=x1 ;c=d".parse().expect("a header"));
        assert_eq!(of(&headers), Some("x1"));
        assert_eq!(of(&HeaderMap::new()), None);
    }
}
