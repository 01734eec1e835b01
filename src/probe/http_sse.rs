//! The conversation over HTTP+SSE (2024-11-05): a held GET announces where to post, and replies to the
//! POSTs come on its stream. The held GET of classification stays the idle stream.

use std::sync::Arc;

use super::bodies::initialize;
use super::conversation::{Answered, Conversation};
use super::mcp_client::{Channel, McpClient, negotiated};
use super::stream::{SseSession, connect, initialized};
use crate::facts::catalogue::capabilities_in;
use crate::facts::steps::{self, Initialize};
use crate::net::{Call, Place};
use crate::protocol::names;
use crate::protocol::revision::{Era, Revision};
use crate::transcript::ProbeId;

const PROBE: ProbeId = ProbeId::HttpSse;

/// Opens a session and shakes hands; `None` where that did not succeed.
pub(super) async fn open(conversation: &Conversation<'_>, place: &Place) -> Option<McpClient> {
    conversation.wire.doing("speaking MCP over HTTP+SSE");
    let open = connect(conversation, place).await?;
    let newest = Revision::NEWEST_LEGACY.as_str();
    let call = initialize(&conversation.client_info, PROBE, names::INITIALIZE, Some(place), newest);
    let answered = open.ask(conversation, call).await;
    let read = answered.as_ref().map(|answered| steps::initialize_read(&answered.exchange, &answered.reply));
    let (Some(answered), Some(Initialize::Legacy { version, .. })) = (answered, read) else {
        open.close(conversation).await;
        return None;
    };
    let Some(version) = negotiated(conversation, version, true) else {
        open.close(conversation).await;
        return None;
    };
    initialized(conversation, &open, place).await;
    let mut client =
        McpClient::new(&conversation.client_info, Era::Legacy, place, None, &version, answered.exchange.id);
    client.capabilities = Some(capabilities_in(&answered.reply).unwrap_or_default());
    client.channel = Channel::HttpSse(Arc::new(SseSession::of(open, place, version)));
    Some(client)
}

/// `initialize` in a session of its own, as the step of another probe.
pub(super) async fn initialize_alone(
    conversation: &Conversation<'_>,
    place: &Place,
    call: Call,
) -> Option<Answered> {
    let open = connect(conversation, place).await?;
    let answered = open.ask(conversation, call).await;
    open.close(conversation).await;
    answered
}
