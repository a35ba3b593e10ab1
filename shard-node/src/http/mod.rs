//! The node's listener: from bytes to an operation and back.
//!
//! A request's path through these files: `serve` (here) gives it an id and a deadline and bounds its body,
//! `admit` says who asks and `judge` whether this shard answers, `measure` whether it is too much, `rest` or
//! `crate::trpc` finds the operation and its input, `operation::execute` runs it, `answer` encodes what came of
//! it, and `leased` (here) looks once more whether it may leave. `oauth` gives tokens to api clients.

mod admit;
mod answer;
mod docs;
pub(crate) mod json;
mod judge;
mod listen;
mod measure;
mod oauth;
pub mod openapi;
pub(crate) mod query;
mod rest;

use std::sync::{Arc, Mutex, MutexGuard, OnceLock, PoisonError};
use std::time::{Duration, Instant};

use axum::Router;
use axum::body::{Body, Bytes, to_bytes};
use axum::extract::{Request, State};
use axum::http::{HeaderMap, HeaderValue, Method, StatusCode, Uri};
use axum::response::Response;
use prometheus::IntGauge;
use service_kit::Problem;
use service_kit::request_id::{REQUEST_ID_HEADER, RequestId};
use shard_map::{Epoch, InstitutionId};

use crate::error::{outcome_unknown, overloaded, shard_unavailable};
use crate::limits::Place;
use crate::node::Node;
use crate::tenancy::{PARK_PATIENCE, Term};
use crate::trpc;

pub(crate) use answer::{is_for_another_node, problem, set_nothing_applied, set_session};
pub(crate) use judge::again;
pub use listen::listen;
pub(crate) use measure::measured;

/// Largest request body, in bytes.
const BODY_MAX_BYTES: usize = 8 * 1024 * 1024;

/// A request's time when its caller does not say less.
const DEADLINE: Duration = Duration::from_secs(10);

/// How long a body may take to arrive.
const BODY_DEADLINE: Duration = Duration::from_secs(15);

const DEADLINE_HEADER: &str = "lxp-deadline-ms";

/// A request as the layers below see it: its body read, its deadline set.
pub(crate) struct Incoming {
    pub(crate) method: Method,
    pub(crate) uri: Uri,
    pub(crate) headers: HeaderMap,
    pub(crate) body: Bytes,
    pub(crate) request_id: RequestId,
    pub(crate) began: Instant,
    pub(crate) deadline: Instant,
    pub(crate) admission: Admission,
    pub(crate) stay: Stay,
}

/// What a request has in this node while it is read, judged and run.
#[derive(Debug, Default)]
pub(crate) struct Stay {
    /// Its place; none while it waits in the park.
    place: Mutex<Option<Place>>,
    /// How long it waits there at most; set when it enters first.
    patience: OnceLock<Instant>,
}

impl Incoming {
    /// Until when it waits for the end of a move.
    fn patience(&self) -> Instant {
        let until = self.stay.patience.get_or_init(|| Instant::now() + PARK_PATIENCE);
        self.deadline.min(*until)
    }

    fn give_up_place(&self) {
        self.take_place(None);
    }

    fn take_place(&self, place: Option<Place>) {
        *self.stay.place.lock().unwrap_or_else(PoisonError::into_inner) = place;
    }
}

/// What a request was admitted by; none before, several where calls of a batch were admitted again.
#[derive(Debug, Clone, Default)]
pub(crate) struct Admission(Arc<Mutex<Vec<Admitted>>>);

impl Admission {
    fn add(&self, admitted: Admitted) {
        self.all().push(admitted);
    }

    /// Whose request it is; none where it was not admitted.
    pub(crate) fn institution(&self) -> Option<InstitutionId> {
        self.all().first().map(|admitted| admitted.institution)
    }

    fn void(&self) {
        self.all().clear();
    }

    fn all(&self) -> MutexGuard<'_, Vec<Admitted>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// The lease of the moment, and what it was held for.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Admitted {
    pub(crate) term: Term,
    pub(crate) institution: InstitutionId,
    pub(crate) epoch: Epoch,
}

/// An answer with the route's template, for metrics.
pub(crate) struct Outgoing {
    pub(crate) route: &'static str,
    pub(crate) response: Response,
}

/// The application for the node's listener.
pub fn app(node: Arc<Node>) -> Router {
    Router::new().merge(docs::pages()).fallback(serve).with_state(node)
}

async fn serve(State(node): State<Arc<Node>>, request: Request) -> Response {
    let began = Instant::now();
    let _counted = Counted::new(node.metrics.in_flight.clone());
    let method = request.method().clone();
    let (parts, body) = request.into_parts();
    let id = parts.headers.get(REQUEST_ID_HEADER).map(HeaderValue::as_bytes);
    let request_id = RequestId::keep_or_make(id);
    let id = request_id.clone();
    let admission = Admission::default();
    let deadline = began + time_left(&parts.headers);
    let place = node.limits.in_flight.enter();
    let body = if place.is_some() { read_body(body).await } else { Err(overloaded()) };
    let outgoing = match body {
        Ok(body) => {
            let (uri, headers) = (parts.uri, parts.headers);
            // A HEAD is a GET whose body the server leaves out.
            let method = if parts.method == Method::HEAD { Method::GET } else { parts.method };
            let admission = admission.clone();
            let stay = Stay { place: Mutex::new(place), patience: OnceLock::new() };
            let incoming = Incoming {
                method,
                uri,
                headers,
                body,
                request_id,
                began,
                deadline,
                admission,
                stay,
            };
            route(&node, incoming).await
        }
        Err(refused) => Outgoing { route: "unread", response: problem(refused, &request_id) },
    };
    let ends = (&id, deadline);
    let mut response = leased(&node, &admission, &method, outgoing.response, ends).await;
    if let Ok(value) = HeaderValue::from_str(id.as_str()) {
        response.headers_mut().insert(REQUEST_ID_HEADER, value);
    }
    let (status, seconds) = (response.status().as_u16(), began.elapsed().as_secs_f64());
    node.metrics.answered(outgoing.route, method.as_str(), status, seconds);
    if status >= 500 {
        tracing::warn!(http.route = outgoing.route, http.method = %method, http.status = status,
            request.id = %id, "Answered with an error of ours");
    }
    response
}

/// The answer, if it may still leave: the last look before it does, nothing is awaited after it.
///
/// Where the lease ran out meanwhile (the process was stopped, the database silent), a new one must say that the
/// institution never left: the same epoch, from the same primary.
async fn leased(
    node: &Node,
    admission: &Admission,
    method: &Method,
    response: Response,
    ends: (&RequestId, Instant),
) -> Response {
    let admitted = std::mem::take(&mut *admission.all());
    let status = response.status();
    let lease = &node.ownership.lease;
    if status.is_server_error()
        || status == StatusCode::MISDIRECTED_REQUEST
        || admitted.iter().all(|it| lease.holds_since(it.term))
    {
        return response;
    }
    // Nothing is awaited after it.
    lease.renewed(ends.1).await;
    let stayed = |it: &Admitted| {
        lease.is_of_the_primary_of(it.term) && node.ownership.serves(it.institution, it.epoch)
    };
    if admitted.iter().all(stayed) {
        return response;
    }
    let applied = !method.is_safe() && status.is_success();
    problem(if applied { outcome_unknown() } else { shard_unavailable() }, ends.0)
}

/// A request in the gauge, for as long as it is answered: also where its client leaves.
struct Counted(IntGauge);

impl Counted {
    fn new(gauge: IntGauge) -> Self {
        gauge.inc();
        Self(gauge)
    }
}

impl Drop for Counted {
    fn drop(&mut self) {
        self.0.dec();
    }
}

async fn route(node: &Arc<Node>, incoming: Incoming) -> Outgoing {
    if incoming.uri.path().starts_with("/trpc/") {
        return trpc::serve(node, incoming).await;
    }
    if incoming.uri.path() == oauth::PATH {
        return oauth::serve(node, incoming).await;
    }
    rest::serve(node, incoming).await
}

async fn read_body(body: Body) -> Result<Bytes, Problem> {
    match tokio::time::timeout(BODY_DEADLINE, to_bytes(body, BODY_MAX_BYTES)).await {
        Ok(Ok(bytes)) => Ok(bytes),
        Ok(Err(error)) if is_too_long(&error) => Err(Problem::new(
            StatusCode::PAYLOAD_TOO_LARGE,
            "body-too-large",
            "The body is too large",
        )
        .detail(format!("at most {BODY_MAX_BYTES} bytes are allowed"))),
        Ok(Err(_)) => Err(Problem::new(
            StatusCode::BAD_REQUEST,
            "body-unreadable",
            "The body could not be read",
        )),
        Err(_) => Err(Problem::new(
            StatusCode::REQUEST_TIMEOUT,
            "body-too-slow",
            "The body took too long to arrive",
        )),
    }
}

fn is_too_long(error: &axum::Error) -> bool {
    std::error::Error::source(error)
        .is_some_and(<dyn std::error::Error + 'static>::is::<http_body_util::LengthLimitError>)
}

fn time_left(headers: &HeaderMap) -> Duration {
    let asked = headers.get(DEADLINE_HEADER).and_then(|value| value.to_str().ok()?.parse().ok());
    asked.map_or(DEADLINE, |ms| Duration::from_millis(ms).min(DEADLINE))
}
