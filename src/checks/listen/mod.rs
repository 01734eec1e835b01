//! Subscriptions stream (2026-07-28).

use crate::check::Check;

/// In catalogue order.
pub(super) const CHECKS: &[&Check] = &[];
