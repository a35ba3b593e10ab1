//! Whether an admitted caller asks too much. It is charged once, also where it waits for a move's end again.

use std::sync::Arc;

use service_kit::Problem;

use super::Incoming;
use super::admit::admit;
use crate::error::overloaded;
use crate::limits::Standing;
use crate::node::Node;
use crate::operation::Caller;

/// The verified caller of so many calls, some of them bulk ones; `standings` is where its budgets stand, also where
/// it is refused.
pub(crate) async fn measured(
    node: &Node,
    incoming: &Incoming,
    calls: usize,
    bulk: usize,
    standings: &mut Vec<Standing>,
) -> Result<Caller, Problem> {
    let count = u32::try_from(calls).unwrap_or(u32::MAX);
    let mut caller = admit(node, incoming, count).await?;
    if caller.place.is_none() {
        let place = node.limits.in_flight.enter_institution(caller.institution, count);
        caller.place = Some(Arc::new(place.ok_or_else(overloaded)?));
    }
    match node.limits.charge(&caller, calls, bulk).await {
        Ok(charged) => *standings = charged,
        Err(refusal) => {
            *standings = refusal.standings;
            return Err(refusal.problem);
        }
    }
    Ok(caller)
}
