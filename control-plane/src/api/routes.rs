//! The whole API on one page: method, path, operation, and the roles that may ask for it.
//!
//! A path's last part may carry a verb (`/v1/nodes/{id}:cordon`). The path here is also the label of metrics.

use axum::http::Method;

use super::access::Role::{self, HealthChecker, Node, PlatformOps, Router};

/// What can be asked for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[expect(missing_docs, reason = "the table below says what each is")]
pub enum Operation {
    AddShard,
    ListShards,
    ShowShard,
    InspectShard,
    ChangeShard,
    MigrateShard,
    DrainShard,
    UndrainShard,
    RemoveShard,
    ReconcileShard,
    RegisterNode,
    ListNodes,
    ShowNode,
    Heartbeat,
    HoldNodeDown,
    LetNodeUp,
    CordonNode,
    UncordonNode,
    CreateInstitution,
    ListInstitutions,
    ShowInstitution,
    SuspendInstitution,
    ResumeInstitution,
    PinInstitution,
    UnpinInstitution,
    ProposePlan,
    ListPlans,
    ShowPlan,
    ApplyPlan,
    PausePlan,
    ResumePlan,
    CancelPlan,
    ListMoves,
    ShowMove,
    CancelMove,
    ShowMap,
    ShowMapHistory,
    ListEvents,
    ListAudit,
    ShowDocument,
}

impl Operation {
    /// The parameters that its query may have.
    pub const fn query(self) -> &'static [&'static str] {
        match self {
            Self::ListInstitutions => &["slug", "ids", "page", "limit"],
            Self::ListPlans => &["limit"],
            Self::ListMoves => &["institution", "active", "limit"],
            Self::ShowMap => &["after"],
            Self::ShowMapHistory | Self::ListEvents | Self::ListAudit => &["after", "limit"],
            _ => &[],
        }
    }
}

/// A line of the table.
#[derive(Debug)]
pub struct Route {
    /// The method.
    pub method: Method,
    /// The path; `{id}` stands for one part of it.
    pub path: &'static str,
    /// What it does.
    pub operation: Operation,
    /// Who may.
    pub roles: &'static [Role],
}

const fn route(
    method: Method,
    path: &'static str,
    operation: Operation,
    roles: &'static [Role],
) -> Route {
    Route { method, path, operation, roles }
}

/// Who watches the fleet.
const WATCHERS: &[Role] = &[PlatformOps, HealthChecker, Router];

/// The API.
#[rustfmt::skip]
pub const ROUTES: &[Route] = &[
    route(Method::POST,  "/v1/shards",                    Operation::AddShard,           &[PlatformOps]),
    route(Method::GET,   "/v1/shards",                    Operation::ListShards,         WATCHERS),
    route(Method::GET,   "/v1/shards/{id}",               Operation::ShowShard,          WATCHERS),
    route(Method::GET,   "/v1/shards/{id}/databases",     Operation::InspectShard,       &[PlatformOps]),
    route(Method::PATCH, "/v1/shards/{id}",               Operation::ChangeShard,        &[PlatformOps]),
    route(Method::POST,  "/v1/shards/{id}:migrate",       Operation::MigrateShard,       &[PlatformOps]),
    route(Method::POST,  "/v1/shards/{id}:drain",         Operation::DrainShard,         &[PlatformOps]),
    route(Method::POST,  "/v1/shards/{id}:undrain",       Operation::UndrainShard,       &[PlatformOps]),
    route(Method::POST,  "/v1/shards/{id}:remove",        Operation::RemoveShard,        &[PlatformOps]),
    route(Method::POST,  "/v1/shards/{id}:reconcile",     Operation::ReconcileShard,     &[PlatformOps, Node]),
    route(Method::POST,  "/v1/nodes",                     Operation::RegisterNode,       &[Node]),
    route(Method::GET,   "/v1/nodes",                     Operation::ListNodes,          WATCHERS),
    route(Method::GET,   "/v1/nodes/{id}",                Operation::ShowNode,           WATCHERS),
    route(Method::POST,  "/v1/nodes/{id}:heartbeat",      Operation::Heartbeat,          &[Node]),
    route(Method::POST,  "/v1/nodes/{id}:down",           Operation::HoldNodeDown,       &[HealthChecker, PlatformOps]),
    route(Method::POST,  "/v1/nodes/{id}:up",             Operation::LetNodeUp,          &[HealthChecker, PlatformOps]),
    route(Method::POST,  "/v1/nodes/{id}:cordon",         Operation::CordonNode,         &[PlatformOps]),
    route(Method::POST,  "/v1/nodes/{id}:uncordon",       Operation::UncordonNode,       &[PlatformOps]),
    route(Method::POST,  "/v1/institutions",              Operation::CreateInstitution,  &[PlatformOps]),
    route(Method::GET,   "/v1/institutions",              Operation::ListInstitutions,   &[PlatformOps]),
    route(Method::GET,   "/v1/institutions/{id}",         Operation::ShowInstitution,    &[PlatformOps]),
    route(Method::POST,  "/v1/institutions/{id}:suspend", Operation::SuspendInstitution, &[PlatformOps]),
    route(Method::POST,  "/v1/institutions/{id}:resume",  Operation::ResumeInstitution,  &[PlatformOps]),
    route(Method::POST,  "/v1/institutions/{id}:pin",     Operation::PinInstitution,     &[PlatformOps]),
    route(Method::POST,  "/v1/institutions/{id}:unpin",   Operation::UnpinInstitution,   &[PlatformOps]),
    route(Method::POST, "/v1/plans",                      Operation::ProposePlan,        &[PlatformOps]),
    route(Method::GET,  "/v1/plans",                      Operation::ListPlans,          WATCHERS),
    route(Method::GET,  "/v1/plans/{id}",                 Operation::ShowPlan,           WATCHERS),
    route(Method::POST, "/v1/plans/{id}:apply",           Operation::ApplyPlan,          &[PlatformOps]),
    route(Method::POST, "/v1/plans/{id}:pause",           Operation::PausePlan,          &[PlatformOps]),
    route(Method::POST, "/v1/plans/{id}:resume",          Operation::ResumePlan,         &[PlatformOps]),
    route(Method::POST, "/v1/plans/{id}:cancel",          Operation::CancelPlan,         &[PlatformOps]),
    route(Method::GET,  "/v1/moves",                      Operation::ListMoves,          WATCHERS),
    route(Method::GET,  "/v1/moves/{id}",                 Operation::ShowMove,           WATCHERS),
    route(Method::POST, "/v1/moves/{id}:cancel",          Operation::CancelMove,         &[PlatformOps]),
    route(Method::GET,   "/v1/map",                       Operation::ShowMap,            WATCHERS),
    route(Method::GET,   "/v1/map/history",               Operation::ShowMapHistory,     &[PlatformOps]),
    route(Method::GET,   "/v1/events",                    Operation::ListEvents,         &[PlatformOps]),
    route(Method::GET,   "/v1/audit",                     Operation::ListAudit,          &[PlatformOps]),
    route(Method::GET,   "/openapi.json",                 Operation::ShowDocument,       &Role::ALL),
];

/// Where a request goes.
#[derive(Debug)]
pub enum Target<'p> {
    /// To a route, with what stands for `{id}` (empty where there is none).
    Found(&'static Route, &'p str),
    /// The path is known with other methods only.
    OtherMethods(Vec<&'static Method>),
    /// Nowhere.
    Unknown,
}

/// Finds the route of a request.
pub fn find<'p>(method: &Method, path: &'p str) -> Target<'p> {
    let matching: Vec<_> = ROUTES
        .iter()
        .filter_map(|route| captured(route.path, path).map(|id| (route, id)))
        .collect();
    match matching.iter().find(|(route, _)| route.method == *method) {
        Some((route, id)) => Target::Found(route, id),
        None if matching.is_empty() => Target::Unknown,
        None => Target::OtherMethods(matching.iter().map(|(route, _)| &route.method).collect()),
    }
}

/// What stands for `{id}`, if the path is one of the template's.
fn captured<'p>(template: &str, path: &'p str) -> Option<&'p str> {
    let Some((before, after)) = template.split_once("{id}") else {
        return (template == path).then_some("");
    };
    let id = path.strip_prefix(before)?.strip_suffix(after)?;
    (!id.is_empty() && !id.contains(['/', ':'])).then_some(id)
}

#[cfg(test)]
mod tests {
    use std::collections::HashSet;

    use super::*;

    #[test]
    fn each_operation_has_one_route_with_a_role() {
        let mut operations = HashSet::new();
        for route in ROUTES {
            assert!(operations.insert(route.operation), "{:?} twice", route.operation);
            assert!(!route.roles.is_empty(), "nobody may {:?}", route.operation);
        }
    }

    #[test]
    fn a_verb_is_not_part_of_an_id() {
        let found = |method: Method, path| match find(&method, path) {
            Target::Found(route, id) => Some((route.operation, id)),
            _ => None,
        };
        assert_eq!(found(Method::GET, "/v1/nodes/n-1"), Some((Operation::ShowNode, "n-1")));
        assert_eq!(
            found(Method::POST, "/v1/nodes/n-1:heartbeat"),
            Some((Operation::Heartbeat, "n-1"))
        );
        assert_eq!(found(Method::GET, "/v1/nodes"), Some((Operation::ListNodes, "")));
        for path in ["/v1/nodes/n-1:explode", "/v1/nodes/", "/v1/nodes/a/b", "/v1/nodes/:up", "/"] {
            assert!(matches!(find(&Method::POST, path), Target::Unknown), "{path}");
        }
    }

    #[test]
    fn a_wrong_method_is_told_the_right_ones() {
        let Target::OtherMethods(methods) = find(&Method::DELETE, "/v1/shards") else {
            panic!("a method that does not fit")
        };
        assert_eq!(methods, [&Method::POST, &Method::GET]);
    }
}
