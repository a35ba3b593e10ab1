//! A control plane that answers one question: which of a shard's claims are good. It can be away.

use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};

use axum::extract::State;
use axum::http::StatusCode;
use axum::response::{IntoResponse, Response};
use axum::routing::post;
use axum::{Json, Router};
use control_api::{Elsewhere, OwnershipClaims, Reconciled};

/// What it answers.
#[derive(Default)]
pub(crate) struct Answers {
    pub(crate) elsewhere: Mutex<Vec<Elsewhere>>,
    pub(crate) away: AtomicBool,
    pub(crate) asked: AtomicUsize,
}

/// The control plane.
#[derive(Clone)]
pub(crate) struct FakeDirectory {
    pub(crate) url: String,
    pub(crate) answers: Arc<Answers>,
}

impl FakeDirectory {
    /// Finds every claim good, until a test says otherwise.
    pub(crate) async fn start() -> Self {
        let answers = Arc::new(Answers::default());
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.expect("a port");
        let url = format!("http://{}", listener.local_addr().expect("an address"));
        let app = Router::new().fallback(post(answer)).with_state(answers.clone());
        tokio::spawn(async move { axum::serve(listener, app).await });
        Self { url, answers }
    }

    /// Whether it answers from now on.
    pub(crate) fn set_away(&self, away: bool) {
        self.answers.away.store(away, Ordering::SeqCst);
    }

    /// What it refuses from now on.
    pub(crate) fn refuse(&self, elsewhere: Vec<Elsewhere>) {
        *self.answers.elsewhere.lock().expect("the list") = elsewhere;
    }

    /// How often it was asked.
    pub(crate) fn asked(&self) -> usize {
        self.answers.asked.load(Ordering::SeqCst)
    }
}

async fn answer(
    State(answers): State<Arc<Answers>>,
    Json(claims): Json<OwnershipClaims>,
) -> Response {
    answers.asked.fetch_add(1, Ordering::SeqCst);
    if answers.away.load(Ordering::SeqCst) {
        return StatusCode::SERVICE_UNAVAILABLE.into_response();
    }
    let named = |it: &Elsewhere| claims.owned.iter().any(|(id, _)| *id == it.institution);
    let elsewhere = answers.elsewhere.lock().expect("the list");
    Json(Reconciled { elsewhere: elsewhere.iter().filter(|it| named(it)).cloned().collect() })
        .into_response()
}
