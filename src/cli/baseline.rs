//! `baseline write`, `prune` and `check`: from JSON reports to a file of known findings.

use std::path::Path;

use super::args::{BaselineArgs, BaselineCommand};
use super::ending::Ending;
use super::machine::Machine;
use super::machine::text_file;
use super::output::Output;
use super::settings::reports;
use super::usage::Usage;
use crate::baseline::{Baseline, Held, Kept, Row, Scanned, day};
use crate::checks;
use crate::exit::Exit;
use crate::facts::Kind;
use crate::progress::say;
use crate::protocol::host::shown;
use crate::report::json::v1::JsonReport;
use crate::report::text::sanitise;

/// Largest baseline, in bytes.
const BASELINE_BYTES: u64 = 16 * 1024 * 1024;

pub(super) fn run(command: &BaselineCommand) -> Result<Ending, Ending> {
    match command {
        BaselineCommand::Write(args) => write(args),
        BaselineCommand::Prune(args) => prune(args),
        BaselineCommand::Check(args) => check(args),
    }
}

/// Every report that the arguments name.
fn read_reports(args: &BaselineArgs) -> Result<Vec<JsonReport>, Usage> {
    let mut all = Vec::new();
    for path in &args.reports {
        all.extend(reports("REPORT", path, &Machine)?);
    }
    Ok(all)
}

fn some_reports(args: &BaselineArgs) -> Result<Vec<JsonReport>, Usage> {
    let reports = read_reports(args)?;
    if reports.is_empty() {
        return Err(Usage::new(
            "REPORT",
            "give at least one JSON report, written by 'agentgauge scan -f json'",
        ));
    }
    if let Some(empty) = reports.iter().find(|report| described(report.classification.kind)) {
        return Err(Usage::new(
            "REPORT",
            format!(
                "nothing could be judged at {}: {}",
                shown(&empty.target.url),
                empty.classification.reason
            ),
        ));
    }
    Ok(reports)
}

fn described(kind: Kind) -> bool {
    matches!(kind, Kind::None | Kind::Unreachable | Kind::Websocket)
}

fn read_baseline(path: &Path) -> Result<Baseline, Usage> {
    let text = text_file("--baseline", path, BASELINE_BYTES, &Machine)?;
    Baseline::parse(&text, &path.display().to_string())
        .map_err(|error| Usage::new("--baseline", error.to_string()))
}

fn who(report: &JsonReport) -> Scanned<'_> {
    let target = &report.target;
    Scanned::new(&target.url, target.label.as_deref(), report.classification.kind, &report.started_at)
}

fn rows(report: &JsonReport) -> Vec<Row<'_>> {
    report.findings.iter().map(Row::from).collect()
}

fn known() -> Vec<&'static str> {
    checks::all().map(|check| check.id).collect()
}

/// Puts the new file in place at once or not at all.
fn save(path: &Path, baseline: &Baseline) -> Result<(), Ending> {
    Ok(Output::open(Some(path))?.finish(baseline.to_toml().as_bytes())?)
}

fn write(args: &BaselineArgs) -> Result<Ending, Ending> {
    let reports = some_reports(args)?;
    let old = match read_baseline(&args.baseline) {
        Ok(old) => old,
        Err(_) if !args.baseline.exists() => {
            Baseline { name: args.baseline.display().to_string(), ..Baseline::default() }
        }
        Err(usage) => return Err(usage.into()),
    };
    let mut new = old;
    for report in &reports {
        if !report.transcript.complete {
            let url = shown(&report.target.url);
            say(&sanitise(&format!(
                "note: the scan of {url} was interrupted: what it did not reach may be new to the baseline later"
            )));
        }
        new = new.updated(&who(report), &rows(report));
    }
    save(&args.baseline, &new)?;
    let count = |kept| new.entries.iter().filter(|entry| entry.kept == kept).count();
    let words = format!(
        "{} has {} known and {} accepted findings",
        args.baseline.display(),
        count(Kept::Debt),
        count(Kept::Accepted)
    );
    Ok(Ending { exit: Exit::Ok, words, quiet: false })
}

fn prune(args: &BaselineArgs) -> Result<Ending, Ending> {
    let reports = some_reports(args)?;
    let old = read_baseline(&args.baseline)?;
    concerns(&old, &reports)?;
    let mut stale: Vec<usize> = hold_all(&old, &reports).into_iter().flat_map(|held| held.stale).collect();
    stale.sort_unstable();
    stale.dedup();
    for entry in stale.iter().filter_map(|index| old.entries.get(*index)) {
        say(&sanitise(&format!("removed: {} '{}' of {}", old.place(entry), entry.check, entry.target)));
    }
    if !stale.is_empty() {
        save(&args.baseline, &old.without(&stale))?;
    }
    let words = format!("{} entries removed from {}", stale.len(), args.baseline.display());
    Ok(Ending { exit: Exit::Ok, words, quiet: false })
}

fn check(args: &BaselineArgs) -> Result<Ending, Ending> {
    let reports = read_reports(args)?;
    let baseline = read_baseline(&args.baseline)?;
    let mut failed: Vec<String> = Vec::new();
    if reports.is_empty() {
        failed = baseline.out_of_date(&known(), day(&jiff::Timestamp::now().to_string()));
    } else {
        concerns(&baseline, &reports)?;
        let held = hold_all(&baseline, &reports);
        let (worse, entries): (Vec<_>, Vec<_>) = held.into_iter().map(|h| (h.worse, h.entries)).unzip();
        failed.extend(worse.concat());
        // An entry that is out of date is so for every report.
        for entry in entries.concat() {
            if !failed.contains(&entry) {
                failed.push(entry);
            }
        }
    }
    for reason in &failed {
        say(&sanitise(reason));
    }
    let entries = baseline.entries.len();
    Ok(match failed.len() {
        0 => Ending { exit: Exit::Ok, words: format!("{entries} entries hold"), quiet: false },
        count => Ending {
            exit: Exit::GateFailed,
            words: format!("{count} of {entries} entries and new findings need a look"),
            quiet: false,
        },
    })
}

fn hold_all(baseline: &Baseline, reports: &[JsonReport]) -> Vec<Held> {
    let known = known();
    reports
        .iter()
        .filter(|report| !described(report.classification.kind))
        .map(|report| baseline.hold(&who(report), &rows(report), &known, None))
        .collect()
}

/// A baseline of other targets is a mistake, not a list of stale entries.
fn concerns(baseline: &Baseline, reports: &[JsonReport]) -> Result<(), Usage> {
    let targets: Vec<(String, Option<String>)> =
        reports.iter().map(|report| (report.target.url.clone(), report.target.label.clone())).collect();
    let strangers: Vec<_> = baseline.strangers(&targets).collect();
    match strangers.first() {
        Some(first) if strangers.len() == baseline.entries.len() => Err(Usage::new(
            "--baseline",
            format!("{}: it is about '{}', of which there is no report", baseline.place(first), first.target),
        )),
        _ => {
            if let Some(elsewhere) = baseline.elsewhere(&targets) {
                say(&sanitise(&format!("note: {elsewhere}")));
            }
            Ok(())
        }
    }
}
