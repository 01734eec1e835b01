//! The four ways in which an endpoint can be reached.

use std::fmt;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// How messages travel.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum Transport {
    /// MCP Streamable HTTP, 2025-03-26 on.
    StreamableHttp,
    /// MCP HTTP+SSE, 2024-11-05.
    HttpSse,
    /// A plain event stream that is not MCP.
    EventStream,
    /// WebSocket (MCP over it, or plain).
    Websocket,
}

impl Transport {
    /// The name as it appears in reports.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::StreamableHttp => "streamable-http",
            Self::HttpSse => "http-sse",
            Self::EventStream => "event-stream",
            Self::Websocket => "websocket",
        }
    }
}

impl fmt::Display for Transport {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}
