//! What is told without being asked for: notifications and answers of clients, pings of the server.

use std::sync::Arc;
use std::time::Duration;

use http::StatusCode;
use serde_json::{Value, json};

use super::Fault;
use super::event::Event;
use super::events;
use super::http::{self as wire, Outcome, Sender};
use super::rpc::{self, Message, RpcError};
use super::server::Server;
use crate::protocol::names;

/// Takes a message that needs no answer.
pub(super) fn taken(server: &Server, message: &Message) -> Outcome {
    let has = |fault| server.behaviour.has(fault);
    let response = matches!(message, Message::Response);
    if response && has(Fault::PingAnswerRefused) {
        wire::text(StatusCode::BAD_REQUEST, "malformed MCP request").into()
    } else if response {
        wire::empty(StatusCode::ACCEPTED).into()
    } else if has(Fault::NotificationOk) {
        wire::empty(StatusCode::OK).into()
    } else if has(Fault::NotificationRefused) {
        let error = RpcError::new(names::METHOD_NOT_FOUND, "Method not found");
        rpc::refuse(server, StatusCode::BAD_REQUEST, None, &error).into()
    } else if has(Fault::NotificationAnswered) {
        wire::json(StatusCode::OK, &unasked()).into()
    } else {
        wire::empty(StatusCode::ACCEPTED).into()
    }
}

/// A result under no id.
pub(super) fn unasked() -> Value {
    json!({ "jsonrpc": "2.0", "id": null, "result": {} })
}

/// Pings the client until it goes, where its answers are refused.
pub(super) fn pings(server: &Arc<Server>, sender: &Sender) {
    if !server.behaviour.has(Fault::PingAnswerRefused) {
        return;
    }
    let (shared, sender) = (Arc::clone(server), sender.clone());
    server.spawn(async move {
        for number in 1_u32.. {
            let ping = json!({ "jsonrpc": "2.0", "id": number, "method": "ping" });
            if !events::send(&shared, &sender, &Event::message(ping.to_string())).await {
                return;
            }
            tokio::time::sleep(PINGS).await;
        }
    });
}

/// Between two pings of the server.
const PINGS: Duration = Duration::from_millis(700);
