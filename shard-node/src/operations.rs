//! The registry: every operation of the API. REST, tRPC and `/openapi.json` are read from it.

use std::collections::HashMap;
use std::sync::LazyLock;

use crate::domain;
use crate::operation::Operation;
use crate::schedules;

/// All operations, in the order of the API page.
pub static OPERATIONS: LazyLock<Vec<Operation>> = LazyLock::new(|| {
    [
        domain::programs::operations(),
        domain::term_systems::operations(),
        domain::terms::operations(),
        domain::courses::operations(),
        domain::prerequisites::operations(),
        domain::subjects::operations(),
        domain::classes::operations(),
        domain::class_staff::operations(),
        domain::class_meetings::operations(),
        domain::users::operations(),
        domain::org_units::operations(),
        domain::students::operations(),
        domain::guardians::operations(),
        domain::enrollments::operations(),
        domain::questions::operations(),
        domain::assessments::operations(),
        domain::attempts::operations(),
        domain::submissions::operations(),
        domain::attendance::operations(),
        domain::gradebook::operations(),
        domain::grades::operations(),
        domain::reports::operations(),
        schedules::operations(),
        domain::notifications::operations(),
        domain::jobs::operations(),
        domain::events::operations(),
        domain::webhooks::operations(),
    ]
    .into_iter()
    .flatten()
    .collect()
});

static BY_NAME: LazyLock<HashMap<&'static str, &'static Operation>> =
    LazyLock::new(|| OPERATIONS.iter().map(|operation| (operation.name, operation)).collect());

/// The operation of a tRPC procedure.
pub fn by_name(name: &str) -> Option<&'static Operation> {
    BY_NAME.get(name).copied()
}
