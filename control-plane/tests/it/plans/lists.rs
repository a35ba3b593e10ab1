//! Lists of moves and institutions, narrowed by what is asked.

use control_api::{InstitutionQuery, MoveQuery};
use shard_map::MovePhase;
use uuid::Uuid;

use super::{advance, applied, school, two_shards};
use crate::support::sandbox;

#[tokio::test]
async fn lists_are_narrowed_as_asked() {
    sandbox(async |sandbox| {
        two_shards(&sandbox).await;
        let (north, south) = (school(&sandbox, "north").await, school(&sandbox, "south").await);
        let west = school(&sandbox, "west").await;
        let mut ids = vec![];
        for institution in [north.id, south.id] {
            let (_, it) = applied(&sandbox, institution).await;
            ids.push(it.id);
        }
        advance(&sandbox, ids[0], MovePhase::Preflight, MovePhase::Aborted).await;
        let list = async |query: MoveQuery| -> Vec<Uuid> {
            let moves = sandbox.ops().moves(&query).await.expect("listed");
            moves.items.iter().map(|it| it.id).collect()
        };
        assert_eq!(list(MoveQuery::default()).await, [ids[1], ids[0]]);
        assert_eq!(list(MoveQuery { active: true, ..MoveQuery::default() }).await, [ids[1]]);
        assert_eq!(list(MoveQuery { limit: Some(1), ..MoveQuery::default() }).await, [ids[1]]);
        let of_north = MoveQuery { institution: Some(north.id), ..MoveQuery::default() };
        assert_eq!(list(of_north).await, [ids[0]]);
        let query =
            InstitutionQuery { ids: vec![west.id, north.id], ..InstitutionQuery::default() };
        let page = sandbox.ops().institutions(&query).await.expect("listed");
        let slugs: Vec<_> = page.items.iter().map(|institution| &*institution.slug).collect();
        assert_eq!((page.total, &slugs[..]), (2, &["north", "west"][..]));
    })
    .await;
}
