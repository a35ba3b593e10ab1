//! A place in a database where whoever comes waits, or is refused, for as long as the test says: so a mover is met at
//! the very statement that a test is about, and its connection falls silent there. The server does not notice that the
//! client of one who waits has gone: as where a machine has frozen.

use std::time::{Duration, Instant};

use sqlx::postgres::PgPool;
use sqlx::{AssertSqlSafe, Connection as _, Executor as _, PgConnection};
use uuid::Uuid;

/// What is on the way to a gate may have thirty rounds to write, on a busy machine.
const PATIENCE: Duration = Duration::from_mins(1);

const GATE: &str = "CREATE OR REPLACE FUNCTION test_gate() RETURNS trigger LANGUAGE plpgsql AS $$
    BEGIN
        IF TG_ARGV[1] = 'refuses' AND NOT pg_try_advisory_xact_lock_shared(TG_ARGV[0]::bigint) THEN
            RAISE EXCEPTION 'the gate is shut';
        ELSIF TG_ARGV[1] = 'holds' THEN
            PERFORM set_config('lock_timeout', '0', true), set_config('client_connection_check_interval', '0', true);
            PERFORM pg_advisory_xact_lock_shared(TG_ARGV[0]::bigint);
        END IF;
        RETURN NULL;
    END $$";

/// Shut until it is opened or dropped.
pub(super) struct Gate {
    /// It is shut for as long as this session lasts.
    holder: PgConnection,
    key: i64,
}

impl Gate {
    /// Who does `event` (such as `UPDATE ON moves`) with a row of which `when` is true waits right after it, in its
    /// transaction.
    pub(super) async fn holding(pool: &PgPool, event: &str, when: &str) -> Self {
        let trigger = format!("TRIGGER {{name}} AFTER {event}");
        Self::shut(pool, event, &trigger, when, "holds").await
    }

    /// The same, but at its COMMIT.
    pub(super) async fn holding_commit(pool: &PgPool, event: &str, when: &str) -> Self {
        let trigger =
            format!("CONSTRAINT TRIGGER {{name}} AFTER {event} DEFERRABLE INITIALLY DEFERRED");
        Self::shut(pool, event, &trigger, when, "holds").await
    }

    /// Who does it gets an error.
    pub(super) async fn refusing(pool: &PgPool, event: &str, when: &str) -> Self {
        let trigger = format!("TRIGGER {{name}} AFTER {event}");
        Self::shut(pool, event, &trigger, when, "refuses").await
    }

    async fn shut(pool: &PgPool, event: &str, trigger: &str, when: &str, how: &str) -> Self {
        let mut holder = pool.acquire().await.expect("a connection").detach();
        let bytes = Uuid::new_v4().into_bytes();
        let key = i64::from(u32::from_be_bytes([bytes[0], bytes[1], bytes[2], bytes[3]]));
        let (name, table) =
            (format!("test_gate_{key}"), event.rsplit_once(' ').expect("... ON table").1);
        let trigger = trigger.replace("{name}", &name);
        // A round is written by one who fires no other triggers.
        let make = format!(
            "SET lock_timeout = '5s'; SELECT pg_advisory_lock({key}); {GATE};
             CREATE {trigger} FOR EACH ROW WHEN ({when}) EXECUTE FUNCTION test_gate('{key}', '{how}');
             ALTER TABLE {table} ENABLE ALWAYS TRIGGER {name}"
        );
        holder.execute(AssertSqlSafe(make)).await.expect("a gate");
        Self { holder, key }
    }

    /// The ids of the sessions that wait here.
    pub(super) async fn waiting(&mut self) -> Vec<i32> {
        sqlx::query_scalar(
            "SELECT pid FROM pg_locks WHERE locktype = 'advisory' AND NOT granted AND classid = 0 AND objid = $1::bigint::oid
                AND database = (SELECT oid FROM pg_database WHERE datname = current_database())",
        )
        .bind(self.key)
        .fetch_all(&mut self.holder)
        .await
        .expect("locks")
    }

    /// Waits until somebody does. Answers the session's id.
    pub(super) async fn reached(&mut self) -> i32 {
        let deadline = Instant::now() + PATIENCE;
        loop {
            if let Some(pid) = self.waiting().await.first() {
                return *pid;
            }
            assert!(Instant::now() < deadline, "nobody comes to the gate");
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
    }

    /// Ends the sessions that wait here.
    pub(super) async fn end_waiting(&mut self) {
        for pid in self.waiting().await {
            sqlx::query("SELECT pg_terminate_backend($1)")
                .bind(pid)
                .execute(&mut self.holder)
                .await
                .expect("ended");
        }
    }

    /// Lets everybody through from now on.
    pub(super) async fn open(self) {
        self.holder.close().await.expect("closed");
    }
}
