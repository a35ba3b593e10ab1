//! What shards' databases say they own, held against the directory.
//!
//! It only reads: a node that meets a primary it does not know asks what of it is still true.

use control_api::{CLAIMS_MAX, OwnershipClaims, Reconciled};
use service_kit::problem::FieldProblem;
use shard_map::ShardId;

use super::Platform;
use crate::error::Error;
use crate::model::claims::not_borne_out;
use crate::store::{directory, shards};

impl Platform {
    /// The claims that the directory does not bear out.
    pub async fn reconcile_shard(
        &self,
        shard: &ShardId,
        claims: &OwnershipClaims,
    ) -> Result<Reconciled, Error> {
        if claims.owned.len() > CLAIMS_MAX {
            let allowed = format!("at most {CLAIMS_MAX} institutions");
            return Err(Error::Invalid(vec![FieldProblem::new("/owned", "too-many", allowed)]));
        }
        let mut connection = self.pool.acquire().await?;
        if shards::find(&mut connection, shard).await?.is_none() {
            return Err(Error::not_found("shard", shard));
        }
        let ids: Vec<_> = claims.owned.iter().map(|(id, _)| *id).collect();
        let homes = directory::homes(&mut connection, &ids).await?;
        Ok(Reconciled { elsewhere: not_borne_out(shard, &claims.owned, &homes) })
    }
}
