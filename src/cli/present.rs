//! From reports to bytes, exit code and closing words: the same for every command that judges.

use std::collections::HashMap;

use super::ending::Ending;
use super::formats::NamedIn;
use super::judging::Judging;
use super::outputs::Outputs;
use super::reporting::Reporting;
use super::terminal;
use crate::baseline::{place, same_url};
use crate::exit::Exit;
use crate::progress::say;
use crate::protocol::host::shown_host;
use crate::report::Report;
use crate::report::format::Format;
use crate::report::key::NamedAt;
use crate::score::whole;
use crate::target::Target;
use crate::verdict::{Severity, Status};

/// Presents reports in the way that was asked for.
#[derive(Debug)]
pub(super) struct Presenter<'p> {
    reporting: &'p Reporting,
    judging: &'p Judging,
}

impl<'p> Presenter<'p> {
    pub(super) fn new(reporting: &'p Reporting, judging: &'p Judging) -> Self {
        Self { reporting, judging }
    }

    /// Decides the exit, writes the report, and says how it ended. `interrupted` outranks every
    /// other end but a report that could not be written.
    pub(super) fn present(
        &self,
        mut reports: Vec<Report>,
        interrupted: Option<Exit>,
        outputs: Outputs,
    ) -> Result<Ending, Ending> {
        let words = self.words(&reports);
        for report in &mut reports {
            report.exit = self.forgiven(report.exit);
        }
        let outcomes: Vec<Exit> = reports.iter().map(|report| report.exit).collect();
        let exit =
            Exit::of_several(&outcomes, !self.judging.gates.is_empty(), self.judging.fail_on_unreachable);
        let exit = interrupted.unwrap_or(exit);
        if let ([report], Some(signal)) = (reports.as_mut_slice(), interrupted) {
            report.exit = signal;
        }
        self.write(&mut reports, &[], exit, outputs)?;
        let words = match interrupted {
            Some(_) => format!("stopped early; {words}"),
            // The lines above have just said it.
            None if self.told_above() => String::new(),
            None => words,
        };
        Ok(Ending { exit, words, quiet: self.reporting.quiet })
    }

    /// Whether the report is on the screen, and this line will be below it.
    fn told_above(&self) -> bool {
        self.reporting.format == Format::Table && self.reporting.output.is_none() && terminal::all_on_one()
    }

    fn forgiven(&self, exit: Exit) -> Exit {
        if self.judging.exit_zero && exit == Exit::GateFailed { Exit::Ok } else { exit }
    }

    /// Writes every output that was asked for, each in its format.
    pub(super) fn write(
        &self,
        reports: &mut [Report],
        missing: &[String],
        exit: Exit,
        outputs: Outputs,
    ) -> Result<(), Ending> {
        let places: Vec<Places<'_>> = self.reporting.named_in.iter().map(sorted).collect();
        for report in reports.iter_mut() {
            report.named_at = self.named_at(report, &places).or(report.named_at.take());
        }
        outputs.finish(reports, missing, exit, self.reporting)?;
        let more = self.reporting.reports.iter().map(|(format, _)| *format);
        for format in std::iter::once(self.reporting.format).chain(more) {
            if let Some(remark) = format.remark(reports.len()).filter(|_| !self.reporting.quiet) {
                say(&format!("note: {}: {remark}", format.name()));
            }
        }
        Ok(())
    }

    /// The line that was given, else that of the URL and label, else of the URL, else the first that holds
    /// the URL.
    fn named_at(&self, report: &Report, places: &[Places<'_>]) -> Option<NamedAt> {
        let url = report.url.as_str();
        let here = place(url);
        self.reporting.named_in.iter().zip(places).find_map(|(named, places)| {
            let of = |label: bool| {
                let mut lines = places.get(&here).into_iter().flatten();
                let found =
                    lines.find(|(other, own, _)| same_url(other, url) && (!label || *own == report.label));
                found.map(|(.., line)| *line)
            };
            let found = || named.text.lines().position(|line| line.contains(url.trim_end_matches('/')));
            let line = named.line.or_else(|| of(true)).or_else(|| of(false));
            let line = line.or_else(|| u32::try_from(found()?.saturating_add(1)).ok())?;
            Some(NamedAt { file: named.file.clone(), line })
        })
    }

    /// Why the run ends as it does, before `--exit-zero`.
    pub(super) fn words(&self, reports: &[Report]) -> String {
        let words = match reports {
            [report] => one(report),
            _ => several(reports),
        };
        let failed = reports.iter().any(|report| report.exit == Exit::GateFailed);
        if failed && self.judging.exit_zero { format!("--exit-zero; a gate failed: {words}") } else { words }
    }
}

fn one(report: &Report) -> String {
    match report.exit {
        Exit::GateFailed | Exit::Inconclusive if report.gate.asked > 0 => {
            report.gate.reasons().collect::<Vec<_>>().join("; ")
        }
        Exit::NothingToJudge => report.classification.reason.clone(),
        _ => match (&report.score.value, &report.score.withheld) {
            (Some(value), _) => {
                let grade =
                    report.score.grade.as_ref().map_or_else(String::new, |grade| format!(", grade {grade}"));
                format!("score {} of 100{grade}", whole(*value))
            }
            (None, Some(why)) => format!("no score: {why}{}", judged(report)),
            (None, None) => "no score".to_owned(),
        },
    }
}

/// The dimensions that have a value although the whole has none, as behind authentication.
fn judged(report: &Report) -> String {
    let values = report.score.dimensions.iter().filter_map(|(dimension, score)| {
        score.value.map(|value| format!("{dimension} {} of 100", whole(value)))
    });
    let values: Vec<String> = values.collect();
    if values.is_empty() { String::new() } else { format!("; judged: {}", values.join(", ")) }
}

fn several(reports: &[Report]) -> String {
    let count = |exit: Exit| reports.iter().filter(|report| report.exit == exit).count();
    let mut parts = Vec::new();
    for (exit, what) in [
        (Exit::GateFailed, "failed a gate"),
        (Exit::Inconclusive, "inconclusive"),
        (Exit::NothingToJudge, "with nothing to judge"),
        (Exit::Ok, if reports.iter().any(|report| report.gate.asked > 0) { "passed" } else { "judged" }),
    ] {
        if count(exit) > 0 {
            parts.push(format!("{} {what}", count(exit)));
        }
    }
    // That no gate failed says little where none was asked for.
    let critical = |report: &&Report| {
        let bad = |status: Status| matches!(status, Status::Warn | Status::Fail);
        report
            .findings
            .iter()
            .any(|row| row.finding.severity == Severity::Critical && bad(row.finding.status))
    };
    if let found @ 1.. = reports.iter().filter(critical).count() {
        parts.push(format!("{found} with a critical finding"));
    }
    format!("{} targets: {}", reports.len(), parts.join(", "))
}

/// Lines of a file by where their URLs lead: a list may be long.
type Places<'n> = HashMap<String, Vec<&'n (String, Option<String>, u32)>>;

fn sorted(named: &NamedIn) -> Places<'_> {
    let mut places = Places::new();
    for line in &named.lines {
        places.entry(place(&line.0)).or_default().push(line);
    }
    places
}

/// Host, port and path: enough to tell targets apart on a line.
pub(super) fn short_name(target: &Target) -> String {
    let url = &target.url;
    let port = url.port().map_or_else(String::new, |port| format!(":{port}"));
    let host = url.host_str().unwrap_or_default();
    let host = match (&target.zone, host.strip_suffix(']')) {
        (Some(zone), Some(address)) => format!("{address}%{zone}]"),
        _ => shown_host(host),
    };
    format!("{host}{port}{}", url.path())
}
