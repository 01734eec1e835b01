//! Streamable HTTP, legacy era.

mod legacy_event_ids_unique;
mod legacy_get_sse_or_405;
mod legacy_initialize;
mod legacy_initialized_202;
mod legacy_ping;
mod legacy_ping_response_accepted;
mod legacy_resume;
mod legacy_resume_own_stream;
mod legacy_session_id_quality;
mod legacy_session_multi_connection;
mod legacy_session_unknown_404;
mod legacy_version_negotiation;
mod resumption;

use crate::check::Check;

/// In catalogue order.
pub(super) const CHECKS: &[&Check] = &[
    &legacy_initialize::CHECK,
    &legacy_initialized_202::CHECK,
    &legacy_version_negotiation::CHECK,
    &legacy_ping::CHECK,
    &legacy_ping_response_accepted::CHECK,
    &legacy_session_id_quality::CHECK,
    &legacy_session_unknown_404::CHECK,
    &legacy_session_multi_connection::CHECK,
    &legacy_get_sse_or_405::CHECK,
    &legacy_event_ids_unique::CHECK,
    &legacy_resume::CHECK,
    &legacy_resume_own_stream::CHECK,
];
