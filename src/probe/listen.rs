//! The subscription stream of the modern era.

use std::time::Duration;

use serde_json::{Map, Value, json};

use super::conversation::Conversation;
use super::legacy;
use super::mcp_client::{McpClient, of};
use crate::facts::catalogue::capabilities;
use crate::facts::{listen, reply};
use crate::net::{Call, Handle, HandleKind, Message, Until};
use crate::protocol::revision::Era;
use crate::protocol::{jsonrpc, names};
use crate::transcript::ProbeId;

const PROBE: ProbeId = ProbeId::Listen;
/// What opening the connection may take of a wait, milliseconds.
const CONNECTING_MS: u64 = 500;

/// P-LISTEN with what is advertised, by a client of the modern era.
pub(super) async fn call(
    conversation: &Conversation<'_>,
    client: &McpClient,
    probe: ProbeId,
) -> Option<Call> {
    let advertised = advertised(conversation)?;
    let mut filter = listen::filter(&advertised, None);
    let mut uri = None;
    // A subscription to single resources needs one that exists; quick asks only where nothing else can be.
    if listen::resources(&advertised) && probe == PROBE && (conversation.standard() || filter.is_empty()) {
        uri = resource(conversation, client).await;
        filter = listen::filter(&advertised, uri.as_ref().map(Handle::shown));
    }
    if filter.is_empty() {
        return None;
    }
    let body = client.body(&client.id(), names::LISTEN, json!({ "notifications": filter }));
    let mut body = Message::new(body);
    if let Some(uri) = uri {
        body = body.with("/params/notifications/resourceSubscriptions/0", uri);
    }
    Some(client.post(probe, "listen", names::LISTEN, body))
}

fn advertised(conversation: &Conversation<'_>) -> Option<Map<String, Value>> {
    let (exchanges, _) = conversation.wire.recorded();
    exchanges
        .iter()
        .filter(|exchange| exchange.era == Some(Era::Modern) && exchange.probe == ProbeId::Classify)
        .find_map(capabilities)
}

async fn resource(conversation: &Conversation<'_>, client: &McpClient) -> Option<Handle> {
    let exchange = conversation.send(client.call(PROBE, "resources", "resources/list", json!({}))).await?;
    let read = reply::read(&exchange);
    let first = read.result()?.get("resources")?.as_array()?.first()?;
    first.get("uri").and_then(Value::as_str).map(|uri| conversation.wire.handle(HandleKind::Resource, uri))
}

/// Opens the stream, waits for what comes first, and watches it like any idle stream.
pub(super) async fn run(conversation: &Conversation<'_>, clients: &[McpClient]) {
    let Some(client) = of(clients, Era::Modern) else { return };
    let client = &client.another();
    let Some(call) = call(conversation, client, PROBE).await else { return };
    let limits = conversation.wire.limits();
    let quick = conversation.silence_ms();
    // Counted from here, a moment before the request goes out.
    let first = quick.unwrap_or(limits.first_event_ms.saturating_add(CONNECTING_MS));
    let watch = quick.unwrap_or(limits.idle_watch_ms.max(first));
    let Some(mut held) = conversation.hold(call.until(Until::Watch(watch))).await else { return };
    held.wait(Duration::from_millis(first), |head, lines| {
        head.is_some_and(|head| head.status != 200) || listen::begun(lines)
    })
    .await;
    let mut left = Duration::ZERO;
    if conversation.standard() {
        let watched = Duration::from_millis(limits.idle_watch_ms);
        let begun = tokio::time::Instant::now();
        legacy::idle(conversation, &mut held, watched).await;
        left = watched.saturating_sub(begun.elapsed());
    } else {
        // A reply that is no stream ends by itself.
        held.wait(Duration::from_millis(30), |_, lines| !lines.is_empty()).await;
    }
    if let Some(exchange) = conversation.wire.close(held).await {
        conversation.learn(&exchange).await;
        let sent = exchange.request.body.as_deref().and_then(|body| jsonrpc::parse(body).ok());
        let params = sent.and_then(|sent| sent.get("params").cloned()).unwrap_or_default();
        let again = |step| client.call(PROBE, step, names::LISTEN, params.clone());
        legacy::reopen(conversation, &exchange, left, again).await;
    }
}
