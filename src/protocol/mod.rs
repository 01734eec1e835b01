//! Vocabulary of the wire: revisions, names, JSON-RPC, event-stream lines, header readers. Pure.
// What a peer sends must not be able to panic: tests of ours may.
#![cfg_attr(
    not(test),
    deny(
        clippy::unwrap_used,
        clippy::expect_used,
        clippy::indexing_slicing,
        clippy::string_slice,
        clippy::arithmetic_side_effects
    )
)]
#![deny(clippy::disallowed_methods, clippy::disallowed_types)]

pub mod address;
pub mod announced;
pub mod challenge;
pub mod client_info;
pub mod coding;
pub mod headers;
pub mod host;
pub mod jsonrpc;
pub mod names;
pub mod revision;
pub mod schemas;
pub mod sse;
mod sse_client;
mod sse_line;
pub mod transport;
pub mod websocket;
pub mod well_known;
