//! What an endpoint did itself to keep checks from judging it: lists and replies beyond what is read, padding,
//! stalls, and a limit of requests that meets wrong ones alone. Who hides so must gain nothing by it.

use super::error_texts;
use super::readings::Readings;
use crate::transcript::{Exchange, Expectation, FailureKind, ProbeId, SkipReason};

/// Something that kept a probe's checks from judging.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Hindrance {
    /// The probe that met it.
    pub probe: ProbeId,
    /// In words.
    pub words: &'static str,
}

const LIST: &str = "a list is larger than what is read of one";
const LARGE: &str = "a reply is larger than what is read of one";
const LONG: &str = "an error reply is longer than what is read of one";
const PADDED: &str = "a line is padded beyond what is read of one";
const STALLED: &str = "a reply to a correct request stalled before it was complete";
const LIMITED: &str = "429 came to wrong requests alone";

/// All of them, in the order of the record, each once.
#[must_use]
pub fn read(readings: &Readings<'_>) -> Vec<Hindrance> {
    let transcript = readings.transcript();
    let mut found: Vec<Hindrance> = Vec::new();
    let mut add = |probe: ProbeId, words: &'static str| {
        let one = Hindrance { probe, words };
        if !found.contains(&one) {
            found.push(one);
        }
    };
    let cut: Vec<u32> = readings.catalogues().values().filter_map(|catalogue| catalogue.cut_at).collect();
    for exchange in &transcript.exchanges {
        if cut.contains(&exchange.id) {
            add(exchange.probe, LIST);
        }
        match exchange.failure.as_ref().map(|failure| failure.kind) {
            Some(FailureKind::TooLarge) => add(exchange.probe, LARGE),
            Some(FailureKind::BodyTimeout) if stalled(exchange) => add(exchange.probe, STALLED),
            _ => {}
        }
        let reply = readings.replies().get(&exchange.id);
        if reply.is_some_and(|reply| error_texts::read(exchange, reply).long) {
            add(exchange.probe, LONG);
        }
        if exchange.lines().unwrap_or_default().iter().any(|line| line.cut) {
            add(exchange.probe, PADDED);
        }
    }
    let limited: Vec<&Exchange> =
        transcript.exchanges.iter().filter(|exchange| exchange.status() == Some(429)).collect();
    if !limited.is_empty() && limited.iter().all(|exchange| exchange.expectation == Expectation::Negative) {
        limited.iter().for_each(|exchange| add(exchange.probe, LIMITED));
        let skipped = transcript.skips.iter().filter(|skip| skip.reason == SkipReason::RateLimited);
        skipped.for_each(|skip| add(skip.probe, LIMITED));
    }
    found
}

/// Whether a reply to a correct call stopped in its middle. A GET may be held for ever, and is.
fn stalled(exchange: &Exchange) -> bool {
    exchange.expectation == Expectation::Plain && exchange.request.method != "GET" && exchange.ok()
}
