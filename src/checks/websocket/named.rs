//! What only an endpoint that is named by its WebSocket is asked.

use crate::facts::{Facts, Kind};
use crate::verdict::{Undecided, not_applicable};

/// Leaves early where the WebSocket is only noted beside an endpoint of another kind.
pub(super) fn named_by_it(facts: &Facts<'_>) -> Result<(), Undecided> {
    match facts.class().kind {
        Kind::McpWebsocket | Kind::Websocket => Ok(()),
        Kind::AuthGated => not_applicable("no WebSocket was seen: the endpoint is behind authentication"),
        _ => not_applicable("a WebSocket is only noted here, beside what names the endpoint"),
    }
}
