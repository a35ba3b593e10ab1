//! Stays with a plan until it has ended: a block that is repainted in place on a terminal, a block for each change
//! elsewhere, a JSON object for each change.

use std::io::IsTerminal as _;
use std::time::Duration;

use chrono::TimeDelta;
use control_api::{ControlClient, Plan};
use indicatif::{ProgressBar, ProgressDrawTarget, ProgressStyle};
use tokio::time::{Instant, sleep};

use super::{status, view};
use crate::connection::explain;
use crate::failure::{Exit, Failure};
use crate::output::{Format, print};

const ASK_EVERY: Duration = Duration::from_millis(500);
/// A control plane that is started again is waited for.
const SILENCE_MAX: Duration = Duration::from_secs(15);

/// Watches it. An error where somebody did not arrive, or the time is over.
pub(crate) async fn until_ended(
    client: &ControlClient,
    mut plan: Plan,
    output: Format,
    timeout: Option<TimeDelta>,
) -> anyhow::Result<()> {
    let most = timeout.and_then(|timeout| timeout.to_std().ok());
    let screen = screen(output);
    let (begun, mut heard, mut before) = (Instant::now(), Instant::now(), None);
    loop {
        let text = status(client, &plan, output).await?;
        match &screen {
            Some(screen) => screen.set_message(text.trim_end().to_owned()),
            None if before != Some((plan.state, plan.progress)) => print(&text)?,
            None => {}
        }
        before = Some((plan.state, plan.progress));
        if view::is_over(&plan) {
            leave(screen.as_ref());
            return verdict(&plan);
        }
        if most.is_some_and(|most| begun.elapsed() >= most) {
            leave(screen.as_ref());
            let failure = Failure::new(Exit::TimedOut, "not ended in time; it goes on");
            let next = format!("lxp rebalance status {} -w", view::short(plan.id));
            return Err(failure.next(next).into());
        }
        sleep(ASK_EVERY).await;
        match client.plan(plan.id).await {
            Ok(now) => (plan, heard) = (now, Instant::now()),
            Err(error) if error.is_passing() && heard.elapsed() < SILENCE_MAX => {}
            Err(error) => return Err(explain(error)),
        }
    }
}

fn screen(output: Format) -> Option<ProgressBar> {
    let repaints = output == Format::Table && std::io::stdout().is_terminal();
    repaints.then(|| {
        let style = ProgressStyle::with_template("{msg}");
        ProgressBar::with_draw_target(None, ProgressDrawTarget::stdout())
            .with_style(style.unwrap_or_else(|_| ProgressStyle::default_bar()))
    })
}

fn leave(screen: Option<&ProgressBar>) {
    if let Some(screen) = screen {
        screen.abandon();
    }
}

/// Somebody who did not arrive is a refusal: what was planned is not so.
fn verdict(plan: &Plan) -> anyhow::Result<()> {
    let missing = plan.progress.aborted + plan.progress.skipped;
    if missing == 0 {
        return Ok(());
    }
    let what = format!("{missing} of {} did not move, and are where they were", plan.moves.len());
    let next = format!("lxp rebalance status {} says why", view::short(plan.id));
    Err(Failure::refused(what).next(next).into())
}
