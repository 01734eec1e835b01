//! Event streams: their head, the form of an event, and waiting beside silence.

use std::sync::atomic::Ordering;

use bytes::Bytes;
use http::StatusCode;
use http::header::{CACHE_CONTROL, CONTENT_ENCODING, CONTENT_TYPE, HeaderName, HeaderValue};

use super::Fault;
use super::event::Event;
use super::http::{Body, Call, Held, Reply, Sender, streamed};
use super::server::Server;

const ACCEL: HeaderName = HeaderName::from_static("x-accel-buffering");

/// Opens a stream that answers one request.
pub(super) fn open(server: &Server) -> (Sender, Reply) {
    let (sender, body) = streamed();
    (sender, head(server, body, false))
}

/// Opens a stream that is held for its own sake (GET, listen).
pub(super) fn hold(server: &Server, by_get: bool) -> (Sender, Reply) {
    let (sender, body) = streamed();
    let mut reply = head(server, body, by_get);
    reply.extensions_mut().insert(Held);
    (sender, reply)
}

/// What begins a gzip container (RFC 1952 section 2.3), without time and name.
const GZIP_HEAD: [u8; 10] = [0x1f, 0x8b, 8, 0, 0, 0, 0, 0, 0, 3];

/// A stream as a proxy leaves it that compresses, and collects what it compresses: a head, and no event.
/// `None` without the fault, or where the client does not allow gzip.
pub(super) fn collected(server: &Server, call: &Call) -> Option<Reply> {
    let allowed = call.header("accept-encoding").is_some_and(|all| all.contains("gzip"));
    let head = server.behaviour.has(Fault::StreamCompressedHead);
    if !allowed || !(head || server.behaviour.has(Fault::StreamCompressedHeld)) {
        return None;
    }
    let (sender, mut reply) = hold(server, true);
    reply.headers_mut().insert(CONTENT_ENCODING, HeaderValue::from_static("gzip"));
    server.spawn(async move {
        if head && sender.send(Bytes::from_static(&GZIP_HEAD)).await.is_err() {
            return;
        }
        sender.closed().await;
    });
    Some(reply)
}

fn head(server: &Server, body: Body, by_get: bool) -> Reply {
    let has = |fault| server.behaviour.has(fault);
    let media = if by_get && has(Fault::StreamAsText) {
        "text/plain; charset=utf-8"
    } else if has(Fault::StreamCharset) {
        "text/event-stream; charset=iso-8859-1"
    } else if has(Fault::StreamParameter) {
        "text/event-stream; boundary=events"
    } else {
        "text/event-stream"
    };
    let mut reply = Reply::new(body);
    *reply.status_mut() = StatusCode::OK;
    let headers = reply.headers_mut();
    headers.insert(CONTENT_TYPE, HeaderValue::from_static(media));
    headers.insert(CACHE_CONTROL, HeaderValue::from_static("no-cache, no-transform"));
    if !has(Fault::NoAccelHeader) {
        headers.insert(ACCEL, HeaderValue::from_static("no"));
    }
    reply
}

/// The bytes of an event (WHATWG, event stream interpretation): one `data` line for each line of data.
pub(super) fn encode(server: &Server, event: &Event) -> Bytes {
    let has = |fault| server.behaviour.has(fault);
    let mut lines: Vec<String> = Vec::new();
    let mut line = |field: &str, value: &str| {
        let gap = if value.is_empty() { "" } else { " " };
        lines.push(format!("{field}:{gap}{value}"));
    };
    if let Some(name) = event.name {
        line("event", name);
    }
    if has(Fault::StreamUnknownField) {
        line("source", "demo");
    }
    let without = has(Fault::StreamSomeIds)
        && !event.data.is_empty()
        && server.events.fetch_add(1, Ordering::SeqCst).is_multiple_of(2);
    if let Some(id) = event.id.as_deref().filter(|_| !without && !has(Fault::StreamNoIds)) {
        line("id", if has(Fault::StreamIdsRepeat) || has(Fault::FeedIdsRepeat) { "1" } else { id });
    }
    if let Some(retry) = event.retry {
        line("retry", &retry.to_string());
    }
    let raw = has(Fault::StreamRawLines);
    for (index, data) in event.data.split('\n').enumerate() {
        if raw && index > 0 {
            lines.push(data.to_owned());
        } else {
            lines.push(if data.is_empty() { "data:".to_owned() } else { format!("data: {data}") });
        }
    }
    format!("{}\n\n", lines.join("\n")).into()
}

/// Sends one event. `false` once the client has gone.
pub(super) async fn send(server: &Server, sender: &Sender, event: &Event) -> bool {
    sender.send(encode(server, event)).await.is_ok()
}

/// Sends keep-alive comments into silence until the client goes.
pub(super) async fn keep_alive(server: &Server, sender: &Sender) {
    loop {
        tokio::select! {
            () = sender.closed() => return,
            () = silence(server) => {}
        }
        if sender.send(comment()).await.is_err() {
            return;
        }
    }
}

/// Waits for as long as a stream may be silent; for ever where keep-alives are off.
pub(super) async fn silence(server: &Server) {
    if [Fault::NoKeepAlive, Fault::FeedGoesSilent, Fault::FeedCutIdle]
        .into_iter()
        .any(|fault| server.behaviour.has(fault))
    {
        std::future::pending::<()>().await;
    }
    tokio::time::sleep(server.behaviour.keep_alive).await;
}

/// A comment: seen by proxies, ignored by clients.
pub(super) fn comment() -> Bytes {
    Bytes::from_static(b": keep-alive\n\n")
}
