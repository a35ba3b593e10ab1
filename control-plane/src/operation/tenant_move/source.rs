//! What a move does at the source: capture, close, fence, let go, clean; or take all of it back.
//!
//! What must stay true: the exclusive lock is asked for briefly and only where nobody has long been inside: behind
//! one that waits, every tenant's transaction of the institution waits.

use std::time::{Duration, Instant};

use shard_map::{MapVersion, ShardId};
use sqlx::{AssertSqlSafe, Executor as _};
use uuid::Uuid;

use super::failpoint::Step;
use super::planted::{Fault, is_planted};
use super::side::{AS_MOVER, AS_OWNER, Act, Side, Stop, soon, sqlstate};

/// A transaction that is older makes the lock wait for it: it is not asked for meanwhile.
const CALM_MS: f64 = 20.0;
/// When nodes are asked to hold new requests back.
const PARK_AFTER: Duration = Duration::from_secs(1);
/// When open transactions are cut off.
const CUT_AFTER: Duration = Duration::from_secs(2);
/// When the fence is given up for now.
const FENCE_DEADLINE: Duration = Duration::from_secs(3);
/// How long the lock may take where nothing is held back for it.
const LOCK_DEADLINE: Duration = Duration::from_secs(10);
/// `lock_not_available`.
const LOCK_TIMEOUT: &str = "55P03";
/// Rows that one transaction deletes.
const DELETE_ROWS: i64 = 5_000;

impl Side {
    /// Changes are captured from now on; whoever was inside before has ended.
    pub(super) async fn capture(&mut self, act: &Act) -> Result<(), Stop> {
        self.lock(act).await?;
        let locked = async {
            sqlx::query("SELECT move_capture($1, $2, $3, $4)")
                .bind(act.institution.as_uuid())
                .bind(act.move_id)
                .bind(act.term)
                .bind(act.epoch.0)
                .execute(&mut self.connection)
                .await?;
            self.commit(act, Step::Capture).await
        };
        soon("the capture", locked).await
    }

    /// All reads pass the guard on the primary from now on, once every node has heard or lost its lease.
    pub(super) async fn close(&mut self, act: &Act) -> Result<(), Stop> {
        self.enter(act, "{active,closing}").await?;
        self.update(act, "state = 'closing'").await?;
        self.commit(act, Step::Close).await
    }

    /// Nobody is served any more. Where transactions do not leave, nodes hold new ones back, then the open ones are
    /// cut off, but none that commits. Answers false where all that did not help.
    pub(super) async fn fence(&mut self, act: &Act) -> Result<bool, Stop> {
        let began = Instant::now();
        let mut parked = false;
        while !self.try_lock(act).await? {
            let waited = began.elapsed();
            if waited > FENCE_DEADLINE {
                self.park(act, false).await?;
                return Ok(false);
            }
            if waited > PARK_AFTER && !parked {
                self.park(act, true).await?;
                parked = true;
            }
            if waited > CUT_AFTER {
                self.cut_off(act).await?;
            }
            breathe().await;
        }
        let locked = async {
            self.expect(act, "{closing}").await?;
            let epoch = act.epoch.0 + 1;
            self.update(act, &format!("state = 'fenced', parked = false, epoch = {epoch}")).await?;
            self.commit(act, Step::Fence).await
        };
        soon("the fence", locked).await?;
        Ok(true)
    }

    /// Nodes hold new requests back, or do so no more.
    pub(super) async fn park(&mut self, act: &Act, on: bool) -> Result<(), Stop> {
        let parking = async {
            self.enter(act, "{active,closing}").await?;
            self.update(act, if on { "parked = true" } else { "parked = false" }).await?;
            self.commit(act, Step::Park).await
        };
        soon("parking", parking).await
    }

    /// What a mover that died held back is let go.
    pub(super) async fn unpark(&mut self, act: &Act) -> Result<(), Stop> {
        let parked: Option<bool> =
            sqlx::query_scalar("SELECT parked FROM ownership WHERE institution_id = $1")
                .bind(act.institution.as_uuid())
                .fetch_optional(&mut self.connection)
                .await?;
        if parked == Some(true) { self.park(act, false).await } else { Ok(()) }
    }

    /// The target serves: the row says so, for good.
    pub(super) async fn let_go(
        &mut self,
        act: &Act,
        to: &ShardId,
        version: MapVersion,
    ) -> Result<(), Stop> {
        self.enter(act, "{fenced,moved}").await?;
        let epoch = act.epoch.0 + 2;
        let what = format!(
            "state = 'moved', epoch = {epoch}, owner = '{to}', map_version = {version}, capture = false, parked = false",
            version = version.0
        );
        self.update(act, &what).await?;
        self.commit(act, Step::LetGo).await
    }

    /// The source serves again, at the epoch of an abort; whoever enters from now on captures nothing. Changes nothing
    /// where the move never began here.
    pub(super) async fn take_back(&mut self, act: &Act) -> Result<(), Stop> {
        self.connection.execute("BEGIN").await?;
        sqlx::query(
            "UPDATE ownership SET move_id = $2
             WHERE institution_id = $1 AND move_id IS NULL AND state = 'active' AND epoch = $3",
        )
        .bind(act.institution.as_uuid())
        .bind(act.move_id)
        .bind(act.epoch.0)
        .execute(&mut self.connection)
        .await?;
        self.expect(act, "{active,closing,fenced}").await?;
        let epoch = act.epoch.0 + 3;
        let what = format!("state = 'active', epoch = {epoch}, capture = false, parked = false");
        self.update(act, &what).await?;
        self.commit(act, Step::TakeBack).await
    }

    /// Waits until those have ended who entered before. Once more the lock, for nothing but that.
    pub(super) async fn drain(&mut self, act: &Act) -> Result<(), Stop> {
        self.lock(act).await?;
        soon("a drain", self.commit(act, Step::Drain)).await
    }

    /// Deletes the institution's rows here, children first, in short transactions; `states` say why that is allowed.
    pub(super) async fn delete_rows(
        &mut self,
        act: &Act,
        states: &str,
        tables: &[String],
        step: Step,
    ) -> Result<(), Stop> {
        let mut left = tables.iter().peekable();
        while left.peek().is_some() {
            self.enter(act, states).await?;
            self.connection.execute("SET LOCAL session_replication_role = replica").await?;
            let mut may = DELETE_ROWS;
            while let Some(table) = left.peek() {
                let deleted = sqlx::query(AssertSqlSafe(format!(
                    "DELETE FROM {table} WHERE ctid = ANY (ARRAY(
                         SELECT ctid FROM {table} WHERE institution_id = $1 LIMIT $2))"
                )))
                .bind(act.institution.as_uuid())
                .bind(may)
                .execute(&mut self.connection)
                .await?
                .rows_affected();
                may -= i64::try_from(deleted).unwrap_or(may);
                if may <= 0 {
                    break;
                }
                left.next();
            }
            self.commit(act, step).await?;
        }
        Ok(())
    }

    /// The row names no move any more.
    pub(super) async fn forget_move(
        &mut self,
        act: &Act,
        states: &str,
        step: Step,
    ) -> Result<(), Stop> {
        self.enter(act, states).await?;
        sqlx::query(
            "UPDATE ownership SET move_id = NULL WHERE institution_id = $1 AND move_id = $2",
        )
        .bind(act.institution.as_uuid())
        .bind(act.move_id)
        .execute(&mut self.connection)
        .await?;
        self.commit(act, step).await
    }

    /// Begins a transaction under the exclusive lock, without haste.
    async fn lock(&mut self, act: &Act) -> Result<(), Stop> {
        let deadline = Instant::now() + LOCK_DEADLINE;
        while !self.try_lock(act).await? {
            if Instant::now() > deadline {
                return Err(Stop::Retry("the institution's transactions leave no gap".to_owned()));
            }
            breathe().await;
        }
        Ok(())
    }

    /// Begins a transaction under the exclusive lock, if that is had at once.
    async fn try_lock(&mut self, act: &Act) -> Result<bool, Stop> {
        soon("the lock", self.ask_for_lock(act)).await
    }

    async fn ask_for_lock(&mut self, act: &Act) -> Result<bool, Stop> {
        if is_planted(Fault::FenceSkipped) {
            self.connection.execute("BEGIN").await?;
            return Ok(true);
        }
        let oldest: Option<f64> =
            sqlx::query_scalar("SELECT max(age_ms) FROM tenant_transactions($1)")
                .bind(act.institution.as_uuid())
                .fetch_one(&mut self.connection)
                .await?;
        if oldest.is_some_and(|ms| ms > CALM_MS) {
            return Ok(false);
        }
        let lock = format!(
            "BEGIN; SET LOCAL lock_timeout = '50ms';
             SELECT pg_advisory_xact_lock(tenant_lock_key('{}')); SET LOCAL lock_timeout = '1s'",
            act.institution
        );
        match self.connection.execute(AssertSqlSafe(lock)).await {
            Ok(_) => Ok(true),
            Err(error) if sqlstate(&error).as_deref() == Some(LOCK_TIMEOUT) => {
                self.connection.execute("ROLLBACK").await?;
                Ok(false)
            }
            Err(error) => Err(error.into()),
        }
    }

    /// Ends the open transactions of the institution that do not commit already.
    async fn cut_off(&mut self, act: &Act) -> Result<(), Stop> {
        self.connection.execute(AS_OWNER).await?;
        sqlx::query(
            "SELECT CASE WHEN waits THEN pg_terminate_backend(pid) ELSE pg_cancel_backend(pid) END
             FROM tenant_transactions($1) WHERE NOT commits",
        )
        .bind(act.institution.as_uuid())
        .execute(&mut self.connection)
        .await?;
        self.connection.execute(AS_MOVER).await?;
        Ok(())
    }

    async fn update(&mut self, act: &Act, what: &str) -> Result<(), Stop> {
        sqlx::query(AssertSqlSafe(format!(
            "UPDATE ownership SET {what} WHERE institution_id = $1"
        )))
        .bind(act.institution.as_uuid())
        .execute(&mut self.connection)
        .await?;
        Ok(())
    }
}

/// A few milliseconds, never twice the same: two who try must not do so in step.
async fn breathe() {
    let jitter = u64::from(Uuid::new_v4().as_bytes()[0]) / 16;
    tokio::time::sleep(Duration::from_millis(4 + jitter)).await;
}
