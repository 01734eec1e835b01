//! What speaks at a URL: how the classification steps are put together.

use super::barrier::{self, Barrier};
use super::beside;
pub use super::class::{Classification, Found, ServerInfo, Shut};
pub use super::kind::{Confidence, Kind};
pub use super::others::Protocol;
pub use super::quote::Refusal;
use super::reply;
use super::seen::Seen;
use crate::protocol::names;
use crate::transcript::exchange::request_method;
use crate::transcript::{Exchange, Expectation, ProbeId, SkipReason, Transcript};

/// Classifies a transcript.
#[must_use]
pub fn classify(transcript: &Transcript) -> Classification {
    let steps: Vec<&Exchange> =
        transcript.exchanges.iter().filter(|exchange| exchange.probe == ProbeId::Classify).collect();
    // The last discover went to the typed URL, or to where its one redirect led.
    let asked = steps.iter().rev().find(|exchange| exchange.step == "discover");
    let endpoint = match asked {
        Some(exchange) if !transcript.header.url.starts_with("ws") => exchange.request.url.clone(),
        _ => transcript.header.url.clone(),
    };
    let mut class = Seen::read(transcript, &steps).conclude(endpoint);
    class.found_at = beside::found(transcript);
    if let Some(skip) = transcript.skips.iter().find(|skip| skip.reason.whole_target()) {
        skip.reason.words().clone_into(&mut class.reason);
    }
    // Single steps are skipped where nothing else is spoken, whole probes also beside the modern era.
    if transcript.skips.iter().any(|skip| skip.reason == SkipReason::UnknownVersion && skip.step.is_some()) {
        class.reason = format!("{}, so nothing more was asked", SkipReason::UnknownVersion.words());
    }
    class.credential_refused = match class.kind {
        // A credential that was sent, and did not open the barrier.
        Kind::AuthGated => steps.iter().any(|exchange| exchange.credentialed()),
        _ if class.is_mcp() => refused_throughout(transcript),
        _ => false,
    };
    if class.kind == Kind::AuthGated && class.credential_refused {
        let quote =
            class.refusal.as_ref().map_or_else(String::new, |refusal| format!(" ({})", refusal.words()));
        class.reason = format!("the endpoint refused the credential that was given{quote}");
    }
    class
}

/// Whether the endpoint stayed shut to the credential that was given: a barrier stopped a request with it, and none with
/// it was served.
fn refused_throughout(transcript: &Transcript) -> bool {
    let sent = transcript
        .exchanges
        .iter()
        .filter(|exchange| exchange.credentialed() && exchange.expectation == Expectation::Plain);
    let handshakes = [names::DISCOVER, names::INITIALIZE, names::INITIALIZED];
    let mut gated = false;
    for exchange in sent {
        let handshake = request_method(exchange).is_none_or(|method| handshakes.contains(&method.as_str()));
        if !handshake && reply::read_in(transcript, exchange).served() {
            return false;
        }
        gated |= barrier::barrier(exchange) == Some(Barrier::Gated);
    }
    gated
}
