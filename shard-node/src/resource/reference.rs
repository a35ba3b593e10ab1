//! Ids that a list's filters name: 404 where there is no such thing, as everywhere else.

use sqlx::AssertSqlSafe;
use uuid::Uuid;

use super::{ListQuery, Resource};
use crate::error::{Error, unknown_reference};
use crate::store::TenantTx;

/// 404 with its place where a filter's id is nobody's. Asked only where nothing was found: a row that was found
/// refers to what is there.
pub(super) async fn expect_referenced<R: Resource>(
    tx: &mut TenantTx,
    query: &ListQuery<R>,
) -> Result<(), Error> {
    for (field, value) in &query.filters {
        let Some((table, noun)) = field.refers_to else { continue };
        // The filter was checked when it was decoded; what is no id is nobody's.
        let id: Uuid = value.parse().unwrap_or_default();
        let sql =
            format!("SELECT exists(SELECT FROM {table} WHERE institution_id = $1 AND id = $2)");
        let is_there: bool = sqlx::query_scalar(AssertSqlSafe(sql))
            .bind(tx.institution().as_uuid())
            .bind(id)
            .fetch_one(tx.connection())
            .await?;
        if !is_there {
            return Err(unknown_reference(format!("/{}", field.name), noun).into());
        }
    }
    Ok(())
}
