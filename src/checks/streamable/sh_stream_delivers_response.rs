//! A stream opened for a request carries the response to it.

use crate::checks::prelude::*;
use crate::facts::coding;
use crate::facts::reply::read_for;
use crate::protocol::sse;
use crate::transcript::exchange::request_id;
use crate::transcript::{Ended, FailureKind};

pub(super) static CHECK: Check = Check {
    id: "sh-stream-delivers-response",
    title: "A stream opened for a request carries its response",
    dimension: Dimension::D8,
    severity: Severity::High,
    level: Level::Should,
    applies: Applies::mcp(&[Transport::StreamableHttp], Gated::Hidden),
    reads: Reads::Every(Expectation::Plain),
    basis: &[
        mcp!(
            "2025-11-25",
            "Transports, Sending Messages to the Server, item 6",
            "basic/transports#sending-messages-to-the-server"
        ),
        mcp!(
            "2025-06-18",
            "Transports, Sending Messages to the Server, item 6",
            "basic/transports#sending-messages-to-the-server"
        ),
        mcp!(
            "2026-07-28",
            "Streamable HTTP, Receiving Messages",
            "basic/transports/streamable-http#receiving-messages"
        ),
    ],
    rationale: "The stream is the only place where a client looks for the answer to that call. If it ends or falls \
                silent without one, the call is lost and the agent waits for its timeout.",
    remediation: "Send the response as the last event of the stream of its own request, under the request's id, and \
                  close the stream after it: `data: {\"jsonrpc\":\"2.0\",\"id\":7,\"result\":{}}`. Behind a proxy, switch \
                  response buffering off for this path.",
    causes: &[],
    how: How {
        sent: "A correct call and `tools/list`; the stream is read until the reply with the request's id \
               arrives.",
        passes: "The reply comes within 10 s.",
        warns: "It comes after 10 to 30 s; or, in revision 2025-11-25, the server ends the stream after \
                an event with `id` and `retry` and gives the reply on resumption.",
        fails: "The stream ends without the reply, or stays silent for 30 s.",
    },
    judge,
};

/// A response within this time passes, milliseconds.
const PROMPT_MS: u64 = 10_000;
/// A stream without a response until then has failed, milliseconds.
const LOST_MS: u64 = 30_000;

fn judge(facts: &Facts<'_>) -> Judgement {
    facts.per_era(|era| judge_era(facts, era))
}

fn judge_era(facts: &Facts<'_>, era: Era) -> Judgement {
    let mut seen = Observations::new();
    let mut unseen = None;
    let mut slowest = 0;
    let mut plain_json = false;
    for exchange in facts.of_era(era).filter(|exchange| facts.asks(exchange) && exchange.ok()) {
        if !exchange.declares_event_stream() {
            plain_json |= facts.reply(exchange).answer.is_some();
            continue;
        }
        // This one is meant to stay open.
        if facts.method(exchange) == Some("subscriptions/listen") {
            continue;
        }
        match judge_stream(facts, exchange) {
            Ok((verdict, after_us)) => {
                slowest = slowest.max(after_us);
                seen.push(verdict);
            }
            Err(reason) => unseen = unseen.or(Some(reason)),
        }
    }
    match unseen {
        Some(reason) if seen.is_empty() => Err(reason),
        None if seen.is_empty() && plain_json => {
            not_applicable("every request was answered with plain JSON, as a server may")
        }
        _ => {
            let count = seen.count(Status::Pass);
            let sound = format!(
                "{count} streams carried their response, the slowest after {}",
                milliseconds(slowest)
            );
            seen.verdict(sound, "no request was answered")
        }
    }
}

/// The verdict on one stream, and when its response came, in microseconds from the request.
fn judge_stream(facts: &Facts<'_>, exchange: &Exchange) -> Result<(Verdict, u64), Undecided> {
    let reply = facts.reply(exchange);
    let verdict = |status, message: String| Verdict::of(status, vec![Evidence::status(exchange)], message);
    let answer = reply.answered_by.and_then(|index| reply.messages.get(index));
    if let Some(message) = answer {
        let after_us = message.at_us.saturating_sub(exchange.started_us);
        let evidence =
            Evidence::new(exchange, message.pointer.as_str(), format!("after {}", milliseconds(after_us)));
        let late = after_us > PROMPT_MS.saturating_mul(1_000);
        let status = if late { Status::Warn } else { Status::Pass };
        let text = format!("a response came after {}", milliseconds(after_us));
        return Ok((Verdict::of(status, vec![evidence], text), after_us));
    }
    if let Some(words) = coding::unread(exchange) {
        return inconclusive(format!("of a stream nothing was read: {words}"));
    }
    let waited_us = exchange.took_us();
    let failed = |message: String| Ok((verdict(Status::Fail, message), 0));
    match (exchange.ended, exchange.failure.as_ref().map(|failure| failure.kind)) {
        (_, Some(FailureKind::BodyTimeout)) | (Ended::ByUs, None) => {
            // Quick scans stop earlier: then it may only be late.
            if waited_us < LOST_MS.saturating_mul(1_000) {
                return inconclusive(format!("a stream brought no response in {}", milliseconds(waited_us)));
            }
            failed(format!("a stream brought no response in {}", milliseconds(waited_us)))
        }
        (Ended::Complete, None) if resumable(exchange) => judge_resumed(facts, exchange),
        (Ended::Complete, None) if reply.lenient.is_some() => {
            failed("a stream ended with a response under another id only".to_owned())
        }
        (Ended::Complete, None) | (_, Some(FailureKind::Truncated)) => {
            failed("a stream ended without the response".to_owned())
        }
        (_, failure) => {
            let why = failure.map_or("the stream was cut", FailureKind::words);
            inconclusive(format!("a stream could not be read to its end: {why}"))
        }
    }
}

/// A stream that was closed early: did coming back with its last event id bring the response?
fn judge_resumed(facts: &Facts<'_>, exchange: &Exchange) -> Result<(Verdict, u64), Undecided> {
    let resumed = facts
        .of_era(Era::Legacy)
        .find(|other| other.request.method == "GET" && other.twin == Some(exchange.id));
    let Some(resumed) = resumed else {
        return inconclusive(
            "a stream was closed after an event id without a response, as 2025-11-25 allows; we did not resume it",
        );
    };
    let after_us = resumed.ended_us.saturating_sub(exchange.started_us);
    let reply = read_for(resumed, request_id(exchange).as_ref());
    let came = reply.answered_by.and_then(|index| reply.messages.get(index));
    let (status, evidence, message) = match came {
        Some(message) => (
            Status::Warn,
            Evidence::new(resumed, message.pointer.as_str(), "the response, after Last-Event-ID"),
            "a stream was closed before its response, which came on resumption (legal polling; many clients lose it)",
        ),
        None => (
            Status::Fail,
            Evidence::status(resumed),
            "a stream was closed before its response, which did not come on resumption either",
        ),
    };
    Ok((Verdict::of(status, vec![Evidence::status(exchange), evidence], message.to_owned()), after_us))
}

/// Whether a client could come back for the rest: 2025-11-25 lets a server close the connection
/// early once an event with an id was sent. The modern era has no such thing.
fn resumable(exchange: &Exchange) -> bool {
    let blocks = exchange.lines().map(sse::blocks).unwrap_or_default();
    exchange.era == Some(Era::Legacy) && sse::last_event_id(&blocks).is_some()
}

#[cfg(test)]
#[test]
fn examples() {
    use crate::checks::examples::*;
    const ANSWER: &str = "event: message\ndata: {\"jsonrpc\":\"2.0\",\"id\":7,\"result\":{}}\n\n";
    const PRIMED: &str = "id: 1\nretry: 500\ndata:\n\n";
    let ask = |era| post(ProbeId::IdEcho, "integer", era, json!({"jsonrpc":"2.0","id":7,"method":"ping"}));
    let modern = |stream: &str| ask(Era::Modern).stream(stream, 0);
    let dual = |made: Made| Scan::dual(false).with(made);
    let legacy = |stream: &str| ask(Era::Legacy).stream(stream, 0);
    let of = |made: Made| Scan::legacy(false).with(made);
    let polled = |brought: &str| {
        let scan = of(legacy(PRIMED));
        let mut resumed = get(ProbeId::IdEcho, "integer resumed").stream(brought, 0).twin(scan.next_id() - 1);
        resumed.made.era = Some(Era::Legacy);
        scan.with(resumed)
    };
    let primed = format!("id: 1\ndata:\n\n: keepalive\n\n{ANSWER}");
    let late = ask(Era::Modern).stream(&format!(": wait\n\n{ANSWER}"), 12_000_000);
    let cut = modern(": hello\n\n").failed(Phase::Body, FailureKind::Truncated);
    let mut silent = modern(": hello\n\n").failed(Phase::Body, FailureKind::BodyTimeout);
    silent.made.ended_us = 30_000_000;
    let listen = json!({"jsonrpc":"2.0","id":9,"method":"subscriptions/listen"});
    let listen = post(ProbeId::Idle, "listen", Era::Modern, listen).stream(": x\n\n", 0);
    hold(
        &CHECK,
        [
            pass("on the stream", of(ask(Era::Legacy).stream(&primed, 1_000))).at("line 6"),
            // What happens after the response is the business of another check.
            pass("held open", dual(modern(ANSWER).failed(Phase::Body, FailureKind::BodyTimeout))),
            warn("late", dual(late)),
            warn("on resumption only", polled(ANSWER)),
            fail("not on resumption either", polled(": nothing\n\n")),
            fail("the stream ends", dual(modern(": hello\n\n"))),
            fail("a legacy stream ends", dual(legacy(": hello\n\n"))),
            fail("event ids promise nothing in the modern era", dual(modern("id: 1\ndata:\n\n"))),
            fail("cut", dual(cut)),
            fail("silent", dual(silent)),
            fail("another id", dual(modern(&ANSWER.replace("\"id\":7", "\"id\":8")))),
            undecided("closed early, not resumed", of(legacy(PRIMED))),
            undecided("we left too early", of(legacy(": x\n\n").held_until(1_000_000))),
            undecided("reset", of(legacy(": x\n\n").failed(Phase::Body, FailureKind::Reset))),
            not_applicable("it never streams", Scan::modern()),
            not_applicable("neither era streams", Scan::dual(true)),
            not_applicable("a subscription stays open", Scan::modern().with(listen)),
        ],
    );
}
