//! Something for each thing that somebody holds, made when it is first wanted and forgotten when nobody holds it.

use std::collections::HashMap;
use std::hash::Hash;
use std::sync::{Arc, Mutex, PoisonError, Weak};

/// Past this number the map is rid of things that nobody holds.
const KEPT_MAX: usize = 1_024;

/// A map of what is held.
#[derive(Debug)]
pub(crate) struct Keyed<K, V>(Mutex<HashMap<K, Weak<V>>>);

impl<K: Eq + Hash, V> Keyed<K, V> {
    pub(crate) fn new() -> Self {
        Self(Mutex::new(HashMap::new()))
    }

    /// The one under this key; `make` makes it where there is none.
    pub(crate) fn get(&self, key: K, make: impl FnOnce() -> V) -> Arc<V> {
        let mut map = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(value) = map.get(&key).and_then(Weak::upgrade) {
            return value;
        }
        if map.len() >= KEPT_MAX {
            map.retain(|_, value| value.strong_count() > 0);
        }
        let value = Arc::new(make());
        map.insert(key, Arc::downgrade(&value));
        value
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_held_is_shared_and_what_nobody_holds_is_forgotten() {
        let keyed = Keyed::new();
        let held = keyed.get(0, || 7);
        for number in 1..3 * KEPT_MAX {
            assert_eq!(*keyed.get(number, || number), number);
        }
        assert!(keyed.0.lock().expect("the map").len() <= KEPT_MAX + 1);
        assert!(Arc::ptr_eq(&held, &keyed.get(0, || 8)));
    }
}
