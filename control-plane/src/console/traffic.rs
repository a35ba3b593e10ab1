//! What nodes have answered lately: the share that was no error of ours, and how slow the slowest hundredth was.
//!
//! What must stay true: nodes are asked while somebody looks, and for all who look at once; the figures are differences of
//! the nodes' own counters. Between the first look and the second nothing is known, and that is said.
//!
//! Left alone on purpose: what routers answer. They are not known here by address; a node's 503 that a router tried
//! again elsewhere counts as an error here.

use std::collections::{BTreeMap, VecDeque};
use std::time::{Duration, Instant};

use control_api::Node;
use futures::{StreamExt, stream};
use service_kit::metrics::RESPONSE_TIME_BUCKETS_S;
use service_kit::samples::{self, Samples};
use shard_map::NodeId;
use tokio::sync::Mutex;

/// Between two looks, at least.
const EVERY: Duration = Duration::from_secs(4);
/// What the figures are of.
const WINDOW: Duration = Duration::from_mins(1);
const PAGE_WITHIN: Duration = Duration::from_secs(1);
const PAGES_AT_ONCE: usize = 64;
/// However many are silent, a look ends after it, with those who answered.
const LOOK_WITHIN: Duration = Duration::from_secs(2);

/// The looks of the last minute.
#[derive(Debug, Default)]
pub(super) struct Traffic(Mutex<VecDeque<Look>>);

#[derive(Debug, Clone)]
struct Look {
    at: Instant,
    nodes: BTreeMap<NodeId, Counts>,
}

/// What a node has counted since it was started.
#[derive(Debug, Clone, PartialEq)]
struct Counts {
    answers: f64,
    errors: f64,
    /// Answers up to each bound of [`RESPONSE_TIME_BUCKETS_S`], and all of them.
    within: Vec<f64>,
    timed: f64,
}

/// The figures of a window.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Figures {
    /// How long the window is.
    pub(super) seconds: f64,
    /// Answers of all nodes.
    pub(super) answers: f64,
    /// Those that were 5xx.
    pub(super) errors: f64,
    /// The bound below which 99 of 100 answers were, in seconds; none where there was no answer or it was above all.
    pub(super) p99_below_s: Option<f64>,
    /// Nodes that were asked.
    pub(super) nodes: usize,
}

impl Traffic {
    /// The figures as of now, and of how many nodes; none before there are two looks.
    pub(super) async fn figures(&self, nodes: &[Node]) -> Option<Figures> {
        let mut looks = self.0.lock().await;
        let is_due = looks.back().is_none_or(|last| last.at.elapsed() >= EVERY);
        if is_due {
            let now = look(nodes).await;
            looks.retain(|look| now.at.duration_since(look.at) <= WINDOW);
            looks.push_back(now);
        }
        let (first, last) = (looks.front()?, looks.back()?);
        (first.at < last.at).then(|| between(first, last))
    }
}

async fn look(nodes: &[Node]) -> Look {
    let pages = nodes.iter().filter_map(|node| Some((node.id.clone(), node.admin_url.clone()?)));
    let asked = pages.map(async |(id, url)| {
        let samples = samples::fetch(&url, PAGE_WITHIN).await.ok()?;
        Some((id, seen(&samples)))
    });
    let asked: Vec<_> = asked.collect();
    let over = tokio::time::sleep(LOOK_WITHIN);
    let nodes = stream::iter(asked)
        .buffer_unordered(PAGES_AT_ONCE)
        .take_until(over)
        .filter_map(async |it| it)
        .collect()
        .await;
    Look { at: Instant::now(), nodes }
}

fn seen(samples: &Samples) -> Counts {
    let sum =
        |name: &str, part: &str| samples.sum(name, |labels| labels.contains(part)).unwrap_or(0.0);
    let bucket = |bound: f64| sum("lxp_response_time_seconds_bucket", &format!("le=\"{bound}\""));
    Counts {
        answers: sum("lxp_requests_total", ""),
        errors: sum("lxp_requests_total", "status=\"5"),
        within: RESPONSE_TIME_BUCKETS_S.into_iter().map(bucket).collect(),
        timed: sum("lxp_response_time_seconds_count", ""),
    }
}

/// What was counted between two looks, by the nodes that were there at both. One that was started anew counts from
/// nothing.
fn between(first: &Look, last: &Look) -> Figures {
    let blank = Counts {
        answers: 0.0,
        errors: 0.0,
        within: vec![0.0; RESPONSE_TIME_BUCKETS_S.len()],
        timed: 0.0,
    };
    let mut all = blank.clone();
    let mut nodes = 0;
    for (id, now) in &last.nodes {
        let Some(before) = first.nodes.get(id) else { continue };
        let before = if now.answers < before.answers { &blank } else { before };
        nodes += 1;
        all.answers += now.answers - before.answers;
        all.errors += now.errors - before.errors;
        all.timed += now.timed - before.timed;
        for (sum, (now, before)) in all.within.iter_mut().zip(now.within.iter().zip(&before.within))
        {
            *sum += now - before;
        }
    }
    let bounds = all.within.iter().zip(RESPONSE_TIME_BUCKETS_S);
    let mut enough = bounds.filter(|(within, _)| all.timed > 0.0 && **within >= 0.99 * all.timed);
    Figures {
        seconds: last.at.duration_since(first.at).as_secs_f64(),
        answers: all.answers,
        errors: all.errors,
        p99_below_s: enough.next().map(|(_, bound)| bound),
        nodes,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn page(answers: u32, errors: u32, fast: u32) -> Counts {
        let all = answers + errors;
        let samples = Samples::parse(&format!(
            "lxp_requests_total{{path=\"/a\",method=\"GET\",status=\"200\"}} {answers}\n\
             lxp_requests_total{{path=\"/a\",method=\"GET\",status=\"503\"}} {errors}\n\
             lxp_response_time_seconds_bucket{{path=\"/a\",le=\"0.005\"}} {fast}\n\
             lxp_response_time_seconds_bucket{{path=\"/a\",le=\"1\"}} {all}\n\
             lxp_response_time_seconds_count{{path=\"/a\"}} {all}\n"
        ));
        seen(&samples)
    }

    fn look(at: Instant, counts: Counts) -> Look {
        Look { at, nodes: [("n-1".parse().expect("an id"), counts)].into_iter().collect() }
    }

    #[test]
    fn figures_are_of_what_was_counted_in_between() {
        let begun = Instant::now();
        let first = look(begun, page(1_000, 0, 1_000));
        let last = look(begun + Duration::from_secs(10), page(1_990, 10, 1_995));
        let figures = between(&first, &last);
        assert_eq!((figures.answers, figures.errors, figures.nodes), (1_000.0, 10.0, 1));
        assert_eq!(figures.p99_below_s, Some(0.005));
        let slow = look(begun + Duration::from_secs(10), page(1_990, 10, 1_500));
        assert_eq!(between(&first, &slow).p99_below_s, Some(1.0));
    }

    #[test]
    fn one_that_was_started_anew_counts_from_nothing_and_no_answer_has_no_p99() {
        let begun = Instant::now();
        let (first, last) = (look(begun, page(1_000, 0, 1_000)), look(begun, page(6, 0, 6)));
        assert!((between(&first, &last).answers - 6.0).abs() < 1e-9);
        assert_eq!(between(&first, &first.clone()).p99_below_s, None);
    }
}
