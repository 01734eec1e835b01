//! JSON-RPC envelope.

mod handshake_served;
mod rpc_bad_input_no_5xx;
mod rpc_envelope_valid;
mod rpc_error_code_ranges;
mod rpc_error_object_shape;
mod rpc_errors_do_not_leak;
mod rpc_id_echo;
mod rpc_malformed_codes;
mod rpc_meta_keys;
mod rpc_notification_silent;
mod rpc_optional_not_null;
mod rpc_schema_valid;

use crate::check::Check;

/// In catalogue order.
pub(super) const CHECKS: &[&Check] = &[
    &handshake_served::CHECK,
    &rpc_envelope_valid::CHECK,
    &rpc_id_echo::CHECK,
    &rpc_notification_silent::CHECK,
    &rpc_error_object_shape::CHECK,
    &rpc_malformed_codes::CHECK,
    &rpc_bad_input_no_5xx::CHECK,
    &rpc_error_code_ranges::CHECK,
    &rpc_errors_do_not_leak::CHECK,
    &rpc_optional_not_null::CHECK,
    &rpc_schema_valid::CHECK,
    &rpc_meta_keys::CHECK,
];
