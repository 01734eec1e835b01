//! Subscriptions stream (2026-07-28).

mod listen_ack_first;

use crate::check::Check;

/// In catalogue order.
pub(super) const CHECKS: &[&Check] = &[&listen_ack_first::CHECK];
