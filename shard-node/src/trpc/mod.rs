//! tRPC over the same registry: the wire of `@trpc/client` 11 without a transformer.
//!
//! `GET /trpc/<name>[,<name>...]?input=...` runs reads, `POST` runs writes; with `batch=1` inputs are keyed
//! by position and answers come as an array, with 207 where their statuses differ. A body is declared as JSON,
//! as in REST. Left out: streamed answers (`httpBatchStreamLink`) and subscriptions.
//!
//! An `Idempotency-Key` on a batch names each call of it by `<key>:<position>`.
//!
//! What must stay true: a 421 for the whole of it, which a router follows, leaves only where no call has had an effect.

mod envelope;
pub mod typescript;

use std::sync::Arc;

use axum::body::Body;
use axum::http::{HeaderValue, Method, StatusCode, header};
use axum::response::Response;
use futures::future::join_all;
use serde_json::{Map, Value};
use service_kit::Problem;

use self::envelope::Envelope;
use crate::error::{cutover_timeout, met_the_fence};
use crate::http::{
    Incoming, Outgoing, again, is_for_another_node, json, measured, problem, query,
    set_nothing_applied, set_session,
};
use crate::limits::Standing;
use crate::node::Node;
use crate::operation::{Answer, Caller, Operation, execute, invalid};
use crate::operations::by_name;

/// Calls in one batch at most.
const BATCH_MAX: usize = 50;

/// Answers to one request at most: more calls than a path of 8 KiB has room for by real names.
const ANSWERS_MAX: usize = 600;

const ROUTE: &str = "/trpc/{procedures}";

/// Answers one request, single or batch.
pub(crate) async fn serve(node: &Arc<Node>, incoming: Incoming) -> Outgoing {
    let mut names = names(&incoming.uri.path()["/trpc/".len()..]);
    let called = names.len();
    // What is refused is answered call by call, too: at most so many answers to however long a path.
    names.truncate(ANSWERS_MAX);
    let asked = Asked::read(&incoming);
    let batch = asked.as_ref().is_ok_and(|asked| asked.batch);
    let mut standings = Vec::new();
    let results = match asked.and_then(|asked| inputs(&incoming, asked, called)) {
        Ok(inputs) => calls(node, &incoming, &names, inputs, batch, &mut standings).await,
        Err(problem) => names.iter().map(|_| Err(problem.clone())).collect(),
    };
    measure(node, &incoming, &names, &results);
    let id = incoming.request_id.as_str();
    let results = match elsewhere(results, &incoming.method) {
        Ok(results) => results,
        Err(not_owner) => {
            return Outgoing { route: ROUTE, response: problem(not_owner, &incoming.request_id) };
        }
    };
    let refused = refused_as_one(&results);
    let session = results.iter().flatten().filter_map(|answer| answer.session).max();
    let envelopes: Vec<_> = names
        .iter()
        .zip(results)
        .map(|(name, result)| Envelope::of(name, result.map_err(|problem| problem.request_id(id))))
        .collect();
    let mut response = encode(envelopes, batch);
    set_session(&mut response, session);
    set_nothing_applied(&mut response, refused);
    Standing::write(&standings, response.headers_mut());
    Outgoing { route: ROUTE, response }
}

/// Counts the calls of an institution. Each took as long as its batch: so long its caller waited.
fn measure(
    node: &Node,
    incoming: &Incoming,
    names: &[String],
    results: &[Result<Answer, Problem>],
) {
    let Some(institution) = incoming.admission.institution() else { return };
    let took = incoming.began.elapsed();
    for (name, result) in names.iter().zip(results) {
        let status = result.as_ref().map_or_else(|problem| problem.status, |answer| answer.status);
        if let Some(operation) = by_name(name) {
            node.meter.record(institution, operation.name, status, took);
        }
    }
}

/// What stands in the query.
struct Asked {
    input: Option<String>,
    batch: bool,
}

impl Asked {
    fn read(incoming: &Incoming) -> Result<Self, Problem> {
        let mut asked = Self { input: None, batch: false };
        for (name, value) in query::pairs(incoming.uri.query())? {
            match name.as_str() {
                "input" if asked.input.is_some() => {
                    return Err(invalid().detail("`input` stands twice"));
                }
                "input" => asked.input = Some(value),
                "batch" => asked.batch = value == "1",
                _ => {}
            }
        }
        Ok(asked)
    }
}

/// Where no call has had an effect, the 421 that the router follows: they are reads, or all were refused. Else those
/// that were not served must not make the router send the others again: they ask the client to.
fn elsewhere(
    results: Vec<Result<Answer, Problem>>,
    method: &Method,
) -> Result<Vec<Result<Answer, Problem>>, Problem> {
    let refused = |result: &Result<Answer, Problem>| matches!(result, Err(problem) if problem.status == StatusCode::MISDIRECTED_REQUEST.as_u16());
    let is_without_effect = *method == Method::GET || results.iter().all(has_no_effect);
    match results.iter().find(|result| refused(result)) {
        Some(Err(problem)) if is_without_effect => Err(problem.clone()),
        _ => Ok(results
            .into_iter()
            .map(|result| if refused(&result) { Err(cutover_timeout()) } else { result })
            .collect()),
    }
}

/// Whether a call was refused: what failed in another way may have been applied.
fn has_no_effect(result: &Result<Answer, Problem>) -> bool {
    matches!(result, Err(problem) if problem.status < 500 || problem.status == 503)
}

/// Where no call was applied and another node may do better with each: the code of the first.
fn refused_as_one(results: &[Result<Answer, Problem>]) -> Option<&'static str> {
    let refused = |result: &Result<Answer, Problem>| is_for_another_node(result.as_ref().err()?);
    let codes: Option<Vec<_>> = results.iter().map(refused).collect();
    codes?.first().copied()
}

async fn calls(
    node: &Arc<Node>,
    incoming: &Incoming,
    names: &[String],
    inputs: Vec<Value>,
    batch: bool,
    standings: &mut Vec<Standing>,
) -> Vec<Result<Answer, Problem>> {
    let bulk = names.iter().filter(|name| by_name(name).is_some_and(Operation::is_bulk)).count();
    let mut caller = match measured(node, incoming, names.len(), bulk, standings).await {
        Ok(caller) => caller,
        Err(problem) => return names.iter().map(|_| Err(problem.clone())).collect(),
    };
    let inputs: Vec<_> = inputs.into_iter().map(Arc::new).collect();
    let run = |caller: &Caller, position: usize| {
        let mut caller = caller.clone();
        if batch && let Some(key) = &mut caller.idempotency_key {
            *key = format!("{key}:{position}");
        }
        call(node, &incoming.method, caller, &names[position], inputs[position].clone())
    };
    let mut results = join_all((0..inputs.len()).map(|position| run(&caller, position))).await;
    loop {
        let fenced = |(position, result): (usize, &Result<_, Problem>)| {
            result.as_ref().is_err_and(met_the_fence).then_some(position)
        };
        let fenced: Vec<usize> = results.iter().enumerate().filter_map(fenced).collect();
        if fenced.is_empty() {
            return results;
        }
        // What met the fence waits together: the batch is one request in the park.
        let void = fenced.len() == results.len();
        if let Err(problem) = again(node, incoming, &mut caller, void).await {
            for position in fenced {
                results[position] = Err(problem.clone());
            }
            return results;
        }
        let once_more = join_all(fenced.iter().map(|position| run(&caller, *position))).await;
        for (position, result) in fenced.into_iter().zip(once_more) {
            results[position] = result;
        }
    }
}

async fn call(
    node: &Arc<Node>,
    method: &Method,
    caller: Caller,
    name: &str,
    input: Arc<Value>,
) -> Result<Answer, Problem> {
    let operation: &'static Operation = by_name(name).ok_or_else(|| {
        Problem::new(StatusCode::NOT_FOUND, "not-found", "There is no such procedure")
            .detail(format!("no procedure `{name}`; they are the operation ids of /openapi.json"))
    })?;
    let wanted = if operation.is_read() { Method::GET } else { Method::POST };
    if *method != wanted {
        return Err(Problem::new(
            StatusCode::METHOD_NOT_ALLOWED,
            "method-not-allowed",
            "Not with this method",
        )
        .detail(format!("`{name}` is called with {wanted}")));
    }
    execute::run(node, operation, caller, input).await
}

/// One input a call, from the query (reads) or the body (writes).
fn inputs(incoming: &Incoming, asked: Asked, calls: usize) -> Result<Vec<Value>, Problem> {
    let batch = asked.batch;
    if calls > BATCH_MAX || (calls > 1 && !batch) {
        return Err(invalid().detail(format!("{calls} calls: at most {BATCH_MAX}, with batch=1")));
    }
    incoming.check_body()?;
    let query = asked.input.unwrap_or_default();
    let bytes = if incoming.method == Method::GET { query.as_bytes() } else { &incoming.body[..] };
    let given = if bytes.is_empty() { Value::Null } else { json::parse(bytes)? };
    let object = |input: Value| if input.is_null() { Value::Object(Map::new()) } else { input };
    if !batch {
        return Ok(vec![object(given)]);
    }
    let mut given = match given {
        Value::Object(given) => given,
        Value::Null => Map::new(),
        _ => {
            return Err(
                invalid().detail("the input of a batch is an object: {\"0\": ..., \"1\": ...}")
            );
        }
    };
    let mut at = |position: usize| given.remove(&position.to_string()).unwrap_or_default();
    Ok((0..calls).map(|position| object(at(position))).collect())
}

fn encode(envelopes: Vec<Envelope>, batch: bool) -> Response {
    let first = envelopes.first().map_or(StatusCode::OK, |envelope| envelope.status);
    let mixed = envelopes.iter().any(|envelope| envelope.status != first);
    let status = if mixed { StatusCode::MULTI_STATUS } else { first };
    let retry_after_s = envelopes.iter().filter_map(|envelope| envelope.retry_after_s).max();
    let challenge = envelopes.first().and_then(|envelope| envelope.challenge.clone());
    let mut bodies: Vec<Value> = envelopes.into_iter().map(|envelope| envelope.body).collect();
    let body = if batch { Value::Array(bodies) } else { bodies.swap_remove(0) };
    let mut response = Response::new(Body::from(body.to_string()));
    *response.status_mut() = status;
    let headers = response.headers_mut();
    headers.insert(header::CONTENT_TYPE, HeaderValue::from_static("application/json"));
    if let Some(seconds) = retry_after_s {
        headers.insert(header::RETRY_AFTER, HeaderValue::from(seconds));
    }
    if let Some(challenge) = challenge.filter(|_| status == StatusCode::UNAUTHORIZED) {
        headers.insert(header::WWW_AUTHENTICATE, challenge);
    }
    response
}

/// The procedures that a path names; a comma may come encoded.
fn names(path: &str) -> Vec<String> {
    path.replace("%2C", ",").replace("%2c", ",").split(',').map(str::to_owned).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::error::{NotOwner, outcome_unknown, overloaded};

    const SERVED: Answer =
        Answer { status: 200, body: None, location: None, version: None, session: None };

    fn not_owner() -> Problem {
        NotOwner::UNKNOWN.into_problem()
    }

    #[test]
    fn a_421_leaves_only_where_nothing_has_had_an_effect() {
        let (read, write) = (&Method::GET, &Method::POST);
        let all = vec![Err(not_owner()), Err(not_owner())];
        assert_eq!(elsewhere(all, write).expect_err("a 421").status, 421);
        let mixed = vec![Ok(SERVED), Err(not_owner())];
        assert_eq!(elsewhere(mixed.clone(), read).expect_err("a 421").status, 421);
        let mixed = elsewhere(mixed, write).expect("answers");
        assert!(mixed[0].is_ok());
        assert_eq!(mixed[1].as_ref().expect_err("refused").code, "cutover-timeout");
        let taken = Problem::new(StatusCode::CONFLICT, "taken", "Taken");
        let refused = vec![Err(taken), Err(not_owner()), Err(overloaded())];
        assert_eq!(elsewhere(refused, write).expect_err("a 421").status, 421);
        let unknown = elsewhere(vec![Err(not_owner()), Err(outcome_unknown())], write);
        assert_eq!(unknown.expect("answers")[0].as_ref().expect_err("refused").status, 503);
        assert!(elsewhere(vec![Ok(SERVED), Ok(SERVED)], read).is_ok());
    }

    #[test]
    fn another_node_is_asked_only_where_no_call_was_served() {
        let unavailable = crate::error::shard_unavailable;
        let code = |results: &[_]| refused_as_one(results);
        assert_eq!(code(&[Err(overloaded()), Err(unavailable())]), Some("overloaded"));
        assert_eq!(code(&[Err(unavailable())]), Some("shard-unavailable"));
        assert_eq!(code(&[Err(overloaded()), Ok(SERVED)]), None);
        let other = Problem::new(StatusCode::SERVICE_UNAVAILABLE, "cutover-timeout", "Moving");
        assert_eq!(code(&[Err(overloaded()), Err(other)]), None);
        assert_eq!(code(&[]), None);
    }

    #[test]
    fn an_answer_waits_for_the_longest_of_its_calls() {
        let envelopes = vec![
            Envelope::of("a", Ok(SERVED)),
            Envelope::of("b", Err(overloaded())),
            Envelope::of("c", Err(overloaded().retry_after_s(7))),
        ];
        let response = encode(envelopes, true);
        assert_eq!(response.status(), StatusCode::MULTI_STATUS);
        assert_eq!(response.headers()[header::RETRY_AFTER], "7");
    }
}
