//! Several targets: a line each, worst first, what they have in common, and the verdict of the run.

use std::collections::BTreeSet;

use super::findings::worst_first;
use super::layout::{Detail, Page, Style, Tone, columns, fit, fit_end};
use super::verdict::found;
use super::words::{self, counted};
use crate::exit::Exit;
use crate::protocol::host;
use crate::report::doubts::doubts;
use crate::report::text::sanitise;
use crate::report::{NEVER_ASKED, Report};
use crate::score::whole;
use crate::verdict::{Severity, Status};

/// Draws a run over several targets; `each` draws one of them where more is to be told.
pub(super) fn draw(
    page: &mut Page,
    reports: &[Report],
    missing: &[String],
    each: &dyn Fn(&mut Page, &Report),
) {
    let inside = match page.style.detail {
        Detail::Verdict | Detail::Findings => None,
        Detail::Passes => Some(Detail::Findings),
        Detail::Everything => Some(Detail::Passes),
    };
    for report in reports.iter().filter(|_| inside.is_some()) {
        let mut drawn = Page::new(page.style.telling(inside.unwrap_or_default()));
        each(&mut drawn, report);
        page.append(drawn);
        page.blank();
        // Where nothing is wrapped, no line is as wide as the page.
        let rule = if page.style.width == Style::UNLIMITED { 80 } else { page.style.width };
        page.text(Tone::Quiet, &"─".repeat(rule));
        page.blank();
    }
    let sorted = worst(reports);
    if page.style.detail != Detail::Verdict && !reports.is_empty() {
        table(page, &sorted);
    }
    page.blank();
    absent(page, missing);
    verdict(page, &sorted);
}

/// The lowest score first, then what has none: of those nothing can be said.
fn worst(reports: &[Report]) -> Vec<&Report> {
    let mut sorted: Vec<&Report> = reports.iter().collect();
    sorted.sort_by(|a, b| {
        let unscored = |report: &Report| report.score.value.is_none();
        let value = |report: &Report| report.score.value.unwrap_or_default();
        let (left, right) = (unscored(a), unscored(b));
        left.cmp(&right).then(value(a).total_cmp(&value(b))).then(harm(b).cmp(&harm(a)))
    });
    sorted
}

/// The greatest harm that was found.
fn harm(report: &Report) -> Option<Severity> {
    worst_first(report).first().map(|row| row.finding.severity)
}

fn count(report: &Report, wanted: Status) -> usize {
    report.findings.iter().filter(|row| row.finding.status == wanted).count()
}

fn table(page: &mut Page, reports: &[&Report]) {
    let gated = reports.iter().any(|report| report.gate.asked > 0);
    let gate = |word: &str| if gated { format!("{word:<7} ") } else { String::new() };
    let names = names(reports);
    let widest = names.iter().map(|name| columns(name)).max().unwrap_or(0).max(6);
    let start = format!("{:<8}{:>6}  {:>4}  {}", "score", "fail", "warn", gate("gate"));
    let room = page.style.width.saturating_sub(columns(&start)).saturating_sub(2);
    let findings: Vec<(String, Tone)> = reports.iter().map(|report| worst_words(report)).collect();
    let longest = findings.iter().map(|(text, _)| columns(&sanitise(text))).max().unwrap_or(0);
    // Both whole where there is room for both, else half of it each.
    let widest = widest.min(room.saturating_sub(longest).max(room / 2)).max(6);
    let heading = format!("{start}{:<widest$}  worst finding", "target");
    page.text(Tone::Quiet, heading.trim_end());
    for ((report, name), (worst, harm)) in reports.iter().zip(&names).zip(&findings) {
        let grade = report.score.grade.as_deref().unwrap_or("");
        let value = report.score.value;
        let score = value.map_or_else(|| "–".to_owned(), |value| whole(value).to_string());
        let tone = value.map_or(Tone::Quiet, words::value);
        let counts = match value {
            None if count(report, Status::Pass) == 0 => format!("{:>6}  {:>4}  ", "–", "–"),
            _ => format!("{:>6}  {:>4}  ", count(report, Status::Fail), count(report, Status::Warn)),
        };
        let (passed, gate_tone) = gate_word(report);
        let gap = widest.saturating_sub(columns(&middle(name, widest)));
        let target = format!("{}{:gap$}  ", middle(name, widest), "");
        let worst = start_of(worst, room.saturating_sub(widest).max(8));
        page.pieces(
            0,
            2,
            &[
                (tone, &format!("{score:>5} {grade:<2}")),
                (Tone::Plain, &counts),
                (gate_tone, &gate(passed)),
                (Tone::Strong, &target),
                (*harm, &worst),
            ],
        );
    }
    common(page, reports);
}

/// What the gates said of a target, in a word.
fn gate_word(report: &Report) -> (&'static str, Tone) {
    match report.exit {
        _ if report.gate.asked == 0 => ("–", Tone::Quiet),
        Exit::GateFailed => ("failed", Tone::Bad),
        Exit::Ok => ("passed", Tone::Good),
        _ => ("open", Tone::Fair),
    }
}

/// The worst finding; or what was found, where there is none.
fn worst_words(report: &Report) -> (String, Tone) {
    let grave: Vec<&str> = doubts(report).iter().filter(|doubt| doubt.grave).map(|doubt| doubt.id).collect();
    let doubt = if grave.is_empty() { String::new() } else { format!(" [{}]", grave.join(", ")) };
    match worst_first(report).first() {
        Some(row) => {
            let severity = row.finding.severity;
            (format!("{:<8} {}{doubt}", severity.as_str(), row.finding.check.id), words::harm(severity))
        }
        None if report.score.value.is_some() => (format!("none in what was judged{doubt}"), Tone::Plain),
        None => {
            let found = found(report).into_iter().next().unwrap_or_default();
            (format!("not scored: {found}{doubt}"), Tone::Quiet)
        }
    }
}

/// Labels, else addresses; without http:// and https:// where that leaves no two alike.
fn names(reports: &[&Report]) -> Vec<String> {
    let shown: Vec<String> = reports.iter().map(|report| sanitise(&report.name())).collect();
    let bare = |name: &String| {
        let rest = ["https://", "http://"].iter().find_map(|scheme| name.strip_prefix(scheme));
        rest.unwrap_or(name).to_owned()
    };
    let short: Vec<String> = shown.iter().map(bare).collect();
    let different = |names: &[String]| names.iter().collect::<BTreeSet<_>>().len();
    if different(&short) == different(&shown) { short } else { shown }
}

/// Both ends of a text, where all of it has no room.
fn middle(text: &str, room: usize) -> String {
    if columns(text) <= room {
        return text.to_owned();
    }
    let end = fit_end(text, room.saturating_sub(1) / 2);
    let start = fit(text, room.saturating_sub(1).saturating_sub(columns(end)));
    format!("{start}…{end}")
}

/// Its start, where all of it has no room.
fn start_of(text: &str, room: usize) -> String {
    let text = sanitise(text);
    if columns(&text) <= room { text } else { format!("{}…", fit(&text, room.saturating_sub(1))) }
}

/// The checks that fail at more than half of the targets.
fn common(page: &mut Page, reports: &[&Report]) {
    const MOST: usize = 4;
    let mut failing: Vec<(&str, Severity, usize)> = Vec::new();
    for row in reports.iter().flat_map(|report| &report.findings) {
        let finding = &row.finding;
        if finding.status != Status::Fail {
            continue;
        }
        match failing.iter_mut().find(|(id, ..)| *id == finding.check.id) {
            Some((_, severity, count)) => {
                *severity = (*severity).max(finding.severity);
                *count = count.saturating_add(1);
            }
            None => failing.push((finding.check.id, finding.severity, 1)),
        }
    }
    failing.retain(|(.., count)| count.saturating_mul(2) > reports.len() && *count > 1);
    failing.sort_by(|(_, harm_a, a), (_, harm_b, b)| harm_b.cmp(harm_a).then(b.cmp(a)));
    if failing.is_empty() {
        return;
    }
    let each = failing.iter().take(MOST).map(|(id, _, count)| format!("{id} at {count}"));
    let mut said = each.collect::<Vec<_>>().join(", ");
    if let Some(more @ 1..) = failing.len().checked_sub(MOST) {
        said.push_str(&format!(", and {more} more checks"));
    }
    page.blank();
    let text = format!("these fail at more than half of {} targets: {said}", reports.len());
    page.item(0, (Tone::Strong, "In common:"), 11, &text);
}

fn absent(page: &mut Page, missing: &[String]) {
    const MOST: usize = 10;
    if missing.is_empty() {
        return;
    }
    page.text(Tone::Strong, &format!("Missing ({}): expected, and there is no report", missing.len()));
    let most = if page.style.detail > Detail::Findings { usize::MAX } else { MOST };
    for url in missing.iter().take(most) {
        page.text(Tone::Fair, &host::shown(url));
    }
    if let Some(more @ 1..) = missing.len().checked_sub(most) {
        page.text(Tone::Fair, &format!("and {more} more (-v)"));
    }
    page.blank();
}

fn verdict(page: &mut Page, reports: &[&Report]) {
    page.text(Tone::Strong, &scores(reports));
    let harms = harms(reports);
    if !harms.is_empty() {
        page.pieces(0, 2, &[(Tone::Plain, &format!("Worst finding: {harms}"))]);
    }
    if reports.iter().any(|report| report.gate.asked > 0) {
        let of = |word: &str| reports.iter().filter(|report| gate_word(report).0 == word).count();
        let counts = ["failed", "open", "passed"].map(|word| (of(word), word));
        let said =
            counts.iter().filter(|(count, _)| *count > 0).map(|(count, word)| format!("{count} {word}"));
        let tone = if of("failed") > 0 { Tone::Bad } else { Tone::Plain };
        page.pieces(
            0,
            2,
            &[(tone, "Gates:"), (Tone::Plain, &format!(" {}", said.collect::<Vec<_>>().join(", ")))],
        );
    }
    let statuses = reports.iter().flat_map(|report| &report.findings).map(|row| row.finding.status);
    let counts = counted(statuses);
    if !counts.is_empty() {
        let never = format!(" · never asked: {}", NEVER_ASKED.join(", "));
        page.pieces(0, 2, &[(Tone::Plain, &format!("In all: {counts}")), (Tone::Quiet, &never)]);
    }
    let mut next = Vec::new();
    let worst = reports.iter().find_map(|report| worst_first(report).into_iter().next());
    next.extend(
        worst.map(|row| format!("`agentgauge explain {}` tells why it matters", row.finding.check.id)),
    );
    if page.style.detail <= Detail::Findings && !reports.is_empty() {
        next.push("-v shows what to mend at each target".to_owned());
    }
    if !next.is_empty() {
        page.item(0, (Tone::Strong, "Next:"), 6, &next.join("; "));
    }
}

/// How many targets there are, and their scores from the lowest to the highest.
fn scores(reports: &[&Report]) -> String {
    let targets =
        if reports.len() == 1 { "1 target".to_owned() } else { format!("{} targets", reports.len()) };
    // They come sorted.
    let values: Vec<f64> = reports.iter().filter_map(|report| report.score.value).collect();
    let without = reports.len().saturating_sub(values.len());
    let (Some(lowest), Some(highest)) = (values.first(), values.last()) else {
        return format!("{targets}, none with a score");
    };
    let median = values.get(values.len().saturating_sub(1) / 2).unwrap_or(lowest);
    let scored = match values.len() {
        count if whole(*lowest) == whole(*highest) => format!("{count} scored {}", whole(*lowest)),
        2 => format!("2 scored {} and {}", whole(*lowest), whole(*highest)),
        count => format!(
            "{count} scored {} to {}, half of them {} or less",
            whole(*lowest),
            whole(*highest),
            whole(*median)
        ),
    };
    let without = if without > 0 { format!("; {without} without a score") } else { String::new() };
    format!("{targets}: {scored}{without}")
}

/// How many targets have which harm as their worst.
fn harms(reports: &[&Report]) -> String {
    let of = |wanted: Option<Severity>| reports.iter().filter(|report| harm(report) == wanted).count();
    let all = [Severity::Critical, Severity::High, Severity::Medium, Severity::Low, Severity::Info];
    let mut said: Vec<String> = all
        .into_iter()
        .map(|severity| (of(Some(severity)), severity))
        .filter(|(count, _)| *count > 0)
        .map(|(count, severity)| format!("{} at {count}", severity.as_str()))
        .collect();
    if of(None) > 0 {
        said.push(format!("none seen at {}", of(None)));
    }
    said.join(", ")
}
