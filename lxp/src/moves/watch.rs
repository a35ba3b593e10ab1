//! Stays with moves until they have ended: one block each that is repainted in place on a terminal, a line for
//! each landmark elsewhere, a JSON object for each change.

use std::collections::BTreeMap;
use std::io::IsTerminal as _;
use std::time::Duration;

use chrono::TimeDelta;
use control_api::{ClientError, ControlClient, Move, MoveQuery};
use indicatif::{ProgressBar, ProgressDrawTarget, ProgressStyle};
use shard_map::MovePhase;
use tokio::time::{Instant, sleep};
use uuid::Uuid;

use super::find::Slugs;
use super::view;
use crate::connection::explain;
use crate::failure::{Exit, Failure};
use crate::output::{Format, print};

const ASK_EVERY: Duration = Duration::from_millis(500);
/// A control plane that is started again is waited for.
const SILENCE_MAX: Duration = Duration::from_secs(15);
/// Blocks that are painted; a screen has no more room.
const BLOCKS_MAX: usize = 8;
const MOVES_MAX: i64 = 200;

/// Watches one move, or all that are under way. An error where one was given up, or the time is over.
pub(super) async fn until_ended(
    client: &ControlClient,
    only: Option<Uuid>,
    output: Format,
    timeout: Option<TimeDelta>,
) -> anyhow::Result<()> {
    let mut painter = Painter::new(output);
    let (mut moves, mut slugs) = (BTreeMap::new(), Slugs::default());
    let begun = Instant::now();
    let mut heard = Instant::now();
    loop {
        match look(client, only, &mut moves).await {
            Ok(()) => heard = Instant::now(),
            Err(error) if error.is_passing() && heard.elapsed() < SILENCE_MAX => {
                sleep(ASK_EVERY).await;
                continue;
            }
            Err(error) => return Err(explain(error)),
        }
        let all: Vec<Move> = moves.values().cloned().collect();
        slugs.add(client, &all).await?;
        painter.show(&all, &slugs)?;
        if !all.iter().any(Move::is_active) {
            painter.finish();
            return verdict(&all, &slugs);
        }
        if timeout
            .and_then(|timeout| timeout.to_std().ok())
            .is_some_and(|most| begun.elapsed() >= most)
        {
            painter.finish();
            let failure = Failure::new(Exit::TimedOut, "not ended in time; it goes on");
            return Err(failure.next("lxp move status -w").into());
        }
        sleep(ASK_EVERY).await;
    }
}

/// What became of those that were seen, and what else has begun.
async fn look(
    client: &ControlClient,
    only: Option<Uuid>,
    moves: &mut BTreeMap<Uuid, Move>,
) -> Result<(), ClientError> {
    if let Some(id) = only {
        moves.insert(id, client.one_move(id).await?);
        return Ok(());
    }
    let query = MoveQuery { active: true, limit: Some(MOVES_MAX), ..MoveQuery::default() };
    let active = client.moves(&query).await?.items;
    let open = moves.values().filter(|it| it.is_active()).map(|it| it.id);
    let gone: Vec<Uuid> = open.filter(|id| !active.iter().any(|it| it.id == *id)).collect();
    for id in gone {
        moves.insert(id, client.one_move(id).await?);
    }
    moves.extend(active.into_iter().map(|it| (it.id, it)));
    Ok(())
}

/// A move that was given up is a refusal: nothing was changed.
fn verdict(moves: &[Move], slugs: &Slugs) -> anyhow::Result<()> {
    let Some(it) = moves.iter().find(|it| it.phase == MovePhase::Aborted) else { return Ok(()) };
    let why = it.cancel_reason.as_deref().or(it.retries.last().map(|retry| &*retry.why));
    let (slug, from, to) = (slugs.of(it), &it.from, &it.to);
    let what = format!(
        "{} was given up: {}; {slug} is on {from} as before",
        it.short(),
        why.unwrap_or("-")
    );
    Err(Failure::refused(what).next(format!("lxp move start {slug} --to {to}")).into())
}

/// What was shown so far.
struct Painter {
    output: Format,
    screen: Option<ProgressBar>,
    shown: BTreeMap<Uuid, Move>,
}

impl Painter {
    fn new(output: Format) -> Self {
        let repaints = output == Format::Table && std::io::stdout().is_terminal();
        let screen = repaints.then(|| {
            let style = ProgressStyle::with_template("{msg}");
            ProgressBar::with_draw_target(None, ProgressDrawTarget::stdout())
                .with_style(style.unwrap_or_else(|_| ProgressStyle::default_bar()))
        });
        Self { output, screen, shown: BTreeMap::new() }
    }

    fn show(&mut self, moves: &[Move], slugs: &Slugs) -> anyhow::Result<()> {
        let now = service_kit::clock::now();
        if let Some(screen) = &self.screen {
            screen.set_message(screenful(moves, |it| view::block(it, &slugs.of(it), now)));
            return Ok(());
        }
        for it in moves {
            let before = self.shown.get(&it.id);
            let is_news = match self.output {
                Format::Json => before != Some(it),
                Format::Table => before.map(view::landmark) != Some(view::landmark(it)),
            };
            if !is_news {
                continue;
            }
            match self.output {
                Format::Json => print(&format!("{}\n", serde_json::to_string(it)?))?,
                Format::Table => print(&view::line(it, &slugs.of(it), now))?,
            }
            self.shown.insert(it.id, it.clone());
        }
        Ok(())
    }

    /// Leaves what is painted.
    fn finish(&self) {
        if let Some(screen) = &self.screen {
            screen.abandon();
        }
    }
}

/// Those under way first; how many more there are, if there is no room.
fn screenful(moves: &[Move], block: impl Fn(&Move) -> String) -> String {
    let (mut first, ended): (Vec<_>, Vec<_>) = moves.iter().partition(|it| it.is_active());
    // The last that ended are of more interest than the first.
    first.extend(ended.into_iter().rev());
    let mut text: Vec<String> = first.iter().take(BLOCKS_MAX).map(|it| block(it)).collect();
    if first.len() > BLOCKS_MAX {
        text.push(format!("and {} more: lxp move list", first.len() - BLOCKS_MAX));
    }
    text.join("\n").trim_end().to_owned()
}
