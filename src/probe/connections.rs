//! The same call on fresh connections with nothing sent before: hidden state and stickiness show.

use std::time::Duration;

use serde_json::json;

use super::prober::Prober;
use super::speaker::Speaker;
use crate::facts::catalogue::capabilities;
use crate::net::Reuse;
use crate::protocol::names;
use crate::protocol::revision::Era;
use crate::transcript::ProbeId;

/// Between two requests of one session: `legacy-session-multi-connection` sends at most two a second, so
/// that a balancer that spreads by time shows, too. Where no idle stream is watched meanwhile, a scan has no
/// time for it.
const PACE: Duration = Duration::from_millis(500);

pub(super) async fn run(prober: &Prober<'_>, speakers: &[Speaker]) {
    let rounds = if prober.standard() { 8 } else { 4 };
    for speaker in speakers.iter().filter(|speaker| speaker.streamable()) {
        // Without a session there is nothing that could stick in the legacy era.
        if speaker.era == Era::Legacy && speaker.session.is_none() {
            continue;
        }
        let method = method(prober, speaker);
        let paced = speaker.era == Era::Legacy && prober.standard();
        for number in 1..=rounds {
            if paced && number > 1 && prober.lock().watching {
                prober.wire.rest(PACE).await;
            }
            let call = speaker
                .call(ProbeId::Connections, format!("fresh-{number}"), method, json!({}))
                .reuse(Reuse::Fresh);
            if prober.send(call).await.is_none() {
                return;
            }
        }
        if speaker.era == Era::Modern {
            // Discover comes first on this one: a server that wants it first shows here.
            let open = speaker.base(ProbeId::Connections, "open").reuse(Reuse::FreshKept);
            let Some(opened) = prober.send(open).await else { return };
            let reused = Reuse::Kept(opened.connection);
            let call = speaker.call(ProbeId::Connections, "reused", method, json!({})).reuse(reused);
            prober.send(call).await;
        }
    }
}

/// An advertised list in the modern era (discover itself where there is none), BASE in the legacy one.
fn method(prober: &Prober<'_>, speaker: &Speaker) -> &'static str {
    if speaker.era == Era::Legacy {
        return speaker.base;
    }
    let (exchanges, _) = prober.wire.recorded();
    let advertised = exchanges
        .iter()
        .filter(|exchange| exchange.era == Some(Era::Modern) && exchange.probe == ProbeId::Classify)
        .find_map(capabilities)
        .unwrap_or_default();
    let lists = [("tools", "tools/list"), ("prompts", "prompts/list"), ("resources", "resources/list")];
    let advertised = lists.into_iter().find(|(capability, _)| advertised.contains_key(*capability));
    advertised
        .map_or(if speaker.base == "tools/list" { "tools/list" } else { names::DISCOVER }, |(_, method)| {
            method
        })
}
