//! Readings that the report shows beside the findings: keep-alives, footprint; and which exchanges are calls.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::protocol::revision::Era;
use crate::protocol::sse::{Line, LineKind};
use crate::transcript::{Exchange, Expectation, Failure, ProbeId, TokenKind, Transcript};

/// Whether an exchange counts for latency and error rates: a plain call to the endpoint itself that
/// can be answered at once. A GET may stay silent, so it counts only as the BASE of a feed; and a listen
/// stream that was held back or cut is the way's fault as often as the server's: the checks of event
/// streams judge it.
#[must_use]
pub fn measured(exchange: &Exchange) -> bool {
    let lost = exchange.failure.is_some() && matches!(exchange.status(), None | Some(200));
    exchange.expectation == Expectation::Plain
        && exchange.probe != ProbeId::Siblings
        && !(exchange.probe == ProbeId::Listen && exchange.step == "listen" && lost)
        && (exchange.request.method == "POST" || exchange.is_message() || exchange.probe == ProbeId::Load)
}

/// Whether an exchange is a call that counts where these eras are spoken: a question in another era need not
/// succeed, nor, where MCP is spoken `elsewhere` than in replies to POSTs (HTTP+SSE, a WebSocket), a POST
/// that asked what speaks here.
pub fn is_call(exchange: &Exchange, spoken: impl FnOnce(Era) -> bool, elsewhere: bool) -> bool {
    measured(exchange)
        && exchange.era.is_none_or(spoken)
        && !(elsewhere && exchange.probe == ProbeId::Classify)
}

/// Whether an exchange was not served because of a limit of rate or a server error: that is counted as a
/// fault, and its time says nothing.
#[must_use]
pub fn unserved(exchange: &Exchange) -> bool {
    matches!(exchange.status(), Some(429 | 500..))
}

/// Nearest-rank percentile of sorted values; 0 for none.
#[must_use]
pub fn percentile(sorted: &[u64], percent: usize) -> u64 {
    let rank = sorted.len().saturating_mul(percent).div_ceil(100).saturating_sub(1);
    sorted.get(rank).copied().unwrap_or(0)
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

/// Shorter pauses are not silence: one burst may come in several reads.
pub const SILENCE_US: u64 = 200_000;
/// An arrival after so much silence settles the watch: the stream said something by itself.
pub const SETTLED_US: u64 = 400_000;

/// What comes sooner after the head than this opens the stream (a greeting, an `endpoint` event, the
/// last few events of a feed) and ends no silence: a stream says something when it begins. Less than two
/// seconds, so that the second of two keep-alives a second apart counts.
pub const OPENING_US: u64 = 1_800_000;

/// A silence and what ended it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Gap {
    /// Its length in microseconds.
    pub us: u64,
    /// When it ended, microseconds since the scan began.
    pub ended_us: u64,
    /// What ended it: `comment`, `event`, `field` or `blank`.
    pub kind: &'static str,
}

/// The silences of a stream between its head and its last arrival; those that ended while the stream
/// opened are none.
#[must_use]
pub fn gaps(head_us: u64, lines: &[Line]) -> Vec<Gap> {
    let mut found: Vec<Gap> = Vec::new();
    let mut before = head_us;
    for line in lines {
        let kind = match line.kind() {
            LineKind::Comment(_) => "comment",
            LineKind::Blank => "blank",
            LineKind::Field(..) => "event",
            LineKind::Unknown(_) => "field",
        };
        let us = line.at_us.saturating_sub(before);
        let opening = line.at_us.saturating_sub(head_us) < OPENING_US;
        if us >= SILENCE_US && !opening {
            found.push(Gap { us, ended_us: line.at_us, kind });
        } else if let Some(last) =
            found.last_mut().filter(|last| last.ended_us == line.at_us && last.kind == "blank")
        {
            // One read may begin with the blank line that ends the event before.
            last.kind = kind;
        }
        before = line.at_us;
    }
    found
}

/// Reads the keep-alives of one held stream; `None` without a head.
#[must_use]
pub fn keep_alive(exchange: &Exchange) -> Option<KeepAlive> {
    let head = exchange.head.as_ref()?;
    let lines = exchange.lines().unwrap_or_default();
    let gaps = gaps(head.at_us, lines);
    let mut arrivals: Vec<u64> = lines.iter().map(|line| line.at_us).collect();
    arrivals.dedup();
    let last = exchange.ended_us.saturating_sub(arrivals.last().copied().unwrap_or(head.at_us));
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
        kind: gaps.first().map_or("none", |gap| gap.kind).to_owned(),
    })
}

/// The footprint of the scan on the target.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Footprint {
    /// Requests sent.
    pub count: usize,
    /// Bytes of request bodies and header values sent.
    pub bytes_sent: u64,
    /// Bytes of reply bodies and streams received.
    pub bytes_received: u64,
    /// Sessions opened.
    pub sessions_opened: usize,
    /// Sessions for which no DELETE was answered with 2xx, 404 or 405.
    pub sessions_left: usize,
}

/// Whether a request was sent at all: a connection that never came up sent nothing.
#[must_use]
pub fn sent(exchange: &Exchange) -> bool {
    exchange.head.is_some() || !exchange.failure.as_ref().is_some_and(Failure::before_http)
}

/// Reads the footprint.
#[must_use]
pub fn footprint(transcript: &Transcript) -> Footprint {
    let mut print = Footprint::default();
    let mut opened: Vec<&str> = Vec::new();
    let mut ended: Vec<&str> = Vec::new();
    for exchange in &transcript.exchanges {
        if !sent(exchange) {
            continue;
        }
        print.count = print.count.saturating_add(1);
        let request = &exchange.request;
        // Each header line has a colon, a space and a line end.
        let line = |(name, value): &(String, String)| [name.len(), value.len(), 4].into_iter().sum::<usize>();
        let headers: usize = request.headers.iter().map(line).sum();
        let sent = headers.saturating_add(request.body.as_ref().map_or(0, String::len));
        print.bytes_sent = print.bytes_sent.saturating_add(sent as u64);
        print.bytes_received = print.bytes_received.saturating_add(exchange.content.bytes());
        if exchange.step.starts_with("initialize") {
            for shape in exchange.shapes.iter().filter(|shape| shape.kind == TokenKind::Session) {
                if !opened.contains(&shape.placeholder.as_str()) {
                    opened.push(&shape.placeholder);
                }
            }
        }
        if exchange.request.method == "DELETE" {
            // 405 and 404 say that there is nothing we could end.
            let done = exchange.ok() || matches!(exchange.status(), Some(404 | 405));
            ended.extend(exchange.session.as_deref().filter(|_| done));
        }
    }
    print.sessions_opened = opened.len();
    print.sessions_left = opened.iter().filter(|session| !ended.contains(session)).count();
    print
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::checks::synthetic::{Scan, get};

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
}
