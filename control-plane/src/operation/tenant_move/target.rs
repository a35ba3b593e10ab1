//! What a move does at the target: begin an import, serve, or clean up after a move that was given up.

use shard_map::{MapVersion, ShardId};
use sqlx::Executor as _;

use super::failpoint::Step;
use super::planted::{Fault, is_planted};
use super::side::{Act, Side, Stop};

/// What came of an activation.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Activated {
    /// The target serves.
    Yes,
    /// The target has not what was committed: it is to be copied again.
    Stale,
}

impl Side {
    /// Rows may arrive; until the move is decided requests are sent back to the source.
    pub(super) async fn import(&mut self, act: &Act, source: &ShardId) -> Result<(), Stop> {
        self.connection.execute("BEGIN").await?;
        sqlx::query("SELECT move_import($1, $2, $3, $4, $5)")
            .bind(act.institution.as_uuid())
            .bind(act.move_id)
            .bind(act.term)
            .bind(act.epoch.0)
            .bind(source.as_str())
            .execute(&mut self.connection)
            .await?;
        self.commit(act, Step::Import).await
    }

    /// The target serves, if it is the primary that the commit point named and has the round that it named.
    pub(super) async fn activate(
        &mut self,
        act: &Act,
        last_round: Option<i64>,
        identity: Option<&str>,
        version: MapVersion,
    ) -> Result<Activated, Stop> {
        let epoch = act.epoch.0 + 2;
        match self.row(act).await? {
            Some(row) if row.epoch >= epoch => return Ok(Activated::Yes),
            Some(row) if row.ours => {}
            _ => return Ok(Activated::Stale),
        }
        self.enter(act, "{importing}").await?;
        let round: Option<i64> =
            sqlx::query_scalar("SELECT round FROM move_imports WHERE move_id = $1 AND complete")
                .bind(act.move_id)
                .fetch_optional(&mut self.connection)
                .await?;
        let is_committed =
            round.is_some() && round == last_round && identity == Some(&self.identity);
        if !is_committed && !is_planted(Fault::ActivationUnchecked) {
            self.connection.execute("ROLLBACK").await?;
            return Ok(Activated::Stale);
        }
        sqlx::query(
            "UPDATE ownership SET state = 'active', epoch = $2, owner = $3, map_version = $4
             WHERE institution_id = $1",
        )
        .bind(act.institution.as_uuid())
        .bind(epoch)
        .bind(self.shard.as_str())
        .bind(version.0)
        .execute(&mut self.connection)
        .await?;
        self.commit(act, Step::Activate).await?;
        Ok(Activated::Yes)
    }

    /// Everything that came is deleted, and the import begins anew.
    pub(super) async fn begin_again(
        &mut self,
        act: &Act,
        source: &ShardId,
        tables: &[String],
    ) -> Result<(), Stop> {
        self.import(act, source).await?;
        self.delete_rows(act, "{importing}", tables, Step::BeginAgain).await?;
        self.enter(act, "{importing}").await?;
        sqlx::query(
            "UPDATE move_imports SET round = 0, table_name = NULL, row_id = NULL, complete = false, rows_copied = 0
             WHERE move_id = $1",
        )
        .bind(act.move_id)
        .execute(&mut self.connection)
        .await?;
        self.commit(act, Step::BeginAgain).await
    }

    /// The import has become the institution's home: nothing speaks of it any more.
    pub(super) async fn finish_import(&mut self, act: &Act) -> Result<(), Stop> {
        match self.row(act).await? {
            Some(row) if row.ours => {}
            _ => return Ok(()),
        }
        self.enter(act, "{active,closing}").await?;
        self.drop_import(act).await?;
        sqlx::query("UPDATE ownership SET move_id = NULL WHERE institution_id = $1")
            .bind(act.institution.as_uuid())
            .execute(&mut self.connection)
            .await?;
        self.commit(act, Step::FinishImport).await
    }

    /// The move was given up: what came is deleted, and the row is again what it was, or not there.
    ///
    /// Nodes do not hear of a row that is gone, so it is `moved` first, which sends requests to the source.
    pub(super) async fn undo_import(
        &mut self,
        act: &Act,
        source: &ShardId,
        tables: &[String],
    ) -> Result<(), Stop> {
        match self.row(act).await? {
            Some(row) if row.ours => {}
            _ => return Ok(()),
        }
        self.enter(act, "{importing,moved}").await?;
        sqlx::query(
            "UPDATE ownership SET state = 'moved', owner = $2 WHERE institution_id = $1 AND state <> 'moved'",
        )
        .bind(act.institution.as_uuid())
        .bind(source.as_str())
        .execute(&mut self.connection)
        .await?;
        self.commit(act, Step::UndoImport).await?;
        self.delete_rows(act, "{moved}", tables, Step::DeleteCopy).await?;
        self.enter(act, "{moved}").await?;
        sqlx::query(
            "UPDATE ownership o
             SET state = e.state, epoch = e.epoch, owner = e.owner, map_version = e.map_version, move_id = NULL
             FROM move_imports i, jsonb_populate_record(NULL::ownership, i.earlier) e
             WHERE o.institution_id = $1 AND i.move_id = $2 AND i.earlier IS NOT NULL",
        )
        .bind(act.institution.as_uuid())
        .bind(act.move_id)
        .execute(&mut self.connection)
        .await?;
        sqlx::query("DELETE FROM ownership WHERE institution_id = $1 AND move_id = $2")
            .bind(act.institution.as_uuid())
            .bind(act.move_id)
            .execute(&mut self.connection)
            .await?;
        self.drop_import(act).await?;
        self.commit(act, Step::UndoRow).await
    }

    async fn drop_import(&mut self, act: &Act) -> Result<(), Stop> {
        sqlx::query("DELETE FROM move_imports WHERE move_id = $1")
            .bind(act.move_id)
            .execute(&mut self.connection)
            .await?;
        Ok(())
    }
}
