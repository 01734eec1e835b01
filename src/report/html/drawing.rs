//! The timeline of the scan as SVG: the scan on its true scale, and below it the same on rulers that show
//! the requests. Words of the scan's own and numbers only, except for titles, which are escaped.

use maud::{Markup, html};

use super::frame::{Frame, Spot, n};
use super::lanes::{group, groups, pulse};
use super::scale::{Scale, end};
use super::words::Section;
use crate::report::timeline::{Bar, Timeline};
use crate::verdict::milliseconds;

/// Most streams with a row of their own; further ones are bars like any other.
const MOST_PULSES: usize = 8;

/// A finding to be shown at the exchange that gave it away.
#[derive(Clone, Debug)]
pub(super) struct Flag {
    pub(super) exchange: u32,
    pub(super) number: usize,
    pub(super) check: &'static str,
    pub(super) failed: bool,
}

/// Both drawings: one for paper and screens, one for telephones.
pub(super) fn draw(timeline: &Timeline, flags: &[Flag], place: Section<'_>) -> Markup {
    html! {
        (one(timeline, flags, place, true))
        (one(timeline, flags, place, false))
    }
}

fn one(timeline: &Timeline, flags: &[Flag], place: Section<'_>, wide: bool) -> Markup {
    let (width, left, margin) = if wide { (1080.0, 158.0, 14.0) } else { (360.0, 4.0, 4.0) };
    let right = width - margin;
    let scale = Scale::of(timeline, left, right - left);
    let dropped = timeline.bars.iter().filter_map(|bar| Some(bar.resumes.as_ref()?.exchange)).collect();
    let mut frame = Frame { place, scale, wide, left, right, margin, y: 0.0, spots: Vec::new(), dropped };
    let overview = overview(&mut frame, timeline);
    let top = frame.y;
    let ruler = ruler(&mut frame);
    let below = frame.y;
    let shown = || timeline.bars.iter().filter(|bar| place.lists(bar.exchange));
    let held: Vec<&Bar> = shown().filter(|bar| bar.held()).take(MOST_PULSES).collect();
    let pulses: Vec<Markup> = held.iter().map(|bar| pulse(&mut frame, bar)).collect();
    let rest = shown().filter(|bar| !held.iter().any(|held| held.exchange == bar.exchange));
    let rows: Vec<Markup> = groups(rest)
        .into_iter()
        .enumerate()
        .map(|(index, (probe, bars))| group(&mut frame, probe, &bars, index % 2 == 0))
        .collect();
    let height = frame.y + 6.0;
    let class = if wide { "timeline wide" } else { "timeline narrow" };
    html! {
        svg class=(class) viewBox=(format!("0 0 {} {}", n(width), n(height))) role="group"
            aria-label="Timeline of the scan; the table below says the same in words" {
            g aria-hidden="true" {
                (overview)
                @for segment in frame.scale.segments.iter().filter(|segment| !segment.busy) {
                    rect class="quiet" x=(n(segment.x)) y=(n(top)) width=(n(segment.width)) height=(n(height - top)) {}
                }
                (ruler)
                (grid(&frame, below, height))
                @for row in rows { (row) }
                @for pulse in pulses { (pulse) }
                (resumptions(&frame, timeline))
            }
            (flagged(&frame, flags))
        }
    }
}

/// The whole scan on its true scale, with the view widening to the rulers below.
fn overview(frame: &mut Frame<'_>, timeline: &Timeline) -> Markup {
    if !frame.scale.broken() {
        frame.y = 4.0;
        return html! {};
    }
    let end_us = end(timeline);
    let width = frame.right - frame.left;
    let at = |us: u64| frame.left + width * us.min(end_us) as f64 / end_us as f64;
    let (strip, foot) = (18.0, 64.0);
    let true_scale = super::scale::Segment { from_us: 0, to_us: end_us, x: frame.left, width, busy: false };
    let ticks = true_scale.ticks(56.0);
    let held = timeline.bars.iter().filter(|bar| bar.held()).take(MOST_PULSES);
    let drawn = html! {
        @if frame.wide {
            text class="name" x="6" y=(n(strip + 10.0)) { "True scale" }
            text class="detail" x="6" y=(n(foot - 8.0)) { "magnified" }
        }
        @for us in ticks {
            @if at(us) < frame.right - 12.0 {
                text class="scale" x=(n(at(us))) y="11" text-anchor=(if us == 0 { "start" } else { "middle" }) {
                    (moment(us))
                }
            }
        }
        @for segment in &frame.scale.segments {
            @let (from, to) = (at(segment.from_us), at(segment.to_us).max(at(segment.from_us) + 2.0));
            path class=(if segment.busy { "funnel busy" } else { "funnel" }) d=(format!(
                "M{} {s}H{}C{b} {m} {b} {m} {b} {f}H{a}C{a} {m} {a} {m} {} {s}Z",
                n(from), n(to), n(from),
                s = n(strip + 13.0), m = n((strip + foot) / 2.0 + 6.0), f = n(foot),
                a = n(segment.x), b = n(segment.x + segment.width)
            )) {}
        }
        rect class="strip" x=(n(frame.left)) y=(n(strip)) width=(n(width)) height="13" rx="2" {}
        @for segment in frame.scale.segments.iter().filter(|segment| segment.busy) {
            rect class="rush" x=(n(at(segment.from_us).min(frame.right - 2.5))) y=(n(strip))
                width=(n((at(segment.to_us) - at(segment.from_us)).max(2.5))) height="13" {}
        }
        @for bar in held {
            path class="held" d=(format!("M{} {}H{}", n(at(bar.started_us)), n(strip + 6.5), n(at(bar.ended_us)))) {}
            @if !bar.arrivals.is_empty() {
                path class="held" d=(bar.arrivals.iter().map(|mark| {
                    format!("M{} {}v7", n(at(mark.at_us)), n(strip + 3.0))
                }).collect::<String>()) {}
            }
        }
    };
    frame.y = foot;
    drawn
}

/// What each ruler shows, and its marks.
fn ruler(frame: &mut Frame<'_>) -> Markup {
    let broken = frame.scale.broken();
    let y = frame.y;
    frame.y += if broken { 34.0 } else { 20.0 };
    let foot = frame.y - 5.0;
    let mut said = f64::NEG_INFINITY;
    let mut marks = Vec::new();
    for segment in &frame.scale.segments {
        for us in segment.ticks(60.0) {
            let text = moment(us);
            let half = text.chars().count() as f64 * 3.0;
            let x = frame.scale.x(us).max(frame.left + half);
            if x - half > said && x + half <= frame.right + frame.margin {
                said = x + half + 8.0;
                marks.push((x, text));
            }
        }
    }
    html! {
        @if broken {
            @for segment in &frame.scale.segments {
                @let text = if segment.busy {
                    format!("{} of requests", milliseconds(segment.us()))
                } else {
                    format!("{} of watching", milliseconds(segment.us()))
                };
                @if segment.width > text.chars().count() as f64 * 6.4 {
                    text class=(if segment.busy { "span busy" } else { "span" }) text-anchor="middle"
                        x=(n(segment.x + segment.width / 2.0)) y=(n(y + 12.0)) { (text) }
                }
            }
        }
        @for (x, text) in marks {
            text class="scale" x=(n(x)) y=(n(foot)) text-anchor="middle" { (text) }
        }
    }
}

fn grid(frame: &Frame<'_>, top: f64, bottom: f64) -> Markup {
    let mut lines = String::new();
    for segment in &frame.scale.segments {
        for us in segment.ticks(60.0) {
            lines.push_str(&format!("M{} {}V{}", n(frame.x(us)), n(top), n(bottom)));
        }
    }
    let breaks: String = frame
        .scale
        .segments
        .iter()
        .skip(1)
        .map(|segment| {
            // A torn edge: here the ruler changes.
            let count = ((bottom - top) / 12.0).floor() as usize;
            format!("M{} {}{}", n(segment.x), n(top), "l2.5 3l-5 6l2.5 3".repeat(count))
        })
        .collect();
    html! {
        path class="grid" d=(lines) {}
        @if !breaks.is_empty() { path class="tear" d=(breaks) {} }
    }
}

/// A time on a ruler, to the millisecond from a second on.
fn moment(us: u64) -> String {
    let shortest = |whole: u64, rest: String| {
        let text = format!("{whole}.{rest}");
        text.trim_end_matches('0').trim_end_matches('.').to_owned()
    };
    match us {
        0 => "0".to_owned(),
        1..1_000_000 => format!("{} ms", shortest(us / 1_000, format!("{:03}", us % 1_000))),
        _ => format!("{} s", shortest(us / 1_000_000, format!("{:03}", us % 1_000_000 / 1_000))),
    }
}

/// Threads from a stream that was dropped to the request that took it up again.
fn resumptions(frame: &Frame<'_>, timeline: &Timeline) -> Markup {
    let spot = |id: u32| frame.spots.iter().find(|spot| spot.exchange == id);
    let pairs: Vec<(&Spot, &Spot)> = timeline
        .bars
        .iter()
        .filter_map(|bar| Some((spot(bar.resumes.as_ref()?.exchange)?, spot(bar.exchange)?)))
        .collect();
    html! {
        @for (dropped, again) in pairs {
            @let bend = ((again.from - dropped.to).abs() / 2.0).max(8.0);
            // Within a lane it leads around the bars between.
            @let bow = if (again.y - dropped.y).abs() < 1.0 { -11.0 } else { 0.0 };
            path class="again" d=(format!(
                "M{} {}C{} {} {} {} {} {}",
                n(dropped.to), n(dropped.y), n(dropped.to + bend), n(dropped.y + bow),
                n(again.from - bend), n(again.y + bow), n(again.from), n(again.y)
            )) {}
            path class="arrow" d=(format!("M{} {}l-6 -3.5v7z", n(again.from), n(again.y))) {}
        }
    }
}

/// Numbers of the fixes at the exchanges that show them, as links.
fn flagged(frame: &Frame<'_>, flags: &[Flag]) -> Markup {
    let mut taken: Vec<(f64, f64)> = Vec::new();
    let mut placed = Vec::new();
    for flag in flags {
        let Some(spot) = frame.spots.iter().find(|spot| spot.exchange == flag.exchange) else { continue };
        let (mut x, y) = (spot.to + 10.0, spot.y);
        let near = |x: f64, taken: &[(f64, f64)]| {
            taken.iter().any(|(tx, ty)| (tx - x).abs() < 15.0 && (ty - y).abs() < 13.0)
        };
        while near(x, &taken) && x < frame.right - 8.0 {
            x += 15.5;
        }
        if x > frame.right - 4.0 {
            x = spot.to - 10.0;
            while near(x, &taken) && x > frame.left + 8.0 {
                x -= 15.5;
            }
        }
        taken.push((x, y));
        placed.push((flag, x, y));
    }
    html! {
        @for (flag, x, y) in placed {
            @let word = if flag.failed { "failed" } else { "warned" };
            a class=(format!("flag {word}")) href=(format!("#{}", frame.place.id(flag.check)))
                aria-label=(format!("{}: {} {word}, exchange {}", flag.number, flag.check, flag.exchange)) {
                title { (flag.number) ": " (flag.check) " " (word) }
                circle cx=(n(x)) cy=(n(y)) r="7.5" {}
                text x=(n(x)) y=(n(y + 3.4)) text-anchor="middle" { (flag.number) }
            }
        }
    }
}
