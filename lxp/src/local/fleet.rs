//! All children of the supervisor: started one by one, stopped in order.

use std::convert::Infallible;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use tokio::sync::watch;
use tokio::task::JoinHandle;
use tokio::time::{sleep, timeout};

use super::child::{Life, Order, Spec, keep, say};
use super::hold;
use super::layout::Layout;
use super::state::{Board, Kind};
use crate::failure::Failure;

/// A process that does not serve by then has failed to start. Recovery after a crash is in it.
const READY_WITHIN: Duration = Duration::from_mins(1);

/// How long each order is given before the next, harder one.
const STOP_WITHIN: Duration = Duration::from_secs(20);
const QUIT_WITHIN: Duration = Duration::from_secs(5);

/// How often `lxp local stop` and `start` are looked for.
const LOOK_EVERY: Duration = Duration::from_millis(100);

/// What is stopped before what: first who asks, then who answers.
const STOP_ORDER: [Kind; 6] = [
    Kind::Router,
    Kind::Node,
    Kind::ControlPlane,
    Kind::Redis,
    Kind::PostgresReplica,
    Kind::PostgresPrimary,
];

/// The children, and the board on which their state stands.
#[derive(Debug, Clone)]
pub(crate) struct Fleet {
    board: Board,
    members: Arc<Mutex<Vec<Member>>>,
}

#[derive(Debug)]
struct Member {
    name: String,
    kind: Kind,
    shard: Option<String>,
    orders: watch::Sender<Order>,
    task: JoinHandle<()>,
}

impl Fleet {
    pub(crate) fn new(board: Board) -> Self {
        Self { board, members: Arc::default() }
    }

    /// Starts a process and waits until it serves.
    pub(crate) async fn start(&self, spec: Spec) -> anyhow::Result<()> {
        let (orders, receiver) = watch::channel(Order::Run);
        let (life, mut lives) = watch::channel(Life::Starting);
        let (name, log) = (spec.process.name.clone(), spec.log.clone());
        let (kind, shard) = (spec.process.kind, spec.process.shard.clone());
        self.board.change(|state| {
            state.processes.retain(|process| process.name != name);
            state.processes.push(spec.process.clone());
        });
        let task = tokio::spawn(keep(spec, self.board.clone(), receiver, life));
        self.members().push(Member { name: name.clone(), kind, shard, orders, task });
        let settled = timeout(READY_WITHIN, lives.wait_for(|life| *life != Life::Starting)).await;
        let what = match settled {
            Ok(Ok(life)) => match &*life {
                Life::Failed(how) => format!("{name} {how} before it served"),
                Life::Starting | Life::Up => return Ok(()),
            },
            Ok(Err(_)) => format!("{name} was stopped before it served"),
            Err(_) => format!("{name} runs, but does not serve after {} s", READY_WITHIN.as_secs()),
        };
        Err(Failure::unhealthy(what)
            .log(&log)
            .next("mend what the log says, then `lxp local up`")
            .into())
    }

    /// Carries out what `lxp local stop` and `start` ask for, for as long as it is polled.
    pub(crate) async fn obey(&self, layout: &Layout) -> Infallible {
        loop {
            let held = hold::read(layout);
            for member in self.members().iter() {
                let wanted = held.get(&member.name).copied().unwrap_or(Order::Run);
                member.orders.send_if_modified(|order| {
                    *order != wanted && {
                        *order = wanted;
                        true
                    }
                });
            }
            sleep(LOOK_EVERY).await;
        }
    }

    /// Stops everything in order. `hurry` becomes true when everything shall end at once.
    pub(crate) async fn stop(&self, hurry: watch::Receiver<bool>) {
        self.stop_those(hurry, |_| true).await;
    }

    /// Stops the parts of one shard and forgets them.
    pub(crate) async fn stop_shard(&self, shard: &str) {
        let (_unhurried, hurry) = watch::channel(false);
        self.stop_those(hurry, |member| member.shard.as_deref() == Some(shard)).await;
        self.board.change(|state| {
            state.processes.retain(|process| process.shard.as_deref() != Some(shard));
        });
    }

    async fn stop_those(&self, hurry: watch::Receiver<bool>, which: impl Fn(&Member) -> bool) {
        for kind in STOP_ORDER {
            let now: Vec<Member> = self
                .members()
                .extract_if(.., |member| member.kind == kind && which(member))
                .collect();
            let stopping = now.into_iter().map(|member| member.stop(hurry.clone()));
            futures::future::join_all(stopping).await;
        }
    }

    fn members(&self) -> std::sync::MutexGuard<'_, Vec<Member>> {
        self.members.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Member {
    async fn stop(mut self, mut hurry: watch::Receiver<bool>) {
        self.orders.send_replace(Order::Stop);
        let hurried = async {
            if hurry.wait_for(|hurry| *hurry).await.is_err() {
                std::future::pending::<()>().await;
            }
        };
        let ended = tokio::select! {
            ended = timeout(STOP_WITHIN, &mut self.task) => ended.is_ok(),
            () = hurried => false,
        };
        if ended {
            return;
        }
        self.orders.send_replace(Order::Quit);
        if timeout(QUIT_WITHIN, &mut self.task).await.is_err() {
            say(&format!("{} does not end: it is killed", self.name));
            self.orders.send_replace(Order::Kill);
            // Nothing outlives SIGKILL, except in an uninterruptible wait for a broken disk.
            let _ = timeout(QUIT_WITHIN, &mut self.task).await;
        }
    }
}
