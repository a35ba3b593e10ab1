//! Which plan a person means: by its id, by its short name, or the one that is of interest now.

use control_api::{ControlClient, Plan};
use shard_map::{PlanKind, PlanState};
use uuid::Uuid;

use super::view;
use crate::connection::explain;
use crate::failure::Failure;

/// Plans that are looked through.
const LOOKED_THROUGH: u32 = 50;

/// What is to be done with it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Wanted {
    /// One that waits to be applied.
    Proposed,
    /// One that was applied.
    Applied,
}

/// The plan.
pub(crate) async fn one(
    client: &ControlClient,
    named: Option<&str>,
    wanted: Wanted,
) -> anyhow::Result<Plan> {
    if let Some(id) = named.and_then(|named| named.parse::<Uuid>().ok()) {
        return client.plan(id).await.map_err(explain);
    }
    let plans = client.plans(LOOKED_THROUGH).await.map_err(explain)?.items;
    match named {
        Some(named) => by_name(plans, named),
        None => of_interest(plans, wanted),
    }
}

fn by_name(plans: Vec<Plan>, name: &str) -> anyhow::Result<Plan> {
    let mut found = plans.into_iter().filter(|plan| view::short(plan.id) == name);
    match (found.next(), found.next()) {
        (Some(plan), None) => Ok(plan),
        (Some(_), Some(_)) => {
            let what = format!("several plans are called {name}");
            Err(Failure::refused(what).next("name it by its whole id").into())
        }
        _ => {
            let what = format!("no plan is called `{name}`");
            Err(Failure::refused(what).next("lxp rebalance status, or lxp rebalance plan").into())
        }
    }
}

/// Of plans, the newest first. Moves of single institutions are not meant.
fn of_interest(plans: Vec<Plan>, wanted: Wanted) -> anyhow::Result<Plan> {
    let mut plans: Vec<_> = plans.into_iter().filter(|plan| plan.kind != PlanKind::Move).collect();
    let runs = |plan: &Plan| matches!(plan.state, PlanState::Running | PlanState::Paused);
    let at = match wanted {
        Wanted::Proposed => plans.iter().position(|plan| plan.state == PlanState::Proposed),
        Wanted::Applied => plans
            .iter()
            .position(runs)
            .or_else(|| plans.iter().position(|plan| plan.state != PlanState::Proposed))
            .or((!plans.is_empty()).then_some(0)),
    };
    if let Some(at) = at {
        return Ok(plans.swap_remove(at));
    }
    let what = match wanted {
        Wanted::Proposed => "no plan waits to be applied",
        Wanted::Applied => "there is no plan",
    };
    Err(Failure::refused(what).next("lxp rebalance plan makes one").into())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::rebalance::view::tests::plan;

    fn with(states: &[PlanState]) -> Vec<Plan> {
        let each = states.iter().enumerate();
        each.map(|(at, state)| Plan { id: Uuid::from_u128(at as u128), state: *state, ..plan() })
            .collect()
    }

    fn found(states: &[PlanState], wanted: Wanted) -> Option<u128> {
        of_interest(with(states), wanted).ok().map(|plan| plan.id.as_u128())
    }

    #[test]
    fn the_plan_that_runs_is_meant_else_the_newest_that_was_applied() {
        use PlanState::{Cancelled, Done, Paused, Proposed, Running};
        assert_eq!(found(&[Proposed, Done, Running], Wanted::Applied), Some(2));
        assert_eq!(found(&[Proposed, Paused, Running], Wanted::Applied), Some(1));
        assert_eq!(found(&[Proposed, Cancelled, Done], Wanted::Applied), Some(1));
        assert_eq!(found(&[Proposed, Proposed], Wanted::Applied), Some(0));
        assert_eq!(found(&[Running, Proposed, Proposed], Wanted::Proposed), Some(1));
        assert_eq!(found(&[Running, Done], Wanted::Proposed), None);
        assert_eq!(found(&[], Wanted::Applied), None);
    }

    #[test]
    fn a_move_of_one_institution_is_no_rebalancing() {
        let plan = Plan { kind: PlanKind::Move, state: PlanState::Running, ..plan() };
        assert!(of_interest(vec![plan], Wanted::Applied).is_err());
    }

    #[test]
    fn a_short_name_that_two_have_names_none() {
        let plans = with(&[PlanState::Done, PlanState::Done]);
        assert!(by_name(plans.clone(), "pl-00000001").is_ok());
        let twice = vec![plans[0].clone(), plans[0].clone()];
        assert!(by_name(twice, "pl-00000000").is_err());
        assert!(by_name(plans, "pl-99999999").is_err());
    }
}
