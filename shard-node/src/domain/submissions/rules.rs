//! Who sees points and keys, and when; what an attempt's points come to. Pure.
//!
//! What must stay true: a key is shown only when nobody can answer by it any more: the assessment is closed, the grace of
//! those who were at it is over, and scores are released. Points are shown to their student by the release policy, or with
//! what is given back; what they come to, where the student may see all of them that it is made of.

use chrono::{DateTime, Utc};
use rust_decimal::Decimal;

use crate::domain::assessments::{CountedAttempt, ReleasePolicy};
use crate::domain::attempts::SubmissionStatus;
use crate::domain::attempts::rules::GRACE;
use crate::domain::grading::attempts::{AttemptPolicy, over};

/// How far an assessment is, as far as release goes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Release {
    pub(crate) policy: ReleasePolicy,
    pub(crate) released_at: Option<DateTime<Utc>>,
    pub(crate) closed_at: Option<DateTime<Utc>>,
}

impl Release {
    /// Whether a student sees the points of a submission.
    pub(crate) fn shows_points(&self, status: SubmissionStatus) -> bool {
        match status {
            SubmissionStatus::Returned => true,
            SubmissionStatus::Graded => {
                self.policy == ReleasePolicy::Immediate || self.released_at.is_some()
            }
            _ => false,
        }
    }

    /// Whether anybody sees a key.
    pub(crate) fn shows_key(&self, now: DateTime<Utc>) -> bool {
        let is_over = self.closed_at.is_some_and(|closed| now > closed + GRACE);
        is_over && self.released_at.is_some()
    }
}

/// An attempt that is graded.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) struct GradedAttempt<I> {
    pub(super) id: I,
    /// After lateness.
    pub(super) score: Decimal,
    pub(super) late_deduction: Decimal,
    pub(super) status: SubmissionStatus,
}

/// What a student's graded attempts, in their order, come to: the deciding one, the score and what lateness took. None
/// where none is graded.
pub(super) fn counted<I: Copy>(
    policy: CountedAttempt,
    attempts: &[GradedAttempt<I>],
) -> Option<(I, Decimal, Decimal)> {
    let scores: Vec<Decimal> = attempts.iter().map(|attempt| attempt.score).collect();
    let deductions: Vec<Decimal> = attempts.iter().map(|attempt| attempt.late_deduction).collect();
    let score = over(policy.into(), &scores)?;
    let decides = match policy {
        // Of the best the first.
        CountedAttempt::Best => attempts.iter().find(|attempt| attempt.score == score),
        CountedAttempt::First => attempts.first(),
        CountedAttempt::Last | CountedAttempt::Average => attempts.last(),
    };
    let decides = decides.or(attempts.last())?;
    let deduction = match policy {
        CountedAttempt::Average => over(AttemptPolicy::Average, &deductions)?,
        _ => decides.late_deduction,
    };
    Some((decides.id, score, deduction))
}

/// Whether a student sees what graded attempts come to: where the one that `decides` is shown; of a mean, where all are.
pub(super) fn shows_grade<I: Copy + PartialEq>(
    policy: CountedAttempt,
    release: Release,
    attempts: &[GradedAttempt<I>],
    decides: I,
) -> bool {
    let mut made_of = attempts
        .iter()
        .filter(|attempt| policy == CountedAttempt::Average || attempt.id == decides);
    made_of.all(|attempt| release.shows_points(attempt.status))
}

impl From<CountedAttempt> for AttemptPolicy {
    fn from(counted: CountedAttempt) -> Self {
        match counted {
            CountedAttempt::Best => Self::Best,
            CountedAttempt::Last => Self::Last,
            CountedAttempt::First => Self::First,
            CountedAttempt::Average => Self::Average,
        }
    }
}

#[cfg(test)]
mod tests {
    use chrono::TimeDelta;

    use super::*;

    const ALL: [SubmissionStatus; 5] = [
        SubmissionStatus::InProgress,
        SubmissionStatus::Submitted,
        SubmissionStatus::InReview,
        SubmissionStatus::Graded,
        SubmissionStatus::Returned,
    ];

    fn at(seconds: i64) -> DateTime<Utc> {
        DateTime::from_timestamp(1_000_000 + seconds, 0).expect("an instant")
    }

    #[test]
    fn points_are_shown_by_the_policy_or_with_what_is_given_back() {
        let shown = |policy, released_at| {
            let release = Release { policy, released_at, closed_at: None };
            ALL.into_iter().filter(|status| release.shows_points(*status)).collect::<Vec<_>>()
        };
        let (graded, returned) = (SubmissionStatus::Graded, SubmissionStatus::Returned);
        assert_eq!(shown(ReleasePolicy::Immediate, None), [graded, returned]);
        assert_eq!(shown(ReleasePolicy::Manual, None), [returned]);
        assert_eq!(shown(ReleasePolicy::AfterClose, None), [returned]);
        assert_eq!(shown(ReleasePolicy::Manual, Some(at(0))), [graded, returned]);
    }

    #[test]
    fn a_key_is_shown_when_nobody_can_answer_by_it() {
        for policy in [ReleasePolicy::Immediate, ReleasePolicy::AfterClose, ReleasePolicy::Manual] {
            let open = Release { policy, released_at: Some(at(0)), closed_at: None };
            assert!(!open.shows_key(at(1_000)));
            let closed = Release { closed_at: Some(at(0)), ..open };
            assert!(!closed.shows_key(at(0)) && !closed.shows_key(at(0) + GRACE));
            assert!(closed.shows_key(at(1) + GRACE));
            let kept = Release { released_at: None, ..closed };
            assert!(!kept.shows_key(at(0) + TimeDelta::days(1)));
        }
    }

    #[test]
    fn the_policy_says_which_attempt_counts_and_what_lateness_took_of_it() {
        let graded = |id: u8, score: i64, late: i64| GradedAttempt {
            id,
            score: Decimal::from(score),
            late_deduction: Decimal::from(late),
            status: SubmissionStatus::Graded,
        };
        let attempts = [graded(1, 50, 0), graded(2, 80, 10), graded(3, 70, 20)];
        let of = |policy| counted(policy, &attempts).expect("one is graded");
        assert_eq!(of(CountedAttempt::Best), (2, 80.into(), 10.into()));
        assert_eq!(of(CountedAttempt::First), (1, 50.into(), 0.into()));
        assert_eq!(of(CountedAttempt::Last), (3, 70.into(), 20.into()));
        let (id, score, late) = of(CountedAttempt::Average);
        assert_eq!((id, score, late), (3, Decimal::new(66_6667, 4), 10.into()));
        assert_eq!(counted::<u8>(CountedAttempt::Best, &[]), None);
    }

    #[test]
    fn a_grade_is_shown_where_what_it_is_made_of_is() {
        let attempt = |id: u8, status| GradedAttempt {
            id,
            score: Decimal::ONE,
            late_deduction: Decimal::ZERO,
            status,
        };
        let (graded, returned) = (SubmissionStatus::Graded, SubmissionStatus::Returned);
        let attempts = [attempt(1, returned), attempt(2, graded)];
        let kept = Release { policy: ReleasePolicy::Manual, released_at: None, closed_at: None };
        let shown = |policy, release, decides| shows_grade(policy, release, &attempts, decides);
        assert!(shown(CountedAttempt::Best, kept, 1));
        assert!(!shown(CountedAttempt::Best, kept, 2));
        assert!(!shown(CountedAttempt::Average, kept, 1));
        let released = Release { released_at: Some(at(0)), ..kept };
        assert!(shown(CountedAttempt::Average, released, 2));
    }
}
