//! Content types that a web page can send without preflight.

use serde_json::Value;

use super::bodies::initialize;
use super::conversation::Conversation;
use super::mcp_client::{Channel, McpClient};
use crate::net::Call;
use crate::protocol::revision::{Era, Revision};
use crate::transcript::ProbeId;

const PROBE: ProbeId = ProbeId::ContentType;

pub(super) async fn run(conversation: &Conversation<'_>, clients: &[McpClient], modern_only: bool) {
    let era = if modern_only { Era::Modern } else { Era::Legacy };
    let posts = |client: &&McpClient| client.era == era && !matches!(client.channel, Channel::WebSocket(_));
    let Some(client) = clients.iter().find(posts) else { return };
    conversation.wire.doing("sending content types that web pages can send");
    // No page can send the MCP headers without preflight, so a modern-only endpoint gets BASE bare. On
    // HTTP+SSE the session is in the URL.
    let request = |step: &str| -> Call {
        if !client.streamable() {
            client.base(PROBE, step)
        } else if modern_only {
            let body = client.body(&client.id(), client.base, Value::Null);
            Call::post(PROBE, step, &client.place, body).era(Era::Modern)
        } else {
            initialize(
                &client.client_info,
                PROBE,
                step,
                Some(&client.place),
                Revision::NEWEST_LEGACY.as_str(),
            )
        }
    };
    let twin = Some(client.proved_by);
    let plain = |step: &str| request(step).header("content-type", "text/plain;charset=UTF-8").negative(twin);
    let Some(first) = conversation.ask(client, plain("text-plain")).await else { return };
    if first.reply.served() {
        let foreign = plain("text-plain-origin").header("origin", conversation.invented.origin());
        if conversation.ask(client, foreign).await.is_none() {
            return;
        }
    }
    conversation.ask(client, request("none").without("content-type").negative(twin)).await;
}

/// BASE with its media types in other words that mean the same, or less: read as header fields, they change
/// nothing. All of them in the newest era, the parameter alone in the other.
pub(super) async fn media_types(conversation: &Conversation<'_>, clients: &[McpClient]) {
    for (index, client) in clients.iter().filter(|client| client.streamable()).enumerate() {
        if index > 0 && !conversation.standard() {
            return;
        }
        let twin = if client.era == Era::Modern { Some(client.proved_by) } else { client.used_by };
        if twin.is_none() {
            continue;
        }
        conversation.wire.doing("writing media types in other words");
        let mut fields = vec![("charset", "content-type", "application/json; charset=utf-8")];
        if index == 0 && conversation.standard() {
            fields.extend([
                ("accept-order", "accept", "text/event-stream;q=0.9, application/json"),
                ("accept-any", "accept", "*/*"),
                ("accept-json", "accept", "application/json"),
            ]);
        }
        for (step, name, value) in fields {
            let call = client.base(PROBE, step).header(name, value).negative(twin);
            if conversation.send(call).await.is_none() {
                return;
            }
        }
    }
}
