//! Which move a person means: by its id, by its short name, or by its institution.

use std::collections::BTreeMap;

use control_api::{ControlClient, InstitutionQuery, Move, MoveQuery};
use shard_map::InstitutionId;
use uuid::Uuid;

use crate::connection::{self, explain};
use crate::failure::Failure;

/// Moves that are looked through for a short name.
const LOOKED_THROUGH: i64 = 200;
/// Institutions that are named in one call.
const NAMES_AT_ONCE: usize = 100;

/// The move that was named; of an institution its last one.
pub(super) async fn one(client: &ControlClient, named: &str) -> anyhow::Result<Move> {
    if let Ok(id) = named.parse::<Uuid>() {
        match client.one_move(id).await {
            Ok(it) => return Ok(it),
            // It may be an institution's.
            Err(error) if error.refusal().is_some_and(|refusal| refusal.status == 404) => {}
            Err(error) => return Err(explain(error)),
        }
    }
    if named.starts_with("mv-")
        && let Some(it) = by_short_name(client, named).await?
    {
        return Ok(it);
    }
    let institution = connection::institution(client, named).await?;
    let query =
        MoveQuery { institution: Some(institution), limit: Some(1), ..MoveQuery::default() };
    let last = client.moves(&query).await.map_err(explain)?.items.pop();
    let never = || {
        Failure::refused(format!("`{named}` was never moved, and is no move"))
            .next(format!("lxp move list, or lxp move start {named} --to SHARD"))
    };
    last.ok_or_else(|| never().into())
}

async fn by_short_name(client: &ControlClient, name: &str) -> anyhow::Result<Option<Move>> {
    let query = MoveQuery { limit: Some(LOOKED_THROUGH), ..MoveQuery::default() };
    let moves = client.moves(&query).await.map_err(explain)?.items;
    let mut found = moves.into_iter().filter(|it| it.short() == name);
    let (first, second) = (found.next(), found.next());
    if second.is_some() {
        let what = format!("several moves are called {name}");
        return Err(Failure::refused(what).next("its whole id: lxp move list -o json").into());
    }
    Ok(first)
}

/// The slugs of the institutions of these moves.
pub(super) async fn slugs(client: &ControlClient, moves: &[Move]) -> anyhow::Result<Slugs> {
    let mut slugs = Slugs::default();
    slugs.add(client, moves).await?;
    Ok(slugs)
}

/// Slugs by institution, each asked for once.
#[derive(Debug, Default)]
pub(crate) struct Slugs(BTreeMap<InstitutionId, String>);

impl Slugs {
    /// Asks for those that are not known yet.
    pub(super) async fn add(
        &mut self,
        client: &ControlClient,
        moves: &[Move],
    ) -> anyhow::Result<()> {
        self.add_ids(client, moves.iter().map(|it| it.institution)).await
    }

    /// The same, by ids.
    pub(crate) async fn add_ids(
        &mut self,
        client: &ControlClient,
        ids: impl Iterator<Item = InstitutionId>,
    ) -> anyhow::Result<()> {
        let mut ids: Vec<_> = ids.collect();
        ids.sort_unstable();
        ids.dedup();
        ids.retain(|id| !self.0.contains_key(id));
        for ids in ids.chunks(NAMES_AT_ONCE) {
            let query = InstitutionQuery {
                ids: ids.to_vec(),
                limit: Some(LOOKED_THROUGH),
                ..InstitutionQuery::default()
            };
            let page = client.institutions(&query).await.map_err(explain)?;
            self.0.extend(
                page.items.into_iter().map(|institution| (institution.id, institution.slug)),
            );
        }
        Ok(())
    }

    /// The slug of a move's institution; its id where it is not known.
    pub(super) fn of(&self, it: &Move) -> String {
        self.name(it.institution)
    }

    /// The slug of an institution; its id where it is not known.
    pub(crate) fn name(&self, id: InstitutionId) -> String {
        self.0.get(&id).cloned().unwrap_or_else(|| id.to_string())
    }

    #[cfg(test)]
    pub(crate) fn of_these(known: impl Iterator<Item = (InstitutionId, String)>) -> Self {
        Self(known.collect())
    }
}
