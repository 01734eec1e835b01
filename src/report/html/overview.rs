//! Several targets: the run at a glance, and then each of them.

use std::collections::BTreeMap;

use maud::{Markup, html};

use super::frame::n;
use super::score::tone;
use super::target::{article, brand, made};
use super::words::{Detail, Section, brief, t};
use crate::facts::Kind;
use crate::protocol::host;
use crate::report::Report;
use crate::report::doubts::doubts;
use crate::report::table::verdict;
use crate::score::whole;
use crate::verdict::{Dimension, Status};

/// Most targets that are told in full: with more, nobody reads the page and no browser likes it.
pub(in crate::report) const MOST_IN_FULL: usize = 25;
/// Most rows of the list of common findings.
const MOST_COMMON: usize = 12;

pub(super) fn page(reports: &[&Report], missing: &[String]) -> Markup {
    let in_full = reports.len() <= MOST_IN_FULL;
    let prefixes: Vec<String> =
        (0..reports.len()).map(|index| format!("t{}-", index.saturating_add(1))).collect();
    html! {
        header class="top" { (brand()) }
        main id="main" {
            div class="head" {
                h1 { (reports.len()) " endpoints" }
                p class="found" { (summary(reports)) }
            }
            @if !reports.is_empty() {
                section aria-labelledby="distribution" {
                    h2 id="distribution" { "Scores" }
                    (distribution(reports))
                }
                section aria-labelledby="targets" {
                    h2 id="targets" { "Endpoints" }
                    (list(reports, &prefixes, in_full))
                }
                @if !missing.is_empty() {
                    section aria-labelledby="missing" {
                        h2 id="missing" { "Missing" }
                        p { "Expected, and there is no report:" }
                        ul { @for url in missing { li { (t(&host::shown(url))) } } }
                    }
                }
                (common(reports))
            }
            @if in_full {
                @for (report, prefix) in reports.iter().zip(&prefixes) {
                    (article(report, Section { prefix, level: 2, name: &report.name(), detail: Detail::Full, exchanges: false }))
                }
            } @else {
                p class="quiet" { "More than " (MOST_IN_FULL) " endpoints are listed only. Their details: the JSON report of this run, "
                    "or a page for each of them." }
            }
        }
        footer { @if let Some(report) = reports.first() { p { (made(report)) } } }
    }
}

fn summary(reports: &[&Report]) -> String {
    let scored = reports.iter().filter(|report| report.score.value.is_some()).count();
    let nothing = |report: &&&Report| matches!(report.classification.kind, Kind::None | Kind::Unreachable);
    let nothing = reports.iter().filter(nothing).count();
    let withheld = reports.len().saturating_sub(scored).saturating_sub(nothing);
    let failed = reports.iter().filter(|report| !report.gate.passed()).count();
    let parts = [
        (scored, "scored"),
        (withheld, "without a score"),
        (nothing, "with nothing to judge"),
        (failed, "failed a gate"),
    ];
    let parts: Vec<String> = parts
        .into_iter()
        .filter(|(count, _)| *count > 0)
        .map(|(count, what)| format!("{count} {what}"))
        .collect();
    parts.join(" · ")
}

/// How many targets have a score in each ten points.
fn distribution(reports: &[&Report]) -> Markup {
    let mut bins = [0_usize; 10];
    for value in reports.iter().filter_map(|report| report.score.value) {
        let index = usize::try_from(whole(value) / 10).unwrap_or(0).min(9);
        if let Some(bin) = bins.get_mut(index) {
            *bin = bin.saturating_add(1);
        }
    }
    let without = reports.iter().filter(|report| report.score.value.is_none()).count();
    let most = bins.iter().copied().chain([without, 1]).max().unwrap_or(1);
    let mut bars: Vec<(String, usize, &str)> = bins
        .iter()
        .enumerate()
        .map(|(index, count)| {
            let from = index.saturating_mul(10);
            let to = if index == 9 { 100 } else { from.saturating_add(9) };
            (format!("{from}–{to}"), *count, tone(Some(from as f64)))
        })
        .collect();
    bars.push(("no score".to_owned(), without, "none"));
    let words: Vec<String> = bars
        .iter()
        .filter(|(_, count, _)| *count > 0)
        .map(|(name, count, _)| format!("{name}: {count}"))
        .collect();
    html! {
        figure class="distribution" {
            svg viewBox="0 0 660 150" role="img" aria-label=(format!("Targets by score. {}", words.join(", "))) {
                @for (index, (name, count, tone)) in bars.iter().enumerate() {
                    @let (x, height) = (index as f64 * 60.0 + 4.0, 100.0 * *count as f64 / most as f64);
                    g class=(tone) {
                        rect class=(if *count > 0 { "value" } else { "track" }) x=(n(x)) y=(n(122.0 - height.max(1.0))) width="52" height=(n(height.max(1.0))) {}
                        @if *count > 0 { text class="name" x=(n(x + 26.0)) y=(n(116.0 - height)) text-anchor="middle" { (count) } }
                        text class="scale" x=(n(x + 26.0)) y="140" text-anchor="middle" { (name) }
                    }
                }
            }
        }
    }
}

fn list(reports: &[&Report], prefixes: &[String], in_full: bool) -> Markup {
    let value = |value: Option<f64>| value.map_or_else(|| "–".to_owned(), |value| whole(value).to_string());
    html! {
        div class="scroll" tabindex="0" role="region" aria-label="List of endpoints" {
            table class="list" {
                thead {
                    tr {
                        th scope="col" { "Endpoint" }
                        th scope="col" { "Score" }
                        th scope="col" { "Grade" }
                        @for dimension in Dimension::ALL { th scope="col" { (dimension) " " (dimension.title()) } }
                        th scope="col" { "What it is" }
                        th scope="col" { "Fix first" }
                    }
                }
                tbody {
                    @for (report, prefix) in reports.iter().zip(prefixes) {
                        @let first = report.fixes.first().and_then(|index| report.findings.get(*index));
                        tr class=(tone(report.score.value)) {
                            th scope="row" {
                                @if in_full { a href=(format!("#{prefix}report")) { (t(&report.name())) } } @else { (t(&report.name())) }
                            }
                            td class="number strong" { (value(report.score.value)) }
                            td { (t(report.score.grade.as_deref().unwrap_or("–"))) }
                            @for dimension in Dimension::ALL {
                                td class="number" { (value(report.score.dimensions.get(&dimension).and_then(|of| of.value))) }
                            }
                            td {
                                @if let Some(kind) = verdict::found(report).first() { (brief(kind)) }
                                // What a row alone would hide: it may be all that is shown of a target.
                                @if let Some(why) = report.unjudged() { " · " (brief(&why)) }
                                @for reason in report.gate.failed.iter().take(3) { " · gate: " (brief(reason)) }
                                @for doubt in doubts(report) { " · " strong { "Note: " } (brief(&doubt.text)) }
                            }
                            td {
                                @if let Some(row) = first {
                                    @if in_full { a href=(format!("#{prefix}{}", row.finding.check.id)) { (row.finding.check.id) } }
                                    @else { (row.finding.check.id) }
                                } @else { "–" }
                            }
                        }
                    }
                }
            }
        }
    }
}

/// The checks that most targets fall short of.
fn common(reports: &[&Report]) -> Markup {
    let mut counts: BTreeMap<&'static str, (usize, usize)> = BTreeMap::new();
    for row in reports.iter().flat_map(|report| &report.findings) {
        let count = counts.entry(row.finding.check.id).or_default();
        match row.finding.status {
            Status::Fail => count.0 = count.0.saturating_add(1),
            Status::Warn => count.1 = count.1.saturating_add(1),
            _ => {}
        }
    }
    let mut rows: Vec<(&str, (usize, usize))> =
        counts.into_iter().filter(|(_, (failed, warned))| failed.saturating_add(*warned) > 1).collect();
    rows.sort_by_key(|(id, (failed, warned))| {
        (std::cmp::Reverse((failed.saturating_add(*warned), *failed)), *id)
    });
    rows.truncate(MOST_COMMON);
    if rows.is_empty() {
        return html! {};
    }
    html! {
        section aria-labelledby="common" {
            h2 id="common" { "What they have in common" }
            table class="list" {
                thead { tr { th scope="col" { "Check" } th scope="col" { "Passes when" } th scope="col" { "Failed" } th scope="col" { "Warned" } } }
                tbody {
                    @for (id, (failed, warned)) in rows {
                        tr { th scope="row" { (id) } td { (crate::checks::by_id(id).map_or("", |check| check.title)) } td class="number" { (failed) } td class="number" { (warned) } }
                    }
                }
            }
        }
    }
}
