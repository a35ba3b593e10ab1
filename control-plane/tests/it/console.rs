//! The console: nothing without signing in, nothing from elsewhere, what users write is text, streams are so many and end.

use std::time::Duration;

use control_api::NewInstitution;
use control_plane::api::access::Role;
use control_plane::console::{PAGES, STREAMS_MAX};
use futures::future::join_all;
use reqwest::header::{ACCEPT, COOKIE, HeaderMap, LOCATION, SET_COOKIE};
use reqwest::redirect::Policy;
use reqwest::{Client, RequestBuilder, Response};
use tokio::time::timeout;

use crate::support::{PATIENCE, Sandbox, eventually, new_institution, sandbox, token};

fn client() -> Client {
    Client::builder().redirect(Policy::none()).build().expect("a client")
}

fn get(sandbox: &Sandbox, path: &str) -> RequestBuilder {
    client().get(format!("{}{path}", sandbox.url))
}

/// A form as a browser sends it from that origin.
async fn post(sandbox: &Sandbox, path: &str, origin: Option<&str>, token: &str) -> Response {
    let mut request =
        client().post(format!("{}{path}", sandbox.url)).body(format!("token={token}"));
    if let Some(origin) = origin {
        request = request.header("origin", origin);
    }
    request.send().await.expect("an answer")
}

/// The cookie of somebody who signed in.
async fn signed_in(sandbox: &Sandbox) -> String {
    let operator = token(Role::PlatformOps);
    let answer = post(sandbox, "/console/sign-in", Some(&sandbox.url), &operator).await;
    assert_eq!(
        (answer.status().as_u16(), &answer.headers()[LOCATION]),
        (303, &"/console".parse().expect("a path"))
    );
    cookie(answer.headers())
}

fn cookie(headers: &HeaderMap) -> String {
    let cookie = headers[SET_COOKIE].to_str().expect("text");
    cookie.split(';').next().expect("a cookie").to_owned()
}

async fn page(sandbox: &Sandbox, path: &str, cookie: &str) -> (u16, String) {
    let answer = get(sandbox, path).header(COOKIE, cookie).send().await.expect("an answer");
    (answer.status().as_u16(), answer.text().await.expect("a page"))
}

async fn stream(sandbox: &Sandbox, path: &str, cookie: &str) -> Response {
    let request = get(sandbox, path).header(COOKIE, cookie).header(ACCEPT, "text/event-stream");
    request.send().await.expect("an answer")
}

#[tokio::test]
async fn every_page_sends_who_is_not_signed_in_to_the_form() {
    sandbox(async |sandbox| {
        let others =
            ["/console/institutions/0190a1b2-0000-7000-8000-000000000001", "/console/nowhere"];
        for path in PAGES.iter().map(|(path, _)| *path).chain(others) {
            for cookie in ["", "lxp_console=guessed"] {
                let answer =
                    get(&sandbox, path).header(COOKIE, cookie).send().await.expect("an answer");
                assert_eq!(answer.status(), 303, "{path}");
                assert_eq!(answer.headers()[LOCATION], "/console/sign-in", "{path}");
                assert!(answer.text().await.expect("a body").is_empty(), "{path}");
                assert_eq!(stream(&sandbox, path, cookie).await.status(), 401, "{path}");
            }
        }
        let root = get(&sandbox, "/").send().await.expect("an answer");
        assert_eq!(
            (root.status().as_u16(), &root.headers()[LOCATION]),
            (303, &"/console".parse().expect("a path"))
        );
    })
    .await;
}

#[tokio::test]
async fn only_an_operators_token_signs_in_and_only_from_here() {
    sandbox(async |sandbox| {
        let here = Some(&*sandbox.url);
        let operator = token(Role::PlatformOps);
        for (origin, token, status) in [
            (here, "guessed".to_owned(), 401),
            (here, String::new(), 401),
            (here, token(Role::Router), 403),
            (here, token(Role::Node), 403),
            (None, operator.clone(), 403),
            (Some("http://elsewhere.example"), operator.clone(), 403),
        ] {
            let answer = post(&sandbox, "/console/sign-in", origin, &token).await;
            assert_eq!(answer.status(), status, "{origin:?} {token}");
            assert!(!answer.headers().contains_key(SET_COOKIE), "{origin:?} {token}");
        }
        let answer = post(&sandbox, "/console/sign-in", here, &operator).await;
        let said = answer.headers()[SET_COOKIE].to_str().expect("text").to_owned();
        assert!(said.ends_with("; Path=/; HttpOnly; SameSite=Strict; Max-Age=43200"), "{said}");
        assert!(!said.contains(&operator), "{said}");
        let cookie = cookie(answer.headers());
        assert_eq!(page(&sandbox, "/console", &cookie).await.0, 200);
        // A token of the API is none of the console's, and the reverse.
        let bearer =
            get(&sandbox, "/console").bearer_auth(&operator).send().await.expect("an answer");
        assert_eq!(bearer.status(), 303);
        let api =
            get(&sandbox, "/v1/shards").header(COOKIE, &cookie).send().await.expect("an answer");
        assert_eq!(api.status(), 401);
        let out = |origin| {
            let request = client().post(format!("{}/console/sign-out", sandbox.url));
            request.header(COOKIE, &cookie).header("origin", origin).send()
        };
        assert_eq!(out("http://elsewhere.example").await.expect("an answer").status(), 403);
        assert_eq!(page(&sandbox, "/console", &cookie).await.0, 200);
        assert_eq!(out(&sandbox.url).await.expect("an answer").status(), 303);
        assert_eq!(page(&sandbox, "/console", &cookie).await.0, 303);
    })
    .await;
}

#[tokio::test]
async fn every_answer_forbids_what_is_not_ours_and_no_page_needs_it() {
    sandbox(async |sandbox| {
        let cookie = signed_in(&sandbox).await;
        let assets = [
            "/console/assets/console.css",
            "/console/assets/console.js",
            "/console/assets/icon.svg",
        ];
        let paths = PAGES.iter().map(|(path, _)| *path).chain([
            "/console/sign-in",
            "/console/nowhere",
            "/",
        ]);
        for path in paths.chain(assets) {
            let answer =
                get(&sandbox, path).header(COOKIE, &cookie).send().await.expect("an answer");
            let policy =
                answer.headers()["content-security-policy"].to_str().expect("text").to_owned();
            assert!(
                policy.starts_with("default-src 'none'; script-src 'self';"),
                "{path}: {policy}"
            );
            assert!(
                !policy.contains("unsafe") && policy.contains("frame-ancestors 'none'"),
                "{policy}"
            );
            assert_eq!(answer.headers()["x-content-type-options"], "nosniff", "{path}");
            assert_eq!(answer.headers()["cache-control"], "no-store", "{path}");
            let text = answer.text().await.expect("a body");
            let outside = text.replace("http://www.w3.org/2000/svg", "").contains("://");
            let inline = [" style=", "<style", " onclick=", "javascript:"]
                .iter()
                .any(|it| text.contains(it));
            assert!(!outside && !inline, "{path}: {text}");
        }
        let missing =
            get(&sandbox, "/console/assets/../Cargo.toml").send().await.expect("an answer");
        assert!(!missing.status().is_success());
    })
    .await;
}

#[tokio::test]
async fn what_people_write_is_shown_as_text() {
    sandbox(async |sandbox| {
        sandbox.reconcile();
        sandbox.active_shard("shard-a").await;
        let name = r#"<script>alert(1)</script>"'&<img src=x>"#.to_owned();
        let new = NewInstitution { name, ..new_institution("hostile") };
        let made = sandbox.ops().create_institution(&new).await.expect("created");
        let cookie = signed_in(&sandbox).await;
        for path in
            ["/console/institutions".to_owned(), format!("/console/institutions/{}", made.id)]
        {
            let (status, text) = page(&sandbox, &path, &cookie).await;
            assert_eq!(status, 200);
            assert!(text.contains("alert(1)") && !text.contains("<script>alert"), "{text}");
            assert!(!text.contains("<img"), "{text}");
        }
        let searched = page(&sandbox, "/console/institutions?slug=%22%3E%3Cb%3E", &cookie).await.1;
        assert!(
            searched.contains("None has exactly this slug") && !searched.contains("\"><b>"),
            "{searched}"
        );
    })
    .await;
}

#[tokio::test]
async fn pages_show_what_the_services_say_and_the_command_for_the_same() {
    sandbox(async |sandbox| {
        sandbox.reconcile();
        sandbox.active_shard("shard-a").await;
        sandbox.institution("school").await;
        let cookie = signed_in(&sandbox).await;
        for ((path, title), shown) in
            PAGES.iter().zip(["1 shard serves", "primary <code>", "Nothing moves now", "school"])
        {
            let (status, text) = page(&sandbox, path, &cookie).await;
            assert_eq!(status, 200, "{text}");
            assert!(text.contains(shown) && text.contains(&format!("<h1>{title}</h1>")), "{text}");
            assert!(text.contains(r#"<p class="same">The same: <code>lxp "#), "{text}");
        }
    })
    .await;
}

#[tokio::test]
async fn a_page_without_its_database_says_so_and_is_a_page() {
    sandbox(async |sandbox| {
        let cookie = signed_in(&sandbox).await;
        sandbox.shut_database(true).await;
        for (path, _) in PAGES {
            let (status, text) = page(&sandbox, path, &cookie).await;
            assert!((500..=503).contains(&status), "{status} {text}");
            assert!(
                text.contains("This page cannot be made now") && text.contains("</html>"),
                "{text}"
            );
        }
        sandbox.shut_database(false).await;
        eventually("the page is back", async || page(&sandbox, "/console", &cookie).await.0 == 200)
            .await;
    })
    .await;
}

/// The next event of a stream, as its lines of data.
async fn event(stream: &mut Response) -> Option<String> {
    let mut text = String::new();
    while let Some(chunk) = timeout(PATIENCE, stream.chunk()).await.expect("in time").ok()? {
        text.push_str(&String::from_utf8_lossy(&chunk));
        if text.contains("data: ") && text.ends_with("\n\n") {
            return Some(text);
        }
    }
    None
}

#[tokio::test]
async fn a_stream_pushes_what_is_new_and_ends_with_its_session() {
    sandbox(async |sandbox| {
        sandbox.reconcile();
        let cookie = signed_in(&sandbox).await;
        let mut stream = stream(&sandbox, "/console", &cookie).await;
        assert_eq!(stream.headers()["content-type"], "text/event-stream");
        assert!(event(&mut stream).await.expect("the page").contains("No shard was added yet"));
        sandbox.active_shard("shard-a").await;
        while !event(&mut stream).await.expect("news").contains("1 shard serves") {}
        let out = post(&sandbox, "/console/sign-out", Some(&sandbox.url), "").await;
        assert_eq!(out.status(), 303);
        let request = client().post(format!("{}/console/sign-out", sandbox.url));
        let request = request.header(COOKIE, &cookie).header("origin", &sandbox.url);
        request.send().await.expect("an answer");
        while event(&mut stream).await.is_some() {}
    })
    .await;
}

#[tokio::test]
async fn streams_are_so_many_and_a_place_is_free_when_one_has_gone() {
    sandbox(async |sandbox| {
        let cookie = signed_in(&sandbox).await;
        let path = "/console/institutions";
        let open = join_all((0..STREAMS_MAX).map(|_| stream(&sandbox, path, &cookie))).await;
        assert!(open.iter().all(|stream| stream.status() == 200));
        assert_eq!(stream(&sandbox, path, &cookie).await.status(), 503);
        assert_eq!(page(&sandbox, path, &cookie).await.0, 200);
        drop(open);
        eventually("a place", async || stream(&sandbox, path, &cookie).await.status() == 200).await;
    })
    .await;
}

#[tokio::test]
async fn a_shutdown_ends_streams_at_once() {
    sandbox(async |sandbox| {
        let cookie = signed_in(&sandbox).await;
        let mut stream = stream(&sandbox, "/console/institutions", &cookie).await;
        event(&mut stream).await.expect("the page");
        sandbox.stop.cancel();
        let ended = async { while event(&mut stream).await.is_some() {} };
        timeout(Duration::from_secs(3), ended).await.expect("it ends before its next look");
    })
    .await;
}
