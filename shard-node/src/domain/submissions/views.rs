//! Submissions as those see them who may not see all of an institution's.
//!
//! What must stay true: of an attempt of their own nobody sees points before they are released, unless they teach the
//! class. The database leaves them out, so that no list, sort or select can get at them. Each is listed once.

use std::time::Duration;

use serde::{Deserialize, Serialize};
use sqlx::FromRow;
use utoipa::ToSchema;

use super::model::{Submission, select};
use crate::resource::{Field, Kind, Resource};

/// The user whose view it is.
pub(super) const USER: &str = "viewerId";
/// The student whose own they are.
pub(super) const STUDENT: &str = "ownerId";

/// Declares a view.
macro_rules! view {
    ($(#[$doc:meta])* $name:ident, of $owner:ident in $column:literal, $from:literal, $sees:literal) => {
        $(#[$doc])*
        #[derive(Debug, Clone, Serialize, Deserialize, FromRow, ToSchema)]
        #[serde(transparent)]
        pub(super) struct $name {
            #[sqlx(flatten)]
            pub(super) row: Submission,
        }

        impl Resource for $name {
            const ENTITY: &'static str = Submission::ENTITY;
            const KIND: &'static str = Submission::KIND;
            const TOUCHES: &'static [&'static str] = &[];
            const NOUN: &'static str = Submission::NOUN;
            const SELECT: &'static str = select!($from, $sees);
            const FIELDS: &'static [Field] = &[
                Field::id("assessment_submissions", "submission"),
                Field::filter($owner, $column, Kind::Uuid),
                Field::sort("createdAt", "t.created_at", Kind::Timestamp),
            ];
            const MEMBERS: &'static [&'static str] = Submission::MEMBERS;
            const CACHE_TTL: Option<Duration> = None;
        }
    };
}

view! {
    /// In classes that a user teaches.
    Taught, of USER in "m.user_id",
    "class_staff m JOIN assessment_submissions t \
        ON t.institution_id = m.institution_id AND t.class_id = m.class_id",
    "true"
}

view! {
    /// A student's own.
    Own, of STUDENT in "t.student_id",
    "assessment_submissions t",
    "r.released"
}

view! {
    /// Both of it, as a teaching assistant sees them.
    TaughtOrOwn, of USER in "t.user_id",
    "(SELECT m.user_id, true AS taught, s.* FROM class_staff m JOIN assessment_submissions s \
            ON s.institution_id = m.institution_id AND s.class_id = m.class_id \
        UNION ALL \
        SELECT o.user_id, false, s.* FROM students o JOIN assessment_submissions s \
            ON s.institution_id = o.institution_id AND s.student_id = o.id \
            WHERE NOT EXISTS (SELECT FROM class_staff m WHERE m.institution_id = s.institution_id \
                AND m.class_id = s.class_id AND m.user_id = o.user_id)) t",
    "(t.taught OR r.released)"
}
