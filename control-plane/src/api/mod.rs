//! The HTTP edge: who asks, for what, within which limits.
//!
//! The console's paths go to the console, which has sessions of its own, pages for errors, and streams. The order of all
//! others: its id, its token (401), its route (404, 405), its role (403), its body (413), then the handler in a task of
//! its own: a client that goes away never cancels database work half-way.
//!
//! What must stay true of those: nothing is answered without a token; every error is problem+json; every request ends
//! within its deadline.

pub mod access;
mod handlers;
mod moves;
mod openapi;
pub mod request;
pub mod routes;

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::{Duration, Instant};

use axum::Router;
use axum::body::Body;
use axum::extract::{ConnectInfo, State};
use axum::http::{HeaderValue, Method, StatusCode, header};
use axum::response::{IntoResponse, Response};
use service_kit::Problem;
use service_kit::metrics::Metrics;
use service_kit::request_id::{REQUEST_ID_HEADER, RequestId};
use tokio::sync::Semaphore;
use tokio::time::timeout;
use tokio_util::sync::CancellationToken;

use access::Access;
use request::Request;
use routes::{Operation, Route, Target};

use crate::console::{self, Console};
use crate::service::Platform;

/// How long a request may take, the long poll included.
const REQUEST_DEADLINE: Duration = Duration::from_secs(30);
/// How long a client may take to send its body.
const BODY_DEADLINE: Duration = Duration::from_secs(10);
/// Requests that are worked on at once, and watchers of the map.
const AT_ONCE_MAX: usize = 256;
const WATCHERS_MAX: usize = 10_000;

/// The API and what it needs.
#[derive(Debug, Clone)]
pub struct Api {
    platform: Platform,
    access: Access,
    metrics: Metrics,
    stop: CancellationToken,
    at_once: Arc<Semaphore>,
    watchers: Arc<Semaphore>,
    console: Console,
}

impl Api {
    /// The API of a platform. When `stop` is cancelled, watchers of the map are sent home.
    pub fn new(
        platform: Platform,
        access: Access,
        metrics: Metrics,
        stop: CancellationToken,
    ) -> Self {
        let at_once = Arc::new(Semaphore::new(AT_ONCE_MAX));
        let watchers = Arc::new(Semaphore::new(WATCHERS_MAX));
        let console = Console::new(platform.clone(), access.clone(), stop.clone());
        Self { platform, access, metrics, stop, at_once, watchers, console }
    }

    /// The service for a listener.
    pub fn router(self) -> Router {
        Router::new().fallback(serve).with_state(self)
    }

    async fn answer(&self, request: axum::extract::Request) -> (&'static str, Response) {
        let (head, body) = request.into_parts();
        if console::has(head.uri.path()) {
            return self.console.answer(head, body).await;
        }
        let caller = match self.access.caller(&head.headers) {
            Ok(caller) => caller,
            Err(problem) => return ("unauthenticated", problem.into_response()),
        };
        let (route, id) = match routes::find(&head.method, head.uri.path()) {
            Target::Found(route, id) => (route, id.to_owned()),
            Target::OtherMethods(methods) => return ("other", other_methods(&methods)),
            Target::Unknown => return ("unknown", unknown(head.uri.path())),
        };
        if !route.roles.contains(&caller.role) {
            return (route.path, forbidden(route, caller.role).into_response());
        }
        let body = match timeout(BODY_DEADLINE, request::read(body)).await {
            Ok(Ok(body)) => body,
            Ok(Err(problem)) => return (route.path, problem.into_response()),
            Err(_) => return (route.path, too_slow().into_response()),
        };
        let query = head.uri.query().map(str::to_owned);
        let peer = head.extensions.get::<ConnectInfo<SocketAddr>>().map(|from| from.0.ip());
        let request = Request { caller, peer, operation: route.operation, id, query, body };
        let answer = self.run(route, request).await;
        (route.path, answer.unwrap_or_else(IntoResponse::into_response))
    }

    async fn run(&self, route: &'static Route, request: Request) -> Result<Response, Problem> {
        let waits = route.operation == Operation::ShowMap
            && request
                .query
                .as_deref()
                .is_some_and(|query| query.split('&').any(|pair| pair.starts_with("after=")));
        let places = if waits { &self.watchers } else { &self.at_once };
        let Ok(place) = places.clone().try_acquire_owned() else { return Err(overloaded()) };
        if waits {
            // No database work of its own: it may end with its client.
            let news = handlers::map_news(&self.platform, &request, &self.stop);
            let answer = timeout(REQUEST_DEADLINE, news).await;
            drop(place);
            return answer.unwrap_or_else(|_| Err(out_of_time()));
        }
        let platform = self.platform.clone();
        let work = tokio::spawn(async move {
            let answer = handlers::answer(&platform, route.operation, &request).await;
            drop(place);
            answer
        });
        match timeout(REQUEST_DEADLINE, work).await {
            Ok(Ok(answer)) => answer,
            Ok(Err(error)) => {
                tracing::error!(error = %error, http.path = route.path, "A handler ended badly");
                Err(Problem::internal())
            }
            Err(_) => Err(out_of_time()),
        }
    }
}

async fn serve(State(api): State<Api>, request: axum::extract::Request) -> Response {
    let begun = Instant::now();
    let header = request.headers().get(REQUEST_ID_HEADER).map(HeaderValue::as_bytes);
    let id = RequestId::keep_or_make(header);
    let method = request.method().clone();
    api.metrics.in_flight.inc();
    let in_flight = InFlight(api.metrics.clone());
    let (path, response) = api.answer(request).await;
    let response = with_request_id(response, &id).await;
    drop(in_flight);
    let (status, seconds) = (response.status().as_u16(), begun.elapsed().as_secs_f64());
    api.metrics.answered(path, method_label(&method), status, seconds);
    if status >= 500 {
        tracing::warn!(request.id = %id, http.method = %method, http.path = path, http.status = status, "A request failed");
    } else {
        tracing::debug!(request.id = %id, http.method = %method, http.path = path, http.status = status, "A request was answered");
    }
    response
}

/// Counts down even where the client went away and this request is dropped.
struct InFlight(Metrics);

impl Drop for InFlight {
    fn drop(&mut self) {
        self.0.in_flight.dec();
    }
}

/// Names the request in the header, and in the body of a problem.
async fn with_request_id(response: Response, id: &RequestId) -> Response {
    let (mut head, mut body) = response.into_parts();
    let is_problem = head
        .headers
        .get(header::CONTENT_TYPE)
        .is_some_and(|kind| kind == service_kit::problem::PROBLEM_JSON);
    if is_problem {
        let bytes = axum::body::to_bytes(body, request::BODY_MAX_BYTES).await.unwrap_or_default();
        body = match serde_json::from_slice::<Problem>(&bytes) {
            Ok(problem) => Body::from(problem.request_id(id.as_str()).to_json()),
            Err(_) => Body::from(bytes),
        };
        head.headers.remove(header::CONTENT_LENGTH);
    }
    // A request id is made of letters that a header takes.
    if let Ok(id) = HeaderValue::from_str(id.as_str()) {
        head.headers.insert(REQUEST_ID_HEADER, id);
    }
    Response::from_parts(head, body)
}

/// Methods as labels: never what a client made up.
fn method_label(method: &Method) -> &'static str {
    match *method {
        Method::GET => "GET",
        Method::POST => "POST",
        Method::PATCH => "PATCH",
        _ => "other",
    }
}

fn unknown(path: &str) -> Response {
    Problem::new(StatusCode::NOT_FOUND, "not-found", "There is no such path")
        .detail(format!("`{path}` is no path of the control plane; /openapi.json names them all"))
        .into_response()
}

fn other_methods(methods: &[&'static Method]) -> Response {
    let allowed = methods.iter().map(|method| method.as_str()).collect::<Vec<_>>().join(", ");
    let mut response = Problem::new(
        StatusCode::METHOD_NOT_ALLOWED,
        "method-not-allowed",
        "This path does not take this method",
    )
    .detail(format!("allowed here: {allowed}"))
    .into_response();
    let allow = HeaderValue::from_str(&allowed).ok();
    response.headers_mut().extend(allow.map(|allow| (header::ALLOW, allow)));
    response
}

fn forbidden(route: &Route, role: access::Role) -> Problem {
    let roles: Vec<_> = route.roles.iter().map(|role| role.as_str()).collect();
    Problem::new(StatusCode::FORBIDDEN, "forbidden", "This token's role may not do this").detail(
        format!("a token of {} is needed; this one is of {}", roles.join(" or "), role.as_str()),
    )
}

fn too_slow() -> Problem {
    Problem::new(StatusCode::REQUEST_TIMEOUT, "body-too-slow", "The body did not arrive in time")
        .detail(format!("it has {} s", BODY_DEADLINE.as_secs()))
}

fn overloaded() -> Problem {
    Problem::new(StatusCode::SERVICE_UNAVAILABLE, "overloaded", "Too many requests at once")
        .detail("nothing was done")
        .retry_after_s(1)
}

fn out_of_time() -> Problem {
    Problem::new(StatusCode::GATEWAY_TIMEOUT, "deadline-exceeded", "It took too long")
        .detail("what came of it is not known: ask again; asking twice does no harm")
}
