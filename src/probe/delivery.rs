//! The streams once more with compression allowed (CHECKS.md, `sse-unbuffered`).

use std::time::Duration;

use super::classify::{Endpoint, Feed};
use super::speaker::Speaker;
use super::{Prober, left_out, listen};
use crate::facts::streams::is_stream;
use crate::net::{Call, Reuse, Until};
use crate::protocol::revision::Era;
use crate::transcript::{Exchange, ProbeId};

const PROBE: ProbeId = ProbeId::Delivery;

pub(super) async fn run(prober: &Prober<'_>, speakers: &[Speaker], target: &Endpoint) {
    if !prober.standard() {
        return left_out(prober, PROBE);
    }
    prober.wire.doing("asking for compressed streams");
    let (exchanges, _) = prober.wire.recorded();
    for speaker in speakers {
        let speaker = &speaker.another();
        let streams = |exchange: &&Exchange| exchange.era == Some(speaker.era) && is_stream(exchange);
        // The listen stream itself is still open, and not recorded yet.
        let listens =
            if speaker.era == Era::Modern { listen::call(prober, speaker, PROBE).await } else { None };
        if let Some(call) = listens {
            send(prober, call, None).await;
        } else if let Some(twin) = exchanges.iter().find(|exchange| {
            streams(exchange)
                && crate::facts::reply::request_method(exchange).as_deref() == Some(speaker.base)
        }) {
            send(prober, speaker.base(PROBE, "post"), Some(twin.id)).await;
        }
    }
    if target.feed == Some(Feed::Plain) {
        let twin = exchanges.iter().find(|exchange| exchange.step == "first").map(|exchange| exchange.id);
        send(prober, Call::get_stream(PROBE, "get", &target.url), twin).await;
    }
}

async fn send(prober: &Prober<'_>, call: Call, twin: Option<u32>) {
    let wait = prober.wire.limits().first_event_ms;
    let call = call
        .header("accept-encoding", "gzip, br")
        .negative(twin)
        .until(Until::Watch(wait))
        .reuse(Reuse::Fresh);
    let Some(mut held) = prober.hold(call).await else { return };
    held.wait(Duration::from_millis(wait), |head, lines| {
        head.is_some_and(|head| head.status != 200) || !lines.is_empty()
    })
    .await;
    if let Some(exchange) = prober.wire.close(held).await {
        prober.learn(&exchange).await;
    }
}
