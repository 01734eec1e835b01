//! GitHub Actions: annotations on standard output, a step summary, and outputs for later steps.
//!
//! The platform keeps ten annotations of a kind for each step and drops the rest without a word, so nine
//! are written and a tenth says how many there are more.

use std::path::Path;

use super::doubts::{Doubt, doubts};
use super::sink::{command_message, command_property};
use super::text::{harmless, short};
use super::{Report, ReportFinding, key};
use crate::exit::Exit;
use crate::score::tenths;
use crate::verdict::{Severity, Status};

/// Annotations of one kind before the one that counts the rest.
const MOST: usize = 9;
/// Longest line of a message, in characters.
const LONGEST: usize = 500;

/// The annotations. URLs that should be among the targets are warnings.
#[must_use]
pub fn render(reports: &[Report], missing: &[String]) -> String {
    let mut errors: Vec<(Severity, String)> = Vec::new();
    let mut warnings: Vec<(Severity, String)> = Vec::new();
    for report in reports {
        let why = match report.exit {
            // A score that is withheld all the same is among the notices.
            Exit::Ok => None,
            Exit::GateFailed => Some(report.gate.reasons().collect::<Vec<_>>().join("; ")),
            _ => report.unjudged(),
        };
        errors.extend(why.map(|why| (Severity::Critical, whole(report, &why))));
        for doubt in doubts(report).iter().filter(|doubt| doubt.grave) {
            warnings.push((Severity::Critical, note(report, doubt)));
        }
        for row in &report.findings {
            let severity = row.finding.severity;
            // What the baseline lists is no news.
            if report.listed(row) {
                continue;
            }
            match row.finding.status {
                Status::Fail if severity >= Severity::High => {
                    errors.push((severity, one("error", report, row)));
                }
                Status::Fail | Status::Warn => warnings.push((severity, one("warning", report, row))),
                _ => {}
            }
        }
    }
    for url in missing {
        let why = format!("expected, and there is no report: {url}");
        let line = format!("::warning title=agentgauge missing::{}\n", command_message(&why, LONGEST));
        warnings.push((Severity::Critical, line));
    }
    let mut text = String::new();
    for (kind, found) in [("error", &mut errors), ("warning", &mut warnings)] {
        // The worst first; registry order among equals.
        found.sort_by_key(|(severity, _)| std::cmp::Reverse(*severity));
        found.iter().take(MOST).for_each(|(_, line)| text.push_str(line));
        let more = found.len().saturating_sub(MOST);
        if more > 0 {
            text.push_str(&format!("::{kind} title=agentgauge::and {more} more: see the step summary\n"));
        }
    }
    for report in reports.iter().take(MOST) {
        text.push_str(&format!(
            "::notice title=agentgauge::{}\n",
            command_message(&summary(report), LONGEST)
        ));
    }
    if let Some(more @ 1..) = reports.len().checked_sub(MOST) {
        text.push_str(&format!("::notice title=agentgauge::and {more} more targets: see the step summary\n"));
    }
    text
}

fn one(kind: &str, report: &Report, row: &ReportFinding) -> String {
    let (finding, check) = (&row.finding, row.finding.check);
    let title = format!("{} ({})", check.id, finding.severity.as_str());
    // Several lines are one line with escapes; each begins with a word of ours or follows one.
    format!(
        "::{kind} {}title={}::{}{}%0AAt {}%0AFix: {}\n",
        place(report),
        command_property(&title, LONGEST),
        command_message(&finding.message, LONGEST),
        row.remark(),
        command_message(&report.shown_url(), LONGEST),
        command_message(finding.remediation(), LONGEST)
    )
}

fn note(report: &Report, doubt: &Doubt) -> String {
    format!(
        "::warning {}title=agentgauge {}::{}%0AAt {}\n",
        place(report),
        doubt.id,
        command_message(&doubt.text, LONGEST),
        command_message(&report.shown_url(), LONGEST)
    )
}

fn whole(report: &Report, why: &str) -> String {
    format!(
        "::error {}title=agentgauge {}::{}%0AAt {}\n",
        place(report),
        report.exit.name(),
        command_message(why, LONGEST),
        command_message(&report.shown_url(), LONGEST)
    )
}

/// The file and line, where a file of the repository names the target.
fn place(report: &Report) -> String {
    report.named_at.as_ref().map_or_else(String::new, |_| {
        let place = key::place(report);
        format!("file={},line={},", command_property(&place.path, LONGEST), place.line)
    })
}

fn summary(report: &Report) -> String {
    let name = report.name();
    match (report.score.value, &report.score.withheld) {
        (Some(value), _) => format!("score {} of 100 for {name}", tenths(value)),
        (None, Some(why)) => format!("no score for {name}: {why}"),
        (None, None) => format!("no score for {name}"),
    }
}

/// Lines for the outputs file of a step: our own words and numbers, one line each. Of several targets
/// `score` is the lowest; it is empty where one is withheld. `report` is where the report was written, as
/// the user named it; it is empty where there is no file, or where its name is not one plain line.
#[must_use]
pub fn outputs(reports: &[Report], exit: Exit, file: Option<&Path>) -> String {
    let scores: Option<Vec<f64>> = reports.iter().map(|report| report.score.value).collect();
    let lowest = scores.unwrap_or_default().into_iter().min_by(f64::total_cmp);
    let grade = match reports {
        [report] => report.score.grade.clone().unwrap_or_default(),
        _ => String::new(),
    };
    let plain = |path: &&str| path.chars().all(harmless);
    let file = file.and_then(Path::to_str).filter(plain).unwrap_or_default();
    format!(
        "score={}\ngrade={}\npassed={}\nexit-code={}\nexit-name={}\ntargets={}\nreport={file}\n",
        lowest.map_or_else(String::new, |value| tenths(value).to_string()),
        short(&grade, 20),
        exit == Exit::Ok,
        exit.code(),
        exit.name(),
        reports.len()
    )
}
