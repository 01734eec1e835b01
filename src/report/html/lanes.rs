//! The rows of the drawing: held streams as a pulse, requests as bars grouped by conversation.

use std::collections::BTreeMap;

use maud::{Markup, html};

use super::frame::{Frame, Spot, n};
use super::words::{Detail, brief};
use crate::report::conversations::words;
use crate::report::timeline::{ArrivalKind, Bar, BarOutcome};
use crate::transcript::{Ended, Expectation, ProbeId};
use crate::verdict::milliseconds;

/// Height of a held stream's row.
const PULSE: f64 = 50.0;
/// Height of a bar, and of a lane with its gap.
const BAR: f64 = 9.0;
const LANE: f64 = 12.0;
/// Most lanes of one conversation; what does not fit overlaps in the last.
const MOST_LANES: usize = 7;
/// Height of a label above a row, where there is no column for labels.
const ABOVE: f64 = 15.0;

/// A held stream: flat while silent, a beat for what arrives.
pub(super) fn pulse(frame: &mut Frame<'_>, bar: &Bar) -> Markup {
    let wrong = bar.expectation == Expectation::Negative;
    let detail = match bar.unusual() {
        Some(how) if bar.wrong() => format!("{how} · {}", bar.exchange),
        _ => format!("{} · exchange {}", brief(&bar.method), bar.exchange),
    };
    let label = frame.label(&bar.name(), &detail, 0.0);
    let top = frame.y + if frame.wide { 0.0 } else { ABOVE };
    let base = top + 27.0;
    let (start, end) = (frame.x(bar.started_us), frame.x(bar.ended_us));
    let head = bar.head_us.map_or(start, |us| frame.x(us));
    let beats: Vec<(f64, ArrivalKind)> =
        bar.arrivals.iter().map(|mark| (frame.x(mark.at_us), mark.kind)).collect();
    frame.y = top + PULSE;
    frame.spots.push(Spot { exchange: bar.exchange, from: start, to: end, y: base });
    // Where a request is no plain one, silence may be the right answer.
    let alive = match beats.is_empty() {
        true if wrong => "still",
        true => "flat",
        false => "alive",
    };
    // The last beat often ends the watch: it is drawn whole, and the end behind it.
    let edge = frame.right + frame.margin - 2.0;
    let end = beats.last().map_or(end, |(x, _)| end.max((x + 9.0).min(edge)));
    let dropped = frame.dropped.contains(&bar.exchange);
    html! {
        (label)
        g id=[frame.exchange_id(bar.exchange)] class=(format!("pulse {alive}")) {
            @if frame.wide && frame.place.detail < Detail::Bare { title { (brief(&title(bar))) } }
            @if head > start + 1.0 {
                path class="wait" d=(format!("M{} {}H{}", n(start), n(base), n(head))) {}
            }
            path class="line" d=(line(head, end.max(head + 1.0), base, &beats)) {}
            @if let Some(gap) = bar.flat().filter(|_| !wrong) {
                path class="line dead" d=(format!("M{} {}H{}", n(frame.x(gap.from_us).max(head) + if beats.is_empty() { 0.0 } else { 6.0 }), n(base), n(end))) {}
            }
            circle class="head" cx=(n(head)) cy=(n(base)) r="3.5" {}
            (ending(bar, end, base, dropped))
        }
        (silence(frame, bar, base, &beats))
    }
}

/// The trace of a stream, left to right; never steps back, however close the beats are.
fn line(from: f64, to: f64, base: f64, beats: &[(f64, ArrivalKind)]) -> String {
    let mut path = format!("M{} {}", n(from), n(base));
    let mut at = from;
    for (index, (x, kind)) in beats.iter().enumerate() {
        let next = beats.get(index.saturating_add(1)).map_or(to, |(x, _)| *x);
        let left = ((x - at) / 2.0).clamp(0.0, 6.0);
        let right = ((next - x) / 2.0).clamp(0.0, 6.0);
        let height = match kind {
            ArrivalKind::Event => 22.0,
            ArrivalKind::Comment => 14.0,
            ArrivalKind::Field => 7.0,
        };
        for (dx, dy) in [
            (-left, 0.0),
            (-left * 0.5, height * 0.18),
            (0.0, -height),
            (right * 0.45, height * 0.35),
            (right, 0.0),
        ] {
            path.push_str(&format!("L{} {}", n(x + dx), n(base + dy)));
        }
        at = x + right;
    }
    path.push_str(&format!("H{}", n(to.max(at))));
    path
}

fn ending(bar: &Bar, x: f64, base: f64, dropped: bool) -> Markup {
    match bar.ended {
        Ended::ByUs if dropped => html! {
            path class="cut" d=(format!("M{} {}l-6 16m5 0l6 -16", n(x), n(base - 8.0))) {}
        },
        // We had seen enough.
        Ended::ByUs => html! { path class="end" d=(format!("M{} {}v12", n(x), n(base - 6.0))) {} },
        Ended::Complete => html! { circle class="end" cx=(n(x)) cy=(n(base)) r="3" {} },
        Ended::Failed => html! {
            path class="end broken" d=(format!("M{} {}l8 8m0 -8l-8 8", n(x - 4.0), n(base - 4.0))) {}
        },
    }
}

/// The measure of the longest silence, and what ended it.
fn silence(frame: &Frame<'_>, bar: &Bar, base: f64, beats: &[(f64, ArrivalKind)]) -> Markup {
    let Some(gap) = bar.silence else { return html! {} };
    let (from, to) = (frame.x(gap.from_us), frame.x(gap.to_us));
    let length = milliseconds(gap.us());
    let text = match bar.flat() {
        Some(_) if beats.is_empty() => format!("nothing came in {length}"),
        Some(_) => format!("{length} of silence to the end"),
        None => format!("{length} of silence"),
    };
    // Digits and letters of this size are about six units wide.
    let wide = text.chars().count() as f64 * 6.2;
    let y = base + 14.0;
    let centre = ((from + to) / 2.0).clamp(frame.left + wide / 2.0, frame.right - wide / 2.0);
    let after = bar.arrivals.iter().find(|mark| mark.at_us == gap.to_us);
    html! {
        g class=(if bar.flat().is_some() && bar.expectation != Expectation::Negative { "gap flat" } else { "gap" }) {
            @if to - from > wide + 24.0 {
                path d=(format!(
                    "M{f} {t}v6m0 -3H{a}M{b} {y}H{e}m0 -3v6",
                    f = n(from + 1.0), t = n(y - 3.0), a = n(centre - wide / 2.0 - 6.0),
                    b = n(centre + wide / 2.0 + 6.0), y = n(y), e = n(to - 1.0)
                )) {}
            }
            text x=(n(centre)) y=(n(y + 4.0)) text-anchor="middle" { (text) }
            @if let Some(mark) = after {
                text class="beat" x=(n((to - 9.0).max(frame.left + 50.0))) y=(n(base - 12.0)) text-anchor="end" {
                    (mark.kind.after_silence())
                }
            }
        }
    }
}

/// Bars by conversation, in order of first appearance.
pub(super) fn groups<'b>(bars: impl Iterator<Item = &'b Bar>) -> Vec<(ProbeId, Vec<&'b Bar>)> {
    let mut found: Vec<(ProbeId, Vec<&Bar>)> = Vec::new();
    for bar in bars {
        match found.iter_mut().find(|(probe, _)| *probe == bar.probe) {
            Some((_, of)) => of.push(bar),
            None => found.push((bar.probe, vec![bar])),
        }
    }
    // What cleans up ends the picture, whenever the first of it was sent.
    found.sort_by_key(|(probe, of)| {
        let first = of.iter().map(|bar| bar.started_us).min().unwrap_or(0);
        (*probe == ProbeId::Teardown, first)
    });
    found
}

/// How many requests bars are, and how many attempts to connect that came to none.
pub(super) fn requests<'b>(bars: impl Iterator<Item = &'b Bar>) -> String {
    let (sent, tried): (Vec<&Bar>, Vec<&Bar>) = bars.partition(|bar| bar.sent);
    let count = |count: usize, one: &str| match count {
        0 => None,
        1 => Some(format!("1 {one}")),
        _ => Some(format!("{count} {one}s")),
    };
    let said: Vec<String> = [count(sent.len(), "request"), count(tried.len(), "failed connection")]
        .into_iter()
        .flatten()
        .collect();
    said.join(", ")
}

/// One conversation: lanes of bars, a connection staying on its lane where it can.
pub(super) fn group(frame: &mut Frame<'_>, probe: ProbeId, bars: &[&Bar], shaded: bool) -> Markup {
    let count = requests(bars.iter().copied());
    let head = if frame.wide { 5.0 } else { ABOVE + 2.0 };
    let mut lanes: Vec<f64> = Vec::new();
    let mut used: BTreeMap<u32, usize> = BTreeMap::new();
    let mut drawn = Vec::new();
    for bar in bars {
        let from = frame.x(bar.opening_us.unwrap_or(bar.started_us).min(bar.started_us));
        let start = frame.x(bar.started_us);
        let end = frame.x(bar.ended_us).max(start + 4.0);
        let free = |lane: &usize| lanes.get(*lane).is_some_and(|to| *to <= from);
        let lane = used
            .get(&bar.connection)
            .copied()
            .filter(|lane| free(lane))
            .or_else(|| (0..lanes.len()).find(free))
            .unwrap_or(lanes.len())
            .min(MOST_LANES - 1);
        match lanes.get_mut(lane) {
            Some(to) => *to = to.max(end + 1.0),
            None => lanes.push(end + 1.0),
        }
        used.insert(bar.connection, lane);
        let y = frame.y + head + lane as f64 * LANE;
        drawn.push(draw_bar(frame, bar, (from, start, end), y));
    }
    let height = (head + lanes.len() as f64 * LANE + 2.0).max(if frame.wide { 30.0 } else { 0.0 });
    let label = frame.label(&words(probe), &count, 0.0);
    let top = frame.y;
    frame.y += height;
    html! {
        @if shaded {
            rect class="shade" x="0" y=(n(top)) width=(n(frame.right + frame.margin)) height=(n(height)) {}
        }
        (label)
        @for bar in drawn { (bar) }
    }
}

fn draw_bar(frame: &mut Frame<'_>, bar: &Bar, (from, start, end): (f64, f64, f64), y: f64) -> Markup {
    frame.spots.push(Spot { exchange: bar.exchange, from: start, to: end, y: y + BAR / 2.0 });
    let outcome = match bar.outcome() {
        BarOutcome::Served => "served",
        BarOutcome::Refused => "refused",
        BarOutcome::Broken => "broken",
    };
    let wrong = if bar.wrong() { " wrong" } else { "" };
    let middle = y + BAR / 2.0;
    let ticks: Vec<f64> = bar
        .arrivals
        .iter()
        .map(|mark| frame.x(mark.at_us))
        .filter(|x| end - start > 14.0 && *x > start + 2.0 && *x < end - 2.0)
        .collect();
    // A stroke lies half outside its shape.
    let inset = if wrong.is_empty() { 0.0 } else { 0.75 };
    html! {
        g id=[frame.exchange_id(bar.exchange)] class=(format!("{outcome}{wrong}")) {
            @if frame.wide && frame.place.detail == Detail::Full { title { (brief(&title(bar))) } }
            @if start - from > 0.7 {
                path class="opening" d=(format!("M{} {}H{}", n(from), n(middle), n(start))) {}
            }
            rect x=(n(start + inset)) y=(n(y + inset)) width=(n(end - start - 2.0 * inset))
                height=(n(BAR - 2.0 * inset)) rx="1.5" {}
            @if !ticks.is_empty() {
                path class="tick" d=(ticks.iter().map(|x| format!("M{} {}v5", n(*x), n(y + 2.0))).collect::<String>()) {}
            }
        }
    }
}

/// A bar in one line, for a pointer that rests on it.
fn title(bar: &Bar) -> String {
    let unusual = bar.unusual().map_or_else(String::new, |how| format!(", {how}"));
    let arrived = bar.arrived();
    let arrived = if arrived.is_empty() { arrived } else { format!(", {arrived}") };
    let resumes = bar
        .resumes
        .as_ref()
        .map_or_else(String::new, |other| format!(", takes up exchange {} again", other.exchange));
    format!(
        "Exchange {}: {} {}{unusual}: {}, {}{arrived}{resumes}, connection {}",
        bar.exchange,
        bar.method,
        bar.step,
        bar.answer(),
        milliseconds(bar.us()),
        bar.connection
    )
}
