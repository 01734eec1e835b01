//! SARIF 2.1.0 for code-scanning pages and viewers, one run for each target.
//!
//! The standard was written for source files. What a network scanner has to add, so that an upload is
//! accepted and alerts stay the same from run to run:
//!
//! - a location: the line of the repository file that named the target, else `host/path`. A URL would do
//!   by the standard, but code scanning refuses the whole file for it;
//! - fingerprints of our own, made of check and target alone;
//! - a category for each target (`automationDetails.id`), or two uploads replace each other;
//! - a target that could not be reached is a failed invocation, not an empty list of results.
//!
//! What does not apply or was not decided is a result of kind `notApplicable` or `open`, as the standard
//! has it. Code scanning shows every result as an alert whatever its kind; [`Results::Alerts`] leaves those out.

mod model;

use super::doubts::doubts;
use super::{Report, ReportFinding, catalogue, key, sink, standing};
use crate::baseline::Standing;
use crate::check::Check;
use crate::checks;
use crate::facts::Kind;
use crate::protocol::host::shown;
use crate::transcript::MESSAGE;
use crate::verdict::{Dimension, Severity, Status};
use model::{
    Artifact, Automation, Configuration, Descriptor, Driver, Evidence, Help, Invocation, Location, Log,
    Logical, Message, Notification, Physical, Region, Result, ResultProperties, Rule, RuleProperties, Run,
    RunProperties, Suppression, Text, Tool, WebRequest, WebResponse,
};

/// Which results a log holds.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Results {
    /// Everything but passes, with its kind.
    All,
    /// What failed or warned.
    Alerts,
}

/// Most runs, one for each target, that code scanning takes in one file.
pub const MOST_RUNS: usize = 20;

/// Longest message and description, in characters (GitHub: 1,024 for descriptions).
const LONGEST: usize = 1_000;
/// Pieces of evidence kept with a result.
const EVIDENCE: usize = 3;

/// The log of all reports. URLs that should be among them are notifications of the first run.
#[must_use]
pub fn render(reports: &[Report], missing: &[String], results: Results) -> String {
    logs(reports, missing, results, reports.len()).concat()
}

/// The same in several logs, each of at most [`MOST_RUNS`] runs. What tells targets apart does so across all.
#[must_use]
pub fn parts(reports: &[Report], missing: &[String], results: Results) -> Vec<String> {
    logs(reports, missing, results, MOST_RUNS)
}

fn logs(reports: &[Report], missing: &[String], results: Results, most: usize) -> Vec<String> {
    let rules: Vec<Rule> = checks::all().map(rule).collect();
    let keys = key::keys(reports);
    let mut runs: Vec<Run> =
        reports.iter().zip(&keys).map(|(report, key)| run(report, key, results, &rules)).collect();
    if let Some(Run { invocations: [invocation], .. }) = runs.first_mut() {
        let why = |url: &String| format!("expected, and there is no report: {}", shown(url));
        let missing = missing.iter().map(|url| notification("missing", "error", &why(url)));
        invocation.tool_execution_notifications.extend(missing);
    }
    let mut logs = Vec::new();
    // No target is a log without runs, and not no log.
    while !runs.is_empty() || logs.is_empty() {
        let rest = runs.split_off(most.max(1).min(runs.len()));
        let log = Log { schema: "https://json.schemastore.org/sarif-2.1.0.json", version: "2.1.0", runs };
        logs.push(format!("{}\n", sink::json(&log, true)));
        runs = rest;
    }
    logs
}

fn notification(id: &'static str, level: &'static str, why: &str) -> Notification {
    Notification {
        descriptor: Descriptor { id, short_description: None },
        level,
        message: Message { text: sink::sarif_message(why, LONGEST) },
    }
}

fn run<'r>(report: &'r Report, key: &str, results: Results, rules: &'r [Rule]) -> Run<'r> {
    let wanted = |row: &&ReportFinding| match row.finding.status {
        Status::Warn | Status::Fail => true,
        // A check that was not run has no result.
        Status::Pass | Status::Skipped => false,
        _ => results == Results::All,
    };
    Run {
        tool: Tool {
            driver: Driver {
                name: "agentgauge",
                version: &report.tool.version,
                semantic_version: &report.tool.version,
                information_uri: catalogue::REPOSITORY,
                rules,
                notifications: Some(descriptors()),
            },
        },
        automation_details: Automation { id: format!("agentgauge/{}/", key::category(report, key)) },
        invocations: [invocation(report)],
        column_kind: "unicodeCodePoints",
        results: report
            .findings
            .iter()
            .filter(wanted)
            .filter_map(|row| result(report, key, row, rules))
            .collect(),
        properties: RunProperties {
            target: &report.url,
            score: report.score.value.map(crate::score::tenths),
            grade: report.score.grade.as_deref(),
            usable: report.score.usable.value.map(crate::score::tenths),
            clients: standing::clients(report),
            rubric: format!("{} {}", report.rubric.id, report.rubric.version),
            transcript_sha256: &report.transcript.sha256,
        },
    }
}

fn rule(check: &'static Check) -> Rule {
    let security = check.dimension == Dimension::D7;
    let mut tags = vec![check.dimension.as_str(), check.area(), check.level.as_str()];
    if security {
        tags.push("security");
    }
    Rule {
        id: check.id,
        name: check.id,
        short_description: Text::of(check.title),
        full_description: Text::of(&sink::sarif_message(check.rationale, LONGEST)),
        help: Help { text: catalogue::plain(check), markdown: catalogue::section_body(check, None) },
        help_uri: catalogue::link(check)
            .or_else(|| check.basis.first().map(|basis| basis.url.to_owned()))
            .unwrap_or_default(),
        default_configuration: Configuration { level: level(Status::Fail, check.severity) },
        properties: RuleProperties {
            tags,
            precision: "high",
            // A number here makes every result of the rule a security alert.
            security_severity: security.then(|| security_severity(check.severity)),
            problem_severity: problem(check.severity),
        },
    }
}

fn result<'r>(report: &'r Report, key: &str, row: &'r ReportFinding, rules: &[Rule]) -> Option<Result<'r>> {
    let (finding, check) = (&row.finding, row.finding.check);
    let kind = match finding.status {
        Status::Warn | Status::Fail => "fail",
        Status::NotApplicable => "notApplicable",
        Status::Inconclusive | Status::Error => "open",
        Status::Info => "informational",
        Status::Pass | Status::Skipped => "pass",
    };
    let mut text = sink::sarif_message(&finding.message, LONGEST);
    text.push_str(row.remark());
    if kind == "fail" {
        // Narrow places show the first sentence only.
        text.push_str(&format!(". To fix: {}", sink::sarif_message(row.finding.remediation(), LONGEST)));
    }
    let id = check.id;
    let fingerprint = key::fingerprint(key, id);
    // The exchange that shows it, where it was one of HTTP (3.46, 3.47). Masked when it was recorded; a
    // report that was read back from JSON has none.
    let shown = finding.evidence.first().map(|evidence| evidence.exchange);
    let seen = report.timeline.bars.iter().find(|bar| Some(bar.exchange) == shown && bar.method != MESSAGE);
    Some(Result {
        rule_id: id,
        // A rule that is not there must not be pointed at (3.27.6).
        rule_index: rules.iter().position(|rule| rule.id == id)?,
        kind,
        level: if kind == "fail" { level(finding.status, finding.severity) } else { "none" },
        message: Message { text },
        // A listed finding is still found: left out, its alert would close and open again for ever.
        suppressions: report.listed(row).then_some([Suppression {
            kind: "external",
            status: "accepted",
            justification: "listed in the baseline",
        }]),
        baseline_state: report.gate.standings.get(id).map(|standing| match standing {
            Standing::Known | Standing::Accepted | Standing::Unstable => "unchanged",
            Standing::Worse => "updated",
            Standing::New => "new",
        }),
        locations: [location(report)],
        web_request: seen.map(|bar| WebRequest {
            protocol: "HTTP",
            target: super::text::short(&bar.url, LONGEST),
            method: &bar.method,
        }),
        web_response: seen
            .map(|bar| WebResponse { status_code: bar.status, no_response_received: bar.status.is_none() }),
        partial_fingerprints: [(
            "primaryLocationLineHash",
            // The form that the upload action writes: a hash of 16 digits and an ordinal.
            format!("{}:1", fingerprint.get(..16).unwrap_or_default()),
        )]
        .into(),
        fingerprints: [("agentgauge/v1", fingerprint)].into(),
        properties: ResultProperties {
            status: finding.status.as_str(),
            severity: finding.severity.as_str(),
            cause: row.finding.cause,
            unstable: finding.unstable,
            points: row.points,
            gain: crate::score::tenths(row.gain),
            evidence: finding
                .evidence
                .iter()
                .zip(row.reproduce.iter().map(Some).chain(std::iter::repeat(None)))
                .take(EVIDENCE)
                .map(|(evidence, command)| Evidence {
                    exchange: evidence.exchange,
                    pointer: super::text::short(&evidence.pointer, LONGEST),
                    excerpt: super::text::short(&evidence.excerpt, LONGEST),
                    reproduce: command.and_then(Option::as_deref),
                })
                .collect(),
        },
    })
}

fn location(report: &Report) -> Location {
    let place = key::place(report);
    Location {
        physical_location: Physical {
            artifact_location: Artifact { uri: sink::uri_path(&place.path) },
            region: Region { start_line: place.line, start_column: 1, end_line: place.line, end_column: 1 },
        },
        logical_locations: [Logical {
            fully_qualified_name: super::text::short(&report.url, LONGEST),
            kind: "resource",
        }],
    }
}

fn invocation(report: &Report) -> Invocation {
    let unreachable = report.classification.kind == Kind::Unreachable;
    let mut notifications = Vec::new();
    let mut notify = |id, level, why: &str| notifications.push(notification(id, level, why));
    if unreachable {
        notify(
            "unreachable",
            "error",
            &format!("the target could not be reached: {}", report.classification.reason),
        );
    } else if report.classification.kind == Kind::None {
        notify("nothing-to-judge", "warning", &report.classification.reason);
    } else if let Some(why) = &report.score.withheld {
        notify("score-withheld", "warning", &format!("no score: {why}"));
    }
    for doubt in doubts(report) {
        notify(doubt.id, if doubt.grave { "warning" } else { "note" }, &doubt.text);
    }
    for row in report.findings.iter().filter(|row| row.finding.status == Status::Error) {
        notify("check-crashed", "error", &format!("{}: {}", row.finding.check.id, row.finding.message));
    }
    Invocation {
        execution_successful: !unreachable,
        // The standard wants a time in UTC; a transcript may say anything.
        start_time_utc: report.started_at.parse::<jiff::Timestamp>().ok().map(|time| time.to_string()),
        exit_code: report.exit.code(),
        exit_code_description: report.exit.name(),
        tool_execution_notifications: notifications,
    }
}

fn descriptors() -> Vec<Descriptor> {
    [
        ("unreachable", "The target could not be reached"),
        ("nothing-to-judge", "Nothing that an agent could use was found"),
        ("score-withheld", "Too little could be judged for a score"),
        ("insecure", "Certificate faults were ignored"),
        ("incomplete", "The scan was cut short"),
        ("proxy", "A proxy was in the way"),
        ("missing", "A target that was expected has no report"),
        ("check-crashed", "A check crashed: a bug of agentgauge"),
    ]
    .into_iter()
    .map(|(id, text)| Descriptor { id, short_description: Some(Text::of(text)) })
    .collect()
}

const fn level(status: Status, severity: Severity) -> &'static str {
    match (status, severity) {
        (Status::Fail, Severity::Critical | Severity::High) => "error",
        (_, Severity::Critical | Severity::High | Severity::Medium) => "warning",
        _ => "note",
    }
}

/// Bands of GitHub: above 9.0 critical, from 7.0 high, from 4.0 medium, from 0.1 low.
const fn security_severity(severity: Severity) -> &'static str {
    match severity {
        Severity::Critical => "9.5",
        Severity::High => "8.0",
        Severity::Medium => "5.5",
        Severity::Low => "3.0",
        Severity::Info => "0.1",
    }
}

const fn problem(severity: Severity) -> &'static str {
    match severity {
        Severity::Critical | Severity::High => "error",
        Severity::Medium => "warning",
        Severity::Low | Severity::Info => "recommendation",
    }
}
