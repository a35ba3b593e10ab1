//! A platform of two shards with two control planes, whose movers stand where the test says; and what must be true of
//! an institution once its move has ended.

use std::collections::{BTreeMap, BTreeSet};
use std::time::{Duration, Instant};

use futures::StreamExt as _;
use futures::stream;
use lxp_tests::{Answer, Beside, Client, Institution, Own};
use reqwest::Method;
use serde_json::json;
use service_kit::token::Role;
use shard_map::InstitutionId;
use sqlx::{AssertSqlSafe, Connection as _, Executor as _, PgConnection, Row as _};
use uuid::Uuid;

use super::posts::Posts;

pub(super) const SHARDS: [&str; 2] = ["shard-a", "shard-b"];

/// Moves at once: each institution of a case has one.
const MOVES_AT_ONCE: usize = 100;

/// A move ends by itself within this, on a machine that is busy with a hundred others.
const ENDED_WITHIN: Duration = Duration::from_mins(4);

/// The platform and its second control plane.
pub(super) struct Stage {
    pub(super) platform: Own,
    pub(super) posts: Posts,
    second: Option<Beside>,
    environment: Vec<(&'static str, String)>,
    pub(super) control: Client,
}

/// Which of the control planes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Leader {
    /// The platform's own.
    First,
    /// The one beside it.
    Second,
}

/// A move that was begun.
#[derive(Debug, Clone)]
pub(super) struct Begun {
    pub(super) institution: Institution,
    pub(super) id: Uuid,
}

impl Stage {
    pub(super) async fn set() -> Self {
        let posts = Posts::new();
        let environment = vec![
            ("FAILPOINTS", posts.failpoints()),
            ("LXP_CONTROL__MOVES__AT_ONCE", MOVES_AT_ONCE.to_string()),
            ("LXP_CONTROL__POSTGRES__MAX_CONNECTIONS", "30".to_owned()),
        ];
        let platform = Own::start_with(2, 1, &environment).await;
        let control = platform.control();
        let mut stage = Self { platform, posts, second: None, environment, control };
        stage.start_second().await;
        stage
    }

    /// Starts the second control plane anew.
    pub(super) async fn start_second(&mut self) {
        self.second = None;
        let second = Beside::start(
            &self.platform,
            "lxp-control-plane",
            "control-plane",
            "LXP_CONTROL",
            &self.environment,
        );
        self.second = Some(second.await);
    }

    fn second(&self) -> &Beside {
        self.second.as_ref().expect("it runs")
    }

    /// A client of the second control plane.
    pub(super) fn second_control(&self) -> Client {
        self.control.at(self.second().url())
    }

    /// The term of whoever leads now.
    pub(super) async fn term(&self) -> Option<i64> {
        sqlx::query_scalar("SELECT term FROM leader WHERE expires_at > clock_timestamp()")
            .fetch_optional(&mut self.control_database().await)
            .await
            .expect("the leader")
    }

    /// Which of the two leads now, if one does and answers.
    pub(super) async fn leads(&self) -> Option<Leader> {
        for who in [Leader::First, Leader::Second] {
            let admin = self.control_plane(who);
            let asked = tokio::time::timeout(Duration::from_millis(500), async {
                if admin.try_send(Method::GET, "/healthz", None, &[]).await.status != 200 {
                    return 0.0;
                }
                admin.metric("lxp_leader", |_| true).await
            });
            if asked.await.is_ok_and(|leads| leads > 0.5) {
                return Some(who);
            }
        }
        None
    }

    /// Waits for a leader.
    pub(super) async fn leader(&self) -> Leader {
        let begun = Instant::now();
        loop {
            if let Some(leader) = self.leads().await {
                return leader;
            }
            assert!(begun.elapsed() < Duration::from_secs(30), "nobody leads");
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
    }

    /// The admin listener of a control plane.
    pub(super) fn control_plane(&self, leader: Leader) -> Client {
        let first = self.platform.process("control-plane")["adminUrl"].as_str().expect("a URL");
        let url = if leader == Leader::First { first } else { self.second().admin_url() };
        self.control.at(url)
    }

    /// The process of a control plane.
    pub(super) fn pid_of(&self, leader: Leader) -> i32 {
        match leader {
            Leader::First => self.platform.pid("control-plane"),
            Leader::Second => self.second().pid(),
        }
    }

    /// So many institutions on a shard.
    pub(super) async fn institutions(&self, count: usize, shard: &str) -> Vec<Institution> {
        let make = |_| async {
            let made = patiently(201, || {
                let slug = format!("m-{}", Uuid::new_v4().simple());
                let body =
                    json!({"slug": slug, "name": "Moving", "timezone": "UTC", "shard": shard});
                self.control.try_send(Method::POST, "/v1/institutions", Some(body), &[])
            });
            let made = made.await;
            let id = made.body["id"].as_str().and_then(|id| id.parse().ok()).expect("an id");
            // A node whose database was away just now may not have heard of it yet.
            let token = self.platform.token_of(id, Role::Admin, Uuid::now_v7());
            let client = self.control.at(self.platform.router()).with_token(&token);
            let begun = Instant::now();
            while client.try_send(Method::GET, "/v1/programs", None, &[]).await.status != 200 {
                assert!(begun.elapsed() < Duration::from_secs(30), "{id} is not served");
                tokio::time::sleep(Duration::from_millis(50)).await;
            }
            Institution { id, shard: shard.to_owned() }
        };
        stream::iter(0..count).map(make).buffered(4).collect().await
    }

    /// Asks for moves, as an operator does.
    pub(super) async fn begin(&self, of: &[Institution], to: &str) -> Vec<Begun> {
        self.begin_by(&self.control, of, to).await
    }

    /// The same, through another control plane.
    pub(super) async fn begin_by(
        &self,
        control: &Client,
        of: &[Institution],
        to: &str,
    ) -> Vec<Begun> {
        let begin = |institution: Institution| async move {
            let wanted = json!({"kind": "move", "institution": institution.id, "to": to});
            let plan = patiently(201, || {
                control.try_send(Method::POST, "/v1/plans", Some(wanted.clone()), &[])
            });
            let path = format!("/v1/plans/{}:apply", plan.await.id());
            let applied = patiently(200, || control.try_send(Method::POST, &path, None, &[])).await;
            let id = applied.body["moves"][0]["move"].as_str().and_then(|id| id.parse().ok());
            Begun { institution, id: id.expect("a move") }
        };
        stream::iter(of.to_vec()).map(begin).buffered(4).collect().await
    }

    /// Asks for a move to be given up.
    pub(super) async fn cancel(&self, begun: &Begun) {
        let path = format!("/v1/moves/{}:cancel", begun.id);
        patiently(200, || self.control.try_send(Method::POST, &path, None, &[])).await;
    }

    /// Waits until all of them stand, or no other one has come for a while. Answers who stands then.
    pub(super) async fn standing(&self, moves: &[Begun], patience: Duration) -> Vec<InstitutionId> {
        let (mut came, mut last) = (BTreeSet::new(), Instant::now());
        loop {
            let here = moves.iter().map(|begun| begun.institution.id);
            let here: Vec<_> = here.filter(|id| self.posts.stands(*id)).collect();
            for id in &here {
                if came.insert(id.as_uuid()) {
                    last = Instant::now();
                }
            }
            if here.len() == moves.len() || last.elapsed() > patience {
                return here;
            }
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
    }

    /// Waits until one of them stands.
    pub(super) async fn one_stands(&self, moves: &[Begun]) {
        let begun = Instant::now();
        while !moves.iter().any(|begun| self.posts.stands(begun.institution.id)) {
            assert!(begun.elapsed() < Duration::from_mins(1), "nobody stands");
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
    }

    async fn control_database(&self) -> PgConnection {
        let dsn = self.platform.process("control-postgres")["adminUrl"].as_str().expect("a DSN");
        PgConnection::connect(dsn).await.expect("the control database")
    }

    /// Waits until all have ended by themselves; answers how many were done and how many given up.
    pub(super) async fn ended(&self, moves: &[Begun]) -> BTreeMap<String, usize> {
        let ids: Vec<_> = moves.iter().map(|begun| begun.id).collect();
        let mut database = self.control_database().await;
        let begun = Instant::now();
        loop {
            let rows: Vec<(String, String)> = sqlx::query_as(
                "SELECT phase, format('%s %s: %s', id, phase, retries -> -1) FROM moves WHERE id = ANY($1)",
            )
            .bind(&ids)
            .fetch_all(&mut database)
            .await
            .expect("the journal");
            assert_eq!(rows.len(), ids.len(), "the journal has lost a move");
            let open: Vec<_> =
                rows.iter().filter(|(phase, _)| phase != "done" && phase != "aborted").collect();
            if open.is_empty() {
                let mut counts = BTreeMap::new();
                for (phase, _) in rows {
                    *counts.entry(phase).or_default() += 1;
                }
                return counts;
            }
            let shown = &open[..open.len().min(6)];
            assert!(begun.elapsed() < ENDED_WITHIN, "{} do not end: {shown:#?}", open.len());
            tokio::time::sleep(Duration::from_millis(100)).await;
        }
    }

    /// One owner, the directory's, at the directory's epoch; and nothing of any move anywhere.
    pub(super) async fn expect_no_residue(&self, institutions: &[Institution]) {
        let ids: Vec<Uuid> = institutions.iter().map(|it| it.id.as_uuid()).collect();
        let rows = sqlx::query("SELECT id, shard_id, epoch FROM institutions WHERE id = ANY($1)")
            .bind(&ids)
            .fetch_all(&mut self.control_database().await)
            .await
            .expect("the directory");
        let directory: BTreeMap<Uuid, (String, i64)> =
            rows.iter().map(|row| (row.get(0), (row.get(1), row.get(2)))).collect();
        assert_eq!(directory.len(), ids.len());
        let mut wrong = Vec::new();
        for shard in SHARDS {
            let mut mover = PgConnection::connect(self.platform.dsn(shard, "adminUrl"))
                .await
                .expect("a shard's database");
            wrong.extend(sessions(&mut mover).await.map(|what| format!("{shard}: {what}")));
            mover.execute("SET ROLE lxp_mover").await.expect("the role");
            let owned = ownership(&mut mover, &ids).await;
            for (id, (home, epoch)) in &directory {
                let found = owned.get(id);
                if let Err(what) = judge(shard, home, *epoch, found) {
                    wrong.push(format!("{id} at {shard}, home {home} at {epoch}: {what}"));
                }
            }
            let away: Vec<Uuid> =
                directory.iter().filter(|(_, it)| it.0 != shard).map(|(id, _)| *id).collect();
            for (table, id, count) in rows_of(&mut mover, &ids, &away).await {
                wrong.push(format!("{id} at {shard}: {count} rows in {table}"));
            }
        }
        assert!(wrong.is_empty(), "{} wrong: {:#?}", wrong.len(), &wrong[..wrong.len().min(12)]);
    }
}

/// Asks until the answer is this: a control plane on a busy machine may want to be asked again.
async fn patiently<A: Future<Output = Answer>>(status: u16, ask: impl Fn() -> A) -> Answer {
    let begun = Instant::now();
    loop {
        let answer = ask().await;
        let again = matches!(answer.status, 0 | 429 | 503);
        if !again || begun.elapsed() > Duration::from_secs(30) {
            return answer.expect(status);
        }
        tokio::time::sleep(Duration::from_millis(200)).await;
    }
}

/// Sessions of movers that are still there a moment after their moves have ended.
async fn sessions(owner: &mut PgConnection) -> Option<String> {
    let begun = Instant::now();
    loop {
        let left: Vec<String> = sqlx::query_scalar(
            "SELECT application_name FROM pg_stat_activity WHERE application_name LIKE 'lxp-move-%'",
        )
        .fetch_all(&mut *owner)
        .await
        .expect("sessions");
        if left.is_empty() {
            return None;
        }
        if begun.elapsed() > Duration::from_secs(10) {
            return Some(format!("sessions of movers are left: {left:?}"));
        }
        tokio::time::sleep(Duration::from_millis(200)).await;
    }
}

struct Owned {
    state: String,
    epoch: i64,
    owner: String,
    /// It names a move, captures or holds requests back.
    marked: bool,
}

async fn ownership(mover: &mut PgConnection, ids: &[Uuid]) -> BTreeMap<Uuid, Owned> {
    let rows = sqlx::query(
        "SELECT institution_id, state, epoch, owner, move_id IS NOT NULL OR capture OR parked
         FROM ownership WHERE institution_id = ANY($1)",
    )
    .bind(ids)
    .fetch_all(mover)
    .await
    .expect("ownership");
    let owned = rows.iter().map(|row| {
        let (state, epoch, owner, marked) = (row.get(1), row.get(2), row.get(3), row.get(4));
        (row.get(0), Owned { state, epoch, owner, marked })
    });
    owned.collect()
}

fn judge(shard: &str, home: &str, epoch: i64, found: Option<&Owned>) -> Result<(), String> {
    let Some(Owned { state, epoch: at, owner, marked }) = found else {
        return if shard == home { Err("its home has no row".to_owned()) } else { Ok(()) };
    };
    let right = if shard == home {
        state == "active" && *at == epoch && owner == home
    } else {
        state == "moved" && *at <= epoch && (*at < epoch || owner == home)
    };
    if right && !marked {
        return Ok(());
    }
    Err(format!("{state} at {at}, owner {owner}, marked by a move: {marked}"))
}

/// Rows where none may be: of institutions that live elsewhere in any table, of captured changes and imports anywhere.
async fn rows_of(
    mover: &mut PgConnection,
    all: &[Uuid],
    away: &[Uuid],
) -> Vec<(String, Uuid, i64)> {
    let tables: Vec<String> = sqlx::query_scalar(
        "SELECT relname::text FROM pg_class c JOIN pg_attribute a ON a.attrelid = c.oid
         WHERE a.attname = 'institution_id' AND c.relkind = 'r' AND c.relnamespace = 'public'::regnamespace
           AND relname NOT IN ('ownership', 'change_log')",
    )
    .fetch_all(&mut *mover)
    .await
    .expect("tables");
    assert!(tables.len() > 20, "only {tables:?}");
    let mut asked: Vec<_> =
        tables.into_iter().map(|table| (table, "institution_id", away)).collect();
    asked.push(("change_log".to_owned(), "institution_id", all));
    asked.push(("move_imports".to_owned(), "institution", all));
    let mut found = Vec::new();
    for (table, column, of) in asked {
        let counts: Vec<(Uuid, i64)> = sqlx::query_as(AssertSqlSafe(format!(
            "SELECT {column}, count(*) FROM {table} WHERE {column} = ANY($1) GROUP BY 1"
        )))
        .bind(of)
        .fetch_all(&mut *mover)
        .await
        .expect("a count");
        found.extend(counts.into_iter().map(|(id, count)| (table.clone(), id, count)));
    }
    found
}
