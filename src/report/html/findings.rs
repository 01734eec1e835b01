//! What to fix, every check, and what was not judged.

use std::cmp::Reverse;

use maud::{Markup, html};

use super::words::{Detail, Section, brief, prose, t};
use crate::check::Check;
use crate::checks::AREAS;
use crate::report::table::{details, gains};
use crate::report::{Report, ReportFinding, catalogue};
use crate::verdict::{Severity, Status};

/// Warnings and failures, what gains most first: the order of the terminal report, and then the rest.
pub(super) fn order(report: &Report) -> Vec<&ReportFinding> {
    let mut rest: Vec<(usize, &ReportFinding)> = report
        .findings
        .iter()
        .enumerate()
        .filter(|(index, row)| wanting(row) && !report.fixes.contains(index))
        .collect();
    rest.sort_by(|(left, a), (right, b)| {
        (b.gain.total_cmp(&a.gain))
            .then(Reverse(a.finding.severity).cmp(&Reverse(b.finding.severity)))
            .then(b.points.cmp(&a.points))
            .then(left.cmp(right))
    });
    let first = report.fixes.iter().filter_map(|index| report.findings.get(*index));
    first.chain(rest.into_iter().map(|(_, row)| row)).collect()
}

fn wanting(row: &ReportFinding) -> bool {
    matches!(row.finding.status, Status::Warn | Status::Fail)
}

/// A status as sign and word.
fn status(status: Status) -> Markup {
    let (sign, word, class) = match status {
        Status::Pass => ("✓", "Passed", "good"),
        Status::Warn => ("!", "Warned", "fair"),
        Status::Fail => ("✕", "Failed", "bad"),
        Status::Info => ("i", "Noted", "name"),
        Status::NotApplicable => ("–", "Does not apply", "none"),
        Status::Inconclusive => ("?", "Open", "none"),
        Status::Skipped => ("–", "Skipped", "none"),
        Status::Error => ("✕", "Bug of agentgauge", "bad"),
    };
    html! { span class=(format!("word {class}")) { span aria-hidden="true" { (sign) " " } (word) } }
}

fn harm(severity: Severity) -> Markup {
    html! { span class=(format!("harm {}", severity.as_str())) { (severity.as_str()) " harm" } }
}

pub(super) fn fixes(report: &Report, place: Section<'_>, order: &[&ReportFinding]) -> Markup {
    if order.is_empty() {
        let passed = report.findings.iter().any(|row| row.finding.status == Status::Pass);
        return html! {
            @if passed && report.score.value.is_some() {
                p class="sound" { strong { "Nothing to fix: " } "every check that could be judged passed." }
            }
        };
    }
    html! {
        section aria-labelledby=[place.named_by("fixes")] {
            (place.heading(1, Some("fixes"), "What to fix, greatest gain first"))
            @if let Some(gain) = gains::together(report) { p { "The first " (gain) "." } }
            ol class="fixes" {
                @for row in order { (fix(report, place, row)) }
            }
        }
    }
}

fn fix(report: &Report, place: Section<'_>, row: &ReportFinding) -> Markup {
    let (finding, check) = (&row.finding, row.finding.check);
    let gain = gains::gain(report, row);
    html! {
        li class=(if finding.status == Status::Fail { "failed" } else { "warned" }) {
            p class="line" {
                (status(finding.status)) " "
                a class="id" href=(format!("#{}", place.id(check.id))) { (check.id) } " "
                (harm(finding.severity))
                @if !gain.is_empty() { span class=(if row.gain > 0.0 { "gain" } else { "gain quiet" }) { (gain) } }
            }
            p class="seen" { (prose(&place.detail.text(&finding.message))) }
            @if place.detail < Detail::Bare {
                p class="change" { strong { "Change: " } (prose(finding.remediation())) }
            }
        }
    }
}

/// Every check by area; what did not pass is open.
pub(super) fn checks(report: &Report, place: Section<'_>, order: &[&ReportFinding]) -> Markup {
    let count = |status: Status| report.findings.iter().filter(|row| row.finding.status == status).count();
    let totals = [
        (Status::Pass, "passed"),
        (Status::Warn, "warned"),
        (Status::Fail, "failed"),
        (Status::Info, "noted"),
        (Status::Inconclusive, "open"),
        (Status::Skipped, "skipped"),
        (Status::Error, "crashed"),
        (Status::NotApplicable, "do not apply"),
    ];
    let totals: Vec<String> = totals
        .into_iter()
        .filter(|(status, _)| count(*status) > 0)
        .map(|(status, word)| format!("{} {word}", count(status)))
        .collect();
    let known = |name: &str| AREAS.iter().any(|area| area.name == name);
    html! {
        section aria-labelledby=[place.named_by("checks")] {
            (place.heading(1, Some("checks"), "Every check"))
            p { (totals.join(", ")) "." }
            @for area in AREAS {
                @let rows: Vec<&ReportFinding> =
                    report.findings.iter().filter(|row| row.area == area.name).collect();
                @if !rows.is_empty() {
                    (place.heading(2, None, area.title))
                    @for row in rows { (check(place, row, order)) }
                }
            }
            // A finding whose check is not registered: only made by hand.
            @for row in report.findings.iter().filter(|row| !known(row.area)) { (check(place, row, order)) }
        }
    }
}

fn check(place: Section<'_>, row: &ReportFinding, order: &[&ReportFinding]) -> Markup {
    let (finding, check) = (&row.finding, row.finding.check);
    let number = order.iter().position(|other| other.finding.check.id == check.id);
    let class = match finding.status {
        _ if wanting(row) => "check wanting",
        Status::NotApplicable | Status::Skipped => "check aside",
        _ => "check",
    };
    let points = row.points.map_or_else(
        || "not scored".to_owned(),
        |points| if points == 1 { "1 point".to_owned() } else { format!("{points} points") },
    );
    html! {
        details class=(class) id=(place.id(check.id)) open[wanting(row)] {
            summary {
                (status(finding.status)) " "
                span class="id" { (check.id) }
                @if let Some(index) = number { span class="fixno" { "fix " (index.saturating_add(1)) } }
                span class="message" { (prose(&place.detail.text(&finding.message))) }
            }
            div class="inside" {
                p class="meta" {
                    (check.dimension) " " (check.dimension.title()) " · " (points) " · "
                    (finding.severity.as_str()) " harm · " (check.level.as_str())
                    @if let Some(cause) = finding.cause { " · cause: " (cause) }
                    @if finding.unstable { " · a repetition may turn out differently" }
                }
                p { strong { "Asked: " } (prose(check.title)) "." }
                @if wanting(row) || place.detail == Detail::Full {
                    p class="why" { strong { "Why: " } (prose(check.rationale)) }
                }
                @if wanting(row) {
                    p class="change" { strong { "Change: " } (prose(finding.remediation())) }
                }
                @if !finding.evidence.is_empty() { (evidence(place, row)) }
                @if !check.basis.is_empty() {
                    p class="sources" {
                        strong { "Written: " }
                        @for (index, basis) in check.basis.iter().enumerate() {
                            @if index > 0 { "; " }
                            (source(basis.title, basis.url))
                        }
                    }
                }
                p class="sources" { strong { "More: " } (page(check)) }
            }
        }
    }
}

/// Where everything about a check is written: a link, where the package names its repository.
fn page(check: &Check) -> Markup {
    let anchor = catalogue::anchor(check);
    html! {
        @match catalogue::link(check) {
            Some(link) => { (source(&anchor, &link)) },
            None => { code { (anchor) } },
        }
        " or " code { "agentgauge explain " (check.id) }
    }
}

/// A link to a source of ours; anything but a web address stays text.
fn source(title: &str, url: &str) -> Markup {
    html! {
        @if url.starts_with("https://") { a href=(url) rel="noreferrer" { (title) } } @else { (title) " " (t(url)) }
    }
}

fn evidence(place: Section<'_>, row: &ReportFinding) -> Markup {
    let commands: Vec<&str> = {
        let mut seen: Vec<&str> = Vec::new();
        for command in row.reproduce.iter().flatten() {
            if !seen.contains(&command.as_str()) {
                seen.push(command);
            }
        }
        // One command shows a pass; a fault may need its twin as well.
        seen.truncate(match (place.detail, wanting(row)) {
            (Detail::Full, true) => 3,
            (Detail::Full, false) | (Detail::Lean, true) => 1,
            _ => 0,
        });
        seen
    };
    let pieces = match place.detail {
        Detail::Full => 20,
        Detail::Lean => 3,
        Detail::Bare => 1,
    };
    html! {
        p { strong { "Seen:" } }
        ul class="evidence" {
            @for evidence in row.finding.evidence.iter().take(pieces) {
                li {
                    @if place.lists(evidence.exchange) {
                        a href=(format!("#{}", place.id(&format!("e{}", evidence.exchange)))) { "exchange " (evidence.exchange) }
                    } @else {
                        "exchange " (evidence.exchange)
                    }
                    ", " (brief(&evidence.pointer)) ": "
                    q { (place.detail.text(&evidence.excerpt)) }
                }
            }
        }
        @if !commands.is_empty() { p { strong { "Try it:" } } }
        @for command in commands { pre { (t(command)) } }
    }
}

/// What was not decided, by reason.
pub(super) fn undecided(report: &Report, place: Section<'_>) -> Markup {
    let open = details::grouped(report, &|status| matches!(status, Status::Inconclusive | Status::Error));
    let left_out = details::grouped(report, &|status| status == Status::Skipped);
    let apart = details::grouped(report, &|status| status == Status::NotApplicable);
    let groups = |groups: Vec<(&str, Vec<&ReportFinding>)>| {
        html! {
            dl class="reasons" {
                @for (reason, rows) in groups {
                    dt { (prose(&place.detail.text(reason))) }
                    dd {
                        @for (index, row) in rows.iter().enumerate() {
                            @let id = row.finding.check.id;
                            @if index > 0 { ", " }
                            a href=(format!("#{}", place.id(id))) { (id) }
                        }
                    }
                }
            }
        }
    };
    html! {
        section aria-labelledby=[place.named_by("open")] {
            (place.heading(1, Some("open"), "What was not judged, and why"))
            @if open.is_empty() && left_out.is_empty() && apart.is_empty() { p { "Every check was judged." } }
            @if !open.is_empty() {
                (place.heading(2, None, "Could not be seen"))
                p class="quiet" { "Lowers the coverage, not the score." }
                (groups(open))
            }
            @if !left_out.is_empty() {
                (place.heading(2, None, "Skipped"))
                p class="quiet" { "Lowers the coverage, never counts as passed." }
                (groups(left_out))
            }
            @if !apart.is_empty() {
                (place.heading(2, None, "Does not apply here"))
                p class="quiet" { "Does not count." }
                (groups(apart))
            }
        }
    }
}
