//! Event-stream format and flow.

mod sse_content_type;
mod sse_event_ids;
mod sse_grammar;
mod sse_keepalive;
mod sse_last_event_id;
mod sse_reconnect;
mod sse_stream_lasts;
mod sse_unbuffered;

use crate::check::Check;

/// In catalogue order.
pub(super) const CHECKS: &[&Check] = &[
    &sse_content_type::CHECK,
    &sse_grammar::CHECK,
    &sse_event_ids::CHECK,
    &sse_last_event_id::CHECK,
    &sse_unbuffered::CHECK,
    &sse_keepalive::CHECK,
    &sse_stream_lasts::CHECK,
    &sse_reconnect::CHECK,
];
