//! HTTP+SSE (2024-11-05).

use crate::check::Check;

/// In catalogue order.
pub(super) const CHECKS: &[&Check] = &[];
