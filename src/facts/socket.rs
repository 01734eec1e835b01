//! What a WebSocket upgrade and the words on the socket mean.

use crate::transcript::exchange::id_of;
use serde_json::Value;

use super::reply;
use crate::facts::barrier::{Barrier, barrier, firewall, html, speaks_of_websocket};
use crate::protocol::jsonrpc::{self, Answer};
use crate::protocol::names;
use crate::protocol::revision::{Era, Revision};
use crate::transcript::{Direction, Exchange, FrameKind, Phase};

/// The subprotocol that a refused upgrade names: in its header, or in words such as "invalid
/// subprotocol; expected one of lab.v1".
#[must_use]
pub fn wanted_subprotocol(exchange: &Exchange) -> Option<String> {
    if let Some(named) = exchange.header("sec-websocket-protocol") {
        return names_one(named);
    }
    let text = exchange.text()?;
    let lower = text.to_ascii_lowercase();
    let start = lower.find("expected one of").map(|at| at.saturating_add("expected one of".len()))?;
    lower.contains("subprotocol").then(|| text.get(start..).and_then(names_one)).flatten()
}

/// The first of a list of tokens (RFC 6455 section 4.1, item 10).
fn names_one(list: &str) -> Option<String> {
    let first = list.split(',').next()?.trim().trim_end_matches('.');
    let token = |byte: u8| byte.is_ascii_alphanumeric() || b"!#$%&'*+-.^_`|~".contains(&byte);
    (!first.is_empty() && first.len() <= 64 && first.bytes().all(token)).then(|| first.to_owned())
}

/// Meaning of a WebSocket upgrade and what was said on the socket.
#[derive(Clone, Debug, PartialEq)]
pub enum Socket {
    /// JSON-RPC answers came.
    Mcp {
        /// The era that answered.
        era: Era,
        /// The version the server named.
        version: Option<String>,
    },
    /// 101 and no MCP answer.
    Plain,
    /// 426, or a 400 that speaks of WebSocket or subprotocols.
    Suspected,
    /// The upgrade was answered with 200 and no web page, or with a 101 that breaks the handshake: a broken
    /// socket, if one is meant to be here.
    NotUpgraded,
    /// No socket here.
    No,
    /// No answer to the question.
    Barrier(Barrier),
}

/// Reads a WebSocket conversation.
#[must_use]
pub fn socket(exchange: &Exchange) -> Socket {
    match exchange.status() {
        // The handshake broke its own rules: nothing was said on such a socket.
        Some(101) if exchange.failure.as_ref().is_some_and(|failure| failure.phase == Phase::Head) => {
            return Socket::NotUpgraded;
        }
        Some(101) => {}
        Some(426) => return Socket::Suspected,
        Some(400) if speaks_of_websocket(exchange) => return Socket::Suspected,
        Some(200) if barrier(exchange).is_none() && !html(exchange) => return Socket::NotUpgraded,
        // Servers that know no WebSocket at this path answer an upgrade so (uvicorn): it is no wall around the rest.
        Some(403) if barrier(exchange) == Some(Barrier::Blocked) && firewall(exchange).is_none() => {
            return Socket::No;
        }
        _ => return barrier(exchange).map_or(Socket::No, Socket::Barrier),
    }
    // Our requests are in the outgoing frames; an answer has the id of one of them.
    for frame in exchange.frames().iter().filter(|frame| frame.direction == Direction::Out) {
        if frame.kind != FrameKind::Text {
            continue;
        }
        let Ok(request) = jsonrpc::parse(&frame.text) else { continue };
        let method = request.get("method").and_then(Value::as_str).unwrap_or_default();
        let read = reply::read_for(exchange, request.get("id"));
        match (method, &read.answer) {
            (names::DISCOVER, Some(Answer::Result(result))) if result.get("supportedVersions").is_some() => {
                return Socket::Mcp {
                    era: Era::Modern,
                    version: Some(Revision::NEWEST_MODERN.as_str().to_owned()),
                };
            }
            (names::INITIALIZE, Some(Answer::Result(result))) => {
                let version = result.get("protocolVersion").and_then(Value::as_str).map(str::to_owned);
                return Socket::Mcp { era: Era::Legacy, version };
            }
            _ => {}
        }
    }
    if shut_for_want(exchange) { Socket::Barrier(Barrier::Gated) } else { Socket::Plain }
}

/// Whether a socket was opened and closed before anything was said, by a code of policy: 1008 (RFC 6455 section
/// 7.4.1), 3000 and 3003 (registered: unauthorized, forbidden), or those that applications make of 401 and 403.
fn shut_for_want(exchange: &Exchange) -> bool {
    let Some(closed) = exchange.closed().filter(|_| exchange.texts().next().is_none()) else { return false };
    matches!(closed.split(' ').next(), Some("1008" | "3000" | "3003" | "4001" | "4401" | "4403"))
}

/// What a socket that did not answer as MCP does said instead.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Said {
    /// Our own text came back: an echo.
    pub echo: bool,
    /// A reply to a request of ours came inside another object; the index of its frame.
    pub wrapped: Option<usize>,
    /// Any text came.
    pub text: bool,
}

/// Reads what else was said on a socket.
#[must_use]
pub fn said(exchange: &Exchange) -> Said {
    let frames = exchange.frames();
    let ours: Vec<&str> = frames
        .iter()
        .filter(|frame| frame.direction == Direction::Out && frame.kind == FrameKind::Text)
        .map(|frame| frame.text.as_str())
        .collect();
    let ids: Vec<Value> = ours.iter().filter_map(|text| id_of(text)).collect();
    let mut said = Said::default();
    for (index, frame) in frames.iter().enumerate() {
        if frame.direction != Direction::In || frame.kind != FrameKind::Text {
            continue;
        }
        said.text = true;
        said.echo |= ours.iter().any(|text| frame.text.contains(text));
        let inside = jsonrpc::parse(&frame.text).ok().and_then(|message| {
            let members = message.as_object()?;
            members.values().find(|inner| wrapped(inner, &ids)).map(|_| index)
        });
        said.wrapped = said.wrapped.or(inside);
    }
    said
}

fn wrapped(inner: &Value, ids: &[Value]) -> bool {
    inner.get("jsonrpc").is_some()
        && jsonrpc::is_reply(inner)
        && inner.get("id").is_some_and(|id| ids.contains(id))
}
