//! What is asked again, and what a failed call says.

use tokio::net::TcpListener;

use super::*;
use crate::answers::serve;

async fn post_to(answers: &[(u16, &str)]) -> (Result<Value, CallError>, Vec<String>) {
    service_kit::tls::install_provider();
    let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port");
    let url = format!("http://{}", listener.local_addr().expect("an address"));
    let router = Router::new(&url, 1).expect("a router");
    let session = router.session("wales", "t").expect("a session");
    let body = serde_json::json!({});
    tokio::join!(session.post("/v1/courses", &body), serve(listener, answers))
}

const UNKNOWN: &str =
    r#"{"type":"x","title":"Outcome is not known","status":502,"code":"outcome-unknown"}"#;
const TAKEN: &str = r#"{"type":"x","title":"Taken","status":409,"code":"code-taken"}"#;

fn key(head: &str) -> &str {
    head.lines().find(|line| line.starts_with("idempotency-key: ")).expect("a key")
}

#[tokio::test]
async fn an_unknown_outcome_is_asked_again_under_the_same_key() {
    let (result, heads) = post_to(&[(502, UNKNOWN), (201, r#"{"id":1}"#)]).await;
    assert_eq!(result.expect("the second answer")["id"], 1);
    assert_eq!(key(&heads[0]), key(&heads[1]));
}

#[tokio::test]
async fn a_refusal_names_institution_call_and_reason() {
    let (result, heads) = post_to(&[(409, TAKEN)]).await;
    let said = result.expect_err("a refusal").to_string();
    assert_eq!(said, "wales, POST /v1/courses: 409 code-taken: Taken");
    assert_eq!(heads.len(), 1);
}

#[tokio::test]
async fn an_answer_of_something_else_is_said_to_be_that() {
    let (result, _) = post_to(&[(404, "<html>")]).await;
    let said = result.expect_err("no router").to_string();
    assert!(said.ends_with("it is no problem+json; is this the router?"), "{said}");
}

#[test]
fn what_is_undecided_is_tried_again_and_what_is_refused_is_not() {
    let status = |status| StatusCode::from_u16(status).expect("a status");
    for (number, code, expected) in [
        (200, "", Verdict::Done),
        (204, "", Verdict::Done),
        (429, "rate-limited", Verdict::Again { free: true }),
        (502, "outcome-unknown", Verdict::Again { free: false }),
        (503, "shard-unavailable", Verdict::Again { free: false }),
        (504, "", Verdict::Again { free: false }),
        (409, "idempotency-in-flight", Verdict::Again { free: false }),
        (404, "institution-unknown", Verdict::Again { free: false }),
        (404, "not-found", Verdict::Refused),
        (409, "class-full", Verdict::Refused),
        (400, "invalid-input", Verdict::Refused),
        (401, "token-expired", Verdict::Refused),
        (500, "internal", Verdict::Refused),
    ] {
        assert_eq!(verdict(status(number), code), expected, "{number} {code}");
    }
}

#[test]
fn a_url_that_is_none_is_a_wrong_use() {
    for url in ["", "127.0.0.1:8080", "ftp://127.0.0.1"] {
        assert!(Router::new(url, 1).is_err(), "{url}");
    }
}
