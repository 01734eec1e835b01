//! Streamable HTTP, legacy era.

mod legacy_initialize;
mod legacy_version_negotiation;

use crate::check::Check;

/// In catalogue order.
pub(super) const CHECKS: &[&Check] = &[&legacy_initialize::CHECK, &legacy_version_negotiation::CHECK];
