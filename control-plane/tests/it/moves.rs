//! Moves between two real databases, while clients write: whatever happens to the mover, nothing is lost and
//! nothing is left behind.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use control_plane::operation::lead;
use control_plane::operation::metrics::MoveMetrics;
use control_plane::store::moves::{self, NewMove};
use service_kit::metrics::Metrics;
use shard_map::{InstitutionId, MovePhase};
use sqlx::error::DatabaseError;
use sqlx::postgres::PgPoolOptions;
use sqlx::{AssertSqlSafe, Executor as _, PgPool};
use tokio::task::{AbortHandle, JoinHandle};
use tokio_util::sync::CancellationToken;
use uuid::Uuid;

use crate::support::{Sandbox, eventually, new_institution, sandbox, shard_id};

/// Two shards' databases and one institution, which begins on the first.
struct Stage {
    sandbox: Arc<Sandbox>,
    institution: InstitutionId,
    shards: BTreeMap<&'static str, PgPool>,
}

const SHARDS: [&str; 2] = ["shard-a", "shard-b"];

impl Stage {
    async fn set(sandbox: &Arc<Sandbox>) -> Self {
        sandbox.reconcile();
        let mut shards = BTreeMap::new();
        for id in SHARDS {
            let new = sandbox.active_shard(id).await;
            let pool = PgPoolOptions::new().max_connections(8);
            shards.insert(id, pool.connect_lazy(new.postgres.primary.expose()).expect("a DSN"));
        }
        let mut new = new_institution("moving");
        new.shard = Some(shard_id("shard-a"));
        let made = sandbox.ops().create_institution(&new).await.expect("created");
        Self { sandbox: sandbox.clone(), institution: made.id, shards }
    }

    /// A control plane that leads when it can.
    fn lead(&self) -> (JoinHandle<()>, CancellationToken) {
        let metrics = MoveMetrics::new(&Metrics::new().expect("metrics")).expect("metrics");
        let stop = self.sandbox.stop.child_token();
        let leading = lead::run(self.sandbox.platform.clone(), metrics, stop.clone());
        (tokio::spawn(leading), stop)
    }

    /// Asks for a move to a shard.
    async fn begin(&self, to: &str) -> Uuid {
        let there =
            self.sandbox.ops().institution(self.institution).await.expect("the institution");
        let there = there.institution;
        let (plan, id) = (Uuid::now_v7(), Uuid::now_v7());
        let mut tx = self.sandbox.pool().begin().await.expect("begun");
        sqlx::query(
            "INSERT INTO plans (id, kind, state, placement_version, created_by)
             VALUES ($1, 'move', 'running', 1, 'test')",
        )
        .bind(plan)
        .execute(&mut *tx)
        .await
        .expect("a plan");
        let new = NewMove {
            id,
            plan,
            institution: self.institution,
            from: &there.shard,
            to: &shard_id(to),
            epoch: there.epoch,
            rows: None,
            requested_by: "test",
        };
        assert!(moves::insert(&mut tx, &new).await.expect("inserted"));
        tx.commit().await.expect("committed");
        id
    }

    async fn row(&self, id: Uuid) -> moves::MoveRow {
        let mut connection = self.sandbox.pool().acquire().await.expect("a connection");
        moves::find(&mut connection, id).await.expect("found").expect("a move")
    }

    async fn until(&self, id: Uuid, phase: MovePhase) {
        let wait = async {
            while self.row(id).await.shown.phase != phase {
                tokio::time::sleep(Duration::from_millis(10)).await;
            }
        };
        let waited = tokio::time::timeout(Duration::from_secs(90), wait).await;
        assert!(waited.is_ok(), "waited for {phase}: {:?}", self.row(id).await);
    }

    /// One write through the guard of whichever shard lets it in. Answers whether it was acknowledged.
    async fn write(&self, statement: &str, id: Uuid) -> bool {
        for pool in self.shards.values() {
            if enter_and_run(pool, self.institution, statement, id).await {
                return true;
            }
        }
        false
    }

    /// The codes of the courses that a shard has, by id.
    async fn courses(&self, shard: &str) -> BTreeMap<Uuid, String> {
        let rows: Vec<(Uuid, String)> =
            sqlx::query_as("SELECT id, title FROM courses WHERE institution_id = $1")
                .bind(self.institution.as_uuid())
                .fetch_all(&mut *self.as_mover(shard).await)
                .await
                .expect("courses");
        rows.into_iter().collect()
    }

    async fn as_mover(&self, shard: &str) -> sqlx::pool::PoolConnection<sqlx::Postgres> {
        let mut connection = self.shards[shard].acquire().await.expect("a connection");
        connection.execute("SET ROLE lxp_mover").await.expect("the role");
        connection
    }

    /// What is left of the institution and its moves on a shard, beside its home.
    async fn residue(&self, shard: &str) -> Vec<String> {
        let mut connection = self.as_mover(shard).await;
        let tables: Vec<String> = sqlx::query_scalar(
            "SELECT relname::text FROM pg_class c JOIN pg_attribute a ON a.attrelid = c.oid
             WHERE a.attname = 'institution_id' AND c.relkind = 'r' AND c.relnamespace = 'public'::regnamespace
               AND relname <> 'ownership'",
        )
        .fetch_all(&mut *connection)
        .await
        .expect("tables");
        assert!(tables.len() > 20);
        let mut found = Vec::new();
        for table in tables {
            let rows: i64 = sqlx::query_scalar(AssertSqlSafe(format!(
                "SELECT count(*) FROM {table} WHERE institution_id = $1"
            )))
            .bind(self.institution.as_uuid())
            .fetch_one(&mut *connection)
            .await
            .expect("a count");
            if rows > 0 {
                found.push(format!("{rows} in {table}"));
            }
        }
        let imports: i64 = sqlx::query_scalar("SELECT count(*) FROM move_imports")
            .fetch_one(&mut *connection)
            .await
            .expect("a count");
        if imports > 0 {
            found.push("an import".to_owned());
        }
        found
    }

    /// (state, epoch, owner) on a shard, and that no move is named.
    async fn ownership(&self, shard: &str) -> Option<(String, i64, String)> {
        let row: Option<(String, i64, String, Option<Uuid>, bool)> = sqlx::query_as(
            "SELECT state, epoch, owner, move_id, capture OR parked FROM ownership WHERE institution_id = $1",
        )
        .bind(self.institution.as_uuid())
        .fetch_optional(&self.shards[shard])
        .await
        .expect("a row");
        row.map(|(state, epoch, owner, named, marked)| {
            assert!(named.is_none() && !marked, "{shard} still speaks of a move");
            (state, epoch, owner)
        })
    }

    fn owned(state: &str, epoch: i64, owner: &str) -> (String, i64, String) {
        (state.to_owned(), epoch, owner.to_owned())
    }
}

async fn enter_and_run(
    pool: &PgPool,
    institution: InstitutionId,
    statement: &str,
    id: Uuid,
) -> bool {
    let mut connection = pool.acquire().await.expect("a connection");
    let enter = format!("BEGIN; SET LOCAL ROLE lxp_app; SELECT tenant_enter('{institution}')");
    let entered = connection.execute(AssertSqlSafe(enter)).await;
    let ran = match entered {
        Ok(_) => sqlx::query(AssertSqlSafe(statement.to_owned()))
            .bind(institution.as_uuid())
            .bind(id)
            .execute(&mut *connection)
            .await
            .map(|_| ()),
        Err(error) => Err(error),
    };
    let done = match ran {
        Ok(()) => connection.execute("COMMIT").await.map(|_| ()),
        Err(error) => Err(error),
    };
    match done {
        Ok(()) => true,
        Err(error) => {
            let code = error
                .as_database_error()
                .and_then(DatabaseError::code)
                .map(|code| code.to_string());
            // Refused by the guard, or cut off by the fence: nothing was applied.
            let expected = ["LX001", "57014", "57P01", "55P03"];
            let code = code.unwrap_or_else(|| "connection lost".to_owned());
            assert!(expected.contains(&&*code), "{error}");
            if connection.execute("ROLLBACK").await.is_err() {
                connection.detach();
            }
            false
        }
    }
}

const INSERT: &str =
    "INSERT INTO courses (institution_id, id, code, title) VALUES ($1, $2, $2::text, 'new')";
const UPDATE: &str = "UPDATE courses SET title = 'changed' WHERE institution_id = $1 AND id = $2";
const DELETE: &str = "DELETE FROM courses WHERE institution_id = $1 AND id = $2";

/// Clients that write until they are stopped; each keeps what was acknowledged.
struct Writers {
    tasks: Vec<JoinHandle<BTreeMap<Uuid, String>>>,
    stop: CancellationToken,
}

impl Writers {
    fn start(stage: &Arc<Stage>) -> Self {
        let stop = CancellationToken::new();
        let tasks = (0..3).map(|_| tokio::spawn(write_on(stage.clone(), stop.clone()))).collect();
        Self { tasks, stop }
    }

    /// What must be there.
    async fn end(self) -> BTreeMap<Uuid, String> {
        self.stop.cancel();
        let mut all = BTreeMap::new();
        for task in self.tasks {
            all.extend(task.await.expect("a writer"));
        }
        all
    }
}

async fn write_on(stage: Arc<Stage>, stop: CancellationToken) -> BTreeMap<Uuid, String> {
    let mut ledger = BTreeMap::new();
    let mut number = 0_u32;
    while !stop.is_cancelled() {
        number += 1;
        let id = Uuid::new_v4();
        if stage.write(INSERT, id).await {
            ledger.insert(id, "new".to_owned());
        }
        let known: Option<Uuid> = ledger.keys().nth(number as usize % ledger.len().max(1)).copied();
        let Some(known) = known else { continue };
        if number.is_multiple_of(3) && stage.write(DELETE, known).await {
            ledger.remove(&known);
        } else if stage.write(UPDATE, known).await && ledger.contains_key(&known) {
            ledger.insert(known, "changed".to_owned());
        }
    }
    ledger
}

#[tokio::test(flavor = "multi_thread")]
async fn an_institution_moves_to_and_fro_while_clients_write() {
    sandbox(async |sandbox| {
        let stage = Arc::new(Stage::set(&sandbox).await);
        let (_leading, _) = stage.lead();
        let writers = Writers::start(&stage);
        let mut epoch = 1;
        for to in ["shard-b", "shard-a", "shard-b"] {
            let id = stage.begin(to).await;
            stage.until(id, MovePhase::Done).await;
            epoch += 2;
            let row = stage.row(id).await;
            assert!(row.shown.pause_ms.is_some_and(|ms| ms > 0.0), "{row:?}");
            let other = SHARDS[usize::from(to == "shard-a")];
            assert_eq!(stage.ownership(to).await, Some(Stage::owned("active", epoch, to)));
            assert_eq!(stage.ownership(other).await, Some(Stage::owned("moved", epoch, to)));
            assert_eq!(stage.residue(other).await, Vec::<String>::new());
            let map = sandbox.platform.feed.fresh().await;
            assert_eq!(map.map().route(stage.institution), Some(&shard_id(to)));
        }
        let ledger = writers.end().await;
        assert!(ledger.len() > 50, "{}", ledger.len());
        assert_eq!(stage.courses("shard-b").await, ledger);
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_mover_that_dies_again_and_again_brings_it_to_an_end() {
    sandbox(async |sandbox| {
        let stage = Arc::new(Stage::set(&sandbox).await);
        let killed = kill_again_and_again(&stage);
        let writers = Writers::start(&stage);
        for to in ["shard-b", "shard-a"] {
            let id = stage.begin(to).await;
            stage.until(id, MovePhase::Done).await;
            let other = SHARDS[usize::from(to == "shard-a")];
            assert_eq!(stage.residue(other).await, Vec::<String>::new());
        }
        killed.abort();
        let ledger = writers.end().await;
        assert_eq!(stage.courses("shard-a").await, ledger);
        assert_eq!(stage.ownership("shard-b").await, Some(Stage::owned("moved", 5, "shard-a")));
    })
    .await;
}

/// Leaders one after the other, each dropped in the middle of whatever it does; the next one does not wait for the
/// lease.
fn kill_again_and_again(stage: &Arc<Stage>) -> AbortHandle {
    let stage = stage.clone();
    let killing = async move {
        for lives_ms in [40_u64, 300, 900, 150, 2_000, 600, 1_300, 80].into_iter().cycle() {
            let (leading, _) = stage.lead();
            tokio::time::sleep(Duration::from_millis(lives_ms + 100)).await;
            leading.abort();
            let _ = leading.await;
            sqlx::query("UPDATE leader SET expires_at = clock_timestamp()")
                .execute(stage.sandbox.pool())
                .await
                .expect("free");
        }
    };
    tokio::spawn(killing).abort_handle()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_move_that_is_cancelled_leaves_everything_as_it_was() {
    sandbox(async |sandbox| {
        let stage = Arc::new(Stage::set(&sandbox).await);
        let (_leading, _) = stage.lead();
        let writers = Writers::start(&stage);
        for (round, at) in [MovePhase::Preflight, MovePhase::Closing].into_iter().enumerate() {
            let id = stage.begin("shard-b").await;
            stage.until_past(id, at).await;
            let mut connection = sandbox.pool().acquire().await.expect("a connection");
            assert!(moves::cancel(&mut connection, id, "a test").await.expect("asked"));
            drop(connection);
            stage.until(id, MovePhase::Aborted).await;
            let epoch = 1 + 3 * (i64::try_from(round).expect("small") + 1);
            assert_eq!(
                stage.ownership("shard-a").await,
                Some(Stage::owned("active", epoch, "shard-a"))
            );
            assert_eq!(stage.ownership("shard-b").await, None);
            assert_eq!(stage.residue("shard-b").await, Vec::<String>::new());
            let there = sandbox.ops().institution(stage.institution).await.expect("shown");
            assert_eq!(there.institution.epoch.0, epoch);
        }
        let ledger = writers.end().await;
        assert_eq!(stage.courses("shard-a").await, ledger);
        let log: i64 =
            sqlx::query_scalar("SELECT count(*) FROM change_log WHERE institution_id = $1")
                .bind(stage.institution.as_uuid())
                .fetch_one(&mut *stage.as_mover("shard-a").await)
                .await
                .expect("a count");
        assert_eq!(log, 0);
    })
    .await;
}

impl Stage {
    /// Waits until a move has at least come to a phase.
    async fn until_past(&self, id: Uuid, phase: MovePhase) {
        eventually("the move to go on", async || self.row(id).await.shown.phase >= phase).await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn one_leads_and_another_takes_over() {
    sandbox(async |sandbox| {
        let stage = Stage::set(&sandbox).await;
        let (first, _) = stage.lead();
        let (_second, _) = stage.lead();
        let term = async || -> i64 {
            sqlx::query_scalar("SELECT term FROM leader WHERE expires_at > clock_timestamp()")
                .fetch_optional(sandbox.pool())
                .await
                .expect("an answer")
                .unwrap_or(0)
        };
        eventually("a leader", async || term().await == 1).await;
        first.abort();
        let _ = first.await;
        let id = stage.begin("shard-b").await;
        stage.until(id, MovePhase::Done).await;
        assert!(term().await >= 1);
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn what_a_former_leader_sends_late_is_refused() {
    sandbox(async |sandbox| {
        let stage = Stage::set(&sandbox).await;
        let (leading, _) = stage.lead();
        let id = stage.begin("shard-b").await;
        stage.until_past(id, MovePhase::Closing).await;
        let late = async |shard: &str, statement: &str| -> String {
            let mut connection = stage.as_mover(shard).await;
            let error =
                connection.execute(AssertSqlSafe(statement.to_owned())).await.expect_err("late");
            error.as_database_error().and_then(DatabaseError::code).expect("a code").to_string()
        };
        let institution = stage.institution;
        let enter = |term: i64, of: Uuid, states: &str| {
            format!("SELECT move_enter('{institution}', '{of}', {term}, '{states}')")
        };
        assert_eq!(late("shard-b", &enter(0, id, "{importing}")).await, "LX005");
        assert_eq!(late("shard-b", &enter(1, Uuid::nil(), "{importing}")).await, "LX006");
        assert_eq!(late("shard-b", &enter(1, id, "{moved}")).await, "LX006");
        let round = format!("SELECT move_round('{id}', 1, NULL, NULL, true, 0)");
        assert_eq!(late("shard-b", &round).await, "LX007");
        stage.until(id, MovePhase::Done).await;
        // All is over: neither a round nor a deletion comes through, nor a move's second begin.
        assert_eq!(late("shard-b", &enter(1, id, "{importing,active}")).await, "LX006");
        assert_eq!(late("shard-a", &enter(1, id, "{moved}")).await, "LX006");
        let again = format!("SELECT move_import('{institution}', '{id}', 1, 1, 'shard-a')");
        assert_eq!(late("shard-b", &again).await, "LX006");
        drop(leading);
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_target_with_rows_of_it_is_refused() {
    sandbox(async |sandbox| {
        let stage = Stage::set(&sandbox).await;
        sqlx::query(
            "INSERT INTO courses (institution_id, id, code, title) VALUES ($1, $2, 'old', 'old')",
        )
        .bind(stage.institution.as_uuid())
        .bind(Uuid::now_v7())
        .execute(&mut *stage.as_mover("shard-b").await)
        .await
        .expect("residue");
        let (_leading, _) = stage.lead();
        let id = stage.begin("shard-b").await;
        stage.until(id, MovePhase::Aborted).await;
        let why = stage.row(id).await.shown.cancel_reason.expect("a reason");
        assert!(why.contains("shard-b") && why.contains("courses"), "{why}");
        assert_eq!(stage.ownership("shard-a").await, Some(Stage::owned("active", 4, "shard-a")));
        assert_eq!(
            stage.courses("shard-b").await.len(),
            1,
            "what was not the move's is left alone"
        );
    })
    .await;
}
