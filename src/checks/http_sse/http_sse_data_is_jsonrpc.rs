//! Every message event is one JSON-RPC message.

use serde_json::Value;

use crate::checks::prelude::*;
use crate::facts::steps::{self, Get};
use crate::protocol::sse;

pub(super) static CHECK: Check = Check {
    id: "http-sse-data-is-jsonrpc",
    title: "Each message event carries one JSON-RPC message",
    dimension: Dimension::D2,
    severity: Severity::Medium,
    level: Level::Must,
    applies: Applies::mcp(&[Transport::HttpSse], Gated::Unseen),
    reads: Reads::All,
    basis: &[
        mcp!("2024-11-05", "Transports, HTTP with SSE", "basic/transports#http-with-sse"),
        Basis {
            title: "WHATWG HTML, Server-sent events, Interpreting an event stream",
            url: "https://html.spec.whatwg.org/multipage/server-sent-events.html#event-stream-interpretation",
        },
    ],
    rationale: "Clients parse the data of every `message` event, and an event without a name is one. What is no \
                message raises an error in the middle of a session, and some clients leave with it.",
    remediation: "Write one JSON-RPC message into each `message` event. Send heartbeats as comments (`: ping`), or \
                  as events of another name (`event: ping`), which no client parses.",
    causes: &[],
    how: How {
        sent: "Nothing more: the events of each session's stream after `endpoint`. Events of other names may carry \
               anything.",
        passes: "Each `message` event is one JSON-RPC message.",
        warns: "A heartbeat that is no JSON, JSON that is no JSON-RPC, or an event with empty data.",
        fails: "Cut JSON, several messages in one event, or text.",
    },
    judge,
};

fn judge(facts: &Facts<'_>) -> Judgement {
    if facts.class().kind != Kind::HttpSse {
        return not_applicable("the old transport is only listed beside Streamable HTTP");
    }
    let mut seen = Observations::new();
    let streams = facts.exchanges().filter(|exchange| {
        exchange.request.method == "GET" && matches!(steps::get(exchange), Get::HttpSse { .. })
    });
    for exchange in streams {
        let lines = exchange.lines().unwrap_or_default();
        for block in sse::blocks(lines)
            .iter()
            .filter(|block| block.dispatched() && matches!(block.name(), "" | "message"))
        {
            // A line cut at our own limit says nothing about the message.
            let own = lines.get(block.first_line..=block.last_line).unwrap_or_default();
            let Some(data) = block.data.as_deref().filter(|_| !own.iter().any(|line| line.cut)) else {
                continue;
            };
            let (status, message) = verdict(data);
            let pointer = format!("line {}", block.first_line.saturating_add(1));
            seen.add(status, Evidence::new(exchange, pointer, data), message);
        }
    }
    let sound = format!("{} `message` events carried one JSON-RPC message each", seen.count(Status::Pass));
    seen.distinct().verdict(sound, "no `message` event came")
}

fn verdict(data: &str) -> (Status, &'static str) {
    if data.trim().is_empty() {
        return (Status::Warn, "a `message` event has empty data, which clients try to parse");
    }
    match jsonrpc::parse(data) {
        Ok(Value::Array(batch)) if !batch.is_empty() && batch.iter().all(is_message) => {
            (Status::Pass, "a batch")
        }
        Ok(message) if is_message(&message) => (Status::Pass, "one message"),
        Ok(_) => (Status::Warn, "a `message` event carries JSON that is no JSON-RPC (a heartbeat?)"),
        Err(_) if heartbeat(data) => (Status::Warn, "a `message` event carries a heartbeat that is no JSON"),
        Err(_) if jsonrpc::several(data) => (Status::Fail, "a `message` event carries several JSON texts"),
        Err(_) if data.trim_start().starts_with(['{', '[']) => {
            (Status::Fail, "a `message` event carries broken or cut JSON")
        }
        Err(_) => (Status::Fail, "a `message` event carries text that is no JSON"),
    }
}

fn is_message(json: &Value) -> bool {
    json.get("jsonrpc").is_some() || jsonrpc::is_request(json) || jsonrpc::is_reply(json)
}

/// One short word that says that the stream lives, or a time.
fn heartbeat(data: &str) -> bool {
    let data = data.trim().to_ascii_lowercase();
    let words = [
        "ping",
        "pong",
        "heartbeat",
        "heart-beat",
        "keepalive",
        "keep-alive",
        "keep_alive",
        "alive",
        "[done]",
        "ok",
        "tick",
    ];
    let time = data.starts_with(|c: char| c.is_ascii_digit()) && !data.contains(['{', '[']);
    data.len() <= 40 && (time || words.iter().any(|word| data.starts_with(word)))
}

#[cfg(test)]
#[test]
fn examples() {
    use crate::checks::examples::*;
    const ANSWER: &str = "event: message\ndata: {\"jsonrpc\":\"2.0\",\"id\":7,\"result\":{}}\n\n";
    let on = |text: &str| {
        let text = format!("event: endpoint\ndata: /messages\n\n{text}");
        Scan::http_sse().with(get(ProbeId::HttpSse, "get").stream(&text, 0))
    };
    let beats = ["ping", "heartbeat 12", "2026-01-01T00:00:00Z", "{\"type\":\"heartbeat\"}", "1", "null"]
        .map(|beat| warn(format!("the heartbeat {beat}"), on(&format!("data: {beat}\n\n{ANSWER}"))));
    let rows = [
        pass("answers", on(&format!("{ANSWER}{ANSWER}"))),
        pass("comments and another name", on(&format!(": ping\n\nevent: keepalive\ndata: now\n\n{ANSWER}"))),
        pass("a notification", on("data: {\"jsonrpc\":\"2.0\",\"method\":\"notifications/message\"}\n\n")),
        warn("empty data", on(&format!("data:\n\n{ANSWER}"))).naming("empty"),
        fail("cut JSON", on("data: {\"jsonrpc\":\"2.0\",\"id\":7,\"resu\n\n")).naming("cut"),
        fail("two texts", on("data: {\"jsonrpc\":\"2.0\"}{\"jsonrpc\":\"2.0\"}\n\n")).naming("several"),
        fail("words", on("data: Welcome to the server!\n\n")).naming("text"),
        undecided("only the announcement", on("")),
        not_applicable("another transport", Scan::legacy(false)),
    ];
    hold(&CHECK, rows.into_iter().chain(beats));
}
