//! The registry of checks, one file each.
//!
//! # Add a check: the places, in order
//!
//! 1. `src/checks/<area>/<id with underscores>.rs`: copy the nearest one. Metadata first (no source, no check:
//!    [`mcp!`](prelude::mcp), [`rfc!`](prelude::rfc) or a `Basis`), then `judge`, then `examples`. Several
//!    requests that ought to be refused are [`cases::Cases`]; a rule that every exchange obeys is
//!    `Observations::each`. Read through [`crate::facts::Facts`], leave early with `?`. Something no fact gives
//!    is a new fact; something no exchange shows is a new step of a probe.
//! 2. `src/checks/<area>/mod.rs`: `mod x;` and `&x::CHECK,`.
//! 3. `rubrics/agent-readiness.toml`: its points.
//! 4. `src/demo/fault.rs`: a fault that it finds, so that `tests/it/accuracy.rs` sees it over the wire.
//!
//! `examples` is a table, one record a row: it must pass, warn or fail, and be undecided somewhere. What holds
//! for every check (another era, nothing sent, a scan that stopped, a wall in place of a refusal) is a law in
//! `laws.rs` or `tests/it/check_laws.rs` and needs no row. Then `cargo test`: the drift tests name what is
//! missing, and renew the generated page and the one snapshot with a line for each check.
#![deny(clippy::disallowed_methods, clippy::disallowed_types)]

mod auth;
mod browser;
pub(crate) mod cases;
mod catalog;
mod connection;
mod event_stream;
#[cfg(test)]
pub(crate) mod examples;
mod http_sse;
mod jsonrpc;
#[cfg(test)]
mod laws;
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

/// Every area, in catalogue order.
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
