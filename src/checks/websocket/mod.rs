//! WebSocket.

mod named;
mod ws_handshake;
mod ws_mcp_roundtrip;
mod ws_only;
mod ws_origin_check;

use crate::check::Check;

/// In catalogue order.
pub(super) const CHECKS: &[&Check] =
    &[&ws_handshake::CHECK, &ws_origin_check::CHECK, &ws_mcp_roundtrip::CHECK, &ws_only::CHECK];
