//! What was found beside the URL.

use serde_json::Value;

use super::barrier::Barrier;
use super::cards;
use super::class::Found;
use super::others;
use super::refusal::{NoHead, no_head};
use super::steps::{self, Discover, Get, Initialize, Socket};
use crate::transcript::{Exchange, ProbeId, Transcript};

/// Whether a sibling step found Streamable HTTP. Behind authentication it is there, too.
#[must_use]
pub fn streamable_beside(exchange: &Exchange) -> bool {
    match exchange.step.split_once(' ').map_or("", |(kind, _)| kind) {
        "discover" => matches!(
            steps::discover(exchange),
            Discover::Modern { .. } | Discover::ModernError { .. } | Discover::Barrier(Barrier::Gated)
        ),
        "initialize" => matches!(steps::initialize(exchange), Initialize::Legacy { .. }),
        _ => false,
    }
}

/// Whether a sibling step was kept from looking: refused for other reasons than that nothing is there, or
/// not answered in time. Where plain HTTP is dropped, there is nothing.
#[must_use]
pub fn not_looked_at(exchange: &Exchange) -> bool {
    match exchange.status() {
        Some(status) => matches!(status, 403 | 429 | 500..),
        None => no_head(exchange, 0) != Some(NoHead::Dropped),
    }
}

/// What the sibling steps found: a path whose reply classifies.
#[must_use]
pub fn found(transcript: &Transcript) -> Vec<Found> {
    let mut found = Vec::new();
    for exchange in transcript.exchanges.iter().filter(|exchange| exchange.probe == ProbeId::Siblings) {
        let what = match exchange.step.split_once(' ').map_or(exchange.step.as_str(), |(kind, _)| kind) {
            "discover" => match steps::discover(exchange) {
                Discover::Modern { .. } | Discover::ModernError { .. } => {
                    Some("MCP Streamable HTTP, modern era")
                }
                Discover::Barrier(Barrier::Gated) => Some("something behind authentication"),
                _ => None,
            },
            "agent-card" => {
                others::read(exchange).filter(|_| exchange.ok()).map(|_| "the card of an A2A agent")
            }
            "initialize" => match steps::initialize(exchange) {
                Initialize::Legacy { .. } => Some("MCP Streamable HTTP, legacy era"),
                _ => None,
            },
            "get" => match steps::get(exchange) {
                Get::HttpSse { .. } => Some("MCP HTTP+SSE (2024-11-05)"),
                Get::Stream { .. } => Some("an event stream"),
                _ => None,
            },
            "websocket" => match steps::socket(exchange) {
                Socket::Mcp { .. } => Some("MCP over WebSocket"),
                Socket::Plain => Some("a WebSocket"),
                _ => None,
            },
            _ => None,
        };
        if let Some(what) = what {
            let url = exchange.request.url.clone();
            if !found.iter().any(|known: &Found| known.url == url) {
                found.push(Found { url, what: what.to_owned() });
            }
        }
        found.extend(announced(exchange));
    }
    found
}

/// Endpoints that a catalogue, card or metadata document names. Remote-chosen: shown, not contacted.
fn announced(exchange: &Exchange) -> Vec<Found> {
    let Some(text) = exchange.text().filter(|_| exchange.ok()) else { return Vec::new() };
    let Ok(document) = crate::protocol::jsonrpc::parse(text) else { return Vec::new() };
    let named = |url: &str, what: &str| Found { url: crate::verdict::cut(url), what: what.to_owned() };
    let by_card = |card: &Value, by: &str| {
        cards::remotes(card).into_iter().map(|url| named(url, by)).collect::<Vec<_>>()
    };
    match exchange.step.as_str() {
        "card" => by_card(&document, "named by the server card"),
        "catalog" => cards::entries(&document)
            .into_iter()
            .flat_map(|entry| match entry {
                cards::CardEntry::At(url) => vec![named(url, "a server card that the AI catalog names")],
                cards::CardEntry::Card(card) => by_card(card, "named by a server card in the AI catalog"),
            })
            .collect(),
        "metadata" => {
            let resource = document.get("resource").and_then(Value::as_str);
            resource.map(|url| named(url, "named by the protected-resource metadata")).into_iter().collect()
        }
        _ => Vec::new(),
    }
}
