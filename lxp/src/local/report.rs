//! What is said of a platform that is up: the same after `up`, after `up -d` and of one that runs already.

use std::io::Write as _;
use std::path::Path;
use std::time::Duration;

use tokio::time::{Instant, sleep};

use super::layout::Layout;
use super::lock::Lock;
use super::state::{Phase, State};
use crate::failure::{Exit, Failure};
use crate::output::progress::{Progress, seconds};

/// How long a start is waited for; its own steps have shorter deadlines.
const SETTLED_WITHIN: Duration = Duration::from_mins(5);
const LOOK_EVERY: Duration = Duration::from_millis(100);

/// Waits until the supervisor that runs here is ready; fails as it fails.
pub(crate) async fn wait_until_settled(layout: &Layout) -> anyhow::Result<State> {
    let mut progress = Progress::new();
    let begun = Instant::now();
    loop {
        let supervisor = Lock::supervisor(layout);
        let state = State::read(layout);
        let current = supervisor == Some(state.supervisor);
        match state.phase {
            Phase::Ready if current => {
                progress.show(&state);
                progress.finish();
                return Ok(state);
            }
            Phase::Starting if current => progress.show(&state),
            // What it left stands in the state once it is gone.
            _ if supervisor.is_none() => {
                progress.finish();
                return Err(ended(layout, State::read(layout)).into());
            }
            _ => {}
        }
        if begun.elapsed() > SETTLED_WITHIN {
            let what = format!("not up after {} s; it goes on starting", SETTLED_WITHIN.as_secs());
            return Err(Failure::new(Exit::TimedOut, what).next("lxp local status -w").into());
        }
        sleep(LOOK_EVERY).await;
    }
}

fn ended(layout: &Layout, state: State) -> Failure {
    state.failure.unwrap_or_else(|| {
        Failure::unhealthy("the supervisor ended before the platform was up")
            .log(&layout.log("supervisor"))
            .next("lxp local up")
    })
}

/// The block that ends a start. Nobody may be left to read it: a supervisor goes on all the same.
pub(crate) fn print_ready(layout: &Layout, state: &State) {
    let took = state.ready_in_ms.map_or_else(String::new, |ms| format!(" in {}", seconds(ms)));
    let kept = if state.size.is_some_and(|size| size.ephemeral) {
        "ephemeral: may be lost when the machine crashes"
    } else {
        "kept"
    };
    let (api, control) = (state.url("router"), state.url("control-plane"));
    let (data, option) = (short(layout.root()), data_dir_option(layout));
    let _ = write!(
        std::io::stdout(),
        "Ready{took}   data: {data} ({kept})\n\
         \x20 API      {}   docs at /docs\n\
         \x20 Console  {}   sign in with $LXP_CONTROL_TOKEN of lxp local env{option}\n\
         \x20 Try      eval \"$(lxp local env{option})\" && curl -H \"Authorization: Bearer $LXP_TOKEN\" $LXP_URL/v1/programs\n",
        api.unwrap_or("-"),
        control.unwrap_or("-"),
    );
}

/// What a command needs to find this directory from here: nothing where it looks by itself.
fn data_dir_option(layout: &Layout) -> String {
    let found = Layout::find(None).is_ok_and(|found| found.root() == layout.root());
    if found { String::new() } else { format!(" --data-dir {}", short(layout.root())) }
}

/// The path as one would type it: relative when it is below the current directory.
fn short(path: &Path) -> String {
    let here = std::env::current_dir().unwrap_or_default();
    match path.strip_prefix(&here) {
        Ok(below) => format!("./{}", below.display()),
        Err(_) => path.display().to_string(),
    }
}
