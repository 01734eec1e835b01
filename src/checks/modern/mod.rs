//! Streamable HTTP, modern era.

mod modern_discover;
mod modern_get_405;
mod modern_meta_required;
mod modern_no_connection_state;
mod modern_result_type;
mod modern_unknown_method_404;
mod modern_unsupported_version;
mod modern_version_header_mismatch;

use crate::check::Check;

/// In catalogue order.
pub(super) const CHECKS: &[&Check] = &[
    &modern_discover::CHECK,
    &modern_result_type::CHECK,
    &modern_unsupported_version::CHECK,
    &modern_version_header_mismatch::CHECK,
    &modern_meta_required::CHECK,
    &modern_unknown_method_404::CHECK,
    &modern_get_405::CHECK,
    &modern_no_connection_state::CHECK,
];
