//! The same call on fresh connections with nothing sent before: hidden state and stickiness show.

use std::time::Duration;

use serde_json::json;

use super::conversation::Conversation;
use super::mcp_client::McpClient;
use crate::facts::catalogue::capabilities;
use crate::net::Reuse;
use crate::protocol::names;
use crate::protocol::revision::Era;
use crate::transcript::ProbeId;

/// Between two requests of one session: `legacy-session-multi-connection` sends at most two a second, so
/// that a balancer that spreads by time shows, too. Where no idle stream is watched meanwhile, a scan has no
/// time for it.
const PACE: Duration = Duration::from_millis(500);

pub(super) async fn run(conversation: &Conversation<'_>, clients: &[McpClient]) {
    let rounds = if conversation.standard() { 8 } else { 4 };
    for client in clients.iter().filter(|client| client.streamable()) {
        // Without a session there is nothing that could stick in the legacy era.
        if client.era == Era::Legacy && client.session.is_none() {
            continue;
        }
        let method = method(conversation, client);
        let paced = client.era == Era::Legacy && conversation.standard();
        for number in 1..=rounds {
            if paced && number > 1 && conversation.lock().watching {
                conversation.wire.rest(PACE).await;
            }
            let call = client
                .call(ProbeId::Connections, format!("fresh-{number}"), method, json!({}))
                .reuse(Reuse::Fresh);
            if conversation.send(call).await.is_none() {
                return;
            }
        }
        if client.era == Era::Modern {
            // Discover comes first on this one: a server that wants it first shows here.
            let open = client.base(ProbeId::Connections, "open").reuse(Reuse::FreshKept);
            let Some(opened) = conversation.send(open).await else { return };
            let reused = Reuse::Kept(opened.connection);
            let call = client.call(ProbeId::Connections, "reused", method, json!({})).reuse(reused);
            conversation.send(call).await;
        }
    }
}

/// An advertised list in the modern era (discover itself where there is none), BASE in the legacy one.
fn method(conversation: &Conversation<'_>, client: &McpClient) -> &'static str {
    if client.era == Era::Legacy {
        return client.base;
    }
    let (exchanges, _) = conversation.wire.recorded();
    let advertised = exchanges
        .iter()
        .filter(|exchange| exchange.era == Some(Era::Modern) && exchange.probe == ProbeId::Classify)
        .find_map(capabilities)
        .unwrap_or_default();
    let lists = [("tools", "tools/list"), ("prompts", "prompts/list"), ("resources", "resources/list")];
    let advertised = lists.into_iter().find(|(capability, _)| advertised.contains_key(*capability));
    advertised
        .map_or(if client.base == "tools/list" { "tools/list" } else { names::DISCOVER }, |(_, method)| {
            method
        })
}
