//! Transcript × rubric × gates → report. Pure: the second half of every scan, and all of `replay`.
#![deny(clippy::disallowed_methods, clippy::disallowed_types)]

use std::cmp::Reverse;

use crate::baseline::Scanned;
use crate::checks;
use crate::clients;
use crate::exit::Exit;
use crate::facts::arrivals::{self, KeepAlive};
use crate::facts::{
    Facts, Kind, Readings, Scope, delivery, era_guess, hindered, latency, resume, summary, troubles,
};
use crate::finding::Finding;
use crate::gate::{GateOutcome, Gates, Judged};
use crate::report::reproduce::reproduce;
use crate::report::{Report, ReportFinding, RubricStamp, TranscriptStamp, Tried, timeline};
use crate::rubric::{Rubric, sha256};
use crate::score::{self, Gains, Row, Score, Seen};
use crate::selection::Selection;
use crate::transcript::{Content, Exchange, Expectation, Header, ProbeId, Tool, Transcript, codec};
use crate::verdict::Status;

/// How many fixes a report puts first.
const FIXES: usize = 3;

/// Judges a transcript.
#[must_use]
pub fn judge(transcript: &Transcript, rubric: &Rubric, gates: &Gates) -> Report {
    judge_selected(transcript, rubric, gates, &Selection::all())
}

/// Judges a transcript by some of the checks; the others are shown as skipped.
#[must_use]
pub fn judge_selected(
    transcript: &Transcript,
    rubric: &Rubric,
    gates: &Gates,
    selection: &Selection,
) -> Report {
    judge_encoded(transcript, &transcript_sha256(transcript), rubric, gates, selection)
}

/// Judges a transcript whose digest ([`transcript_sha256`]) is known.
#[must_use]
pub fn judge_encoded(
    transcript: &Transcript,
    sha256: &str,
    rubric: &Rubric,
    gates: &Gates,
    selection: &Selection,
) -> Report {
    let readings = Readings::new(transcript);
    let mut findings: Vec<Finding> =
        checks::all().map(|check| selection.apply(check.run(&readings))).collect();
    settle(&mut findings);
    let mut report = assemble(&readings, findings, sha256, rubric, gates);
    // Few checks give no score, but they are what was asked for.
    let decided = |status: Status| !status.undecided() && status != Status::NotApplicable;
    if report.exit == Exit::Inconclusive
        && report.gate.asked == 0
        && !selection.is_all()
        && report.findings.iter().any(|row| decided(row.finding.status))
    {
        report.exit = Exit::Ok;
    }
    report
}

/// SHA-256 of the transcript's encoded form, hex: the same for a scan and for its saved file.
#[must_use]
pub fn transcript_sha256(transcript: &Transcript) -> String {
    sha256(&codec::encode(transcript))
}

/// The report of findings that were made elsewhere: what [`judge`] does after running the checks.
#[must_use]
pub fn assemble(
    readings: &Readings<'_>,
    findings: Vec<Finding>,
    sha256: &str,
    rubric: &Rubric,
    gates: &Gates,
) -> Report {
    let transcript = readings.transcript();
    let header = &transcript.header;
    let class = readings.classification();
    let rows: Vec<Row<'_>> = findings.iter().map(Row::from).collect();
    let score = match class.kind {
        Kind::None => Score::none("nothing an agent could use was found here"),
        Kind::Unreachable => Score::none("the endpoint could not be reached"),
        Kind::Websocket => Score::none("a WebSocket that does not speak MCP is described, not scored"),
        _ => score::score_rows(&rows, rubric, seen(readings, &findings, rubric)),
    };
    // Where there is no value nothing adds to it: what is described is not scored, whatever its rows say.
    let scored = score.value.is_some().then(|| Gains::new(&rows, rubric));
    let gain_of = |indices: &[usize]| scored.as_ref().map_or(0.0, |gains| gains.of(indices));
    let gains: Vec<f64> = (0..rows.len()).map(|index| gain_of(&[index])).collect();
    let worst_first = worst_first(&findings, &gains, &score, rubric);
    let fixes: Vec<usize> = worst_first.iter().copied().take(FIXES).collect();
    let fixes_gain = gain_of(&fixes);
    let url = header.typed(&header.url);
    let who = Scanned::new(&url, header.label.as_deref(), class.kind, &header.started_at);
    let judged = Judged { who, score: &score, findings: &findings, worst_first: &worst_first };
    let mut gate = GateOutcome::of(&judged, gates);
    let blind = troubles::blind(transcript, class);
    let exit = Exit::of(class.kind, &score, &gate, blind.is_some());
    if gate.asked > 0 {
        gate.withheld.extend(blind);
    }
    let eras = |finding: &Finding| {
        let shown = finding.evidence.iter().filter_map(|shown| transcript.exchange(shown.exchange)?.era);
        shown.collect()
    };
    let clients = clients::clients(class, &findings, &eras);
    let findings = findings
        .into_iter()
        .zip(gains)
        .map(|(finding, gain)| {
            let command = |id| transcript.exchange(id).and_then(|exchange| reproduce(exchange, header));
            ReportFinding {
                area: finding.check.area(),
                points: rubric.points_of(finding.check.id),
                gain,
                reproduce: finding.evidence.iter().map(|evidence| command(evidence.exchange)).collect(),
                finding,
            }
        })
        .collect();
    Report {
        tool: Tool::this(),
        rubric: RubricStamp {
            id: rubric.id.clone(),
            version: rubric.version.clone(),
            sha256: rubric.sha256.clone(),
            policy: rubric.policy,
        },
        transcript: TranscriptStamp { sha256: sha256.to_owned(), complete: transcript.complete() },
        profile: header.profile,
        started_at: header.started_at.clone(),
        duration_ms: transcript.duration_us() / 1_000,
        url,
        label: header.label.clone(),
        named_at: None,
        insecure: header.insecure,
        proxy: header.proxy.clone(),
        classification: class.typed(header),
        era_guess: era_guess::read(transcript, class),
        tried: transcript.exchanges.iter().filter_map(|exchange| tried(exchange, header)).collect(),
        score,
        clients,
        gate,
        exit,
        findings,
        fixes,
        fixes_gain,
        keep_alive: keep_alive(transcript, class.kind),
        resume: resume::summary(transcript),
        delivery: delivery::summary(transcript, class),
        latency: latency::latency(&Facts::scoped(readings, Scope::Every(Expectation::Plain))),
        tls: Facts::scoped(readings, Scope::All).tls().map(|(_, tls)| tls.clone()),
        limits_hit: troubles::limits_hit(transcript, readings.catalogues()),
        failures: troubles::failures(transcript),
        footprint: summary::footprint(transcript),
        timeline: timeline::read(transcript),
    }
}

/// Charges hold only where the other check warns or fails in this report: what it did not judge was not seen.
fn settle(findings: &mut [Finding]) {
    let charged: Vec<&'static str> = findings
        .iter()
        .filter(|finding| matches!(finding.status, Status::Warn | Status::Fail))
        .map(|finding| finding.check.id)
        .collect();
    for finding in findings {
        if let Some(to) = finding.charged_to.filter(|to| !charged.contains(to)) {
            finding.status = Status::Inconclusive;
            finding.message = format!("{}; {to}, which judges that, was not decided", finding.message);
            finding.charged_to = None;
        }
    }
}

/// What the score takes from the record beside the findings.
fn seen(readings: &Readings<'_>, findings: &[Finding], rubric: &Rubric) -> Seen {
    let catalogues = readings.catalogues();
    let mut lower_because: Vec<String> = Vec::new();
    for hindrance in hindered::read(readings) {
        let kept = findings.iter().find(|finding| {
            finding.status == Status::Inconclusive
                && rubric.points_of(finding.check.id).is_some()
                && finding.check.looks_at(hindrance.probe)
        });
        if kept.is_some() && !lower_because.iter().any(|known| known == hindrance.words) {
            lower_because.push(hindrance.words.to_owned());
        }
    }
    Seen { tools: catalogues.values().any(|catalogue| catalogue.tools_total > 0), lower_because }
}

/// What to mend first: findings whose cap holds the score (nothing else helps much before), then by
/// gain, harm and points lost. Unscored and unweighed findings come last.
fn worst_first(findings: &[Finding], gains: &[f64], score: &Score, rubric: &Rubric) -> Vec<usize> {
    let holds = |id: &str| score.caps.iter().any(|hit| hit.cap.check == id);
    let mut found: Vec<(usize, &Finding)> = findings
        .iter()
        .enumerate()
        .filter(|(_, finding)| matches!(finding.status, Status::Warn | Status::Fail))
        .collect();
    found.sort_by(|(left, a), (right, b)| {
        let gain = |index: &usize| gains.get(*index).copied().unwrap_or(0.0);
        let lost = |finding: &Finding| {
            let points = f64::from(rubric.points_of(finding.check.id).unwrap_or(0));
            if finding.status == Status::Fail { points } else { points * (1.0 - rubric.policy.warn_credit) }
        };
        holds(b.check.id)
            .cmp(&holds(a.check.id))
            .then(gain(right).total_cmp(&gain(left)))
            .then(Reverse(a.severity).cmp(&Reverse(b.severity)))
            .then(lost(b).total_cmp(&lost(a)))
            .then(left.cmp(right))
    });
    found.into_iter().map(|(index, _)| index).collect()
}

/// The stream that was watched longest, if the profile watches any.
fn keep_alive(transcript: &Transcript, kind: Kind) -> Option<KeepAlive> {
    let watches = transcript.header.limits.idle_watch_ms > 0;
    transcript
        .exchanges
        .iter()
        .filter(|exchange| watches && arrivals::held(exchange, kind))
        .filter_map(arrivals::keep_alive)
        // The first of equals.
        .fold(None, |best: Option<KeepAlive>, next| match best {
            Some(best) if best.watched_ms >= next.watched_ms => Some(best),
            _ => Some(next),
        })
}

/// A request that looked for something to judge, and what came back.
fn tried(exchange: &Exchange, header: &Header) -> Option<Tried> {
    let step = exchange.step.split(' ').next().unwrap_or_default();
    let what = match step {
        "discover" | "discover-retry" => "server/discover (MCP, modern era)",
        "initialize" | "initialize-retry" => "initialize (MCP, legacy era)",
        "get" => "GET for an event stream",
        "websocket" | "websocket-retry" => "a WebSocket upgrade",
        "redirect" => "the redirect's target",
        "agent-card" | "card" | "catalog" | "metadata" | "draft" => "a discovery document",
        _ => return None,
    };
    let what = match exchange.probe {
        ProbeId::Classify => what.to_owned(),
        ProbeId::Siblings => format!("{what} at {}", header.typed(&exchange.request.url)),
        _ => return None,
    };
    let outcome = match (&exchange.head, &exchange.failure) {
        (Some(head), _) => match head.header("content-type") {
            Some(kind) => format!("{} {kind}", head.status),
            None => head.status.to_string(),
        },
        (None, Some(failure)) => failure.words(),
        (None, None) if matches!(exchange.content, Content::None) => "no answer".to_owned(),
        (None, None) => "an answer without a head".to_owned(),
    };
    Some(Tried { exchange: exchange.id, what, outcome })
}
