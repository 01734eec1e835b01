//! Names fixed by the specifications: headers, methods, `_meta` keys, error codes.

/// `Mcp-Session-Id`, legacy Streamable HTTP.
pub const SESSION_HEADER: &str = "mcp-session-id";
/// `MCP-Protocol-Version`, from 2025-06-18.
pub const VERSION_HEADER: &str = "mcp-protocol-version";
/// `Last-Event-ID`, on reconnection to an event stream.
pub const LAST_EVENT_ID: &str = "last-event-id";
/// `Mcp-Method`, modern era.
pub const METHOD_HEADER: &str = "mcp-method";
/// `Mcp-Name`, modern era, for calls that name a tool, prompt or resource.
pub const NAME_HEADER: &str = "mcp-name";

/// Modern discovery call; mandatory for servers from 2026-07-28.
pub const DISCOVER: &str = "server/discover";
/// Modern subscription stream.
pub const LISTEN: &str = "subscriptions/listen";
/// First message on a modern subscription stream.
pub const ACKNOWLEDGED: &str = "notifications/subscriptions/acknowledged";
/// Legacy handshake.
pub const INITIALIZE: &str = "initialize";
/// Legacy handshake, second step.
pub const INITIALIZED: &str = "notifications/initialized";

/// `_meta` key of the protocol version in a modern request.
pub const META_VERSION: &str = "io.modelcontextprotocol/protocolVersion";
/// `_meta` key of the client's name and version.
pub const META_CLIENT_INFO: &str = "io.modelcontextprotocol/clientInfo";
/// `_meta` key of the client's capabilities.
pub const META_CAPABILITIES: &str = "io.modelcontextprotocol/clientCapabilities";
/// `_meta` key of the server's name and version in a modern result.
pub const META_SERVER_INFO: &str = "io.modelcontextprotocol/serverInfo";

/// JSON-RPC: invalid JSON.
pub const PARSE_ERROR: i64 = -32700;
/// JSON-RPC: not a request object.
pub const INVALID_REQUEST: i64 = -32600;
/// JSON-RPC: no such method.
pub const METHOD_NOT_FOUND: i64 = -32601;
/// JSON-RPC: invalid params.
pub const INVALID_PARAMS: i64 = -32602;
/// JSON-RPC: internal error.
pub const INTERNAL_ERROR: i64 = -32603;
/// MCP 2026-07-28: header and body disagree, or a required header is missing.
pub const HEADER_MISMATCH: i64 = -32020;
/// MCP 2026-07-28: the client lacks a capability that the request needs.
pub const MISSING_CAPABILITY: i64 = -32021;
/// MCP 2026-07-28: the protocol version is not supported.
pub const UNSUPPORTED_VERSION: i64 = -32022;

/// An origin that no server allow-lists: reserved top-level domain (RFC 2606). Scans make up their own.
#[cfg(test)]
pub const FOREIGN_ORIGIN: &str = "https://scanner-origin.invalid";
/// The host of [`FOREIGN_ORIGIN`].
#[cfg(test)]
pub const FOREIGN_HOST: &str = "scanner-origin.invalid";
