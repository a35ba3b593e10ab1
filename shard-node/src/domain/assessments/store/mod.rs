//! Every SQL statement of assessments.
//!
//! Order of locks on every path: assessment, override, attempts, enrolments, progress.

mod assessment;
mod materials;
mod overrides;

pub(super) use assessment::{
    close, exists_in_class, grading_type, insert, last_end, late_policy_fits, publish, release,
    set_blueprint, update,
};
pub(super) use materials::{
    Wanted, blueprint_of, failed, insert_materials, lock_wanted, materials, shown,
};
pub(super) use overrides::{find_override, put_override};
