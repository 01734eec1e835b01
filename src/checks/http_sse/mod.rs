//! HTTP+SSE (2024-11-05).

mod http_sse_data_is_jsonrpc;
mod http_sse_deprecated;
mod http_sse_endpoint_first;
mod http_sse_endpoint_usable;
mod http_sse_post_not_streamed;
mod http_sse_roundtrip;

use crate::check::Check;

/// In catalogue order.
pub(super) const CHECKS: &[&Check] = &[
    &http_sse_endpoint_first::CHECK,
    &http_sse_endpoint_usable::CHECK,
    &http_sse_roundtrip::CHECK,
    &http_sse_data_is_jsonrpc::CHECK,
    &http_sse_deprecated::CHECK,
    &http_sse_post_not_streamed::CHECK,
];
