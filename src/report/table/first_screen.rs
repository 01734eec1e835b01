//! What a reader sees first: what was found, the score, and the three fixes that gain most.

use comfy_table::{CellAlignment, Table};

use super::advice::{describes, gate, next};
use super::gains;
use super::layout::{Page, Tone, columns};
use crate::facts::era_guess::EraGuess;
use crate::facts::{Confidence, Kind};
use crate::protocol::host;
use crate::report::doubts::doubts;
use crate::report::text::shell;
use crate::report::{Report, ReportFinding, standing};
use crate::score::{DimensionScore, tenths, whole};
use crate::verdict::{Severity, Status};

/// Lines of a small terminal.
const SCREEN: usize = 24;

pub(super) fn draw(page: &mut Page, report: &Report) {
    let style = page.style;
    let block = |draw: &dyn Fn(&mut Page, &Report)| {
        let mut block = Page::new(style);
        draw(&mut block, report);
        block
    };
    let (head, score) = (block(&head), block(&score));
    let mut fixing = block(&|page, report| fixes(page, report, false));
    // Three fixes with half of their words say more than two of them.
    if [&head, &score, &fixing].map(Page::len).iter().sum::<usize>() > SCREEN {
        fixing = block(&|page, report| fixes(page, report, true));
    }
    let blocks: Vec<Page> = [head, score, fixing].into_iter().filter(|block| block.len() > 0).collect();
    let lines: usize = blocks.iter().map(Page::len).sum();
    // Blank lines between the blocks are a luxury where they would push a fix off the screen.
    let mut room = if lines > SCREEN.saturating_mul(2) { usize::MAX } else { SCREEN.saturating_sub(lines) };
    for (index, block) in blocks.into_iter().enumerate() {
        if index > 0 && room > 0 {
            page.blank();
            room = room.saturating_sub(1);
        }
        page.append(block);
    }
}

fn head(page: &mut Page, report: &Report) {
    let label = report.label.as_ref().map_or_else(String::new, |label| format!("{label}: "));
    page.text(Tone::Strong, &format!("{label}{}", report.shown_url()));
    page.item(0, (Tone::Plain, "Found:"), 7, &found(report).join(" · "));
    for doubt in doubts(report) {
        page.text(Tone::Fair, &doubt.text);
    }
}

/// What speaks there, in parts.
pub(in crate::report) fn found(report: &Report) -> Vec<String> {
    let class = &report.classification;
    let mut what = vec![match class.confidence {
        _ if class.kind == Kind::Unreachable => "not reachable".to_owned(),
        Confidence::Confirmed => class.words().to_owned(),
        Confidence::Suspected => format!("probably {}", class.words()),
        Confidence::Guess => format!("perhaps {}", class.words()),
    }];
    if !class.revisions.is_empty() {
        let revisions: Vec<&str> = class.revisions.iter().map(|revision| revision.as_str()).collect();
        what.push(format!("revisions {}", revisions.join(", ")));
    }
    if let [_, others @ ..] = class.transports.as_slice()
        && !others.is_empty()
    {
        let others: Vec<&str> = others.iter().map(|transport| transport.as_str()).collect();
        what.push(format!("also {}", others.join(", ")));
    }
    if let Some(server) = &class.server {
        what.push(format!("server \"{}\" {}", server.name, server.version).trim_end().to_owned());
    }
    if class.endpoint != report.url {
        what.push(format!("redirected to {}", host::shown(&class.endpoint)));
    }
    // Why is of interest where it is not plain from what was found.
    if !class.is_mcp() || class.confidence != Confidence::Confirmed {
        what.push(class.reason.clone());
    }
    what.extend(report.era_guess.as_ref().map(EraGuess::sentence));
    what
}

fn score(page: &mut Page, report: &Report) {
    let score = &report.score;
    match score.value {
        Some(value) => {
            let grade = score.grade.as_ref().map_or_else(String::new, |grade| format!(", grade {grade}"));
            let points = score.points().map_or(0.0, tenths);
            let (lower, upper) = (whole(score.lower), whole(score.upper));
            let bounds = if lower == upper {
                String::new()
            } else {
                format!(" · {lower} to {upper} once the rest is known")
            };
            page.pieces(&[
                (tone(value), &format!("Score {} of 100{grade}", whole(value))),
                (Tone::Plain, &format!(" · {points:.1} of {} points{bounds}", score.weight)),
            ]);
        }
        None => {
            let why = score.withheld.as_deref().unwrap_or("too little could be judged");
            page.item(0, (Tone::Fair, "No score:"), 10, why);
        }
    }
    dimensions(page, report);
    caps(page, report);
    beside(page, report);
    const REASONS: usize = 8;
    for reason in report.gate.reasons().take(REASONS) {
        page.item(0, (Tone::Bad, "Gate:"), 6, reason);
    }
    if let Some(more) = report.gate.reasons().count().checked_sub(REASONS).filter(|more| *more > 0) {
        page.item(0, (Tone::Bad, "Gate:"), 6, &format!("and {more} more"));
    }
    for note in &report.gate.notes {
        page.item(0, (Tone::Quiet, "Note:"), 6, note);
    }
    match report.classification.kind {
        _ if describes(report) => described(page, report),
        Kind::AuthGated => gated(page, report),
        _ => found_beside(page, report),
    }
}

fn tone(value: f64) -> Tone {
    match whole(value) {
        80.. => Tone::Good,
        60..80 => Tone::Fair,
        _ => Tone::Bad,
    }
}

fn dimensions(page: &mut Page, report: &Report) {
    let rows: Vec<(String, &DimensionScore)> = report
        .score
        .dimensions
        .iter()
        .map(|(dimension, score)| (format!("{dimension} {}", dimension.title()), score))
        .collect();
    if rows.is_empty() {
        return;
    }
    let shown =
        |score: &DimensionScore| score.value.map_or_else(|| "–".to_owned(), |value| whole(value).to_string());
    let bounds = |score: &DimensionScore| match (whole(score.lower), whole(score.upper)) {
        (lower, upper) if lower == upper => String::new(),
        (lower, upper) => format!("may be {lower} to {upper}"),
    };
    let judged = |score: &DimensionScore| {
        format!(
            "{} of {} checks judged ({} of {} points)",
            score.rows_judged, score.rows_apply, score.judged, score.applicable
        )
    };
    if page.wide() {
        let mut table = Table::new();
        table.load_style(comfy_table::presets::NOTHING);
        for (name, score) in &rows {
            table.add_row([name.clone(), shown(score), bar(score), bounds(score), judged(score)]);
        }
        if let Some(column) = table.column_mut(1) {
            column.set_cell_alignment(CellAlignment::Right);
        }
        let lines: Vec<String> = table.lines().collect();
        for (line, (_, score)) in lines.iter().zip(&rows) {
            page.pieces(&[(score.value.map_or(Tone::Quiet, tone), line.trim_end())]);
        }
    } else {
        for (name, score) in &rows {
            page.pieces(&[(score.value.map_or(Tone::Quiet, tone), &format!("{:>3} {name}", shown(score)))]);
            let bounds = bounds(score);
            let between = if bounds.is_empty() { String::new() } else { format!("{bounds}; ") };
            page.item_of(0, (Tone::Quiet, ""), 4, (Tone::Quiet, &format!("{between}{}", judged(score))), 2);
        }
    }
    let dropped: Vec<&str> = report.dropped().map(crate::verdict::Dimension::as_str).collect();
    if !dropped.is_empty() {
        page.text(
            Tone::Quiet,
            &format!("{}: nothing applies to this endpoint, left out", dropped.join(", ")),
        );
    }
}

/// Twenty cells: the value; or, where it is withheld, what is certain.
fn bar(score: &DimensionScore) -> String {
    let full = whole(score.value.unwrap_or(score.lower)) / 5;
    let full = usize::try_from(full).unwrap_or(0).min(20);
    format!("{}{}", "█".repeat(full), "░".repeat(20_usize.saturating_sub(full)))
}

fn caps(page: &mut Page, report: &Report) {
    let said = capped(report);
    if !said.is_empty() {
        page.item_of(0, (Tone::Bad, "Capped:"), 8, (Tone::Plain, &said.join("; ")), usize::MAX);
    }
}

/// What stands beside the score.
fn beside(page: &mut Page, report: &Report) {
    for (name, words) in standing::grade(report) {
        let label = format!("{name}:");
        page.item(0, (Tone::Fair, &label), columns(&label).saturating_add(1), &words);
    }
    let usable = report.score.usable.value.map(|value| format!("{} of 100", whole(value)));
    let said: Vec<String> = usable.into_iter().chain(standing::families(report)).collect();
    if !said.is_empty() {
        page.item_of(0, (Tone::Plain, "Usable:"), 8, (Tone::Plain, &said.join(" · ")), 1);
    }
}

/// The caps that decide, in words.
pub(in crate::report) fn capped(report: &Report) -> Vec<String> {
    let mut said = Vec::new();
    let hits = &report.score.caps;
    for hit in hits {
        let same = |other: &&crate::score::CapHit| other.cap.dimension == hit.cap.dimension;
        let lowest = hits.iter().filter(same).map(|other| other.cap.max).min().unwrap_or(hit.cap.max);
        let first = hits.iter().filter(same).find(|other| other.cap.max == lowest);
        if first == Some(hit) {
            said.push(standing::cap(hit));
        }
    }
    said
}

fn fixes(page: &mut Page, report: &Report, tight: bool) {
    let rows: Vec<&ReportFinding> =
        report.fixes.iter().filter_map(|index| report.findings.get(*index)).collect();
    if rows.is_empty() {
        if nothing_to_fix(report) {
            page.text(Tone::Good, NOTHING_TO_FIX);
        }
        return;
    }
    page.text(Tone::Strong, &fixes_heading(report, rows.len()));
    for (number, row) in rows.iter().enumerate() {
        fix(page, report, number.saturating_add(1), row, tight);
    }
}

/// What a target without faults is told.
pub(in crate::report) const NOTHING_TO_FIX: &str = "Nothing to fix: every check that could be judged passed.";

/// Whether that may be said: enough was judged, and nothing warned or failed.
pub(in crate::report) fn nothing_to_fix(report: &Report) -> bool {
    let any = |wanted: &[Status]| report.findings.iter().any(|row| wanted.contains(&row.finding.status));
    report.score.value.is_some() && any(&[Status::Pass]) && !any(&[Status::Warn, Status::Fail])
}

fn fixes_heading(report: &Report, count: usize) -> String {
    let all = match count {
        1 => "it lifts",
        2 => "both together lift",
        _ => "all three together lift",
    };
    match gains::lifted(report) {
        Some(lifted) => format!("Fix first ({all} {lifted}):"),
        None => "Fix first (greatest harm first):".to_owned(),
    }
}

fn fix(page: &mut Page, report: &Report, number: usize, row: &ReportFinding, tight: bool) {
    let (finding, check) = (&row.finding, row.finding.check);
    let gain = gains::gain(report, row);
    let (status, colour) = status(finding.status);
    let (place, seen) = match finding.evidence.first() {
        Some(evidence) => (
            format!(" · exchange {}, {}", evidence.exchange, evidence.pointer),
            format!("{} [{}]", finding.message, evidence.excerpt),
        ),
        None => (String::new(), finding.message.clone()),
    };
    page.pieces(&[
        (Tone::Strong, &format!("{number} ")),
        (colour, status),
        (Tone::Strong, &format!(" {}", check.id)),
        (harm(finding.severity), &format!(" · {}", finding.severity.as_str())),
        (Tone::Plain, &gain),
        (Tone::Quiet, &place),
    ]);
    let wide = page.wide();
    page.item_of(2, (Tone::Quiet, "Seen"), 9, (Tone::Plain, &seen), if wide { 1 } else { 4 });
    page.item_of(
        2,
        (Tone::Quiet, "Fix"),
        9,
        (Tone::Plain, finding.remediation()),
        if tight && wide {
            1
        } else if wide {
            2
        } else {
            6
        },
    );
    if let Some(basis) = check.basis.first() {
        // Half a URL is of no use, and the whole one stands with the check below.
        let with_url = format!("{} ({})", basis.title, basis.url);
        let fits = columns(&with_url).saturating_add(9) <= page.style.width;
        let source = if fits { with_url } else { basis.title.to_owned() };
        page.item_of(2, (Tone::Quiet, "Source"), 9, (Tone::Quiet, &source), if wide { 1 } else { 3 });
    }
}

pub(super) fn status(status: Status) -> (&'static str, Tone) {
    match status {
        Status::Pass => ("PASS", Tone::Good),
        Status::Warn => ("WARN", Tone::Fair),
        Status::Fail => ("FAIL", Tone::Bad),
        Status::Info => ("INFO", Tone::Name),
        Status::NotApplicable => ("N/A", Tone::Quiet),
        Status::Inconclusive => ("OPEN", Tone::Quiet),
        Status::Error => ("BUG", Tone::Bad),
        Status::Skipped => ("SKIP", Tone::Quiet),
    }
}

fn harm(severity: Severity) -> Tone {
    match severity {
        Severity::Critical | Severity::High => Tone::Bad,
        Severity::Medium => Tone::Fair,
        Severity::Low | Severity::Info => Tone::Plain,
    }
}

/// Endpoints that are described and not scored: what was tried, what was found beside them, what next.
fn described(page: &mut Page, report: &Report) {
    if !report.tried.is_empty() {
        page.heading("What was tried");
        for tried in &report.tried {
            page.item(2, (Tone::Plain, &tried.what), if page.wide() { 38 } else { 6 }, &tried.outcome);
        }
    }
    found_beside(page, report);
    if let Some(next) = next(report) {
        page.blank();
        page.item(0, (Tone::Strong, "Next:"), 6, &next);
    }
}

fn gated(page: &mut Page, report: &Report) {
    page.blank();
    page.item(0, (Tone::Strong, "Gated:"), 7, gate(report));
    if let Some(url) = shell(&report.url) {
        page.verbatim(2, "", &format!("agentgauge scan --bearer-env TOKEN {url}"));
    }
    found_beside(page, report);
}

fn found_beside(page: &mut Page, report: &Report) {
    let found = &report.classification.found_at;
    if found.is_empty() {
        return;
    }
    page.heading("Found beside it");
    for found in found {
        page.item(2, (Tone::Plain, ""), 2, &found.what);
        if let Some(url) = shell(&found.url) {
            page.verbatim(4, "", &format!("agentgauge scan {url}"));
        }
    }
}
