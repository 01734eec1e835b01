//! JSON-RPC envelope.

mod rpc_id_echo;

use crate::check::Check;

/// In catalogue order.
pub(super) const CHECKS: &[&Check] = &[&rpc_id_echo::CHECK];
