//! What of a shard's claims the directory does not bear out. Pure.

use std::collections::BTreeMap;

use control_api::Elsewhere;
use shard_map::{Epoch, InstitutionId, MapVersion, ShardId};

/// Where the directory has an institution.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Home {
    /// The owner.
    pub shard: ShardId,
    /// The epoch of the ownership.
    pub epoch: Epoch,
    /// The version that published it.
    pub map_version: MapVersion,
}

/// The claims that the shard must not act upon. A claim past the directory's epoch is good: an aborted move
/// leaves such.
pub fn not_borne_out(
    shard: &ShardId,
    claims: &[(InstitutionId, Epoch)],
    homes: &BTreeMap<InstitutionId, Home>,
) -> Vec<Elsewhere> {
    let refused = claims.iter().filter_map(|(institution, epoch)| {
        let home = homes.get(institution);
        let good = home.is_some_and(|home| home.shard == *shard && home.epoch <= *epoch);
        (!good).then(|| Elsewhere {
            institution: *institution,
            owner: home.map(|home| home.shard.clone()),
            epoch: home.map(|home| home.epoch),
            map_version: home.map(|home| home.map_version),
        })
    });
    refused.collect()
}

#[cfg(test)]
mod tests {
    use uuid::Uuid;

    use super::*;

    fn shard(id: &str) -> ShardId {
        id.parse().expect("an id")
    }

    /// The owners that are answered for a claim at epoch 3: none where the claim is good.
    fn answer(home: Option<(&str, i64)>) -> Vec<Option<ShardId>> {
        let institution = InstitutionId::new(Uuid::nil());
        let homes = home.map(|(id, epoch)| {
            let (epoch, map_version) = (Epoch(epoch), MapVersion(9));
            (institution, Home { shard: shard(id), epoch, map_version })
        });
        let claims = [(institution, Epoch(3))];
        let refused = not_borne_out(&shard("a"), &claims, &homes.into_iter().collect());
        refused.into_iter().map(|refused| refused.owner).collect()
    }

    #[test]
    fn a_claim_is_good_at_the_directorys_epoch_or_a_later_one() {
        assert_eq!(answer(Some(("a", 3))), []);
        assert_eq!(answer(Some(("a", 2))), []);
    }

    #[test]
    fn a_claim_on_anothers_on_an_earlier_epoch_or_on_nobodys_is_not() {
        assert_eq!(answer(Some(("b", 5))), [Some(shard("b"))]);
        assert_eq!(answer(Some(("b", 1))), [Some(shard("b"))]);
        assert_eq!(answer(Some(("a", 5))), [Some(shard("a"))]);
        assert_eq!(answer(None), [None]);
    }
}
