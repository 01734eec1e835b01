//! What went wrong below the application, counted: limits that were hit, and failures by kind.

use std::collections::BTreeMap;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::catalogue::Catalogue;
use super::classification::Classification;
use super::{catalogue, reply};
use crate::protocol::revision::Era;
use crate::transcript::{
    Content, Exchange, Expectation, Failure, FailureKind, Phase, ProbeId, SkipReason, Transcript,
};

/// A limit of ours that was hit.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct LimitHit {
    /// Its name, as `scan --show-limits` prints it.
    pub name: String,
    /// Its value.
    pub value: u64,
    /// How often.
    pub times: usize,
    /// The first exchange that hit it; none where it kept requests from being sent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub exchange: Option<u32>,
}

/// Failures of one kind.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct FailureCount {
    /// Where.
    pub phase: Phase,
    /// What.
    pub kind: FailureKind,
    /// How often.
    pub times: usize,
    /// The first exchange that ended so.
    pub exchange: u32,
    /// That one in words. May quote a few bytes of remote text.
    pub words: String,
}

/// The limits that the scan hit, by name; `catalogues` are the transcript's.
#[must_use]
pub fn limits_hit(transcript: &Transcript, catalogues: &BTreeMap<Era, Catalogue>) -> Vec<LimitHit> {
    let values = transcript.header.limits.by_name();
    let mut hits: BTreeMap<&str, LimitHit> = BTreeMap::new();
    let mut hit = |name: &str, exchange: Option<u32>| {
        if let Some((name, value)) = values.get_key_value(name) {
            let found = LimitHit { name: name.clone(), value: *value, times: 0, exchange };
            let entry = hits.entry(name.as_str()).or_insert(found);
            entry.times = entry.times.saturating_add(1);
        }
    };
    for exchange in &transcript.exchanges {
        if let Some(name) = exchange.failure.as_ref().and_then(limit_of) {
            hit(name, Some(exchange.id));
        }
        if exchange.lines().unwrap_or_default().iter().any(|line| line.cut) {
            hit("line_bytes", Some(exchange.id));
        }
        if pages_end(exchange, transcript.header.limits.pages) {
            hit("pages", Some(exchange.id));
        }
    }
    for cut in catalogues.values().filter_map(|catalogue| catalogue.cut_at) {
        hit("list_items", Some(cut));
    }
    let most = usize::try_from(transcript.header.limits.requests).unwrap_or(usize::MAX);
    for skip in &transcript.skips {
        match skip.reason {
            SkipReason::Deadline => hit("target_ms", None),
            // A probe's own share is no limit that the endpoint ran into; the total is.
            SkipReason::Budget if transcript.exchanges.len().saturating_add(KEPT_BACK) >= most => {
                hit("requests", None);
            }
            _ => {}
        }
    }
    hits.into_values().collect()
}

/// Requests that are kept back for cleaning up.
const KEPT_BACK: usize = 8;

/// The name of the limit that a failure comes from: it leads the detail.
fn limit_of(failure: &Failure) -> Option<&str> {
    let limited = matches!(
        failure.kind,
        FailureKind::ConnectTimeout
            | FailureKind::TlsTimeout
            | FailureKind::HeaderTimeout
            | FailureKind::BodyTimeout
            | FailureKind::TooLarge
            | FailureKind::Cancelled
    );
    failure.detail.split(' ').next().filter(|_| limited)
}

/// Whether a list went on after the last page that we read.
fn pages_end(exchange: &Exchange, pages: usize) -> bool {
    exchange.probe == ProbeId::Catalogue
        && exchange.step.ends_with(&format!(" page {pages}"))
        && !matches!(exchange.content, Content::None)
        && catalogue::next_cursor(&reply::read(exchange)).is_some()
}

/// The failures of the scan by phase and kind, in order of appearance. What we ended ourselves is none.
#[must_use]
pub fn failures(transcript: &Transcript) -> Vec<FailureCount> {
    let mut counts: Vec<FailureCount> = Vec::new();
    for exchange in &transcript.exchanges {
        let Some(failure) = &exchange.failure else { continue };
        // A GET may be held without a head: that is no fault, and in `quick` it is not waited for.
        if failure.kind == FailureKind::HeaderTimeout && exchange.request.method == "GET" {
            continue;
        }
        if let Some(count) =
            counts.iter_mut().find(|count| (count.phase, count.kind) == (failure.phase, failure.kind))
        {
            count.times = count.times.saturating_add(1);
        } else {
            counts.push(FailureCount {
                phase: failure.phase,
                kind: failure.kind,
                times: 1,
                exchange: exchange.id,
                words: failure.words(),
            });
        }
    }
    counts
}

/// Plain requests that a whole scan of a sound endpoint sends at least: where its conversations make fewer, more
/// are sent one by one.
const PLAIN: usize = 20;

/// What kept a scan from looking, in words, whatever it did find: the credential that was given was refused, or
/// 429 ended the scan before half of its plain requests were answered.
#[must_use]
pub fn blind(transcript: &Transcript, class: &Classification) -> Option<String> {
    let halted = |reason| transcript.skips.iter().any(|skip| skip.reason == reason);
    if class.credential_refused {
        return Some("the endpoint refused the credential that was given".to_owned());
    }
    if halted(SkipReason::CredentialStopped) {
        return Some("the endpoint refused the credential in the middle of the scan".to_owned());
    }
    let answered = |exchange: &&Exchange| {
        exchange.expectation == Expectation::Plain
            && exchange.probe != ProbeId::Siblings
            && exchange.status().is_some_and(|status| status != 429)
    };
    let answered = transcript.exchanges.iter().filter(answered).count();
    (halted(SkipReason::RateLimited) && answered.saturating_mul(2) < PLAIN).then(|| {
        format!(
            "429 ended the scan after {answered} plain requests, less than half of what it sends at least"
        )
    })
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::checks::synthetic::{Scan, post};
    use crate::facts::classification::classify;
    use crate::transcript::{Profile, Skip};

    #[test]
    fn what_429_cut_off_early_was_not_looked_at() {
        let limited = |plain: usize, reason| {
            let ask = |_| post(ProbeId::Catalogue, "tools/list", Era::Legacy, json!({})).status(200);
            let mut scan = (0..plain).map(ask).fold(Scan::empty(), Scan::with);
            scan.transcript.skips.push(Skip { probe: ProbeId::Load, step: None, reason });
            let class = classify(&scan.transcript);
            blind(&scan.transcript, &class)
        };
        assert!(limited(8, SkipReason::RateLimited).unwrap().contains("after 9 plain requests"));
        assert_eq!(limited(9, SkipReason::RateLimited), None);
        assert_eq!(limited(8, SkipReason::Budget), None);
        assert!(limited(30, SkipReason::CredentialStopped).is_some());
    }

    #[test]
    fn limits_are_named_with_their_values() {
        let mut transcript = Scan::modern().profile(Profile::Quick).transcript;
        transcript.skips.push(Skip { probe: ProbeId::Load, step: None, reason: SkipReason::Deadline });
        let mut catalogues = BTreeMap::new();
        let hits = limits_hit(&transcript, &catalogues);
        assert_eq!(hits.len(), 1);
        assert_eq!((hits[0].name.as_str(), hits[0].value), ("target_ms", 30_000));
        catalogues.insert(Era::Modern, Catalogue { cut_at: Some(3), ..Catalogue::default() });
        let hits = limits_hit(&transcript, &catalogues);
        assert_eq!((hits[0].name.as_str(), hits[0].value, hits[0].exchange), ("list_items", 2_000, Some(3)));
        let failure = |kind, detail: &str| Failure { phase: Phase::Body, kind, detail: detail.to_owned() };
        assert_eq!(limit_of(&failure(FailureKind::TooLarge, "body_bytes 4")), Some("body_bytes"));
        assert_eq!(limit_of(&failure(FailureKind::NotHttp, "body_bytes 4")), None);
    }
}
