//! Finds out whether a WebSocket is at a URL, and whether MCP answers on it.

use std::time::Duration;

use serde_json::json;

use super::bodies::{discovery, handshake};
use super::conversation::Conversation;
use super::socket::SocketFound;
use crate::facts::steps::{self, Socket};
use crate::net::websocket::Upgrade;
use crate::net::{HandleKind, HeaderText, Message, Place, Until};
use crate::protocol::revision::Revision;
use crate::transcript::ProbeId;

/// Only notes whether an upgrade is accepted.
pub(super) async fn note(conversation: &Conversation<'_>, place: &Place) {
    let call = conversation.upgrade_call(ProbeId::Classify, "websocket", place, Some(&"mcp".into()));
    if conversation.admit(&call).is_none() {
        return;
    }
    if let Upgrade::Open(socket) = conversation.wire.upgrade(call).await {
        conversation.wire.close_socket(*socket).await;
    }
}

/// How long MCP may take to answer on a socket.
const SOCKET_ANSWER: Duration = Duration::from_secs(5);

/// How long it may take at least where a WebSocket is what was asked for.
const PROMPTED_ANSWER: Duration = Duration::from_secs(1);

/// Step 4: upgrade, then P-DISC, then P-INIT. Gives what was found, also where only the refusal shows
/// that a WebSocket is there.
pub(super) async fn socket(
    conversation: &Conversation<'_>,
    place: &Place,
    unprompted: bool,
) -> Option<SocketFound> {
    conversation.wire.doing("trying a WebSocket upgrade");
    let mut subprotocol = Some(HeaderText::from("mcp"));
    let mut refused = None;
    for step in ["websocket", "websocket-retry"] {
        let mut call = conversation.upgrade_call(ProbeId::Classify, step, place, subprotocol.as_ref());
        if !unprompted {
            // What the user asked for, or the server, is answered at once: that is no wait for silence.
            call = call.until(Until::Reply);
        }
        conversation.admit(&call)?;
        match conversation.wire.upgrade(call).await {
            Upgrade::Open(mut socket) => {
                talk(conversation, &mut socket, !unprompted).await;
                let exchange = conversation.wire.close_socket(*socket).await;
                let mcp = match steps::socket(&exchange) {
                    Socket::Mcp { era, .. } => Some(era),
                    _ => None,
                };
                let selected = exchange.header("sec-websocket-protocol");
                let subprotocol_selected =
                    selected.is_some() && selected == subprotocol.as_ref().map(HeaderText::shown);
                let place = place.clone();
                return Some(SocketFound { place, subprotocol, subprotocol_selected, mcp });
            }
            Upgrade::Refused(exchange) => {
                let refused_us = matches!(exchange.status(), Some(400 | 403 | 404 | 426));
                let suspected = steps::socket(&exchange) == Socket::Suspected;
                if suspected {
                    refused = Some(SocketFound {
                        place: place.clone(),
                        subprotocol: subprotocol.clone(),
                        subprotocol_selected: false,
                        mcp: None,
                    });
                }
                if !suspected && (unprompted || !refused_us) {
                    return refused;
                }
                // The refusal may name the subprotocol it wants.
                subprotocol = steps::wanted_subprotocol(&exchange).map(|wanted| {
                    HeaderText::Given(conversation.wire.handle(HandleKind::Subprotocol, &wanted))
                });
            }
        }
    }
    refused
}

pub(super) async fn talk(conversation: &Conversation<'_>, socket: &mut crate::net::Socket, prompted: bool) {
    let least = if prompted { PROMPTED_ANSWER } else { Duration::ZERO };
    let wait = conversation.silence_ms().map_or(SOCKET_ANSWER, Duration::from_millis).max(least);
    let answer = |id: serde_json::Value| {
        move |text: &str| {
            crate::protocol::jsonrpc::parse(text).is_ok_and(|message| {
                crate::protocol::jsonrpc::is_reply(&message) && message.get("id") == Some(&id)
            })
        }
    };
    let ours = Revision::NEWEST_MODERN.as_str();
    let body = Message::new(discovery(&conversation.client_info, ours));
    let sent = body.shown();
    conversation.wire.say(socket, &body).await;
    let mut modern = false;
    let mut echo = false;
    let is_answer = answer(json!("d-1"));
    let heard = conversation
        .wire
        .hear(socket, wait, |text| {
            let ours = is_answer(text);
            modern |= ours && text.contains("supportedVersions");
            echo |= text == sent;
            ours || echo
        })
        .await;
    // An echo would return the next one, too.
    if heard && (modern || echo) {
        return;
    }
    let init = handshake(&conversation.client_info, Revision::NEWEST_LEGACY.as_str());
    conversation.wire.say(socket, &Message::new(init)).await;
    conversation.wire.hear(socket, wait, answer(json!(1))).await;
}
