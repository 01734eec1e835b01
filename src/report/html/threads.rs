//! Drop and resumption, event by event: the stream as it came, where it was cut, and what the request that
//! took it up again brought. The order of events, not their time.

use std::collections::BTreeSet;

use maud::{Markup, html};

use super::frame::n;
use super::words::{Section, brief, t};
use crate::report::timeline::{Bar, Timeline};
use crate::transcript::{Ended, Expectation};

/// Most resumptions drawn; the table has all.
const MOST: usize = 6;
/// Greatest width of a drawing, and of the place for the names of its rows.
const WIDTH: f64 = 520.0;
const NAMES: f64 = 104.0;
/// Characters of an event id.
const LONGEST: usize = 12;
const ABOVE: f64 = 40.0;
const BELOW: f64 = 88.0;

pub(super) fn draw(timeline: &Timeline, place: Section<'_>) -> Markup {
    let of = |id: u32| timeline.bars.iter().find(|bar| bar.exchange == id);
    let pairs: Vec<(&Bar, &Bar, &str)> = timeline
        .bars
        .iter()
        .filter_map(|bar| {
            let resumption = bar.resumes.as_ref()?;
            Some((of(resumption.exchange)?, bar, resumption.after.as_str()))
        })
        .take(MOST)
        .collect();
    if pairs.is_empty() {
        return html! {};
    }
    let made: Vec<Comparison> =
        pairs.iter().map(|(dropped, again, after)| compare(dropped, again, after)).collect();
    let any = |count: fn(&Comparison) -> usize| made.iter().any(|made| count(made) > 0);
    let lost = pairs.iter().any(|(dropped, again, after)| {
        lost(&compare(dropped, again, after), dropped, again).next().is_some()
    });
    let dot = |class: &str| html! { svg viewBox="0 0 12 12" aria-hidden="true" { circle class=(class) cx="6" cy="6" r="4.5" {} } };
    html! {
        (place.heading(2, None, "Dropped streams, event by event"))
        div class="threads" {
            @for (dropped, again, after) in pairs { (one(dropped, again, after)) }
        }
        ul class="legend" {
            li { (dot("seen")) "an event that came" }
            li { (dot("due")) "still due when the stream was cut" }
            @if lost { li { (dot("lost")) "due, and missing" } }
            @if any(|made| made.twice) { li { (dot("twice")) "came a second time" } }
            @if any(|made| made.other.saturating_add(made.priming)) {
                li { (dot("other")) "not of the first stream: new, of another one, or a priming event (an id without data)" }
            }
        }
    }
}

/// The shortest of their beginnings or ends, in so many characters, by which all ids of a drawing differ.
fn labels(ids: &[&str], room: usize) -> Vec<String> {
    let cut = |id: &str, end: bool| {
        let count = id.chars().count();
        if count <= room {
            return t(id);
        }
        let keep = room.saturating_sub(1);
        let kept: String = if end {
            id.chars().skip(count.saturating_sub(keep)).collect()
        } else {
            id.chars().take(keep).collect()
        };
        t(&if end { format!("…{kept}") } else { format!("{kept}…") })
    };
    let made = |end: bool| -> Vec<String> { ids.iter().map(|id| cut(id, end)).collect() };
    let distinct = |labels: &[String]| labels.iter().collect::<BTreeSet<_>>().len();
    let (starts, ends) = (made(false), made(true));
    if distinct(&starts) >= distinct(&ends) { starts } else { ends }
}

/// Events still due that never came, where they had to.
fn lost<'m>(made: &'m Comparison, dropped: &'m Bar, again: &Bar) -> impl Iterator<Item = usize> + 'm {
    let allowed = again.expectation != Expectation::Negative;
    let ids = dropped.ids.iter().enumerate().skip(made.seen);
    // A priming event need not come again.
    let due = ids.filter(|(_, event)| !event.priming).map(|(index, _)| index);
    due.filter(move |index| allowed && !made.again.contains(index))
}

/// What the second stream brought of the first.
struct Comparison {
    /// Ids of the first stream up to and with the last that was seen.
    seen: usize,
    /// Where each id of the second stream is drawn: its index in the first, or behind it.
    again: Vec<usize>,
    /// How many ids of the first were still due.
    due: usize,
    came: usize,
    twice: usize,
    /// Events that the first stream did not have, priming events apart.
    other: usize,
    priming: usize,
}

fn compare(dropped: &Bar, again: &Bar, after: &str) -> Comparison {
    let at = dropped.ids.iter().position(|event| event.id == after);
    let seen = at.map_or(0, |index| index.saturating_add(1));
    let mut made = Comparison {
        seen,
        again: Vec::new(),
        due: dropped.ids.iter().skip(seen).filter(|event| !event.priming).count(),
        came: 0,
        twice: 0,
        other: 0,
        priming: 0,
    };
    for event in &again.ids {
        let index = match dropped.ids.iter().position(|known| known.id == event.id) {
            Some(index) if index < seen => {
                made.twice = made.twice.saturating_add(1);
                index
            }
            Some(index) => {
                let due = dropped.ids.get(index).is_some_and(|event| !event.priming);
                made.came = made.came.saturating_add(usize::from(due));
                index
            }
            None => {
                let index = dropped.ids.len().saturating_add(made.other).saturating_add(made.priming);
                let count = if event.priming { &mut made.priming } else { &mut made.other };
                *count = count.saturating_add(1);
                index
            }
        };
        made.again.push(index);
    }
    made
}

fn one(dropped: &Bar, again: &Bar, after: &str) -> Markup {
    let made = compare(dropped, again, after);
    let columns = dropped.ids.len().saturating_add(made.other).saturating_add(made.priming).max(2);
    let step = ((WIDTH - NAMES - 40.0) / columns as f64).min(96.0);
    let x = |index: usize| NAMES + 30.0 + step * index as f64;
    // A character of this size is about six and a half units wide, and no two labels may touch.
    let room = ((step - 4.0) / 6.5) as usize;
    let all: Vec<&str> = dropped.ids.iter().chain(&again.ids).map(|event| event.id.as_str()).collect();
    let shown = labels(&all, room.clamp(2, LONGEST));
    let (firsts, seconds) = shown.split_at_checked(dropped.ids.len()).unwrap_or_default();
    let cut = x(made.seen) - step / 2.0;
    let end = x(dropped.ids.len().saturating_sub(1)) + 14.0;
    let last = made.again.iter().copied().max();
    // No wider than it must be: a telephone shrinks the rest.
    let width = (x(columns.saturating_sub(1)) + 40.0).min(WIDTH);
    let lost = lost(&made, dropped, again);
    html! {
        figure {
            svg viewBox=(format!("0 0 {} 112", n(width))) preserveAspectRatio="xMinYMid" aria-hidden="true" {
                text class="name" x="0" y=(n(ABOVE)) { "exchange " (dropped.exchange) }
                text class="detail" x="0" y=(n(ABOVE + 13.0)) { "as it came" }
                text class="name" x="0" y=(n(BELOW)) { "exchange " (again.exchange) }
                text class="detail" x="0" y=(n(BELOW + 13.0)) { (again.answer_short()) }
                path class="thread" d=(format!("M{} {}H{}", n(NAMES), n(ABOVE), n(cut))) {}
                @if end > cut { path class="thread rest" d=(format!("M{} {}H{}", n(cut + 8.0), n(ABOVE), n(end))) {} }
                path class="cut" d=(format!("M{} {}l-7 18m7 0l7 -18", n(cut + 2.0), n(ABOVE - 9.0))) {}
                @for (index, label) in firsts.iter().enumerate() {
                    circle class=(if index < made.seen { "seen" } else { "due" }) cx=(n(x(index))) cy=(n(ABOVE)) r="5.5" {}
                    text x=(n(x(index))) y=(n(ABOVE - 14.0)) text-anchor="middle" { (label) }
                }
                @if let Some(last) = last {
                    path class="thread" d=(format!(
                        "M{c} {a}C{c} {m} {c} {b} {e} {b}H{l}",
                        c = n(cut), a = n(ABOVE + 12.0), m = n(BELOW - 18.0), b = n(BELOW),
                        e = n(cut + 14.0), l = n(x(last).max(cut + 16.0) + 10.0)
                    )) {}
                } @else {
                    path class="again" d=(format!("M{c} {}V{}", n(ABOVE + 12.0), n(BELOW - 6.0), c = n(cut))) {}
                }
                @for index in lost {
                    circle class="lost" cx=(n(x(index))) cy=(n(BELOW)) r="5.5" {}
                    text class="flat" x=(n(x(index))) y=(n(BELOW + 19.0)) text-anchor="middle" { "missing" }
                }
                @for (index, label) in made.again.iter().zip(seconds) {
                    @let class = if *index < made.seen { "twice" } else if *index < dropped.ids.len() { "seen" } else { "other" };
                    circle class=(class) cx=(n(x(*index))) cy=(n(BELOW)) r="5.5" {}
                    text class=(if class == "twice" { "flat" } else { "" }) x=(n(x(*index))) y=(n(BELOW + 19.0)) text-anchor="middle" {
                        @if class == "twice" { "again" } @else { (label) }
                    }
                }
            }
            figcaption { (words(&made, dropped, again, after)) }
        }
    }
}

fn words(made: &Comparison, dropped: &Bar, again: &Bar, after: &str) -> Markup {
    let count = |count: usize, what: &str| match count {
        1 => format!("1 event {what}"),
        _ => format!("{count} events {what}"),
    };
    let mut said = Vec::new();
    let due = match made.due {
        1 => "the event still due".to_owned(),
        due => format!("all {due} events still due"),
    };
    match (made.due, made.again.len()) {
        (_, 0) if again.expectation == Expectation::Negative => said.push("nothing came".to_owned()),
        (0, 0) => said.push("nothing came".to_owned()),
        (0, _) => {}
        (1, _) if made.came == 0 => said.push(format!("{due} is missing")),
        (_, _) if made.came == 0 => said.push(format!("{due} are missing")),
        (all, _) if all == made.came => said.push(format!("{due} came")),
        (all, _) => said.push(format!("{} of {all} events still due came", made.came)),
    }
    if made.twice > 0 {
        said.push(count(made.twice, "came a second time"));
    }
    if made.other > 0 {
        said.push(count(made.other, "came that the first stream did not have"));
    }
    match made.priming {
        0 => {}
        1 => said.push("a priming event came (an id without data)".to_owned()),
        many => said.push(format!("{many} priming events came (ids without data)")),
    }
    let unusual = again.unusual().map_or_else(String::new, |how| format!(", {how}"));
    // Where a stream had ended by itself, its first part stands for one that was cut.
    let cut = if dropped.ended == Ended::Complete { "As if cut after " } else { "Cut after " };
    html! {
        (cut) code { (brief(after)) } " and asked again with " code { "Last-Event-ID" } (unusual) ": "
        (said.join("; ")) "."
    }
}
