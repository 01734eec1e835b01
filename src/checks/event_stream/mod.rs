//! Event-stream format and flow.

use crate::check::Check;

/// In catalogue order.
pub(super) const CHECKS: &[&Check] = &[];
