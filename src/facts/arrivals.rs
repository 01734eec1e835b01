//! Streams that are held to watch them: what arrived and when, and the silences between. The check, the judge,
//! the table and the page all read a stream here, so that they cannot tell different stories of it.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::Kind;
use super::barrier::essence;
use super::summary::percentile;
use crate::protocol::sse::{Field, Line, LineKind};
use crate::transcript::{Content, Direction, Exchange, FrameKind, ProbeId};

/// The requests that hold a stream to watch it: probe and step. What else came as a stream answered something.
pub const HELD: [(ProbeId, &str); 4] = [
    (ProbeId::Classify, "get"),
    (ProbeId::Idle, "get"),
    (ProbeId::LegacyGet, "get"),
    (ProbeId::Listen, "listen"),
];

/// Whether a reply is an event stream that was held to watch it, on an endpoint of this class.
#[must_use]
pub fn held(exchange: &Exchange, kind: Kind) -> bool {
    let asked = HELD.contains(&(exchange.probe, exchange.step.as_str()));
    // The stream that classification found is watched on.
    let found = exchange.probe != ProbeId::Classify
        || matches!(kind, Kind::HttpSse | Kind::EventStream | Kind::Other);
    let streams = exchange.lines().is_some() || essence(exchange).as_deref() == Some("text/event-stream");
    asked && found && exchange.ok() && streams
}

/// Something that arrived on a stream.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Arrival {
    /// When.
    pub at_us: u64,
    /// What; the most telling kind of those that came together.
    pub kind: ArrivalKind,
    /// How many reads this mark stands for.
    pub count: u32,
}

/// What arrived, from the least to the most telling.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum ArrivalKind {
    /// A blank line, an id or a retry alone, an unknown field.
    Field,
    /// A comment, or a ping or pong of a WebSocket.
    Comment,
    /// An event with data, or a WebSocket message.
    Event,
}

impl ArrivalKind {
    /// The kind in words.
    #[must_use]
    pub const fn words(self) -> &'static str {
        match self {
            Self::Field => "field",
            Self::Comment => "comment",
            Self::Event => "event",
        }
    }

    /// What broke a silence, in words: a comment on an idle stream keeps it alive.
    #[must_use]
    pub const fn after_silence(self) -> &'static str {
        match self {
            Self::Comment => "keep-alive",
            Self::Field | Self::Event => self.words(),
        }
    }
}

/// A time without a byte.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Silence {
    /// When it began.
    pub from_us: u64,
    /// When it ended.
    pub to_us: u64,
}

impl Silence {
    /// Its length in microseconds.
    #[must_use]
    pub const fn us(self) -> u64 {
        self.to_us.saturating_sub(self.from_us)
    }

    /// Whether a stream that is kept alive is never silent for so long.
    #[must_use]
    pub const fn too_long(self) -> bool {
        too_long(self.us() / 1_000)
    }
}

/// Shorter pauses are not silence: one burst may come in several reads.
pub const SILENCE_US: u64 = 200_000;
/// An arrival after so much silence settles the watch: the stream said something by itself.
pub const SETTLED_US: u64 = 400_000;

/// What comes sooner after the head than this opens the stream (a greeting, an `endpoint` event, the
/// last few events of a feed) and ends no silence: a stream says something when it begins. Less than two
/// seconds, so that the second of two keep-alives a second apart counts.
pub const OPENING_US: u64 = 1_800_000;

/// The longest silence of a stream that is kept alive, milliseconds: 30 s and the jitter of a timer.
pub const LONGEST_GAP_MS: u64 = 32_000;

/// Whether a stream that is kept alive is never silent for so many milliseconds.
#[must_use]
pub const fn too_long(ms: u64) -> bool {
    ms > LONGEST_GAP_MS
}

/// Every read of a stream or socket that brought something, with the most telling thing in it.
#[must_use]
pub fn of(content: &Content) -> Vec<Arrival> {
    match content {
        Content::Lines { lines, .. } => of_lines(lines),
        Content::Frames { frames } => {
            let received = frames.iter().filter(|frame| frame.direction == Direction::In);
            reads(received.map(|frame| {
                let message = matches!(frame.kind, FrameKind::Text | FrameKind::Binary);
                (frame.at_us, if message { ArrivalKind::Event } else { ArrivalKind::Comment })
            }))
        }
        _ => Vec::new(),
    }
}

/// The same of the lines of an event stream.
#[must_use]
pub fn of_lines(lines: &[Line]) -> Vec<Arrival> {
    reads(lines.iter().map(|line| (line.at_us, kind(line))))
}

/// What came at one moment came in one read.
fn reads(marks: impl Iterator<Item = (u64, ArrivalKind)>) -> Vec<Arrival> {
    let mut found: Vec<Arrival> = Vec::new();
    for (at_us, kind) in marks {
        match found.last_mut() {
            Some(last) if last.at_us == at_us => last.kind = last.kind.max(kind),
            _ => found.push(Arrival { at_us, kind, count: 1 }),
        }
    }
    found
}

fn kind(line: &Line) -> ArrivalKind {
    match line.kind() {
        LineKind::Comment(_) => ArrivalKind::Comment,
        LineKind::Field(Field::Data | Field::Event, _) => ArrivalKind::Event,
        LineKind::Field(..) | LineKind::Blank | LineKind::Unknown(_) => ArrivalKind::Field,
    }
}

/// The longest time without a byte between head and end.
#[must_use]
pub fn longest(head_us: u64, arrivals: &[Arrival], ended_us: u64) -> Option<Silence> {
    let moments = arrivals.iter().map(|mark| mark.at_us).chain([ended_us]);
    let mut before = head_us;
    let mut longest: Option<Silence> = None;
    for at_us in moments {
        let gap = Silence { from_us: before, to_us: at_us };
        if gap.us() >= SILENCE_US && longest.is_none_or(|known| gap.us() > known.us()) {
            longest = Some(gap);
        }
        before = before.max(at_us);
    }
    longest
}

/// A silence and what ended it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Gap {
    /// Its length in microseconds.
    pub us: u64,
    /// When it ended, microseconds since the scan began.
    pub ended_us: u64,
    /// What ended it.
    pub kind: ArrivalKind,
}

/// The silences of a stream between its head and its last arrival; those that ended while the stream
/// opened are none.
#[must_use]
pub fn gaps(head_us: u64, arrivals: &[Arrival]) -> Vec<Gap> {
    let mut found: Vec<Gap> = Vec::new();
    let mut before = head_us;
    for arrival in arrivals {
        let us = arrival.at_us.saturating_sub(before);
        let opening = arrival.at_us.saturating_sub(head_us) < OPENING_US;
        if us >= SILENCE_US && !opening {
            found.push(Gap { us, ended_us: arrival.at_us, kind: arrival.kind });
        }
        before = arrival.at_us;
    }
    found
}

/// What was seen on an idle stream.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct KeepAlive {
    /// The exchange that held the stream.
    pub exchange: u32,
    /// How long it was watched, milliseconds, from its head.
    pub watched_ms: u64,
    /// First arrival after a silence: that silence in milliseconds. `None` if nothing came. What comes
    /// within [`OPENING_US`] of the head opens the stream (a greeting, an `endpoint` event) and ends no
    /// silence.
    pub first_gap_ms: Option<u64>,
    /// Median of the gaps between arrivals, milliseconds, once two gaps were measured.
    pub interval_ms: Option<u64>,
    /// Longest silence, milliseconds, including the one at the end.
    pub longest_gap_ms: u64,
    /// How many arrivals came (reads that completed at least one line).
    pub arrivals: usize,
    /// What arrived after the first silence: `comment`, `event`, `field` or `none`.
    pub kind: String,
}

/// Reads the keep-alives of one held stream; `None` without a head.
#[must_use]
pub fn keep_alive(exchange: &Exchange) -> Option<KeepAlive> {
    let head = exchange.head.as_ref()?;
    let arrivals = of(&exchange.content);
    let gaps = gaps(head.at_us, &arrivals);
    let last = exchange.ended_us.saturating_sub(arrivals.last().map_or(head.at_us, |last| last.at_us));
    let longest = gaps.iter().map(|gap| gap.us).max().unwrap_or(0).max(last);
    // What began with the head and not with an arrival may be a part of an interval: the timer need not have
    // begun with the stream.
    let whole = |gap: &&Gap| gap.ended_us.saturating_sub(gap.us) > head.at_us;
    let mut between: Vec<u64> = gaps.iter().filter(whole).map(|gap| gap.us).collect();
    between.sort_unstable();
    Some(KeepAlive {
        exchange: exchange.id,
        watched_ms: exchange.ended_us.saturating_sub(head.at_us) / 1_000,
        first_gap_ms: gaps.first().map(|gap| gap.us / 1_000),
        interval_ms: (gaps.len() >= 2).then(|| percentile(&between, 50) / 1_000),
        longest_gap_ms: longest / 1_000,
        arrivals: arrivals.len(),
        kind: gaps.first().map_or("none", |gap| gap.kind.words()).to_owned(),
    })
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::checks::synthetic::{Scan, get, post};
    use crate::protocol::revision::Era;

    fn seen(text: &str, gap_us: u64, until_us: u64) -> KeepAlive {
        let scan = Scan::empty()
            .with(get(ProbeId::Idle, "get").status(200).stream(text, gap_us).held_until(until_us));
        keep_alive(scan.transcript.exchanges.last().unwrap()).unwrap()
    }

    #[test]
    fn a_greeting_is_no_keep_alive() {
        let mut scan = Scan::empty().with(
            get(ProbeId::Idle, "get")
                .status(200)
                .stream("event: endpoint\ndata: /m\n\n", 0)
                .held_until(35_005_000),
        );
        let exchange = scan.transcript.exchanges.last_mut().unwrap();
        if let crate::transcript::Content::Lines { lines, .. } = &mut exchange.content {
            // Half a second after the head: a slow start, not a sign of life on an idle stream.
            lines.iter_mut().for_each(|line| line.at_us += 500_000);
        }
        let read = keep_alive(scan.transcript.exchanges.last().unwrap()).unwrap();
        assert_eq!(read.first_gap_ms, None);
        assert!(read.longest_gap_ms > 34_000);
    }

    #[test]
    fn events_that_follow_each_other_at_the_start_are_no_keep_alives() {
        // Three events half a second apart, then silence: the stream opened, and says no more.
        let burst = "data: 1\n\ndata: 2\n\ndata: 3\n\n";
        let read = seen(burst, 500_000, 35_005_000);
        assert_eq!((read.first_gap_ms, read.kind.as_str()), (None, "none"));
        assert!(read.longest_gap_ms > 33_000, "{}", read.longest_gap_ms);
        // What comes later ends a silence, counted from the byte before.
        let kept = seen(&format!("{burst}: ping\n\n"), 1_000_000, 3_200_000);
        assert_eq!(kept.first_gap_ms, Some(1_000));
    }

    #[test]
    fn a_comment_after_silence_is_a_first_gap_and_two_are_an_interval() {
        let one = seen("data: x\n\n: ping\n\n", 15_000_000, 15_100_000);
        assert_eq!((one.first_gap_ms, one.interval_ms), (Some(15_000), None));
        assert_eq!(one.kind, "comment");
        let two = seen("data: x\n\n: ping\n\n: ping\n\n", 15_000_000, 30_100_000);
        assert_eq!(two.interval_ms, Some(15_000));
    }

    #[test]
    fn an_interval_lies_between_arrivals() {
        let mut scan = Scan::empty()
            .with(get(ProbeId::Idle, "get").status(200).stream(": a\n\n: b\n\n", 0).held_until(5_000_000));
        let exchange = scan.transcript.exchanges.last_mut().unwrap();
        let head_us = exchange.head.as_ref().unwrap().at_us;
        if let crate::transcript::Content::Lines { lines, .. } = &mut exchange.content {
            // The timer of a feed had begun before us.
            for (line, after_us) in lines.iter_mut().zip([1_900_000, 1_900_000, 4_900_000, 4_900_000]) {
                line.at_us = head_us + after_us;
            }
        }
        let read = keep_alive(scan.transcript.exchanges.last().unwrap()).unwrap();
        assert_eq!((read.first_gap_ms, read.interval_ms), (Some(1_900), Some(3_000)));
    }

    #[test]
    fn a_lone_retry_is_a_field_in_the_finding_as_on_the_page() {
        let scan = Scan::empty().with(
            get(ProbeId::Idle, "get")
                .status(200)
                .stream("data: x\n\nretry: 5\n", 15_000_000)
                .held_until(15_100_000),
        );
        let exchange = scan.transcript.exchanges.last().unwrap();
        assert_eq!(keep_alive(exchange).unwrap().kind, "field");
        let drawn = crate::report::timeline::read(&scan.transcript).bars.pop().unwrap();
        assert_eq!(drawn.arrivals.last().unwrap().kind.words(), "field");
    }

    #[test]
    fn what_is_drawn_as_dead_is_what_is_judged_too_long() {
        for (until_us, dead) in [(31_505_000, false), (32_004_000, false), (32_006_000, true)] {
            let made = get(ProbeId::LegacyGet, "get").status(200).stream("", 0).held_until(until_us);
            let scan = Scan::legacy(true).with(made);
            let drawn = crate::report::timeline::read(&scan.transcript).bars.pop().unwrap();
            assert_eq!(drawn.flat().is_some(), dead, "{until_us}");
            let exchange = scan.transcript.exchanges.last().unwrap();
            assert_eq!(too_long(keep_alive(exchange).unwrap().longest_gap_ms), dead, "{until_us}");
        }
    }

    #[test]
    fn an_answer_that_came_as_a_stream_was_not_watched() {
        let list = post(
            ProbeId::Listen,
            "resources",
            Era::Modern,
            json!({"jsonrpc":"2.0","id":3,"method":"resources/list"}),
        );
        let made = list.stream("data: {\"jsonrpc\":\"2.0\",\"id\":3,\"result\":{}}\n\n", 0);
        let scan = Scan::modern().with(made);
        assert!(!held(scan.transcript.exchanges.last().unwrap(), Kind::Modern));
        let report = crate::judge::judge(
            &scan.transcript,
            &crate::rubric::Rubric::default_rubric(),
            &crate::gate::Gates::default(),
        );
        assert_eq!(report.keep_alive, None);
    }
}
