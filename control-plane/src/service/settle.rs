//! Tells an institution's shard what the directory wants: admitted, served, suspended.
//!
//! What must stay true: one party at a time tells (an advisory lock of the control database, held over the
//! call), and it tells what the row says under that lock; so an older word never overtakes a newer one. Each
//! step can be done twice.

use serde_json::json;
use shard_map::{InstitutionId, InstitutionStatus};

use super::Platform;
use crate::error::Error;
use crate::store::directory::{self, DirectoryRow};
use crate::store::journal::{self, Actor, Note};
use crate::store::shards;

impl Platform {
    /// Tells the shard, and records that it knows. Answers the row as it is then; none if there is no such row.
    ///
    /// An unreachable shard is no error here: why it failed and when the next try is stand in the row.
    pub async fn settle(&self, id: InstitutionId) -> Result<Option<DirectoryRow>, Error> {
        let _permit = self
            .settling
            .acquire()
            .await
            .map_err(|_| Error::Corrupt("a closed semaphore".to_owned()))?;
        let mut tx = self.pool.begin().await?;
        directory::lock_settling(&mut tx, id).await?;
        let Some(mut row) = directory::find(&mut tx, id).await? else { return Ok(None) };
        if row.settled {
            return Ok(Some(row));
        }
        let shard = shards::find(&mut tx, &row.institution.shard).await?;
        let shard = shard.ok_or_else(|| Error::not_found("shard", &row.institution.shard))?;
        let told = match row.institution.status {
            InstitutionStatus::Creating => {
                self.shards.admit(&shard.primary, &row.institution).await
            }
            InstitutionStatus::Active | InstitutionStatus::Suspended => {
                self.shards.set_status(&shard.primary, &row.institution).await
            }
        };
        if let Err(error) = told {
            let why = error.to_string();
            tracing::warn!(
                institution.id = %id,
                shard.id = %shard.id,
                error = %why,
                tries = row.tries + 1,
                "A shard could not be told about an institution; trying again"
            );
            directory::failed(&mut tx, id, row.tries + 1, &why).await?;
            tx.commit().await?;
            return Ok(Some(DirectoryRow { tries: row.tries + 1, last_error: Some(why), ..row }));
        }
        let status = match row.institution.status {
            InstitutionStatus::Creating => InstitutionStatus::Active,
            settled => settled,
        };
        // Somebody may have asked for something else meanwhile: then the row stays unsettled.
        if directory::settled(&mut tx, &row.institution, status).await? {
            if row.institution.status == InstitutionStatus::Creating {
                let notes = [Note::event("institution.active", &id, json!({"shard": shard.id}))];
                journal::write(&mut tx, &Actor::reconciler(), &notes).await?;
            }
            row.institution.status = status;
            row.settled = true;
        }
        tx.commit().await?;
        Ok(Some(row))
    }
}
