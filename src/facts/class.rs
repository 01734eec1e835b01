//! What a class is.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::kind::{Confidence, Kind};
use super::others::Protocol;
use super::quote::Refusal;
use crate::protocol::revision::{Era, Revision};
use crate::protocol::transport::Transport;
use crate::transcript::{Failure, Header};

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
