//! The classes of endpoints, and how sure one is.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// The class of an endpoint.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum Kind {
    /// Streamable HTTP, per-request `_meta` only.
    Modern,
    /// Streamable HTTP, initialize handshake only.
    Legacy,
    /// Streamable HTTP, both eras.
    Dual,
    /// HTTP+SSE of 2024-11-05.
    HttpSse,
    /// A plain event stream.
    EventStream,
    /// MCP over WebSocket.
    McpWebsocket,
    /// A WebSocket that does not speak MCP.
    Websocket,
    /// Needs a credential that was not given (or was refused).
    AuthGated,
    /// Refuses our requests otherwise: 403 without a challenge, 421, or 429 throughout.
    Blocked,
    /// Speaks MCP, and serves nothing that would show its era: it refuses every call, or our Accept, or its
    /// replies cannot be read.
    Mcp,
    /// Another protocol of agents.
    Other,
    /// Reachable, and nothing an agent could use.
    None,
    /// Not reachable.
    Unreachable,
}

impl Kind {
    /// The class in words.
    #[must_use]
    pub const fn words(self) -> &'static str {
        match self {
            Self::Modern => "MCP Streamable HTTP, modern era",
            Self::Legacy => "MCP Streamable HTTP, legacy era",
            Self::Dual => "MCP Streamable HTTP, both eras",
            Self::HttpSse => "MCP HTTP+SSE (2024-11-05, deprecated)",
            Self::EventStream => "plain event stream (not MCP)",
            Self::McpWebsocket => "MCP over WebSocket",
            Self::Websocket => "plain WebSocket (not MCP)",
            Self::AuthGated => "behind authentication",
            Self::Blocked => "blocked",
            Self::Mcp => "MCP, era unknown",
            Self::Other => "another agent protocol (not MCP)",
            Self::None => "not an agent endpoint",
            Self::Unreachable => "unreachable",
        }
    }

    /// Whether it answers and lets us not in: what was not found there was not looked at.
    #[must_use]
    pub const fn refuses(self) -> bool {
        matches!(self, Self::AuthGated | Self::Blocked | Self::Mcp)
    }

    /// The class as it appears in reports.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Modern => "modern",
            Self::Legacy => "legacy",
            Self::Dual => "dual",
            Self::HttpSse => "http-sse",
            Self::EventStream => "event-stream",
            Self::McpWebsocket => "mcp-websocket",
            Self::Websocket => "websocket",
            Self::AuthGated => "auth-gated",
            Self::Blocked => "blocked",
            Self::Mcp => "mcp",
            Self::Other => "other",
            Self::None => "none",
            Self::Unreachable => "unreachable",
        }
    }
}

/// How sure the class is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum Confidence {
    /// From hints only: no class is, but the era behind authentication can be (see `era_guess`).
    Guess,
    /// One sign, not confirmed.
    Suspected,
    /// Shown, and shown again where it could be.
    Confirmed,
}
