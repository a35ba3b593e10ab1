//! `/openapi.json`: OpenAPI 3.1, read off the table of routes.
//!
//! What must stay true: whoever adds an operation says here what it is, or it does not compile; the parameters of
//! its query are those that its handler takes ([`Operation::query`]).

use std::sync::LazyLock;

use axum::http::StatusCode;
use control_api::{
    AuditEntry, DownReason, Event, Heartbeat, Institution, InstitutionDetail, List, MapAnswer,
    MapChange, Move, NewInstitution, NewPlan, NewShard, Node, NodeRegistration, OwnershipClaims,
    Page, Pin, Plan, Reconciled, Shard, ShardChange, ShardInspection, ShardRemoval,
};
use serde_json::{Map, Value, json};
use utoipa::ToSchema;
use utoipa::openapi::{RefOr, Schema};

use super::access::Role;
use super::routes::{Operation, ROUTES, Route};

/// The document.
pub(super) static DOCUMENT: LazyLock<Value> = LazyLock::new(document);

/// What an operation is, takes and gives.
struct Described {
    summary: &'static str,
    takes: Option<Value>,
    /// Statuses of success, with what comes with them.
    gives: Vec<(StatusCode, Option<Value>)>,
    named: Vec<(String, RefOr<Schema>)>,
}

fn document() -> Value {
    let (mut paths, mut named) = (Map::new(), Map::new());
    for route in ROUTES {
        let described = describe(route.operation);
        let item = paths.entry(route.path).or_insert_with(|| json!({}));
        item[route.method.as_str().to_lowercase()] = described.shown(route);
        named.extend(described.named.into_iter().map(|(name, schema)| (name, json_of(&schema))));
    }
    named.insert("Problem".to_owned(), problem());
    json!({
        "openapi": "3.1.0",
        "info": {
            "title": "lxp control plane",
            "version": env!("CARGO_PKG_VERSION"),
            "description": "Every request needs a bearer token; x-roles names the roles that may. \
                Errors are application/problem+json.",
        },
        "paths": paths,
        "components": {
            "schemas": named,
            "securitySchemes": {"bearer": {"type": "http", "scheme": "bearer"}},
        },
        "security": [{"bearer": []}],
    })
}

#[rustfmt::skip]
fn describe(operation: Operation) -> Described {
    match operation {
        Operation::AddShard => said("Adds a shard. It joins the ring by itself once it is migrated and has a ready node").takes::<NewShard>().creates::<Shard>(),
        Operation::ListShards => said("All shards").lists::<Shard>(),
        Operation::ShowShard => said("One shard").gives::<Shard>(),
        Operation::InspectShard => said("What a shard's databases say of themselves: schema, clock, lag, what moves have left").gives::<ShardInspection>(),
        Operation::ChangeShard => said("Changes a shard's weight or where its databases are").takes::<ShardChange>().gives::<Shard>(),
        Operation::MigrateShard => said("Has a shard's database brought to the newest migration").gives::<Shard>(),
        Operation::DrainShard => said("Takes a shard out of the ring: it gets no new institution; what it has stays until a plan moves it").gives::<Shard>(),
        Operation::UndrainShard => said("Puts a draining shard into the ring again; refused while moves to or from it wait in plans").gives::<Shard>(),
        Operation::RemoveShard => said("Removes a drained shard; refused while it owns anything, a move touches it, or its database holds rows or does not answer, unless that is said to be lost").takes::<ShardRemoval>().gives::<Shard>(),
        Operation::ReconcileShard => said("Says which of the institutions that a shard's database would serve are not its own").takes::<OwnershipClaims>().gives::<Reconciled>(),
        Operation::RegisterNode => said("Registers a node, or hears again where it is").takes::<NodeRegistration>().gives::<Node>(),
        Operation::ListNodes => said("All nodes").lists::<Node>(),
        Operation::ShowNode => said("One node").gives::<Node>(),
        Operation::Heartbeat => said("Hears that a node lives, and how it is").takes::<Heartbeat>().gives_nothing(),
        Operation::HoldNodeDown => said("Holds a node down, whatever its heartbeats say").takes::<DownReason>().gives::<Node>(),
        Operation::LetNodeUp => said("Lets go of a node that is held down").gives::<Node>(),
        Operation::CordonNode => said("Takes a node out until it is uncordoned").gives::<Node>(),
        Operation::UncordonNode => said("Puts a cordoned node back").gives::<Node>(),
        Operation::CreateInstitution => said("Creates an institution and places it").takes::<NewInstitution>().creates::<Institution>(),
        Operation::ListInstitutions => said("Institutions, page by page").pages::<Institution>(),
        Operation::ShowInstitution => said("One institution: where it lives, what each shard's database says, where it has lived").gives::<InstitutionDetail>(),
        Operation::SuspendInstitution => said("Suspends an institution: its requests are refused, its data stays").gives::<Institution>(),
        Operation::ResumeInstitution => said("Lets a suspended institution be served again").gives::<Institution>(),
        Operation::PinInstitution => said("Wants an institution on a shard, whatever the ring says; nothing moves before a plan is applied").takes::<Pin>().gives::<Institution>(),
        Operation::UnpinInstitution => said("Lets the ring decide again where an institution belongs").gives::<Institution>(),
        Operation::ProposePlan => said("Proposes a plan; nothing moves before it is applied").takes::<NewPlan>().created::<Plan>(),
        Operation::ListPlans => said("Plans, the newest first").lists::<Plan>(),
        Operation::ShowPlan => said("One plan: what would move and why").gives::<Plan>(),
        Operation::ApplyPlan => said("Begins the moves of a plan; refused where a placement has changed since").gives::<Plan>(),
        Operation::PausePlan => said("Begins no further move of a plan").gives::<Plan>(),
        Operation::ResumePlan => said("Begins the moves of a paused plan again").gives::<Plan>(),
        Operation::CancelPlan => said("Ends a plan; its moves that are not committed are given up").gives::<Plan>(),
        Operation::ListMoves => said("Moves, the newest first").lists::<Move>(),
        Operation::ShowMove => said("One move: how far it is").gives::<Move>(),
        Operation::CancelMove => said("Gives a move up, if it is not committed").gives::<Move>(),
        Operation::ShowMap => said("The shard map; with `after`, news as soon as there are some, else 204").gives::<MapAnswer>().gives_nothing(),
        Operation::ShowMapHistory => said("Versions of the map and what each changed; with `after` the oldest first").lists::<MapChange>(),
        Operation::ListEvents => said("What happened; with `after` the oldest first").lists::<Event>(),
        Operation::ListAudit => said("Who did what; with `after` the oldest first").lists::<AuditEntry>(),
        Operation::ShowDocument => said("This document").gives_object(),
    }
}

const fn said(summary: &'static str) -> Described {
    Described { summary, takes: None, gives: Vec::new(), named: Vec::new() }
}

impl Described {
    fn takes<T: ToSchema>(mut self) -> Self {
        self.takes = Some(self.schema::<T>());
        self
    }

    fn gives<T: ToSchema>(mut self) -> Self {
        let schema = self.schema::<T>();
        self.gives.push((StatusCode::OK, Some(schema)));
        self
    }

    fn lists<T: ToSchema>(self) -> Self {
        self.names::<T>().gives::<List<T>>()
    }

    fn pages<T: ToSchema>(self) -> Self {
        self.names::<T>().gives::<Page<T>>()
    }

    /// A list refers to its entries by name.
    fn names<T: ToSchema>(mut self) -> Self {
        self.named.push((T::name().into_owned(), T::schema()));
        self
    }

    /// 201 where it is new, 200 where it was there.
    fn creates<T: ToSchema>(mut self) -> Self {
        let schema = self.schema::<T>();
        self.gives.push((StatusCode::CREATED, Some(schema)));
        self.gives::<T>()
    }

    /// 201: it is always new.
    fn created<T: ToSchema>(mut self) -> Self {
        let schema = self.schema::<T>();
        self.gives.push((StatusCode::CREATED, Some(schema)));
        self
    }

    fn gives_nothing(mut self) -> Self {
        self.gives.push((StatusCode::NO_CONTENT, None));
        self
    }

    fn gives_object(mut self) -> Self {
        self.gives.push((StatusCode::OK, Some(json!({"type": "object"}))));
        self
    }

    fn schema<T: ToSchema>(&mut self) -> Value {
        T::schemas(&mut self.named);
        json_of(&T::schema())
    }

    fn shown(&self, route: &Route) -> Value {
        let path_id = route.path.contains("{id}").then_some(("id", "path"));
        let query = route.operation.query().iter().map(|name| (*name, "query"));
        let parameters: Vec<Value> = path_id
            .into_iter()
            .chain(query)
            .map(|(name, place)| {
                json!({"name": name, "in": place, "required": place == "path", "schema": parameter(name)})
            })
            .collect();
        let mut shown = json!({
            "operationId": format!("{:?}", route.operation),
            "summary": self.summary,
            "x-roles": route.roles.iter().map(|role: &Role| role.as_str()).collect::<Vec<_>>(),
            "parameters": parameters,
            "responses": self.responses(),
        });
        if let Some(schema) = &self.takes {
            shown["requestBody"] =
                json!({"required": true, "content": {"application/json": {"schema": schema}}});
        }
        shown
    }

    fn responses(&self) -> Value {
        let mut responses = Map::new();
        for (status, schema) in &self.gives {
            let mut success = json!({"description": "Success"});
            if let Some(schema) = schema {
                success["content"] = json!({"application/json": {"schema": schema}});
            }
            responses.insert(status.as_str().to_owned(), success);
        }
        let problem = json!({"$ref": "#/components/schemas/Problem"});
        let content = json!({"application/problem+json": {"schema": problem}});
        responses
            .insert("default".to_owned(), json!({"description": "A problem", "content": content}));
        Value::Object(responses)
    }
}

fn parameter(name: &str) -> Value {
    match name {
        "after" | "page" | "limit" => json!({"type": "integer", "minimum": 0}),
        "active" => json!({"type": "boolean"}),
        _ => json!({"type": "string"}),
    }
}

fn json_of(schema: &RefOr<Schema>) -> Value {
    // utoipa's schemas are plain data: that always serialises.
    serde_json::to_value(schema).unwrap_or_default()
}

fn problem() -> Value {
    let text = || json!({"type": "string"});
    let field = json!({
        "type": "object",
        "required": ["pointer", "code"],
        "properties": {"pointer": text(), "code": text(), "detail": text()},
    });
    json!({
        "type": "object",
        "required": ["type", "title", "status", "code"],
        "properties": {
            "type": text(), "title": text(), "status": {"type": "integer"}, "code": text(),
            "detail": text(), "requestId": text(), "errors": {"type": "array", "items": field},
        },
    })
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;

    #[test]
    fn the_document_has_every_route_and_no_other() {
        let routed: BTreeSet<_> = ROUTES
            .iter()
            .map(|route| (route.path.to_owned(), route.method.as_str().to_lowercase()))
            .collect();
        let paths = DOCUMENT["paths"].as_object().expect("paths").iter();
        let described: BTreeSet<_> = paths
            .flat_map(|(path, item)| {
                let methods = item.as_object().expect("an item").keys();
                methods.map(|method| (path.clone(), method.clone()))
            })
            .collect();
        assert_eq!(described, routed);
    }

    #[test]
    fn every_operation_says_who_may_and_what_comes_of_it() {
        for route in ROUTES {
            let method = route.method.as_str().to_lowercase();
            let described = &DOCUMENT["paths"][route.path][&method];
            let roles: Vec<_> = route.roles.iter().map(|role| json!(role.as_str())).collect();
            assert_eq!(described["x-roles"], json!(roles), "{}", route.path);
            let responses = described["responses"].as_object().expect("responses");
            assert!(responses.len() > 1, "{}: {responses:?}", route.path);
        }
    }

    #[test]
    fn every_reference_leads_to_a_schema_and_every_schema_is_used() {
        let text = DOCUMENT.to_string();
        let schemas = DOCUMENT["components"]["schemas"].as_object().expect("schemas");
        let referred: BTreeSet<_> = text
            .split("\"#/components/schemas/")
            .skip(1)
            .filter_map(|rest| rest.split('"').next())
            .collect();
        let named: BTreeSet<_> = schemas.keys().map(String::as_str).collect();
        assert_eq!(referred, named);
    }

    #[test]
    fn a_name_means_one_schema() {
        let mut seen = Map::new();
        for route in ROUTES {
            for (name, schema) in describe(route.operation).named {
                let schema = json_of(&schema);
                let first = seen.entry(name.clone()).or_insert_with(|| schema.clone()).clone();
                assert_eq!(first, schema, "`{name}` means two things");
            }
        }
    }

    #[test]
    fn no_secret_has_a_place_in_an_answer() {
        for route in ROUTES {
            let described = describe(route.operation);
            let answers = format!("{:?}", described.gives);
            assert!(!answers.contains("schemas/Dsn"), "{}", route.path);
        }
    }
}
