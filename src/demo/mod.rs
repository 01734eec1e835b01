//! Built-in endpoints on loopback: sound ones, and the same with one fault each.
//!
//! They are the only listeners of the crate. The `demo` command scans two of them; the test suite uses
//! all of them as live endpoints, so that every check meets a server that passes it and one that does
//! not. A sound endpoint follows every rule that speaks of its kind; a
//! [`Fault`] changes one thing about it and names the check that must notice.
//!
//! ```text
//! endpoint.rs   listener, connections, log, shutdown        guards.rs    Host, Origin, Content-Type, CORS
//! serve.rs      path → handler                              rpc.rs       reading and writing JSON-RPC
//! modern.rs legacy.rs http_sse.rs websocket.rs              catalogue.rs tools, prompts, resources
//! feed.rs gated.rs         one transport each               tamper.rs    faults of one reply
//! events.rs sessions.rs    event streams, their store       fault.rs     what can be broken
//! ```

mod catalogue;
mod catalogue_schemas;
mod catalogue_texts;
mod delivery;
mod endpoint;
mod event;
mod events;
mod fault;
mod feed;
mod gated;
mod guards;
mod headers;
mod http;
mod http_sse;
mod introduction;
mod legacy;
mod log;
mod modern;
mod oddity;
mod rpc;
mod serve;
mod server;
mod sessions;
mod tamper;
mod told;
mod websocket;

use std::collections::BTreeSet;
use std::time::Duration;

pub use endpoint::Endpoint;
pub use fault::{Fault, Spec};
pub use log::Logged;

/// What kind of endpoint it is. The scanned URL of each is [`Endpoint::url`].
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Base {
    /// Streamable HTTP of 2026-07-28 only, at `/mcp`.
    Modern,
    /// Streamable HTTP of 2025-11-25 down to 2025-03-26, at `/mcp`: sessions, event streams with ids
    /// and resumption (for sessions of 2025-11-25; older ones are answered in JSON), GET stream.
    Legacy,
    /// The same revisions without sessions, in JSON only, at `/mcp`; GET and DELETE are 405.
    LegacyJson,
    /// [`Base::Modern`] and [`Base::Legacy`] at one `/mcp`.
    Dual,
    /// HTTP+SSE of 2024-11-05 at `/sse`, with [`Base::Legacy`] beside it at `/mcp`.
    HttpSse,
    /// A plain event stream at `/events`: five past events, two more soon after each visitor, then
    /// only keep-alive comments. Ids count from 1; `Last-Event-ID` continues.
    Feed,
    /// MCP over WebSocket at `/ws`, both eras, with [`Base::Dual`] beside it at `/mcp`.
    WebSocketMcp,
    /// [`Base::Dual`] at `/mcp` and HTTP+SSE at `/sse` behind a bearer token ([`Endpoint::token`]), with
    /// protected-resource and authorization-server metadata.
    Gated,
    /// A web page at every path: nothing for agents.
    WebSite,
}

impl Base {
    /// Every kind.
    pub const ALL: [Self; 9] = [
        Self::Modern,
        Self::Legacy,
        Self::LegacyJson,
        Self::Dual,
        Self::HttpSse,
        Self::Feed,
        Self::WebSocketMcp,
        Self::Gated,
        Self::WebSite,
    ];

    /// The path of the scanned URL.
    #[must_use]
    pub const fn path(self) -> &'static str {
        match self {
            Self::Modern | Self::Legacy | Self::LegacyJson | Self::Dual | Self::Gated => "/mcp",
            Self::HttpSse => "/sse",
            Self::Feed => "/events",
            Self::WebSocketMcp => "/ws",
            Self::WebSite => "/",
        }
    }
}

/// How an endpoint behaves.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Behaviour {
    /// Its kind.
    pub base: Base,
    /// What is wrong with it; empty is sound.
    pub faults: BTreeSet<Fault>,
    /// Silence after which a held stream sends a keep-alive comment (a WebSocket: a ping).
    pub keep_alive: Duration,
    /// Whether every Origin is welcome, with correct CORS and no credentials: right for a public
    /// read-only API. The Host check stays.
    pub any_origin: bool,
}

impl Behaviour {
    /// A sound endpoint that keeps its streams alive every 15 s, as the official SDKs do.
    #[must_use]
    pub fn sound(base: Base) -> Self {
        Self { base, faults: BTreeSet::new(), keep_alive: Duration::from_secs(15), any_origin: false }
    }

    /// The same with one more fault.
    #[must_use]
    pub fn with(mut self, fault: Fault) -> Self {
        self.faults.insert(fault);
        self
    }

    /// The same with another keep-alive.
    #[must_use]
    pub fn keep_alive(mut self, interval: Duration) -> Self {
        self.keep_alive = interval;
        self
    }

    /// The same, open to every Origin.
    #[must_use]
    pub fn any_origin(mut self) -> Self {
        self.any_origin = true;
        self
    }

    pub(crate) fn has(&self, fault: Fault) -> bool {
        self.faults.contains(&fault)
    }
}

/// The sound endpoint of the `demo` command: both eras, keep-alives so close that two gaps fall into its
/// short watch.
#[must_use]
pub fn sound() -> Behaviour {
    Behaviour::sound(Base::Dual).keep_alive(Duration::from_millis(650))
}

/// The flawed endpoint of the `demo` command: legacy, streaming, with mistakes that real servers make.
#[must_use]
pub fn flawed() -> Behaviour {
    let faults = [
        Fault::RebindingServed,
        Fault::OriginIgnored,
        Fault::ContentTypeIgnored,
        Fault::SessionIdCounter,
        Fault::SessionUnknownServed,
        Fault::NoKeepAlive,
        Fault::ToolUndescribed,
        Fault::SchemaUnknownDialect,
        Fault::BadInputServerErrors,
        Fault::ErrorStackTrace,
        Fault::ResumeLoses,
        Fault::IdNumericString,
    ];
    Behaviour { faults: faults.into(), ..Behaviour::sound(Base::Legacy) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_base_has_a_path_of_its_own_kind() {
        for base in Base::ALL {
            assert!(base.path().starts_with('/'));
        }
        assert!(sound().faults.is_empty());
        for fault in flawed().faults {
            assert!(fault.spec().bases.contains(&Base::Legacy), "{}", fault.name());
        }
    }
}
