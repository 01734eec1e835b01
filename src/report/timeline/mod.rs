//! What happened when: the model behind the drawn timelines. Bounded, whatever was recorded.

mod ids;

use super::conversations::words;
use crate::facts::arrivals::{self, SILENCE_US};
use crate::facts::summary::sent;
use crate::transcript::{Content, Ended, Exchange, Expectation, MESSAGE, ProbeId, Transcript};

pub use crate::facts::arrivals::{Arrival, ArrivalKind, Silence};
pub use ids::{EventId, Resumption};
use ids::{ids, resumes};

/// Most arrivals kept of one stream: closer ones are one mark.
const MOST_ARRIVALS: u64 = 240;

/// What a request is called of which one thing is wrong.
const WRONG: &str = "wrong on purpose";

/// The scan as bars on a time axis.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Timeline {
    /// Length of the scan, microseconds.
    pub duration_us: u64,
    /// One for each exchange, in order of starting.
    pub bars: Vec<Bar>,
}

/// One exchange on the time axis. Times are microseconds since the scan began.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Bar {
    /// The exchange.
    pub exchange: u32,
    /// The conversation it belongs to.
    pub probe: ProbeId,
    /// Its part in that. Escape at the sink.
    pub step: String,
    /// HTTP method.
    pub method: String,
    /// The URL it was sent to, masked. Escape at the sink.
    pub url: String,
    /// Plain, negative or teardown.
    pub expectation: Expectation,
    /// Whether it was sent: a connection that never came up is an attempt and no request.
    pub sent: bool,
    /// Number of the TCP connection.
    pub connection: u32,
    /// When that connection began to be opened, on the exchange that opened it.
    pub opening_us: Option<u64>,
    /// When sending began.
    pub started_us: u64,
    /// When the reply's head was complete.
    pub head_us: Option<u64>,
    /// When it ended.
    pub ended_us: u64,
    /// How it ended.
    pub ended: Ended,
    /// Status of the reply.
    pub status: Option<u16>,
    /// What went wrong below the application, in words. May quote remote text.
    pub failure: Option<String>,
    /// Payload bytes received.
    pub bytes: u64,
    /// Whether the reply was an event stream or a WebSocket.
    pub streams: bool,
    /// What arrived on the stream, in order; at most [`MOST_ARRIVALS`] marks.
    pub arrivals: Vec<Arrival>,
    /// Longest time without a byte between head and end, and when it began.
    pub silence: Option<Silence>,
    /// The stream that this one takes up again.
    pub resumes: Option<Resumption>,
    /// Event ids in order, of a stream that was taken up again or takes one up; at most [`MOST_IDS`].
    pub ids: Vec<EventId>,
}

/// What became of a request, as far as its colour goes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum BarOutcome {
    /// 1xx or 2xx.
    Served,
    /// 3xx or 4xx.
    Refused,
    /// 5xx, or no proper answer.
    Broken,
}

impl Bar {
    /// What became of it.
    #[must_use]
    pub fn outcome(&self) -> BarOutcome {
        match self.status {
            _ if self.ended == Ended::Failed || self.failure.is_some() => BarOutcome::Broken,
            Some(100..=299) => BarOutcome::Served,
            Some(300..=499) => BarOutcome::Refused,
            // A message has no status of its own.
            None if self.method == MESSAGE => BarOutcome::Served,
            _ => BarOutcome::Broken,
        }
    }

    /// How long it took, microseconds.
    #[must_use]
    pub const fn us(&self) -> u64 {
        self.ended_us.saturating_sub(self.started_us)
    }

    /// How long it was open for what the endpoint had to say, microseconds. Waiting for its head is not
    /// watching it.
    #[must_use]
    pub fn watched_us(&self) -> u64 {
        self.ended_us.saturating_sub(self.head_us.unwrap_or(self.started_us))
    }

    /// Whether it was a stream open long enough to be silent.
    #[must_use]
    pub fn held(&self) -> bool {
        self.streams && self.watched_us() >= SILENCE_US
    }

    /// Status or failure in words. May quote remote text.
    #[must_use]
    pub fn answer(&self) -> String {
        match (self.status, &self.failure) {
            (Some(status), None) => status.to_string(),
            (Some(status), Some(failure)) => format!("{status}, then {failure}"),
            (None, Some(failure)) => failure.clone(),
            (None, None) if self.method == MESSAGE && self.bytes > 0 => "answered".to_owned(),
            (None, None) if self.method == MESSAGE => "sent".to_owned(),
            (None, None) => "no answer".to_owned(),
        }
    }

    /// The heading of a stream with a row of its own.
    #[must_use]
    pub fn name(&self) -> String {
        match (self.probe, self.status) {
            (ProbeId::Classify | ProbeId::Siblings, Some(101)) => words(ProbeId::WebSocket),
            (ProbeId::Classify | ProbeId::Siblings, _) => "Event stream".to_owned(),
            _ => words(self.probe),
        }
    }

    /// What is unusual about the request, in words; `None` for a plain one and for what cleans up. Not
    /// everything that counts for no latency is wrong: some requests only ask in another way.
    #[must_use]
    pub fn unusual(&self) -> Option<&'static str> {
        if self.expectation != Expectation::Negative {
            return None;
        }
        Some(match (self.probe, self.step.as_str()) {
            (ProbeId::Browser, "preflight") => "a browser's question beforehand",
            (ProbeId::Delivery, _) => "the same again, compression allowed",
            (ProbeId::Resume, "cut") => "cut by us",
            (ProbeId::Resume, "resume-other") => "from another session",
            (ProbeId::Auth, _) => "without the credential",
            _ => WRONG,
        })
    }

    /// Whether one thing of the request is wrong on purpose.
    #[must_use]
    pub fn wrong(&self) -> bool {
        self.unusual() == Some(WRONG)
    }

    /// The silence that lasted to the end, if it was longer than a stream that is kept alive is silent.
    #[must_use]
    pub fn flat(&self) -> Option<Silence> {
        self.silence.filter(|gap| gap.to_us == self.ended_us && gap.too_long())
    }

    /// Status in a word or two, without remote text.
    #[must_use]
    pub fn answer_short(&self) -> String {
        self.status.map_or_else(|| "no answer".to_owned(), |status| format!("answered {status}"))
    }

    /// What arrived, in words: `2 events, 1 comment`; empty for nothing.
    #[must_use]
    pub fn arrived(&self) -> String {
        let mut said = Vec::new();
        for kind in [ArrivalKind::Event, ArrivalKind::Comment, ArrivalKind::Field] {
            let count: u32 =
                self.arrivals.iter().filter(|mark| mark.kind == kind).map(|mark| mark.count).sum();
            match count {
                0 => {}
                1 => said.push(format!("1 {}", kind.words())),
                _ => said.push(format!("{count} {}s", kind.words())),
            }
        }
        said.join(", ")
    }
}

/// Reads the timeline of a transcript.
#[must_use]
pub fn read(transcript: &Transcript) -> Timeline {
    let exchanges = &transcript.exchanges;
    let mut bars: Vec<Bar> = exchanges
        .iter()
        .enumerate()
        .map(|(index, exchange)| bar(exchange, exchanges.get(..index).unwrap_or_default()))
        .collect();
    let dropped: Vec<u32> = bars.iter().filter_map(|bar| Some(bar.resumes.as_ref()?.exchange)).collect();
    for (bar, exchange) in bars.iter_mut().zip(exchanges) {
        if bar.resumes.is_some() || dropped.contains(&bar.exchange) {
            bar.ids = ids(exchange);
        }
    }
    Timeline { duration_us: transcript.duration_us(), bars }
}

fn bar(exchange: &Exchange, earlier: &[Exchange]) -> Bar {
    let all = arrivals::of(&exchange.content);
    let socket = matches!(exchange.content, Content::Frames { .. });
    let streams = (socket && !exchange.is_message())
        || exchange.lines().is_some()
        || (exchange.ok() && exchange.declares_event_stream());
    let head_us = exchange.head.as_ref().map(|head| head.at_us);
    Bar {
        exchange: exchange.id,
        probe: exchange.probe,
        step: exchange.step.clone(),
        method: exchange.request.method.clone(),
        url: exchange.request.url.clone(),
        expectation: exchange.expectation,
        sent: sent(exchange),
        connection: exchange.connection,
        opening_us: exchange.connect.as_ref().map(|connect| connect.started_us),
        started_us: exchange.started_us,
        head_us,
        ended_us: exchange.ended_us.max(exchange.started_us),
        ended: exchange.ended,
        status: exchange.status(),
        failure: exchange.failure.as_ref().map(crate::transcript::Failure::words),
        bytes: exchange.content.bytes(),
        streams,
        silence: head_us
            .filter(|_| streams)
            .and_then(|head| arrivals::longest(head, &all, exchange.ended_us)),
        arrivals: thinned(all, exchange.started_us, exchange.ended_us),
        resumes: resumes(exchange, earlier),
        ids: Vec::new(),
    }
}

/// The same with marks that no drawing could tell apart joined.
fn thinned(all: Vec<Arrival>, from_us: u64, to_us: u64) -> Vec<Arrival> {
    if all.len() as u64 <= MOST_ARRIVALS {
        return all;
    }
    let slot_us = (to_us.saturating_sub(from_us) / MOST_ARRIVALS).max(1);
    let slot = |at_us: u64| (at_us.saturating_sub(from_us) / slot_us).min(MOST_ARRIVALS - 1);
    let mut kept: Vec<Arrival> = Vec::new();
    for mark in all {
        match kept.last_mut() {
            Some(last) if slot(last.at_us) == slot(mark.at_us) => {
                last.kind = last.kind.max(mark.kind);
                last.count = last.count.saturating_add(mark.count);
            }
            _ => kept.push(mark),
        }
    }
    kept
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::checks::synthetic::{Scan, get};

    fn last(scan: &Scan) -> Bar {
        read(&scan.transcript).bars.pop().unwrap()
    }

    #[test]
    fn what_comes_in_one_read_is_one_arrival_of_its_most_telling_kind() {
        let made = get(ProbeId::Idle, "get").stream("retry: 5\nid: 1\ndata: x\n\n: ping\n\n", 15_000_000);
        let bar = last(&Scan::empty().with(made.held_until(16_000_000)));
        let kinds: Vec<ArrivalKind> = bar.arrivals.iter().map(|mark| mark.kind).collect();
        assert_eq!(kinds, [ArrivalKind::Event, ArrivalKind::Comment]);
        assert_eq!(bar.arrived(), "1 event, 1 comment");
        assert_eq!(bar.silence.unwrap().us(), 15_000_000);
        assert!(bar.held());
    }

    #[test]
    fn what_only_asks_in_another_way_is_not_called_wrong() {
        let said = |probe, step| last(&Scan::empty().with(get(probe, step).negative().status(200))).unusual();
        assert_eq!(said(ProbeId::Browser, "origin"), Some(WRONG));
        assert_eq!(said(ProbeId::BadInput, "empty"), Some(WRONG));
        for (probe, step) in [
            (ProbeId::Browser, "preflight"),
            (ProbeId::Delivery, "post"),
            (ProbeId::Resume, "cut"),
            (ProbeId::Resume, "resume-other"),
            (ProbeId::Auth, "tools/list"),
        ] {
            assert!(said(probe, step).is_some_and(|words| words != WRONG), "{probe:?} {step}");
        }
        assert_eq!(last(&Scan::empty().with(get(ProbeId::Delivery, "get").status(200))).unusual(), None);
    }

    #[test]
    fn a_flat_line_is_silent_from_head_to_end() {
        let made = get(ProbeId::Idle, "get").header("content-type", "text/event-stream");
        let bar = last(&Scan::empty().with(made.held_until(35_000_000)));
        assert!(bar.arrivals.is_empty() && bar.arrived().is_empty());
        assert_eq!(bar.silence.unwrap().us(), 34_995_000);
        assert!(bar.flat().is_some());
        // A stream that spoke may be silent until its next keep-alive is due.
        let made = get(ProbeId::Idle, "get").stream("data: x\n\n", 0).held_until(14_000_000);
        let bar = last(&Scan::empty().with(made));
        assert_eq!((bar.flat(), bar.silence.is_some()), (None, true));
    }

    #[test]
    fn a_flood_is_bounded_and_still_counted() {
        let made = get(ProbeId::Idle, "get").stream(&"data: x\n\n".repeat(5_000), 1_000);
        let bar = last(&Scan::empty().with(made.held_until(5_100_000)));
        assert!(bar.arrivals.len() <= 240, "{}", bar.arrivals.len());
        assert_eq!(bar.arrived(), "5000 events");
    }

    #[test]
    fn a_resumption_points_at_the_stream_that_brought_the_id() {
        let scan = Scan::empty()
            .with(get(ProbeId::Idle, "get").stream("id: a\ndata: 1\n\n", 0))
            .with(get(ProbeId::Idle, "get").stream("id: b\ndata: 1\n\n", 0))
            .with(get(ProbeId::Idle, "again").sending("last-event-id", "a").stream("id: b\n\n", 0));
        let bar = last(&scan);
        assert_eq!(bar.resumes, Some(Resumption { exchange: 2, after: "a".to_owned() }));
        assert_eq!(bar.ids, [EventId { id: "b".to_owned(), priming: true }]);
        let ids: Vec<usize> = read(&scan.transcript).bars.iter().map(|bar| bar.ids.len()).collect();
        assert_eq!(ids, [0, 1, 0, 1], "only of streams that belong together");
        let unknown = scan.with(get(ProbeId::Idle, "again").sending("last-event-id", "z").status(200));
        assert_eq!(last(&unknown).resumes, None);
    }
}
