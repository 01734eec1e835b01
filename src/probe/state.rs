//! What a scan must not forget between two calls: open sessions, the target's health and its pace.

use crate::facts::barrier;
use crate::transcript::exchange::request_method;
use std::time::Duration;

use crate::facts::barrier::Barrier;
use crate::facts::reply;
use crate::net::{Handle, Place};
use crate::protocol::headers;
use crate::protocol::names;
use crate::transcript::{Exchange, Expectation, ProbeId, SkipReason};

#[derive(Default)]
pub(super) struct State {
    /// Sessions that were opened and not yet deleted.
    pub(super) sessions: Vec<OpenSession>,
    /// Those of version negotiation that a probe has taken.
    pub(super) lent: Vec<Handle>,
    /// Sessions opened in all, those of HTTP+SSE streams included.
    pub(super) opened: u32,
    /// Consecutive faults on plain exchanges.
    pub(super) faults: u32,
    /// Why nothing more is sent.
    pub(super) halted: Option<SkipReason>,
    /// Whether the endpoint stays shut to us: a credential that it refused is not sent again, since
    /// servers count failed attempts.
    pub(super) gated: bool,
    /// Requests that were served with the credential: HTTP method and JSON-RPC method.
    pub(super) accepted: Vec<(String, Option<String>)>,
    /// How long heads took so far, and the longest connect time, microseconds: what quick waits for silence by.
    pub(super) heads_us: Vec<u64>,
    pub(super) connect_us: u64,
    pub(super) classified: bool,
    /// Whether an idle stream is being watched: what takes its time costs none meanwhile.
    pub(super) watching: bool,
    pub(super) limited: u32,
    pub(super) polled: u32,
    /// What a POST accepts, where the usual order of the two types is refused.
    pub(super) accept: Option<&'static str>,
    /// Calls behind an open handshake that were refused with the credential.
    refused: u32,
}

/// A Streamable HTTP session of ours.
#[derive(Clone, Debug)]
pub(super) struct OpenSession {
    /// Its id.
    pub(super) id: Handle,
    /// Where it was opened.
    pub(super) place: Place,
    /// The revision that was negotiated.
    pub(super) version: Option<String>,
}

/// Refusals of calls after which the credential is not sent again, where only the handshake took it: servers count
/// failed attempts.
const REFUSED: u32 = 2;
/// Consecutive faults after which the scan stops.
const BREAKER: u32 = 3;
/// Longest wait that a 429, or a 503 to the first question, may ask for.
pub(super) const LONGEST_WAIT: Duration = Duration::from_secs(10);

impl State {
    /// Halts where the very request that was served with the credential meets a 401 with it.
    pub(super) fn watch_credential(&mut self, exchange: &Exchange) {
        if !exchange.credentialed() || exchange.expectation != Expectation::Plain {
            return;
        }
        let asked = (exchange.request.method.clone(), request_method(exchange));
        if exchange.status() == Some(401) && self.accepted.contains(&asked) {
            self.halted = Some(SkipReason::CredentialStopped);
        } else if exchange.status() == Some(401) && self.classified && !self.served_calls() {
            self.refused = self.refused.saturating_add(1);
            self.gated |= self.refused >= REFUSED;
        } else if reply::read(exchange).served() && !self.accepted.contains(&asked) {
            self.accepted.push(asked);
        }
    }

    /// Whether anything but a handshake was served with the credential.
    fn served_calls(&self) -> bool {
        let handshake = |method: &str| matches!(method, names::DISCOVER | names::INITIALIZE);
        self.accepted.iter().any(|(_, method)| method.as_deref().is_some_and(|method| !handshake(method)))
    }

    /// Trips the breaker, or says how long to wait after a 429.
    pub(super) fn watch_health(&mut self, exchange: &Exchange) -> Option<Duration> {
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
        // What is beside the endpoint says nothing about its health.
        let beside = exchange.probe == ProbeId::Siblings;
        if exchange.expectation != Expectation::Plain || beside {
            return None;
        }
        if !self.classified {
            self.watch_classification(exchange);
            return None;
        }
        let cancelled = matches!(&exchange.failure, Some(failure)
            if failure.kind == crate::transcript::FailureKind::Cancelled);
        let faulty = matches!(barrier::barrier(exchange), Some(Barrier::Failed(_) | Barrier::ServerError(_)));
        self.faults = if faulty && !cancelled { self.faults.saturating_add(1) } else { 0 };
        if self.faults >= BREAKER {
            self.halted = Some(SkipReason::CircuitBreaker);
        }
        None
    }

    /// Trips the breaker while it is not known what speaks here. The first question may be asked twice, and
    /// 5xx count from there on; what is silent or breaks off may be of another
    /// transport.
    fn watch_classification(&mut self, exchange: &Exchange) {
        let faulty = matches!(barrier::barrier(exchange), Some(Barrier::ServerError(_)));
        let asked = exchange.step == "discover";
        self.faults = if faulty && !asked { self.faults.saturating_add(1) } else { 0 };
        if self.faults >= BREAKER {
            self.halted = Some(SkipReason::CircuitBreaker);
        }
    }
}
