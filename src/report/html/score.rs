//! The score as a dial, its dimensions as bars, and what holds it down.

use maud::{Markup, html};

use super::frame::n;
use super::words::{Section, t};
use crate::report::table::verdict;
use crate::report::{Report, standing};
use crate::score::{DimensionScore, whole};

/// The tone of a value, as a class; words and numbers say the same.
pub(super) fn tone(value: Option<f64>) -> &'static str {
    match value.map(whole) {
        Some(80..) => "good",
        Some(60..80) => "fair",
        Some(_) => "bad",
        None => "none",
    }
}

pub(super) fn score(report: &Report, place: Section<'_>) -> Markup {
    let score = &report.score;
    let capped = verdict::capped(report);
    html! {
        section class="score" aria-labelledby=[place.named_by("score")] {
            (place.heading(1, Some("score"), "Score"))
            div class="panel" {
                (gauge(report))
                div class="beside" {
                    @if score.dimensions.is_empty() {
                        p { (t(score.withheld.as_deref().unwrap_or("nothing could be judged"))) "." }
                    } @else {
                        (dimensions(report))
                    }
                    @for reason in &capped {
                        p class="note" { span class="word bad" { "Capped" } " " (t(reason)) }
                    }
                    @for (name, words) in standing::usable(report).into_iter().chain(standing::grade(report)) {
                        p class="note" { span class="word" { (name) } " " (t(&words)) }
                    }
                    @let clients = standing::clients(report);
                    @if !clients.is_empty() {
                        p class="note" { span class="word" { "Who can use it" } " from the findings alone:" }
                        ul class="clients" { @for line in &clients { li { (t(line)) } } }
                    }
                    @for reason in report.gate.reasons() {
                        p class="note" { span class="word bad" { "Gate failed" } " " (t(reason)) }
                    }
                    @if report.gate.asked > 0 && report.gate.passed() {
                        p class="note" { span class="word good" { "Gates passed" } }
                    }
                    @for note in &report.gate.notes {
                        p class="note" { (t(note)) }
                    }
                }
            }
        }
    }
}

/// Half a dial: the value, and how far it may still move once everything is known.
fn gauge(report: &Report) -> Markup {
    let score = &report.score;
    let (lower, upper) = (whole(score.lower), whole(score.upper));
    let grade = score.grade.as_ref().map_or_else(String::new, |grade| format!(", grade {}", t(grade)));
    let moves = lower != upper && !score.dimensions.is_empty();
    let between = format!("{lower} to {upper} once the rest is known");
    let words = match score.value {
        Some(value) => format!("Score {} of 100{grade}", whole(value)),
        None => "No score".to_owned(),
    };
    html! {
        div class=(format!("gauge {}", tone(score.value))) {
            svg viewBox="0 0 220 128" role="img" aria-label=(words) {
                path class="track" d=(arc(0.0, 100.0)) {}
                @if moves { path class="range" d=(arc(score.lower, score.upper)) {} }
                @if let Some(value) = score.value {
                    path class="value" d=(arc(0.0, value.max(0.5))) {}
                    text class="number" x="110" y="104" text-anchor="middle" { (whole(value)) }
                    text class="of" x="110" y="123" text-anchor="middle" {
                        "of 100" @if let Some(grade) = &score.grade { " · grade " (t(grade)) }
                    }
                } @else {
                    text class="number none" x="110" y="100" text-anchor="middle" { "no score" }
                }
            }
            @if let Some(points) = score.points() {
                p { (format!("{:.1} of {} points", crate::score::tenths(points), score.weight)) }
            }
            @if let (None, false, Some(why)) = (score.value, score.dimensions.is_empty(), &score.withheld) {
                p class="quiet" { (t(why)) }
            }
            @if moves { p class="quiet" { "Judged: " (t(&report.rows().words())) ". " (between) "." } }
        }
    }
}

/// A piece of the dial, percent to percent.
fn arc(from: f64, to: f64) -> String {
    let point = |percent: f64| {
        let angle = std::f64::consts::PI * (1.0 - percent.clamp(0.0, 100.0) / 100.0);
        (110.0 + 92.0 * angle.cos(), 108.0 - 92.0 * angle.sin())
    };
    let ((x1, y1), (x2, y2)) = (point(from), point(to));
    format!("M{} {}A92 92 0 0 1 {} {}", n(x1), n(y1), n(x2), n(y2))
}

fn dimensions(report: &Report) -> Markup {
    html! {
        table class="dimensions" {
            thead {
                tr {
                    th scope="col" { "Dimension" }
                    th scope="col" { "Value" }
                    th scope="col" { span class="hidden" { "As a bar" } }
                    th scope="col" { "May still be" }
                    th scope="col" { "Judged" }
                }
            }
            tbody {
                @for (dimension, of) in &report.score.dimensions {
                    tr class=(tone(of.value)) {
                        th scope="row" { (dimension) " " (dimension.title()) }
                        td class="number" { (of.value.map_or_else(|| "–".to_owned(), |value| whole(value).to_string())) }
                        td class="bar" { (bar(of)) }
                        td { @if whole(of.lower) != whole(of.upper) { (whole(of.lower)) " to " (whole(of.upper)) } @else { "settled" } }
                        td { (of.rows_judged) " of " (of.rows_apply) " checks, " (of.judged) " of " (of.applicable) " points" }
                    }
                }
                @for dimension in report.dropped() {
                    tr class="none" {
                        th scope="row" { (dimension) " " (dimension.title()) }
                        td class="number" { "–" }
                        td colspan="3" { "nothing of it applies to this endpoint, left out" }
                    }
                }
            }
        }
    }
}

fn bar(of: &DimensionScore) -> Markup {
    let value = of.value.unwrap_or(of.lower);
    html! {
        svg viewBox="0 0 200 12" preserveAspectRatio="none" aria-hidden="true" {
            rect class="track" width="200" height="12" {}
            rect class="range" x=(n(of.lower * 2.0)) width=(n((of.upper - of.lower).max(0.0) * 2.0)) height="12" {}
            rect class="value" y="2" width=(n(value * 2.0)) height="8" {}
        }
    }
}
