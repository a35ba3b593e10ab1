//! Institutions: created, shown, suspended.
//!
//! What must stay true: the directory says first what is wanted, the shard is told after it; whatever happens
//! in between, the reconciler finishes it (`settle`).

use control_api::{
    Institution, InstitutionDetail, NewInstitution, Ownership, Page, UnreachableShard,
};
use futures::future::join_all;
use serde_json::json;
use shard_map::{
    Entries, Epoch, InstitutionId, InstitutionStatus, MapShard, Removal, ShardId, ShardState,
};
use sqlx::PgConnection;
use uuid::Uuid;

use super::Platform;
use crate::error::Error;
use crate::model::room::roomiest;
use crate::model::validate;
use crate::store::directory::{self, DirectoryRow};
use crate::store::journal::{self, Actor, Note};
use crate::store::map_head::{Change, MapTx};
use crate::store::shards::{self, ShardRow};

/// How long the reconciler leaves an institution to the request that wants something of it.
const LEAVE_TO_REQUEST_S: f64 = 5.0;

impl Platform {
    /// Creates an institution and makes it known to its shard. Answers whether it is new.
    ///
    /// Where the shard does not answer, the status stays `creating` and the reconciler goes on.
    pub async fn create_institution(
        &self,
        actor: &Actor,
        new: &NewInstitution,
    ) -> Result<(Institution, bool), Error> {
        let wrong = validate::institution(new);
        if !wrong.is_empty() {
            return Err(Error::Invalid(wrong));
        }
        let (row, is_new) = self.place(actor, new).await?;
        if row.institution.status != InstitutionStatus::Creating {
            return Ok((row.institution, is_new));
        }
        let settled = self.settle(row.institution.id).await;
        Ok((settled_or(row, settled), is_new))
    }

    /// Writes the directory row, or finds the one that is there already.
    async fn place(
        &self,
        actor: &Actor,
        new: &NewInstitution,
    ) -> Result<(DirectoryRow, bool), Error> {
        let id = new.id.unwrap_or_else(|| InstitutionId::new(Uuid::now_v7()));
        let mut tx = MapTx::open(&self.pool).await?;
        if let Some(known) = directory::taken(tx.connection(), id, &new.slug).await? {
            return known_or_conflict(known, new).map(|known| (known, false));
        }
        let all = shards::for_map(tx.connection()).await?;
        let ring = self.ring_of(&all);
        let shard = match &new.shard {
            Some(given) => given_shard(&all, given)?,
            None => ring.owner(id).cloned().ok_or_else(no_active_shard)?,
        };
        let shard = with_room(tx.connection(), shard, new.shard.is_some()).await?;
        let institution = Institution {
            id,
            slug: new.slug.clone(),
            name: new.name.clone(),
            timezone: new.timezone.clone(),
            status: InstitutionStatus::Creating,
            shard: shard.clone(),
            epoch: Epoch(1),
            pinned: None,
        };
        let exception = ring.exception(id, &shard).cloned();
        let (version, off_ring) = (tx.version(), exception.is_some());
        directory::insert(tx.connection(), &institution, version, LEAVE_TO_REQUEST_S).await?;
        let detail = json!({"slug": new.slug, "shard": shard, "offRing": off_ring});
        let notes = [
            Note::audit("institution.create", &id, detail.clone()),
            Note::event("institution.placed", &id, detail),
        ];
        let mut set = Entries::default();
        set.exceptions.extend(exception.map(|shard| (id, shard)));
        let change = Change {
            kind: "institution.placed",
            subject: id.to_string(),
            placement: true,
            set,
            remove: Removal::default(),
        };
        tx.publish(change, actor, &notes).await?;
        self.feed.poke();
        Ok((DirectoryRow { institution, settled: false, tries: 0, last_error: None }, true))
    }

    /// Stops or resumes serving an institution. Asking for what is already so is harmless.
    pub async fn set_institution_status(
        &self,
        actor: &Actor,
        id: InstitutionId,
        status: InstitutionStatus,
    ) -> Result<Institution, Error> {
        let (action, kind) = match status {
            InstitutionStatus::Suspended => ("institution.suspend", "institution.suspended"),
            InstitutionStatus::Active | InstitutionStatus::Creating => {
                ("institution.resume", "institution.resumed")
            }
        };
        let mut tx = self.pool.begin().await?;
        let changed = directory::want_status(&mut tx, id, status, LEAVE_TO_REQUEST_S).await?;
        let row = directory::find(&mut tx, id).await?;
        let row = row.ok_or_else(|| Error::not_found("institution", &id))?;
        if row.institution.status == InstitutionStatus::Creating {
            return Err(Error::conflict(
                "institution-creating",
                "it is still being created; try again when its status is `active`",
            ));
        }
        if changed {
            let notes = [Note::audit(action, &id, json!({})), Note::event(kind, &id, json!({}))];
            journal::write(&mut tx, actor, &notes).await?;
            tx.commit().await?;
        } else {
            tx.rollback().await?;
        }
        if row.settled {
            return Ok(row.institution);
        }
        let settled = self.settle(id).await;
        Ok(settled_or(row, settled))
    }

    /// One page of the institutions, by slug.
    pub async fn institutions(
        &self,
        slug: Option<&str>,
        ids: Option<&[InstitutionId]>,
        page: i64,
        limit: i64,
    ) -> Result<Page<Institution>, Error> {
        let mut connection = self.pool.acquire().await?;
        let offset = (page - 1) * limit;
        let (total, items) = directory::page(&mut connection, slug, ids, limit, offset).await?;
        let total_pages = (total + limit - 1) / limit;
        Ok(Page { items, total, page, limit, total_pages })
    }

    /// One institution, with what each shard's database says of it.
    pub async fn institution(&self, id: InstitutionId) -> Result<InstitutionDetail, Error> {
        let mut connection = self.pool.acquire().await?;
        let row = directory::find(&mut connection, id).await?;
        let row = row.ok_or_else(|| Error::not_found("institution", &id))?;
        let history = directory::placements(&mut connection, id).await?;
        let shards = shards::all(&mut connection).await?;
        drop(connection);
        let (ownership, unreachable) = self.ask_shards(id, &shards).await;
        Ok(InstitutionDetail {
            institution: row.institution,
            ownership,
            pending: !row.settled,
            last_error: row.last_error,
            unreachable,
            history,
        })
    }

    /// Asks all shards at once; each has 2 s.
    async fn ask_shards(
        &self,
        id: InstitutionId,
        shards: &[ShardRow],
    ) -> (Vec<Ownership>, Vec<UnreachableShard>) {
        // A database that was never migrated has no such table.
        let migrated = shards.iter().filter(|shard| shard.schema_version.is_some());
        let asked = migrated.map(|shard| async move {
            (&shard.id, self.shards.ownership(&shard.id, &shard.primary, id).await)
        });
        let (mut ownership, mut unreachable) = (vec![], vec![]);
        for (shard, answer) in join_all(asked).await {
            match answer {
                Ok(row) => ownership.extend(row),
                Err(error) => {
                    let (shard, detail) = (shard.clone(), error.to_string());
                    unreachable.push(UnreachableShard { shard, detail });
                }
            }
        }
        (ownership, unreachable)
    }
}

/// What the directory says after a try to settle it. A failed try is the reconciler's, not the caller's.
fn settled_or(row: DirectoryRow, settled: Result<Option<DirectoryRow>, Error>) -> Institution {
    match settled {
        Ok(settled) => settled.unwrap_or(row).institution,
        Err(error) => {
            tracing::warn!(
                institution.id = %row.institution.id,
                error = %error,
                "An institution could not be settled now; the reconciler goes on"
            );
            row.institution
        }
    }
}

/// The same institution again is harmless; another with its slug or id is refused.
fn known_or_conflict(known: DirectoryRow, new: &NewInstitution) -> Result<DirectoryRow, Error> {
    let there = &known.institution;
    if there.slug != new.slug {
        return Err(Error::conflict(
            "id-taken",
            format!("institution `{}` has this id; leave the id out to have one made", there.slug),
        ));
    }
    let same = there.name == new.name
        && there.timezone == new.timezone
        && new.id.is_none_or(|id| id == there.id)
        && new.shard.as_ref().is_none_or(|shard| *shard == there.shard);
    if same {
        return Ok(known);
    }
    Err(Error::conflict(
        "slug-taken",
        format!("institution {} has the slug `{}` with other content", there.id, there.slug),
    ))
}

fn given_shard(all: &[MapShard], given: &ShardId) -> Result<ShardId, Error> {
    match all.iter().find(|shard| shard.id == *given) {
        Some(shard) if shard.state == ShardState::Active => Ok(given.clone()),
        Some(shard) => Err(Error::conflict(
            "shard-not-active",
            format!("shard `{given}` is {}; only an active one takes institutions", shard.state),
        )),
        None => {
            let known: Vec<_> = all.iter().map(|shard| shard.id.as_str()).collect();
            Err(Error::conflict(
                "shard-unknown",
                format!("there is no shard `{given}`; there are: {}", known.join(", ")),
            ))
        }
    }
}

/// The shard, if it has room; else the roomiest, unless a person named this one. Nobody is sent to a full one.
async fn with_room(
    connection: &mut PgConnection,
    shard: ShardId,
    is_given: bool,
) -> Result<ShardId, Error> {
    let own = shards::rooms(connection, Some(&shard)).await?;
    let Some(full) = own.first().filter(|room| !room.is_open()) else { return Ok(shard) };
    let taken = full.taken;
    let raise = format!("raise its capacity (lxp shard capacity {shard} N)");
    if is_given {
        let detail = format!(
            "shard `{shard}` is full: {taken} live there or are on their way. Leave the shard out, name another one, or {raise}"
        );
        return Err(Error::conflict("shard-full", detail));
    }
    let rooms = shards::rooms(connection, None).await?;
    roomiest(&rooms).map(|room| room.shard.clone()).ok_or_else(|| {
        let detail = format!(
            "no shard has room. The ring proposes `{shard}`: {raise}, or add a shard (lxp shard add)"
        );
        Error::conflict("shards-full", detail)
    })
}

fn no_active_shard() -> Error {
    Error::Unavailable {
        code: "no-active-shard",
        detail: "no shard is active yet: add one (lxp shard add) and start a node for it; \
                 `lxp shard list` shows what a joining one waits for"
            .to_owned(),
    }
}
