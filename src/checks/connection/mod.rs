//! Connection, TLS and HTTP.

mod tls_cert_valid;
mod tls_required;

use crate::check::Check;

/// In catalogue order.
pub(super) const CHECKS: &[&Check] = &[&tls_required::CHECK, &tls_cert_valid::CHECK];
