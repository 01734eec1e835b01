//! The JSON report, `schema_version` 1: a frozen copy of the internal types.
//! `rubrics/report.schema.json` is its published schema, held by a test.

mod beside;
mod read;
mod restore;
pub mod v1;

pub use read::{ReadError, read};
pub use restore::{RestoreError, restore};

use super::{NEVER_ASKED, Report, ReportFinding, sink};
use crate::exit::Exit;
use crate::facts::Confidence;
use crate::facts::era_guess::EraGuess;
use crate::score::{Score, tenths};
use v1::{
    JsonArea, JsonBasis, JsonCap, JsonClassification, JsonClient, JsonDelivery, JsonDimension, JsonEraGuess,
    JsonEvidence, JsonExchanges, JsonExit, JsonFacts, JsonFailure, JsonFinding, JsonFixes, JsonFound,
    JsonGate, JsonHeld, JsonHint, JsonKeepAlive, JsonLatency, JsonLimitHit, JsonNamedAt, JsonPolicy,
    JsonReport, JsonReports, JsonResume, JsonRows, JsonRubric, JsonScore, JsonSummary, JsonTarget, JsonTls,
    JsonTool, JsonTranscript, JsonTried, JsonUsable,
};

/// Version of the shape.
pub const SCHEMA_VERSION: u32 = 1;

/// One target, as pretty JSON with a line end.
#[must_use]
pub fn render(report: &Report) -> Vec<u8> {
    format!("{}\n", sink::json(&JsonReport::from(report), true)).into_bytes()
}

/// Several targets in input order, as pretty JSON with a line end. `missing` are URLs that should be among
/// them, `exit` is that of the run.
#[must_use]
pub fn render_many(reports: &[Report], missing: &[String], exit: Exit) -> Vec<u8> {
    let scored = reports.iter().filter(|report| report.score.value.is_some()).count();
    let nothing = reports.iter().filter(|report| report.exit == Exit::NothingToJudge).count();
    let reports = JsonReports {
        schema_version: SCHEMA_VERSION,
        summary: JsonSummary {
            targets: reports.len(),
            scored,
            withheld: reports.len().saturating_sub(scored).saturating_sub(nothing),
            nothing_to_judge: nothing,
            gates_passed: reports.iter().all(|report| report.gate.passed()),
            exit: exit.into(),
            missing: missing.to_vec(),
        },
        reports: reports.iter().map(JsonReport::from).collect(),
    };
    format!("{}\n", sink::json(&reports, true)).into_bytes()
}

impl From<Exit> for JsonExit {
    fn from(exit: Exit) -> Self {
        Self { code: exit.code(), name: exit }
    }
}

impl From<&Report> for JsonReport {
    fn from(report: &Report) -> Self {
        let class = &report.classification;
        Self {
            schema_version: SCHEMA_VERSION,
            tool: JsonTool { name: report.tool.name.clone(), version: report.tool.version.clone() },
            rubric: JsonRubric {
                id: report.rubric.id.clone(),
                version: report.rubric.version.clone(),
                sha256: report.rubric.sha256.clone(),
                policy: Some(JsonPolicy {
                    warn_credit: report.rubric.policy.warn_credit,
                    min_coverage: report.rubric.policy.min_coverage,
                    min_points: report.rubric.policy.min_points,
                }),
            },
            transcript: JsonTranscript {
                sha256: report.transcript.sha256.clone(),
                complete: report.transcript.complete,
            },
            profile: report.profile,
            started_at: report.started_at.clone(),
            duration_ms: report.duration_ms,
            target: JsonTarget {
                url: report.url.clone(),
                label: report.label.clone(),
                insecure: report.insecure,
                proxy: report.proxy.clone(),
                named_at: report
                    .named_at
                    .as_ref()
                    .map(|named| JsonNamedAt { file: named.file.clone(), line: named.line }),
            },
            classification: JsonClassification {
                kind: class.kind,
                protocol: class.protocol,
                refusal: class.refusal.clone(),
                transports: class.transports.clone(),
                revisions: class.revisions.clone(),
                confidence: class.confidence,
                era_guess: report.era_guess.as_ref().map(JsonEraGuess::from),
                reason: class.reason.clone(),
                endpoint: class.endpoint.clone(),
                found_at: class
                    .found_at
                    .iter()
                    .map(|found| JsonFound { url: found.url.clone(), what: found.what.clone() })
                    .collect(),
                credential_refused: class.credential_refused,
                tried: report
                    .tried
                    .iter()
                    .map(|tried| JsonTried {
                        exchange: tried.exchange,
                        what: tried.what.clone(),
                        outcome: tried.outcome.clone(),
                    })
                    .collect(),
                server: class
                    .server
                    .as_ref()
                    .map(|server| JsonTool { name: server.name.clone(), version: server.version.clone() }),
            },
            score: JsonScore::from(&report.score),
            rows: JsonRows {
                apply: report.rows().apply,
                judged: report.rows().judged,
                never_asked: NEVER_ASKED.map(str::to_owned).to_vec(),
            },
            clients: report
                .clients
                .iter()
                .map(|client| JsonClient {
                    family: client.family.clone(),
                    can: client.can,
                    why: client.why.clone(),
                })
                .collect(),
            gate: JsonGate {
                passed: report.gate.passed(),
                reasons: report.gate.reasons().map(str::to_owned).collect(),
                notes: report.gate.notes.clone(),
                asked: report.gate.asked,
            },
            exit: report.exit.into(),
            findings: report
                .findings
                .iter()
                .map(|row| JsonFinding {
                    baseline: report.gate.standings.get(row.finding.check.id).copied(),
                    ..JsonFinding::from(row)
                })
                .collect(),
            fixes: JsonFixes {
                checks: report
                    .fixes
                    .iter()
                    .filter_map(|index| report.findings.get(*index))
                    .map(|row| row.finding.check.id.to_owned())
                    .collect(),
                gain: tenths(report.fixes_gain),
            },
            facts: JsonFacts::from(report),
            exchanges: JsonExchanges {
                count: report.footprint.count,
                bytes_sent: report.footprint.bytes_sent,
                bytes_received: report.footprint.bytes_received,
                sessions_opened: report.footprint.sessions_opened,
                sessions_left: report.footprint.sessions_left,
            },
        }
    }
}

impl From<&EraGuess> for JsonEraGuess {
    fn from(guess: &EraGuess) -> Self {
        Self {
            confidence: Confidence::Guess,
            eras: guess.eras.clone(),
            revisions: guess.revisions.clone(),
            words: guess.words.clone(),
            hints: guess
                .hints
                .iter()
                .map(|hint| JsonHint { exchange: hint.exchange, what: hint.what.clone() })
                .collect(),
        }
    }
}

impl From<&Score> for JsonScore {
    fn from(score: &Score) -> Self {
        Self {
            value: score.value.map(tenths),
            lower: tenths(score.lower),
            upper: tenths(score.upper),
            coverage: share(score.coverage),
            grade: score.grade.clone(),
            points: score.points().map(tenths),
            points_possible: score.weight,
            withheld: score.withheld.clone(),
            dimensions: score
                .dimensions
                .iter()
                .map(|(dimension, of)| {
                    let of = JsonDimension {
                        value: of.value.map(tenths),
                        lower: tenths(of.lower),
                        upper: tenths(of.upper),
                        coverage: share(of.coverage),
                        weight: of.weight,
                        points_judged: of.judged,
                        points_applicable: of.applicable,
                        rows_judged: of.rows_judged,
                        rows_apply: of.rows_apply,
                    };
                    (*dimension, of)
                })
                .collect(),
            caps: score
                .caps
                .iter()
                .map(|hit| JsonCap {
                    check: hit.cap.check.clone(),
                    dimension: hit.cap.dimension.to_string(),
                    cap: hit.cap.max,
                    cause: hit.cause.clone(),
                    before: tenths(hit.before),
                    after: Some(tenths(hit.after)),
                    reason: hit.cap.reason.clone(),
                })
                .collect(),
            usable: JsonUsable {
                value: score.usable.value.map(tenths),
                lower: tenths(score.usable.lower),
                upper: tenths(score.usable.upper),
            },
            areas: score
                .areas
                .iter()
                .map(|(name, of)| {
                    let of = JsonArea { value: of.value.map(tenths), points: of.points, judged: of.judged };
                    (name.clone(), of)
                })
                .collect(),
            held: score
                .held
                .iter()
                .map(|held| JsonHeld {
                    grade: held.grade.clone(),
                    by: held.by.clone(),
                    value: held.value.map(tenths),
                    needs: held.needs.map(tenths),
                    words: held.words(),
                })
                .collect(),
            lower_because: score.lower_because.clone(),
        }
    }
}

/// A share with three decimals, floored like every other number.
fn share(coverage: f64) -> f64 {
    tenths(coverage * 100.0) * 10.0 / 1_000.0
}

impl From<&ReportFinding> for JsonFinding {
    fn from(row: &ReportFinding) -> Self {
        let (finding, check) = (&row.finding, row.finding.check);
        Self {
            check: check.id.to_owned(),
            title: check.title.to_owned(),
            area: row.area.to_owned(),
            dimension: check.dimension,
            status: finding.status,
            severity: finding.severity,
            level: check.level,
            message: finding.message.clone(),
            evidence: finding
                .evidence
                .iter()
                .zip(&row.reproduce)
                .map(|(evidence, reproduce)| JsonEvidence {
                    exchange: evidence.exchange,
                    pointer: evidence.pointer.clone(),
                    excerpt: evidence.excerpt.clone(),
                    reproduce: reproduce.clone(),
                })
                .collect(),
            basis: check
                .basis
                .iter()
                .map(|basis| JsonBasis { title: basis.title.to_owned(), url: basis.url.to_owned() })
                .collect(),
            remediation: finding.remediation().to_owned(),
            points: row.points,
            gain: tenths(row.gain),
            unstable: finding.unstable,
            cause: finding.cause.map(str::to_owned),
            charged_to: finding.charged_to.map(str::to_owned),
            baseline: None,
        }
    }
}

impl From<&Report> for JsonFacts {
    fn from(report: &Report) -> Self {
        Self {
            keepalive: report.keep_alive.as_ref().map(|seen| JsonKeepAlive {
                exchange: seen.exchange,
                watched_ms: seen.watched_ms,
                first_gap_ms: seen.first_gap_ms,
                interval_ms: seen.interval_ms,
                longest_gap_ms: seen.longest_gap_ms,
                arrivals: seen.arrivals,
                kind: seen.kind.clone(),
            }),
            resume: report.resume.as_ref().map(|resume| JsonResume {
                tries: resume.tries,
                exact: resume.exact,
                foreign: resume.foreign,
                expected: resume.expected.clone(),
                received: resume.received.clone(),
            }),
            delivery: report.delivery.as_ref().map(|seen| {
                let ms = |us: u64| us / 1_000;
                JsonDelivery {
                    exchange: seen.exchange,
                    stream: seen.stream.words().to_owned(),
                    head_ms: seen.timing.head_us.map(ms),
                    first_byte_ms: seen.timing.first_byte_us.map(ms),
                    first_event_ms: seen.timing.first_event_us.map(ms),
                    spread_ms: ms(seen.timing.spread_us),
                    encoding: seen.timing.encoding.clone(),
                    held_back_ms: seen.held_us.map(ms),
                    proxy: seen.proxy.clone(),
                }
            }),
            latency: report.latency.map(|latency| JsonLatency {
                samples: latency.samples,
                p50_ms: latency.p50_ms,
                p95_ms: latency.p95_ms,
                connect_ms: latency.connect_ms,
                first_ms: latency.first_ms,
            }),
            tls: report.tls.as_ref().map(|tls| JsonTls {
                version: tls.version.clone(),
                cipher: tls.cipher.clone(),
                alpn: tls.alpn.clone(),
                subject: tls.chain.first().map(|leaf| leaf.subject.clone()),
                issuer: tls.chain.first().map(|leaf| leaf.issuer.clone()),
                not_after: tls.chain.first().map(|leaf| leaf.not_after.clone()),
                faults: tls.faults.clone(),
            }),
            limits_hit: report
                .limits_hit
                .iter()
                .map(|hit| JsonLimitHit {
                    name: hit.name.clone(),
                    value: hit.value,
                    times: hit.times,
                    exchange: hit.exchange,
                })
                .collect(),
            failures: report
                .failures
                .iter()
                .map(|failure| JsonFailure {
                    phase: failure.phase,
                    kind: failure.kind,
                    times: failure.times,
                    exchange: failure.exchange,
                    words: failure.words.clone(),
                })
                .collect(),
        }
    }
}
