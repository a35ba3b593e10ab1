//! S5 and more: what no client should send, to every operation of the document, over REST and tRPC. Whatever it
//! is, the answer is a 4xx of ours (or a row's own in a bulk call), soon, and the node grows by nothing.

mod described;
mod inputs;
mod requests;
mod single;

use std::time::{Duration, Instant};

use axum::http::StatusCode;
use futures::stream::{self, StreamExt as _};

use self::described::Described;
use self::requests::{Hostile, rest, trpc};
use crate::support::school::School;

/// How long an answer may take; the fastest of a few tries counts, as the machine may be busy.
const SOON: Duration = Duration::from_secs(1);
const TRIES: usize = 4;

/// What the process may grow by over the whole corpus, in KiB.
const GROWTH_MAX_KIB: u64 = 192 * 1024;

/// The status, if it is wrong or late.
async fn judge(school: &School, hostile: &Hostile) -> Option<String> {
    let mut fastest = Duration::MAX;
    for _ in 0..TRIES {
        let began = Instant::now();
        let mut request = school
            .admin
            .http
            .request(hostile.method.clone(), format!("{}{}", school.served.url, hostile.path))
            .bearer_auth(&school.admin.token)
            .header("if-match", "\"1\"")
            .body(hostile.body.clone());
        for (name, value) in &hostile.headers {
            request = request.header(*name, *value);
        }
        let answer = request.send().await.expect("an answer");
        let status = answer.status();
        let text = answer.text().await.expect("a body");
        let row_refused = hostile.bulk && status == StatusCode::OK && text.contains("\"status\":4");
        // A busy machine's 503 says nothing about the input.
        if status != StatusCode::SERVICE_UNAVAILABLE {
            if !status.is_client_error() && !row_refused {
                return Some(format!("{}: {status} {text:.300}", hostile.what));
            }
            fastest = fastest.min(began.elapsed());
            if fastest < SOON {
                return None;
            }
        }
    }
    Some(format!("{}: took {fastest:?}", hostile.what))
}

fn resident_kib() -> u64 {
    let status = std::fs::read_to_string("/proc/self/status").expect("the process' own figures");
    let line = status.lines().find(|line| line.starts_with("VmRSS:")).expect("VmRSS");
    line.split_whitespace().nth(1).and_then(|kib| kib.parse().ok()).expect("a number")
}

#[tokio::test]
async fn nothing_hostile_is_an_error_of_ours_in_any_operation() {
    let school = School::open().await;
    let document = school.admin.get("/openapi.json").await.expect(200).body;
    let mut corpus = Vec::new();
    for (path, item) in document["paths"].as_object().expect("paths") {
        for (method, described) in item.as_object().expect("operations") {
            let method = method.to_uppercase().parse().expect("a method");
            let name = described["operationId"].as_str().expect("a name");
            let operation = Described { name, method, path, document: described };
            let (rest, trpc) = (rest(&operation), trpc(&operation));
            assert!(rest.len() >= 30, "{path}: only {} by REST", rest.len());
            assert!(trpc.len() >= 25, "{path}: only {} by tRPC", trpc.len());
            corpus.extend(rest);
            corpus.extend(trpc);
        }
    }
    let before = resident_kib();
    let judged = stream::iter(&corpus).map(|hostile| judge(&school, hostile)).buffer_unordered(4);
    let wrong: Vec<String> = judged.filter_map(std::future::ready).collect().await;
    assert!(wrong.is_empty(), "{} of {}:\n{}", wrong.len(), corpus.len(), wrong.join("\n"));
    let grown = resident_kib().saturating_sub(before);
    assert!(grown < GROWTH_MAX_KIB, "{grown} KiB more after {} requests", corpus.len());
    school.admin.get("/v1/programs").await.expect(200);
    school.close().await;
}
