//! The console: what operators see, as pages that are rendered here, with news pushed into them.
//!
//! A request's path: `page` (which page) -> a file for each page (what the services say, in words) -> `templates/`.
//! `session` and `sign_in` say who looks, `live` pushes a page's body anew, `traffic` and `databases` keep what is
//! asked of others while somebody looks.
//!
//! What must stay true:
//! - Nothing of the platform is shown without a session, and a session is a platform operator's token that was given.
//! - Pages change nothing. Figures come from the services of the API; what is not known is said to be not known.
//! - No page needs anything from elsewhere, and none has a script or style of its own in it (`SECURITY`).
//! - A page that cannot be made says why in words; two are made at a time, so that the API keeps its connections.
//!
//! Left alone on purpose: Ring, Nodes, Queues and Audit; buttons that change something.

mod assets;
mod databases;
mod health;
mod institutions;
mod live;
mod moves;
mod overview;
mod page;
mod session;
mod shards;
mod sign_in;
mod traffic;
mod words;

use std::sync::Arc;
use std::time::{Duration, Instant};

use askama::Template;
use axum::body::Body;
use axum::http::request::Parts;
use axum::http::{HeaderMap, HeaderName, HeaderValue, Method, StatusCode, header};
use axum::response::{Html, IntoResponse, Response};
use tokio::sync::Semaphore;
use tokio::time::timeout;
use tokio_util::sync::CancellationToken;

pub use live::STREAMS_MAX;
pub use page::{PAGES, Page};

use crate::api::access::{Access, Caller};
use crate::service::Platform;

/// Pages that are made at once.
const AT_ONCE: usize = 2;
/// How long a page may take to make.
const MADE_WITHIN: Duration = Duration::from_secs(10);

/// Whatever leaves the console: nothing from elsewhere, nothing inline, in nobody's frame, kept by nobody.
const SECURITY: [(HeaderName, &str); 4] = [
    (
        header::CONTENT_SECURITY_POLICY,
        "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; connect-src 'self'; \
         form-action 'self'; base-uri 'none'; frame-ancestors 'none'",
    ),
    (header::X_CONTENT_TYPE_OPTIONS, "nosniff"),
    // With `no-referrer` a browser would name no origin for its own forms.
    (header::REFERRER_POLICY, "same-origin"),
    (header::CACHE_CONTROL, "no-store"),
];

/// The console. Cheap to clone.
#[derive(Debug, Clone)]
pub struct Console(Arc<Inner>);

#[derive(Debug)]
struct Inner {
    platform: Platform,
    access: Access,
    stop: CancellationToken,
    sessions: session::Sessions,
    streams: Arc<Semaphore>,
    at_once: Semaphore,
    traffic: traffic::Traffic,
    databases: databases::Databases,
    curves: moves::Curves,
}

/// Whether a path is the console's.
pub fn has(path: &str) -> bool {
    path == "/" || path == "/console" || path.starts_with("/console/")
}

#[derive(Template)]
#[template(path = "console/layout.html")]
struct Layout<'a> {
    title: &'a str,
    /// The path in the navigation.
    at: &'a str,
    /// Who looks; none before signing in.
    who: Option<&'a str>,
    /// What was rendered already.
    body: &'a str,
}

#[derive(Template)]
#[template(path = "console/trouble.html")]
struct Trouble<'a> {
    what: &'a str,
    version: i64,
}

impl Console {
    /// The console of a platform. When `stop` is cancelled its streams end.
    pub fn new(platform: Platform, access: Access, stop: CancellationToken) -> Self {
        Self(Arc::new(Inner {
            platform,
            access,
            stop,
            sessions: session::Sessions::default(),
            streams: Arc::new(Semaphore::new(STREAMS_MAX)),
            at_once: Semaphore::new(AT_ONCE),
            traffic: traffic::Traffic::default(),
            databases: databases::Databases::default(),
            curves: moves::Curves::default(),
        }))
    }

    /// Answers a request to one of its paths; with the label that metrics have for it.
    pub async fn answer(&self, head: Parts, body: Body) -> (&'static str, Response) {
        let (label, mut response) = self.route(&head, body).await;
        for (name, value) in SECURITY {
            response.headers_mut().insert(name, HeaderValue::from_static(value));
        }
        (label, response)
    }

    async fn route(&self, head: &Parts, body: Body) -> (&'static str, Response) {
        let (path, is_read) = (head.uri.path(), matches!(head.method, Method::GET | Method::HEAD));
        match path {
            "/console/sign-in" if is_read => (path::SIGN_IN, sign_in::form(StatusCode::OK, "")),
            "/console/sign-in" if head.method == Method::POST => {
                (path::SIGN_IN, self.sign_in(head, body).await)
            }
            "/console/sign-out" if head.method == Method::POST => {
                (path::SIGN_OUT, self.sign_out(head))
            }
            _ if !is_read => ("/console", StatusCode::METHOD_NOT_ALLOWED.into_response()),
            "/" => ("/", see("/console")),
            _ => match path.strip_prefix("/console/assets/") {
                Some(name) => ("/console/assets", assets::answer(name)),
                None => self.page(head).await,
            },
        }
    }

    async fn page(&self, head: &Parts) -> (&'static str, Response) {
        let wants_news = head
            .headers
            .get(header::ACCEPT)
            .is_some_and(|accept| accept.as_bytes().starts_with(b"text/event-stream"));
        let Some((id, caller)) = self.session(&head.headers) else {
            let response = if wants_news {
                StatusCode::UNAUTHORIZED.into_response()
            } else {
                see(path::SIGN_IN)
            };
            return ("/console", response);
        };
        let Some(page) = Page::find(head.uri.path(), head.uri.query()) else {
            let body = "<h1>There is no such page</h1>";
            return ("/console", framed(StatusCode::NOT_FOUND, "Not found", "", &caller, body));
        };
        if wants_news {
            return (page.label(), self.stream(page, id));
        }
        let (status, body) = self.made(&page).await;
        (page.label(), framed(status, page.title(), page.nav(), &caller, &body))
    }

    fn session(&self, headers: &HeaderMap) -> Option<(String, Caller)> {
        let id = session::of(headers)?;
        let caller = self.0.sessions.holder(id, Instant::now())?;
        Some((id.to_owned(), caller))
    }

    /// The body of a page, or why there is none.
    async fn made(&self, page: &Page) -> (StatusCode, String) {
        let made = async {
            // Never closed.
            let _place = self.0.at_once.acquire().await;
            page.body(&self.0).await
        };
        let what = match timeout(MADE_WITHIN, made).await {
            Ok(Ok(body)) => return (StatusCode::OK, body),
            Ok(Err(error)) => {
                let problem = error.into_problem();
                let status = problem.status_code();
                let detail = problem.detail.unwrap_or_else(|| problem.title.into_owned());
                return (status, self.trouble(&detail));
            }
            Err(_) => format!("it took longer than {} s", MADE_WITHIN.as_secs()),
        };
        (StatusCode::SERVICE_UNAVAILABLE, self.trouble(&what))
    }

    fn trouble(&self, what: &str) -> String {
        let version = self.0.platform.feed.latest().version().0;
        rendered(&Trouble { what, version })
    }
}

mod path {
    pub(super) const SIGN_IN: &str = "/console/sign-in";
    pub(super) const SIGN_OUT: &str = "/console/sign-out";
}

/// A template's text. One that fails is a defect: it writes to memory and does nothing else.
fn rendered(template: &impl Template) -> String {
    template.render().unwrap_or_else(|error| {
        tracing::error!(error = %error, "A page of the console cannot be rendered");
        "<p>This page cannot be shown: the control plane's log says why.</p>".to_owned()
    })
}

fn framed(status: StatusCode, title: &str, at: &str, caller: &Caller, body: &str) -> Response {
    let layout = Layout { title, at, who: Some(&caller.name), body };
    (status, Html(rendered(&layout))).into_response()
}

/// Sends a browser there, with GET.
fn see(path: &'static str) -> Response {
    (StatusCode::SEE_OTHER, [(header::LOCATION, path)]).into_response()
}
