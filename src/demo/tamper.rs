//! Faults of replies: their speed and reliability; the type of the one to `tools/list` on Streamable HTTP, and its
//! stream.

use std::io::Write;
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Duration;

use bytes::Bytes;
use flate2::Compression;
use flate2::write::GzEncoder;
use http::StatusCode;
use http::header::{CONTENT_ENCODING, HeaderValue};
use serde_json::Value;

use super::Fault;
use super::event::Event;
use super::events;
use super::http::{Outcome, Reply, Sender, cut, reply, text};
use super::oddity;
use super::server::Server;

/// How the stream of the list is spoilt.
#[derive(Clone, Copy, Debug)]
enum Spoilt {
    Empty,
    Silent,
    Late,
    Lingers,
    Truncated,
    TwoObjects,
    Heartbeat,
}

/// The reply to the list, if a fault spoils it. `value` is the sound reply.
pub(super) fn list(server: &Arc<Server>, method: &str, value: &Value) -> Option<Outcome> {
    if method != "tools/list" {
        return None;
    }
    let has = |fault| server.behaviour.has(fault);
    let labelled = |label, body: String| Some(reply(StatusCode::OK, label, body).into());
    if has(Fault::ReplyTextPlain) {
        return labelled(Some("text/plain; charset=utf-8"), value.to_string());
    }
    if has(Fault::ReplyNoType) {
        return labelled(None, value.to_string());
    }
    if has(Fault::JsonLabelledStream) {
        return labelled(Some("text/event-stream"), value.to_string());
    }
    if has(Fault::StreamLabelledJson) {
        return labelled(Some("application/json"), format!("event: message\ndata: {value}\n\n"));
    }
    if has(Fault::ByteOrderMark) {
        return labelled(Some("application/json"), format!("\u{feff}{value}"));
    }
    if has(Fault::KeyTwice) {
        let twice = value.to_string().replacen('{', "{\"jsonrpc\":\"2.0\",", 1);
        return labelled(Some("application/json"), twice);
    }
    if let Some(coded) = coded(server, value) {
        return Some(coded.into());
    }
    if has(Fault::StreamNoLastChunk) {
        let (sender, reply) = events::open(server);
        let event = events::encode(server, &Event::message(value.to_string()));
        server.spawn(async move {
            if sender.send(event).await.is_ok() {
                sender.closed().await;
            }
        });
        return Some(cut(reply, LAST_CHUNK).into());
    }
    let spoilt = [
        (Fault::StreamEndsEarly, Spoilt::Empty),
        (Fault::StreamSilent, Spoilt::Silent),
        (Fault::StreamLate, Spoilt::Late),
        (Fault::StreamTruncatedJson, Spoilt::Truncated),
        (Fault::StreamTwoObjects, Spoilt::TwoObjects),
        (Fault::StreamTextHeartbeat, Spoilt::Heartbeat),
        (Fault::StreamLingers, Spoilt::Lingers),
    ];
    let (_, spoilt) = spoilt.into_iter().find(|(fault, _)| has(*fault))?;
    let (sender, reply) = events::open(server);
    let (shared, value) = (Arc::clone(server), value.clone());
    server.spawn(async move { spoil(&shared, &sender, spoilt, &value).await });
    Some(reply.into())
}

/// How long after its start a stream breaks off: its answer has gone out, and nobody has left yet.
const LAST_CHUNK: Duration = Duration::from_millis(20);

/// The list under a content coding that is not as it says.
fn coded(server: &Server, value: &Value) -> Option<Reply> {
    let has = |fault| server.behaviour.has(fault);
    let (name, body): (_, Bytes) = match () {
        () if has(Fault::CodingNone) => ("none", value.to_string().into()),
        () if has(Fault::CodingUntrue) => ("gzip", value.to_string().into()),
        () if has(Fault::CodingUnfinished) => {
            let mut gzip = GzEncoder::new(Vec::new(), Compression::fast());
            // All of it is there, but for the block that says so.
            gzip.write_all(value.to_string().as_bytes()).and_then(|()| gzip.flush()).ok()?;
            ("gzip", gzip.get_ref().clone().into())
        }
        () => return None,
    };
    let mut reply = reply(StatusCode::OK, Some("application/json"), body);
    reply.headers_mut().insert(CONTENT_ENCODING, HeaderValue::from_static(name));
    Some(reply)
}

async fn spoil(server: &Server, sender: &Sender, spoilt: Spoilt, value: &Value) {
    let sound = value.to_string();
    let say = |data: &str| events::encode(server, &Event::message(data.to_owned()));
    let mut out: Vec<Bytes> = Vec::new();
    match spoilt {
        Spoilt::Empty => out.push(events::comment()),
        Spoilt::Silent => {
            events::keep_alive(server, sender).await;
        }
        Spoilt::Late => {
            tokio::time::sleep(Duration::from_secs(12)).await;
            out.push(say(&sound));
        }
        Spoilt::Truncated => {
            let half: String = sound.chars().take(40).collect();
            out.extend([say(&half), say(&sound)]);
        }
        Spoilt::TwoObjects => {
            let note =
                r#"{"jsonrpc":"2.0","method":"notifications/message","params":{"level":"info","data":"x"}}"#;
            out.push(say(&format!("{note}{sound}")));
        }
        Spoilt::Lingers => {
            if sender.send(say(&sound)).await.is_ok() {
                events::keep_alive(server, sender).await;
            }
        }
        Spoilt::Heartbeat => out.extend([say("ping"), say(&sound)]),
    }
    for bytes in out {
        if sender.send(bytes).await.is_err() {
            return;
        }
    }
}

/// Faults of speed and reliability, before a request that would be served.
pub(super) async fn unreliable(server: &Server, method: &str) -> Option<Outcome> {
    if !matches!(method, "server/discover" | "ping" | "tools/list") {
        return None;
    }
    let count = server.served.fetch_add(1, Ordering::SeqCst).saturating_add(1);
    let every = |fault: Fault, nth: u64| server.behaviour.has(fault) && count.is_multiple_of(nth);
    if every(Fault::LatencyVerySlow, 5) {
        tokio::time::sleep(Duration::from_millis(5_500)).await;
    }
    if every(Fault::LatencySlow, 4) {
        tokio::time::sleep(Duration::from_millis(2_000)).await;
    }
    if every(Fault::ResetRate, 5) {
        return Some(Outcome::Drop);
    }
    if every(Fault::ErrorRate, 4) {
        return Some(oddity::server_error().into());
    }
    if server.behaviour.has(Fault::ErrorOnce) && count == 4 {
        return Some(text(StatusCode::SERVICE_UNAVAILABLE, "Service Unavailable").into());
    }
    None
}
