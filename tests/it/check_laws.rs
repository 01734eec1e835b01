//! Laws that hold for every check, on recorded servers and live endpoints, instead of the same test in each.

use std::collections::BTreeSet;

use agentgauge::check::{Check, Reads};
use agentgauge::checks;
use agentgauge::facts::Readings;
use agentgauge::finding::Finding;
use agentgauge::transcript::{
    Content, End, Ended, Exchange, Expectation, Failure, FailureKind, Head, Phase, ProbeId, Skip, SkipReason,
    Transcript,
};
use agentgauge::verdict::Status;

use serde_json::{Map, Value, json};

use crate::replay::fixtures;

/// Whether a check may look at an exchange.
fn reads(check: &Check, exchange: &Exchange) -> bool {
    match check.reads {
        Reads::Of(probes) => probes.contains(&exchange.probe),
        Reads::Every(expectation) => exchange.expectation == expectation,
        Reads::All => true,
    }
}

fn run(check: &'static Check, transcript: &Transcript) -> Finding {
    check.run(&Readings::new(transcript))
}

fn decided(status: Status) -> bool {
    matches!(status, Status::Pass | Status::Warn | Status::Fail)
}

fn none(faults: &[String]) {
    assert!(faults.is_empty(), "{} faults\n{}", faults.len(), faults.join("\n"));
}

/// Recorded servers.
fn records() -> Vec<(String, Transcript)> {
    fixtures().into_iter().map(|fixture| (fixture.slug, fixture.transcript)).collect()
}

#[test]
fn what_is_decided_is_shown_in_the_record() {
    let mut faults = Vec::new();
    for (name, transcript) in records() {
        let readings = Readings::new(&transcript);
        for check in checks::all() {
            let found = check.run(&readings);
            let all = found.evidence.iter().all(|evidence| transcript.exchange(evidence.exchange).is_some());
            if !all || (decided(found.status) && found.evidence.is_empty()) {
                faults.push(format!("{name}: {} {:?} {:?}", check.id, found.status, found.evidence));
            }
        }
    }
    none(&faults);
}

#[test]
fn without_its_own_exchanges_no_check_decides() {
    let mut faults = Vec::new();
    for (name, transcript) in records() {
        for check in checks::all() {
            let mut without = transcript.clone();
            without.exchanges.retain(|exchange| !reads(check, exchange));
            let found = run(check, &without);
            if decided(found.status) {
                faults.push(format!("{name}: {} {:?}: {}", check.id, found.status, found.message));
            }
        }
    }
    none(&faults);
}

/// The record of a scan that stopped before it sent exchange number `count`.
fn stopped(whole: &Transcript, count: usize, reason: SkipReason) -> Transcript {
    let mut cut = whole.clone();
    let unsent = cut.exchanges.split_off(count);
    let unsent: BTreeSet<(ProbeId, String)> =
        unsent.into_iter().map(|exchange| (exchange.probe, exchange.step)).collect();
    cut.skips.extend(unsent.into_iter().map(|(probe, step)| Skip { probe, step: Some(step), reason }));
    let at_us = cut.exchanges.iter().map(|exchange| exchange.ended_us).max().unwrap_or_default();
    cut.end = Some(End { at_us, interrupted: false, stalls: Vec::new() });
    cut
}

/// Checks that pass in a scan that stopped early, though the whole record is short of the mark. A rule about
/// every exchange passes on those that were seen, so only one that was sent by then contradicts it.
fn contradicted(transcript: &Transcript) -> Vec<String> {
    let readings = Readings::new(transcript);
    let wrong: Vec<Finding> = checks::all()
        .map(|check| check.run(&readings))
        .filter(|found| matches!(found.status, Status::Warn | Status::Fail))
        .collect();
    let mut faults = BTreeSet::new();
    for count in 0..transcript.exchanges.len() {
        let cut = stopped(transcript, count, SkipReason::Budget);
        let readings = Readings::new(&cut);
        for whole in &wrong {
            let found = whole.check.run(&readings);
            let every = !matches!(whole.check.reads, Reads::Of(_));
            let later = whole.evidence.iter().all(|evidence| cut.exchange(evidence.exchange).is_none());
            if found.status == Status::Pass && !(later && every) {
                faults
                    .insert(format!("{} passes ({}), but: {}", whole.check.id, found.message, whole.message));
            }
        }
    }
    faults.into_iter().collect()
}

#[test]
fn a_scan_that_stopped_early_passes_nothing_that_the_whole_would_not() {
    let mut faults = Vec::new();
    for (name, transcript) in records() {
        faults.extend(contradicted(&transcript).into_iter().map(|fault| format!("{name}: {fault}")));
    }
    none(&faults);
}

/// An exchange with a reply that says nothing of the request.
fn replaced(exchange: &mut Exchange, status: Option<u16>) {
    exchange.content = Content::None;
    exchange.shapes.clear();
    exchange.first_byte_us = None;
    match status {
        Some(status) => {
            let at_us = exchange.head.as_ref().map_or(exchange.ended_us, |head| head.at_us);
            let version = "HTTP/1.1".to_owned();
            exchange.head = Some(Head { at_us, status, version, headers: Vec::new() });
            (exchange.failure, exchange.ended) = (None, Ended::Complete);
        }
        None => {
            exchange.head = None;
            exchange.ended = Ended::Failed;
            exchange.failure =
                Some(Failure { phase: Phase::Head, kind: FailureKind::Reset, detail: String::new() });
        }
    }
}

/// Checks to which this status is an answer, with the reason.
const ANSWERS: [(&str, u16, &str); 2] = [
    ("sh-content-type-enforced", 401, "a page that is asked for a credential has none: it is not processed"),
    ("cors-no-credentialed-reflection", 401, "the headers of any reply show whether an origin is let in"),
];

#[test]
fn a_reset_or_a_wall_in_place_of_a_negative_is_no_better_than_not_having_asked() {
    let mut faults = Vec::new();
    for (name, whole) in records() {
        for index in 0..whole.exchanges.len() {
            let negative = &whole.exchanges[index];
            if negative.expectation != Expectation::Negative {
                continue;
            }
            let own: Vec<&Check> = checks::all()
                .filter(|check| matches!(check.reads, Reads::Of(probes) if probes.contains(&negative.probe)))
                .collect();
            let mut without = whole.clone();
            without.exchanges.remove(index);
            let without = Readings::new(&without);
            let missing: Vec<&'static Check> = checks::all()
                .filter(|check| {
                    own.iter().any(|own| own.id == check.id) && check.run(&without).status != Status::Pass
                })
                .collect();
            for status in [None, Some(401), Some(429)] {
                let mut changed = whole.clone();
                replaced(&mut changed.exchanges[index], status);
                let changed = Readings::new(&changed);
                for check in &missing {
                    let found = check.run(&changed);
                    let answer =
                        |(id, known, _): &(&str, u16, &str)| *id == check.id && Some(*known) == status;
                    if found.status == Status::Pass && !ANSWERS.iter().any(answer) {
                        let step = &negative.step;
                        faults.push(format!("{name}: {} passes with {status:?} for {step}", check.id));
                    }
                }
            }
        }
    }
    none(&faults);
}

/// In what a request differs from another, in words of the protocol: headers that mirror the body are no
/// difference of their own, nor are ids and keys that are new each time.
fn differences(one: &Exchange, other: &Exchange) -> BTreeSet<String> {
    let mut found = BTreeSet::new();
    let mut differs = |what: &str, differs: bool| {
        if differs {
            found.insert(what.to_owned());
        }
    };
    differs("HTTP method", one.request.method != other.request.method);
    differs("address", one.request.url != other.request.url);
    differs("session", one.session != other.session);
    differs("era", one.era != other.era);
    for (name, what) in headers(one).chain(headers(other)) {
        let values = |exchange: &Exchange| {
            let named = exchange.request.headers.iter().filter(|(key, _)| *key == name);
            named.map(|(_, value)| value.clone()).collect::<Vec<_>>()
        };
        differs(&what, values(one) != values(other));
    }
    let body = |exchange: &Exchange| exchange.request.body.as_deref().map(serde_json::from_str::<Value>);
    match (body(one), body(other)) {
        (Some(Ok(Value::Object(one))), Some(Ok(Value::Object(other)))) if one.contains_key("method") => {
            differs(
                "id",
                one.get("id").is_none_or(Value::is_null) != other.get("id").is_none_or(Value::is_null),
            );
            differs("jsonrpc", one.get("jsonrpc") != other.get("jsonrpc"));
            let params = |body: &Map<String, Value>| body.get("params").cloned().unwrap_or(json!({}));
            let (mut one_params, mut other_params) = (params(&one), params(&other));
            let meta = |params: &mut Value| params.as_object_mut().map(|all| all.shift_remove("_meta"));
            let (one_meta, other_meta) = (meta(&mut one_params), meta(&mut other_params));
            // `params` of another type has no `_meta` to lose.
            let typed = one_params.is_object() == other_params.is_object();
            differs("_meta", typed && one_meta.flatten() != other_meta.flatten());
            differs("call", one.get("method") != other.get("method") || one_params != other_params);
        }
        (one, other) => {
            let text = |body: Option<Result<Value, _>>| body.map(|body| format!("{body:?}"));
            differs("body", text(one) != text(other));
        }
    }
    // A version stands in header and `_meta` alike.
    if found.contains("version") {
        found.remove("_meta");
    }
    found
}

/// Names of headers that say something, and what each is a part of.
fn headers(exchange: &Exchange) -> impl Iterator<Item = (String, String)> + use<'_> {
    exchange.request.headers.iter().filter_map(|(name, _)| {
        let part = match name.as_str() {
            "sec-websocket-key" | "user-agent" => return None,
            "mcp-method" | "mcp-name" => "call",
            "mcp-protocol-version" => "version",
            "mcp-session-id" => "session",
            other => other,
        };
        Some((name.clone(), part.to_owned()))
    })
}

/// Negatives that differ from their twins in more than one thing, or have none, with the reason.
const ALLOWED: [(&str, &str, &str); 13] = [
    ("Auth", "listen", "a subscription has no plain twin: it is compared with the 401 to every other call"),
    ("Delivery", "listen", "a subscription has no plain twin: only its delivery is read"),
    ("Resume", "cut", "ours to cut: nothing is refused"),
    ("Browser", "host-and-origin", "two on purpose: some guards look at both together"),
    ("Browser", "preflight", "a browser's question about the twin, in a form of its own"),
    (
        "Resume",
        "resume-other",
        "a GET that resumes another session: its twin is the call that opened the stream",
    ),
    // To mend in the probes: a twin of the same call, in the same session, would say more.
    ("Catalogue", "completion/complete", "compared with whatever was served last"),
    ("ContentType", "none", "against another method than its own, and not always of its era"),
    ("ContentType", "text-plain", "against another method than its own, and not always of its era"),
    ("Delivery", "post", "in another session than its twin"),
    ("LegacySessions", "deleted", "`tools/list` against `ping` in the live session"),
    ("LegacySessions", "unknown", "`tools/list` against `ping` in the live session"),
    ("LegacyVersions", "initialize 1999-01-01", "against a call at another address"),
];

#[test]
fn a_negative_differs_from_its_twin_in_exactly_one_thing() {
    let mut faults = BTreeSet::new();
    for (name, transcript) in records() {
        for negative in transcript.exchanges.iter().filter(|it| it.expectation == Expectation::Negative) {
            let twin = negative.twin.and_then(|id| transcript.exchange(id));
            let found: Vec<String> = match twin {
                Some(twin) => differences(negative, twin).into_iter().collect(),
                None => vec!["no twin".to_owned()],
            };
            let (probe, step) = (format!("{:?}", negative.probe), &negative.step);
            let allowed = ALLOWED.iter().any(|(known, at, _)| *known == probe && *at == step.as_str());
            if (twin.is_none() || found.len() != 1) && !allowed {
                faults.insert(format!("{probe} {step}: {} ({name})", found.join(", ")));
            }
        }
    }
    none(&faults.into_iter().collect::<Vec<_>>());
}
