//! The one door to a tenant's rows.
//!
//! What must stay true:
//! - Every statement on a tenant's table runs inside a [`TenantTx`], requests and jobs alike.
//! - `BEGIN` and `tenant_enter` go out in one message: a round trip less, and no moment between them.
//! - A `TenantTx` is never dropped in the middle of an await by a client's disconnect: operations run in tasks
//!   of their own (`operation::execute`).

use shard_map::InstitutionId;
use sqlx::{AssertSqlSafe, PgConnection, PgPool, Postgres, Transaction};

use crate::error::Error;

/// A transaction of one institution, entered through the guard.
pub struct TenantTx {
    transaction: Transaction<'static, Postgres>,
    institution: InstitutionId,
}

impl TenantTx {
    /// Opens it, if the institution is served here.
    ///
    /// # Errors
    /// [`Error::NotOwner`] when the guard refuses; [`Error::Database`] when the primary cannot be asked.
    pub async fn begin(pool: &PgPool, institution: InstitutionId) -> Result<Self, Error> {
        // An InstitutionId is a validated uuid: nothing of a client's text gets here.
        let open = format!("BEGIN; SELECT tenant_enter('{institution}')");
        let transaction = pool.begin_with(AssertSqlSafe(open)).await?;
        Ok(Self { transaction, institution })
    }

    /// Whose transaction it is.
    pub fn institution(&self) -> InstitutionId {
        self.institution
    }

    /// The connection, for the statements of a `store`.
    pub fn connection(&mut self) -> &mut PgConnection {
        &mut self.transaction
    }

    /// Makes its writes durable.
    pub async fn commit(self) -> Result<(), Error> {
        Ok(self.transaction.commit().await?)
    }

    /// Leaves nothing.
    pub async fn rollback(self) -> Result<(), Error> {
        Ok(self.transaction.rollback().await?)
    }
}
