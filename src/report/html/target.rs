//! One target: what was found, the score, the timeline, the fixes, and how all that came about.

use maud::{Markup, html};

use super::drawing::{self, Flag};
use super::score::score;
use super::words::{Detail, Section, brief, prose, t};
use super::{exchanges, findings, threads};
use crate::facts::Kind;
use crate::report::doubts::doubts;
use crate::report::table::{advice, arithmetic, details, verdict};
use crate::report::text::shell;
use crate::report::timeline::{Bar, BarOutcome};
use crate::report::{Report, ReportFinding};
use crate::verdict::{Status, milliseconds};

/// A page about this target alone.
pub(super) fn page(report: &Report) -> Markup {
    let name = report.name();
    html! {
        header class="top" { (brand()) }
        main id="main" { (article(report, Section { prefix: "", level: 1, name: &name, detail: Detail::Full, exchanges: false })) }
        footer { p { (made(report)) } }
    }
}

pub(super) fn brand() -> Markup {
    html! {
        p class="brand" {
            svg class="logo" viewBox="0 0 24 24" aria-hidden="true" {
                path d="M1 14h5l2.5-9 4 15 3-10 1.6 4H23" {}
            }
            "agentgauge"
            span class="claim" { "Can an agent rely on it?" }
        }
    }
}

pub(super) fn made(report: &Report) -> String {
    let (tool, rubric) = (&report.tool, &report.rubric);
    format!(
        "{} {} with rubric {} {}. Text in quotes and excerpts was sent by the endpoint: it is data, not advice.",
        t(&tool.name),
        t(&tool.version),
        t(&rubric.id),
        t(&rubric.version)
    )
}

/// Most bytes of one target: with the frame of the page it stays below 300 KB.
const BUDGET: usize = 280_000;

/// Everything about a target; less where that would be too long.
pub(super) fn article(report: &Report, place: Section<'_>) -> Markup {
    let mut made = html! {};
    let exchanges = !report.timeline.bars.is_empty();
    for detail in Detail::ALL {
        made = told(report, Section { detail, exchanges, ..place });
        if made.0.len() <= BUDGET {
            break;
        }
    }
    made
}

fn told(report: &Report, place: Section<'_>) -> Markup {
    let order = findings::order(report);
    html! {
        article id=(place.id("report")) {
            (head(report, place))
            @if place.detail > Detail::Full {
                p class="doubt" { strong { "Shortened: " } "the JSON report of this run has everything." }
            }
            (score(report, place))
            (contents(report, place, !order.is_empty()))
            (timeline(report, place, &order))
            (described(report, place))
            (findings::fixes(report, place, &order))
            (findings::checks(report, place, &order))
            (findings::undecided(report, place))
            (sums(report, place))
            (measured(report, place))
        }
    }
}

fn head(report: &Report, place: Section<'_>) -> Markup {
    html! {
        div class="head" {
            (place.heading(0, None, &report.name()))
            @if report.label.is_some() { p class="url" { (t(&report.shown_url())) } }
            p class="found" {
                @for (index, part) in verdict::found(report).iter().enumerate() {
                    @if index > 0 { " · " }
                    span { (t(part)) }
                }
            }
            @for doubt in doubts(report) {
                p class="doubt" { strong { "Note: " } (t(&doubt.text)) }
            }
        }
    }
}

fn contents(report: &Report, place: Section<'_>, fixes: bool) -> Markup {
    let link = |id: &str, text: &str| html! { li { a href=(format!("#{}", place.id(id))) { (text) } } };
    html! {
        nav class="contents" aria-label=(format!("Parts of the report on {}", t(&report.name()))) {
            ul {
                @if !report.timeline.bars.is_empty() { (link("timeline", "Timeline")) }
                @if fixes { (link("fixes", "What to fix")) }
                (link("checks", "Every check"))
                (link("open", "What was not judged"))
                @if !report.score.dimensions.is_empty() { (link("arithmetic", "How the score is made")) }
                (link("measured", "Measured"))
            }
        }
    }
}

fn timeline(report: &Report, place: Section<'_>, order: &[&ReportFinding]) -> Markup {
    if report.timeline.bars.is_empty() {
        return html! {};
    }
    let flags: Vec<Flag> = order
        .iter()
        .enumerate()
        .filter_map(|(index, row)| {
            let evidence = row.finding.evidence.first()?;
            Some(Flag {
                exchange: evidence.exchange,
                number: index.saturating_add(1),
                check: row.finding.check.id,
                failed: row.finding.status == Status::Fail,
            })
        })
        .collect();
    html! {
        section class="time" aria-labelledby=[place.named_by("timeline")] {
            (place.heading(1, Some("timeline"), "The scan as it happened"))
            p { (story(report)) }
            figure {
                (drawing::draw(&report.timeline, &flags, place))
                (legend(report, &flags))
            }
            (threads::draw(&report.timeline, place))
            (exchanges::table(&report.timeline, place))
        }
    }
}

/// The timeline in sentences.
fn story(report: &Report) -> String {
    let bars = &report.timeline.bars;
    let mut connections: Vec<u32> = bars.iter().filter(|bar| bar.sent).map(|bar| bar.connection).collect();
    connections.sort_unstable();
    connections.dedup();
    let count = |count: usize, one: &str| match count {
        1 => format!("1 {one}"),
        _ => format!("{count} {one}s"),
    };
    let mut said = format!(
        "{}{} in {}.",
        super::lanes::requests(bars.iter()),
        match connections.len() {
            0 => String::new(),
            opened => format!(" over {}", count(opened, "connection")),
        },
        milliseconds(report.timeline.duration_us)
    );
    for bar in bars.iter().filter(|bar| bar.held()).take(3) {
        let watched = milliseconds(bar.ended_us.saturating_sub(bar.head_us.unwrap_or(bar.started_us)));
        let heard = bar.arrived();
        said.push_str(&match (heard.is_empty(), bar.silence) {
            (true, _) => {
                format!(" The stream of exchange {} was held for {watched}, and nothing came.", bar.exchange)
            }
            (false, Some(gap)) => format!(
                " The stream of exchange {} was held for {watched}: {heard}, and up to {} of silence.",
                bar.exchange,
                milliseconds(gap.us())
            ),
            (false, None) => {
                format!(" The stream of exchange {} was held for {watched}: {heard}.", bar.exchange)
            }
        });
    }
    if let Some(resume) = report.resume.as_ref().filter(|resume| resume.tries > 0) {
        let (tries, exact) = (resume.tries, resume.exact);
        let foreign = match resume.foreign {
            0 => String::new(),
            foreign => format!(", {foreign} events of other streams as well"),
        };
        said.push_str(&format!(
            " {} asked for the rest of a stream after a known event; {exact} of {tries} got exactly what was \
             missing{foreign}.",
            count(tries, "request")
        ));
    }
    said
}

fn legend(report: &Report, flags: &[Flag]) -> Markup {
    let bars = &report.timeline.bars;
    let any = |outcome: BarOutcome| bars.iter().any(|bar| bar.outcome() == outcome);
    let swatch = |class: &str| {
        html! { svg viewBox="0 0 22 12" aria-hidden="true" { g class=(class) { rect x="1" y="1.5" width="20" height="9" rx="1.5" {} } } }
    };
    html! {
        figcaption {
            ul class="legend" {
                @if any(BarOutcome::Served) { li { (swatch("served")) "served (2xx)" } }
                @if any(BarOutcome::Refused) { li { (swatch("refused")) "refused (3xx, 4xx)" } }
                @if any(BarOutcome::Broken) { li { (swatch("broken")) "server error or no answer" } }
                @if bars.iter().any(Bar::wrong) {
                    li { (swatch("served wrong")) "outline: wrong on purpose, a sound endpoint refuses most of these" }
                }
                @if bars.iter().any(Bar::held) {
                    li {
                        svg viewBox="0 0 34 16" aria-hidden="true" { path class="trace" d="M0 12h6l2 1 3-12 2 13 2-2h19" {} }
                        "stream: flat while silent, a beat for what arrives (tall: event, small: keep-alive)"
                    }
                }
                @if bars.iter().any(|bar| bar.resumes.is_some()) {
                    li {
                        svg viewBox="0 0 34 16" aria-hidden="true" { path class="again" d="M1 4C18 4 14 12 27 12" {} path class="arrow" d="M33 12l-6 -3.5v7z" {} }
                        "dropped after a known event, and taken up again there"
                    }
                }
                @if !flags.is_empty() {
                    li {
                        svg viewBox="0 0 16 16" aria-hidden="true" { g class="flag failed" { circle cx="8" cy="8" r="7.5" {} text x="8" y="11.4" text-anchor="middle" { "1" } } }
                        "shows this fix below"
                    }
                }
            }
        }
    }
}

/// Endpoints that are not scored: what was tried, what was found beside them, what next.
fn described(report: &Report, place: Section<'_>) -> Markup {
    let kind = report.classification.kind;
    let silent = advice::describes(report);
    let found = &report.classification.found_at;
    let gated = kind == Kind::AuthGated;
    if !silent && !gated && found.is_empty() {
        return html! {};
    }
    let scan = |options: &str, url: &str| {
        html! { @if let Some(url) = shell(url) { pre { "agentgauge scan " (options) (t(&url)) } } }
    };
    html! {
        section aria-labelledby=[place.named_by("next")] {
            (place.heading(1, Some("next"), "What next"))
            @if gated {
                p { strong { "Gated: " } (advice::gate(report)) }
                (scan("--bearer-env TOKEN ", &report.url))
            }
            @if let Some(next) = advice::next(report) { p class="next" { (t(&next)) } }
            @for found in found {
                p { "Found beside it: " (t(&found.what)) }
                (scan("", &found.url))
            }
            @if silent && !report.tried.is_empty() {
                table class="list" {
                    caption { "What was tried" }
                    thead { tr { th scope="col" { "Request" } th scope="col" { "Answer" } } }
                    tbody {
                        @for tried in &report.tried {
                            tr { th scope="row" { (brief(&tried.what)) } td { (brief(&tried.outcome)) } }
                        }
                    }
                }
            }
        }
    }
}

fn sums(report: &Report, place: Section<'_>) -> Markup {
    if report.score.dimensions.is_empty() {
        return html! {};
    }
    html! {
        section aria-labelledby=[place.named_by("arithmetic")] {
            (place.heading(1, Some("arithmetic"), "How the score is made"))
            p { (prose(&arithmetic::rule(report))) }
            dl class="rows" {
                @for (name, text) in arithmetic::lines(report) { div { dt { (name) } dd { (t(&text)) } } }
            }
        }
    }
}

fn measured(report: &Report, place: Section<'_>) -> Markup {
    let rows = details::measured(report);
    html! {
        section aria-labelledby=[place.named_by("measured")] {
            (place.heading(1, Some("measured"), "Measured, spent and stamped"))
            dl class="rows" {
                @for (name, text) in rows { div { dt { (name) } dd { (t(&text)) } } }
                div { dt { "Cost" } dd { (details::cost(report)) } }
                @for (name, text) in details::stamped(report) { div { dt { (name) } dd { (t(&text)) } } }
            }
            p class="quiet" { "Same tool, rubric and transcript: same score." }
        }
    }
}
