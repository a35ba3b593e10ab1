//! Telling users: the one way from a handler to inbox and mail.

use serde_json::{Value, json};
use uuid::Uuid;

use super::{NotificationType, deliver, store};
use crate::error::Error;
use crate::jobs::NewJob;
use crate::operation::Work;

/// Notices of one statement at most.
const BATCH: usize = 500;

/// What a user is to be told.
#[derive(Debug, Clone)]
pub struct Notice {
    /// Who.
    pub user: Uuid,
    /// What about.
    pub kind: NotificationType,
    /// What makes it the same notice when it comes again, such as the enrolment's id; the type is part of it anyway.
    pub about: String,
    /// Ids and names that the user may read.
    pub payload: Value,
}

impl Notice {
    pub(super) fn dedup_key(&self) -> String {
        format!("{}:{}", self.kind.as_str(), self.about)
    }
}

/// Tells users what they want to be told, with the work that causes it: a row in the inbox, and a job for each mail.
/// What was told before is told no more; who is no user any more is told nothing.
pub async fn notify(work: &mut Work, notices: &[Notice]) -> Result<(), Error> {
    for batch in notices.chunks(BATCH) {
        for notification in store::insert(work.tx(), batch).await? {
            let payload = json!({"notificationId": notification});
            work.enqueue(NewJob::new(deliver::KIND, payload).unique(notification.to_string()));
        }
    }
    Ok(())
}
