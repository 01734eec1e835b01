//! Operations and reliability.

mod ops_error_rate;
mod ops_fleet_consistency;
mod ops_latency;

use crate::check::Check;

/// In catalogue order.
pub(super) const CHECKS: &[&Check] =
    &[&ops_latency::CHECK, &ops_error_rate::CHECK, &ops_fleet_consistency::CHECK];
