//! The subscription stream of the modern era.

use std::time::Duration;

use serde_json::{Map, Value, json};

use super::legacy;
use super::prober::Prober;
use super::speaker::{Speaker, of};
use crate::facts::catalogue::capabilities;
use crate::facts::{listen, reply};
use crate::net::{Call, Handle, HandleKind, Message, Until};
use crate::protocol::revision::Era;
use crate::protocol::{jsonrpc, names};
use crate::transcript::ProbeId;

const PROBE: ProbeId = ProbeId::Listen;
/// What opening the connection may take of a wait, milliseconds.
const CONNECTING_MS: u64 = 500;

/// P-LISTEN with what is advertised, by a speaker of the modern era.
pub(super) async fn call(prober: &Prober<'_>, speaker: &Speaker, probe: ProbeId) -> Option<Call> {
    let advertised = advertised(prober)?;
    let mut filter = listen::filter(&advertised, None);
    let mut uri = None;
    // A subscription to single resources needs one that exists; quick asks only where nothing else can be.
    if listen::resources(&advertised) && probe == PROBE && (prober.standard() || filter.is_empty()) {
        uri = resource(prober, speaker).await;
        filter = listen::filter(&advertised, uri.as_ref().map(Handle::shown));
    }
    if filter.is_empty() {
        return None;
    }
    let body = speaker.body(&speaker.id(), names::LISTEN, json!({ "notifications": filter }));
    let mut body = Message::new(body);
    if let Some(uri) = uri {
        body = body.with("/params/notifications/resourceSubscriptions/0", uri);
    }
    Some(speaker.post(probe, "listen", names::LISTEN, body))
}

fn advertised(prober: &Prober<'_>) -> Option<Map<String, Value>> {
    let (exchanges, _) = prober.wire.recorded();
    exchanges
        .iter()
        .filter(|exchange| exchange.era == Some(Era::Modern) && exchange.probe == ProbeId::Classify)
        .find_map(capabilities)
}

async fn resource(prober: &Prober<'_>, speaker: &Speaker) -> Option<Handle> {
    let exchange = prober.send(speaker.call(PROBE, "resources", "resources/list", json!({}))).await?;
    let read = reply::read(&exchange);
    let first = read.result()?.get("resources")?.as_array()?.first()?;
    first.get("uri").and_then(Value::as_str).map(|uri| prober.wire.handle(HandleKind::Resource, uri))
}

/// Opens the stream, waits for what comes first, and watches it like any idle stream.
pub(super) async fn run(prober: &Prober<'_>, speakers: &[Speaker]) {
    let Some(speaker) = of(speakers, Era::Modern) else { return };
    let speaker = &speaker.another();
    let Some(call) = call(prober, speaker, PROBE).await else { return };
    let limits = prober.wire.limits();
    let quick = prober.silence_ms();
    // Counted from here, a moment before the request goes out.
    let first = quick.unwrap_or(limits.first_event_ms.saturating_add(CONNECTING_MS));
    let watch = quick.unwrap_or(limits.idle_watch_ms.max(first));
    let Some(mut held) = prober.hold(call.until(Until::Watch(watch))).await else { return };
    let first = Duration::from_millis(first);
    let waiting = prober.wire.waiting("the acknowledgement of a subscription", first);
    held.wait(first, |head, lines| head.is_some_and(|head| head.status != 200) || listen::begun(lines)).await;
    drop(waiting);
    let mut left = Duration::ZERO;
    if prober.standard() {
        let watched = Duration::from_millis(limits.idle_watch_ms);
        let begun = tokio::time::Instant::now();
        legacy::idle(prober, &mut held, watched).await;
        left = watched.saturating_sub(begun.elapsed());
    } else {
        // A reply that is no stream ends by itself.
        held.wait(Duration::from_millis(30), |_, lines| !lines.is_empty()).await;
    }
    if let Some(exchange) = prober.wire.close(held).await {
        prober.learn(&exchange).await;
        let sent = exchange.request.body.as_deref().and_then(|body| jsonrpc::parse(body).ok());
        let params = sent.and_then(|sent| sent.get("params").cloned()).unwrap_or_default();
        let again = |step| speaker.call(PROBE, step, names::LISTEN, params.clone());
        legacy::reopen(prober, &exchange, left, again).await;
    }
}
