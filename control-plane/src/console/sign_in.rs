//! Signing in with a platform operator's token, and out.
//!
//! What must stay true: the token is judged by the API's own access list and is kept nowhere; both are taken from our own
//! pages alone, so that nobody is signed in or out by another site.

use std::time::Instant;

use askama::Template;
use axum::body::{Body, to_bytes};
use axum::http::request::Parts;
use axum::http::{HeaderMap, HeaderValue, StatusCode, header};
use axum::response::{Html, IntoResponse, Response};
use tokio::time::timeout;

use super::session::{self, COOKIE, LASTS};
use super::{Console, Layout, MADE_WITHIN, path, rendered, see};
use crate::api::access::{Caller, Role};

/// Whoever sends it is not known yet: a token, and a little more.
const FORM_MAX_BYTES: usize = 8 << 10;

#[derive(Template)]
#[template(path = "console/sign-in.html")]
struct Form<'a> {
    /// Why it is asked again.
    why: &'a str,
}

/// The form.
pub(super) fn form(status: StatusCode, why: &str) -> Response {
    let body = rendered(&Form { why });
    let layout = Layout { title: "Sign in", at: "", who: None, body: &body };
    (status, Html(rendered(&layout))).into_response()
}

impl Console {
    pub(super) async fn sign_in(&self, head: &Parts, body: Body) -> Response {
        if !is_from_here(&head.headers) {
            return form(StatusCode::FORBIDDEN, "That form was not sent by this console.");
        }
        let Ok(Ok(body)) = timeout(MADE_WITHIN, to_bytes(body, FORM_MAX_BYTES)).await else {
            return form(StatusCode::BAD_REQUEST, "That form did not arrive whole.");
        };
        let mut fields = form_urlencoded::parse(&body);
        let token = fields.find(|(name, _)| name == "token").map(|(_, token)| token);
        let token = token.unwrap_or_default();
        match self.0.access.holder(token.trim()) {
            Some(caller) if caller.role == Role::PlatformOps => self.signed_in(caller),
            Some(caller) => {
                let role = caller.role.as_str();
                let why = format!("That token is of {role}; one of platform-ops is needed.");
                form(StatusCode::FORBIDDEN, &why)
            }
            None => form(StatusCode::UNAUTHORIZED, "That token is not known here."),
        }
    }

    fn signed_in(&self, caller: Caller) -> Response {
        tracing::info!(actor = caller.name, "Signed in to the console");
        let id = self.0.sessions.open(caller, Instant::now());
        with_cookie(see("/console"), &id, LASTS.as_secs())
    }

    pub(super) fn sign_out(&self, head: &Parts) -> Response {
        if !is_from_here(&head.headers) {
            return form(StatusCode::FORBIDDEN, "That form was not sent by this console.");
        }
        if let Some(id) = session::of(&head.headers) {
            self.0.sessions.close(id);
        }
        with_cookie(see(path::SIGN_IN), "", 0)
    }
}

fn with_cookie(mut response: Response, id: &str, seconds: u64) -> Response {
    let cookie = format!("{COOKIE}={id}; Path=/; HttpOnly; SameSite=Strict; Max-Age={seconds}");
    // Made of letters that a header takes.
    let cookie = HeaderValue::from_str(&cookie).ok();
    response.headers_mut().extend(cookie.map(|cookie| (header::SET_COOKIE, cookie)));
    response
}

/// Whether a browser says that its form is one of ours. One that says nothing is not believed.
fn is_from_here(headers: &HeaderMap) -> bool {
    let text = |name| headers.get(name).and_then(|value: &HeaderValue| value.to_str().ok());
    if let Some(site) = text("sec-fetch-site") {
        return site == "same-origin";
    }
    let origin = text("origin").and_then(|origin| origin.split_once("://")).map(|(_, host)| host);
    origin.is_some() && origin == text("host")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_what_a_browser_says_is_ours_is_ours() {
        let from_here = |pairs: &[(&'static str, &'static str)]| {
            let mut headers = HeaderMap::new();
            headers.insert("host", HeaderValue::from_static("lxp:8090"));
            headers.extend(pairs.iter().map(|(name, value)| {
                (header::HeaderName::from_static(name), HeaderValue::from_static(value))
            }));
            is_from_here(&headers)
        };
        assert!(from_here(&[("sec-fetch-site", "same-origin")]));
        assert!(from_here(&[("origin", "http://lxp:8090")]));
        assert!(!from_here(&[]));
        assert!(!from_here(&[("origin", "null")]));
        assert!(!from_here(&[("origin", "http://lxp:8091")]));
        assert!(!from_here(&[("sec-fetch-site", "same-site"), ("origin", "http://lxp:8090")]));
    }
}
