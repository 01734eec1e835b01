//! What speaks at a URL: what a class is, and how the classification steps are put together.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::barrier::{self, Barrier};
use super::beside;
pub use super::kind::{Confidence, Kind};
pub use super::others::Protocol;
pub use super::quote::Refusal;
use super::reply;
use super::seen::Seen;
use crate::protocol::names;
use crate::protocol::revision::{Era, Revision};
use crate::protocol::transport::Transport;
use crate::transcript::exchange::request_method;
use crate::transcript::{Exchange, Expectation, Failure, Header, ProbeId, SkipReason, Transcript};

/// Why an endpoint is [`Kind::Blocked`] that answers 429 throughout.
pub(super) const RATE_LIMITED: &str = "429: the endpoint limits our request rate";
/// How the reason of an endpoint begins that answers 5xx throughout; the status follows.
pub(super) const SERVER_ERROR: &str = "requests are answered with ";

/// What keeps us out of an endpoint that is there, as far as waiting helps. Read from the reason,
/// which every report carries, also one that was read back from JSON.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Shut {
    /// 429: we are too fast.
    RateLimited,
    /// 5xx: it does not work at present.
    Broken,
}

/// Something found beside the URL.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Found {
    /// Its URL, masked.
    pub url: String,
    /// What it is, in words.
    pub what: String,
}

/// Name and version as the server states them. Remote text.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct ServerInfo {
    /// Name.
    pub name: String,
    /// Version.
    pub version: String,
}

/// What speaks here.
#[derive(Clone, Debug)]
pub struct Classification {
    /// The class.
    pub kind: Kind,
    /// Transports seen on this URL, the naming one first.
    pub transports: Vec<Transport>,
    /// Published revisions seen or listed, oldest first.
    pub revisions: Vec<Revision>,
    /// Eras that answered, newest first; empty unless MCP answered.
    pub eras: Vec<Era>,
    /// The protocol, for [`Kind::Other`].
    pub protocol: Option<Protocol>,
    /// How sure the class is.
    pub confidence: Confidence,
    /// One sentence: why this class.
    pub reason: String,
    /// The URL that was judged: the typed one, or where its redirect led.
    pub endpoint: String,
    /// What was found beside it.
    pub found_at: Vec<Found>,
    /// What the server calls itself.
    pub server: Option<ServerInfo>,
    /// Why nothing could be reached, for [`Kind::Unreachable`].
    pub failure: Option<Failure>,
    /// Whether a credential was given, and opened nothing.
    pub credential_refused: bool,
    /// The refusal that the class rests on, in the words of whoever refused.
    pub refusal: Option<Refusal>,
    /// Exchanges that decided it.
    pub evidence: Vec<u32>,
}

impl Classification {
    /// The same with every URL as it has to be typed ([`Header::typed`]).
    #[must_use]
    pub(crate) fn typed(&self, header: &Header) -> Self {
        let mut class = self.clone();
        let found = class.found_at.iter_mut().map(|found| &mut found.url);
        for url in found.chain([&mut class.endpoint]) {
            *url = header.typed(url);
        }
        class
    }

    /// The class in words.
    #[must_use]
    pub fn words(&self) -> &'static str {
        self.protocol.map_or_else(|| self.kind.words(), Protocol::words)
    }

    /// What keeps us out, where waiting helps.
    #[must_use]
    pub fn shut(&self) -> Option<Shut> {
        match self.kind {
            Kind::Blocked if self.reason.starts_with(RATE_LIMITED) => Some(Shut::RateLimited),
            Kind::None if self.reason.starts_with(SERVER_ERROR) => Some(Shut::Broken),
            _ => None,
        }
    }

    /// Whether MCP answered.
    #[must_use]
    pub fn is_mcp(&self) -> bool {
        !self.eras.is_empty()
    }

    /// The newest era that answered.
    #[must_use]
    pub fn newest_era(&self) -> Option<Era> {
        self.eras.first().copied()
    }

    /// Whether Streamable HTTP answered in this era.
    #[must_use]
    pub fn streamable(&self, era: Era) -> bool {
        self.transports.contains(&Transport::StreamableHttp) && self.eras.contains(&era)
    }
}

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
        // A credential that was sent, and did not open the gate.
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

/// Whether the endpoint stayed shut to the credential that was given: a gate stopped a request with it, and none with
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
