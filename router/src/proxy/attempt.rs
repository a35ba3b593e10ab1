//! One attempt after another: where the next one goes, and whether there is one.
//!
//! The decisions are [`retry`]'s; here they meet the map, the context and the session.

use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::{Duration, Instant};

use pingora::proxy::Session;
use pingora::upstreams::peer::HttpPeer;
use pingora::{Error, ErrorSource};
use shard_map::{Epoch, InstitutionId};

use super::context::Context;
use super::judge::Refused;
use super::retry::{self, AfterFailure, AfterRefusal, Broken, FollowUp, NotOwner};
use super::{ELSEWHERE, Router, judge, peer, resolve};
use crate::error::Refusal;
use crate::tenant::Override;
use crate::upstream::Outcome;

impl Router {
    /// Acts on a 421: learns the owner, and says where the request goes now.
    async fn follow(&self, context: &mut Context, said: &NotOwner) -> Result<(), Refusal> {
        let Some(institution) = context.institution() else {
            return Err(context.attempts.unavailable());
        };
        self.learn(institution, said);
        let answered_by = context.shard.clone();
        loop {
            let route = self
                .maps
                .load()
                .as_ref()
                .and_then(|view| resolve::shard_of(view, &self.overrides, institution));
            let attempts = &mut context.attempts;
            match attempts.after_not_owner(
                answered_by.as_ref(),
                said.owner.as_ref(),
                route.as_ref(),
            ) {
                FollowUp::SendTo(shard) => {
                    self.metrics.again.with_label_values(&["follow-up"]).inc();
                    context.sent_on_to = Some(shard);
                    return Ok(());
                }
                FollowUp::AskForMap => {
                    let refreshed = self.maps.refresh(context.time_left()).await;
                    refreshed.map_err(|_| context.attempts.unavailable())?;
                }
                FollowUp::GiveUp(refusal) => return Err(refusal),
            }
        }
    }

    fn learn(&self, institution: InstitutionId, said: &NotOwner) {
        let view = self.maps.load();
        if let (Some(view), Some(shard)) = (view.as_ref(), &said.owner) {
            let learned = Override {
                shard: shard.clone(),
                epoch: said.epoch.unwrap_or(Epoch(0)),
                map_version: said.map_version.unwrap_or(view.version().next()),
            };
            self.overrides.learn(institution, view.version(), learned);
        }
    }

    /// Picks the node of the next attempt.
    pub(super) async fn next_peer(
        &self,
        session: &Session,
        context: &mut Context,
    ) -> Result<Box<HttpPeer>, Refusal> {
        if let Some(said) = context.not_owner.take() {
            self.follow(context, &said).await?;
            if session.as_ref().retry_buffer_truncated() {
                return Err(context.attempts.unless_maybe_applied(Refusal::NotReplayable));
            }
        }
        if context.time_left() == Duration::ZERO {
            return Err(context.attempts.unless_maybe_applied(Refusal::DeadlinePassed));
        }
        context.body_bytes = 0;
        context.masked = None;
        context.node = None;
        context.sent_at = None;
        let view = self.maps.load();
        let rotation = self.rotation.fetch_add(1, Ordering::Relaxed);
        let now = Instant::now();
        let resolved = view
            .as_ref()
            .and_then(|view| resolve::resolve(view, &self.overrides, context, rotation, now))
            .ok_or_else(|| context.attempts.unavailable())?;
        let peer = peer::peer(resolved.attempt.upstream(), context);
        context.shard = resolved.shard;
        context.node = Some(resolved.attempt);
        if context.budget.is_none() {
            resolved.budget.request(now);
            context.budget = Some(resolved.budget);
        }
        Ok(peer)
    }

    /// Decides about an attempt that got no connection; true where it is sent again.
    pub(super) fn after_no_connection(&self, context: &mut Context, error: &Error) -> bool {
        judge::judge(context, Outcome::NoConnection, &self.metrics);
        let node = context.node.take().map(|node| Arc::clone(node.upstream()));
        tracing::debug!(
            error = %error,
            request.id = context.request_id.to_str().unwrap_or_default(),
            node = node.as_ref().map(|node| node.id.as_str()),
            "No connection to a node"
        );
        context.refused_by.extend(node);
        let in_time = context.time_left() > Duration::ZERO;
        self.decided(context, |attempts| attempts.after_no_connection(in_time), "connect")
    }

    /// Decides about an attempt whose connection broke; true where it is sent again.
    fn after_broken(
        &self,
        session: &Session,
        context: &mut Context,
        error: &Error,
        is_reused: bool,
    ) -> bool {
        if judge::is_nodes_fault(context, error, is_reused) {
            judge::judge(context, Outcome::Failed, &self.metrics);
        }
        let broken = Broken {
            resendable: context.resendable,
            replayable: !session.as_ref().retry_buffer_truncated(),
            in_time: context.time_left() > Duration::ZERO,
        };
        let node = context.node.as_ref().map(|node| Arc::clone(node.upstream()));
        tracing::warn!(
            error = %error,
            request.id = context.request_id.to_str().unwrap_or_default(),
            node = node.as_ref().map(|node| node.id.as_str()),
            "The connection to a node broke"
        );
        context.broken = node;
        if context.sent_at.is_none() && !broken.in_time && !context.attempts.is_maybe_applied() {
            // The client did not send the whole of it in its own time: no node can have begun.
            context.refusal = Some(Refusal::BodyTooSlow);
            return false;
        }
        self.decided(context, |attempts| attempts.after_broken(broken), "resend")
    }

    /// Decides about an attempt that a node refused without effect.
    pub(super) fn after_refusal(
        &self,
        session: &Session,
        context: &mut Context,
        refused: Refused,
    ) -> AfterRefusal {
        let now = Instant::now();
        context.refused_by.extend(context.node.as_ref().map(|node| Arc::clone(node.upstream())));
        let view = self.maps.load();
        let another = view
            .as_ref()
            .is_some_and(|view| resolve::is_another_there(view, &self.overrides, context, now));
        let may = another
            && !session.as_ref().retry_buffer_truncated()
            && context.time_left() > Duration::ZERO;
        let decision = context.attempts.after_refusal(may);
        if decision != AfterRefusal::SendAgain {
            return decision;
        }
        let granted = context.budget.as_ref().is_some_and(|budget| match refused {
            Refused::Unavailable => budget.retry(now),
            Refused::Overloaded => budget.retry_of_overload(now),
        });
        let counted = if granted { "elsewhere" } else { "refused" };
        self.metrics.again.with_label_values(&[counted]).inc();
        if granted { AfterRefusal::SendAgain } else { AfterRefusal::PassOn }
    }

    fn decided(
        &self,
        context: &mut Context,
        decide: impl FnOnce(&mut retry::Attempts) -> AfterFailure,
        why: &str,
    ) -> bool {
        match decide(&mut context.attempts) {
            AfterFailure::SendAgain => {
                let now = Instant::now();
                let granted = context.budget.as_ref().is_some_and(|budget| budget.retry(now));
                let counted = if granted { why } else { "refused" };
                self.metrics.again.with_label_values(&[counted]).inc();
                if !granted {
                    context.refusal = Some(context.attempts.unavailable());
                }
                granted
            }
            AfterFailure::GiveUp(refusal) => {
                context.refusal = Some(refusal);
                false
            }
        }
    }

    /// What becomes of a request after an attempt that reached a node; true where it is sent again.
    pub(super) fn is_sent_again(
        &self,
        session: &Session,
        context: &mut Context,
        error: &Error,
        is_reused: bool,
    ) -> bool {
        if *error.etype() == ELSEWHERE {
            return true;
        }
        let client_gone = *error.esource() == ErrorSource::Downstream;
        if client_gone || context.refusal.is_some() {
            return false;
        }
        if is_answered(session) {
            if *error.esource() == ErrorSource::Upstream {
                judge::judge(context, Outcome::Failed, &self.metrics);
            }
            return false;
        }
        if let Some(masked) = context.masked.take().filter(|_| context.not_owner.is_none()) {
            // The 421 broke off: it had no effect all the same.
            context.not_owner = Some(NotOwner::read(&masked));
        }
        context.not_owner.is_some() || self.after_broken(session, context, error, is_reused)
    }
}

/// Whether the client has got the head of an answer; an informational one is none.
pub(super) fn is_answered(session: &Session) -> bool {
    session.response_written().is_some_and(|head| !head.status.is_informational())
}
