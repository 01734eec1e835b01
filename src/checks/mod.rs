//! The registry of checks, one file each.
//!
//! # Add a check in five minutes
//!
//! 1. Copy the nearest file in `src/checks/<area>/`. The file name is the id with underscores.
//! 2. Change the metadata. No source, no check: name document, revision and section, or say it is
//!    practice and where it comes from.
//! 3. Write `judge`. Read through [`crate::facts::Facts`], leave early with `?`, return evidence. Need
//!    something no fact gives? Add a fact. No exchange shows it? Only then add a probe step.
//! 4. Add `mod x;` and `&x::CHECK,` to the area's `mod.rs`, and points to `rubrics/agent-readiness.toml`.
//! 5. Add tests named `passes…`, `fails…` or `warns…`, and `undecided…` at the end of the file. Run
//!    `cargo test`: the drift tests name what is missing.
#![deny(clippy::disallowed_methods, clippy::disallowed_types)]

mod auth;
mod browser;
mod catalog;
mod connection;
mod event_stream;
mod http_sse;
mod jsonrpc;
mod legacy;
mod listen;
mod modern;
mod operations;
pub(crate) mod prelude;
mod streamable;
#[cfg(test)]
pub mod synthetic;
mod websocket;

use crate::check::Check;

/// An area of the catalogue and its checks, in catalogue order.
#[derive(Clone, Copy, Debug)]
pub struct Area {
    /// Folder name.
    pub name: &'static str,
    /// Title for reports.
    pub title: &'static str,
    /// Its checks.
    pub checks: &'static [&'static Check],
}

/// Every area, in catalogue order (CHECKS.md A–M).
pub const AREAS: &[Area] = &[
    Area { name: "connection", title: "Connection, TLS and HTTP", checks: connection::CHECKS },
    Area { name: "jsonrpc", title: "JSON-RPC envelope", checks: jsonrpc::CHECKS },
    Area { name: "streamable", title: "Streamable HTTP, both eras", checks: streamable::CHECKS },
    Area { name: "modern", title: "Streamable HTTP, modern era", checks: modern::CHECKS },
    Area { name: "listen", title: "Subscriptions stream, modern era", checks: listen::CHECKS },
    Area { name: "legacy", title: "Streamable HTTP, legacy era", checks: legacy::CHECKS },
    Area { name: "http_sse", title: "HTTP+SSE", checks: http_sse::CHECKS },
    Area { name: "event_stream", title: "Event-stream format and flow", checks: event_stream::CHECKS },
    Area { name: "browser", title: "Origin, Host and CORS", checks: browser::CHECKS },
    Area { name: "auth", title: "Authorization", checks: auth::CHECKS },
    Area { name: "catalog", title: "Capabilities and tools", checks: catalog::CHECKS },
    Area { name: "operations", title: "Operations and reliability", checks: operations::CHECKS },
    Area { name: "websocket", title: "WebSocket", checks: websocket::CHECKS },
];

/// Every check, in registry order.
pub fn all() -> impl Iterator<Item = &'static Check> {
    AREAS.iter().flat_map(|area| area.checks.iter().copied())
}

/// The check with this id.
#[must_use]
pub fn by_id(id: &str) -> Option<&'static Check> {
    all().find(|check| check.id == id)
}

/// The area a check is registered in; empty for an id that is not.
#[must_use]
pub fn area_of(id: &str) -> &'static str {
    AREAS.iter().find(|area| area.checks.iter().any(|check| check.id == id)).map_or("", |area| area.name)
}

impl Check {
    /// The area of the catalogue the check belongs to, from its registration.
    #[must_use]
    pub fn area(&self) -> &'static str {
        area_of(self.id)
    }
}
