//! From a request to its handler.

use std::fmt;
use std::sync::Arc;
use std::sync::atomic::Ordering;

use http::{Method, Request, StatusCode};
use hyper::body::Incoming;

use super::http::{Call, Held, Outcome, Reply};
use super::log::Counted;
use super::rpc::{self, Message, RpcError};
use super::server::Server;
use super::{
    Base, Fault, feed, gated, guards, headers, http as wire, http_sse, legacy, modern, oddity, websocket,
};
use crate::protocol::names;
use crate::protocol::revision::Revision;

/// Tells hyper to close the connection without an answer.
#[derive(Debug)]
pub(super) struct Dropped;

impl fmt::Display for Dropped {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("the endpoint drops this connection")
    }
}

impl std::error::Error for Dropped {}

/// Answers one request, or does not, as the behaviour says.
pub(super) async fn answer(
    server: Arc<Server>,
    connection: u64,
    request: Request<Incoming>,
) -> Result<Reply, Dropped> {
    let guard = server.log.enter(Counted::Request);
    let call = match Call::read(connection, request).await {
        Ok(call) => call,
        Err(refused) => return Ok(refused),
    };
    server.log.request(&call);
    let origin = call.header("origin").map(str::to_owned);
    let preflight = call.method == Method::OPTIONS;
    match route(&server, call).await {
        Outcome::Drop => Err(Dropped),
        Outcome::Hang => std::future::pending().await,
        Outcome::Reply(mut reply) => {
            let bare = server.behaviour.has(Fault::CorsErrorsBare) && reply.status().as_u16() >= 400;
            if !bare {
                guards::cors(&server, origin.as_deref(), preflight, reply.headers_mut());
            }
            headers::twice(&server.behaviour, reply.headers_mut());
            let held = reply.extensions().get::<Held>().is_some();
            let guard = if held { server.log.enter(Counted::HeldStream) } else { guard };
            // An upgrade has no body to guard, and hyper wants it as it is.
            if reply.status() == StatusCode::SWITCHING_PROTOCOLS {
                return Ok(*reply);
            }
            Ok(wire::guarded(*reply, guard))
        }
    }
}

async fn route(server: &Arc<Server>, call: Call) -> Outcome {
    let behaviour = &server.behaviour;
    if behaviour.base == Base::WebSite {
        return website(&call).into();
    }
    if let Some(refused) = guards::check(server, &call) {
        return refused.into();
    }
    match (behaviour.base, call.path.as_str()) {
        (Base::Modern, "/mcp") => streamable(server, &call, Eras::Modern).await,
        (Base::Legacy, "/mcp") => streamable(server, &call, Eras::Legacy).await,
        (Base::LegacyJson, "/mcp") => streamable(server, &call, Eras::LegacyJson).await,
        (Base::Dual, "/mcp") => streamable(server, &call, Eras::Dual).await,
        (Base::HttpSse, "/sse") => http_sse::stream(server, &call).await,
        (Base::HttpSse, "/messages") => http_sse::message(server, &call).await,
        (Base::HttpSse, "/mcp") if !behaviour.has(Fault::HttpSseOnly) => {
            streamable(server, &call, Eras::Legacy).await
        }
        (Base::Feed, "/events") => feed::stream(server, &call).await,
        (Base::WebSocketMcp, "/ws") => websocket::upgrade(server, &call),
        (Base::WebSocketMcp, "/mcp") if !behaviour.has(Fault::SocketOnly) => {
            streamable(server, &call, Eras::Dual).await
        }
        (Base::Gated, "/mcp") => match gated::check(server, &call) {
            Some(refused) => refused,
            None if gated::old(server) => streamable(server, &call, Eras::Legacy).await,
            None => streamable(server, &call, Eras::Dual).await,
        },
        (Base::Gated, "/sse" | "/messages") => match gated::check(server, &call) {
            Some(refused) if !behaviour.has(Fault::AuthSseOpen) => refused,
            _ if call.path == "/sse" => http_sse::stream(server, &call).await,
            _ => http_sse::message(server, &call).await,
        },
        (Base::Gated, path) => gated::metadata(server, path).into(),
        _ => wire::refusal(StatusCode::NOT_FOUND, "there is nothing at this path").into(),
    }
}

/// Sends a browser to the pages of another site.
fn elsewhere() -> Reply {
    let mut reply = wire::empty(StatusCode::FOUND);
    let place = http::HeaderValue::from_static("https://docs.example.com/mcp");
    reply.headers_mut().insert(http::header::LOCATION, place);
    reply
}

fn website(call: &Call) -> Reply {
    if matches!(call.method, Method::GET | Method::HEAD) {
        wire::page(StatusCode::OK, "<!doctype html><title>Notes</title><h1>Welcome</h1><p>Read our blog.</p>")
    } else {
        wire::method_not_allowed("GET, HEAD")
    }
}

/// What a Streamable HTTP path speaks.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Eras {
    Modern,
    Legacy,
    LegacyJson,
    Dual,
}

async fn streamable(server: &Arc<Server>, call: &Call, eras: Eras) -> Outcome {
    let sessions = matches!(eras, Eras::Legacy | Eras::Dual);
    match call.method {
        Method::POST => post(server, call, eras).await,
        Method::GET => match eras {
            Eras::Modern => modern::get(server),
            Eras::LegacyJson if server.behaviour.has(Fault::GetRedirected) => elsewhere().into(),
            Eras::LegacyJson => legacy::get_fault(server).unwrap_or(wire::method_not_allowed("POST").into()),
            Eras::Legacy | Eras::Dual => legacy::get(server, call).await,
        },
        Method::DELETE if sessions => legacy::delete(server, call),
        _ if sessions => wire::method_not_allowed("GET, POST, DELETE").into(),
        _ => wire::method_not_allowed("POST").into(),
    }
}

async fn post(server: &Arc<Server>, call: &Call, eras: Eras) -> Outcome {
    if let Some(refused) = guards::content_type(server, call) {
        return refused.into();
    }
    let compared = server.behaviour.has(Fault::AcceptCompared);
    if compared && call.header("accept") != Some("application/json, text/event-stream") {
        let words = "Accept must be application/json, text/event-stream";
        return wire::refusal(StatusCode::NOT_ACCEPTABLE, words).into();
    }
    if server.poisoned.load(Ordering::SeqCst) {
        return oddity::server_error().into();
    }
    let odd = oddity::of(&call.body);
    if let Some(outcome) = oddity::disturb(server, odd).await {
        return outcome;
    }
    let value = match rpc::parse(&call.body) {
        Ok(value) => value,
        Err(error) => return rpc::refuse(server, StatusCode::BAD_REQUEST, None, &error).into(),
    };
    // 2025-03-26 alone has batches, so only a legacy session can tell.
    if let Some(batch) = value.as_array().filter(|batch| !batch.is_empty())
        && sessionful(eras)
    {
        return legacy::batch(server, call, batch).await;
    }
    let message = match Message::read(server, &value) {
        Ok(Message::Request { id, method, .. }) if handshake_fails(server, &method) => {
            let error = if server.behaviour.has(Fault::HandshakeError) {
                RpcError::new(names::INTERNAL_ERROR, "database unavailable")
            } else {
                RpcError::new(names::METHOD_NOT_FOUND, "Method not found")
            };
            return rpc::refuse(server, StatusCode::OK, Some(&id), &error).into();
        }
        Ok(message) => message,
        Err(_) if server.behaviour.has(Fault::LegacyMalformedAccepted) && !modern_header(call) => {
            return wire::empty(StatusCode::ACCEPTED).into();
        }
        Err(refused) => {
            let (id, error) = *refused;
            return rpc::refuse(server, StatusCode::BAD_REQUEST, id.as_ref(), &error).into();
        }
    };
    let to_modern = match eras {
        Eras::Modern => true,
        Eras::Dual => modern::claims(call, &message),
        Eras::Legacy | Eras::LegacyJson => false,
    };
    if to_modern {
        modern::answer(server, call, message, eras == Eras::Modern).await
    } else {
        legacy::answer(server, call, message, sessionful(eras)).await
    }
}

fn handshake_fails(server: &Server, method: &str) -> bool {
    let fails = server.behaviour.has(Fault::HandshakeError) || server.behaviour.has(Fault::HandshakeUnknown);
    fails && matches!(method, names::INITIALIZE | names::DISCOVER)
}

fn modern_header(call: &Call) -> bool {
    call.header(names::VERSION_HEADER) == Some(Revision::NEWEST_MODERN.as_str())
}

fn sessionful(eras: Eras) -> bool {
    matches!(eras, Eras::Legacy | Eras::Dual)
}
