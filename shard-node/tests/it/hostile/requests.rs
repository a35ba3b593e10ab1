//! The corpus: each wrong input as a request by REST and by tRPC.

use axum::http::Method;
use serde_json::{Value, json};
use uuid::Uuid;

use super::described::{Described, kind};
use super::inputs::{documents, values};

/// One request of the corpus.
#[derive(Clone)]
pub(super) struct Hostile {
    pub(super) what: String,
    pub(super) method: Method,
    pub(super) path: String,
    pub(super) headers: Vec<(&'static str, &'static str)>,
    pub(super) body: Vec<u8>,
    /// A bulk call may answer 200 with the row refused.
    pub(super) bulk: bool,
}

const AS_JSON: (&str, &str) = ("content-type", "application/json");

pub(super) fn rest(operation: &Described<'_>) -> Vec<Hostile> {
    let path = operation.concrete_path();
    let bulk = path.ends_with(":bulk");
    let made = |what: &str, path: &str, headers: &[(&'static str, &'static str)], body: Vec<u8>| {
        let what = format!("REST {} {}: {what}", operation.method, operation.path);
        let (method, headers) = (operation.method.clone(), headers.to_vec());
        Hostile { what, method, path: path.to_owned(), headers, body, bulk: false }
    };
    let mut corpus: Vec<_> =
        documents().into_iter().map(|(what, body)| made(what, &path, &[AS_JSON], body)).collect();
    let plain = Value::Object(operation.sample()).to_string().into_bytes();
    let packed = [AS_JSON, ("content-encoding", "gzip")];
    corpus.extend([
        made("compressed", &path, &packed, plain.clone()),
        made("declared as a form", &path, &[("content-type", "text/plain")], plain.clone()),
        made("undeclared", &path, &[], plain),
        made("an id with NUL", &path.replace("-0000-", "%00"), &[AS_JSON], Vec::new()),
        made("an escaped bad query", &format!("{path}?x=%ff"), &[], Vec::new()),
        made("NUL in the query", &format!("{path}?x=%00"), &[], Vec::new()),
        made("a long query", &format!("{path}?x={}", "y".repeat(20_000)), &[], Vec::new()),
        made("many parameters", &format!("{path}?{}", "a=1&".repeat(5_000)), &[], Vec::new()),
    ]);
    corpus.retain(|hostile| hostile.path != path || !hostile.body.is_empty());
    for (name, schema) in operation.properties() {
        for value in values(&schema) {
            let what = format!("{name} = {:.40}", value.to_string());
            if operation.method == Method::GET {
                let text = value.as_str().map_or_else(|| value.to_string(), str::to_owned);
                // A filter may be any text, however long; it finds nothing.
                if kind(&schema) == "string" && !text.contains('\0') {
                    continue;
                }
                let query = pair(&name, text.as_bytes());
                corpus.push(made(&what, &format!("{path}?{query}"), &[], Vec::new()));
                continue;
            }
            let mut members = operation.sample();
            let rows = if name == "items" { json!([{"studentNo": value}]) } else { value };
            members.insert(name.clone(), rows);
            let body = Value::Object(members).to_string().into_bytes();
            corpus.push(Hostile { bulk, ..made(&what, &path, &[AS_JSON], body) });
        }
    }
    corpus
}

fn pair(name: &str, bytes: &[u8]) -> String {
    format!("{name}={}", form_urlencoded::byte_serialize(bytes).collect::<String>())
}

pub(super) fn trpc(operation: &Described<'_>) -> Vec<Hostile> {
    let path = format!("/trpc/{}", operation.name);
    let read = operation.method == Method::GET;
    let bulk = operation.path.ends_with(":bulk");
    let made = |what: &str, input: &[u8]| {
        let what = format!("tRPC {}: {what}", operation.name);
        let headers = vec![AS_JSON];
        if read {
            let path = format!("{path}?{}", pair("input", input));
            return Hostile {
                what,
                method: Method::GET,
                path,
                headers: vec![],
                body: vec![],
                bulk,
            };
        }
        Hostile {
            what,
            method: Method::POST,
            path: path.clone(),
            headers,
            body: input.to_vec(),
            bulk,
        }
    };
    let documents = documents();
    let mut corpus: Vec<_> = documents
        .iter()
        // A query is at most what a URI holds.
        .filter(|(_, input)| !read || input.len() < 15_000)
        .map(|(what, input)| made(what, input))
        .collect();
    for (name, schema) in operation.properties() {
        for value in values(&schema) {
            if read
                && kind(&schema) == "string"
                && value.as_str().is_some_and(|text| !text.contains('\0'))
            {
                continue;
            }
            let mut input = operation.sample();
            let ids = operation.path.matches('{').count();
            input.extend((0..ids).map(|_| ("id".to_owned(), json!(Uuid::from_u128(7)))));
            let what = format!("{name} = {:.40}", value.to_string());
            let rows = if name == "items" { json!([{"studentNo": value}]) } else { value };
            input.insert(name.clone(), rows);
            corpus.push(made(&what, Value::Object(input).to_string().as_bytes()));
        }
    }
    corpus.retain(|hostile| hostile.path.len() < 60_000);
    corpus
}
