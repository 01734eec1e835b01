//! Content types that a web page can send without preflight.

use serde_json::Value;

use super::bodies::initialize;
use super::prober::Prober;
use super::speaker::{Channel, Speaker};
use crate::net::Call;
use crate::protocol::revision::{Era, Revision};
use crate::transcript::ProbeId;

const PROBE: ProbeId = ProbeId::ContentType;

pub(super) async fn run(prober: &Prober<'_>, speakers: &[Speaker], modern_only: bool) {
    let era = if modern_only { Era::Modern } else { Era::Legacy };
    let posts = |speaker: &&Speaker| speaker.era == era && !matches!(speaker.channel, Channel::WebSocket(_));
    let Some(speaker) = speakers.iter().find(posts) else { return };
    prober.wire.doing("sending content types that web pages can send");
    // No page can send the MCP headers without preflight, so a modern-only endpoint gets BASE bare. On
    // HTTP+SSE the session is in the URL.
    let request = |step: &str| -> Call {
        if !speaker.streamable() {
            speaker.base(PROBE, step)
        } else if modern_only {
            let body = speaker.body(&speaker.id(), speaker.base, Value::Null);
            Call::post(PROBE, step, &speaker.place, body).era(Era::Modern)
        } else {
            initialize(&speaker.client, PROBE, step, Some(&speaker.place), Revision::NEWEST_LEGACY.as_str())
        }
    };
    let twin = Some(speaker.proved_by);
    let plain = |step: &str| request(step).header("content-type", "text/plain;charset=UTF-8").negative(twin);
    let Some(first) = prober.ask(speaker, plain("text-plain")).await else { return };
    if first.reply.served() {
        let foreign = plain("text-plain-origin").header("origin", prober.invented.origin());
        if prober.ask(speaker, foreign).await.is_none() {
            return;
        }
    }
    prober.ask(speaker, request("none").without("content-type").negative(twin)).await;
}

/// BASE with its media types in other words that mean the same, or less: read as header fields, they change
/// nothing. All of them in the newest era, the parameter alone in the other.
pub(super) async fn media_types(prober: &Prober<'_>, speakers: &[Speaker]) {
    for (index, speaker) in speakers.iter().filter(|speaker| speaker.streamable()).enumerate() {
        if index > 0 && !prober.standard() {
            return;
        }
        let twin = if speaker.era == Era::Modern { Some(speaker.proved_by) } else { speaker.used_by };
        if twin.is_none() {
            continue;
        }
        prober.wire.doing("writing media types in other words");
        let mut fields = vec![("charset", "content-type", "application/json; charset=utf-8")];
        if index == 0 && prober.standard() {
            fields.extend([
                ("accept-order", "accept", "text/event-stream;q=0.9, application/json"),
                ("accept-any", "accept", "*/*"),
                ("accept-json", "accept", "application/json"),
            ]);
        }
        for (step, name, value) in fields {
            let call = speaker.base(PROBE, step).header(name, value).negative(twin);
            if prober.send(call).await.is_none() {
                return;
            }
        }
    }
}
