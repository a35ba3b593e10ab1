//! An institution changes its shard while it works: nobody sees an error, and nothing is lost.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, AtomicUsize, Ordering};
use std::time::{Duration, Instant};

use lxp_tests::{Answer, Client, Institution, Platform};
use reqwest::Method;
use serde_json::{Value, json};
use service_kit::token::Role;
use uuid::Uuid;

/// A move with a busy institution, on a busy machine.
const MOVED_WITHIN: Duration = Duration::from_secs(100);
const WRITERS: usize = 4;
const USERS: usize = 40;

/// Asks for a move as an operator does. Answers its id.
async fn begin(control: &Client, institution: &Institution, to: &str) -> String {
    let wanted = json!({"kind": "move", "institution": institution.id, "to": to});
    let plan = control.post("/v1/plans", wanted).await.expect(201);
    let path = format!("/v1/plans/{}:apply", plan.id());
    let applied = control.send(Method::POST, &path, None, &[]).await.expect(200);
    applied.body["moves"][0]["move"].as_str().expect("a move").to_owned()
}

async fn until_done(control: &Client, id: &str) -> Value {
    let deadline = Instant::now() + MOVED_WITHIN;
    loop {
        let shown = control.get(&format!("/v1/moves/{id}")).await.expect(200).body;
        if shown["phase"] == "done" {
            return shown;
        }
        assert!(shown["phase"] != "aborted" && Instant::now() < deadline, "{shown}");
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
}

/// What all clients of the institution share.
struct Work {
    /// Many users: none is to meet the limit of a user.
    users: Vec<Client>,
    stop: AtomicBool,
    slowest_ms: AtomicU64,
    requests: AtomicUsize,
}

impl Work {
    /// One request, which must not fail.
    async fn ask(&self, method: Method, path: &str, body: Option<Value>, status: u16) -> Answer {
        let began = Instant::now();
        let turn = self.requests.fetch_add(1, Ordering::Relaxed);
        let user = &self.users[turn % self.users.len()];
        let answer = user.send(method, path, body, &[]).await.expect(status);
        let took = u64::try_from(began.elapsed().as_millis()).expect("short");
        self.slowest_ms.fetch_max(took, Ordering::Relaxed);
        answer
    }
}

/// Creates, changes, reads and deletes courses; answers those that must be there, with their titles.
async fn work_on(work: Arc<Work>, number: usize) -> BTreeMap<Uuid, String> {
    let mut ledger = BTreeMap::new();
    let mut turn = 0;
    while !work.stop.load(Ordering::Relaxed) {
        turn += 1;
        let body = json!({"code": format!("W{number}-{turn}"), "title": "new"});
        let made = work.ask(Method::POST, "/v1/courses", Some(body), 201).await.id();
        ledger.insert(made, "new".to_owned());
        let known = *ledger.keys().nth(turn % ledger.len()).expect("there is one");
        let path = format!("/v1/courses/{known}");
        let read = work.ask(Method::GET, &path, None, 200).await;
        assert_eq!(read.body["title"], ledger[&known], "a read from before the last write");
        if turn % 3 == 0 {
            work.ask(Method::DELETE, &path, None, 204).await;
            ledger.remove(&known);
        } else {
            let title = format!("changed in {turn}");
            work.ask(Method::PATCH, &path, Some(json!({"title": title})), 200).await;
            ledger.insert(known, title);
        }
    }
    ledger
}

/// All courses, by the list.
async fn courses(admin: &Client) -> BTreeMap<Uuid, String> {
    let mut all = BTreeMap::new();
    for page in 1.. {
        let path = format!("/v1/courses?limit=200&page={page}");
        let list = admin.get(&path).await.expect(200);
        let items = list.body["items"].as_array().expect("items").clone();
        for item in &items {
            let id = item["id"].as_str().and_then(|id| id.parse().ok()).expect("an id");
            all.insert(id, item["title"].as_str().expect("a title").to_owned());
        }
        if items.len() < 200 {
            break;
        }
    }
    all
}

#[tokio::test(flavor = "multi_thread")]
async fn an_institution_moves_to_and_fro_and_no_request_fails() {
    let platform = Platform::shared();
    let institution = platform.institution(Some("shard-a")).await;
    let (admin, control) = (platform.admin(institution.id), platform.control());
    let user = |_| {
        let token = platform.token_of(institution.id, Role::Admin, Uuid::new_v4());
        Client::new(platform.router(), &token)
    };
    let users = (0..USERS).map(user).collect();
    let work = Arc::new(Work {
        users,
        stop: AtomicBool::new(false),
        slowest_ms: AtomicU64::new(0),
        requests: AtomicUsize::new(0),
    });
    let workers: Vec<_> =
        (0..WRITERS).map(|number| tokio::spawn(work_on(work.clone(), number))).collect();
    for to in ["shard-b", "shard-a", "shard-b"] {
        let id = begin(&control, &institution, to).await;
        let shown = until_done(&control, &id).await;
        println!(
            "pause {} ms, {} rows, retries {}",
            shown["pauseMs"], shown["rowsCopied"], shown["retries"]
        );
        let there = control.get(&format!("/v1/institutions/{}", institution.id)).await.expect(200);
        assert_eq!(there.body["shard"], to);
    }
    work.stop.store(true, Ordering::Relaxed);
    let mut ledger = BTreeMap::new();
    for worker in workers {
        ledger.extend(worker.await.expect("no request failed"));
    }
    println!(
        "{} requests, the slowest {} ms",
        work.requests.load(Ordering::Relaxed),
        work.slowest_ms.load(Ordering::Relaxed)
    );
    assert!(ledger.len() > 20, "{}", ledger.len());
    assert_eq!(courses(&admin).await, ledger);
}
