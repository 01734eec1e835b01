//! Origin, Host and CORS (CHECKS.md section I): BASE with one header changed.

use std::net::IpAddr;

use url::Url;

use super::classify::Endpoint;
use super::speaker::Speaker;
use super::{Prober, newest};
use crate::net::{Call, Until};
use crate::protocol::names;
use crate::protocol::revision::Era;
use crate::transcript::ProbeId;

const PROBE: ProbeId = ProbeId::Browser;

pub(super) async fn run(prober: &Prober<'_>, speakers: &[Speaker], target: &Endpoint) {
    if speakers.is_empty() && target.feed.is_none() {
        return;
    }
    prober.wire.doing("trying foreign Origin and Host headers");
    // The POST of the newest era, plus Origin and Host once each on the legacy side in standard (2.3).
    let asked: Vec<Option<&Speaker>> =
        if speakers.is_empty() { vec![None] } else { newest(prober, speakers).iter().map(Some).collect() };
    for (index, speaker) in asked.into_iter().enumerate() {
        let base = |step: &str| match speaker {
            Some(speaker) => speaker.base(PROBE, step),
            None => Call::get_stream(PROBE, step, &target.url).until(Until::Head),
        };
        let Some(twin) = prober.send(base("base")).await else { return };
        let mut calls = vec![
            base("origin").header("origin", names::FOREIGN_ORIGIN),
            base("host-and-origin")
                .header("host", names::FOREIGN_HOST)
                .header("origin", format!("http://{}", names::FOREIGN_HOST)),
            base("host").header("host", names::FOREIGN_HOST),
        ];
        if index == 0 {
            calls.push(base("origin-null").header("origin", "null"));
            if let Some(suffix) = suffix_origin(&target.url) {
                calls.push(base("origin-suffix").header("origin", suffix));
            }
            let mut preflight = preflight(&target.url, speaker);
            preflight.credential = false;
            calls.push(preflight);
        }
        let calls = calls.into_iter().map(|call| prober.send(call.negative(Some(twin.id))));
        futures_util::future::join_all(calls).await;
    }
}

/// An origin that a careless prefix match lets pass; none for IP literals.
fn suffix_origin(url: &str) -> Option<String> {
    let parsed = Url::parse(url).ok()?;
    let host = parsed.host_str()?;
    let literal = host.trim_start_matches('[').trim_end_matches(']').parse::<IpAddr>().is_ok();
    (!literal).then(|| format!("https://{host}.{}", names::FOREIGN_HOST))
}

/// P-PRE for the newest era; a feed's clients send GET.
fn preflight(url: &str, speaker: Option<&Speaker>) -> Call {
    let (method, wanted) = match speaker.map(|speaker| speaker.era) {
        Some(Era::Modern) => ("POST", "authorization,content-type,mcp-method,mcp-name,mcp-protocol-version"),
        Some(Era::Legacy) => {
            ("POST", "authorization,content-type,last-event-id,mcp-protocol-version,mcp-session-id")
        }
        None => ("GET", "authorization,cache-control,last-event-id"),
    };
    let mut call = Call::new("OPTIONS", PROBE, "preflight", url)
        .header("origin", names::FOREIGN_ORIGIN)
        .header("access-control-request-method", method)
        .header("access-control-request-headers", wanted);
    call.era = speaker.map(|speaker| speaker.era);
    call
}
