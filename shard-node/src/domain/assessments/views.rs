//! Assessments as those list them who may not see all of an institution's.
//!
//! What must stay true: nobody lists a draft of a class that they do not teach, and each assessment is listed once,
//! also to who teaches a class and is a student of another.

use std::time::Duration;

use serde::{Deserialize, Serialize};
use sqlx::FromRow;
use utoipa::ToSchema;

use super::model::{Assessment, select};
use crate::resource::{Field, Kind, Resource};

/// The user whose view it is.
pub(super) const USER: &str = "viewerId";

/// Declares a view: those that a join leaves, with the user's id in `m.user_id`.
macro_rules! view {
    ($(#[$doc:meta])* $name:ident, $join:literal) => {
        $(#[$doc])*
        #[derive(Debug, Clone, Serialize, Deserialize, FromRow, ToSchema)]
        #[serde(transparent)]
        pub(super) struct $name {
            #[sqlx(flatten)]
            row: Assessment,
        }

        impl Resource for $name {
            const ENTITY: &'static str = Assessment::ENTITY;
            const KIND: &'static str = Assessment::KIND;
            const TOUCHES: &'static [&'static str] = &[];
            const NOUN: &'static str = Assessment::NOUN;
            const SELECT: &'static str = select!($join);
            const FIELDS: &'static [Field] = &[
                Field::id("assessments", "assessment"),
                Field::filter(USER, "m.user_id", Kind::Uuid),
                Field::sort("createdAt", "t.created_at", Kind::Timestamp),
            ];
            const MEMBERS: &'static [&'static str] = Assessment::MEMBERS;
            const CACHE_TTL: Option<Duration> = None;
        }
    };
}

view! {
    /// Of classes that a user teaches.
    Taught,
    " JOIN class_staff m ON m.institution_id = t.institution_id AND m.class_id = t.class_id"
}

view! {
    /// No drafts, of classes that a user is a student of.
    Attended,
    " JOIN (SELECT DISTINCT e.institution_id, e.class_id, s.user_id FROM enrollments e \
            JOIN students s ON s.institution_id = e.institution_id AND s.id = e.student_id \
            WHERE e.status IN ('ACTIVE', 'SUSPENDED', 'COMPLETED')) m \
        ON m.institution_id = t.institution_id AND m.class_id = t.class_id AND t.status <> 'DRAFT'"
}

view! {
    /// Both of it, as a teaching assistant sees them.
    TaughtOrAttended,
    " JOIN (SELECT institution_id, class_id, user_id, bool_or(teaches) AS teaches FROM ( \
                SELECT institution_id, class_id, user_id, true AS teaches FROM class_staff UNION ALL \
                SELECT e.institution_id, e.class_id, s.user_id, false FROM enrollments e \
                JOIN students s ON s.institution_id = e.institution_id AND s.id = e.student_id \
                WHERE e.status IN ('ACTIVE', 'SUSPENDED', 'COMPLETED')) memberships \
            GROUP BY institution_id, class_id, user_id) m \
        ON m.institution_id = t.institution_id AND m.class_id = t.class_id \
            AND (m.teaches OR t.status <> 'DRAFT')"
}
