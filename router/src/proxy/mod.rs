//! The road of a request through the router; the files are its stations: admit, attempt (resolve, peer,
//! retry), upstream, response, log.
//!
//! What must stay true:
//! - Each attempt reads the map anew.
//! - A 421's head is not written to the client: it is masked as an informational one, which the session is
//!   told to drop, until its body has said who the owner is (a head comes before its body, and the owner
//!   stands in the body).
//! - Every error ends in one place, [`ProxyHttp::fail_to_proxy`], as a problem.

pub(crate) mod admit;
mod attempt;
pub(crate) mod context;
mod judge;
mod log;
mod peer;
mod resolve;
mod response;
mod retry;
mod upstream;

use std::sync::Arc;
use std::sync::atomic::AtomicUsize;
use std::time::{Duration, Instant};

use async_trait::async_trait;
use bytes::Bytes;
use http::{HeaderName, HeaderValue, Method, StatusCode, header};
use pingora::http::{RequestHeader, ResponseHeader};
use pingora::modules::http::HttpModules;
use pingora::proxy::{FailToProxy, ProxyHttp, ProxyWarnLogContext, Session};
use pingora::upstreams::peer::HttpPeer;
use pingora::{Error, ErrorSource, ErrorType, Result};
use service_kit::problem::NOTHING_APPLIED_HEADER;
use service_kit::request_id::{REQUEST_ID_HEADER, RequestId, is_traceparent, new_traceparent};
use service_kit::token::{Role, TokenVerifier};
use tokio_util::sync::CancellationToken;

use self::admit::{Access, Target};
use self::attempt::is_answered;
use self::context::Context;
use self::retry::{AfterRefusal, NotOwner};
use crate::config::{
    BODY_GRACE, BODY_MAX_BYTES, BODY_MIN_BYTES_PER_S, BODY_PAUSE, CLIENT_WRITE_DEADLINE,
    IDLE_DEADLINE_S, REQUEST_DEADLINE, TOKEN_BODY_MAX_BYTES,
};
use crate::error::Refusal;
use crate::listen;
use crate::map::Maps;
use crate::metrics::{RouterMetrics, path_label};
use crate::tenant::Overrides;

/// Largest body of a 421 that is read, in bytes; it has about 300.
const NOT_OWNER_MAX_BYTES: usize = 16 * 1024;

static REQUEST_ID: HeaderName = HeaderName::from_static(REQUEST_ID_HEADER);
static TRACE: HeaderName = HeaderName::from_static("traceparent");
static DEADLINE_MS: HeaderName = HeaderName::from_static("lxp-deadline-ms");

/// In the head of a 421: what its body says.
const NOT_OWNER_HEADER: &str = "lxp-not-owner";

/// Stands for a refusal that is in the context.
const REFUSED: ErrorType = ErrorType::Custom("refused");

/// Stands for a refusal of a node without effect: the request goes to another one.
const ELSEWHERE: ErrorType = ErrorType::Custom("elsewhere");

/// Stands for a 421 that is in the context.
const NOT_OWNER: ErrorType = ErrorType::Custom("not owner");

/// The router's side of Pingora.
#[derive(Debug)]
pub(crate) struct Router {
    tokens: TokenVerifier,
    maps: Arc<Maps>,
    overrides: Overrides,
    metrics: RouterMetrics,
    stop: CancellationToken,
    rotation: AtomicUsize,
}

impl Router {
    /// A router over a map. After `stop` its answers say that their connections end.
    pub(crate) fn new(
        tokens: TokenVerifier,
        maps: Arc<Maps>,
        metrics: RouterMetrics,
        stop: CancellationToken,
    ) -> Self {
        let (overrides, rotation) = (Overrides::new(), AtomicUsize::new(0));
        Self { tokens, maps, overrides, metrics, stop, rotation }
    }

    /// Once the router stops, an answer is its connection's last.
    fn end_if_stopping(&self, session: &mut Session) {
        if self.stop.is_cancelled() {
            session.set_keepalive(None);
        }
    }

    fn admit(&self, session: &Session, context: &mut Context) -> Result<(), Refusal> {
        let head = session.req_header();
        admit::check_head(&head.method, &head.uri, &head.headers)?;
        let path = head.uri.path();
        context.label = path_label(path);
        let authorization = head.headers.get(header::AUTHORIZATION).map(HeaderValue::as_bytes);
        let target = match admit::access(&head.method, path)? {
            Access::Open => Target::AnyNode,
            Access::ClientId => {
                admit::check_token_body(&head.headers)?;
                Target::Institution(admit::institution_of_client(authorization)?)
            }
            Access::Token => {
                let claims = self.tokens.verify(authorization, service_kit::clock::now())?;
                admit::check_institution(&head.headers, claims.institution)?;
                let (institution, subject) = (claims.institution, claims.subject);
                // Programs are no users.
                if !claims.roles.contains(Role::ApiClient) {
                    self.metrics.active_users.saw(institution, subject, context.began);
                }
                context.is_verified = true;
                Target::Institution(claims.institution)
            }
        };
        context.target = Some(target);
        Ok(())
    }
}

#[async_trait]
impl ProxyHttp for Router {
    type CTX = Context;

    fn new_ctx(&self) -> Context {
        Context::new(Instant::now(), &self.metrics.http.in_flight)
    }

    fn init_downstream_modules(&self, _modules: &mut HttpModules) {
        // None: the default is a compression that is never turned on.
    }

    async fn request_filter(&self, session: &mut Session, context: &mut Context) -> Result<bool> {
        name(session, context);
        set_deadlines(session, context);
        match self.admit(session, context) {
            Ok(()) => Ok(false),
            Err(refusal) => {
                self.end_if_stopping(session);
                response::refuse(session, context, refusal).await?;
                Ok(true)
            }
        }
    }

    async fn upstream_peer(
        &self,
        session: &mut Session,
        context: &mut Context,
    ) -> Result<Box<HttpPeer>> {
        self.next_peer(session, context).await.map_err(|refusal| {
            context.refusal = Some(refusal);
            Error::new_in(REFUSED)
        })
    }

    fn fail_to_connect(
        &self,
        _session: &mut Session,
        _peer: &HttpPeer,
        context: &mut Context,
        mut error: Box<Error>,
    ) -> Box<Error> {
        error.set_retry(self.after_no_connection(context, &error));
        error
    }

    async fn upstream_request_filter(
        &self,
        _session: &mut Session,
        head: &mut RequestHeader,
        context: &mut Context,
    ) -> Result<()> {
        match self.maps.load().as_ref() {
            Some(view) => {
                upstream::stamp(head, context, view);
                Ok(())
            }
            None => Err(Error::new_in(REFUSED)),
        }
    }

    async fn request_body_filter(
        &self,
        _session: &mut Session,
        body: &mut Option<Bytes>,
        end: bool,
        context: &mut Context,
    ) -> Result<()> {
        if end {
            context.sent_at = Some(Instant::now());
        }
        context.body_bytes += body.as_ref().map_or(0, |bytes| bytes.len() as u64);
        let refusal = if context.body_bytes > BODY_MAX_BYTES {
            Refusal::BodyTooLarge
        } else if !context.is_verified && context.body_bytes > TOKEN_BODY_MAX_BYTES {
            Refusal::TokenBodyTooLarge
        } else if body.is_some() && !end && is_too_slow(context.began.elapsed(), context.body_bytes)
        {
            Refusal::BodyTooSlow
        } else {
            return Ok(());
        };
        context.refusal = Some(refusal);
        Err(Error::new_in(REFUSED))
    }

    async fn upstream_response_filter(
        &self,
        session: &mut Session,
        response: &mut ResponseHeader,
        context: &mut Context,
    ) -> Result<()> {
        judge::head(context, response, &self.metrics);
        if let Some(refused) = judge::refused(response) {
            match self.after_refusal(session, context, refused) {
                AfterRefusal::SendAgain => return Err(Error::new_up(ELSEWHERE)),
                AfterRefusal::PassOn => response.remove_header(NOTHING_APPLIED_HEADER),
                AfterRefusal::GiveUp(refusal) => {
                    context.refusal = Some(refusal);
                    return Err(Error::new_in(REFUSED));
                }
            };
        }
        if response.status != StatusCode::MISDIRECTED_REQUEST {
            return Ok(());
        }
        self.metrics.not_owner.inc();
        let empty =
            response.headers.get(header::CONTENT_LENGTH).is_some_and(|length| length == "0");
        if empty || session.req_header().method == Method::HEAD {
            let said = response.headers.get(NOT_OWNER_HEADER).map(HeaderValue::as_bytes);
            context.not_owner = Some(NotOwner::read(said.unwrap_or_default()));
            return Err(Error::new_up(NOT_OWNER));
        }
        context.masked = Some(Vec::new());
        session.set_ignore_info_resp(true);
        response.set_status(StatusCode::EARLY_HINTS)
    }

    fn upstream_response_body_filter(
        &self,
        _session: &mut Session,
        body: &mut Option<Bytes>,
        end: bool,
        context: &mut Context,
    ) -> Result<Option<Duration>> {
        let Some(masked) = &mut context.masked else { return Ok(None) };
        if let Some(bytes) = body.take() {
            masked.extend_from_slice(&bytes);
        }
        if !end && masked.len() <= NOT_OWNER_MAX_BYTES {
            return Ok(None);
        }
        context.not_owner = Some(NotOwner::read(masked));
        Err(Error::new_up(NOT_OWNER))
    }

    async fn response_filter(
        &self,
        session: &mut Session,
        response: &mut ResponseHeader,
        context: &mut Context,
    ) -> Result<()> {
        if response.status.is_informational() {
            return Ok(());
        }
        self.end_if_stopping(session);
        response::mark(response, context);
        Ok(())
    }

    fn error_while_proxy(
        &self,
        _peer: &HttpPeer,
        session: &mut Session,
        mut error: Box<Error>,
        context: &mut Context,
        client_reused: bool,
    ) -> Box<Error> {
        error.set_retry(self.is_sent_again(session, context, &error, client_reused));
        error
    }

    async fn fail_to_proxy(
        &self,
        session: &mut Session,
        error: &Error,
        context: &mut Context,
    ) -> FailToProxy {
        let gone = FailToProxy { error_code: 0, can_reuse_downstream: false };
        if is_answered(session) {
            return gone;
        }
        let Some(refusal) = context.refusal.or_else(|| refusal_of(error)) else { return gone };
        session.set_keepalive(None);
        if let Err(error) = response::refuse(session, context, refusal).await {
            tracing::debug!(error = %error, "The client went away before its answer");
            return gone;
        }
        FailToProxy { error_code: refusal.problem().status, can_reuse_downstream: false }
    }

    async fn logging(&self, session: &mut Session, _error: Option<&Error>, context: &mut Context) {
        log::log(session, context, &self.metrics);
    }

    fn suppress_error_log(&self, _session: &Session, _context: &Context, _error: &Error) -> bool {
        true
    }

    fn suppress_proxy_warn_log(
        &self,
        _session: &Session,
        _context: &Context,
        _error: &Error,
        _about: ProxyWarnLogContext,
    ) -> bool {
        true
    }
}

/// What a client gets for an error that no decision was taken about; none where it is gone.
fn refusal_of(error: &Error) -> Option<Refusal> {
    if *error.esource() != ErrorSource::Downstream {
        return Some(Refusal::Internal);
    }
    match error.etype() {
        ErrorType::ReadTimedout => Some(Refusal::BodyTooSlow),
        ErrorType::WriteError
        | ErrorType::WriteTimedout
        | ErrorType::ReadError
        | ErrorType::ConnectionClosed => None,
        _ => Some(Refusal::BadRequest("the request is not well-formed HTTP")),
    }
}

/// Keeps or makes the request's id and trace.
fn name(session: &Session, context: &mut Context) {
    let headers = &session.req_header().headers;
    let id = RequestId::keep_or_make(headers.get(&REQUEST_ID).map(HeaderValue::as_bytes));
    // Both are of characters that a header can carry.
    let value = |text: String| HeaderValue::from_maybe_shared(Bytes::from(text));
    if let Ok(id) = value(id.into_string()) {
        context.request_id = id;
    }
    let kept = headers.get(&TRACE).filter(|trace| trace.to_str().is_ok_and(is_traceparent));
    match kept {
        Some(trace) => context.trace = trace.clone(),
        None => {
            if let Ok(made) = value(new_traceparent()) {
                context.trace = made;
            }
        }
    }
}

/// Whether a body of which this much has come in this time is one that is never going to end. One that has ended is
/// not asked: it may be sent again long after it came, when a node has kept the request until its institution had moved.
fn is_too_slow(took: Duration, bytes: u64) -> bool {
    took > BODY_GRACE && bytes < took.as_secs() * BODY_MIN_BYTES_PER_S
}

fn set_deadlines(session: &mut Session, context: &mut Context) {
    let asked = session.req_header().headers.get(&DEADLINE_MS);
    let asked_ms = asked.and_then(|value| value.to_str().ok()).and_then(|ms| ms.parse().ok());
    context.deadline =
        asked_ms.map_or(REQUEST_DEADLINE, Duration::from_millis).min(REQUEST_DEADLINE);
    listen::request_ends(context.began + context.deadline);
    session.set_read_timeout(Some(BODY_PAUSE));
    session.set_write_timeout(Some(CLIENT_WRITE_DEADLINE));
    // Pingora keeps a connection for ever once its client speaks HTTP/1.1.
    if session.get_keepalive().is_some() {
        session.set_keepalive(Some(IDLE_DEADLINE_S));
    }
}
