//! Who follows the map here, and how far each has come: what routers ask for says which version they have.
//!
//! What must stay true: bounded, in memory, and of this control plane alone: a router that follows another one is not
//! known here. Routers of one token and one address are one.

use std::collections::BTreeMap;
use std::net::IpAddr;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use control_api::MAP_WAIT_S;
use shard_map::MapVersion;

/// Followers that are known at once; one more is not noted.
const MOST: usize = 1_000;
/// Who has not asked for so long is forgotten.
const FORGOTTEN_AFTER: Duration = Duration::from_mins(10);
/// A poll, and the way there and back.
const SILENT_AFTER: Duration = Duration::from_secs(MAP_WAIT_S + 5);

/// One that follows.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Follower {
    /// The name of its token, and where it asked from.
    pub name: String,
    /// The version that it had when it asked last.
    pub version: MapVersion,
    /// How long ago that was.
    pub asked_ago: Duration,
}

impl Follower {
    /// Whether it should have asked again by now.
    pub fn is_silent(&self) -> bool {
        self.asked_ago > SILENT_AFTER
    }
}

/// All that follow. Cheap to clone.
#[derive(Debug, Clone, Default)]
pub struct Followers(Arc<Mutex<BTreeMap<String, (MapVersion, Instant)>>>);

impl Followers {
    /// One asks for what is newer than the version that it has.
    pub fn asks(&self, token: &str, from: Option<IpAddr>, version: MapVersion, now: Instant) {
        let name = from.map_or_else(|| token.to_owned(), |from| format!("{token} at {from}"));
        let mut all = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if all.len() >= MOST {
            all.retain(|_, (_, at)| now.duration_since(*at) < FORGOTTEN_AFTER);
        }
        if all.len() < MOST || all.contains_key(&name) {
            all.insert(name, (version, now));
        }
    }

    /// Who follows, by name.
    pub fn all(&self, now: Instant) -> Vec<Follower> {
        let mut all = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        all.retain(|_, (_, at)| now.duration_since(*at) < FORGOTTEN_AFTER);
        let follower = |(name, (version, at)): (&String, &(MapVersion, Instant))| Follower {
            name: name.clone(),
            version: *version,
            asked_ago: now.duration_since(*at),
        };
        all.iter().map(follower).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_follower_has_the_version_that_it_asked_with_is_silent_then_forgotten() {
        let (followers, begun) = (Followers::default(), Instant::now());
        let here = Some(IpAddr::from([10, 0, 0, 7]));
        followers.asks("router", here, MapVersion(3), begun);
        followers.asks("router", here, MapVersion(5), begun);
        let after = |s| followers.all(begun + Duration::from_secs(s));
        let [one] = &after(1)[..] else { panic!("one: {:?}", after(1)) };
        assert_eq!(
            (&*one.name, one.version, one.is_silent()),
            ("router at 10.0.0.7", MapVersion(5), false)
        );
        assert!(after(40)[0].is_silent());
        assert!(after(601).is_empty());
    }

    #[test]
    fn there_are_so_many_and_no_more() {
        let (followers, now) = (Followers::default(), Instant::now());
        for number in 0..=MOST {
            followers.asks(&number.to_string(), None, MapVersion(1), now);
        }
        assert_eq!(followers.all(now).len(), MOST);
    }
}
