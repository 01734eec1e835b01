//! Content types that a web page can send without preflight (CHECKS.md, `sh-content-type-enforced`).

use serde_json::Value;

use super::speaker::{self, Speaker};
use super::{Prober, of};
use crate::facts::reply;
use crate::net::Call;
use crate::protocol::names;
use crate::protocol::revision::{Era, Revision};
use crate::transcript::ProbeId;

const PROBE: ProbeId = ProbeId::ContentType;

pub(super) async fn run(prober: &Prober<'_>, speakers: &[Speaker], modern_only: bool) {
    let era = if modern_only { Era::Modern } else { Era::Legacy };
    let Some(speaker) = of(speakers, era) else { return };
    prober.wire.doing("sending content types that web pages can send");
    // No page can send the MCP headers without preflight, so a modern-only endpoint gets BASE bare.
    let request = |step: &str| -> Call {
        if modern_only {
            let body = speaker.body(&speaker.id(), speaker.base, Value::Null);
            Call::post(PROBE, step, &speaker.url, body.to_string()).era(Era::Modern)
        } else {
            speaker::initialize(PROBE, step, &speaker.url, Revision::NEWEST_LEGACY.as_str())
        }
    };
    let twin = Some(speaker.proved_by);
    let plain = |step: &str| request(step).header("content-type", "text/plain;charset=UTF-8").negative(twin);
    let Some(first) = prober.send(plain("text-plain")).await else { return };
    if reply::read(&first).served() {
        let foreign = plain("text-plain-origin").header("origin", names::FOREIGN_ORIGIN);
        if prober.send(foreign).await.is_none() {
            return;
        }
    }
    prober.send(request("none").without("content-type").negative(twin)).await;
}
