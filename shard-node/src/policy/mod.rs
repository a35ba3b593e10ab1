//! Who may do what: which role, under which relation to what it is about. The one place that judges this.
//!
//! Each operation of the registry carries its [`Policy`] as data. The executor admits a caller by role and notes under
//! which relations (`Caller::relations`); a service then asks with one line, `work.expect(...)` or `reader.expect(...)`,
//! or narrows a list by [`visible_students`].
//!
//! What must stay true:
//! - A token's roles are the ceiling; relations come from rows, read in the caller's own transaction.
//! - Of several roles the widest counts: who is admitted without a relation is asked for none.
//! - `shard-node/tests/it/policy_table.txt` says of every operation and role what comes of it, and is measured.

mod ask;
mod store;

use service_kit::token::{Role, Roles};

pub use ask::{About, expect, expect_class, visible_students};
pub(crate) use store::{class_exists, teaches};

/// Under which relation a role may do something.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Relation {
    /// None is asked for.
    Any,
    /// On the staff of the class that it is about.
    Teaches,
    /// In the class that it is about, as a student.
    Attends,
    /// A guardian, today, of a student of the class that it is about.
    GuardsIn,
    /// The student that it is about.
    Own,
    /// A guardian of that student, today.
    Guards,
}

impl Relation {
    const fn bit(self) -> u8 {
        1 << self as u8
    }
}

/// Relations of which one is enough.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Relations(u8);

impl Relations {
    /// Without any: what the platform does for itself.
    pub const ANY: Self = Self(Relation::Any.bit());

    /// Whether one is among them.
    pub const fn contains(self, relation: Relation) -> bool {
        self.0 & relation.bit() != 0
    }

    /// Whether none need be asked for.
    pub const fn is_any(self) -> bool {
        self.contains(Relation::Any)
    }
}

/// Who may do one thing: a relation for each role, or none at all.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Policy([Option<Relation>; Role::ALL.len()]);

impl Policy {
    /// These roles, without any relation.
    pub const fn of(roles: Roles) -> Self {
        let mut policy = Self([None; Role::ALL.len()]);
        let mut index = 0;
        while index < Role::ALL.len() {
            if roles.contains(Role::ALL[index]) {
                policy.0[index] = Some(Relation::Any);
            }
            index += 1;
        }
        policy
    }

    /// These and one more, under a relation.
    #[must_use]
    pub const fn with(mut self, role: Role, relation: Relation) -> Self {
        self.0[role as usize] = Some(relation);
        self
    }

    /// The roles that it admits.
    pub fn roles(&self) -> Roles {
        let admitted = |role: &Role| self.0[*role as usize].is_some();
        Role::ALL.into_iter().filter(admitted).collect()
    }

    /// Under which relations a caller of these roles may.
    pub fn relations(&self, roles: Roles) -> Relations {
        let held = roles.iter().filter_map(|role| self.0[role as usize]);
        Relations(held.fold(0, |bits, relation| bits | relation.bit()))
    }
}

impl From<Roles> for Policy {
    fn from(roles: Roles) -> Self {
        Self::of(roles)
    }
}

/// Admin and staff.
pub const OFFICE: Policy = Policy::of(crate::operation::OFFICE);
/// The office, and of instructors those who teach the class.
pub const TEACHERS: Policy = OFFICE.with(Role::Instructor, Relation::Teaches);
/// The office, and the student that it is about.
pub const STUDENT: Policy = OFFICE.with(Role::Student, Relation::Own);
/// The office, the student that it is about, and who answers for the student.
pub const FAMILY: Policy = STUDENT.with(Role::Guardian, Relation::Guards);

#[cfg(test)]
mod tests {
    use super::*;
    use crate::operation::roles;

    #[test]
    fn a_policy_admits_whom_it_names_and_of_several_roles_the_widest_counts() {
        let policy = FAMILY.with(Role::Instructor, Relation::Teaches);
        assert!(!policy.roles().contains(Role::ApiClient));
        assert!(policy.roles().contains(Role::Guardian));
        let relations = policy.relations(roles(&[Role::Instructor, Role::Student]));
        assert!(relations.contains(Relation::Teaches) && relations.contains(Relation::Own));
        assert!(!relations.is_any() && !relations.contains(Relation::Guards));
        assert!(policy.relations(roles(&[Role::Student, Role::Staff])).is_any());
        assert_eq!(policy.relations(Roles::from(Role::ApiClient)), Relations::default());
    }

    #[test]
    fn roles_alone_ask_for_no_relation() {
        let all: Roles = Role::ALL.into_iter().collect();
        assert_eq!(Policy::of(all).roles(), all);
        for role in Role::ALL {
            assert!(Policy::of(all).relations(Roles::from(role)).is_any(), "{role}");
            assert!(
                Policy::of(Roles::empty()).relations(Roles::from(role)) == Relations::default()
            );
        }
    }
}
