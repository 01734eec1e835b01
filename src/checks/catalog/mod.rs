//! Capabilities and tools.

mod cap_matches_handlers;
mod list_pagination;
mod tools_described;
mod tools_list_conforms;
mod tools_schema_valid;

use crate::check::Check;

/// In catalogue order.
pub(super) const CHECKS: &[&Check] = &[
    &cap_matches_handlers::CHECK,
    &list_pagination::CHECK,
    &tools_list_conforms::CHECK,
    &tools_schema_valid::CHECK,
    &tools_described::CHECK,
];
