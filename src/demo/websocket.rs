//! MCP over WebSocket: RFC 6455 upgrade, one JSON-RPC message a text frame, both eras.

use std::sync::Arc;

use futures_util::{SinkExt, StreamExt};
use http::header::{
    CONNECTION, HeaderName, HeaderValue, SEC_WEBSOCKET_ACCEPT, SEC_WEBSOCKET_PROTOCOL, SEC_WEBSOCKET_VERSION,
    UPGRADE,
};
use http::{Method, StatusCode};
use hyper::upgrade::OnUpgrade;
use hyper_util::rt::TokioIo;
use serde_json::{Map, Value, json};
use tokio_tungstenite::WebSocketStream;
use tokio_tungstenite::tungstenite::Message as Frame;
use tokio_tungstenite::tungstenite::handshake::derive_accept_key;
use tokio_tungstenite::tungstenite::protocol::frame::coding::CloseCode;
use tokio_tungstenite::tungstenite::protocol::{CloseFrame, Role, WebSocketConfig};

use super::http::{self as wire, Call, Outcome};
use super::rpc::{self, Message, RpcError};
use super::server::Server;
use super::{Fault, events, http_sse, legacy, modern};
use crate::protocol::names;
use crate::protocol::revision::Revision;

/// Bytes of one message.
const MESSAGE_BYTES: usize = 1024 * 1024;

/// Answers the upgrade. The guard has looked at Host and Origin.
pub(super) fn upgrade(server: &Arc<Server>, call: &Call) -> Outcome {
    let has = |fault| server.behaviour.has(fault);
    if call.method != Method::GET {
        return wire::method_not_allowed("GET").into();
    }
    let asked = call.header("upgrade").is_some_and(|value| value.eq_ignore_ascii_case("websocket"));
    let (true, Some(upgrade)) = (asked, call.upgrade.as_ref()) else {
        let mut reply = wire::refusal(StatusCode::UPGRADE_REQUIRED, "this is a WebSocket");
        reply.headers_mut().insert(UPGRADE, HeaderValue::from_static("websocket"));
        reply.headers_mut().insert(CONNECTION, HeaderValue::from_static("Upgrade"));
        return reply.into();
    };
    if call.header("sec-websocket-version") != Some("13") {
        let mut reply = wire::refusal(StatusCode::UPGRADE_REQUIRED, "only WebSocket version 13");
        reply.headers_mut().insert(SEC_WEBSOCKET_VERSION, HeaderValue::from_static("13"));
        return reply.into();
    }
    let Some(key) = call.header("sec-websocket-key") else {
        return wire::refusal(StatusCode::BAD_REQUEST, "Sec-WebSocket-Key is missing").into();
    };
    if has(Fault::SocketOk) {
        return wire::text(StatusCode::OK, "WebSocket").into();
    }
    let accept = if has(Fault::SocketWrongAccept) {
        derive_accept_key(b"another key entirely")
    } else {
        derive_accept_key(key.as_bytes())
    };
    let offered = call.header("sec-websocket-protocol").map(crate::protocol::headers::list);
    let mcp = offered.is_some_and(|offered| offered.iter().any(|name| name == "mcp"));
    let mut reply = wire::empty(StatusCode::SWITCHING_PROTOCOLS);
    let headers = reply.headers_mut();
    headers.insert(UPGRADE, HeaderValue::from_static("websocket"));
    headers.insert(CONNECTION, HeaderValue::from_static("Upgrade"));
    wire::set(headers, SEC_WEBSOCKET_ACCEPT, &accept);
    if mcp {
        headers.insert(SEC_WEBSOCKET_PROTOCOL, HeaderValue::from_static("mcp"));
    }
    headers.remove(HeaderName::from_static("content-type"));
    let (shared, upgrade, connection) = (Arc::clone(server), upgrade.clone(), call.connection);
    server.spawn(async move { converse(&shared, upgrade, connection).await });
    reply.into()
}

async fn converse(server: &Server, upgrade: OnUpgrade, connection: u64) {
    let Ok(io) = upgrade.await else { return };
    let config = WebSocketConfig::default()
        .max_message_size(Some(MESSAGE_BYTES))
        .max_frame_size(Some(MESSAGE_BYTES))
        .read_buffer_size(8 * 1024);
    let mut socket = WebSocketStream::from_raw_socket(TokioIo::new(io), Role::Server, Some(config)).await;
    loop {
        let received = tokio::select! {
            received = socket.next() => received,
            () = events::silence(server) => {
                if socket.send(Frame::Ping(bytes::Bytes::from_static(b"demo"))).await.is_err() {
                    return;
                }
                continue;
            }
        };
        let text = match received {
            Some(Ok(Frame::Text(text))) => text,
            Some(Ok(Frame::Binary(_))) => {
                let reason = "one JSON-RPC message a text frame".into();
                let _ = socket.close(Some(CloseFrame { code: CloseCode::Unsupported, reason })).await;
                return;
            }
            // Pings and closes are answered by the library, on the next read.
            Some(Ok(_)) => continue,
            Some(Err(_)) | None => return,
        };
        let Some(value) = answer(server, connection, text.as_bytes()) else { continue };
        if socket.send(Frame::text(value.to_string())).await.is_err() {
            return;
        }
    }
}

/// The reply to one text frame, if it wants one.
fn answer(server: &Server, connection: u64, text: &[u8]) -> Option<Value> {
    let has = |fault| server.behaviour.has(fault);
    if has(Fault::SocketMute) {
        return None;
    }
    let message = match rpc::parse(text) {
        Err(_) if has(Fault::SocketMalformedSilence) => return None,
        Err(error) => Err(Box::new((None, error))),
        Ok(value) => Message::read(server, &value),
    };
    let reply = match message {
        Err(refused) => rpc::error(server, refused.0.as_ref(), &refused.1),
        Ok(Message::Notification { .. } | Message::Response) => return None,
        Ok(Message::Request { id, method, params }) => respond(server, connection, &id, &method, &params),
    };
    Some(if has(Fault::SocketEnvelope) { json!({ "type": "mcp", "payload": reply }) } else { reply })
}

fn respond(server: &Server, connection: u64, id: &Value, method: &str, params: &Map<String, Value>) -> Value {
    let meta = params.get("_meta").and_then(|meta| meta.get(names::META_VERSION)).and_then(Value::as_str);
    let result = match (meta, method) {
        (Some(version), _) if version != Revision::NEWEST_MODERN.as_str() => {
            let supported = json!([Revision::NEWEST_MODERN.as_str()]);
            let data = json!({ "supported": supported, "requested": version });
            Err(RpcError::new(names::UNSUPPORTED_VERSION, "Unsupported protocol version").with_data(data))
        }
        (Some(_), _) => modern::result(server, connection, method, params),
        (None, names::INITIALIZE) => legacy::initialize(server, params, &http_sse::REVISIONS, true),
        (None, _) => return legacy::reply_to(server, connection, id, method, params),
    };
    match result {
        Ok(result) => rpc::result(server, id, method, &result),
        Err(error) => rpc::error(server, Some(id), &error),
    }
}
