//! Writers of one hot thing wait here, before they take a connection.
//!
//! What must stay true:
//! - A class that hundreds want into holds at most [`AT_ONCE`] connections of a node: the others are for everybody
//!   else, and nobody waits for its row so long that `lock_timeout` ends it.
//! - Who came first goes first; a request waits no longer than to its own deadline.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError, Weak};

use serde_json::Value;
use shard_map::InstitutionId;
use tokio::sync::{OwnedSemaphorePermit, Semaphore};

/// Writers of one thing in one node that hold a connection: one works, the next is ready when it commits.
const AT_ONCE: usize = 2;

/// Past this number the map is rid of things that nobody waits for.
const KEPT_MAX: usize = 1_024;

type Thing = (InstitutionId, String);

/// The queues of a node.
#[derive(Debug, Default)]
pub struct Queues(Mutex<HashMap<Thing, Weak<Semaphore>>>);

/// A place at the head of a queue; given up when it is dropped.
#[derive(Debug)]
pub struct Turn {
    _permit: Option<OwnedSemaphorePermit>,
}

impl Queues {
    /// Waits for a turn at the thing that the input's `member` names; at once where there is none.
    pub async fn turn(
        &self,
        institution: InstitutionId,
        input: &Value,
        member: Option<&'static str>,
    ) -> Turn {
        let Some(Value::String(name)) = member.and_then(|member| input.get(member)) else {
            return Turn { _permit: None };
        };
        let queue = self.queue((institution, name.to_lowercase()));
        // It is never closed.
        Turn { _permit: queue.acquire_owned().await.ok() }
    }

    fn queue(&self, thing: Thing) -> Arc<Semaphore> {
        let mut queues = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(queue) = queues.get(&thing).and_then(Weak::upgrade) {
            return queue;
        }
        if queues.len() >= KEPT_MAX {
            queues.retain(|_, queue| queue.strong_count() > 0);
        }
        let queue = Arc::new(Semaphore::new(AT_ONCE));
        queues.insert(thing, Arc::downgrade(&queue));
        queue
    }
}

#[cfg(test)]
mod tests {
    use futures::FutureExt as _;
    use serde_json::json;
    use uuid::Uuid;

    use super::*;

    #[tokio::test]
    async fn two_go_at_once_and_the_third_waits_for_one_of_them() {
        let (queues, institution) = (Queues::default(), InstitutionId::new(Uuid::nil()));
        let input = json!({"classId": "A"});
        let turn = || queues.turn(institution, &input, Some("classId"));
        let (first, _second) = (turn().await, turn().await);
        let mut third = Box::pin(turn());
        assert!((&mut third).now_or_never().is_none());
        let other = json!({"classId": "b"});
        assert!(queues.turn(institution, &other, Some("classId")).now_or_never().is_some());
        assert!(queues.turn(institution, &input, None).now_or_never().is_some());
        drop(first);
        assert!(third.now_or_never().is_some());
    }

    #[tokio::test]
    async fn what_nobody_waits_for_is_forgotten() {
        let (queues, institution) = (Queues::default(), InstitutionId::new(Uuid::nil()));
        for number in 0..3 * KEPT_MAX {
            let input = json!({"classId": number.to_string()});
            queues.turn(institution, &input, Some("classId")).await;
        }
        assert!(queues.0.lock().expect("the map").len() <= KEPT_MAX);
    }
}
