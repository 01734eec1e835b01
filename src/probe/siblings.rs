//! Looks beside the URL: same origin, stops at the first hit.

use super::bodies::initialize;
use super::conversation::Conversation;
use crate::facts::barrier;
use std::time::Duration;

use url::Url;

use super::mcp_client::McpClient;
use crate::facts::barrier::Barrier;
use crate::facts::cards::{self, CardEntry};
use crate::facts::others;
use crate::facts::steps::{self, Discover, Get, Initialize, Socket};

use crate::net::websocket::Upgrade;
use crate::net::{Call, HandleKind, Place, Until};
use crate::protocol::names;
use crate::protocol::revision::{Era, Revision};
use crate::protocol::sse::{self, Block};
use crate::protocol::well_known::PROTECTED_RESOURCE;
use crate::transcript::{FailureKind, ProbeId};

/// Paths where servers host Streamable HTTP by habit; no revision defines one.
const MCP: [&str; 4] = ["/mcp", "/mcp/", "/api/mcp", "/v1/mcp"];
/// Paths where servers host HTTP+SSE by habit.
const SSE: [&str; 2] = ["/sse", "/mcp/sse"];
/// Paths where sockets are.
const WS: [&str; 2] = ["/ws", "/mcp/ws"];
/// Superseded drafts, noted only.
const DRAFTS: [&str; 3] =
    ["/.well-known/mcp.json", "/.well-known/mcp/server-card.json", "/.well-known/mcp-server-card"];
/// How long a sibling's stream may take to announce itself.
const FIRST_EVENT_MS: u64 = 2_000;

pub(super) async fn run(conversation: &Conversation<'_>, place: &Place) {
    conversation.wire.doing("looking at sibling paths");
    let here = place.path();
    // Servers that migrate host both: whoever asked for one is shown the other first.
    let asked_for_mcp = here.ends_with("/mcp");
    let rounds: [bool; 2] = if asked_for_mcp { [false, true] } else { [true, false] };
    for streamable in rounds {
        let places = if streamable {
            streamable_places(place)
        } else {
            SSE.into_iter().filter(|path| *path != here).map(|path| (path, place.at(path))).collect()
        };
        for (path, at) in places {
            let hit = if streamable {
                mcp(conversation, path, &at).await
            } else {
                sse(conversation, path, &at).await
            };
            if hit {
                return;
            }
            // Whoever lets a POST wait on one path will on the next.
            if streamable && silent(conversation) {
                break;
            }
        }
    }
    if documents(conversation, place).await {
        return;
    }
    for path in WS.iter().filter(|path| **path != here) {
        if websocket(conversation, path, &place.at(path).twin(true)).await {
            return;
        }
    }
    for path in DRAFTS {
        document(conversation, &format!("draft {path}"), &place.at(path), "application/json").await;
    }
}

/// Where Streamable HTTP may be beside a place, each with a name for the record: at its parent, where frameworks
/// mount it (`…/mcp/` of `…/mcp/sse`), at the usual paths, and at the root.
fn streamable_places(place: &Place) -> Vec<(&'static str, Place)> {
    let parents = [("parent/", place.parent(true)), ("parent", place.parent(false))];
    let mut places: Vec<(&'static str, Place)> =
        parents.into_iter().filter_map(|(name, parent)| Some((name, parent?))).collect();
    for path in MCP.into_iter().chain(["/"]) {
        let at = place.at(path);
        if at.path() != place.path() && !places.iter().any(|(_, known)| known.path() == at.path()) {
            places.push((path, at));
        }
    }
    places
}

/// Whether the last request met silence.
fn silent(conversation: &Conversation<'_>) -> bool {
    let (exchanges, _) = conversation.wire.recorded();
    let failure = exchanges.last().and_then(|last| last.failure.as_ref());
    failure.is_some_and(|failure| failure.kind == FailureKind::HeaderTimeout)
}

/// Most requests for Streamable HTTP beside an endpoint of another transport.
const BESIDE: u32 = 4;

/// Looks for Streamable HTTP beside an endpoint that speaks MCP over another transport: only that part of
/// step 5, and only a few requests.
pub(super) async fn streamable(conversation: &Conversation<'_>, place: &Place) {
    if conversation.options.discover {
        return run(conversation, place).await;
    }
    conversation.wire.doing("looking for Streamable HTTP on sibling paths");
    let before = conversation.ledger.sent();
    for (path, at) in streamable_places(place) {
        let spent = conversation.ledger.sent().saturating_sub(before);
        if spent >= BESIDE || mcp(conversation, path, &at).await {
            return;
        }
        // Whoever does not answer plain HTTP on one path will not on the next.
        let (exchanges, _) = conversation.wire.recorded();
        if exchanges.last().is_some_and(|last| last.head.is_none()) {
            return;
        }
    }
}

async fn mcp(conversation: &Conversation<'_>, path: &str, place: &Place) -> bool {
    let ours = Revision::NEWEST_MODERN.as_str();
    let asking = McpClient::new(&conversation.client_info, Era::Modern, place, None, ours, 0);
    let call =
        asking.call(ProbeId::Siblings, format!("discover {path}"), names::DISCOVER, serde_json::Value::Null);
    let Some(exchange) = conversation.send(call).await else { return false };
    match steps::discover(&exchange) {
        Discover::Modern { .. } | Discover::ModernError { .. } | Discover::Barrier(Barrier::Gated) => {
            return true;
        }
        Discover::Barrier(Barrier::Failed(_)) => return false,
        _ => {}
    }
    if matches!(exchange.status(), Some(404 | 405) | None) || barrier::html(&exchange) {
        return false;
    }
    let call = initialize(
        &conversation.client_info,
        ProbeId::Siblings,
        format!("initialize {path}"),
        Some(place),
        Revision::NEWEST_LEGACY.as_str(),
    );
    let Some(exchange) = conversation.send(call).await else { return false };
    matches!(steps::initialize(&exchange), Initialize::Legacy { .. })
}

async fn sse(conversation: &Conversation<'_>, path: &str, place: &Place) -> bool {
    let watch = conversation.silence_ms().unwrap_or(FIRST_EVENT_MS);
    let call = Call::get_stream(ProbeId::Siblings, format!("get {path}"), place).until(Until::Watch(watch));
    let Some(mut held) = conversation.hold(call).await else { return false };
    held.wait(Duration::from_millis(watch), |head, lines| {
        head.is_some_and(|head| head.status != 200) || sse::blocks(lines).iter().any(Block::dispatched)
    })
    .await;
    let Some(exchange) = conversation.wire.close(held).await else { return false };
    matches!(steps::get(&exchange), Get::HttpSse { .. } | Get::Stream { .. })
}

async fn websocket(conversation: &Conversation<'_>, path: &str, place: &Place) -> bool {
    let offered = "mcp".into();
    let call =
        conversation.upgrade_call(ProbeId::Siblings, format!("websocket {path}"), place, Some(&offered));
    if conversation.admit(&call).is_none() {
        return false;
    }
    match conversation.wire.upgrade(call).await {
        Upgrade::Open(socket) => {
            let exchange = conversation.wire.close_socket(*socket).await;
            steps::socket(&exchange) != Socket::No
        }
        Upgrade::Refused(_) => false,
    }
}

/// Catalogue, cards and protected-resource metadata. What they name on another origin is shown, never
/// contacted.
async fn documents(conversation: &Conversation<'_>, place: &Place) -> bool {
    if agent_card(conversation, place).await {
        return true;
    }
    let at = place.at("/.well-known/ai-catalog.json");
    let catalog = document(conversation, "catalog", &at, "application/json").await.unwrap_or_default();
    let listed = cards::entries(&catalog);
    // A card on this origin is read; any other is shown only.
    let here = listed.iter().find_map(|entry| match entry {
        // What is no absolute URL names nothing.
        CardEntry::At(card) => {
            Url::parse(card).ok()?;
            conversation.wire.given(place, conversation.wire.handle(HandleKind::Document, card))
        }
        CardEntry::Card(_) => None,
    });
    for card in here.into_iter().chain([place.below("server-card")]) {
        if document(conversation, "card", &card, "application/mcp-server-card+json").await.is_some() {
            return true;
        }
    }
    if !listed.is_empty() {
        return true;
    }
    let metadata = place.well_known(PROTECTED_RESOURCE, true);
    document(conversation, "metadata", &metadata, "application/json").await.is_some()
}

/// Looks for the card of an A2A agent; gives whether there is one.
pub(super) async fn agent_card(conversation: &Conversation<'_>, place: &Place) -> bool {
    let at = place.at("/.well-known/agent-card.json");
    let card = document(conversation, "agent-card", &at, "application/json").await;
    card.is_some_and(|card| others::agent_card(&card))
}

/// The JSON document that came, if one did.
async fn document(
    conversation: &Conversation<'_>,
    step: &str,
    place: &Place,
    accept: &str,
) -> Option<serde_json::Value> {
    let mut call = Call::new("GET", ProbeId::Siblings, step, place).header("accept", accept);
    call.credential = false;
    let exchange = conversation.send(call).await?;
    // Single-page hosts answer 200 text/html for any path.
    crate::protocol::jsonrpc::parse(exchange.text().filter(|_| exchange.ok())?).ok()
}
