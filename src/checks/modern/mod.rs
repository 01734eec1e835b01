//! Streamable HTTP, modern era.

mod modern_discover;
mod modern_result_type;
mod modern_unsupported_version;
mod modern_version_header_mismatch;

use crate::check::Check;

/// In catalogue order.
pub(super) const CHECKS: &[&Check] = &[
    &modern_discover::CHECK,
    &modern_result_type::CHECK,
    &modern_unsupported_version::CHECK,
    &modern_version_header_mismatch::CHECK,
];
