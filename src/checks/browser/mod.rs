//! Origin, Host and CORS.

use crate::check::Check;

/// In catalogue order.
pub(super) const CHECKS: &[&Check] = &[];
