//! What was asked and answered.

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::time::{Duration, Instant};

use crate::{Answer, Institution};

/// What a request wanted.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Op {
    /// A GET.
    Read,
    /// A POST with an `Idempotency-Key`.
    Keyed,
    /// A write without a key, which may end with 502 `outcome-unknown`.
    Plain,
}

/// One request and its answer.
#[derive(Debug, Clone)]
pub struct Request {
    /// When it was sent, after the load began.
    pub at: Duration,
    /// How long its answer took.
    pub took: Duration,
    /// The shard of its institution.
    pub shard: String,
    /// What it wanted.
    pub op: Op,
    /// The status; 0 where the connection broke.
    pub status: u16,
    /// The problem's code, or what became of the connection.
    pub code: String,
    /// Whether the answer said when to come again.
    pub retry_after: bool,
}

impl Request {
    /// One that was sent after so long, as it was answered just now.
    pub(super) fn answered(
        (begun, at): (Instant, Duration),
        institution: &Institution,
        op: Op,
        answer: &Answer,
    ) -> Self {
        Self {
            at,
            took: begun.elapsed().saturating_sub(at),
            shard: institution.shard.clone(),
            op,
            status: answer.status,
            code: answer.code().to_owned(),
            retry_after: answer.headers.contains_key("retry-after"),
        }
    }

    /// Whether it was answered. A 412 after a change whose outcome was unknown is an answer, too; the worker has
    /// judged it.
    pub fn is_good(&self) -> bool {
        (200..300).contains(&self.status) || self.status == 412
    }

    /// When its answer came.
    pub fn end(&self) -> Duration {
        self.at + self.took
    }
}

/// All requests of a load in the order in which they were sent.
#[derive(Debug)]
pub struct History {
    /// The requests.
    pub requests: Vec<Request>,
    /// Each value that was not what it must be: lost, doubled, stale, foreign.
    pub wrong: Vec<String>,
    /// Writes that were acknowledged.
    pub acknowledged: usize,
}

impl History {
    /// Those that were not answered as wanted.
    pub fn errors(&self) -> impl Iterator<Item = &Request> {
        self.requests.iter().filter(|request| !request.is_good())
    }

    /// Fails where something acknowledged is lost or doubled, or something read was wrong.
    #[track_caller]
    pub fn expect_nothing_lost(&self) {
        let shown = &self.wrong[..self.wrong.len().min(10)];
        assert!(self.wrong.is_empty(), "{} wrong, such as {shown:#?}", self.wrong.len());
        assert!(self.acknowledged > 0, "nothing was written");
    }

    /// Fails where an error is none of those that a fault allows.
    #[track_caller]
    pub fn expect_no_error_but(&self, why: &str, allowed: impl Fn(&Request) -> bool) {
        let wrong: Vec<_> = self.errors().filter(|request| !allowed(request)).collect();
        let shown = &wrong[..wrong.len().min(5)];
        assert!(
            wrong.is_empty(),
            "{} errors of {} are not allowed ({why}), such as {shown:#?}\n{}",
            wrong.len(),
            self.requests.len(),
            self.summary(Duration::ZERO)
        );
    }

    /// Errors by kind, with the first and the last after a moment; then how long good answers took.
    pub fn summary(&self, since: Duration) -> String {
        let mut kinds: BTreeMap<_, (usize, f64, f64)> = BTreeMap::new();
        for error in self.errors() {
            let at = error.end().as_secs_f64() - since.as_secs_f64();
            let kind = (&error.shard, error.op, error.status, &error.code);
            let entry = kinds.entry(kind).or_insert((0, at, at));
            *entry = (entry.0 + 1, entry.1.min(at), entry.2.max(at));
        }
        let mut text = format!(
            "{} requests, {} writes acknowledged, good answers p50 {:?} p99 {:?}\n",
            self.requests.len(),
            self.acknowledged,
            self.percentile(0.5, |_| true),
            self.percentile(0.99, |_| true),
        );
        for ((shard, op, status, code), (count, first, last)) in kinds {
            // Writing to a String cannot fail.
            let _ = writeln!(
                text,
                "  {shard} {op:?} {status} {code}: {count} from {first:+.2} s to {last:+.2} s"
            );
        }
        text
    }

    /// How long a share of those good answers took at most.
    pub fn percentile(&self, share: f64, which: impl Fn(&Request) -> bool) -> Duration {
        let good = self.requests.iter().filter(|request| request.is_good() && which(request));
        let mut took: Vec<Duration> = good.map(|request| request.took).collect();
        took.sort_unstable();
        #[expect(
            clippy::cast_possible_truncation,
            clippy::cast_sign_loss,
            clippy::cast_precision_loss,
            reason = "a place in a list"
        )]
        let place = (took.len() as f64 * share) as usize;
        took.get(place.min(took.len().saturating_sub(1))).copied().unwrap_or_default()
    }
}
