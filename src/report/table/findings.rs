//! What to mend, worst first.

use std::cmp::Reverse;

use super::gains;
use super::layout::{Page, Pieces, Tone, columns, lines_of};
use super::remedy::shortened;
use super::words::{harm, status};
use crate::baseline::Standing;
use crate::report::{Report, ReportFinding};
use crate::verdict::Status;

/// Lines that a finding may take where the terminal has 72 columns.
const MOST: usize = 6;
/// Where its text begins.
const HANG: usize = 5;

/// What warned or failed: the greatest harm first, what fails before what warns, then what gains most.
pub(super) fn worst_first(report: &Report) -> Vec<&ReportFinding> {
    let bad = |row: &&ReportFinding| matches!(row.finding.status, Status::Warn | Status::Fail);
    let mut rows: Vec<&ReportFinding> = report.findings.iter().filter(bad).collect();
    // Equals stay in the order of the registry.
    rows.sort_by(|a, b| {
        let harm = |row: &ReportFinding| (Reverse(row.finding.severity), row.finding.status != Status::Fail);
        let (left, right) = (harm(a), harm(b));
        left.cmp(&right).then(b.gain.total_cmp(&a.gain)).then(b.points.cmp(&a.points))
    });
    rows
}

/// Each in a few lines: what is wrong, what was seen, and the whole change.
pub(super) fn brief(page: &mut Page, report: &Report) {
    let rows = worst_first(report);
    heading(page, &rows);
    for row in rows {
        page.blank();
        head(page, report, row);
        let width = page.style.width.saturating_sub(HANG);
        // Narrow terminals take more lines for the same words.
        let most = if page.wide() { MOST } else { MOST.saturating_mul(72) / page.style.width.max(1) };
        let most = most.saturating_sub(1);
        let seen = row.finding.message.as_str();
        let remedy = shortened(row.finding.remediation(), width, most.saturating_sub(2));
        let told = lines_of(seen, width).min(most.saturating_sub(lines_of(&remedy, width)).max(1));
        page.item_pieces(0, (Tone::Plain, ""), HANG, &seen_at(row, seen, width, told).each(), told);
        // What the message left is for more of the remedy.
        let remedy = shortened(row.finding.remediation(), width, most.saturating_sub(told));
        page.item(0, (Tone::Name, "Fix"), HANG, &remedy);
    }
}

/// A message, and where it was seen if that fits into its lines.
struct Seen<'s> {
    message: &'s str,
    place: String,
}

impl Seen<'_> {
    fn each(&self) -> [(Tone, &str); 2] {
        [(Tone::Plain, self.message), (Tone::Quiet, &self.place)]
    }
}

fn seen_at<'s>(row: &ReportFinding, message: &'s str, width: usize, lines: usize) -> Seen<'s> {
    let place = row.finding.evidence.first().and_then(|evidence| {
        let whole = format!(" (exchange {}: {})", evidence.exchange, evidence.excerpt);
        let number = format!(" (exchange {})", evidence.exchange);
        [whole, number].into_iter().find(|place| lines_of(&format!("{message}{place}"), width) <= lines)
    });
    Seen { message, place: place.unwrap_or_default() }
}

/// Each with all that is known of it.
pub(super) fn full(page: &mut Page, report: &Report) {
    let rows = worst_first(report);
    heading(page, &rows);
    for row in rows {
        page.blank();
        head(page, report, row);
        let finding = &row.finding;
        page.item(0, (Tone::Plain, ""), HANG, &finding.message);
        for evidence in finding.evidence.iter().take(3) {
            let seen = format!("exchange {}, {}: {}", evidence.exchange, evidence.pointer, evidence.excerpt);
            page.item_of(0, (Tone::Quiet, "Seen"), HANG, (Tone::Quiet, &seen), 3);
        }
        page.item(0, (Tone::Name, "Fix"), HANG, finding.remediation());
        for basis in finding.check.basis.iter().take(2) {
            let whole = format!("{} ({})", basis.title, basis.url);
            if columns(&whole).saturating_add(HANG) <= page.style.width {
                page.item_of(0, (Tone::Quiet, "See"), HANG, (Tone::Quiet, &whole), 1);
            } else {
                // A URL stays in one piece, so that it can be opened.
                page.item_of(0, (Tone::Quiet, "See"), HANG, (Tone::Quiet, basis.title), usize::MAX);
                page.verbatim(HANG, "", basis.url);
            }
        }
        if let Some(command) = row.reproduce.iter().flatten().next() {
            page.verbatim(0, "Try  ", command);
        }
    }
}

fn heading(page: &mut Page, rows: &[&ReportFinding]) {
    match rows {
        [] => {}
        [_] => page.text(Tone::Strong, "One finding"),
        _ => page.text(Tone::Strong, &format!("{} findings, worst first", rows.len())),
    }
}

fn head(page: &mut Page, report: &Report, row: &ReportFinding) {
    let (word, tone) = status(row.finding.status);
    let harm_of = format!(" · {}", row.finding.severity.as_str());
    let gain = gains::gain(report, row);
    let listed = match report.gate.standings.get(row.finding.check.id) {
        Some(Standing::Known) => " · in the baseline",
        Some(Standing::Accepted) => " · accepted in the baseline",
        Some(Standing::Worse) => " · worse than in the baseline",
        Some(Standing::New) => " · not in the baseline",
        Some(Standing::Unstable) | None => "",
    };
    let pieces: &Pieces<'_> = &[
        (tone, word),
        (Tone::Strong, &format!(" {}", row.finding.check.id)),
        (harm(row.finding.severity), &harm_of),
        (Tone::Plain, &gain),
        (Tone::Quiet, listed),
        (Tone::Quiet, row.remark()),
    ];
    page.pieces(0, HANG, pieces);
}
