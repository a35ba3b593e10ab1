//! Every operation of the document with another institution's ids: whichever way they come, they are not found.

use std::collections::{BTreeMap, BTreeSet};

use chrono::TimeDelta;
use lxp_tests::{Client, Platform};
use reqwest::Method;
use serde_json::{Value, json};
use service_kit::clock;
use service_kit::token::{Mint, Role, Roles};
use shard_map::InstitutionId;
use uuid::Uuid;

use super::document::{body, demanded, entity, filled, ids, operations, schema};
use super::things::things;

/// Who has every role of people: no operation refuses it as such.
fn everybody(platform: &Platform, institution: InstitutionId) -> Client {
    let roles = [Role::Admin, Role::Staff, Role::Instructor, Role::Student, Role::Guardian];
    let token = platform.signing_key().mint(&Mint {
        issuer: "lxp-local",
        audience: "lxp",
        subject: Uuid::now_v7(),
        institution,
        roles: roles.into_iter().fold(Roles::empty(), Roles::with),
        issued_at: clock::now(),
        ttl: TimeDelta::hours(1),
        token_id: Uuid::now_v7(),
    });
    platform.admin(institution).with_token(&token)
}

#[tokio::test]
async fn every_operation_on_anothers_id_is_not_found() {
    let platform = Platform::shared();
    let mine = everybody(&platform, platform.institution(None).await.id);
    let others = platform.institution(None).await.id;
    let other = platform.admin(others);
    let things = things(&platform, others).await;
    let document = mine.get("/openapi.json").await.expect(200).body;
    let (mut asked, mut wrong) = (0, Vec::new());
    for (method, path, operation) in operations(&document) {
        if !path.contains('{') {
            continue;
        }
        let path = filled(path, &things);
        let answer = mine
            .send(
                method.clone(),
                &path,
                body(&document, operation, &things),
                &[("if-match", "\"1\"")],
            )
            .await;
        asked += 1;
        if (answer.status, answer.code()) != (404, "not-found") {
            wrong.push(format!("{method} {path}: {} {}", answer.status, answer.body));
        }
    }
    assert!(asked >= 25, "only {asked} operations have an id in their path");
    assert!(wrong.is_empty(), "{wrong:#?}");
    let kept = other.get(&format!("/v1/enrollments/{}", things["enrollments"])).await.expect(200);
    assert_eq!(kept.body["status"], "ACTIVE", "somebody else changed it");
}

/// Everything else is the caller's own and sound: only the id that is another's is wrong.
#[tokio::test]
async fn anothers_id_in_a_body_or_a_bulk_is_not_found() {
    let platform = Platform::shared();
    let mine = platform.institution(None).await.id;
    let others = platform.institution(None).await.id;
    let (theirs, own) = (things(&platform, others).await, things(&platform, mine).await);
    let mine = platform.admin(mine);
    let document = mine.get("/openapi.json").await.expect(200).body;
    let (mut asked, mut wrong) = (BTreeSet::new(), Vec::new());
    for (method, path, operation) in operations(&document) {
        let (schema, bulk) = schema(&document, operation);
        let properties = schema["properties"].as_object().into_iter().flatten();
        for (name, _) in properties.filter(|(_, schema)| schema["format"] == "uuid") {
            let entity =
                entity(name, "").unwrap_or_else(|| panic!("{path}: {name} is the id of what?"));
            let mut members = demanded(&document, schema, &own);
            members.insert(name.clone(), json!(theirs[entity]));
            let body = if bulk { json!({"items": [members]}) } else { json!(members) };
            let path = filled(path, &own);
            // A draft may change in more.
            let (published, draft) = (own["assessments"], own["draft-assessments"]);
            let path = match method {
                Method::PATCH => path.replace(&published.to_string(), &draft.to_string()),
                _ => path,
            };
            let answer = mine.send(method.clone(), &path, Some(body), &[("if-match", "*")]).await;
            asked.insert(format!("{method} {path} {name}"));
            let problem = if bulk { &answer.body["items"][0]["error"] } else { &answer.body };
            let prefix = if bulk { "/items/0" } else { "" };
            let seen = (&problem["status"], &problem["code"], &problem["errors"][0]["pointer"]);
            if seen != (&json!(404), &json!("not-found"), &json!(format!("{prefix}/{name}"))) {
                wrong.push(format!("{method} {path} {name}: {} {}", answer.status, answer.body));
            }
        }
    }
    assert!(asked.len() >= 9, "only {asked:#?}");
    assert!(wrong.is_empty(), "{wrong:#?}");
}

#[tokio::test]
async fn anothers_id_in_a_query_is_not_found() {
    let platform = Platform::shared();
    let mine = platform.institution(None).await.id;
    let others = platform.institution(None).await.id;
    let (theirs, own) = (things(&platform, others).await, things(&platform, mine).await);
    let mine = everybody(&platform, mine);
    let document = mine.get("/openapi.json").await.expect(200).body;
    let (mut asked, mut wrong) = (0, Vec::new());
    for (_, path, operation) in operations(&document) {
        let parameters = operation["parameters"].as_array().into_iter().flatten();
        let names = parameters.filter(|at| at["in"] == "query").map(|at| &at["name"]);
        for name in names.filter_map(Value::as_str) {
            if name == "externalId" || !(name == "id" || name.ends_with("Id")) {
                continue;
            }
            let entity =
                entity(name, path).unwrap_or_else(|| panic!("{path}: {name} is the id of what?"));
            let path = format!("{}?{name}={}", filled(path, &own), theirs[entity]);
            let answer = mine.get(&path).await;
            asked += 1;
            if (answer.status, answer.code()) != (404, "not-found") {
                wrong.push(format!("{path}: {} {}", answer.status, answer.body));
            }
        }
    }
    assert!(asked >= 15, "only {asked} ids in queries");
    assert!(wrong.is_empty(), "{wrong:#?}");
}

#[tokio::test]
async fn anothers_id_in_a_batch_is_not_found() {
    let platform = Platform::shared();
    let mine = everybody(&platform, platform.institution(None).await.id);
    let theirs = things(&platform, platform.institution(None).await.id).await;
    let document = mine.get("/openapi.json").await.expect(200).body;
    let (mut reads, mut writes) = (Vec::new(), Vec::new());
    for (method, path, operation) in operations(&document) {
        if !path.contains('{') {
            continue;
        }
        let mut input = body(&document, operation, &theirs).unwrap_or_else(|| json!({}));
        for (name, entity) in ids(path) {
            input[name] = json!(theirs[entity]);
        }
        let call = (operation["operationId"].as_str().expect("a name"), input);
        if method == Method::GET { reads.push(call) } else { writes.push(call) }
    }
    assert!(reads.len() >= 10 && writes.len() >= 15, "{reads:?} {writes:?}");
    for (method, calls) in [(Method::GET, &reads), (Method::POST, &writes)] {
        for calls in calls.chunks(5) {
            let names: Vec<_> = calls.iter().map(|(name, _)| *name).collect();
            let inputs = calls.iter().enumerate().map(|(at, (_, input))| (at.to_string(), input));
            let inputs = json!(inputs.collect::<BTreeMap<_, _>>());
            let mut url = reqwest::Url::parse("http://localhost/trpc/").expect("a URL");
            url.set_path(&format!("/trpc/{}", names.join(",")));
            url.query_pairs_mut().append_pair("batch", "1");
            if method == Method::GET {
                url.query_pairs_mut().append_pair("input", &inputs.to_string());
            }
            let path = format!("{}?{}", url.path(), url.query().unwrap_or_default());
            let sent = (method == Method::POST).then_some(inputs);
            let answer = mine.send(method.clone(), &path, sent, &[("if-match", "*")]).await;
            for (at, name) in names.iter().enumerate() {
                let data = &answer.body[at]["error"]["data"];
                let seen = (&data["httpStatus"], &data["problem"]["code"]);
                assert_eq!(seen, (&json!(404), &json!("not-found")), "{name}: {}", answer.body);
            }
        }
    }
}

#[tokio::test]
async fn a_mismatched_institution_header_is_refused() {
    let platform = Platform::shared();
    let mine = platform.admin(platform.institution(None).await.id);
    let other = platform.institution(None).await.id.to_string();
    let answer =
        mine.send(Method::GET, "/v1/programs", None, &[("x-institution-id", &other)]).await;
    assert_eq!((answer.status, answer.code()), (403, "institution-mismatch"));
}
