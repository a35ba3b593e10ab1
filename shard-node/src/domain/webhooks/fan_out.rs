//! Which events go where: written with their numbers.

use uuid::Uuid;

use super::{DELIVERY_JOB, deliver, store};
use crate::error::Error;
use crate::events::order::Placed as _;
use crate::events::store::Written;
use crate::jobs::{NewJob, Registry, store as jobs};
use crate::store::TenantTx;

/// Writes a delivery and its job for each event and each enabled endpoint that wants it; answers how many. Deliveries
/// that ended long ago go meanwhile.
pub(crate) async fn fan_out(
    tx: &mut TenantTx,
    registry: &Registry,
    events: &[Written],
) -> Result<usize, Error> {
    let subscribers = store::subscribers(tx).await?;
    if subscribers.is_empty() {
        return Ok(0);
    }
    let (mut ids, mut endpoints, mut of_events) = (Vec::new(), Vec::new(), Vec::new());
    for event in events {
        for subscriber in &subscribers {
            if subscriber.wants(&event.kind, event.aggregate_id()) {
                ids.push(Uuid::now_v7());
                endpoints.push(subscriber.id);
                of_events.push(event.id);
            }
        }
    }
    if ids.is_empty() {
        return Ok(0);
    }
    store::insert_deliveries(tx, &ids, &endpoints, &of_events).await?;
    jobs::enqueue(tx, registry, ids.iter().map(|id| job(*id)).collect()).await?;
    store::delete_old(tx).await?;
    Ok(ids.len())
}

/// The job of a delivery.
pub(super) fn job(delivery: Uuid) -> NewJob {
    NewJob::new(DELIVERY_JOB, deliver::payload(delivery)).unique(delivery.to_string())
}
