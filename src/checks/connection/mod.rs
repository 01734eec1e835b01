//! Connection, TLS and HTTP.

mod http_body_complete;
mod http_content_coding;
mod http_host_served;
mod http_redirect_safe;
mod http_single_valued_headers;
mod tls_cert_valid;
mod tls_required;

use crate::check::Check;

/// In catalogue order.
pub(super) const CHECKS: &[&Check] = &[
    &tls_required::CHECK,
    &tls_cert_valid::CHECK,
    &http_host_served::CHECK,
    &http_body_complete::CHECK,
    &http_redirect_safe::CHECK,
    &http_content_coding::CHECK,
    &http_single_valued_headers::CHECK,
];
