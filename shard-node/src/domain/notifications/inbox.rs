//! Use cases of an inbox: always the caller's own.

use uuid::Uuid;

use super::model::{Inbox, MarkedRead, Notification, OWNER};
use super::store;
use crate::error::{Error, not_found};
use crate::operation::{Reader, Reply, Work};
use crate::resource::{self, ListQuery, Resource as _};

/// A page of the caller's inbox, the newest first unless the query says otherwise.
pub(super) async fn list(
    reader: &Reader,
    mut query: ListQuery<Notification>,
) -> Result<Inbox, Error> {
    let user = reader.caller.subject;
    if query.sort.is_empty() {
        let newest = |name| {
            let field = Notification::FIELDS.iter().find(|field| field.name == name);
            field.map(|field| (field, true))
        };
        query.sort = ["createdAt", "id"].into_iter().filter_map(newest).collect();
    }
    let mut tx = reader.begin().await?;
    let page = resource::list_where(&mut tx, query.with_filter(OWNER, user.to_string())).await?;
    let unread_count = store::count_unread(&mut tx, user).await?;
    tx.commit().await?;
    Ok(Inbox { page, unread_count })
}

/// Marks one as read; one that was read already stays as it is.
pub(super) async fn mark_read(work: &mut Work, id: Uuid) -> Result<Reply<Notification>, Error> {
    let (user, now) = (work.caller.subject, work.now);
    if !store::is_own(work.tx(), id, user).await? {
        return Err(not_found(Notification::NOUN));
    }
    store::mark_read(work.tx(), Some(id), user, now).await?;
    Ok(Reply::ok(resource::load_required(work.tx(), id).await?))
}

/// Marks all as read.
pub(super) async fn mark_all_read(work: &mut Work) -> Result<Reply<MarkedRead>, Error> {
    let (user, now) = (work.caller.subject, work.now);
    let marked = store::mark_read(work.tx(), None, user, now).await?;
    Ok(Reply::ok(MarkedRead { marked: i64::try_from(marked).unwrap_or(i64::MAX) }))
}
