//! Connection, TLS and HTTP.

mod http_body_complete;
mod http_content_coding;
mod tls_cert_valid;
mod tls_required;

use crate::check::Check;

/// In catalogue order.
pub(super) const CHECKS: &[&Check] =
    &[&tls_required::CHECK, &tls_cert_valid::CHECK, &http_body_complete::CHECK, &http_content_coding::CHECK];
