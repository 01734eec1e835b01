//! JSON-RPC envelope.

mod rpc_bad_input_no_5xx;
mod rpc_envelope_valid;
mod rpc_errors_do_not_leak;
mod rpc_id_echo;
mod rpc_malformed_codes;

use crate::check::Check;

/// In catalogue order.
pub(super) const CHECKS: &[&Check] = &[
    &rpc_envelope_valid::CHECK,
    &rpc_id_echo::CHECK,
    &rpc_malformed_codes::CHECK,
    &rpc_bad_input_no_5xx::CHECK,
    &rpc_errors_do_not_leak::CHECK,
];
