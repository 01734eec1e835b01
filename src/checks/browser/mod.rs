//! Origin, Host and CORS.

mod cors_no_credentialed_reflection;
mod cors_preflight;
mod cors_valid;
mod host_rebinding;
mod origin_rejected;

use crate::check::Check;

/// In catalogue order.
pub(super) const CHECKS: &[&Check] = &[
    &origin_rejected::CHECK,
    &host_rebinding::CHECK,
    &cors_no_credentialed_reflection::CHECK,
    &cors_preflight::CHECK,
    &cors_valid::CHECK,
];
