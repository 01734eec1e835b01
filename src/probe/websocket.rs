//! The conversation over MCP on a WebSocket. Classification has its own socket; here every message is an
//! exchange of its own.

use std::sync::Arc;

use serde_json::{Value, json};

use super::bodies::initialize;
use super::conversation::{Answered, Conversation};
use super::mcp_client::{Channel, McpClient, negotiated};
use super::socket::{Open, SocketFound, SocketSession, connect, message};
use crate::facts::catalogue::capabilities_in;
use crate::facts::steps::{self, Initialize};
use crate::net::{HeaderText, Place};
use crate::protocol::names;
use crate::protocol::revision::{Era, Revision};
use crate::transcript::ProbeId;

const PROBE: ProbeId = ProbeId::WebSocket;

/// Opens a socket and begins in the era that answered before; `None` where that did not succeed.
pub(super) async fn open(
    conversation: &Conversation<'_>,
    found: &SocketFound,
    era: Era,
) -> Option<McpClient> {
    conversation.wire.doing("speaking MCP over a WebSocket");
    let open = connect(conversation, &found.place, found.subprotocol.as_ref()).await?;
    let begun = begin(conversation, &open, &found.place, era).await;
    let Some((version, answered)) = begun else {
        open.close(conversation).await;
        return None;
    };
    let mut client =
        McpClient::new(&conversation.client_info, era, &found.place, None, &version, answered.exchange.id);
    client.capabilities = Some(capabilities_in(&answered.reply).unwrap_or_default());
    client.channel = Channel::WebSocket(Arc::new(SocketSession::of(open, found, era, version)));
    Some(client)
}

/// `server/discover`, or the handshake. Gives the version spoken and what proved it.
async fn begin(
    conversation: &Conversation<'_>,
    open: &Open,
    place: &Place,
    era: Era,
) -> Option<(String, Answered)> {
    if era == Era::Modern {
        let ours = Revision::NEWEST_MODERN.as_str();
        let asking = McpClient::new(&conversation.client_info, era, place, None, ours, 0);
        let body = asking.body(&json!("d-1"), names::DISCOVER, Value::Null);
        let answered = open.ask(conversation, message("discover", era, body), None).await?;
        return answered.reply.served().then(|| (ours.to_owned(), answered));
    }
    let newest = Revision::NEWEST_LEGACY.as_str();
    let call = initialize(&conversation.client_info, PROBE, names::INITIALIZE, None, newest);
    let answered = open.ask(conversation, call, None).await?;
    let Initialize::Legacy { version, .. } = steps::initialize_read(&answered.exchange, &answered.reply)
    else {
        return None;
    };
    let version = negotiated(conversation, version, true)?;
    let body = json!({ "jsonrpc": "2.0", "method": names::INITIALIZED });
    open.ask(conversation, message("initialized", era, body), None).await;
    Some((version, answered))
}

/// Whether the server selects a subprotocol that nobody has.
pub(super) async fn unknown_subprotocol(conversation: &Conversation<'_>, place: &Place) {
    let nobody = HeaderText::Ours(conversation.invented.subprotocol());
    let call = conversation.upgrade_call(PROBE, "subprotocol", place, Some(&nobody));
    conversation.knock(call).await;
}
