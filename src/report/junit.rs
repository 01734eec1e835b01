//! JUnit XML: one suite for each target, one case for each check, and one more, `agentgauge`, for the
//! target as a whole.
//!
//! Readers know four outcomes. A finding that costs points is a failure; what was not judged is skipped, with
//! the reason. An error is what keeps the result from meaning anything: the target could not be
//! reached, too little could be judged, or a check of ours crashed. Where enough was judged to end well and
//! not for a score, the case of the target is skipped and says why. What the baseline lists is skipped too. So
//! a suite is green exactly if nothing new is to be fixed and there was something to judge.

use std::fmt::Write;

use super::doubts::doubts;
use super::sink::xml;
use super::text::short;
use super::{Report, ReportFinding, key, standing};
use crate::exit::Exit;
use crate::protocol::host::shown;
use crate::verdict::Status;

/// Longest attribute and longest line of a body, in characters.
const LONGEST: usize = 1_000;

/// All reports in one document. URLs that should be among them are suites with one error.
#[must_use]
pub fn render(reports: &[Report], missing: &[String]) -> String {
    let suites = reports.iter().zip(key::keys(reports)).map(|(report, key)| Suite::of(report, &key));
    let suites: Vec<Suite> = suites.chain(missing.iter().map(|url| Suite::missing(url))).collect();
    let sum = |count: fn(&Suite) -> usize| suites.iter().map(count).sum::<usize>();
    let duration: u64 = reports.iter().map(|report| report.duration_ms).sum();
    let mut text = String::from("<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n");
    // Writing to a string cannot fail.
    let _ = writeln!(
        text,
        "<testsuites name=\"agentgauge\" tests=\"{}\" failures=\"{}\" errors=\"{}\" skipped=\"{}\" time=\"{}\">",
        sum(|suite| suite.tests),
        sum(|suite| suite.failures),
        sum(|suite| suite.errors),
        sum(|suite| suite.skipped),
        seconds(duration)
    );
    for suite in &suites {
        text.push_str(&suite.text);
    }
    text.push_str("</testsuites>\n");
    text
}

#[derive(Debug, Default)]
struct Suite {
    text: String,
    tests: usize,
    failures: usize,
    errors: usize,
    skipped: usize,
}

impl Suite {
    fn of(report: &Report, key: &str) -> Self {
        let mut suite = Self::default();
        // Readers find a case by class and name, and know no suites.
        let class = match short(key, LONGEST) {
            whole if !whole.ends_with('…') => xml(key, LONGEST),
            _ => format!("{}~{}", xml(key, LONGEST.saturating_sub(10)), key::digest(&[key], 8)),
        };
        let name =
            report.label.as_deref().map_or_else(|| xml(&shown(key), LONGEST), |label| xml(label, LONGEST));
        let mut cases = suite.whole(report, &class);
        for row in &report.findings {
            cases.push_str(&suite.case(report, row, &class));
        }
        let _ = write!(
            suite.text,
            "  <testsuite name=\"{name}\" tests=\"{}\" failures=\"{}\" errors=\"{}\" skipped=\"{}\" time=\"{}\">\n\
             {cases}  </testsuite>\n",
            suite.tests,
            suite.failures,
            suite.errors,
            suite.skipped,
            seconds(report.duration_ms)
        );
        suite
    }

    /// A target without a report.
    fn missing(url: &str) -> Self {
        let name = xml(url, LONGEST);
        let suite = xml(&shown(url), LONGEST);
        let text = format!(
            "  <testsuite name=\"{suite}\" tests=\"1\" failures=\"0\" errors=\"1\" skipped=\"0\" time=\"{time}\">\n    \
             <testcase classname=\"{name}\" name=\"agentgauge\" time=\"{time}\">\n      \
             <error type=\"missing\" message=\"expected, and there is no report\"/>\n    \
             </testcase>\n  </testsuite>\n",
            time = seconds(0)
        );
        Self { text, tests: 1, errors: 1, ..Self::default() }
    }

    /// The case of the target as a whole: it says what the exit code says.
    fn whole(&mut self, report: &Report, class: &str) -> String {
        let outcome = match report.exit {
            // Without a score a pass would say too much.
            Exit::Ok => report.unjudged().map(|why| ("skipped", why)),
            Exit::GateFailed => Some(("failure", report.gate.reasons().collect::<Vec<_>>().join("; "))),
            _ => Some(("error", report.unjudged().unwrap_or_default())),
        };
        let count = match outcome {
            Some(("skipped", _)) => Some(&mut self.skipped),
            Some(("failure", _)) => Some(&mut self.failures),
            Some(_) => Some(&mut self.errors),
            None => None,
        };
        if let Some(count) = count {
            *count = count.saturating_add(1);
        }
        self.tests = self.tests.saturating_add(1);
        let mut inner = outcome.map_or_else(String::new, |(element, why)| {
            // The schemas know a type of failures and errors alone.
            let of = match element {
                "skipped" => String::new(),
                _ => format!(" type=\"{}\"", report.exit.name()),
            };
            format!("      <{element}{of} message=\"{}\"/>\n", xml(&why, LONGEST))
        });
        let beside = standing::usable(report).into_iter().chain(standing::grade(report));
        let beside = beside.map(|(name, words)| format!("{name}: {words}"));
        let notes: Vec<String> = doubts(report)
            .into_iter()
            .map(|doubt| doubt.text)
            .chain(beside)
            .chain(standing::clients(report))
            .map(|note| xml(&note, LONGEST))
            .collect();
        if !notes.is_empty() {
            inner.push_str(&format!("      <system-out>{}</system-out>\n", notes.join("\n")));
        }
        let took = seconds(report.duration_ms);
        if inner.is_empty() {
            format!("    <testcase classname=\"{class}\" name=\"agentgauge\" time=\"{took}\"/>\n")
        } else {
            format!(
                "    <testcase classname=\"{class}\" name=\"agentgauge\" time=\"{took}\">\n{inner}    </testcase>\n"
            )
        }
    }

    fn case(&mut self, report: &Report, row: &ReportFinding, class: &str) -> String {
        let (finding, check) = (&row.finding, row.finding.check);
        let message = format!("{}{}", xml(&finding.message, LONGEST), row.remark());
        self.tests = self.tests.saturating_add(1);
        let inner = match finding.status {
            Status::Pass | Status::Info => None,
            Status::Warn | Status::Fail if report.listed(row) => {
                self.skipped = self.skipped.saturating_add(1);
                Some(format!("      <skipped message=\"listed in the baseline: {message}\"/>\n"))
            }
            Status::Warn | Status::Fail => {
                self.failures = self.failures.saturating_add(1);
                Some(format!(
                    "      <failure type=\"{}-{}\" message=\"{message}\">\n{}      </failure>\n",
                    finding.status.as_str(),
                    finding.severity.as_str(),
                    body(row)
                ))
            }
            Status::NotApplicable | Status::Inconclusive | Status::Skipped => {
                self.skipped = self.skipped.saturating_add(1);
                let why = match finding.status {
                    Status::NotApplicable => "does not apply",
                    Status::Skipped => "left out",
                    _ => "not judged",
                };
                Some(format!("      <skipped message=\"{why}: {message}\"/>\n"))
            }
            Status::Error => {
                self.errors = self.errors.saturating_add(1);
                Some(format!("      <error type=\"bug\" message=\"{message}\"/>\n"))
            }
        };
        let id = xml(check.id, LONGEST);
        match inner {
            None => format!("    <testcase classname=\"{class}\" name=\"{id}\" time=\"0\"/>\n"),
            Some(inner) => {
                format!(
                    "    <testcase classname=\"{class}\" name=\"{id}\" time=\"0\">\n{inner}    </testcase>\n"
                )
            }
        }
    }
}

/// Lines that all begin with a word of ours.
fn body(row: &ReportFinding) -> String {
    let (finding, check) = (&row.finding, row.finding.check);
    let mut text = String::new();
    let mut line = |name: &str, words: &str| {
        let _ = writeln!(text, "{name}: {}", xml(words, LONGEST));
    };
    line("Check", check.title);
    for evidence in &finding.evidence {
        line("Seen", &format!("exchange {}, {}: {}", evidence.exchange, evidence.pointer, evidence.excerpt));
    }
    line("Fix", row.finding.remediation());
    for basis in check.basis {
        line("Source", &format!("{} {}", basis.title, basis.url));
    }
    if let Some(command) = row.reproduce.iter().flatten().next() {
        line("Try", command);
    }
    text
}

/// Milliseconds as seconds.
fn seconds(ms: u64) -> String {
    format!("{}.{:03}", ms / 1_000, ms % 1_000)
}
