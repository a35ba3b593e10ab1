//! Clients that write through the guard of whichever shard lets them in, and keep what was acknowledged.

use std::collections::BTreeMap;
use std::sync::Arc;

use shard_map::InstitutionId;
use sqlx::error::DatabaseError;
use sqlx::{AssertSqlSafe, Executor as _, PgPool};
use tokio::task::JoinHandle;
use tokio_util::sync::CancellationToken;
use uuid::Uuid;

use super::stage::Stage;

pub(super) async fn enter_and_run(
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

pub(super) const INSERT: &str =
    "INSERT INTO courses (institution_id, id, code, title) VALUES ($1, $2, $2::text, 'new')";
const UPDATE: &str = "UPDATE courses SET title = 'changed' WHERE institution_id = $1 AND id = $2";
const DELETE: &str = "DELETE FROM courses WHERE institution_id = $1 AND id = $2";

/// Clients that write until they are stopped; each keeps what was acknowledged.
pub(super) struct Writers {
    tasks: Vec<JoinHandle<BTreeMap<Uuid, String>>>,
    stop: CancellationToken,
}

impl Writers {
    pub(super) fn start(stage: &Arc<Stage>) -> Self {
        let stop = CancellationToken::new();
        let tasks = (0..3).map(|_| tokio::spawn(write_on(stage.clone(), stop.clone()))).collect();
        Self { tasks, stop }
    }

    /// What must be there.
    pub(super) async fn end(self) -> BTreeMap<Uuid, String> {
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
