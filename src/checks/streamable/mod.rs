//! Streamable HTTP, both eras.

mod sh_content_type_enforced;
mod sh_era_usable;
mod sh_headers_forwarded;
mod sh_media_types_parsed;
mod sh_post_response_type;
mod sh_sse_data_is_jsonrpc;
mod sh_stream_delivers_response;
mod sh_stream_ends_after_response;

use crate::check::Check;

/// In catalogue order.
pub(super) const CHECKS: &[&Check] = &[
    &sh_post_response_type::CHECK,
    &sh_stream_delivers_response::CHECK,
    &sh_stream_ends_after_response::CHECK,
    &sh_sse_data_is_jsonrpc::CHECK,
    &sh_content_type_enforced::CHECK,
    &sh_media_types_parsed::CHECK,
    &sh_era_usable::CHECK,
    &sh_headers_forwarded::CHECK,
];
