//! Which kinds of jobs there are, and the handler of each. A domain's line is added in both lists.

use std::collections::HashMap;
use std::sync::Arc;
use std::time::Duration;

use super::Handler;
use crate::{domain, schedules};

/// Every kind that something enqueues. One without a handler is refused at start.
pub const KINDS: &[&str] = &[
    "ENROLLMENT_EXPIRED",
    "ENROLLMENT_OFFERED",
    "NOTIFICATION_MAIL",
    "OFFER_EXPIRED",
    PROBE,
    "PROGRAM_CREATED",
    "STUDENT_ENROLLED",
    domain::assessments::CLOSE_ASSESSMENT,
    domain::assessments::GENERATE_ASSESSMENT_MATERIALS,
    domain::grades::UPDATE_CLASS_PROGRESS,
    domain::attempts::ATTEMPT_ENDED,
    domain::attendance::UPDATE_CLASS_ATTENDANCE,
    domain::submissions::GRADE_ASSESSMENT,
    domain::submissions::REGRADE_ASSESSMENT,
    domain::submissions::SETTLE_LATENESS,
    schedules::DAILY_ATTENDANCE,
    schedules::WEEKLY_REPORTS,
    schedules::MONTHLY_METRICS,
    domain::webhooks::DELIVERY_JOB,
];

/// A job that does nothing: what a job costs, and whether anybody does them, is found out with it.
const PROBE: &str = "PROBE";

/// All handlers.
pub fn handlers() -> Vec<Handler> {
    let probe = Handler::effect(PROBE, |_, _| Box::pin(async { Ok(()) }));
    let domains: Vec<Vec<Handler>> = vec![
        vec![probe],
        domain::assessments::handlers(),
        domain::attempts::handlers(),
        domain::attendance::handlers(),
        domain::enrollments::handlers(),
        domain::grades::handlers(),
        domain::notifications::handlers(),
        domain::reports::handlers(),
        domain::submissions::handlers(),
        domain::webhooks::handlers(),
    ];
    domains.into_iter().flatten().collect()
}

/// Why a node does not start with these handlers.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum RegistryError {
    /// Two handlers are for the same kind.
    #[error("jobs of kind {0} have two handlers")]
    Twice(&'static str),
    /// No handler is for a kind that is enqueued.
    #[error("jobs of kind {0} have no handler")]
    None(&'static str),
    /// It may take longer than it is leased for.
    #[error(
        "jobs of kind {kind} may take {timeout:?}, which is more than the {allowed:?} that a lease leaves"
    )]
    Timeout {
        /// The kind.
        kind: &'static str,
        /// What its handler may take.
        timeout: Duration,
        /// What it could take at most.
        allowed: Duration,
    },
}

/// The handlers by their kinds.
#[derive(Debug, Default)]
pub struct Registry {
    by_kind: HashMap<&'static str, Arc<Handler>>,
}

impl Registry {
    /// Takes the handlers, if each of the known kinds has one.
    ///
    /// # Errors
    /// When a kind has two, or a known one has none.
    pub fn new(handlers: Vec<Handler>, known: &[&'static str]) -> Result<Self, RegistryError> {
        let mut by_kind = HashMap::new();
        for handler in handlers {
            let kind = handler.kind;
            if by_kind.insert(kind, Arc::new(handler)).is_some() {
                return Err(RegistryError::Twice(kind));
            }
        }
        match known.iter().find(|kind| !by_kind.contains_key(*kind)) {
            Some(kind) => Err(RegistryError::None(kind)),
            None => Ok(Self { by_kind }),
        }
    }

    /// Whether each handler can end within what a lease leaves it.
    ///
    /// # Errors
    /// When one cannot.
    pub fn expect_within(&self, allowed: Duration) -> Result<(), RegistryError> {
        let slow = self.by_kind.values().find(|handler| handler.timeout > allowed);
        slow.map_or(Ok(()), |handler| {
            let Handler { kind, timeout, .. } = **handler;
            Err(RegistryError::Timeout { kind, timeout, allowed })
        })
    }

    /// The handler of a kind.
    pub fn get(&self, kind: &str) -> Option<&Arc<Handler>> {
        self.by_kind.get(kind)
    }

    /// All of them.
    pub fn iter(&self) -> impl Iterator<Item = &Arc<Handler>> {
        self.by_kind.values()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn handler(kind: &'static str) -> Handler {
        Handler::effect(kind, |_, _| Box::pin(async { Ok(()) }))
    }

    #[test]
    fn every_kind_that_is_enqueued_has_a_handler() {
        Registry::new(handlers(), KINDS).expect("each has one");
    }

    #[test]
    fn a_kind_without_a_handler_or_with_two_is_refused() {
        let missing = Registry::new(vec![handler("A")], &["A", "B"]);
        assert_eq!(missing.err(), Some(RegistryError::None("B")));
        let twice = Registry::new(vec![handler("A"), handler("A")], &[]);
        assert_eq!(twice.err(), Some(RegistryError::Twice("A")));
    }

    #[test]
    fn one_that_outlasts_its_lease_is_refused() {
        let slow = handler("A").timeout(Duration::from_secs(26));
        let registry = Registry::new(vec![slow], &["A"]).expect("handlers");
        assert!(registry.expect_within(Duration::from_secs(25)).is_err());
        assert!(registry.expect_within(Duration::from_secs(26)).is_ok());
    }
}
