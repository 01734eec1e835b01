//! From JSON reports back to reports, so that `merge` can render every format. What is not in the JSON is
//! computed again from what is (a dimension's sum), or left out (the transcript's exchanges).

use std::collections::BTreeMap;

use thiserror::Error;

use super::beside;
use super::v1::{
    JsonClassification, JsonDelivery, JsonEraGuess, JsonFacts, JsonFinding, JsonReport, JsonScore, JsonTls,
};
use crate::checks;
use crate::exit::Exit;
use crate::facts::Classification;
use crate::facts::arrivals::KeepAlive;
use crate::facts::classification::{Found, ServerInfo};
use crate::facts::delivery::{DeliveredStream, Delivery, Timing};
use crate::facts::era_guess::{EraGuess, Hint};
use crate::facts::latency::Latency;
use crate::facts::resume::Resume;
use crate::facts::summary::Footprint;
use crate::facts::troubles::{FailureCount, LimitHit};
use crate::finding::Finding;
use crate::gate::GateOutcome;
use crate::report::key::NamedAt;
use crate::report::timeline::Timeline;
use crate::report::{Report, ReportFinding, RubricStamp, TranscriptStamp, Tried};
use crate::rubric::{Cap, CapOn, CapTarget, Policy, Rubric};
use crate::score::{CapHit, DimensionScore, Score, Usable};
use crate::transcript::{Certificate, Tls, Tool};
use crate::verdict::{Dimension, Evidence, Status};

/// Why a report cannot be rendered again. Escape at the sink.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
pub enum RestoreError {
    /// A check that does not exist here.
    #[error(
        "check '{check}' is not known here; the report was written by {tool}, so merge with that version"
    )]
    Unknown {
        /// Id of the check.
        check: String,
        /// Who wrote it.
        tool: String,
    },
    /// A check with two findings.
    #[error("check '{0}' is there twice")]
    Twice(String),
    /// A score that no rubric gives.
    #[error("the score {0} is not between 0 and 100")]
    Score(String),
}

/// The report that was written as this.
///
/// # Errors
/// If it names a check that does not exist here, or says what no report of ours says.
pub fn restore(json: JsonReport) -> Result<Report, RestoreError> {
    let tool = format!("{} {}", json.tool.name, json.tool.version);
    let policy = json.rubric.policy.map_or_else(
        || Rubric::default_rubric().policy,
        |policy| Policy {
            warn_credit: policy.warn_credit,
            min_coverage: policy.min_coverage,
            min_points: policy.min_points,
        },
    );
    let standings =
        json.findings.iter().filter_map(|finding| Some((finding.check.clone(), finding.baseline?))).collect();
    let findings: Result<Vec<ReportFinding>, RestoreError> =
        json.findings.into_iter().map(|finding| finding_of(finding, &tool)).collect();
    let findings = findings?;
    for (index, row) in findings.iter().enumerate() {
        let id = row.finding.check.id;
        if findings.iter().take(index).any(|other| other.finding.check.id == id) {
            return Err(RestoreError::Twice(id.to_owned()));
        }
    }
    if let Some(value) = json.score.value.filter(|value| !(0.0..=100.0).contains(value)) {
        return Err(RestoreError::Score(value.to_string()));
    }
    let score = score_of(json.score, &findings, &policy);
    let place = |id: &String| findings.iter().position(|row| row.finding.check.id == id.as_str());
    // A sorted gate: failures first, as they were written.
    let failed = json.exit.name == Exit::GateFailed;
    let reasons = json.gate.reasons;
    let gate = GateOutcome {
        asked: json.gate.asked.max(reasons.len()),
        notes: json.gate.notes,
        standings,
        failed: if failed { reasons.clone() } else { Vec::new() },
        withheld: if failed { Vec::new() } else { reasons },
    };
    let kind = json.classification.kind;
    let exit = match json.exit.name {
        // How that run ended is over; what it came to still counts.
        Exit::HungUp | Exit::Interrupted | Exit::Terminated => {
            Exit::of(kind, &score, &gate, json.classification.credential_refused)
        }
        exit => exit,
    };
    let facts = json.facts;
    Ok(Report {
        tool: Tool { name: json.tool.name, version: json.tool.version },
        rubric: RubricStamp {
            id: json.rubric.id,
            version: json.rubric.version,
            sha256: json.rubric.sha256,
            policy,
        },
        transcript: TranscriptStamp { sha256: json.transcript.sha256, complete: json.transcript.complete },
        profile: json.profile,
        started_at: json.started_at,
        duration_ms: json.duration_ms,
        url: json.target.url,
        label: json.target.label,
        named_at: json.target.named_at.map(|named| NamedAt { file: named.file, line: named.line }),
        insecure: json.target.insecure,
        proxy: json.target.proxy,
        tried: json
            .classification
            .tried
            .iter()
            .map(|tried| Tried {
                exchange: tried.exchange,
                what: tried.what.clone(),
                outcome: tried.outcome.clone(),
            })
            .collect(),
        era_guess: json.classification.era_guess.as_ref().map(era_guess_of),
        classification: classification_of(json.classification),
        clients: json.clients.into_iter().map(beside::client).collect(),
        gate,
        exit,
        fixes: json.fixes.checks.iter().filter_map(place).collect(),
        fixes_gain: json.fixes.gain,
        keep_alive: keep_alive_of(&facts),
        resume: facts.resume.as_ref().map(|resume| Resume {
            tries: resume.tries,
            exact: resume.exact,
            foreign: resume.foreign,
            expected: resume.expected.clone(),
            received: resume.received.clone(),
        }),
        delivery: facts.delivery.as_ref().map(delivery_of),
        // Times of single exchanges are in the transcript only.
        timeline: Timeline::default(),
        latency: latency_of(&facts),
        limits_hit: facts
            .limits_hit
            .into_iter()
            .map(|hit| LimitHit {
                name: hit.name,
                value: hit.value,
                times: hit.times,
                exchange: hit.exchange,
            })
            .collect(),
        failures: facts
            .failures
            .into_iter()
            .map(|failure| FailureCount {
                phase: failure.phase,
                kind: failure.kind,
                times: failure.times,
                exchange: failure.exchange,
                words: failure.words,
            })
            .collect(),
        tls: facts.tls.map(tls_of),
        footprint: Footprint {
            count: json.exchanges.count,
            bytes_sent: json.exchanges.bytes_sent,
            bytes_received: json.exchanges.bytes_received,
            sessions_opened: json.exchanges.sessions_opened,
            sessions_left: json.exchanges.sessions_left,
        },
        score,
        findings,
    })
}

fn finding_of(json: JsonFinding, tool: &str) -> Result<ReportFinding, RestoreError> {
    let check = checks::by_id(&json.check)
        .ok_or_else(|| RestoreError::Unknown { check: json.check.clone(), tool: tool.to_owned() })?;
    let (evidence, reproduce) = json
        .evidence
        .into_iter()
        .map(|piece| {
            let evidence =
                Evidence { exchange: piece.exchange, pointer: piece.pointer, excerpt: piece.excerpt };
            (evidence, piece.reproduce)
        })
        .unzip();
    Ok(ReportFinding {
        area: check.area(),
        points: json.points,
        gain: json.gain,
        reproduce,
        finding: Finding {
            check,
            status: json.status,
            message: json.message,
            severity: json.severity,
            evidence,
            unstable: json.unstable,
            // Words that this version's check does not declare have no meaning here.
            cause: check
                .causes
                .iter()
                .map(|cause| cause.word)
                .find(|word| json.cause.as_deref() == Some(*word)),
            charged_to: json.charged_to.and_then(|id| checks::by_id(&id)).map(|check| check.id),
        },
    })
}

fn classification_of(json: JsonClassification) -> Classification {
    let mut eras = Vec::new();
    for era in json.revisions.iter().rev().map(|revision| revision.era()) {
        if !eras.contains(&era) {
            eras.push(era);
        }
    }
    Classification {
        kind: json.kind,
        protocol: json.protocol,
        refusal: json.refusal,
        transports: json.transports,
        revisions: json.revisions,
        eras,
        confidence: json.confidence,
        reason: json.reason,
        endpoint: json.endpoint,
        found_at: json.found_at.into_iter().map(|found| Found { url: found.url, what: found.what }).collect(),
        server: json.server.map(|server| ServerInfo { name: server.name, version: server.version }),
        failure: None,
        credential_refused: json.credential_refused,
        evidence: Vec::new(),
    }
}

fn era_guess_of(json: &JsonEraGuess) -> EraGuess {
    EraGuess {
        eras: json.eras.clone(),
        revisions: json.revisions.clone(),
        words: json.words.clone(),
        hints: json
            .hints
            .iter()
            .map(|hint| Hint { exchange: hint.exchange, what: hint.what.clone() })
            .collect(),
    }
}

fn score_of(json: JsonScore, findings: &[ReportFinding], policy: &Policy) -> Score {
    let dimensions: BTreeMap<Dimension, DimensionScore> = json
        .dimensions
        .into_iter()
        .map(|(dimension, of)| {
            let earned: f64 = findings
                .iter()
                .filter(|row| row.finding.check.dimension == dimension)
                .map(|row| {
                    let points = f64::from(row.points.unwrap_or(0));
                    match row.finding.status {
                        Status::Pass => points,
                        Status::Warn => points * policy.warn_credit,
                        _ => 0.0,
                    }
                })
                .sum();
            let judged = of.points_judged;
            let uncapped = of.value.filter(|_| judged > 0).map(|_| 100.0 * earned / f64::from(judged));
            let score = DimensionScore {
                value: of.value,
                lower: of.lower,
                upper: of.upper,
                coverage: of.coverage,
                weight: of.weight,
                earned,
                judged,
                applicable: of.points_applicable,
                rows_judged: of.rows_judged,
                rows_apply: of.rows_apply,
                uncapped,
            };
            (dimension, score)
        })
        .collect();
    let weight = json.points_possible;
    let sum: f64 = dimensions.values().map(|of| of.value.unwrap_or(0.0) * f64::from(of.weight)).sum();
    Score {
        value: json.value,
        lower: json.lower,
        upper: json.upper,
        coverage: json.coverage,
        grade: json.grade,
        held: json.held.into_iter().map(beside::held).collect(),
        lower_because: json.lower_because,
        areas: json.areas.into_iter().map(|(name, of)| (name, beside::area(of))).collect(),
        usable: Usable { value: json.usable.value, lower: json.usable.lower, upper: json.usable.upper },
        weight,
        judged: dimensions.values().map(|of| of.judged).sum(),
        withheld: json.withheld,
        uncapped: json.value.filter(|_| weight > 0).map(|value| (sum / f64::from(weight)).max(value)),
        dimensions,
        caps: json
            .caps
            .into_iter()
            .map(|hit| CapHit {
                after: hit.after.unwrap_or_else(|| f64::from(hit.cap).min(hit.before)),
                cause: hit.cause.clone(),
                before: hit.before,
                cap: Cap {
                    check: hit.check,
                    on: CapOn::Fail,
                    when: hit.cause,
                    dimension: match hit.dimension.as_str() {
                        "D2" => CapTarget::D2,
                        "D7" => CapTarget::D7,
                        "D8" => CapTarget::D8,
                        _ => CapTarget::Overall,
                    },
                    max: hit.cap,
                    reason: hit.reason,
                },
            })
            .collect(),
    }
}

fn keep_alive_of(facts: &JsonFacts) -> Option<KeepAlive> {
    facts.keepalive.as_ref().map(|seen| KeepAlive {
        exchange: seen.exchange,
        watched_ms: seen.watched_ms,
        first_gap_ms: seen.first_gap_ms,
        interval_ms: seen.interval_ms,
        longest_gap_ms: seen.longest_gap_ms,
        arrivals: seen.arrivals,
        kind: seen.kind.clone(),
    })
}

fn delivery_of(json: &JsonDelivery) -> Delivery {
    let us = |ms: u64| ms.saturating_mul(1_000);
    let kinds =
        [DeliveredStream::Listen, DeliveredStream::Feed, DeliveredStream::LegacyGet, DeliveredStream::Post];
    Delivery {
        exchange: json.exchange,
        stream: kinds.into_iter().find(|kind| kind.words() == json.stream).unwrap_or(DeliveredStream::Post),
        timing: Timing {
            head_us: json.head_ms.map(us),
            first_byte_us: json.first_byte_ms.map(us),
            first_event_us: json.first_event_ms.map(us),
            spread_us: us(json.spread_ms),
            arrivals: 0,
            watched_us: 0,
            encoding: json.encoding.clone(),
        },
        held_us: json.held_back_ms.map(us),
        proxy: json.proxy.clone(),
    }
}

fn latency_of(facts: &JsonFacts) -> Option<Latency> {
    facts.latency.as_ref().map(|latency| Latency {
        samples: latency.samples,
        p50_ms: latency.p50_ms,
        p95_ms: latency.p95_ms,
        connect_ms: latency.connect_ms,
        first_ms: latency.first_ms,
    })
}

fn tls_of(json: JsonTls) -> Tls {
    let leaf = json.subject.map(|subject| Certificate {
        subject,
        issuer: json.issuer.unwrap_or_default(),
        not_before: String::new(),
        not_after: json.not_after.unwrap_or_default(),
        names: Vec::new(),
        sha256: String::new(),
    });
    Tls {
        us: 0,
        version: json.version,
        cipher: json.cipher,
        alpn: json.alpn,
        chain: leaf.into_iter().collect(),
        faults: json.faults,
        roots: String::new(),
        operator_roots: false,
    }
}
