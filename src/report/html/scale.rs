//! Time to horizontal place. A scan is a short rush of requests and a long watch of silence: on one
//! ruler the rush would be a hair. Long quiet times are therefore drawn on a ruler of their own.

use crate::report::timeline::{Bar, Timeline};

/// A quiet time shorter than this never gets its own ruler.
const QUIET_US: u64 = 300_000;
/// Most quiet times with a ruler of their own.
const MOST_QUIET: usize = 3;

/// A stretch of time on one ruler.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) struct Segment {
    pub(super) from_us: u64,
    pub(super) to_us: u64,
    /// Left edge.
    pub(super) x: f64,
    pub(super) width: f64,
    /// Whether requests are in it, or only streams that are held.
    pub(super) busy: bool,
}

impl Segment {
    /// Length in microseconds, at least one.
    pub(super) const fn us(&self) -> u64 {
        let us = self.to_us.saturating_sub(self.from_us);
        if us == 0 { 1 } else { us }
    }

    fn place(&self, us: u64) -> f64 {
        let into = us.saturating_sub(self.from_us).min(self.us());
        self.x + self.width * into as f64 / self.us() as f64
    }

    /// Round times for a ruler with marks at least `apart` units from each other.
    pub(super) fn ticks(&self, apart: f64) -> Vec<u64> {
        let least = (apart / self.width * self.us() as f64).max(1.0) as u64;
        let mut step = 1_u64;
        while step < least {
            step = match leading(step) {
                1 => step.saturating_mul(2),
                2 => step.saturating_mul(5) / 2,
                _ => step.saturating_mul(2),
            };
        }
        let first = self.from_us.div_ceil(step).saturating_mul(step);
        let mut found = Vec::new();
        let mut at = first;
        while at <= self.to_us && found.len() < 64 {
            found.push(at);
            at = at.saturating_add(step);
        }
        found
    }
}

fn leading(mut number: u64) -> u64 {
    while number >= 10 {
        number /= 10;
    }
    number
}

/// The rulers, left to right, without holes.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Scale {
    pub(super) segments: Vec<Segment>,
}

impl Scale {
    /// Rulers for a timeline between `x` and `x + width`.
    pub(super) fn of(timeline: &Timeline, x: f64, width: f64) -> Self {
        let end_us = end(timeline);
        let mut quiet = quiet(timeline, end_us);
        let length: u64 = quiet.iter().map(|(from, to)| to.saturating_sub(*from)).sum();
        if length.saturating_mul(100) < end_us.saturating_mul(45) {
            quiet.clear();
        }
        let mut segments = Vec::new();
        let mut at = 0;
        let mut add = |from_us: u64, to_us: u64, busy: bool| {
            if to_us > from_us {
                segments.push(Segment { from_us, to_us, x: 0.0, width: 0.0, busy });
            }
        };
        for (from, to) in quiet {
            add(at, from, true);
            add(from, to, false);
            at = to;
        }
        add(at, end_us, true);
        lay_out(&mut segments, x, width);
        Self { segments }
    }

    /// Whether there is more than one ruler.
    pub(super) fn broken(&self) -> bool {
        self.segments.len() > 1
    }

    /// The place of a time.
    pub(super) fn x(&self, us: u64) -> f64 {
        let inside = self.segments.iter().find(|segment| us < segment.to_us);
        inside.or(self.segments.last()).map_or(0.0, |segment| segment.place(us))
    }
}

/// The end of the drawing: that of the scan, or of what it recorded last; a little more than nothing.
pub(super) fn end(timeline: &Timeline) -> u64 {
    let last = timeline.bars.iter().map(|bar| bar.ended_us).max().unwrap_or(0);
    timeline.duration_us.max(last).max(1_000)
}

/// A request that was waited for so long is like a held stream: only its ends are activity.
fn long(bar: &Bar, end_us: u64) -> bool {
    bar.us() > 1_000_000.min(end_us / 4)
}

/// The longest times in which nothing begins or ends, in order.
fn quiet(timeline: &Timeline, end_us: u64) -> Vec<(u64, u64)> {
    let mut busy: Vec<(u64, u64)> = Vec::new();
    for bar in &timeline.bars {
        let from = bar.opening_us.unwrap_or(bar.started_us).min(bar.started_us);
        if long(bar, end_us) {
            busy.push((from, bar.started_us));
            busy.push((bar.ended_us, bar.ended_us));
        } else {
            busy.push((from, bar.ended_us));
        }
    }
    busy.push((end_us, end_us));
    busy.sort_unstable();
    let mut gaps = Vec::new();
    let mut at = 0;
    for (from, to) in busy {
        if from > at && from.saturating_sub(at) >= QUIET_US {
            // A margin, so that no bar touches the break.
            let margin = (from.saturating_sub(at) / 200).min(4_000);
            gaps.push((at.saturating_add(margin), from.saturating_sub(margin)));
        }
        at = at.max(to);
    }
    gaps.sort_by_key(|(from, to)| std::cmp::Reverse(to.saturating_sub(*from)));
    gaps.truncate(MOST_QUIET);
    gaps.sort_unstable();
    gaps
}

/// Every ruler gets a least width; of the rest most goes to requests, to longer ones more, but less than
/// their time would give them.
fn lay_out(segments: &mut [Segment], x: f64, width: f64) {
    let least = |busy: bool| if busy { width / 28.0 } else { width / 8.0 };
    let weight = |segment: &Segment| (segment.us() as f64).powf(0.7);
    let sum = |segments: &[Segment], busy: bool| -> f64 {
        segments.iter().filter(|segment| segment.busy == busy).map(weight).sum()
    };
    let spare = width - segments.iter().map(|segment| least(segment.busy)).sum::<f64>();
    let (busy, idle) = (sum(segments, true), sum(segments, false));
    let share = |of_busy: bool| match of_busy {
        _ if busy == 0.0 || idle == 0.0 => 1.0,
        true => 0.76,
        false => 0.24,
    };
    let mut at = x;
    for segment in segments {
        let all = if segment.busy { busy } else { idle };
        segment.x = at;
        segment.width = least(segment.busy) + spare * share(segment.busy) * weight(segment) / all;
        at += segment.width;
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::checks::synthetic::{Scan, discover, get};
    use crate::report::timeline::read;
    use crate::transcript::ProbeId;

    fn scale(scan: &Scan) -> Scale {
        Scale::of(&read(&scan.transcript), 100.0, 800.0)
    }

    fn watched() -> Scan {
        let mut scan = Scan::modern()
            .with(
                get(ProbeId::Idle, "get").stream("data: x\n\n: ping\n\n", 15_000_000).held_until(15_100_000),
            )
            .with(discover());
        scan = scan.with(discover());
        scan
    }

    #[test]
    fn rulers_cover_the_width_without_holes_and_in_order() {
        let scale = scale(&watched());
        assert!(scale.broken());
        let first = scale.segments.first().unwrap();
        let last = scale.segments.last().unwrap();
        assert!((first.x - 100.0).abs() < 1e-6 && (last.x + last.width - 900.0).abs() < 1e-6);
        for pair in scale.segments.windows(2) {
            assert_eq!(pair[0].to_us, pair[1].from_us);
            assert!((pair[0].x + pair[0].width - pair[1].x).abs() < 1e-6);
        }
        let mut before = 0.0;
        for us in (0..15_200_000).step_by(7_919) {
            assert!(scale.x(us) >= before);
            before = scale.x(us);
        }
        assert!(scale.x(u64::MAX) <= 900.0 + 1e-6);
    }

    #[test]
    fn the_rush_gets_most_of_the_width_and_the_silence_some() {
        let scale = scale(&watched());
        let busy: f64 =
            scale.segments.iter().filter(|segment| segment.busy).map(|segment| segment.width).sum();
        assert!(busy > 400.0 && busy < 700.0, "{busy}");
    }

    #[test]
    fn a_scan_without_a_watch_has_one_ruler() {
        assert!(!scale(&Scan::modern()).broken());
        assert_eq!(Scale::of(&Timeline::default(), 0.0, 100.0).segments.len(), 1);
    }

    #[test]
    fn ticks_are_round_and_apart() {
        let segment = Segment { from_us: 3_100, to_us: 178_000, x: 0.0, width: 600.0, busy: true };
        let ticks = segment.ticks(60.0);
        assert_eq!(ticks.get(..2), Some(&[20_000, 40_000][..]));
        assert!(ticks.len() >= 5);
    }
}
