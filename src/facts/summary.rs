//! Readings that the report shows beside the findings: the footprint; and which exchanges are calls.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::protocol::revision::Era;
use crate::transcript::{Exchange, Expectation, Failure, ProbeId, TokenKind, Transcript};

/// Whether an exchange counts for latency and error rates: a plain call to the endpoint itself that
/// can be answered at once. A GET may stay silent, so it counts only as the BASE of a feed; and a listen
/// stream that was held back or cut is the way's fault as often as the server's: the checks of event
/// streams judge it.
#[must_use]
pub fn measured(exchange: &Exchange) -> bool {
    let lost = exchange.failure.is_some() && matches!(exchange.status(), None | Some(200));
    exchange.expectation == Expectation::Plain
        && exchange.probe != ProbeId::Siblings
        && !(exchange.probe == ProbeId::Listen && exchange.step == "listen" && lost)
        && (exchange.request.method == "POST" || exchange.is_message() || exchange.probe == ProbeId::Load)
}

/// Whether an exchange is a call that counts where these eras are spoken: a question in another era need not
/// succeed, nor, where MCP is spoken `elsewhere` than in replies to POSTs (HTTP+SSE, a WebSocket), a POST
/// that asked what speaks here.
pub fn is_call(exchange: &Exchange, spoken: impl FnOnce(Era) -> bool, elsewhere: bool) -> bool {
    measured(exchange)
        && exchange.era.is_none_or(spoken)
        && !(elsewhere && exchange.probe == ProbeId::Classify)
}

/// Whether an exchange was not served because of a limit of rate or a server error: that is counted as a
/// fault, and its time says nothing.
#[must_use]
pub fn unserved(exchange: &Exchange) -> bool {
    matches!(exchange.status(), Some(429 | 500..))
}

/// Nearest-rank percentile of sorted values; 0 for none.
#[must_use]
pub fn percentile(sorted: &[u64], percent: usize) -> u64 {
    let rank = sorted.len().saturating_mul(percent).div_ceil(100).saturating_sub(1);
    sorted.get(rank).copied().unwrap_or(0)
}

/// The footprint of the scan on the target.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Footprint {
    /// Requests sent.
    pub count: usize,
    /// Bytes of request bodies and header values sent.
    pub bytes_sent: u64,
    /// Bytes of reply bodies and streams received.
    pub bytes_received: u64,
    /// Sessions opened.
    pub sessions_opened: usize,
    /// Sessions for which no DELETE was answered with 2xx, 404 or 405.
    pub sessions_left: usize,
}

/// Whether a request was sent at all: a connection that never came up sent nothing.
#[must_use]
pub fn sent(exchange: &Exchange) -> bool {
    exchange.head.is_some() || !exchange.failure.as_ref().is_some_and(Failure::before_http)
}

/// Reads the footprint.
#[must_use]
pub fn footprint(transcript: &Transcript) -> Footprint {
    let mut print = Footprint::default();
    let mut opened: Vec<&str> = Vec::new();
    let mut ended: Vec<&str> = Vec::new();
    for exchange in &transcript.exchanges {
        if !sent(exchange) {
            continue;
        }
        print.count = print.count.saturating_add(1);
        let request = &exchange.request;
        // Each header line has a colon, a space and a line end.
        let line = |(name, value): &(String, String)| [name.len(), value.len(), 4].into_iter().sum::<usize>();
        let headers: usize = request.headers.iter().map(line).sum();
        let sent = headers.saturating_add(request.body.as_ref().map_or(0, String::len));
        print.bytes_sent = print.bytes_sent.saturating_add(sent as u64);
        print.bytes_received = print.bytes_received.saturating_add(exchange.content.bytes());
        if exchange.step.starts_with("initialize") {
            for shape in exchange.shapes.iter().filter(|shape| shape.kind == TokenKind::Session) {
                if !opened.contains(&shape.placeholder.as_str()) {
                    opened.push(&shape.placeholder);
                }
            }
        }
        if exchange.request.method == "DELETE" {
            // 405 and 404 say that there is nothing we could end.
            let done = exchange.ok() || matches!(exchange.status(), Some(404 | 405));
            ended.extend(exchange.session.as_deref().filter(|_| done));
        }
    }
    print.sessions_opened = opened.len();
    print.sessions_left = opened.iter().filter(|session| !ended.contains(session)).count();
    print
}
