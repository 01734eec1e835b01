//! JSON-RPC envelope.

mod rpc_envelope_valid;
mod rpc_id_echo;
mod rpc_malformed_codes;

use crate::check::Check;

/// In catalogue order.
pub(super) const CHECKS: &[&Check] =
    &[&rpc_envelope_valid::CHECK, &rpc_id_echo::CHECK, &rpc_malformed_codes::CHECK];
