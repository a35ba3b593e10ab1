//! `POST /oauth/token`: client credentials (RFC 6749, 4.4) become a short-lived token.
//!
//! What must stay true:
//! - It is admitted, parked and sent on (421) as any other request, by the institution that the client id begins with.
//! - Who has no token yet has budgets of his own: what guesses here takes nothing from those who are known, and nothing
//!   from clients that got a token at this node lately and renew it.
//! - Client id and secret come by HTTP basic authentication alone: routers go by the head of a request.
//! - Refusals have the members of RFC 6749, 5.2 beside those of a problem; nothing of an answer is to be stored.
//!
//! Left alone on purpose: other grants, scopes (a client has the role `API_CLIENT`), and who the client is
//! (`domain::api_clients`).

use std::collections::BTreeMap;
use std::sync::Arc;

use axum::http::{HeaderMap, HeaderName, HeaderValue, Method, StatusCode, header};
use axum::response::{IntoResponse as _, Response};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde::Deserialize as _;
use serde_json::json;
use service_kit::Problem;
use service_kit::token::{Role, Roles};
use shard_map::InstitutionId;

use super::admit::text;
use super::judge::{Judged, judge};
use super::{Incoming, Outgoing, again, problem, query};
use crate::domain::api_clients::{ClientId, GRANT, Grant, TokenIssuer};
use crate::error::{met_the_fence, overloaded};
use crate::limits::Standing;
use crate::node::Node;
use crate::operation::{Body, Caller, execute};
use crate::policy::Relations;

/// Its path.
pub(super) const PATH: &str = "/oauth/token";

/// Largest body, in bytes; routers let no larger one through either.
const BODY_MAX_BYTES: usize = 4 * 1024;

/// Longest secret that is looked at, in bytes; ours have 49.
const SECRET_MAX_BYTES: usize = 200;

const FORM: &str = "application/x-www-form-urlencoded";

/// Answers one request.
pub(super) async fn serve(node: &Arc<Node>, incoming: Incoming) -> Outgoing {
    let mut standings = Vec::new();
    let result = answer(node, &incoming, &mut standings).await;
    let status = result.as_ref().map_or_else(|problem| problem.status, |_| 200);
    if let Some(institution) = incoming.admission.institution() {
        node.meter.record(institution, GRANT.name, status, incoming.began.elapsed());
    }
    let mut response = result.unwrap_or_else(|refused| refusal(refused, &incoming));
    let headers = response.headers_mut();
    headers.insert(header::CACHE_CONTROL, HeaderValue::from_static("no-store"));
    headers.insert(header::PRAGMA, HeaderValue::from_static("no-cache"));
    Standing::write(&standings, headers);
    Outgoing { route: PATH, response }
}

/// What a client of OAuth is told it reads as plain JSON; the rest is a problem as on every path.
fn refusal(refused: Problem, incoming: &Incoming) -> Response {
    let is_of_oauth = refused.extra.contains_key("error");
    let mut response = problem(refused, &incoming.request_id);
    let headers = response.headers_mut();
    if is_of_oauth {
        headers.insert(header::CONTENT_TYPE, HeaderValue::from_static("application/json"));
    }
    if response.status() == StatusCode::METHOD_NOT_ALLOWED {
        response.headers_mut().insert(header::ALLOW, HeaderValue::from_static("POST"));
    }
    response
}

async fn answer(
    node: &Arc<Node>,
    incoming: &Incoming,
    standings: &mut Vec<Standing>,
) -> Result<Response, Problem> {
    if incoming.method != Method::POST {
        let title = "Not with this method";
        return Err(Problem::new(StatusCode::METHOD_NOT_ALLOWED, "method-not-allowed", title)
            .detail("POST is expected"));
    }
    let Some(issuer) = &node.issuer else { return Err(no_tokens()) };
    let (of, secret) = credentials(&incoming.headers)?;
    expect_grant(incoming, of)?;
    expect_institution(&incoming.headers, of.institution)?;
    let judged = judge(node, incoming, of.institution, 1).await?;
    let caller = caller(node, incoming, of, judged)?;
    let is_known = issuer.knows(of, &secret);
    match node.limits.charge_token(of.institution, of.client, is_known).await {
        Ok(charged) => *standings = charged,
        Err(refused) => {
            *standings = refused.standings;
            return Err(refused.problem);
        }
    }
    let granted = granted(node, incoming, caller, of, &secret).await;
    if granted.is_ok() || granted.as_ref().is_err_and(|refused| refused.code == "client-unknown") {
        issuer.learn(of, &secret, granted.is_ok());
    }
    Ok(token(issuer, of, &granted?, node))
}

/// What the institution says to a client id and its secret.
async fn granted(
    node: &Arc<Node>,
    incoming: &Incoming,
    mut caller: Caller,
    of: ClientId,
    secret: &str,
) -> Result<Grant, Problem> {
    let input = Arc::new(json!({"client": of.client, "secret": secret}));
    let answer = loop {
        match execute::run(node, &GRANT, caller.clone(), input.clone()).await {
            Err(problem) if met_the_fence(&problem) => {
                again(node, incoming, &mut caller, true).await?;
            }
            Err(problem) if problem.code == "client-unknown" => {
                return Err(with_error(problem, "invalid_client"));
            }
            result => break result?,
        }
    };
    match answer.body {
        Some(Body::Value(grant)) => Grant::deserialize(grant).map_err(|_| Problem::internal()),
        _ => Err(Problem::internal()),
    }
}

fn token(issuer: &TokenIssuer, of: ClientId, grant: &Grant, node: &Node) -> Response {
    let (token, seconds) = issuer.issue(of, grant.ends_in_s, node.now());
    let body = json!({"access_token": token, "token_type": "Bearer", "expires_in": seconds});
    axum::Json(body).into_response()
}

/// The client itself, which asks for its token.
fn caller(
    node: &Node,
    incoming: &Incoming,
    of: ClientId,
    judged: Judged,
) -> Result<Caller, Problem> {
    let place = judged.place.or_else(|| node.limits.in_flight.enter_institution(of.institution, 1));
    let place = place.ok_or_else(overloaded)?;
    Ok(Caller {
        institution: of.institution,
        subject: of.client,
        roles: Roles::from(Role::ApiClient),
        relations: Relations::default(),
        is_own_client: false,
        epoch: judged.epoch,
        cached: judged.cached,
        request_id: incoming.request_id.to_string(),
        idempotency_key: None,
        if_match: None,
        deadline: incoming.deadline,
        session: None,
        eventual: false,
        place: Some(Arc::new(place)),
    })
}

/// Client id and secret of HTTP basic authentication; each is form-encoded in it (RFC 6749, 2.3.1).
fn credentials(headers: &HeaderMap) -> Result<(ClientId, String), Problem> {
    let basic = text(headers, &header::AUTHORIZATION)?.and_then(|text| {
        let (scheme, credentials) = text.split_once(' ')?;
        scheme.eq_ignore_ascii_case("basic").then_some(credentials.trim())
    });
    let decoded = basic.and_then(|basic| String::from_utf8(STANDARD.decode(basic).ok()?).ok());
    let pair = decoded.as_ref().and_then(|decoded| decoded.split_once(':'));
    let Some((id, secret)) = pair else { return Err(no_client_id()) };
    let of = unescaped(id).parse().map_err(|_| no_client_id())?;
    let secret = unescaped(secret);
    // No secret of ours has other characters.
    if secret.len() > SECRET_MAX_BYTES || !secret.bytes().all(|byte| byte.is_ascii_graphic()) {
        let unknown =
            Problem::new(StatusCode::UNAUTHORIZED, "client-unknown", "The client is not known")
                .detail("the secret is not one of ours");
        return Err(with_error(unknown, "invalid_client"));
    }
    Ok((of, secret))
}

fn unescaped(text: &str) -> String {
    String::from_utf8_lossy(&query::percent_decoded(&text.replace('+', " "))).into_owned()
}

/// The body asks for a client's own token, and for nothing else. What it says beside is not looked at (RFC 6749, 3.2).
fn expect_grant(incoming: &Incoming, of: ClientId) -> Result<(), Problem> {
    let form = form(incoming)?;
    let said = |name: &str| form.get(name).map(String::as_str).filter(|text| !text.is_empty());
    match said("grant_type") {
        Some("client_credentials") => {}
        Some(_) => {
            let detail = "grant_type=client_credentials is the only grant";
            return Err(bad("unsupported_grant_type", detail));
        }
        None => return Err(bad("invalid_request", "grant_type=client_credentials is expected")),
    }
    if said("client_secret").is_some() || said("client_assertion").is_some() {
        let detail = "a client says who it is in one way: by HTTP basic authentication";
        return Err(bad("invalid_request", detail));
    }
    if said("client_id").is_some_and(|id| id.parse() != Ok(of)) {
        return Err(bad("invalid_request", "client_id differs from that of the authentication"));
    }
    if said("scope").is_some() {
        let detail = "there are no scopes: a client has the role API_CLIENT";
        return Err(bad("invalid_scope", detail));
    }
    Ok(())
}

fn form(incoming: &Incoming) -> Result<BTreeMap<String, String>, Problem> {
    let declared = |name: HeaderName| -> Result<Option<&str>, Problem> {
        let text = text(&incoming.headers, &name)?;
        Ok(text.map(|text| text.split(';').next().unwrap_or_default().trim()))
    };
    let kind = declared(header::CONTENT_TYPE)?;
    if !kind.is_some_and(|kind| kind.eq_ignore_ascii_case(FORM)) {
        return Err(bad("invalid_request", &format!("Content-Type: {FORM} is expected")));
    }
    let packed = declared(header::CONTENT_ENCODING)?;
    if packed.is_some_and(|packed| !packed.eq_ignore_ascii_case("identity")) {
        return Err(bad("invalid_request", "the body is expected without Content-Encoding"));
    }
    if incoming.body.len() > BODY_MAX_BYTES {
        return Err(bad("invalid_request", "the body has 4 KiB at most"));
    }
    let mut form = BTreeMap::new();
    for (name, value) in form_urlencoded::parse(&incoming.body) {
        if form.insert(name.clone().into_owned(), value.into_owned()).is_some() {
            return Err(bad("invalid_request", "a parameter stands twice"));
        }
    }
    Ok(form)
}

/// `X-Institution-Id`, which routers set, can only confirm the client id's.
fn expect_institution(headers: &HeaderMap, institution: InstitutionId) -> Result<(), Problem> {
    let said = text(headers, &HeaderName::from_static("x-institution-id"))?;
    if said.is_none_or(|said| said.parse() == Ok(institution)) {
        return Ok(());
    }
    let title = "X-Institution-Id is not the client id's institution";
    Err(Problem::new(StatusCode::FORBIDDEN, "institution-mismatch", title))
}

/// A refusal as RFC 6749, 5.2 has it; its error is also its code, in our letters.
fn bad(error: &'static str, detail: &str) -> Problem {
    let problem = Problem::new(
        StatusCode::BAD_REQUEST,
        error.replace('_', "-"),
        "The request for a token is not of the expected form",
    );
    with_error(problem.detail(detail), error)
}

fn no_client_id() -> Problem {
    let problem = Problem::new(StatusCode::UNAUTHORIZED, "client-id", "Client id is missing or malformed")
        .detail("HTTP basic authentication with a client id (its institution's id, a dot, its own) and secret is expected");
    with_error(problem, "invalid_client")
}

fn with_error(problem: Problem, error: &'static str) -> Problem {
    let description = problem.detail.clone().unwrap_or_default();
    problem.with("error", error).with("error_description", description)
}

/// 501: this platform's tokens come from elsewhere.
fn no_tokens() -> Problem {
    Problem::new(StatusCode::NOT_IMPLEMENTED, "tokens-off", "No tokens are given here").detail(
        "this platform has no key for tokens of api clients (api_clients.signing_key_file); its identity provider gives them",
    )
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use uuid::Uuid;

    use super::*;

    fn basic(text: &str) -> HeaderMap {
        let value = format!("Basic {}", STANDARD.encode(text));
        HeaderMap::from_iter([(header::AUTHORIZATION, value.parse().expect("a header"))])
    }

    fn id() -> ClientId {
        let institution = InstitutionId::new(Uuid::from_u128(1));
        ClientId { institution, client: Uuid::from_u128(2) }
    }

    #[test]
    fn id_and_secret_may_be_escaped_as_forms_are() {
        let escaped = id().to_string().replace('-', "%2D");
        for (sent, secret) in [
            (format!("{}:lxpcs_a-b", id()), "lxpcs_a-b"),
            (format!("{escaped}:lxpcs%5Fa-b"), "lxpcs_a-b"),
            (format!("{}:a:b=c&d%26", id()), "a:b=c&d&"),
            (format!("{}:", id()), ""),
        ] {
            assert_eq!(credentials(&basic(&sent)).expect("taken"), (id(), secret.to_owned()));
        }
    }

    #[test]
    fn whoever_does_not_say_who_it_is_is_asked_to() {
        let bearer = [(header::AUTHORIZATION, HeaderValue::from_static("Bearer x"))];
        for headers in [
            HeaderMap::new(),
            HeaderMap::from_iter(bearer),
            basic("sis:secret"),
            basic(&id().to_string()),
            basic(&format!("{}:s", id().institution)),
        ] {
            let refused = credentials(&headers).expect_err("refused");
            assert_eq!((refused.status, &*refused.code), (401, "client-id"), "{headers:?}");
            assert_eq!(refused.extra["error"], "invalid_client");
        }
        let long = basic(&format!("{}:{}", id(), "x".repeat(201)));
        assert_eq!(credentials(&long).expect_err("refused").code, "client-unknown");
        let odd = basic(&format!("{}:a\0b", id()));
        assert_eq!(credentials(&odd).expect_err("refused").code, "client-unknown");
    }

    proptest! {
        #[test]
        fn no_header_causes_a_panic(bytes in prop::collection::vec(any::<u8>(), 0..80)) {
            let value = format!("Basic {}", STANDARD.encode(bytes));
            let headers = [(header::AUTHORIZATION, value.parse().expect("a header"))];
            prop_assert!(credentials(&HeaderMap::from_iter(headers)).is_err());
        }
    }
}
