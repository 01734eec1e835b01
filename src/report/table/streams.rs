//! The streams that were held: one line each, bytes and silences.

use super::details::bytes;
use super::layout::{Page, Tone, columns};
use crate::report::Report;
use crate::report::timeline::{ArrivalKind, Bar};
use crate::transcript::Ended;
use crate::verdict::milliseconds;

/// Most lines: a server that answers everything with a slow stream is told by its first ones.
const MOST: usize = 8;
/// Most columns of a track.
const WIDEST: usize = 48;

pub(super) fn draw(page: &mut Page, report: &Report) {
    let bars = &report.timeline.bars;
    let held: Vec<&Bar> = bars.iter().filter(|bar| bar.held()).collect();
    let brief: Vec<&Bar> = bars.iter().filter(|bar| bar.streams && !bar.held()).collect();
    if held.is_empty() && brief.is_empty() {
        return;
    }
    page.heading("Streams over time");
    let shown: Vec<&Bar> = held.iter().copied().take(MOST).collect();
    let Some(from) = shown.iter().map(|bar| bar.started_us).min() else {
        page.item_of(2, (Tone::Quiet, ""), 2, (Tone::Quiet, &briefly(&brief)), usize::MAX);
        return;
    };
    let to = shown.iter().map(|bar| bar.ended_us).max().unwrap_or(from);
    let names: Vec<String> =
        shown.iter().map(|bar| format!("{} (exchange {})", bar.name(), bar.exchange)).collect();
    let widest = names.iter().map(|name| columns(name)).max().unwrap_or(0);
    let room = page.style.width.saturating_sub(widest).saturating_sub(6);
    // Beside its name where there is room for that and for what happened, else below it.
    let beside = page.wide();
    let cells = if beside { (room / 2).min(WIDEST) } else { page.style.width.saturating_sub(4).min(WIDEST) };
    for (bar, name) in shown.iter().zip(&names) {
        let track = track(bar, from, to, cells);
        if beside {
            let gap = widest.saturating_sub(columns(name));
            let head = format!("{name}{:gap$}  {track}", "");
            let at = widest.saturating_add(cells).saturating_add(6);
            page.item_of(2, (Tone::Plain, &head), at, (Tone::Quiet, &said(bar)), usize::MAX);
        } else {
            page.item(0, (Tone::Plain, name), 2, "");
            page.item(2, (Tone::Plain, &track), 2, "");
            page.item_of(2, (Tone::Quiet, ""), 2, (Tone::Quiet, &said(bar)), usize::MAX);
        }
    }
    let cell = to.saturating_sub(from) / u64::try_from(cells.max(1)).unwrap_or(1);
    let key = format!("one column is {}: ▇ event, ▃ comment or field, ▁ silence, │ end", milliseconds(cell));
    page.item_of(2, (Tone::Quiet, ""), 2, (Tone::Quiet, &key), usize::MAX);
    if let more @ 1.. = held.len().saturating_sub(shown.len()) {
        page.item_of(2, (Tone::Quiet, ""), 2, (Tone::Quiet, &format!("and {more} more")), usize::MAX);
    }
    if !brief.is_empty() {
        page.item_of(2, (Tone::Quiet, ""), 2, (Tone::Quiet, &briefly(&brief)), usize::MAX);
    }
}

fn briefly(brief: &[&Bar]) -> String {
    let longest = brief.iter().map(|bar| bar.us()).max().unwrap_or(0);
    let sum = brief.iter().map(|bar| bar.bytes).fold(0, u64::saturating_add);
    let what = if brief.len() == 1 { "1 reply".to_owned() } else { format!("{} replies", brief.len()) };
    format!("{what} came as a short stream: {}, none longer than {}", bytes(sum), milliseconds(longest))
}

/// One character for each slice of time.
fn track(bar: &Bar, from: u64, to: u64, cells: usize) -> String {
    let length = u128::from(to.saturating_sub(from).max(1));
    let cell = |at: u64| {
        let index = u128::from(at.saturating_sub(from)).saturating_mul(cells as u128) / length;
        usize::try_from(index).unwrap_or(0).min(cells.saturating_sub(1))
    };
    let (first, last) = (cell(bar.started_us), cell(bar.ended_us));
    let mut drawn: Vec<char> =
        (0..cells).map(|at| if (first..=last).contains(&at) { '▁' } else { ' ' }).collect();
    for mark in &bar.arrivals {
        if let Some(seen) = drawn.get_mut(cell(mark.at_us)) {
            match mark.kind {
                ArrivalKind::Event => *seen = '▇',
                _ if *seen == '▁' => *seen = '▃',
                _ => {}
            }
        }
    }
    if let Some(end) = drawn.get_mut(last).filter(|seen| **seen == '▁') {
        *end = '│';
    }
    drawn.into_iter().collect()
}

fn said(bar: &Bar) -> String {
    let mut said = vec![match (bar.arrived(), bar.bytes) {
        (arrived, _) if arrived.is_empty() => "nothing came".to_owned(),
        (arrived, count) => format!("{arrived}, {}", bytes(count)),
    }];
    said.extend(bar.silence.map(|gap| format!("silent for up to {}", milliseconds(gap.us()))));
    match bar.ended {
        Ended::Complete => said.push("ended by the endpoint".to_owned()),
        Ended::Failed => said.push(bar.failure.clone().unwrap_or_else(|| "broke off".to_owned())),
        Ended::ByUs => {}
    }
    if let Some(other) = &bar.resumes {
        said.push(format!("took up exchange {} again", other.exchange));
    }
    said.join("; ")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::checks::synthetic::{Scan, get};
    use crate::gate::Gates;
    use crate::report::table::{Detail, Style, render};
    use crate::rubric::Rubric;
    use crate::transcript::ProbeId;

    fn drawn(scan: &Scan, width: usize) -> String {
        let report = crate::judge::judge(&scan.transcript, &Rubric::default_rubric(), &Gates::default());
        let text = render(&report, &Style::plain(width).telling(Detail::Passes));
        let start = text.find("Streams over time").unwrap();
        text.get(start..).unwrap().split("\n\n").next().unwrap().to_owned()
    }

    fn watched() -> Scan {
        let made = get(ProbeId::Idle, "get").stream("data: hi\n\n: ping\n\n: ping\n\n", 15_000_000);
        Scan::empty().with(made.held_until(31_000_000))
    }

    #[test]
    fn a_watched_stream_is_one_line_of_bytes_and_silences() {
        let text = drawn(&watched(), 100);
        let line = text.lines().nth(1).unwrap();
        assert!(line.contains("Idle stream (exchange 2)  ▇▁▁"), "{text}");
        assert_eq!(line.matches('▃').count(), 2, "{text}");
        assert!(text.contains("1 event, 2 comments"), "{text}");
        assert!(text.contains("one column is"), "{text}");
    }

    #[test]
    fn silence_to_the_end_is_said() {
        let made = get(ProbeId::Idle, "get").header("content-type", "text/event-stream");
        let text = drawn(&Scan::empty().with(made.held_until(35_000_000)), 100);
        assert!(text.contains("▁│"), "{text}");
        assert!(text.contains("nothing came; silent for"), "{text}");
    }

    #[test]
    fn it_fits_narrow_terminals_and_is_left_out_without_streams() {
        for width in [40, 71, 72, 100, 200] {
            let text = drawn(&watched(), width);
            assert!(text.lines().all(|line| columns(line) <= width), "{width}: {text}");
        }
        let report =
            crate::judge::judge(&Scan::modern().transcript, &Rubric::default_rubric(), &Gates::default());
        assert!(!render(&report, &Style::plain(80).telling(Detail::Passes)).contains("Streams over time"));
    }
}
