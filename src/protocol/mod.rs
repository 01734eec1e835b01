//! Vocabulary of the wire: revisions, names, JSON-RPC, event-stream lines, header readers. Pure.
#![deny(clippy::disallowed_methods, clippy::disallowed_types)]

pub mod address;
pub mod headers;
pub mod jsonrpc;
pub mod names;
pub mod revision;
pub mod sse;
pub mod transport;
pub mod websocket;
pub mod well_known;
