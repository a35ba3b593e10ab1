//! The states of an enrolment and the ways between them.

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

/// Where an enrolment stands.
#[derive(
    Debug,
    Clone,
    Copy,
    PartialEq,
    Eq,
    Hash,
    PartialOrd,
    Ord,
    Serialize,
    Deserialize,
    sqlx::Type,
    ToSchema,
)]
#[serde(rename_all = "UPPERCASE")]
#[sqlx(type_name = "text", rename_all = "UPPERCASE")]
pub enum Status {
    /// Waits for somebody's approval.
    Pending,
    /// In the class.
    Active,
    /// Waits for a seat.
    Waitlisted,
    /// Was offered a seat, which is kept.
    Offered,
    /// Away for a while; the seat is kept.
    Suspended,
    /// Went through to the end.
    Completed,
    /// Left before the drop deadline.
    Dropped,
    /// Left after it.
    Withdrawn,
    /// Left the waitlist.
    Cancelled,
    /// Did not take an offer, in time or at all.
    Expired,
    /// Was not approved.
    Rejected,
}

/// What may be done to an enrolment.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Transition {
    /// A seat is free: from the waitlist into the class.
    Promote,
    /// A seat is free, and is kept for a while.
    Offer,
    /// Take the seat that is offered.
    Accept,
    /// Let the seat go that is offered.
    Decline,
    /// The offer was not taken in time.
    Expire,
    /// Leave before the drop deadline.
    Drop,
    /// Leave after it.
    Withdraw,
    /// Leave the waitlist.
    Cancel,
    /// Go away for a while.
    Suspend,
    /// Come back.
    Resume,
    /// Go through to the end.
    Complete,
}

/// A way that does not exist.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("an enrolment that is {from:?} cannot do this")]
pub struct InvalidTransition {
    /// Where it stands.
    pub from: Status,
    /// Where it may go from there.
    pub allowed: Vec<Status>,
}

impl Status {
    /// Every state.
    pub const ALL: [Self; 11] = [
        Self::Pending,
        Self::Active,
        Self::Waitlisted,
        Self::Offered,
        Self::Suspended,
        Self::Completed,
        Self::Dropped,
        Self::Withdrawn,
        Self::Cancelled,
        Self::Expired,
        Self::Rejected,
    ];

    /// The word in JSON and in the database.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Pending => "PENDING",
            Self::Active => "ACTIVE",
            Self::Waitlisted => "WAITLISTED",
            Self::Offered => "OFFERED",
            Self::Suspended => "SUSPENDED",
            Self::Completed => "COMPLETED",
            Self::Dropped => "DROPPED",
            Self::Withdrawn => "WITHDRAWN",
            Self::Cancelled => "CANCELLED",
            Self::Expired => "EXPIRED",
            Self::Rejected => "REJECTED",
        }
    }

    /// Whether it holds a seat of the class.
    pub fn holds_seat(self) -> bool {
        matches!(self, Self::Active | Self::Offered | Self::Suspended | Self::Completed)
    }

    /// Whether it stands in the way of another enrolment of the same student in the class.
    pub fn is_live(self) -> bool {
        matches!(
            self,
            Self::Pending | Self::Active | Self::Waitlisted | Self::Offered | Self::Suspended
        )
    }

    /// Where it may go.
    pub fn allowed(self) -> Vec<Self> {
        match self {
            Self::Pending => vec![Self::Active, Self::Waitlisted, Self::Rejected],
            Self::Waitlisted => vec![Self::Offered, Self::Active, Self::Cancelled],
            Self::Offered => vec![Self::Active, Self::Expired],
            Self::Active => vec![Self::Suspended, Self::Completed, Self::Dropped, Self::Withdrawn],
            Self::Suspended => vec![Self::Active],
            Self::Completed
            | Self::Dropped
            | Self::Withdrawn
            | Self::Cancelled
            | Self::Expired
            | Self::Rejected => Vec::new(),
        }
    }

    /// Where a transition leads from here.
    pub fn apply(self, transition: Transition) -> Result<Self, InvalidTransition> {
        let to = match (self, transition) {
            (Self::Waitlisted, Transition::Promote)
            | (Self::Offered, Transition::Accept)
            | (Self::Suspended, Transition::Resume) => Self::Active,
            (Self::Waitlisted, Transition::Offer) => Self::Offered,
            (Self::Offered, Transition::Decline | Transition::Expire) => Self::Expired,
            (Self::Active, Transition::Drop) => Self::Dropped,
            (Self::Active, Transition::Withdraw) => Self::Withdrawn,
            (Self::Active, Transition::Suspend) => Self::Suspended,
            (Self::Active, Transition::Complete) => Self::Completed,
            (Self::Waitlisted, Transition::Cancel) => Self::Cancelled,
            (from, _) => return Err(InvalidTransition { from, allowed: from.allowed() }),
        };
        Ok(to)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const TRANSITIONS: [Transition; 11] = [
        Transition::Promote,
        Transition::Offer,
        Transition::Accept,
        Transition::Decline,
        Transition::Expire,
        Transition::Drop,
        Transition::Withdraw,
        Transition::Cancel,
        Transition::Suspend,
        Transition::Resume,
        Transition::Complete,
    ];

    #[test]
    fn every_transition_leads_to_an_allowed_state_or_names_them() {
        for from in Status::ALL {
            for transition in TRANSITIONS {
                match from.apply(transition) {
                    Ok(to) => assert!(from.allowed().contains(&to), "{from:?} -> {to:?}"),
                    Err(refused) => assert_eq!(refused.allowed, from.allowed()),
                }
            }
        }
    }

    #[test]
    fn what_has_ended_stays_ended() {
        for from in Status::ALL.into_iter().filter(|status| !status.is_live()) {
            assert!(TRANSITIONS.iter().all(|transition| from.apply(*transition).is_err()));
        }
    }
}
