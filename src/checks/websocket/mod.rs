//! WebSocket.

mod ws_handshake;
mod ws_mcp_roundtrip;
mod ws_only;
mod ws_origin_check;

use crate::check::Check;
use crate::facts::{Facts, Kind};
use crate::verdict::{Undecided, not_applicable};

/// In catalogue order.
pub(super) const CHECKS: &[&Check] =
    &[&ws_handshake::CHECK, &ws_origin_check::CHECK, &ws_mcp_roundtrip::CHECK, &ws_only::CHECK];

/// Leaves early where the WebSocket is only noted beside an endpoint of another kind.
fn named_by_it(facts: &Facts<'_>) -> Result<(), Undecided> {
    match facts.class().kind {
        Kind::McpWebsocket | Kind::Websocket => Ok(()),
        Kind::AuthGated => not_applicable("no WebSocket was seen: the endpoint is behind authentication"),
        _ => not_applicable("a WebSocket is only noted here, beside what names the endpoint"),
    }
}
