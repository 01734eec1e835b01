//! Streamable HTTP of 2026-07-28: no handshake, `_meta` in every request, headers that repeat it.

use std::sync::Arc;
use std::time::Duration;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use http::StatusCode;
use serde_json::{Map, Value, json};

use super::event::Event;
use super::events;
use super::http::{self as wire, Call, Outcome, Sender};
use super::rpc::{self, Message, RpcError};
use super::server::Server;
use super::{Base, Fault, catalogue, introduction, oddity, tamper};
use crate::protocol::names;
use crate::protocol::revision::{Era, Revision};

/// `_meta` key of a subscription's id.
const SUBSCRIPTION: &str = "io.modelcontextprotocol/subscriptionId";
const LISTEN: &str = "subscriptions/listen";

/// Whether a message on a dual endpoint is for this side: its `_meta`, or its headers, say so. Without
/// `_meta`, an `initialize` is legacy (2026-07-28, Versioning), and so is what names a legacy revision:
/// headers of this era beside it change nothing.
pub(super) fn claims(call: &Call, message: &Message) -> bool {
    let meta = message.params().and_then(|params| params.get("_meta"));
    if meta.is_some_and(|meta| meta.get(names::META_VERSION).is_some()) {
        return true;
    }
    let era = call.header(names::VERSION_HEADER).and_then(Revision::parse).map(Revision::era);
    let initialize =
        matches!(message, Message::Request { method, .. } if method.as_str() == names::INITIALIZE);
    match era {
        _ if initialize => false,
        Some(era) => era == Era::Modern,
        None => call.headers.contains_key(names::METHOD_HEADER),
    }
}

/// GET on an endpoint of this era only.
pub(super) fn get(server: &Arc<Server>) -> Outcome {
    let has = |fault| server.behaviour.has(fault);
    if has(Fault::ModernGetServerError) {
        return oddity::server_error().into();
    }
    if has(Fault::ModernGetNotFound) {
        return wire::text(StatusCode::NOT_FOUND, "Not Found").into();
    }
    if has(Fault::ModernGetStream) {
        return idle_stream(server);
    }
    wire::method_not_allowed("POST").into()
}

/// A stream with nothing but keep-alives.
pub(super) fn idle_stream(server: &Arc<Server>) -> Outcome {
    let (sender, reply) = events::hold(server, true);
    let shared = Arc::clone(server);
    server.spawn(async move { events::keep_alive(&shared, &sender).await });
    reply.into()
}

/// An error and the HTTP status it comes with.
type Refusal = (StatusCode, RpcError);

/// Answers one POSTED message. `only`: no other era is spoken here.
pub(super) async fn answer(server: &Arc<Server>, call: &Call, message: Message, only: bool) -> Outcome {
    let (id, method, params) = match message {
        Message::Request { id, method, params } => (id, method, params),
        Message::Notification { .. } => return wire::empty(StatusCode::ACCEPTED).into(),
        Message::Response => {
            let error = RpcError::invalid_request("this server sends no requests");
            return rpc::refuse(server, StatusCode::BAD_REQUEST, None, &error).into();
        }
    };
    let refuse =
        |(status, error): Refusal| -> Outcome { rpc::refuse(server, status, Some(&id), &error).into() };
    if only && method == names::INITIALIZE && !call.headers.contains_key(names::VERSION_HEADER) {
        let offered = params.get("protocolVersion").and_then(Value::as_str).unwrap_or_default();
        return refuse((StatusCode::BAD_REQUEST, unsupported(offered)));
    }
    match check_version(server, call, &params).and_then(|()| check_routing(call, &method, &params)) {
        Ok(()) => {}
        Err(_) if server.behaviour.has(Fault::UnsupportedVersionText) && is_unknown(call) => {
            return wire::text(StatusCode::BAD_REQUEST, "unsupported protocol version").into();
        }
        Err(refusal) => return refuse(refusal),
    }
    if !call.accepts("application/json") && !call.accepts("text/event-stream") {
        return wire::refusal(StatusCode::NOT_ACCEPTABLE, "Accept must admit JSON or event streams").into();
    }
    if server.behaviour.has(Fault::DiscoverFirst) && !server.discovered(call.connection, &method) {
        let error = RpcError::invalid_request("call server/discover first");
        return refuse((StatusCode::BAD_REQUEST, error));
    }
    if let Some(outcome) = tamper::unreliable(server, &method).await {
        return outcome;
    }
    if method == LISTEN && !server.behaviour.has(Fault::ListenUnknown) {
        return listen(server, call, &id, &params);
    }
    let value = match result(server, call.connection, &method, &params) {
        Ok(result) => rpc::result(server, &id, &method, &result),
        Err(error) if error.code == names::METHOD_NOT_FOUND => return unknown_method(server, &id, &error),
        Err(error) => return refuse((StatusCode::BAD_REQUEST, error)),
    };
    if let Some(spoilt) = tamper::list(server, &method, &value) {
        return spoilt;
    }
    if call.accepts("application/json") {
        return wire::json(StatusCode::OK, &value).into();
    }
    let (sender, reply) = events::open(server);
    let shared = Arc::clone(server);
    server.spawn(async move {
        events::send(&shared, &sender, &Event::message(value.to_string())).await;
    });
    reply.into()
}

fn is_unknown(call: &Call) -> bool {
    call.header(names::VERSION_HEADER) != Some(Revision::NEWEST_MODERN.as_str())
}

fn unsupported(requested: &str) -> RpcError {
    let data = json!({ "supported": [Revision::NEWEST_MODERN.as_str()], "requested": requested });
    RpcError::new(names::UNSUPPORTED_VERSION, "Unsupported protocol version").with_data(data)
}

/// `_meta` is complete, its version is that of the header, and we speak it (versioning; transports,
/// protocol version header).
fn check_version(server: &Server, call: &Call, params: &Map<String, Value>) -> Result<(), Refusal> {
    let has = |fault| server.behaviour.has(fault);
    let current = Revision::NEWEST_MODERN.as_str();
    let header = call.header(names::VERSION_HEADER);
    let meta = check_meta(server, params)?;
    let Some(header) = header else { return Err(mismatch("MCP-Protocol-Version is missing")) };
    let compared = meta.filter(|_| !has(Fault::VersionMismatchServed)).unwrap_or(header);
    if header != compared || call.conflicting(names::VERSION_HEADER) {
        if has(Fault::VersionMismatchOtherCode) {
            let error = RpcError::invalid_request("header and _meta name different versions");
            return Err((StatusCode::BAD_REQUEST, error));
        }
        return Err(mismatch("MCP-Protocol-Version and _meta name different versions"));
    }
    if header == current || has(Fault::UnsupportedVersionServed) {
        return Ok(());
    }
    let mut error = unsupported(header);
    if has(Fault::UnsupportedVersionOldCode) {
        error.code = -32004;
    }
    if has(Fault::UnsupportedVersionNoData) {
        error.data = None;
    }
    let ok = has(Fault::UnsupportedVersionOk);
    Err((if ok { StatusCode::OK } else { StatusCode::BAD_REQUEST }, error))
}

/// The version that `_meta` names. Only `clientInfo` may be missing from it.
fn check_meta<'a>(server: &Server, params: &'a Map<String, Value>) -> Result<Option<&'a str>, Refusal> {
    let has = |fault| server.behaviour.has(fault);
    let meta = params.get("_meta").and_then(Value::as_object);
    let version = meta.and_then(|meta| meta.get(names::META_VERSION)).and_then(Value::as_str);
    let capabilities = meta.and_then(|meta| meta.get(names::META_CAPABILITIES));
    let missing = if meta.is_none() {
        "_meta"
    } else if version.is_none() {
        names::META_VERSION
    } else if !capabilities.is_some_and(Value::is_object) && !has(Fault::MetaCapabilitiesOptional) {
        names::META_CAPABILITIES
    } else {
        return Ok(version);
    };
    if has(Fault::MetaNotRequired) {
        return Ok(version);
    }
    let words = format!("missing in params: {missing}");
    if has(Fault::MetaMissingOtherCode) {
        return Err((StatusCode::BAD_REQUEST, RpcError::new(names::HEADER_MISMATCH, words)));
    }
    let status = if has(Fault::MetaMissingOk) { StatusCode::OK } else { StatusCode::BAD_REQUEST };
    Err((status, RpcError::invalid_params(words)))
}

fn mismatch(words: &str) -> Refusal {
    (StatusCode::BAD_REQUEST, RpcError::new(names::HEADER_MISMATCH, words))
}

/// Mcp-Method and Mcp-Name repeat the body (transports, standard request headers).
fn check_routing(call: &Call, method: &str, params: &Map<String, Value>) -> Result<(), Refusal> {
    if call.header(names::METHOD_HEADER) != Some(method) || call.conflicting(names::METHOD_HEADER) {
        return Err(mismatch("Mcp-Method must repeat the method"));
    }
    let member = match method {
        "tools/call" | "prompts/get" => "name",
        "resources/read" => "uri",
        _ => return Ok(()),
    };
    let Some(name) = params.get(member).and_then(Value::as_str) else { return Ok(()) };
    let sent = call.header(names::NAME_HEADER).map(decode_name);
    if sent.as_deref() != Some(name) || call.conflicting(names::NAME_HEADER) {
        return Err(mismatch("Mcp-Name must repeat the name of what is called"));
    }
    Ok(())
}

/// Undoes the form for names that no header can carry: `=?base64?…?=`.
fn decode_name(value: &str) -> String {
    let inner = value.strip_prefix("=?base64?").and_then(|rest| rest.strip_suffix("?="));
    inner
        .and_then(|inner| STANDARD.decode(inner).ok())
        .and_then(|bytes| String::from_utf8(bytes).ok())
        .unwrap_or_else(|| value.to_owned())
}

fn unknown_method(server: &Server, id: &Value, error: &RpcError) -> Outcome {
    let has = |fault| server.behaviour.has(fault);
    if has(Fault::UnknownMethodServerError) {
        return oddity::server_error().into();
    }
    if has(Fault::UnknownMethodEmpty) {
        return wire::empty(StatusCode::NOT_FOUND).into();
    }
    let status = if has(Fault::UnknownMethodOk) { StatusCode::OK } else { StatusCode::NOT_FOUND };
    rpc::refuse(server, status, Some(id), error).into()
}

/// The result of a method, complete with what this era wants in each.
pub(super) fn result(
    server: &Server,
    connection: u64,
    method: &str,
    params: &Map<String, Value>,
) -> Result<Value, RpcError> {
    let has = |fault| server.behaviour.has(fault);
    let mut result = match method {
        names::DISCOVER if !has(Fault::DiscoverUnknown) => discover(server),
        "ping" if has(Fault::RemovedPingServed) => json!({}),
        _ => catalogue::call(server, Era::Modern, connection, method, params)?,
    };
    let discover = method == names::DISCOVER;
    let list = method.ends_with("/list");
    if let Some(object) = result.as_object_mut() {
        let kind = if list && has(Fault::ResultTypeUnknown) { "done" } else { "complete" };
        let untyped =
            (list && has(Fault::ResultTypeMissing)) || (discover && has(Fault::DiscoverNoResultType));
        if !untyped {
            object.insert("resultType".to_owned(), kind.into());
        }
        if catalogue::cacheable(method) {
            object.insert("ttlMs".to_owned(), 60_000.into());
            object.insert("cacheScope".to_owned(), "public".into());
        }
        let info = json!({ names::META_SERVER_INFO: introduction::server_info(server) });
        object.insert("_meta".to_owned(), info);
    }
    Ok(result)
}

fn discover(server: &Server) -> Value {
    let has = |fault| server.behaviour.has(fault);
    let mut result = json!({
        "supportedVersions": [Revision::NEWEST_MODERN.as_str()],
        // A socket has no subscriptions here; everything else can listen.
        "capabilities": introduction::capabilities(server, server.behaviour.base != Base::WebSocketMcp),
        "instructions": introduction::instructions(server),
    });
    if let Some(object) = result.as_object_mut() {
        if has(Fault::DiscoverNoCapabilities) {
            object.remove("capabilities");
        }
        if has(Fault::DiscoverNoVersions) {
            object.remove("supportedVersions");
        }
        if has(Fault::DiscoverServerInfo) {
            object.insert("serverInfo".to_owned(), introduction::server_info(server));
        }
    }
    result
}

/// `subscriptions/listen`: the acknowledgement first, then whatever changes (nothing does), comments
/// into the silence.
fn listen(server: &Arc<Server>, call: &Call, id: &Value, params: &Map<String, Value>) -> Outcome {
    if !call.accepts("text/event-stream") {
        return wire::refusal(StatusCode::NOT_ACCEPTABLE, "listen is answered by an event stream").into();
    }
    let Some(wanted) = params.get("notifications").and_then(Value::as_object) else {
        let error = RpcError::invalid_params("`notifications` is missing");
        return rpc::refuse(server, StatusCode::BAD_REQUEST, Some(id), &error).into();
    };
    if server.behaviour.has(Fault::ListenJson) {
        let value = rpc::result(server, id, LISTEN, &json!({ "resultType": "complete" }));
        return wire::json(StatusCode::OK, &value).into();
    }
    let tools = wanted.get("toolsListChanged").and_then(Value::as_bool) == Some(true);
    let granted = if tools { json!({ "toolsListChanged": true }) } else { json!({}) };
    let meta = json!({ SUBSCRIPTION: id });
    let notify = |method: &str, mut params: Value| {
        if let Some(object) = params.as_object_mut() {
            object.insert("_meta".to_owned(), meta.clone());
        }
        json!({ "jsonrpc": "2.0", "method": method, "params": params }).to_string()
    };
    let acknowledged =
        notify("notifications/subscriptions/acknowledged", json!({ "notifications": granted }));
    let changed = notify("notifications/tools/list_changed", json!({}));
    let (sender, reply) = events::hold(server, false);
    let shared = Arc::clone(server);
    server.spawn(async move { subscribed(&shared, &sender, acknowledged, changed).await });
    reply.into()
}

async fn subscribed(server: &Server, sender: &Sender, acknowledged: String, changed: String) {
    let has = |fault| server.behaviour.has(fault);
    if has(Fault::ListenLateAck) {
        tokio::time::sleep(Duration::from_secs(6)).await;
    }
    let mut messages = vec![acknowledged];
    if has(Fault::ListenNoAck) {
        messages.clear();
    }
    if has(Fault::ListenAckSecond) {
        messages.insert(0, changed);
    }
    for message in messages {
        if !events::send(server, sender, &Event::message(message)).await {
            return;
        }
    }
    events::keep_alive(server, sender).await;
}
