//! Origin, Host and CORS.

mod cors_no_credentialed_reflection;
mod cors_preflight;
mod cors_readable_errors;
mod cors_valid;
mod host_rebinding;
mod origin_absent_ok;
mod origin_rejected;

use crate::check::Check;

/// In catalogue order.
pub(super) const CHECKS: &[&Check] = &[
    &origin_rejected::CHECK,
    &origin_absent_ok::CHECK,
    &host_rebinding::CHECK,
    &cors_no_credentialed_reflection::CHECK,
    &cors_preflight::CHECK,
    &cors_readable_errors::CHECK,
    &cors_valid::CHECK,
];
