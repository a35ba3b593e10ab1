//! Two shards' databases, an institution that moves between them, and leaders that move it.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use control_api::Dsn;
use control_plane::operation::lead;
use control_plane::operation::metrics::MoveMetrics;
use control_plane::store::moves::{self, NewMove};
use service_kit::metrics::Metrics;
use shard_map::{InstitutionId, MovePhase};
use sqlx::postgres::PgPoolOptions;
use sqlx::{AssertSqlSafe, Executor as _, PgPool};
use tokio::task::JoinHandle;
use tokio_util::sync::CancellationToken;
use uuid::Uuid;

use crate::support::{Sandbox, eventually, new_institution, shard_id, within};

/// Two shards' databases and one institution, which begins on the first.
pub(super) struct Stage {
    pub(super) sandbox: Arc<Sandbox>,
    pub(super) institution: InstitutionId,
    shards: BTreeMap<&'static str, PgPool>,
    dsns: BTreeMap<&'static str, Dsn>,
}

pub(super) const SHARDS: [&str; 2] = ["shard-a", "shard-b"];

impl Stage {
    pub(super) async fn set(sandbox: &Arc<Sandbox>) -> Self {
        sandbox.reconcile();
        let (mut shards, mut dsns) = (BTreeMap::new(), BTreeMap::new());
        for id in SHARDS {
            let new = sandbox.active_shard(id).await;
            // Who was the mover is the owner again.
            let pool = PgPoolOptions::new().max_connections(8).before_acquire(|connection, _| {
                Box::pin(async { connection.execute("RESET ROLE").await.map(|_| true) })
            });
            shards.insert(id, pool.connect_lazy(new.postgres.primary.expose()).expect("a DSN"));
            dsns.insert(id, new.postgres.primary);
        }
        let mut new = new_institution("moving");
        new.shard = Some(shard_id("shard-a"));
        let made = sandbox.ops().create_institution(&new).await.expect("created");
        Self { sandbox: sandbox.clone(), institution: made.id, shards, dsns }
    }

    /// A shard's database, as its owner.
    pub(super) fn pool(&self, shard: &str) -> &PgPool {
        &self.shards[shard]
    }

    pub(super) fn dsn(&self, shard: &str) -> &Dsn {
        &self.dsns[shard]
    }

    /// A leader dies in the middle of whatever it does; the next one does not wait for the lease.
    pub(super) async fn kill(&self, leading: JoinHandle<()>) {
        leading.abort();
        let _ = leading.await;
        sqlx::query("UPDATE leader SET expires_at = clock_timestamp()")
            .execute(self.sandbox.pool())
            .await
            .expect("free");
    }

    /// A control plane that leads when it can.
    pub(super) fn lead(&self) -> (JoinHandle<()>, CancellationToken) {
        let metrics = MoveMetrics::new(&Metrics::new().expect("metrics")).expect("metrics");
        let stop = self.sandbox.stop.child_token();
        let leading = lead::run(self.sandbox.platform.clone(), metrics, stop.clone());
        (tokio::spawn(leading), stop)
    }

    /// Asks for a move to a shard.
    pub(super) async fn begin(&self, to: &str) -> Uuid {
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

    pub(super) async fn row(&self, id: Uuid) -> moves::MoveRow {
        let mut connection = self.sandbox.pool().acquire().await.expect("a connection");
        moves::find(&mut connection, id).await.expect("found").expect("a move")
    }

    pub(super) async fn until(&self, id: Uuid, phase: MovePhase) {
        let wait = async {
            loop {
                let shown = self.row(id).await.shown;
                if shown.phase == phase {
                    return;
                }
                assert!(shown.finished_at.is_none(), "it has ended otherwise: {shown:?}");
                tokio::time::sleep(Duration::from_millis(10)).await;
            }
        };
        let waited = tokio::time::timeout(Duration::from_secs(90), wait).await;
        assert!(waited.is_ok(), "waited for {phase}: {:?}", self.row(id).await);
    }

    /// One write through the guard of whichever shard lets it in. Answers whether it was acknowledged.
    pub(super) async fn write(&self, statement: &str, id: Uuid) -> bool {
        for pool in self.shards.values() {
            if super::writers::enter_and_run(pool, self.institution, statement, id).await {
                return true;
            }
        }
        false
    }

    /// The codes of the courses that a shard has, by id.
    pub(super) async fn courses(&self, shard: &str) -> BTreeMap<Uuid, String> {
        let rows: Vec<(Uuid, String)> =
            sqlx::query_as("SELECT id, title FROM courses WHERE institution_id = $1")
                .bind(self.institution.as_uuid())
                .fetch_all(&mut *self.as_mover(shard).await)
                .await
                .expect("courses");
        rows.into_iter().collect()
    }

    /// Fills the table of courses at a shard: `rows` of them, with ids 10, 20, 30, ... and codes c1, c2, c3, ...
    pub(super) async fn fill(&self, shard: &str, rows: i32) {
        sqlx::query(
            "INSERT INTO courses (institution_id, id, code, title)
             SELECT $1, lpad(to_hex(10 * n), 32, '0')::uuid, 'c' || n, 'filled' FROM generate_series(1, $2) n",
        )
        .bind(self.institution.as_uuid())
        .bind(rows)
        .execute(&mut *self.as_mover(shard).await)
        .await
        .expect("filled");
    }

    /// All of the courses that a shard has, as one text.
    pub(super) async fn digest(&self, shard: &str) -> String {
        let digest: Option<String> = sqlx::query_scalar(
            "SELECT count(*) || md5(string_agg(c::text, ' ' ORDER BY id)) FROM courses c WHERE institution_id = $1",
        )
        .bind(self.institution.as_uuid())
        .fetch_one(&mut *self.as_mover(shard).await)
        .await
        .expect("courses");
        digest.expect("courses")
    }

    /// The move was given up and has left all as it was; answers why.
    pub(super) async fn expect_aborted(&self, id: Uuid, at_epoch: i64) -> String {
        self.until(id, MovePhase::Aborted).await;
        let row = self.row(id).await;
        assert_eq!(
            self.ownership("shard-a").await,
            Some(Self::owned("active", at_epoch + 3, "shard-a")),
            "{row:?}"
        );
        assert_eq!(self.residue("shard-b").await, Vec::<String>::new());
        let log: i64 =
            sqlx::query_scalar("SELECT count(*) FROM change_log WHERE institution_id = $1")
                .bind(self.institution.as_uuid())
                .fetch_one(&mut *self.as_mover("shard-a").await)
                .await
                .expect("a count");
        assert_eq!(log, 0, "{row:?}");
        row.shown.cancel_reason.expect("a reason")
    }

    /// The move is done and has left nothing.
    pub(super) async fn expect_done(&self, id: Uuid, to: &str, epoch: i64) {
        self.until(id, MovePhase::Done).await;
        let other = SHARDS[usize::from(to == "shard-a")];
        assert_eq!(self.ownership(to).await, Some(Self::owned("active", epoch, to)));
        assert_eq!(self.ownership(other).await, Some(Self::owned("moved", epoch, to)));
        assert_eq!(self.residue(other).await, Vec::<String>::new());
    }

    /// Waits until a step of the move has failed for a reason that says this.
    pub(super) async fn until_failed(&self, id: Uuid, why: &str) {
        within(Duration::from_mins(1), why, async || {
            self.row(id).await.shown.retries.iter().any(|retry| retry.why.contains(why))
        })
        .await;
    }

    pub(super) async fn as_mover(&self, shard: &str) -> sqlx::pool::PoolConnection<sqlx::Postgres> {
        let mut connection = self.shards[shard].acquire().await.expect("a connection");
        connection.execute("SET ROLE lxp_mover").await.expect("the role");
        connection
    }

    /// What is left of the institution and its moves on a shard, beside its home.
    pub(super) async fn residue(&self, shard: &str) -> Vec<String> {
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
    pub(super) async fn ownership(&self, shard: &str) -> Option<(String, i64, String)> {
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

    pub(super) fn owned(state: &str, epoch: i64, owner: &str) -> (String, i64, String) {
        (state.to_owned(), epoch, owner.to_owned())
    }

    /// Waits until a move has at least come to a phase.
    pub(super) async fn until_past(&self, id: Uuid, phase: MovePhase) {
        eventually("the move to go on", async || self.row(id).await.shown.phase >= phase).await;
    }
}
