//! When a request is sent again, and where. Pure decisions over what was tried so far.
//!
//! What must stay true, whatever nodes do (the property test below):
//! - At most two follow-ups of 421 answers, and at most two attempts beside them.
//! - After a connection broke, only what is safe to repeat is sent again, and then once.
//! - 503 says that nothing was applied; where something may have been, the answer is 502.

use serde::Deserialize;
use shard_map::{Epoch, MapVersion, ShardId};

use crate::error::Refusal;

/// Most follow-ups of 421 answers.
const FOLLOW_UPS_MAX: u8 = 2;

/// Attempts that may fail: the first, and the one that replaces it.
const FAILURES_MAX: u8 = 2;

/// What a 421 says, in its body; to HEAD, in its head. Every member may be missing.
#[derive(Debug, Clone, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub(crate) struct NotOwner {
    /// The owner, if the node knows one.
    pub(crate) owner: Option<ShardId>,
    /// Its epoch.
    pub(crate) epoch: Option<Epoch>,
    /// The first map that knows it.
    pub(crate) map_version: Option<MapVersion>,
}

impl NotOwner {
    /// Reads the body of a 421; what cannot be read names no owner.
    pub(crate) fn read(body: &[u8]) -> Self {
        serde_json::from_slice(body).unwrap_or_default()
    }
}

/// What was tried so far.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(crate) struct Attempts {
    /// 421 answers that were followed.
    pub(crate) follow_ups: u8,
    /// Attempts that failed: no connection, broken, or refused by a node without effect.
    pub(crate) failures: u8,
    /// Whether a map was asked for.
    refreshed: bool,
    /// Whether an attempt broke after bytes had gone out.
    maybe_applied: bool,
}

/// What to do about a 421.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum FollowUp {
    /// Send to this shard.
    SendTo(ShardId),
    /// Ask the control plane for its map, then decide with what it says.
    AskForMap,
    /// Answer this.
    GiveUp(Refusal),
}

/// What to do about a failed attempt.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum AfterFailure {
    /// Send it again.
    SendAgain,
    /// Answer this.
    GiveUp(Refusal),
}

/// What to do about an attempt that a node refused without effect.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum AfterRefusal {
    /// Send it to another node.
    SendAgain,
    /// The client gets the node's answer.
    PassOn,
    /// Answer this: an attempt before it may have been applied.
    GiveUp(Refusal),
}

/// What is known of a connection that broke.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Broken {
    /// It is a GET or HEAD, or carries an Idempotency-Key.
    pub(crate) resendable: bool,
    /// All of the body that was read is still there.
    pub(crate) replayable: bool,
    /// Its deadline has not passed.
    pub(crate) in_time: bool,
}

impl Attempts {
    /// A node of `answered_by` said 421 and named `owner`; `route` is where the map in use and the overrides send it.
    ///
    /// They have learned what the node said, unless they know better: so they decide, but where they lead back to whom
    /// has just refused.
    pub(crate) fn after_not_owner(
        &mut self,
        answered_by: Option<&ShardId>,
        owner: Option<&ShardId>,
        route: Option<&ShardId>,
    ) -> FollowUp {
        if self.follow_ups >= FOLLOW_UPS_MAX {
            return FollowUp::GiveUp(self.unavailable());
        }
        if let Some(owner) = owner {
            self.follow_ups += 1;
            let better = route.filter(|route| Some(*route) != answered_by);
            return FollowUp::SendTo(better.unwrap_or(owner).clone());
        }
        if !self.refreshed {
            self.refreshed = true;
            return FollowUp::AskForMap;
        }
        match route {
            Some(route) if Some(route) != answered_by => {
                self.follow_ups += 1;
                FollowUp::SendTo(route.clone())
            }
            _ => FollowUp::GiveUp(self.unless_maybe_applied(Refusal::InstitutionUnknown)),
        }
    }

    /// No connection to the node could be made: nothing was sent.
    pub(crate) fn after_no_connection(&mut self, in_time: bool) -> AfterFailure {
        self.failures += 1;
        if self.failures < FAILURES_MAX && in_time {
            AfterFailure::SendAgain
        } else {
            AfterFailure::GiveUp(self.unavailable())
        }
    }

    /// The connection broke after bytes had gone out.
    pub(crate) fn after_broken(&mut self, broken: Broken) -> AfterFailure {
        self.failures += 1;
        self.maybe_applied = true;
        let Broken { resendable, replayable, in_time } = broken;
        if self.failures < FAILURES_MAX && resendable && replayable && in_time {
            AfterFailure::SendAgain
        } else {
            AfterFailure::GiveUp(Refusal::OutcomeUnknown)
        }
    }

    /// A node refused it and applied nothing; `may` where it can go to another one.
    pub(crate) fn after_refusal(&mut self, may: bool) -> AfterRefusal {
        self.failures += 1;
        if self.failures < FAILURES_MAX && may {
            AfterRefusal::SendAgain
        } else if self.maybe_applied {
            AfterRefusal::GiveUp(Refusal::OutcomeUnknown)
        } else {
            AfterRefusal::PassOn
        }
    }

    /// Whether an attempt broke after bytes had gone out.
    pub(crate) fn is_maybe_applied(self) -> bool {
        self.maybe_applied
    }

    /// What to answer when there is nobody to send to.
    pub(crate) fn unavailable(self) -> Refusal {
        self.unless_maybe_applied(Refusal::ShardUnavailable)
    }

    /// A refusal that says "nothing was applied", unless something may have been.
    pub(crate) fn unless_maybe_applied(self, refusal: Refusal) -> Refusal {
        if self.maybe_applied { Refusal::OutcomeUnknown } else { refusal }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn shard(name: &str) -> ShardId {
        name.parse().expect("an id")
    }

    #[test]
    fn a_named_owner_is_followed_twice_and_no_more() {
        let mut attempts = Attempts::default();
        let (a, b) = (shard("a"), shard("b"));
        for _ in 0..2 {
            let step = attempts.after_not_owner(Some(&a), Some(&b), Some(&a));
            assert_eq!(step, FollowUp::SendTo(b.clone()));
        }
        let step = attempts.after_not_owner(Some(&a), Some(&b), Some(&a));
        assert_eq!(step, FollowUp::GiveUp(Refusal::ShardUnavailable));
    }

    #[test]
    fn what_is_known_better_than_the_node_does_is_followed() {
        let (a, b, c) = (shard("a"), shard("b"), shard("c"));
        let step = Attempts::default().after_not_owner(Some(&a), Some(&b), Some(&c));
        assert_eq!(step, FollowUp::SendTo(c));
        let step = Attempts::default().after_not_owner(Some(&a), Some(&b), None);
        assert_eq!(step, FollowUp::SendTo(b));
    }

    #[test]
    fn without_an_owner_the_map_is_asked_once() {
        let mut attempts = Attempts::default();
        let (a, b) = (shard("a"), shard("b"));
        assert_eq!(attempts.after_not_owner(Some(&a), None, Some(&a)), FollowUp::AskForMap);
        let mut same = attempts;
        let unknown = FollowUp::GiveUp(Refusal::InstitutionUnknown);
        assert_eq!(same.after_not_owner(Some(&a), None, Some(&a)), unknown);
        assert_eq!(attempts.after_not_owner(Some(&a), None, Some(&b)), FollowUp::SendTo(b.clone()));
        assert_eq!(attempts.after_not_owner(Some(&b), None, Some(&b)), unknown);
    }

    #[test]
    fn a_broken_post_without_a_key_is_not_sent_again() {
        let broken = Broken { resendable: false, replayable: true, in_time: true };
        let gone = AfterFailure::GiveUp(Refusal::OutcomeUnknown);
        assert_eq!(Attempts::default().after_broken(broken), gone);
    }

    #[test]
    fn what_is_resendable_is_sent_again_once() {
        let broken = Broken { resendable: true, replayable: true, in_time: true };
        let mut attempts = Attempts::default();
        assert_eq!(attempts.after_broken(broken), AfterFailure::SendAgain);
        assert_eq!(attempts.after_broken(broken), AfterFailure::GiveUp(Refusal::OutcomeUnknown));
    }

    #[test]
    fn after_a_broken_attempt_503_is_never_said() {
        let mut attempts = Attempts::default();
        attempts.after_broken(Broken { resendable: true, replayable: true, in_time: true });
        let gone = AfterFailure::GiveUp(Refusal::OutcomeUnknown);
        assert_eq!(attempts.after_no_connection(true), gone);
        assert_eq!(attempts.unavailable(), Refusal::OutcomeUnknown);
        assert_eq!(attempts.after_refusal(true), AfterRefusal::GiveUp(Refusal::OutcomeUnknown));
    }

    #[test]
    fn what_a_node_refused_goes_to_another_once() {
        let mut attempts = Attempts::default();
        assert_eq!(attempts.after_refusal(true), AfterRefusal::SendAgain);
        assert_eq!(attempts.after_refusal(true), AfterRefusal::PassOn);
        assert_eq!(Attempts::default().after_refusal(false), AfterRefusal::PassOn);
    }

    #[test]
    fn a_421_is_read_from_a_problem() {
        let body = br#"{"type":"urn:x","title":"t","status":421,"code":"not-owner",
            "owner":"shard-b","epoch":5,"mapVersion":17}"#;
        let read = NotOwner::read(body);
        assert_eq!(read.owner, Some(shard("shard-b")));
        assert_eq!((read.epoch, read.map_version), (Some(Epoch(5)), Some(MapVersion(17))));
        for bad in [&b""[..], b"null", b"[]", b"{\"owner\":7}", b"{\"owner\":\"Not A Shard\"}"] {
            assert_eq!(NotOwner::read(bad), NotOwner::default());
        }
        assert_eq!(NotOwner::read(br#"{"owner":null,"epoch":null}"#), NotOwner::default());
    }

    /// What a node may do with an attempt.
    #[derive(Debug, Clone)]
    enum Answer {
        Owner(u8),
        NoOwner,
        NoConnection,
        Refused,
        Broke,
    }

    fn answers() -> impl Strategy<Value = Vec<Answer>> {
        let answer = prop_oneof![
            (0..4u8).prop_map(Answer::Owner),
            Just(Answer::NoOwner),
            Just(Answer::NoConnection),
            Just(Answer::Refused),
            Just(Answer::Broke),
        ];
        prop::collection::vec(answer, 1..20)
    }

    proptest! {
        #[test]
        fn whatever_nodes_do_attempts_are_bounded(
            answers in answers(),
            resendable: bool,
            routes in prop::collection::vec(0..4u8, 20),
        ) {
            let name = |number: u8| shard(&format!("s{number}"));
            let mut attempts = Attempts::default();
            let (mut sent, mut follow_ups, mut broke, mut asked) = (0, 0, 0, 0);
            let mut at = name(0);
            let mut refusal = None;
            for (answer, route) in answers.iter().zip(routes) {
                sent += 1;
                let again = match answer {
                    Answer::Owner(_) | Answer::NoOwner => {
                        let owner = match answer {
                            Answer::Owner(number) => Some(name(*number)),
                            _ => None,
                        };
                        let route = name(route);
                        let mut step = attempts.after_not_owner(Some(&at), owner.as_ref(), Some(&route));
                        if step == FollowUp::AskForMap {
                            asked += 1;
                            step = attempts.after_not_owner(Some(&at), owner.as_ref(), Some(&route));
                            prop_assert_ne!(&step, &FollowUp::AskForMap);
                        }
                        match step {
                            FollowUp::SendTo(next) => {
                                follow_ups += 1;
                                at = next;
                                Ok(())
                            }
                            FollowUp::GiveUp(refusal) => Err(refusal),
                            FollowUp::AskForMap => unreachable!("asserted above"),
                        }
                    }
                    Answer::NoConnection => match attempts.after_no_connection(true) {
                        AfterFailure::SendAgain => Ok(()),
                        AfterFailure::GiveUp(refusal) => Err(refusal),
                    },
                    Answer::Refused => match attempts.after_refusal(true) {
                        AfterRefusal::SendAgain => Ok(()),
                        AfterRefusal::PassOn => Err(Refusal::ShardUnavailable),
                        AfterRefusal::GiveUp(refusal) => Err(refusal),
                    },
                    Answer::Broke => {
                        broke += 1;
                        let broken = Broken { resendable, replayable: true, in_time: true };
                        match attempts.after_broken(broken) {
                            AfterFailure::SendAgain => Ok(()),
                            AfterFailure::GiveUp(refusal) => Err(refusal),
                        }
                    }
                };
                if let Err(answered) = again {
                    refusal = Some(answered);
                    break;
                }
            }
            prop_assert!(follow_ups <= 2);
            prop_assert!(asked <= 1);
            prop_assert!(sent <= 4, "{sent} attempts");
            let may_break = if resendable { 2 } else { 1 };
            prop_assert!(broke <= may_break);
            if broke > 0 && refusal.is_some() {
                prop_assert_eq!(refusal, Some(Refusal::OutcomeUnknown));
            }
            if answers.len() >= 5 {
                prop_assert!(refusal.is_some());
            }
        }
    }
}
