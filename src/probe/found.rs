//! What classification found, as far as later probes need it.

use super::mcp_client::McpClient;
use super::socket::SocketFound;
use crate::net::{Held, Place};

/// What was found, as far as later probes need it.
pub(super) struct FoundEndpoint {
    /// Where HTTP requests go.
    pub(super) target: Endpoint,
    pub(super) modern: Option<McpClient>,
    pub(super) legacy: Option<McpClient>,
    /// The WebSocket, where there is one.
    pub(super) socket: Option<SocketFound>,
    /// The feed's or HTTP+SSE's stream, still open.
    pub(super) stream: Option<Held>,
    /// Set where Streamable HTTP answered: whether a socket was tried already. What else is here may be
    /// looked at beside everything else.
    pub(super) look_aside: Option<bool>,
}

/// The endpoint that later probes talk to.
#[derive(Clone, Debug)]
pub(super) struct Endpoint {
    /// Its HTTP URL.
    pub(super) place: Place,
    /// Whether it is a plain feed or HTTP+SSE: BASE is a GET.
    pub(super) feed: Option<Feed>,
}

/// Which kind of GET stream.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Feed {
    /// Plain event stream.
    Plain,
    /// HTTP+SSE.
    HttpSse,
}

impl FoundEndpoint {
    /// Nothing yet.
    pub(super) fn nothing(place: Place) -> Self {
        Self {
            target: Endpoint { place, feed: None },
            modern: None,
            legacy: None,
            socket: None,
            stream: None,
            look_aside: None,
        }
    }

    /// Whether only the modern era answered.
    pub(super) fn modern_only(&self) -> bool {
        self.modern.is_some() && self.legacy.is_none()
    }

    /// One client for each era, newest first.
    pub(super) fn clients(&self) -> Vec<McpClient> {
        [&self.modern, &self.legacy].into_iter().flatten().map(McpClient::another).collect()
    }
}
