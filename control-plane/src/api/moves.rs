//! Plans and moves: read, call the service, encode.

use axum::response::Response;
use control_api::NewPlan;
use service_kit::Problem;

use super::handlers::{created, encode, items};
use super::request::Request;
use super::routes::Operation;
use crate::service::Platform;
use crate::service::plans::PlanWord;

pub(super) async fn plan(
    platform: &Platform,
    operation: Operation,
    request: &Request,
) -> Result<Response, Problem> {
    let word = match operation {
        Operation::ProposePlan => {
            let new: NewPlan = request.json()?;
            let done = platform.propose(&request.actor(), &new).await;
            let done = done.map(|plan| (plan, true));
            return created(done, |plan| format!("/v1/plans/{}", plan.id));
        }
        Operation::ListPlans => {
            let limit = request.query()?.limit()?;
            return items(platform.plans(limit).await);
        }
        Operation::ShowPlan => return encode(platform.plan(request.id("plan")?).await),
        Operation::ApplyPlan => {
            request.no_body()?;
            return encode(platform.apply_plan(&request.actor(), request.id("plan")?).await);
        }
        Operation::PausePlan => PlanWord::Pause,
        Operation::ResumePlan => PlanWord::Resume,
        _ => PlanWord::Cancel,
    };
    request.no_body()?;
    encode(platform.say_of_plan(&request.actor(), request.id("plan")?, word).await)
}

pub(super) async fn moves(
    platform: &Platform,
    operation: Operation,
    request: &Request,
) -> Result<Response, Problem> {
    match operation {
        Operation::ListMoves => {
            let query = request.query()?;
            let (institution, active) = (query.id("institution")?, query.flag("active")?);
            items(platform.moves(institution, active, query.limit()?).await)
        }
        Operation::ShowMove => encode(platform.one_move(request.id("move")?).await),
        _ => {
            request.no_body()?;
            encode(platform.cancel_move(&request.actor(), request.id("move")?).await)
        }
    }
}
