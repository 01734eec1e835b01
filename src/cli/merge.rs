//! `merge`: reports of several runs as one. The order of files and lines does not matter: reports are
//! sorted by URL, and of several for one target the last complete one counts.

use std::collections::{BTreeMap, HashMap, HashSet};
use std::io;
use std::path::{Path, PathBuf};

use serde::de::IgnoredAny;

use super::args::MergeArgs;
use super::ending::Ending;
use super::inputs::Remembering;
use super::judging::Judging;
use super::machine::Surroundings;
use super::outputs::Outputs;
use super::present::Presenter;
use super::reporting::{Reporting, reporting};
use super::settings::REPORT_BYTES;
use super::usage::Usage;
use super::{lists, reading};
use crate::baseline::{place, same_url};
use crate::exit::Exit;
use crate::gate::Gates;
use crate::progress::{Progress, Voice};
use crate::protocol::host::{shown, with_zone};
use crate::report::Report;
use crate::report::json;
use crate::rubric::{Rubric, stamp};
use crate::scan::masked_url;
use crate::selection::Selection;
use crate::target::Target;
use crate::transcript::Vault;

/// A merge that can begin.
#[derive(Debug)]
pub(crate) struct Merge {
    /// `-` is standard input.
    pub(crate) files: Vec<PathBuf>,
    /// URLs that must be there.
    pub(crate) expected: Option<Vec<Target>>,
    pub(crate) allow_mixed_rubrics: bool,
    pub(crate) reporting: Reporting,
    pub(crate) judging: Judging,
}

/// What a `merge` means.
pub(super) fn resolve(args: MergeArgs, around: &dyn Surroundings) -> Result<Merge, Usage> {
    let MergeArgs { files, expect, allow_mixed_rubrics, output } = args;
    let inputs = Remembering::new(around);
    let around = &inputs;
    let reporting = reporting(output, around)?;
    if files.iter().filter(|file| file.as_path() == Path::new("-")).count() > 1 {
        return Err(Usage::new("-", "standard input can be read only once"));
    }
    let expected = expect.map(|path| lists::expected(&path, around)).transpose()?;
    inputs.will_read("FILE", &files);
    reporting.spare(&inputs)?;
    let judging = Judging {
        rubric: Rubric::default_rubric(),
        gates: Gates::default(),
        selection: Selection::all(),
        exit_zero: false,
        fail_on_unreachable: false,
    };
    Ok(Merge { files, expected, allow_mixed_rubrics, reporting, judging })
}

pub(super) fn run(plan: &Merge) -> Result<Ending, Ending> {
    let outputs = Outputs::open(&plan.reporting)?;
    let voice = Voice { animated: false, quiet: plan.reporting.quiet, verbosity: plan.reporting.verbosity };
    let progress = Progress::new(voice, Vec::new());
    let mut found = Vec::new();
    for path in &plan.files {
        let read = reports(path)?;
        if read.cut {
            progress.note(&format!("the last line of {} is cut off and left out", path.display()));
        }
        if read.reports.is_empty() {
            progress.note(&format!("{} holds no report", path.display()));
        }
        found.extend(read.reports);
    }
    if found.is_empty() {
        return Err(Usage::new("FILE", "there is no report in any of the files").into());
    }
    if !plan.allow_mixed_rubrics {
        one_rubric(&found)?;
    }
    let (mut merged, replaced) = latest(found);
    if replaced > 0 {
        progress.note(&format!("{replaced} reports gave way to a later one of the same target"));
    }
    let missing = missing(plan.expected.as_deref().unwrap_or_default(), &merged);
    for url in &missing {
        progress.note(&format!("missing: {}", shown(url)));
    }
    let outcomes: Vec<Exit> = merged.iter().map(|report| report.exit).collect();
    let gates = merged.iter().any(|report| report.gate.asked > 0);
    let mut exit = Exit::of_several(&outcomes, gates, false);
    let presenter = Presenter::new(&plan.reporting, &plan.judging);
    let mut words = presenter.words(&merged);
    if !missing.is_empty() {
        words = format!("{} expected targets are missing; {words}", missing.len());
        // 1 before 4 before 3 before 0.
        if exit != Exit::GateFailed {
            exit = Exit::Inconclusive;
        }
    }
    presenter.write(&mut merged, &missing, exit, outputs)?;
    Ok(Ending { exit, words, quiet: plan.reporting.quiet })
}

/// What a file holds.
struct Found {
    reports: Vec<Report>,
    /// Whether its last line was cut off, as after a crash.
    cut: bool,
}

fn reports(path: &Path) -> Result<Found, Usage> {
    let shown = path.display().to_string();
    let bytes = bytes(path).map_err(|error| Usage::new(shown.clone(), format!("cannot be read: {error}")))?;
    let text = reading::text(bytes, path).map_err(|error| Usage::new("FILE", error))?;
    let text = text.trim_start_matches('\u{feff}');
    // A JSON report is one document over many lines.
    if serde_json::from_str::<IgnoredAny>(text).is_ok() {
        return Ok(Found { reports: document(text, &shown)?, cut: false });
    }
    let mut found = Found { reports: Vec::new(), cut: false };
    let mut lines = text.lines().enumerate().filter(|(_, line)| !line.trim().is_empty()).peekable();
    while let Some((index, line)) = lines.next() {
        let place = format!("{shown}:{}", index.saturating_add(1));
        match serde_json::from_str::<IgnoredAny>(line) {
            Ok(_) => found.reports.extend(document(line, &place)?),
            // Only a line that was never ended may be cut.
            Err(_) if lines.peek().is_none() && !text.ends_with('\n') && index > 0 => found.cut = true,
            Err(error) => return Err(Usage::new(place, format!("it is not JSON: {error}"))),
        }
    }
    Ok(found)
}

/// The reports of one JSON document.
fn document(text: &str, place: &str) -> Result<Vec<Report>, Usage> {
    let reports = json::read(text.as_bytes()).map_err(|error| Usage::new(place, error.to_string()))?;
    let restored = reports.into_iter().map(json::restore);
    restored.collect::<Result<_, _>>().map_err(|error| Usage::new(place, error.to_string()))
}

fn bytes(path: &Path) -> io::Result<Vec<u8>> {
    if path == Path::new("-") {
        reading::whole(io::stdin().lock(), REPORT_BYTES)
    } else {
        reading::file(path, REPORT_BYTES)
    }
}

/// Scores of different rubrics cannot be compared.
fn one_rubric(reports: &[Report]) -> Result<(), Usage> {
    let mut rubrics: BTreeMap<(&str, &str, &str), &str> = BTreeMap::new();
    for report in reports {
        let rubric = &report.rubric;
        rubrics.entry((&rubric.id, &rubric.version, &rubric.sha256)).or_insert(&report.url);
    }
    if rubrics.len() < 2 {
        return Ok(());
    }
    let named: Vec<String> = rubrics
        .iter()
        .take(3)
        .map(|((id, version, hash), url)| format!("{} for {}", stamp(id, version, hash), shown(url)))
        .collect();
    Err(Usage::new(
        "FILE",
        format!(
            "the reports were scored by {} rubrics: {}; replay the transcripts with one, or give \
             --allow-mixed-rubrics",
            rubrics.len(),
            named.join(", ")
        ),
    ))
}

/// One report for each target, sorted by URL and label, and how many gave way.
fn latest(reports: Vec<Report>) -> (Vec<Report>, usize) {
    let all = reports.len();
    let mut kept: BTreeMap<(String, Option<String>), Report> = BTreeMap::new();
    let rank = |report: &Report| {
        (report.transcript.complete, report.started_at.clone(), report.transcript.sha256.clone())
    };
    for report in reports {
        let key = (report.url.clone(), report.label.clone());
        match kept.get(&key) {
            Some(other) if rank(other) >= rank(&report) => {}
            _ => drop(kept.insert(key, report)),
        }
    }
    let replaced = all.saturating_sub(kept.len());
    (kept.into_values().collect(), replaced)
}

/// Expected URLs without a report, masked, each once, in the order of the list.
fn missing(expected: &[Target], reports: &[Report]) -> Vec<String> {
    let (mut missing, mut named) = (Vec::new(), HashSet::new());
    let mut places: HashMap<String, Vec<&Report>> = HashMap::new();
    for report in reports {
        places.entry(place(&report.url)).or_default().push(report);
    }
    for target in expected {
        let url = target.typed();
        let there = places.get(&place(&url)).map(Vec::as_slice).unwrap_or_default();
        let plain = |url: &str| url.trim_end_matches('/').to_owned();
        let same = |report: &&&Report| plain(&report.url) == plain(&url) || same_url(&report.url, &url);
        // As a report would name it.
        let shown = with_zone(&masked_url(&target.url, &Vault::default()), target.zone.as_deref());
        if !there.iter().any(|report| same(&report)) && named.insert(shown.clone()) {
            missing.push(shown);
        }
    }
    missing
}
