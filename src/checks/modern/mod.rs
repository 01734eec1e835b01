//! Streamable HTTP, modern era.

use crate::check::Check;

/// In catalogue order.
pub(super) const CHECKS: &[&Check] = &[];
