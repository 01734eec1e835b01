//! One target: probes → transcript. Judging is done on what was recorded, by the caller.

use std::time::Duration;

use url::Url;

use crate::net::{Wire, watch_stalls};
use crate::observe::{Observer, ScanEvent, ScanOptions, Stop};
use crate::probe;
use crate::target::proxy::Proxy;
use crate::target::{Target, query_placeholder};
use crate::transcript::codec::{Encoded, Entry};
use crate::transcript::secret_names::secret_name;
use crate::transcript::{End, FORMAT, Header, ProbeId, Skip, SkipReason, Tool, Transcript, Vault};

/// Scans one target and gives the transcript. Never fails: failures are recorded.
pub async fn scan(target: &Target, options: ScanOptions, observer: &dyn Observer, stop: &Stop) -> Transcript {
    record(target, options, observer, stop).await.transcript
}

/// The same, with the encoded form that judging begins with.
pub async fn record(target: &Target, options: ScanOptions, observer: &dyn Observer, stop: &Stop) -> Encoded {
    wait(target, options.wait_ms, observer, stop).await;
    let wire = Wire::new(target, observer, stop);
    let header = header(target, wire.vault());
    let url = header.url.clone();
    observer.entry(&Entry::Header(Box::new(header.clone())));
    let mut stalls = Vec::new();
    // In one task: what holds up the ticks holds up the probes.
    tokio::select! {
        () = Box::pin(probe::run(&wire, &url, target.profile, options)) => {}
        () = watch_stalls(&wire, &mut stalls) => {}
    }
    let end = End { at_us: wire.now_us(), interrupted: stop.stopped(), stalls };
    observer.entry(&Entry::End(end.clone()));
    let (exchanges, skips) = wire.recorded();
    // Judge what encoding and decoding left: then `replay` cannot see anything else.
    Encoded::reread(Transcript { header, exchanges, skips, end: Some(end) })
}

/// The header of a scan that begins now.
#[must_use]
pub fn header(target: &Target, vault: &Vault) -> Header {
    Header {
        format: FORMAT,
        tool: Tool::this(),
        url: masked_url(&target.url, vault),
        zone: target.zone.clone(),
        label: target.label.clone(),
        profile: target.profile,
        limits: target.limits.clone(),
        insecure: target.insecure,
        proxy: target.proxy.as_ref().map(Proxy::origin),
        operator_headers: target.headers.iter().map(|(name, _)| name.to_string()).collect(),
        started_at: jiff::Timestamp::now().to_string(),
    }
}

/// What is judged of a target on which we crashed: that, and nothing that was seen.
#[must_use]
pub fn crashed(header: Header) -> Transcript {
    let skip = Skip { probe: ProbeId::Classify, step: None, reason: SkipReason::Crashed };
    Transcript { header, exchanges: Vec::new(), skips: vec![skip], end: None }
}

/// What is recorded of a target that is not tried, because nothing else on its host could be reached.
pub(crate) fn not_tried(target: &Target, observer: &dyn Observer) -> Transcript {
    let header = header(target, &Vault::default());
    let skip = Skip { probe: ProbeId::Classify, step: None, reason: SkipReason::HostUnreachable };
    let end = End { at_us: 0, interrupted: false, stalls: Vec::new() };
    observer.entry(&Entry::Header(Box::new(header.clone())));
    observer.entry(&Entry::Skip(skip.clone()));
    observer.entry(&Entry::End(end.clone()));
    Transcript { header, exchanges: Vec::new(), skips: vec![skip], end: Some(end) }
}

/// Waits until something accepts a connection: a server that CI has just started. Nothing is sent.
async fn wait(target: &Target, wait_ms: u64, observer: &dyn Observer, stop: &Stop) {
    if wait_ms == 0 {
        return;
    }
    let end = tokio::time::Instant::now() + Duration::from_millis(wait_ms);
    let what = "the endpoint to accept connections".to_owned();
    observer.event(ScanEvent::Waiting { number: 0, what, at_most: Duration::from_millis(wait_ms) });
    while !stop.stopped() && tokio::time::Instant::now() < end && !crate::net::accepts(target).await {
        tokio::time::sleep(RETRY).await;
    }
    observer.event(ScanEvent::Waited { number: 0 });
}

/// Pause between two attempts of `--wait`.
const RETRY: Duration = Duration::from_millis(200);

/// The URL as it is recorded: values of token-like query parameters become placeholders.
pub(crate) fn masked_url(url: &Url, vault: &Vault) -> String {
    let Some(query) = url.query() else { return url.to_string() };
    let masked: Vec<String> = query
        .split('&')
        .map(|pair| match pair.split_once('=') {
            Some((name, value)) if secret_name(name) && !value.is_empty() => {
                format!("{name}={}", vault.hide_in_url(&query_placeholder(name), value))
            }
            _ => pair.to_owned(),
        })
        .collect();
    let text = url.as_str();
    let base = text.split_once('?').map_or(text, |(base, _)| base);
    format!("{base}?{}", masked.join("&"))
}
