//! The timeline in words: every exchange as a row of a table.

use maud::{Markup, html};

use super::words::{Section, brief, t};
use crate::report::conversations::words;
use crate::report::table::details::bytes;
use crate::report::timeline::{Bar, Timeline};
use crate::verdict::milliseconds;

pub(super) fn table(timeline: &Timeline, place: Section<'_>) -> Markup {
    html! {
        details class="exchanges" {
            summary {
                @match timeline.bars.len() {
                    all if all > place.detail.exchanges() => { "The first " (place.detail.exchanges()) " of " (all) " exchanges in words" },
                    all => { "Every exchange in words (" (all) ")" },
                }
            }
            div class="scroll" tabindex="0" role="region" aria-label=(format!("Every exchange of {}", t(place.name))) {
                table class="list" {
                    thead {
                        tr {
                            th scope="col" { "No." }
                            th scope="col" { "Sent at" }
                            th scope="col" { "Conversation" }
                            th scope="col" { "Request" }
                            th scope="col" { "Connection" }
                            th scope="col" { "Answer" }
                            th scope="col" { "Took" }
                            th scope="col" { "Came" }
                        }
                    }
                    tbody { @for bar in timeline.bars.iter().filter(|bar| place.lists(bar.exchange)) { (row(bar, place)) } }
                }
            }
        }
    }
}

fn row(bar: &Bar, place: Section<'_>) -> Markup {
    let arrived = bar.arrived();
    html! {
        tr id=(place.id(&format!("e{}", bar.exchange))) {
            th scope="row" { a href=(format!("#{}", place.id(&format!("x{}", bar.exchange)))) { (bar.exchange) } }
            td class="number" { (milliseconds(bar.started_us)) }
            td { (words(bar.probe)) }
            td {
                (brief(&bar.method)) " " (brief(&bar.step))
                @if let Some(how) = bar.unusual() { span class="quiet" { " (" (how) ")" } }
            }
            td class="number" { (bar.connection) }
            td {
                (brief(&bar.answer()))
                @if let Some(other) = bar.resumes.as_ref().map(|other| other.exchange).filter(|other| place.lists(*other)) {
                    " (takes up " a href=(format!("#{}", place.id(&format!("e{other}")))) { (other) } " again)"
                }
            }
            td class="number" { (milliseconds(bar.us())) }
            td { (bytes(bar.bytes)) @if !arrived.is_empty() { ": " (arrived) } }
        }
    }
}
