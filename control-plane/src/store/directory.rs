//! The directory: which shard owns each institution, at which epoch, and whether its shard knows.

use std::collections::BTreeMap;

use control_api::{Institution, Placement};
use shard_map::{Epoch, InstitutionId, InstitutionStatus, MapVersion};
use sqlx::PgConnection;
use uuid::Uuid;

use super::{backoff_s, one_row, parse};
use crate::error::Error;
use crate::model::claims::Home;
use crate::model::ring_change::Placed;

/// A directory row.
#[derive(Debug, Clone)]
pub struct DirectoryRow {
    /// What is shown of it.
    pub institution: Institution,
    /// Whether its shard's database says the same.
    pub settled: bool,
    /// Failed tries to settle it since the last success.
    pub tries: i32,
    /// What kept its shard from being told.
    pub last_error: Option<String>,
}

struct Raw {
    id: Uuid,
    slug: String,
    name: String,
    timezone: String,
    status: String,
    settled: bool,
    shard_id: String,
    epoch: i64,
    pinned_to: Option<String>,
    tries: i32,
    last_error: Option<String>,
}

impl TryFrom<Raw> for DirectoryRow {
    type Error = Error;

    fn try_from(raw: Raw) -> Result<Self, Error> {
        let institution = Institution {
            id: InstitutionId::new(raw.id),
            slug: raw.slug,
            name: raw.name,
            timezone: raw.timezone,
            status: parse(&raw.status)?,
            shard: parse(&raw.shard_id)?,
            epoch: Epoch(raw.epoch),
            pinned: raw.pinned_to.as_deref().map(parse).transpose()?,
        };
        Ok(Self { institution, settled: raw.settled, tries: raw.tries, last_error: raw.last_error })
    }
}

/// One institution.
pub async fn find(
    connection: &mut PgConnection,
    id: InstitutionId,
) -> Result<Option<DirectoryRow>, Error> {
    sqlx::query_as!(
        Raw,
        "SELECT id, slug, name, timezone, status, settled, shard_id, epoch, pinned_to, tries, last_error
         FROM institutions WHERE id = $1",
        id.as_uuid(),
    )
    .fetch_optional(connection)
    .await?
    .map(DirectoryRow::try_from)
    .transpose()
}

/// How many institutions there are of this slug and of these ids, and one page of them by slug.
pub async fn page(
    connection: &mut PgConnection,
    slug: Option<&str>,
    ids: Option<&[InstitutionId]>,
    limit: i64,
    offset: i64,
) -> Result<(i64, Vec<Institution>), Error> {
    let ids: Option<Vec<Uuid>> = ids.map(|ids| ids.iter().map(InstitutionId::as_uuid).collect());
    let total = sqlx::query_scalar!(
        r#"SELECT count(*) AS "count!" FROM institutions
           WHERE ($1::text IS NULL OR slug = $1) AND ($2::uuid[] IS NULL OR id = ANY($2))"#,
        slug,
        ids.as_deref(),
    )
    .fetch_one(&mut *connection)
    .await?;
    let rows = sqlx::query_as!(
        Raw,
        "SELECT id, slug, name, timezone, status, settled, shard_id, epoch, pinned_to, tries, last_error
         FROM institutions
         WHERE ($1::text IS NULL OR slug = $1) AND ($2::uuid[] IS NULL OR id = ANY($2))
         ORDER BY slug LIMIT $3 OFFSET $4",
        slug,
        ids.as_deref(),
        limit,
        offset,
    )
    .fetch_all(connection)
    .await?;
    let items = rows.into_iter().map(|raw| Ok(DirectoryRow::try_from(raw)?.institution));
    Ok((total, items.collect::<Result<_, Error>>()?))
}

/// Places an institution as `creating`, and records where it lives from now on. The map's head is locked.
pub async fn insert(
    connection: &mut PgConnection,
    institution: &Institution,
    version: MapVersion,
    leave_to_creator_s: f64,
) -> Result<(), Error> {
    let done = sqlx::query!(
        "INSERT INTO institutions (id, slug, name, timezone, status, settled, shard_id, epoch,
             map_version, retry_at)
         VALUES ($1, $2, $3, $4, 'creating', false, $5, $6, $7,
             clock_timestamp() + make_interval(secs => $8))",
        institution.id.as_uuid(),
        institution.slug,
        institution.name,
        institution.timezone,
        institution.shard.as_str(),
        institution.epoch.0,
        version.0,
        leave_to_creator_s,
    )
    .execute(&mut *connection)
    .await?;
    one_row("institution", done.rows_affected())?;
    let done = sqlx::query!(
        "INSERT INTO placements (institution_id, epoch, shard_id, map_version, reason)
         VALUES ($1, $2, $3, $4, 'created')",
        institution.id.as_uuid(),
        institution.epoch.0,
        institution.shard.as_str(),
        version.0,
    )
    .execute(connection)
    .await?;
    one_row("placement", done.rows_affected())
}

/// Where an institution has lived, the oldest first.
pub async fn placements(
    connection: &mut PgConnection,
    id: InstitutionId,
) -> Result<Vec<Placement>, Error> {
    let rows = sqlx::query!(
        "SELECT at, shard_id, epoch, map_version, reason FROM placements
         WHERE institution_id = $1 ORDER BY epoch",
        id.as_uuid(),
    )
    .fetch_all(connection)
    .await?;
    rows.into_iter()
        .map(|row| {
            Ok(Placement {
                at: row.at,
                shard: parse(&row.shard_id)?,
                epoch: Epoch(row.epoch),
                map_version: MapVersion(row.map_version),
                reason: row.reason,
            })
        })
        .collect()
}

/// Takes the lock under which one party at a time tells a shard about an institution, to the transaction's end.
pub async fn lock_settling(connection: &mut PgConnection, id: InstitutionId) -> Result<(), Error> {
    let key = format!("lxp.settle.{id}");
    sqlx::query!("SELECT pg_advisory_xact_lock(hashtextextended($1, 0))", key)
        .execute(connection)
        .await?;
    Ok(())
}

/// Asks for another status. Answers whether that changed anything; its shard is to be told.
pub async fn want_status(
    connection: &mut PgConnection,
    id: InstitutionId,
    status: InstitutionStatus,
    leave_to_asker_s: f64,
) -> Result<bool, Error> {
    let done = sqlx::query!(
        "UPDATE institutions SET status = $2, settled = false, tries = 0, last_error = NULL,
             retry_at = clock_timestamp() + make_interval(secs => $3)
         WHERE id = $1 AND status <> 'creating' AND status <> $2",
        id.as_uuid(),
        status.as_str(),
        leave_to_asker_s,
    )
    .execute(connection)
    .await?;
    Ok(done.rows_affected() == 1)
}

/// The shard has been told `status`. Answers false if something else is wanted by now.
pub async fn settled(
    connection: &mut PgConnection,
    told: &Institution,
    now: InstitutionStatus,
) -> Result<bool, Error> {
    let done = sqlx::query!(
        "UPDATE institutions SET status = $4, settled = true, tries = 0, last_error = NULL
         WHERE id = $1 AND status = $2 AND epoch = $3",
        told.id.as_uuid(),
        told.status.as_str(),
        told.epoch.0,
        now.as_str(),
    )
    .execute(connection)
    .await?;
    Ok(done.rows_affected() == 1)
}

/// The shard could not be told: say why, and when the next try is.
pub async fn failed(
    connection: &mut PgConnection,
    id: InstitutionId,
    tries: i32,
    why: &str,
) -> Result<(), Error> {
    let done = sqlx::query!(
        "UPDATE institutions SET tries = $2, last_error = $3,
             retry_at = clock_timestamp() + make_interval(secs => $4)
         WHERE id = $1",
        id.as_uuid(),
        tries,
        why,
        backoff_s(tries),
    )
    .execute(connection)
    .await?;
    one_row("institution", done.rows_affected())
}

/// Institutions whose shards are to be told now, the longest waiting first.
pub async fn due(connection: &mut PgConnection, limit: i64) -> Result<Vec<InstitutionId>, Error> {
    Ok(sqlx::query_scalar!(
        "SELECT id FROM institutions WHERE NOT settled AND retry_at <= clock_timestamp()
         ORDER BY retry_at LIMIT $1",
        limit,
    )
    .fetch_all(connection)
    .await?
    .into_iter()
    .map(InstitutionId::new)
    .collect())
}

/// Where everybody lives, page by page, within a transaction: no statement is long, however many there are.
///
/// It begins a cursor, so once a transaction.
pub async fn each_home(
    connection: &mut PgConnection,
    mut see: impl FnMut(Vec<Placed>),
) -> Result<(), Error> {
    sqlx::query("DECLARE homes NO SCROLL CURSOR FOR SELECT id, shard_id FROM institutions")
        .execute(&mut *connection)
        .await?;
    loop {
        // A cursor is not there when statements are checked.
        let page: Vec<(Uuid, String)> =
            sqlx::query_as("FETCH FORWARD 5000 FROM homes").fetch_all(&mut *connection).await?;
        if page.is_empty() {
            return Ok(());
        }
        let placed = page
            .into_iter()
            .map(|(id, shard)| Ok(Placed { id: InstitutionId::new(id), shard: parse(&shard)? }));
        see(placed.collect::<Result<_, Error>>()?);
    }
}

/// The placement of every institution that changed after a version.
pub async fn placed_after(
    connection: &mut PgConnection,
    version: MapVersion,
) -> Result<Vec<Placed>, Error> {
    sqlx::query!("SELECT id, shard_id FROM institutions WHERE map_version > $1", version.0)
        .fetch_all(connection)
        .await?
        .into_iter()
        .map(|row| Ok(Placed { id: InstitutionId::new(row.id), shard: parse(&row.shard_id)? }))
        .collect()
}

/// Where these institutions live; one that is not there is in no row.
pub async fn homes(
    connection: &mut PgConnection,
    ids: &[InstitutionId],
) -> Result<BTreeMap<InstitutionId, Home>, Error> {
    let ids: Vec<Uuid> = ids.iter().map(InstitutionId::as_uuid).collect();
    sqlx::query!(
        "SELECT id, shard_id, epoch, map_version FROM institutions WHERE id = ANY($1)",
        &ids
    )
    .fetch_all(connection)
    .await?
    .into_iter()
    .map(|row| {
        let (shard, epoch) = (parse(&row.shard_id)?, Epoch(row.epoch));
        let home = Home { shard, epoch, map_version: MapVersion(row.map_version) };
        Ok((InstitutionId::new(row.id), home))
    })
    .collect()
}

/// The id and slug of whoever has this id or slug already.
pub async fn taken(
    connection: &mut PgConnection,
    id: InstitutionId,
    slug: &str,
) -> Result<Option<DirectoryRow>, Error> {
    sqlx::query_as!(
        Raw,
        "SELECT id, slug, name, timezone, status, settled, shard_id, epoch, pinned_to, tries, last_error
         FROM institutions WHERE slug = $2 OR id = $1 ORDER BY (slug = $2) DESC LIMIT 1",
        id.as_uuid(),
        slug,
    )
    .fetch_optional(connection)
    .await?
    .map(DirectoryRow::try_from)
    .transpose()
}
