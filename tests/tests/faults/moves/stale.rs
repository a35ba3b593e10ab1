//! R9: a router that slept through a move, nodes and a router cut off from the control plane, a node cut off from its
//! database. Nobody answers with what is older than what the new owner has acknowledged.

use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use lxp_tests::{Beside, Client, Institution, freeze, thaw};
use reqwest::Method;
use serde_json::json;
use service_kit::token::Role;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::tcp::{OwnedReadHalf, OwnedWriteHalf};
use tokio::net::{TcpListener, TcpStream};
use tokio::task::JoinHandle;
use uuid::Uuid;

use super::stage::{Leader, Stage};

const OLD: &str = "as it was";
const NEW: &str = "what the new owner has acknowledged";
/// How long it is read on after the new owner's first answer.
const READ_ON: Duration = Duration::from_secs(3);
const MOVED_WITHIN: Duration = Duration::from_mins(1);

/// An institution at shard-a with one course, and who may be asked for it.
struct Scene {
    institution: Institution,
    path: String,
    router: Client,
    old_owner: Client,
    new_owner: Client,
}

impl Scene {
    async fn set(stage: &Stage) -> Self {
        let institution = stage.institutions(1, "shard-a").await.remove(0);
        let token = stage.platform.token_of(institution.id, Role::Admin, Uuid::now_v7());
        let client = |url: &str| Client::new(url, &token);
        let node =
            |name: &str| client(stage.platform.process(name)["url"].as_str().expect("a URL"));
        let router = client(stage.platform.router());
        let body = json!({"code": "C", "title": OLD});
        let path =
            format!("/v1/courses/{}", router.post("/v1/courses", body).await.expect(201).id());
        let scene = Self {
            institution,
            path,
            router,
            old_owner: node("node-shard-a-1"),
            new_owner: node("node-shard-b-1"),
        };
        for client in [&scene.router, &scene.old_owner] {
            assert_eq!(client.get(&scene.path).await.expect(200).body["title"], OLD);
        }
        scene
    }

    /// Writes at the new owner as soon as it takes it. Answers when it was acknowledged.
    async fn write_at_new_owner(&self) -> Instant {
        let begun = Instant::now();
        loop {
            let body = Some(json!({"title": NEW}));
            let answer = self.new_owner.try_send(Method::PATCH, &self.path, body, &[]).await;
            if answer.status == 200 {
                return Instant::now();
            }
            assert!(begun.elapsed() < MOVED_WITHIN, "the new owner does not serve: {answer:?}");
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
    }
}

/// An answer to a read: when it was asked for, the status, the title.
type Seen = (Instant, u16, String);

async fn read(client: &Client, path: &str) -> Seen {
    let began = Instant::now();
    let answer = client.try_send(Method::GET, path, None, &[("lxp-deadline-ms", "2000")]).await;
    (began, answer.status, answer.body["title"].as_str().unwrap_or_default().to_owned())
}

/// Reads again and again, three at a time.
struct Readers {
    stop: Arc<AtomicBool>,
    tasks: Vec<JoinHandle<Vec<Seen>>>,
}

impl Readers {
    fn start(client: &Client, path: &str) -> Self {
        let stop = Arc::new(AtomicBool::new(false));
        let reading = || {
            let (client, path, stop) = (client.clone(), path.to_owned(), stop.clone());
            tokio::spawn(async move {
                let mut seen = Vec::new();
                while !stop.load(Ordering::Relaxed) {
                    seen.push(read(&client, &path).await);
                    // A user may ask 1,000 times a minute.
                    tokio::time::sleep(Duration::from_millis(200)).await;
                }
                seen
            })
        };
        let tasks = (0..3).map(|_| reading()).collect();
        Self { stop, tasks }
    }

    async fn end(self) -> Vec<Seen> {
        self.stop.store(true, Ordering::Relaxed);
        let mut all = Vec::new();
        for task in self.tasks {
            all.extend(task.await.expect("a reader"));
        }
        all
    }
}

/// None that was asked for after a moment has the old title. Answers how many were asked for after it.
fn expect_none_older(who: &str, seen: &[Seen], since: Instant) -> usize {
    let after: Vec<_> = seen.iter().filter(|(began, ..)| *began > since).collect();
    let old: Vec<_> =
        after.iter().filter(|(_, status, title)| *status == 200 && title != NEW).collect();
    assert!(old.is_empty(), "{who}: {} of {} answers are old: {old:?}", old.len(), after.len());
    let before = seen.iter().filter(|(_, status, title)| *status == 200 && title == OLD).count();
    eprintln!(
        "{who}: {before} read what was, {} asked after the new owner had answered",
        after.len()
    );
    after.len()
}

#[tokio::test(flavor = "multi_thread")]
async fn nobody_answers_with_what_is_older_than_the_new_owner() {
    let stage = Stage::set().await;
    a_router_sleeps(&stage).await;
    nobody_hears_the_control_plane(&stage).await;
    a_node_does_not_reach_its_database(&stage).await;
}

/// It wakes with the map from before; what was asked meanwhile goes one hop further.
async fn a_router_sleeps(stage: &Stage) {
    let scene = Scene::set(stage).await;
    let router = stage.platform.pid("router");
    freeze(router);
    let moves = stage.begin(std::slice::from_ref(&scene.institution), "shard-b").await;
    let written = scene.write_at_new_owner().await;
    stage.ended(&moves).await;
    let asked = (0..40).map(|_| {
        let (client, path) = (scene.router.clone(), scene.path.clone());
        tokio::spawn(async move { read(&client, &path).await })
    });
    let asked: Vec<_> = asked.collect();
    tokio::time::sleep(Duration::from_millis(300)).await;
    thaw(router);
    let mut seen = Vec::new();
    for task in asked {
        seen.push(task.await.expect("asked"));
    }
    expect_none_older("a router that slept", &seen, written);
    let served = seen.iter().filter(|(_, status, _)| *status == 200).count();
    assert_eq!(served, seen.len(), "one hop more, and no error: {seen:?}");
}

/// Nodes and router know one control plane, which sleeps; the other one moves the institution.
async fn nobody_hears_the_control_plane(stage: &Stage) {
    let scene = Scene::set(stage).await;
    let known = stage.pid_of(Leader::First);
    freeze(known);
    let at_router = Readers::start(&scene.router, &scene.path);
    let at_old = Readers::start(&scene.old_owner, &scene.path);
    let control = stage.second_control();
    let moves = stage.begin_by(&control, std::slice::from_ref(&scene.institution), "shard-b").await;
    let written = scene.write_at_new_owner().await;
    tokio::time::sleep(READ_ON).await;
    stage.ended(&moves).await;
    let (at_router, at_old) = (at_router.end().await, at_old.end().await);
    thaw(known);
    assert!(expect_none_older("a router without the control plane", &at_router, written) > 10);
    assert!(expect_none_older("a node without the control plane", &at_old, written) > 10);
    let errors: Vec<_> = at_router.iter().filter(|(_, status, _)| *status != 200).collect();
    assert!(errors.is_empty(), "one hop more, and no error: {errors:?}");
}

/// A node of the source hears nothing of its database any more, and has what it needs in its caches.
async fn a_node_does_not_reach_its_database(stage: &Stage) {
    let dsn = stage.platform.dsn("shard-a", "appUrl").to_owned();
    let place = dsn.split_once('@').and_then(|(_, rest)| rest.split_once('/')).expect("a place").0;
    let line = Line::to(place.parse().expect("an address")).await;
    let memory = tempfile::tempdir().expect("a directory");
    let environment = [
        ("LXP_NODE__ID", "shard-a-alone".to_owned()),
        ("LXP_NODE__PUBLIC_URL", "http://{listen}".to_owned()),
        ("LXP_NODE__STATE_DIR", memory.path().display().to_string()),
        ("LXP_NODE__POSTGRES__PRIMARY", dsn.replace(place, &line.place.to_string())),
    ];
    let node = Beside::start(
        &stage.platform,
        "lxp-shard-node",
        "node-shard-a-1",
        "LXP_NODE",
        &environment,
    );
    let node = node.await;
    let scene = Scene::set(stage).await;
    let alone = scene.old_owner.at(node.url());
    for _ in 0..2 {
        assert_eq!(alone.get_patiently(&scene.path).await.expect(200).body["title"], OLD);
    }
    let readers = Readers::start(&alone, &scene.path);
    line.cut.store(true, Ordering::Relaxed);
    let moves = stage.begin(std::slice::from_ref(&scene.institution), "shard-b").await;
    let written = scene.write_at_new_owner().await;
    tokio::time::sleep(READ_ON).await;
    let seen = readers.end().await;
    assert!(expect_none_older("a node without its database", &seen, written) >= 1);
    assert!(seen.iter().any(|(_, status, _)| *status == 200), "its caches answered nothing at all");
    line.cut.store(false, Ordering::Relaxed);
    stage.ended(&moves).await;
}

/// A line between a node and its database, which may fall silent.
struct Line {
    place: SocketAddr,
    cut: Arc<AtomicBool>,
    listening: JoinHandle<()>,
}

impl Line {
    async fn to(database: SocketAddr) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port");
        let place = listener.local_addr().expect("an address");
        let cut = Arc::new(AtomicBool::new(false));
        let of_all = cut.clone();
        let listening = tokio::spawn(async move {
            while let Ok((here, _)) = listener.accept().await {
                let Ok(there) = TcpStream::connect(database).await else { continue };
                let (questions, answered) = here.into_split();
                let (answers, asked) = there.into_split();
                tokio::spawn(pump(questions, asked, of_all.clone()));
                tokio::spawn(pump(answers, answered, of_all.clone()));
            }
        });
        Self { place, cut, listening }
    }
}

impl Drop for Line {
    fn drop(&mut self) {
        self.listening.abort();
    }
}

/// Hands on what comes, until the line is cut: then it keeps what it has.
async fn pump(mut from: OwnedReadHalf, mut to: OwnedWriteHalf, cut: Arc<AtomicBool>) {
    let mut piece = vec![0; 16 << 10];
    while let Ok(read) = from.read(&mut piece).await {
        while cut.load(Ordering::Relaxed) {
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
        if read == 0 || to.write_all(&piece[..read]).await.is_err() {
            return;
        }
    }
}
