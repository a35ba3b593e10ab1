//! A notification goes out by mail: a job for each, under its lease and outside of any transaction.
//!
//! What must stay true:
//! - A mail that is known to be sent is not sent again: the delivery says so, and is read first. It is written in a
//!   transaction that holds the lease; a worker that dies between the server's word and that sends it once more, under
//!   the same Message-ID.
//! - Each end is written down: SENT, SKIPPED and why, FAILED and why. One that is tried again is QUEUED, with the last
//!   reason.
//! - What a job says of a failure holds no address; the delivery does, for the institution's own eyes.

use std::time::Duration;

use serde::Deserialize;
use uuid::Uuid;

use super::render;
use super::store::{self, Outgoing};
use crate::jobs::{Failure, Handler, Job, JobContext};
use crate::mail::{Letter, NotSent, SEND_TIMEOUT};

pub(super) const KIND: &str = "NOTIFICATION_MAIL";

/// Beside the sending: what is read and written.
const BESIDE: Duration = Duration::from_secs(6);

/// Mails that a node sends at once.
const AT_ONCE: usize = 4;

/// The handler of mails.
pub(super) fn handler() -> Handler {
    Handler::outside(KIND, |context, job| Box::pin(deliver(context, job)))
        .at_once(AT_ONCE)
        .timeout(SEND_TIMEOUT + BESIDE)
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Payload {
    notification_id: Uuid,
}

/// What is written of a try.
struct Written {
    state: &'static str,
    why: Option<String>,
}

async fn deliver(context: &JobContext, job: &Job) -> Result<(), Failure> {
    let Payload { notification_id } = job.decode()?;
    let mut tx = context.read().await?;
    let outgoing = store::outgoing(&mut tx, notification_id).await?;
    tx.commit().await?;
    // It was deleted, or went out already.
    let Some(outgoing) = outgoing.filter(|outgoing| outgoing.state == "QUEUED") else {
        return Ok(());
    };
    let (written, result) = send(context, job, notification_id, outgoing).await;
    let mut tx = context.begin().await?;
    store::settle(&mut tx, notification_id, written.state, written.why.as_deref()).await?;
    tx.commit().await?;
    result
}

async fn send(
    context: &JobContext,
    job: &Job,
    id: Uuid,
    outgoing: Outgoing,
) -> (Written, Result<(), Failure>) {
    let skipped = |why: &str| (Written { state: "SKIPPED", why: Some(why.to_owned()) }, Ok(()));
    let Some(mailer) = &context.node.mail else { return skipped("mail is off on this node") };
    let Some(to) = outgoing.email else { return skipped("the user has no address any more") };
    let words = render::words(&outgoing.kind, &outgoing.payload);
    let text = render::mail_text(&words, &outgoing.institution);
    let letter = Letter { id, to, subject: words.subject, text, at: outgoing.created_at };
    match mailer.send(&letter).await {
        Ok(()) => (Written { state: "SENT", why: None }, Ok(())),
        Err(NotSent::Refused(why)) => {
            let failure = Failure::fail("the mail was refused for good; its delivery says why");
            (Written { state: "FAILED", why: Some(why) }, Err(failure))
        }
        Err(NotSent::Later(why)) => {
            let is_last = job.attempt >= job.attempts_max;
            let state = if is_last { "FAILED" } else { "QUEUED" };
            let failure = Failure::retry("the mail was not taken; its delivery says why");
            (Written { state, why: Some(why) }, Err(failure))
        }
    }
}
