//! Events and audit, written in the transaction of what they tell, as its last statements.
//!
//! What must stay true: numbers become visible in order. The writer holds one lock to the end of its
//! transaction and takes no other lock after it.

use control_api::{AuditEntry, Event};
use serde_json::Value;
use sqlx::PgConnection;

use crate::error::Error;

/// Who does something: the name and role of a token, or the control plane itself.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Actor {
    /// The token's name.
    pub name: String,
    /// The token's role.
    pub role: &'static str,
}

impl Actor {
    /// The control plane's own reconcilers.
    pub fn reconciler() -> Self {
        Self { name: "reconciler".to_owned(), role: "control-plane" }
    }

    /// Whether a person, or a script of theirs, acts.
    pub fn is_person(&self) -> bool {
        self.role == "platform-ops"
    }

    /// As it is named to people.
    pub fn shown(&self) -> String {
        if self.role == "control-plane" { self.role.to_owned() } else { self.name.clone() }
    }
}

/// Something to be told.
#[derive(Debug, Clone)]
pub enum Note {
    /// Something happened.
    Event {
        /// What, such as `node.down`.
        kind: &'static str,
        /// To what: an id.
        subject: String,
        /// What else is known; no secrets, nothing personal.
        detail: Value,
    },
    /// Somebody asked for it.
    Audit {
        /// What was asked for, such as `node.cordon`.
        action: &'static str,
        /// On what: an id.
        target: String,
        /// How; no secrets, nothing personal.
        detail: Value,
    },
}

impl Note {
    /// Something happened.
    pub fn event(kind: &'static str, subject: &(impl ToString + ?Sized), detail: Value) -> Self {
        Self::Event { kind, subject: subject.to_string(), detail }
    }

    /// Somebody asked for it.
    pub fn audit(action: &'static str, target: &(impl ToString + ?Sized), detail: Value) -> Self {
        Self::Audit { action, target: target.to_string(), detail }
    }
}

/// Writes what is to be told; the caller commits next.
pub async fn write(
    connection: &mut PgConnection,
    actor: &Actor,
    notes: &[Note],
) -> Result<(), Error> {
    if notes.is_empty() {
        return Ok(());
    }
    sqlx::query!("SELECT pg_advisory_xact_lock(hashtextextended('lxp.journal', 0))")
        .execute(&mut *connection)
        .await?;
    for note in notes {
        match note {
            Note::Event { kind, subject, detail } => {
                sqlx::query!(
                    "INSERT INTO events (kind, subject, detail) VALUES ($1, $2, $3)",
                    kind,
                    subject,
                    detail,
                )
                .execute(&mut *connection)
                .await?;
            }
            Note::Audit { action, target, detail } => {
                sqlx::query!(
                    "INSERT INTO audit (actor, role, action, target, detail) VALUES ($1, $2, $3, $4, $5)",
                    actor.name,
                    actor.role,
                    action,
                    target,
                    detail,
                )
                .execute(&mut *connection)
                .await?;
            }
        }
    }
    Ok(())
}

/// Events after a number, the oldest first.
pub async fn events_after(
    connection: &mut PgConnection,
    after: i64,
    limit: i64,
) -> Result<Vec<Event>, Error> {
    Ok(sqlx::query_as!(
        Event,
        "SELECT id, at, kind, subject, detail FROM events WHERE id > $1 ORDER BY id LIMIT $2",
        after,
        limit,
    )
    .fetch_all(connection)
    .await?)
}

/// The last events, the newest first.
pub async fn last_events(connection: &mut PgConnection, limit: i64) -> Result<Vec<Event>, Error> {
    Ok(sqlx::query_as!(
        Event,
        "SELECT id, at, kind, subject, detail FROM events ORDER BY id DESC LIMIT $1",
        limit,
    )
    .fetch_all(connection)
    .await?)
}

/// Audit entries after a number, the oldest first.
pub async fn audit_after(
    connection: &mut PgConnection,
    after: i64,
    limit: i64,
) -> Result<Vec<AuditEntry>, Error> {
    Ok(sqlx::query_as!(
        AuditEntry,
        "SELECT id, at, actor, role, action, target, detail FROM audit
         WHERE id > $1 ORDER BY id LIMIT $2",
        after,
        limit,
    )
    .fetch_all(connection)
    .await?)
}

/// The last audit entries, the newest first.
pub async fn last_audit(
    connection: &mut PgConnection,
    limit: i64,
) -> Result<Vec<AuditEntry>, Error> {
    Ok(sqlx::query_as!(
        AuditEntry,
        "SELECT id, at, actor, role, action, target, detail FROM audit ORDER BY id DESC LIMIT $1",
        limit,
    )
    .fetch_all(connection)
    .await?)
}
