//! GitLab Code Quality: an array of what failed or warned. Its fields are those that GitLab documents;
//! `location.path` is a path of the repository, so a target that no file names gets one made of its URL.

use serde::Serialize;

use super::doubts::doubts;
use super::text::short;
use super::{Report, key, sink};
use crate::exit::Exit;
use crate::protocol::host::shown;
use crate::verdict::{Severity, Status};

#[derive(Debug, Serialize)]
struct Issue {
    description: String,
    check_name: String,
    fingerprint: String,
    severity: &'static str,
    location: Location,
}

#[derive(Debug, Serialize)]
struct Location {
    path: String,
    lines: Lines,
}

#[derive(Debug, Serialize)]
struct Lines {
    begin: u32,
}

/// Longest description, in characters.
const LONGEST: usize = 1_000;

/// All reports in one array, and URLs that should be among them.
#[must_use]
pub fn render(reports: &[Report], missing: &[String]) -> String {
    let issues = reports.iter().zip(key::keys(reports)).flat_map(|(report, key)| issues(report, &key));
    let issues: Vec<Issue> = issues.chain(missing.iter().map(|url| unreported(url))).collect();
    format!("{}\n", sink::json(&issues, true))
}

/// A target without a report.
fn unreported(url: &str) -> Issue {
    Issue {
        description: short(&format!("expected, and there is no report: {}", shown(url)), LONGEST),
        check_name: "agentgauge-missing".to_owned(),
        fingerprint: key::fingerprint(url, "agentgauge-missing"),
        severity: "blocker",
        location: Location { path: key::host_and_path(url), lines: Lines { begin: 1 } },
    }
}

fn issues(report: &Report, key: &str) -> Vec<Issue> {
    let place = key::place(report);
    let issue = |name: &str, severity, description: String| Issue {
        description,
        check_name: name.to_owned(),
        fingerprint: key::fingerprint(key, name),
        severity,
        location: Location { path: place.path.clone(), lines: Lines { begin: place.line } },
    };
    // An empty array reads as a clean endpoint.
    let whole = report.unjudged().map(|why| {
        let severity = if report.exit == Exit::Ok { "major" } else { "blocker" };
        issue("agentgauge", severity, short(&why, LONGEST))
    });
    let notes = doubts(report)
        .into_iter()
        .filter(|doubt| doubt.grave)
        .map(|doubt| issue(&format!("agentgauge-{}", doubt.id), "major", short(&doubt.text, LONGEST)));
    let found =
        report.findings.iter().filter(|row| matches!(row.finding.status, Status::Warn | Status::Fail)).map(
            |row| {
                let (finding, check) = (&row.finding, row.finding.check);
                let text = format!("{}: {}", check.title, finding.message);
                let text = format!("{}{}", short(&text, LONGEST), row.remark());
                issue(check.id, severity(finding.severity), text)
            },
        );
    whole.into_iter().chain(notes).chain(found).collect()
}

const fn severity(severity: Severity) -> &'static str {
    match severity {
        Severity::Critical => "blocker",
        Severity::High => "critical",
        Severity::Medium => "major",
        Severity::Low => "minor",
        Severity::Info => "info",
    }
}
