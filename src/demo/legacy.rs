//! Streamable HTTP of 2025-03-26 to 2025-11-25: the `initialize` handshake.
//!
//! Sessions of 2025-11-25 are answered by event streams (a priming event with an id and no data, then
//! the answer), older ones in JSON, which every revision allows.

use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Duration;

use http::StatusCode;
use http::header::HeaderName;
use serde_json::{Map, Value, json};

use super::delivery::deliver;
use super::event::Event;
use super::events;
use super::http::{self as wire, Call, Outcome};
use super::rpc::{self, Message, RpcError};
use super::server::Server;
use super::sessions::{Session, parse_event_id};
use super::{Fault, catalogue, gated, introduction, oddity, tamper, told};
use crate::protocol::names;
use crate::protocol::revision::{Era, Revision};

/// What a client is answered with for a version, by the rules of lifecycle, version negotiation.
pub(super) fn negotiate(server: &Server, offered: &str, known: &[Revision]) -> Result<String, RpcError> {
    let has = |fault| server.behaviour.has(fault);
    if has(Fault::VersionEchoed) {
        return Ok(offered.to_owned());
    }
    let old = [Revision::V2025_03_26];
    let known = if has(Fault::VersionOldOnly) || gated::old(server) { &old } else { known };
    if let Some(revision) = Revision::parse(offered).filter(|revision| known.contains(revision)) {
        return Ok(revision.as_str().to_owned());
    }
    let names: Vec<&str> = known.iter().map(|revision| revision.as_str()).collect();
    if has(Fault::VersionRefused) {
        let data = json!({ "supported": names, "requested": offered });
        return Err(RpcError::invalid_params("Unsupported protocol version").with_data(data));
    }
    if has(Fault::VersionRefusedBare) {
        return Err(RpcError::new(names::INTERNAL_ERROR, "initialization failed"));
    }
    Ok(names.first().copied().unwrap_or_default().to_owned())
}

/// Streamable HTTP revisions with a handshake, newest first.
pub(super) const REVISIONS: [Revision; 3] =
    [Revision::V2025_11_25, Revision::V2025_06_18, Revision::V2025_03_26];

/// The result of `initialize`.
pub(super) fn initialize(
    server: &Server,
    params: &Map<String, Value>,
    known: &[Revision],
    streams: bool,
) -> Result<Value, RpcError> {
    let Some(offered) = params.get("protocolVersion").and_then(Value::as_str) else {
        return Err(RpcError::invalid_params("`protocolVersion` is missing"));
    };
    let version = negotiate(server, offered, known)?;
    let second = server.shaken.fetch_add(1, Ordering::SeqCst) % 2 == 1;
    let other = |fault| second && server.behaviour.has(fault);
    if other(Fault::FleetRefuses) {
        return Err(RpcError::new(names::METHOD_NOT_FOUND, "this instance has no initialize"));
    }
    let mut result = json!({
        "protocolVersion": version,
        "capabilities": introduction::capabilities(server, streams),
        "serverInfo": introduction::server_info(server),
        "instructions": introduction::instructions(server),
    });
    if let Some(object) = result.as_object_mut() {
        for (fault, member) in [
            (Fault::InitializeNoServerInfo, "serverInfo"),
            (Fault::InitializeNoVersion, "protocolVersion"),
            (Fault::InitializeNoCapabilities, "capabilities"),
        ] {
            if server.behaviour.has(fault) {
                object.remove(member);
            }
        }
    }
    if let Some(info) = result.get_mut("serverInfo").filter(|_| other(Fault::FleetVersions)) {
        *info = json!({ "name": "agentgauge-demo", "version": "0.0.9" });
    }
    let capabilities = result.get_mut("capabilities").and_then(Value::as_object_mut);
    if let Some(capabilities) = capabilities.filter(|_| other(Fault::FleetCapabilities)) {
        capabilities.remove("completions");
    }
    Ok(result)
}

/// Answers one POSTed message.
pub(super) async fn answer(server: &Arc<Server>, call: &Call, message: Message, sessions: bool) -> Outcome {
    if let Message::Request { id, method, params } = &message
        && method == names::INITIALIZE
    {
        return handshake(server, call, id, params, sessions);
    }
    let id = if let Message::Request { id, .. } = &message { Some(id) } else { None };
    if let Err(refused) = version_header(server, call, id) {
        return refused;
    }
    let session = match sessions.then(|| session(server, call, id)).transpose() {
        Ok(session) => session,
        Err(refused) => return refused,
    };
    let Message::Request { id, method, params } = message else {
        return told::taken(server, &message);
    };
    if server.behaviour.has(Fault::LegacyHollow) {
        return rpc::refuse(server, StatusCode::BAD_REQUEST, Some(&id), &RpcError::invalid_request(HOLLOW))
            .into();
    }
    if method == "ping" && server.behaviour.has(Fault::PingNotFound) {
        return wire::refusal(StatusCode::NOT_FOUND, "no route for this method").into();
    }
    if !call.accepts("application/json") && !call.accepts("text/event-stream") {
        return wire::refusal(StatusCode::NOT_ACCEPTABLE, "Accept must admit JSON or event streams").into();
    }
    if let Some(outcome) = tamper::unreliable(server, &method).await {
        return outcome;
    }
    let value = reply_to(server, call.connection, &id, &method, &params);
    if let Some(spoilt) = tamper::list(server, &method, &value) {
        return spoilt;
    }
    match session {
        Some(session) if streams(&session, call) => stream(server, &session, &method, &value),
        _ => wire::json(StatusCode::OK, &value).into(),
    }
}

/// A batch, which 2025-03-26 alone has: every request in it is answered, in JSON.
pub(super) async fn batch(server: &Arc<Server>, call: &Call, batch: &[Value]) -> Outcome {
    let live = call.header(names::SESSION_HEADER).and_then(|id| server.sessions.find(id));
    if live.is_none_or(|session| session.revision != Revision::V2025_03_26) || batch.len() > 50 {
        let error = RpcError::invalid_request("batches are not part of this revision");
        return rpc::refuse(server, StatusCode::BAD_REQUEST, None, &error).into();
    }
    let mut replies = Vec::new();
    for value in batch {
        match Message::read(server, value) {
            Ok(Message::Request { id, method, params }) => {
                replies.push(reply_to(server, call.connection, &id, &method, &params));
            }
            Ok(Message::Notification { .. } | Message::Response) => {}
            Err(refused) => replies.push(rpc::error(server, refused.0.as_ref(), &refused.1)),
        }
    }
    if replies.is_empty() {
        return wire::empty(StatusCode::ACCEPTED).into();
    }
    wire::json(StatusCode::OK, &Value::Array(replies)).into()
}

/// What a server says that serves one request alone.
const HOLLOW: &str = "expected an initialize request";

/// The reply to a request inside a conversation, on whatever transport.
pub(super) fn reply_to(
    server: &Server,
    connection: u64,
    id: &Value,
    method: &str,
    params: &Map<String, Value>,
) -> Value {
    let result = match method {
        "ping" if server.behaviour.has(Fault::OnlyEraHollow) => Err(RpcError::invalid_request(HOLLOW)),
        "ping" if server.behaviour.has(Fault::PingUnknown) => {
            Err(RpcError::new(names::METHOD_NOT_FOUND, "Method not found"))
        }
        "ping" if server.behaviour.has(Fault::PingMembers) => Ok(json!({ "status": "ok" })),
        "ping" => Ok(json!({})),
        _ if server.behaviour.has(Fault::OnlyEraHollow) => Err(RpcError::invalid_request(HOLLOW)),
        _ => catalogue::call(server, Era::Legacy, connection, method, params),
    };
    match result {
        Ok(result) => rpc::result(server, id, method, &result),
        Err(error) => rpc::error(server, Some(id), &error),
    }
}

fn handshake(
    server: &Arc<Server>,
    call: &Call,
    id: &Value,
    params: &Map<String, Value>,
    sessions: bool,
) -> Outcome {
    let result = match initialize(server, params, &REVISIONS, sessions) {
        Ok(result) => result,
        Err(error) => return rpc::refuse(server, StatusCode::OK, Some(id), &error).into(),
    };
    let version = result.get("protocolVersion").and_then(Value::as_str);
    let revision = version.and_then(Revision::parse).unwrap_or(Revision::NEWEST_LEGACY);
    let value = rpc::result(server, id, names::INITIALIZE, &result);
    if !sessions {
        return wire::json(StatusCode::OK, &value).into();
    }
    let session = server.sessions.open(&server.behaviour, revision);
    let outcome = if streams(&session, call) {
        stream(server, &session, names::INITIALIZE, &value)
    } else {
        wire::json(StatusCode::OK, &value).into()
    };
    match outcome {
        Outcome::Reply(mut reply) if !server.behaviour.has(Fault::SessionKeptBack) => {
            let name = HeaderName::from_static(names::SESSION_HEADER);
            wire::set(reply.headers_mut(), name, &session.id);
            Outcome::Reply(reply)
        }
        other => other,
    }
}

/// Refuses a version header that names nothing we speak (transports, protocol version header).
fn version_header(server: &Server, call: &Call, id: Option<&Value>) -> Result<(), Outcome> {
    let Some(version) = call.header(names::VERSION_HEADER) else { return Ok(()) };
    if server.behaviour.has(Fault::VersionHeaderRefused) {
        let error = RpcError::invalid_request("unknown header MCP-Protocol-Version");
        return Err(rpc::refuse(server, StatusCode::BAD_REQUEST, id, &error).into());
    }
    let known = Revision::parse(version).is_some_and(|revision| REVISIONS.contains(&revision));
    if known || server.behaviour.has(Fault::VersionEchoed) {
        return Ok(());
    }
    let names: Vec<&str> = REVISIONS.iter().map(|revision| revision.as_str()).collect();
    let words = format!("MCP-Protocol-Version must be one of {}", names.join(", "));
    Err(rpc::refuse(server, StatusCode::BAD_REQUEST, id, &RpcError::invalid_request(&words)).into())
}

/// The session a request belongs to, or the refusal.
fn session(server: &Server, call: &Call, id: Option<&Value>) -> Result<Arc<Session>, Outcome> {
    let has = |fault| server.behaviour.has(fault);
    let refuse =
        |status, words| Err(rpc::refuse(server, status, id, &RpcError::invalid_request(words)).into());
    let Some(name) = call.header(names::SESSION_HEADER) else {
        return refuse(StatusCode::BAD_REQUEST, "Mcp-Session-Id is missing");
    };
    let order = server.order(call.connection);
    let elsewhere = has(Fault::SessionSticky) && (order % 4 == 3 || order % 3 == 2);
    let found = server.sessions.find(name).filter(|_| !elsewhere);
    match found {
        Some(session) => Ok(session),
        None if has(Fault::SessionUnknownServed) => {
            Ok(Arc::new(Session::new(name.to_owned(), Revision::NEWEST_LEGACY)))
        }
        None if has(Fault::SessionUnknownServerError) => Err(oddity::server_error().into()),
        None if has(Fault::SessionUnknownNoCode) => Err(oddity::no_code(id).into()),
        None if has(Fault::SessionUnknownBadRequest) => refuse(StatusCode::BAD_REQUEST, "Session not found"),
        None => refuse(StatusCode::NOT_FOUND, "Session not found"),
    }
}

fn streams(session: &Session, call: &Call) -> bool {
    session.revision == Revision::V2025_11_25 && call.accepts("text/event-stream")
}

/// Answers by a stream: the priming event, then the answer, then the end.
fn stream(server: &Arc<Server>, session: &Arc<Session>, method: &str, value: &Value) -> Outcome {
    let has = |fault| server.behaviour.has(fault);
    let list = method == "tools/list";
    let number = server.sessions.next_stream();
    let polling = has(Fault::StreamPolling) && list;
    if !has(Fault::StreamNoIds) {
        let retry = polling.then_some(500);
        session.push(number, Event { retry, ..Event::default() }, false);
    }
    let broken = has(Fault::StreamRawLines) && list;
    let text = if broken { format!("{value:#}") } else { value.to_string() };
    let (sender, reply) = events::open(server);
    let (shared, owner) = (Arc::clone(server), Arc::clone(session));
    if polling {
        server.spawn(async move {
            if let Some(priming) = owner.first(number) {
                events::send(&shared, &sender, &priming).await;
            }
            drop(sender);
            owner.push(number, Event::message(text), true);
        });
    } else {
        session.push(number, Event::message(text), true);
        server.spawn(async move { deliver(&shared, &owner, number, 0, &sender).await });
    }
    reply.into()
}

/// Faults of GET that need no session.
pub(super) fn get_fault(server: &Server) -> Option<Outcome> {
    let has = |fault| server.behaviour.has(fault);
    if has(Fault::LegacyGetHtml) {
        Some(wire::page(StatusCode::OK, "<!doctype html><title>Notes</title><h1>Notes server</h1>").into())
    } else if has(Fault::LegacyGetServerError) {
        Some(oddity::server_error().into())
    } else if has(Fault::LegacyGetNotFound) {
        Some(wire::text(StatusCode::NOT_FOUND, "Not Found").into())
    } else if has(Fault::LegacyGetHeld) {
        Some(Outcome::Hang)
    } else {
        None
    }
}

/// GET: the standalone stream, or the rest of one that was cut.
pub(super) async fn get(server: &Arc<Server>, call: &Call) -> Outcome {
    if let Some(outcome) = get_fault(server) {
        return outcome;
    }
    if !call.accepts("text/event-stream") {
        return wire::refusal(StatusCode::NOT_ACCEPTABLE, "GET opens an event stream").into();
    }
    if let Err(refused) = version_header(server, call, None) {
        return refused;
    }
    let session = match session(server, call, None) {
        Ok(session) => session,
        Err(refused) => return refused,
    };
    if let Some(last) = call.header("last-event-id").filter(|last| !last.is_empty()) {
        return resume(server, session, last);
    }
    if server.behaviour.has(Fault::GetStreamOnce) && session.streamed() {
        return wire::refusal(StatusCode::CONFLICT, "Only one SSE stream is allowed per session").into();
    }
    let number = server.sessions.next_stream();
    if session.revision == Revision::V2025_11_25 && !server.behaviour.has(Fault::StreamNoIds) {
        session.push(number, Event::default(), false);
    }
    let (sender, reply) = events::hold(server, true);
    told::pings(server, &sender);
    let shared = Arc::clone(server);
    server.spawn(async move { deliver(&shared, &session, number, 0, &sender).await });
    if server.behaviour.has(Fault::GetStreamEnds) {
        return wire::over(reply, ENDS_AFTER).into();
    }
    if server.behaviour.has(Fault::GetStreamCut) {
        return wire::cut(reply, ENDS_AFTER).into();
    }
    reply.into()
}

/// How long a GET stream lasts that ends.
const ENDS_AFTER: Duration = Duration::from_millis(800);

fn resume(server: &Arc<Server>, session: Arc<Session>, last: &str) -> Outcome {
    let has = |fault| server.behaviour.has(fault);
    if has(Fault::ResumeServerError) {
        return oddity::server_error().into();
    }
    if has(Fault::ResumeDeclined) {
        return wire::method_not_allowed("GET, POST, DELETE").into();
    }
    let foreign = || {
        let (stream, _) = parse_event_id(last).filter(|_| has(Fault::ResumeForeignSession))?;
        server.sessions.owner(stream)
    };
    let session = if session.locate(last).is_some() { session } else { foreign().unwrap_or(session) };
    let Some((stream, index)) = session.locate(last) else {
        let error = RpcError::invalid_request("Last-Event-ID names no event of this session");
        return rpc::refuse(server, StatusCode::BAD_REQUEST, None, &error).into();
    };
    let loses = has(Fault::ResumeLoses) && server.sessions.next_resumption() % 2 == 1;
    let from = match () {
        () if has(Fault::ResumeRepeats) => index,
        () if loses => usize::MAX,
        () => index.saturating_add(1),
    };
    let (sender, reply) = events::hold(server, true);
    let shared = Arc::clone(server);
    server.spawn(async move {
        if shared.behaviour.has(Fault::ResumeSilent) {
            return events::keep_alive(&shared, &sender).await;
        }
        if shared.behaviour.has(Fault::ResumeForeignStream) {
            for event in session.others(stream) {
                if !events::send(&shared, &sender, &event).await {
                    return;
                }
            }
        }
        deliver(&shared, &session, stream, from, &sender).await;
    });
    reply.into()
}

/// DELETE: ends a session.
pub(super) fn delete(server: &Server, call: &Call) -> Outcome {
    if server.behaviour.has(Fault::SessionIdRepeated) {
        return wire::method_not_allowed("GET, POST").into();
    }
    match session(server, call, None) {
        Ok(session) => {
            server.sessions.delete(&session.id, server.behaviour.has(Fault::SessionDeletedServed));
            wire::empty(StatusCode::OK).into()
        }
        Err(refused) => refused,
    }
}
