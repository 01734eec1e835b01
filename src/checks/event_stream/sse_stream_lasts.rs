//! A stream that is there to be held should last, or say when to come back.

use crate::checks::prelude::*;
use crate::facts::Kind;
use crate::facts::arrivals::{HELD, held};
use crate::facts::streams::{cut_short, ended_after_us};
use crate::protocol::sse::{self, Block, Field, LineKind};
use crate::transcript::Profile;
use crate::verdict::milliseconds;

pub(super) static CHECK: Check = Check {
    id: "sse-stream-lasts",
    title: "An idle stream stays open, or says when to come back",
    dimension: Dimension::D8,
    severity: Severity::Medium,
    level: Level::Should,
    applies: Applies::to(
        &[Transport::StreamableHttp, Transport::HttpSse, Transport::EventStream],
        Gated::Unseen,
    ),
    reads: Reads::Of(&[ProbeId::Classify, ProbeId::Idle, ProbeId::LegacyGet, ProbeId::Listen]),
    basis: &[
        Basis {
            title: "MCP 2025-11-25, Transports, Sending Messages to the Server, item 6 (`retry` before a close)",
            url: "https://modelcontextprotocol.io/specification/2025-11-25/basic/transports#sending-messages-to-the-server",
        },
        Basis {
            title: "WHATWG HTML, Server-sent events, Processing model (clients reconnect)",
            url: "https://html.spec.whatwg.org/multipage/server-sent-events.html#sse-processing-model",
        },
    ],
    rationale: "Clients open a stream that ended again, at once and for ever; what the server says in between reaches \
                nobody. Over HTTP+SSE the session ends with its stream.",
    remediation: "Keep the stream open and write a comment every 15 s. If a platform ends every response after some \
                  seconds, raise its limit for this path, or answer GET with 405 where the server has nothing to say \
                  unasked; where streams must end, send `retry: 5000` before. For nginx: `proxy_read_timeout 3600s`; \
                  for serverless platforms: their maximum duration.",
    causes: &[],
    how: How {
        sent: "The stream that is watched for keep-alives. If its other end closes it without a `retry`, it is opened \
               twice more, once where it lasted 12 s or longer.",
        passes: "It is open when the watch ends.",
        warns: "Every opening ended within the watch, without `retry`; or at once, although nothing had been said.",
        fails: "HTTP+SSE: the session ends with its stream, all three times.",
    },
    judge,
};

/// A stream that lasted so long is opened once more, not twice, microseconds.
const LONG_US: u64 = 12_000_000;
/// A stream that ended sooner ended at once, microseconds.
const AT_ONCE_US: u64 = 1_000_000;
/// Limits of proxies and platforms, seconds, and how exactly they are met, microseconds.
const ROUND: [u64; 5] = [5, 10, 15, 30, 60];
const EXACT_US: u64 = 300_000;
/// Silence for which `sse-keepalive` blames a cut, microseconds.
const SILENT_US: u64 = 5_000_000;

fn judge(facts: &Facts<'_>) -> Judgement {
    let kind = facts.class().kind;
    let mut seen = Observations::new();
    let mut undecided = None;
    let mut open = String::new();
    let firsts = HELD.iter().flat_map(|(probe, step)| facts.steps(*probe, step));
    for first in firsts.filter(|exchange| held(exchange, kind)) {
        match stream(facts, first) {
            Ok(verdict) => {
                if verdict.status == Status::Pass && open.is_empty() {
                    open.clone_from(&verdict.message);
                }
                seen.push(verdict);
            }
            Err(reason) => undecided = Some(reason),
        }
    }
    match undecided {
        Some(reason) if seen.count(Status::Warn) == 0 && seen.count(Status::Fail) == 0 => Err(reason),
        None if seen.is_empty() => not_applicable("no long-lived stream was opened"),
        _ => seen.verdict(open, ""),
    }
}

fn stream(facts: &Facts<'_>, first: &Exchange) -> Judgement {
    if facts.profile() == Profile::Quick {
        return inconclusive("not watched: the quick profile leaves it out; scan with the standard profile");
    }
    let Some(age_us) = ended_after_us(first) else {
        let head = first.head.as_ref().map_or(first.started_us, |head| head.at_us);
        let open = milliseconds(first.ended_us.saturating_sub(head));
        return pass(Evidence::status(first), format!("a stream was open for {open}, when the watch ended"));
    };
    let at = Evidence::new(first, "time", format!("ended after {}", milliseconds(age_us)));
    if let Some(reason) = in_order(first) {
        return info(at, format!("a stream ended after {}, {reason}", milliseconds(age_us)));
    }
    let last = first.lines().and_then(|lines| lines.last()).map(|line| line.at_us);
    let quiet_us = last.map_or(age_us, |last| first.ended_us.saturating_sub(last));
    if cut_short(first) && quiet_us >= SILENT_US {
        return not_applicable("a stream was cut in silence: see `sse-keepalive`");
    }
    let probe = if first.probe == ProbeId::Classify { ProbeId::Idle } else { first.probe };
    let again: Vec<&Exchange> =
        facts.of(probe).filter(|exchange| exchange.step.starts_with("again ") && exchange.ok()).collect();
    let needed = if age_us >= LONG_US { 1 } else { 2 };
    let ages: Vec<u64> = again.iter().filter_map(|exchange| ended_after_us(exchange)).collect();
    let times = ages.len().saturating_add(1);
    let shown = |ages: &[u64]| {
        let all = std::iter::once(&age_us).chain(ages);
        all.map(|age| milliseconds(*age)).collect::<Vec<_>>().join(", ")
    };
    if again.len() > ages.len() {
        return inconclusive(format!("a stream ended after {}, and stayed when opened again", shown(&[])));
    }
    if ages.len() < needed {
        return inconclusive(format!(
            "a stream ended after {}, and was not opened often enough to tell whether all do",
            shown(&ages)
        ));
    }
    // A feed that said what it had to say is over.
    if age_us < AT_ONCE_US && said(first) && facts.class().kind == Kind::EventStream {
        return info(at, "the stream is finite: it ended once its events were sent");
    }
    let how = if cut_short(first) { "broken off" } else { "ended by the server or something before it" };
    let mut message =
        format!("{how} every time, {times} of {times}: after {}, without `retry`", shown(&ages));
    let round = ROUND.iter().find(|seconds| age_us.abs_diff(seconds.saturating_mul(1_000_000)) < EXACT_US);
    if let Some(proxy) = facts.proxy().filter(|_| round.is_some() || cut_short(first)) {
        message.push_str(&format!("; replies name a proxy that may have a limit: `{proxy}`"));
    } else if let Some(seconds) = round {
        message.push_str(&format!(", as by a limit of {seconds} s"));
    }
    let dies = facts.class().kind == Kind::HttpSse && times >= 3;
    if dies {
        message.push_str("; the session ends with its stream");
    }
    Ok(Verdict::of(if dies { Status::Fail } else { Status::Warn }, vec![at], message))
}

/// Why a stream may end: it said when to come back, or that it is over.
fn in_order(exchange: &Exchange) -> Option<&'static str> {
    let lines = exchange.lines().unwrap_or_default();
    if lines.iter().any(|line| matches!(line.kind(), LineKind::Field(Field::Retry, _))) {
        return Some("having said when to come back (`retry`)");
    }
    let done = |block: &Block| block.data.as_deref().is_some_and(|data| data.trim() == "[DONE]");
    if sse::blocks(lines).iter().any(done) {
        return Some("having said that it is done");
    }
    let listen = exchange.probe == ProbeId::Listen;
    (listen && crate::facts::reply::read(exchange).answer.is_some()).then_some("with its result")
}

fn said(exchange: &Exchange) -> bool {
    sse::blocks(exchange.lines().unwrap_or_default())
        .iter()
        .any(|block| block.dispatched() && block.data.as_deref().is_some_and(|data| !data.is_empty()))
}

#[cfg(test)]
mod tests {
    use super::CHECK;
    use crate::checks::synthetic::{Made, Scan, get};
    use crate::finding::Finding;
    use crate::protocol::revision::Era;
    use crate::transcript::{Ended, FailureKind, Phase, ProbeId, Profile};
    use crate::verdict::Status;

    fn opened(step: &str, text: &str, for_us: u64) -> Made {
        let mut made = get(ProbeId::LegacyGet, step).status(200).stream(text, 0).held_until(for_us);
        made.made.era = Some(Era::Legacy);
        made.made.ended = Ended::Complete;
        made
    }

    fn judged(made: impl IntoIterator<Item = Made>) -> Finding {
        made.into_iter().fold(Scan::legacy(true), Scan::with).judge(&CHECK)
    }

    fn thrice(text: &str, for_us: u64) -> [Made; 3] {
        ["get", "again 1", "again 2"].map(|step| opened(step, text, for_us))
    }

    #[test]
    fn passes_where_it_is_open_when_the_watch_ends() {
        let mut open = opened("get", ": hi\n\n", 15_000_000);
        open.made.ended = Ended::ByUs;
        let finding = judged([open]);
        assert!(finding.status == Status::Pass && finding.message.contains("14.99 s"), "{}", finding.message);
    }

    #[test]
    fn warns_where_every_opening_ends() {
        for (text, us) in [(": hi\n\n", 20_000), (": hi\n\n", 4_000_000), ("data: x\n\n", 9_990_000)] {
            let finding = judged(thrice(text, us));
            assert_eq!(finding.status, Status::Warn, "{us}: {}", finding.message);
            assert!(finding.message.contains("3 of 3"), "{}", finding.message);
        }
        assert!(judged(thrice("", 9_990_000)).message.contains("limit of 10 s"));
        let cut = thrice(": hi\n\n", 3_000_000).map(|made| made.failed(Phase::Body, FailureKind::Truncated));
        assert!(judged(cut).message.contains("broken off every time"));
        let [first, second, _] = thrice(": hi\n\n", 14_000_000);
        assert_eq!(judged([first, second]).status, Status::Warn);
    }

    #[test]
    fn fails_where_the_session_of_http_sse_ends_with_its_stream() {
        let mut scan = Scan::http_sse();
        if let Some(last) = scan.transcript.exchanges.last_mut() {
            last.ended_us = last.started_us + 4_000_000;
        }
        for step in ["again 1", "again 2"] {
            let mut made = opened(step, "event: endpoint\ndata: /m\n\n", 4_000_000);
            made.made.probe = ProbeId::Idle;
            scan = scan.with(made);
        }
        let finding = scan.judge(&CHECK);
        assert_eq!(finding.status, Status::Fail, "{}", finding.message);
    }

    #[test]
    fn notes_streams_that_say_that_they_end() {
        assert_eq!(judged(thrice("retry: 5000\n\n", 4_000_000)).status, Status::Info);
        let done = Scan::feed("data: a\n\ndata: [DONE]\n\n").judge(&CHECK);
        assert_eq!(done.status, Status::Info, "{}", done.message);
    }

    #[test]
    fn undecided_where_it_was_not_seen_often_enough() {
        assert_eq!(judged([opened("get", "", 4_000_000)]).status, Status::Inconclusive);
        let [first, second, mut third] = thrice("", 4_000_000);
        third.made.ended = Ended::ByUs;
        assert!(judged([first, second, third]).message.contains("stayed when opened again"));
        let scan = Scan::legacy(true).with(opened("get", "", 10_000)).profile(Profile::Quick);
        assert_eq!(scan.judge(&CHECK).status, Status::Inconclusive);
    }

    #[test]
    fn not_applicable_without_a_stream_or_where_another_check_speaks_of_it() {
        assert_eq!(judged([get(ProbeId::LegacyGet, "get").status(405)]).status, Status::NotApplicable);
        let cut = opened("get", "", 20_000_000).failed(Phase::Body, FailureKind::Truncated);
        assert_eq!(judged([cut]).status, Status::NotApplicable);
    }
}
