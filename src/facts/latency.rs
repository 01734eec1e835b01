//! How quickly calls are answered: one set of times for the check and for what the report shows beside it.

use super::Facts;
use super::refusal::{NoHead, no_answer};
use super::summary::{percentile, unserved};
use crate::transcript::{Exchange, FailureKind};

/// A call is quick up to this, microseconds. The threshold is ours.
pub const QUICK_US: u64 = 1_000_000;

/// Calls with the time to their answer, microseconds.
#[derive(Clone, Debug, Default)]
pub struct Calls<'t> {
    /// In order of starting; the first may meet a cold start.
    pub timed: Vec<(&'t Exchange, u64)>,
    /// Slow ones during which the scanning machine stood still: they say nothing.
    pub disturbed: usize,
}

impl<'t> Calls<'t> {
    /// The calls in scope that count and were answered, or awaited in vain.
    #[must_use]
    pub fn read(facts: &Facts<'t>) -> Self {
        let timed = facts.calls().filter_map(|exchange| Some((exchange, answered_after(facts, exchange)?)));
        let (disturbed, timed): (Vec<_>, Vec<_>) =
            timed.partition(|(exchange, us)| *us > QUICK_US && facts.disturbed(exchange, *us));
        Self { timed, disturbed: disturbed.len() }
    }
}

/// Time to the answer (on an event stream its event), or how long it was awaited in vain,
/// microseconds. `None` for what was not served for other reasons: limits of rate, server errors and
/// drops are counted by `ops-error-rate`.
#[must_use]
pub fn answered_after(facts: &Facts<'_>, exchange: &Exchange) -> Option<u64> {
    if unserved(exchange) {
        return None;
    }
    let reply = facts.reply(exchange);
    if let Some(message) = reply.answered_by.and_then(|index| reply.messages.get(index)) {
        return Some(message.at_us.saturating_sub(exchange.started_us));
    }
    let lost = exchange.failure.as_ref().is_some_and(|failure| failure.kind == FailureKind::BodyTimeout)
        || no_answer(exchange, reply, facts.header().limits.header_ms) == Some(NoHead::Silent);
    if lost { Some(exchange.took_us()) } else { exchange.head_us() }
}

/// Latency of calls, the first one apart.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Latency {
    /// How many were measured.
    pub samples: usize,
    /// Median time to the answer, milliseconds.
    pub p50_ms: u64,
    /// 95th percentile, milliseconds.
    pub p95_ms: u64,
    /// Median time for TCP (and TLS), milliseconds.
    pub connect_ms: u64,
    /// The first call of the scan, milliseconds: a cold start shows here.
    pub first_ms: u64,
}

/// Latency over the calls in scope; `None` below three.
#[must_use]
pub fn latency(facts: &Facts<'_>) -> Option<Latency> {
    let calls = Calls::read(facts);
    let (first, rest) = calls.timed.split_first()?;
    let mut sorted: Vec<u64> = rest.iter().map(|(_, us)| *us).collect();
    sorted.sort_unstable();
    if sorted.len() < 2 {
        return None;
    }
    let opened =
        facts.readings.transcript().exchanges.iter().filter_map(|exchange| exchange.connect.as_ref());
    let mut connects: Vec<u64> = opened
        .filter_map(|connect| {
            connect.tcp_us.map(|tcp| tcp.saturating_add(connect.tls.as_ref().map_or(0, |tls| tls.us)))
        })
        .collect();
    connects.sort_unstable();
    Some(Latency {
        samples: sorted.len(),
        p50_ms: percentile(&sorted, 50) / 1_000,
        p95_ms: percentile(&sorted, 95) / 1_000,
        connect_ms: percentile(&connects, 50) / 1_000,
        first_ms: first.1 / 1_000,
    })
}
