//! What is sent. Probes send and record; they never judge. Where they need an earlier answer they
//! ask the same readers as the checks (`facts`), on the recorded, masked exchange.

mod bad_input;
mod browser;
mod catalogue;
mod classify;
mod connections;
mod content_type;
mod delivery;
mod ledger;
mod legacy;
mod listen;
mod load;
mod modern;
mod plan;
mod resume;
mod siblings;
mod speaker;

use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use crate::facts::steps::{self, Barrier};
use crate::net::{Call, Held, Until, Wire};
use crate::protocol::headers;
use crate::protocol::names;
use crate::protocol::revision::Era;
use crate::scan::ScanOptions;
use crate::transcript::{Exchange, Expectation, ProbeId, Profile, SkipReason};

pub use plan::{Planned, plan};

use ledger::Ledger;
use speaker::Speaker;

/// One scan's conversation: the wire, the ledger, and what must not be forgotten.
pub(crate) struct Prober<'a> {
    wire: &'a Wire<'a>,
    profile: Profile,
    options: ScanOptions,
    ledger: Ledger,
    state: Mutex<State>,
}

#[derive(Default)]
struct State {
    /// Placeholders of sessions that were opened and not yet deleted, with their revision.
    sessions: Vec<(String, Option<String>)>,
    opened: u32,
    /// Consecutive faults on plain exchanges.
    faults: u32,
    /// Why nothing more is sent.
    halted: Option<SkipReason>,
    /// Slowest head so far and connect time, microseconds: what quick waits for silence by.
    slowest_head_us: u64,
    connect_us: u64,
    classified: bool,
    limited: u32,
}

/// Consecutive faults after which the scan stops (CHECKS.md 2.5).
const BREAKER: u32 = 3;
/// Longest wait that a 429 may ask for.
const LONGEST_WAIT: Duration = Duration::from_secs(10);

impl<'a> Prober<'a> {
    fn new(wire: &'a Wire<'a>, profile: Profile, options: ScanOptions) -> Self {
        let ledger = Ledger::new(profile, wire.limits().requests);
        Self { wire, profile, options, ledger, state: Mutex::default() }
    }

    /// Sends a call if the ledger allows; otherwise notes why not. `None` means it was not sent.
    async fn send(&self, call: Call) -> Option<Arc<Exchange>> {
        self.admit(&call)?;
        let exchange = self.wire.send(call).await;
        self.learn(&exchange).await;
        Some(exchange)
    }

    /// Opens a held stream if the ledger allows.
    async fn hold(&self, call: Call) -> Option<Held> {
        self.admit(&call)?;
        Some(self.wire.hold(call).await)
    }

    /// Whether a call may be sent: counts it, or records the skip.
    fn admit(&self, call: &Call) -> Option<()> {
        let (probe, step) = (call.probe, call.step.as_str());
        // Cleaning up is owed even after a halt, but not after the deadline.
        let halted = if call.expectation == Expectation::Teardown { None } else { self.lock().halted };
        let session = call.step.starts_with(names::INITIALIZE) && call.method == "POST";
        let reason = if let Some(reason) = self.wire.over().or(halted) {
            Some(reason)
        } else if session && self.lock().opened >= self.wire.limits().sessions {
            Some(SkipReason::Budget)
        } else {
            self.ledger.take(probe, call.expectation == Expectation::Teardown).err()
        };
        if let Some(reason) = reason {
            self.wire.skip(probe, Some(step), reason);
            return None;
        }
        self.wire.counted(self.ledger.sent(), self.ledger.budget());
        Some(())
    }

    /// Takes from an exchange what later ones depend on.
    async fn learn(&self, exchange: &Exchange) {
        let wait = {
            let mut state = self.lock();
            if let Some(us) = exchange.head_us().filter(|_| exchange.request.method == "POST") {
                state.slowest_head_us = state.slowest_head_us.max(us);
            }
            if let Some(connect) = &exchange.connect {
                let tls = connect.tls.as_ref().map_or(0, |tls| tls.us);
                state.connect_us = state.connect_us.max(connect.tcp_us.unwrap_or(0).saturating_add(tls));
            }
            if let Some(session) = exchange.header(names::SESSION_HEADER)
                && exchange.session.is_none()
                && exchange.ok()
                && !state.sessions.iter().any(|(known, _)| known == session)
            {
                let version = match steps::initialize(exchange) {
                    steps::Initialize::Legacy { version, .. } => version,
                    _ => None,
                };
                state.opened = state.opened.saturating_add(1);
                state.sessions.push((session.to_owned(), version));
            }
            if exchange.request.method == "DELETE" && exchange.ok() {
                state.sessions.retain(|(known, _)| Some(known) != exchange.session.as_ref());
            }
            state.watch_health(exchange)
        };
        if let Some(wait) = wait {
            self.wire.doing(format!("the endpoint asked us to wait {} s", wait.as_secs()));
            tokio::time::sleep(wait).await;
        }
    }

    /// In `quick`, how long silence may last before it counts, from sending: the slowest head so far
    /// (at least twice the connect time) and 300 ms (CHECKS.md section 8). `None` in other profiles.
    fn silence_ms(&self) -> Option<u64> {
        let silence = self.wire.limits().silence_ms;
        if silence == 0 {
            return None;
        }
        let state = self.lock();
        let due_us = state.slowest_head_us.max(state.connect_us.saturating_mul(2));
        Some((due_us / 1_000).saturating_add(silence))
    }

    /// P-WS; in `quick` its answer is not waited for longer than silence may last.
    fn upgrade_call(
        &self,
        probe: ProbeId,
        step: impl Into<String>,
        url: &str,
        subprotocol: Option<&str>,
    ) -> Call {
        let wait = self.silence_ms().unwrap_or(self.wire.limits().header_ms);
        Call::websocket(probe, step, url, subprotocol).until(Until::Watch(wait))
    }

    fn standard(&self) -> bool {
        self.profile != Profile::Quick
    }

    fn lock(&self) -> std::sync::MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl State {
    /// Trips the breaker, or says how long to wait after a 429.
    fn watch_health(&mut self, exchange: &Exchange) -> Option<Duration> {
        if exchange.status() == Some(429) {
            self.limited = self.limited.saturating_add(1);
            let asked = exchange.header("retry-after").and_then(headers::retry_after);
            let wait = asked.unwrap_or(Duration::from_secs(1));
            if wait > LONGEST_WAIT || self.limited > 3 {
                self.halted = Some(SkipReason::RateLimited);
                return None;
            }
            return Some(wait);
        }
        if exchange.expectation != Expectation::Plain || !self.classified {
            return None;
        }
        let cancelled = matches!(&exchange.failure, Some(failure)
            if failure.kind == crate::transcript::FailureKind::Cancelled);
        let faulty = matches!(steps::barrier(exchange), Some(Barrier::Failed(_) | Barrier::ServerError(_)));
        self.faults = if faulty && !cancelled { self.faults.saturating_add(1) } else { 0 };
        if self.faults >= BREAKER {
            self.halted = Some(SkipReason::CircuitBreaker);
        }
        None
    }
}

/// Runs every probe that applies. Everything is recorded on the wire.
pub(crate) async fn run(wire: &Wire<'_>, url: &str, profile: Profile, options: ScanOptions) {
    let prober = Prober::new(wire, profile, options);
    let mut found = classify::run(&prober, url).await;
    prober.lock().classified = true;
    let speakers = found.speakers();
    let watch = legacy::watch(&prober, &speakers, found.stream.take());
    let rest = async {
        // Sound requests first: a negative probe may hurt a fragile server.
        let negotiated = legacy::versions(&prober, &speakers);
        let plain = futures_util::future::join(
            catalogue::run(&prober, &speakers),
            futures_util::future::join(connections::run(&prober, &speakers), negotiated),
        );
        plain.await;
        futures_util::future::join(
            modern::run(&prober, &speakers, found.modern_only()),
            futures_util::future::join(
                legacy::sessions(&prober, &speakers),
                futures_util::future::join(
                    browser::run(&prober, &speakers, &found.target),
                    resume::quick(&prober, &speakers),
                ),
            ),
        )
        .await;
        bad_input::run(&prober, &speakers).await;
        content_type::run(&prober, &speakers, found.modern_only()).await;
        load::run(&prober, &speakers, &found.target).await;
    };
    let streams = async {
        resume::run(&prober, &speakers).await;
        resume::feed(&prober, &found.target).await;
        delivery::run(&prober, &speakers, &found.target).await;
    };
    let beside = classify::aside(&prober, &found, url);
    let held = futures_util::future::join3(watch, listen::run(&prober, &speakers), beside);
    futures_util::future::join(held, futures_util::future::join(streams, rest)).await;
    legacy::teardown(&prober, url).await;
}

/// The speakers that rows of no era use: both eras in standard, the newest in quick.
fn newest<'s>(prober: &Prober<'_>, speakers: &'s [Speaker]) -> &'s [Speaker] {
    if prober.standard() { speakers } else { speakers.get(..1).unwrap_or_default() }
}

/// The speaker of an era.
fn of(speakers: &[Speaker], era: Era) -> Option<&Speaker> {
    speakers.iter().find(|speaker| speaker.era == era)
}

/// Whether a probe's whole conversation is left out of this profile.
fn left_out(prober: &Prober<'_>, probe: ProbeId) {
    prober.wire.skip(probe, None, SkipReason::Profile);
}
