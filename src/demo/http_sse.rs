//! HTTP+SSE of 2024-11-05: one stream, one URI to post to, replies on the stream.

use std::sync::Arc;

use http::{Method, StatusCode};
use serde_json::Value;

use super::event::Event;
use super::events;
use super::http::{self as wire, Call, Outcome, Sender};
use super::log::lock;
use super::rpc::{self, Message};
use super::server::Server;
use super::{Fault, feed, guards, legacy, oddity, tamper, told};
use crate::protocol::names;
use crate::protocol::revision::Revision;

/// What is negotiated on this transport, newest first, as the SDKs do: the transport is old, the
/// messages need not be.
pub(super) const REVISIONS: [Revision; 4] =
    [Revision::V2025_11_25, Revision::V2025_06_18, Revision::V2025_03_26, Revision::V2024_11_05];

/// GET: opens the stream and announces where to post.
pub(super) async fn stream(server: &Arc<Server>, call: &Call) -> Outcome {
    let has = |fault| server.behaviour.has(fault);
    if call.method != Method::GET && !has(Fault::PostOpensStream) {
        return wire::method_not_allowed("GET").into();
    }
    if !call.accepts("text/event-stream") {
        return wire::refusal(StatusCode::NOT_ACCEPTABLE, "this is an event stream").into();
    }
    if let Some(collected) = events::collected(server, call) {
        return collected.into();
    }
    if has(Fault::StreamHeadHeld) {
        tokio::time::sleep(feed::HELD_BACK).await;
    }
    let token = uuid::Uuid::new_v4().simple().to_string();
    let uri = if has(Fault::EndpointEmpty) {
        String::new()
    } else if has(Fault::EndpointElsewhere) {
        format!("http://localhost:1/messages?sessionId={token}")
    } else {
        format!("/messages?sessionId={token}")
    };
    let (sender, reply) = events::hold(server, true);
    lock(&server.clients.open).insert(token.clone(), sender.clone());
    let shared = Arc::clone(server);
    server.spawn(async move {
        let named = |name, data| Event { name: Some(name), data, ..Event::default() };
        let mut greeting = vec![named("endpoint", uri)];
        if shared.behaviour.has(Fault::EndpointSecond) {
            greeting.insert(0, named("hello", "{}".to_owned()));
        }
        for (fault, words) in
            [(Fault::MessageHeartbeat, "ping"), (Fault::MessageWords, "Welcome to the notes")]
        {
            if shared.behaviour.has(fault) {
                greeting.push(Event { data: words.to_owned(), ..Event::default() });
            }
        }
        for event in greeting {
            events::send(&shared, &sender, &event).await;
        }
        events::keep_alive(&shared, &sender).await;
        lock(&shared.clients.open).remove(&token);
    });
    reply.into()
}

/// POST: takes a message; what it asks is answered on the stream.
pub(super) async fn message(server: &Arc<Server>, call: &Call) -> Outcome {
    let has = |fault| server.behaviour.has(fault);
    if call.method != Method::POST {
        return wire::method_not_allowed("POST").into();
    }
    if let Some(refused) = guards::content_type(server, call) {
        return refused.into();
    }
    let query = call.query.as_deref().unwrap_or_default();
    let Some(token) = query.split('&').find_map(|pair| pair.strip_prefix("sessionId=")) else {
        return wire::refusal(StatusCode::BAD_REQUEST, "sessionId is missing").into();
    };
    let Some(sender) = lock(&server.clients.open).get(token).cloned() else {
        return wire::refusal(StatusCode::NOT_FOUND, "there is no such session").into();
    };
    if let Some(outcome) = oddity::disturb(server, oddity::of(&call.body)).await {
        return outcome;
    }
    let message = rpc::parse(&call.body)
        .map_err(|error| Box::new((None, error)))
        .and_then(|value| Message::read(server, &value));
    let (id, method, params) = match message {
        Ok(Message::Request { id, method, params }) => (id, method, params),
        Ok(Message::Notification { .. }) if has(Fault::NotificationAnswered) => {
            answer(server, sender, &told::unasked());
            return wire::empty(StatusCode::ACCEPTED).into();
        }
        Ok(Message::Notification { .. } | Message::Response) => {
            return wire::empty(StatusCode::ACCEPTED).into();
        }
        Err(refused) => {
            let (id, error) = *refused;
            return rpc::refuse(server, StatusCode::BAD_REQUEST, id.as_ref(), &error).into();
        }
    };
    if let Some(outcome) = tamper::unreliable(server, &method).await {
        return outcome;
    }
    let value = if method == names::INITIALIZE {
        match legacy::initialize(server, &params, &REVISIONS, true) {
            Ok(result) => rpc::result(server, &id, &method, &result),
            Err(error) => rpc::error(server, Some(&id), &error),
        }
    } else {
        legacy::reply_to(server, call.connection, &id, &method, &params)
    };
    if has(Fault::ReplyInPost) {
        return wire::json(StatusCode::OK, &value).into();
    }
    answer(server, sender, &value);
    if has(Fault::ReplyTwice) {
        return wire::json(StatusCode::OK, &value).into();
    }
    wire::empty(StatusCode::ACCEPTED).into()
}

fn answer(server: &Arc<Server>, sender: Sender, value: &Value) {
    let name = if server.behaviour.has(Fault::ReplyOtherEvent) { "reply" } else { "message" };
    let event = Event { name: Some(name), ..Event::message(value.to_string()) };
    let shared = Arc::clone(server);
    // The POST must not wait for a stream that nobody reads.
    server.spawn(async move {
        events::send(&shared, &sender, &event).await;
    });
}
