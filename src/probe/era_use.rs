//! The legacy era is used once it is open: a ping, and a list where the ping is refused or no list follows. What is
//! served here is BASE from then on.

use serde_json::Value;

use super::conversation::{Answered, Conversation};
use super::mcp_client::{Channel, McpClient};
use crate::facts::barrier::{self, Barrier};
use crate::facts::catalogue::capabilities;
use crate::net::{Call, Reuse};
use crate::protocol::names;
use crate::protocol::revision::Era;
use crate::transcript::ProbeId;

const PROBE: ProbeId = ProbeId::EraUse;
/// Lists, and the capability that announces each.
const LISTS: [(&str, &str); 3] =
    [("tools/list", "tools"), ("prompts/list", "prompts"), ("resources/list", "resources")];

/// Uses the legacy era of each transport, and chooses its BASE. The modern one needs none of this: discover served,
/// or the list that proved it.
pub(super) async fn run(conversation: &Conversation<'_>, clients: &mut [McpClient]) {
    let newest = clients.first().map(|client| client.era);
    for client in clients.iter_mut().filter(|client| client.era == Era::Legacy) {
        conversation.wire.doing("using the era that initialize opened");
        // The catalogue of this era is read anyway, but for the older one in quick.
        let listed = conversation.standard() || newest == Some(client.era);
        try_it(conversation, client, listed).await;
    }
}

async fn try_it(conversation: &Conversation<'_>, client: &mut McpClient, listed: bool) -> Option<()> {
    let ping = conversation.ask(client, client.base(of_ping(client), "ping")).await?;
    if executed(&ping) {
        client.used_by = Some(ping.exchange.id);
    }
    if walled(&ping) || (executed(&ping) && listed) {
        return None;
    }
    for method in lists(conversation, client) {
        let answered = conversation.ask(client, client.call(PROBE, method, method, Value::Null)).await?;
        if walled(&answered) {
            return None;
        }
        if executed(&answered) {
            if !executed(&ping) {
                client.base = method;
                client.used_by = Some(answered.exchange.id);
            }
            return None;
        }
    }
    if executed(&ping) || !client.streamable() {
        return None;
    }
    // Refused throughout: was it the connection, or the version header?
    conversation.ask(client, client.base(PROBE, "again").reuse(Reuse::Fresh)).await?;
    let mut bare: Call = client.base(PROBE, "without-version").reuse(Reuse::Fresh);
    let before = bare.headers.len();
    bare.headers.retain(|(name, _)| name != names::VERSION_HEADER);
    if bare.headers.len() < before {
        conversation.ask(client, bare).await?;
    }
    None
}

/// The ping of the other transports is part of their conversation.
fn of_ping(client: &McpClient) -> ProbeId {
    match client.channel {
        Channel::Streamable => PROBE,
        Channel::HttpSse(_) => ProbeId::HttpSse,
        Channel::WebSocket(_) => ProbeId::WebSocket,
    }
}

/// Whether it was carried out, under whatever id the result came.
fn executed(answered: &Answered) -> bool {
    let reply = &answered.reply;
    reply.answer.as_ref().or(reply.lenient.as_ref()).is_some_and(|answer| answer.result().is_some())
}

/// Whether something else than the endpoint refuses: it is not asked again and again.
fn walled(answered: &Answered) -> bool {
    matches!(barrier::barrier(&answered.exchange), Some(Barrier::Gated | Barrier::RateLimited))
}

/// The lists that are advertised; where none is known, that of the tools.
fn lists(conversation: &Conversation<'_>, client: &McpClient) -> Vec<&'static str> {
    let advertised = client.capabilities.clone().unwrap_or_else(|| {
        let (exchanges, _) = conversation.wire.recorded();
        let of_era = exchanges.iter().filter(|exchange| exchange.era == Some(client.era));
        of_era.filter_map(capabilities).last().unwrap_or_default()
    });
    let known = LISTS.into_iter().filter(|(_, capability)| advertised.contains_key(*capability));
    let lists: Vec<&str> = known.map(|(method, _)| method).collect();
    if lists.is_empty() { vec!["tools/list"] } else { lists }
}
