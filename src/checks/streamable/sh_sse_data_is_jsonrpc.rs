//! Each event's data is one JSON-RPC message.

use serde_json::Value;

use crate::checks::prelude::*;
use crate::facts::reply::batch_legal;
use crate::protocol::sse::{self, Block};

pub(super) static CHECK: Check = Check {
    id: "sh-sse-data-is-jsonrpc",
    title: "Each event carries one JSON-RPC message",
    dimension: Dimension::D2,
    severity: Severity::High,
    level: Level::Must,
    applies: Applies::mcp(&[Transport::StreamableHttp], Gated::Hidden),
    reads: Reads::All,
    basis: &[
        mcp!("2025-11-25", "Basic, Messages", "basic#messages"),
        mcp!("2026-07-28", "Basic, Messages", "basic#messages"),
        Basis {
            title: "WHATWG HTML, Server-sent events, Interpreting an event stream",
            url: "https://html.spec.whatwg.org/multipage/server-sent-events.html#event-stream-interpretation",
        },
    ],
    rationale: "Clients parse the data of every event as one message. One that is cut, doubled or no JSON raises an \
                error in the middle of a call, and many clients drop the stream with it.",
    remediation: "Write each message as one event, `data: {\"jsonrpc\":\"2.0\",...}` and a blank line, with a JSON \
                  encoder that leaves no raw line breaks. Send heartbeats as comments (`: ping`), which no client \
                  parses.",
    causes: &[Cause { word: BEAT, remedy: None }],
    how: How {
        sent: "Nothing more: events of every stream, assembled as the standard says. Empty data and \
               events of other names are left out.",
        passes: "The data of each event is one JSON text.",
        warns: "A heartbeat that is no JSON, such as `data: ping`.",
        fails: "Cut JSON, or several messages in one event.",
    },
    judge,
};

/// A heartbeat in the stream of a reply: some clients take it for a broken reply, and the call is lost.
const BEAT: &str = "heartbeat-in-a-reply";

fn judge(facts: &Facts<'_>) -> Judgement {
    facts.per_era(|era| judge_era(facts, era))
}

fn judge_era(facts: &Facts<'_>, era: Era) -> Judgement {
    let mut seen = Observations::new();
    let (mut replies, mut streams) = (0_usize, 0_usize);
    for exchange in facts.exchanges().filter(|exchange| exchange.era == Some(era) && exchange.ok()) {
        let Some(lines) = exchange.lines() else {
            replies += usize::from(facts.reply(exchange).answer.is_some());
            continue;
        };
        streams += usize::from(exchange.request.method == "POST");
        for block in sse::blocks(lines) {
            // A line cut at our own limit says nothing about the message.
            let cut = lines
                .get(block.first_line..=block.last_line)
                .is_none_or(|own| own.iter().any(|line| line.cut));
            let Some(data) = payload(&block).filter(|_| !cut) else { continue };
            let (status, message) = verdict(exchange, data);
            let pointer = format!("line {}", block.first_line.saturating_add(1));
            let verdict =
                Verdict::of(status, vec![Evidence::new(exchange, pointer, data)], message.to_owned());
            let lost = status == Status::Warn
                && exchange.request.method == "POST"
                && exchange.expectation == Expectation::Plain;
            seen.push(if lost { verdict.because(BEAT) } else { verdict });
        }
    }
    if seen.is_empty() && streams == 0 && replies > 0 {
        return not_applicable("no event stream carried data: every answer came as plain JSON");
    }
    let sound = format!("{} events carried one JSON text each", seen.count(Status::Pass));
    seen.verdict(sound, "no event carried data")
}

/// The data of an event that clients take for a message: dispatched, of the default type, and not
/// empty (priming events and some heartbeats are, and must never be parsed).
fn payload(block: &Block) -> Option<&str> {
    let default = block.event.as_deref().is_none_or(|name| matches!(name, "" | "message"));
    block.data.as_deref().filter(|data| block.dispatched() && default && !data.trim().is_empty())
}

fn verdict(exchange: &Exchange, data: &str) -> (Status, &'static str) {
    match jsonrpc::parse(data) {
        Ok(Value::Object(_)) => (Status::Pass, "one message"),
        Ok(Value::Array(_)) if batch_legal(exchange) => (Status::Pass, "a batch"),
        Ok(Value::Array(_)) => (Status::Fail, "an event carries a batch, which this revision does not have"),
        Ok(_) => {
            (Status::Warn, "an event carries a bare JSON value (a heartbeat?) that clients will try to read")
        }
        Err(_) if !looks_like_message(data) => (
            Status::Warn,
            "an event carries text that is no JSON (a heartbeat?), which clients will try to parse",
        ),
        Err(_) if jsonrpc::several(data) => (Status::Fail, "an event carries several JSON texts"),
        Err(_) => (Status::Fail, "an event carries broken or cut JSON"),
    }
}

/// Whether it was meant to be a message: `data: [DONE]` and `data: ping` were not.
fn looks_like_message(data: &str) -> bool {
    let start: String = data.chars().filter(|character| !character.is_whitespace()).take(2).collect();
    start.starts_with('{') || start == "[{"
}

#[cfg(test)]
#[test]
fn examples() {
    use crate::checks::examples::*;
    const ANSWER: &str = "event: message\nid: 2\ndata: {\"jsonrpc\":\"2.0\",\"id\":7,\"result\":{}}\n\n";
    const BATCH: &str = "data: [{\"jsonrpc\":\"2.0\",\"id\":7,\"result\":{}}]\n\n";
    const TWO_LINES: &str = "data: {\"jsonrpc\":\"2.0\",\ndata: \"id\":7,\"result\":{}}\n\n";
    const CUT: &str = "data: {\"jsonrpc\":\"2.0\",\"id\":7,\"resu\n\n";
    const DOUBLED: &str = "data: {\"jsonrpc\":\"2.0\"}{\"jsonrpc\":\"2.0\"}\n\n";
    const DOUBLED_LINES: &str = "data: {\"jsonrpc\":\"2.0\"}\ndata: {\"jsonrpc\":\"2.0\"}\n\n";
    let ask = |stream: &str| {
        post(ProbeId::IdEcho, "integer", Era::Legacy, json!({"jsonrpc":"2.0","id":7,"method":"ping"}))
            .sending(names::VERSION_HEADER, "2025-11-25")
            .stream(stream, 0)
    };
    let of = |made: Made| Scan::legacy(true).with(made);
    let on = |stream: &str| of(ask(stream));
    let watched = |stream: &str| {
        let mut made = get(ProbeId::LegacyGet, "get").stream(stream, 0);
        made.made.era = Some(Era::Legacy);
        of(made)
    };
    let mut old = ask(BATCH);
    old.made.request.headers.retain(|(name, _)| name != names::VERSION_HEADER);
    let beats = ["ping", "[DONE]", "1", "\"ping\"", "null"]
        .map(|beat| warn(format!("the heartbeat {beat}"), on(&format!("data: {beat}\n\n{ANSWER}"))));
    let rows = [
        pass("priming and comments", on(&format!("id: 1\nretry: 2000\ndata: \n\n: keepalive\n\n{ANSWER}"))),
        pass("a named event", on(&format!("event: ping\ndata: now\n\n{ANSWER}"))),
        pass("data on two lines", on(TWO_LINES)),
        pass("a last event that every client discards", on(&format!("{ANSWER}data: {{\"json"))),
        pass("a batch of 2025-03-26", of(old)),
        fail("a later batch", on(BATCH)),
        warn("a heartbeat on the GET stream", watched("data: ping\n\n")),
        fail("cut JSON", on(CUT)),
        fail("two texts", on(DOUBLED)),
        fail("two texts on two lines", on(DOUBLED_LINES)),
        not_applicable("it never streams", Scan::dual(true)),
        not_applicable("a GET stream that is only kept alive", watched(": ping\n\n")),
        undecided("nothing came", of(ask(": x\n\n").failed(Phase::Body, FailureKind::Reset))),
        undecided("behind authentication", Scan::gated()),
    ];
    hold(&CHECK, rows.into_iter().chain(beats));
}
