//! A POSTed request is answered with JSON or an event stream, and the body is what its type says.

use crate::checks::prelude::*;
use crate::facts::barrier::essence;
use crate::facts::coding;
use crate::protocol::jsonrpc;
use crate::protocol::sse::LineKind;
use crate::protocol::sse::looks_like_events;
use crate::transcript::Content;

pub(super) static CHECK: Check = Check {
    id: "sh-post-response-type",
    title: "POSTed requests are answered as application/json or text/event-stream",
    dimension: Dimension::D2,
    severity: Severity::High,
    level: Level::Must,
    applies: Applies::mcp(&[Transport::StreamableHttp], Gated::Hidden),
    reads: Reads::Every(Expectation::Plain),
    basis: &[
        mcp!(
            "2025-11-25",
            "Transports, Sending Messages to the Server, item 5",
            "basic/transports#sending-messages-to-the-server"
        ),
        mcp!(
            "2026-07-28",
            "Streamable HTTP, Sending Messages, item 6",
            "basic/transports/streamable-http#sending-messages"
        ),
    ],
    rationale: "A client picks its parser by the Content-Type of the reply. With any other type, or a body that does \
                not match it, it cannot read an answer that is there.",
    remediation: "Send `Content-Type: application/json` with one JSON object, or `Content-Type: text/event-stream` \
                  with the answer as an event: `data: {\"jsonrpc\":\"2.0\",\"id\":1,\"result\":{}}` and a blank line.",
    causes: &[],
    how: How {
        sent: "A correct call; also every other correct POST of the scan: status, Content-Type and the \
               first bytes.",
        passes: "Each is `application/json` or `text/event-stream`, and the body is what the label says. A \
                 body that is compressed though nothing asked for it is named, not decoded and not judged.",
        warns: "",
        fails: "Another type, none, or JSON labelled as an event stream and the reverse.",
    },
    judge,
};

fn judge(facts: &Facts<'_>) -> Judgement {
    facts.per_era(|era| judge_era(facts, era))
}

fn judge_era(facts: &Facts<'_>, era: Era) -> Judgement {
    let mut seen = Observations::new();
    let (mut json, mut streams) = (0_usize, 0_usize);
    for exchange in facts.of_era(era).filter(|exchange| facts.asks(exchange)) {
        // Middleware answers 401, 403, 413 or 5xx as it likes: the rule is about JSON-RPC replies.
        let replies = exchange.ok() || calls_itself_json_rpc(facts, exchange);
        if !replies || matches!(exchange.status(), Some(401 | 403 | 429 | 500..)) {
            continue;
        }
        if let Some(words) = coding::unread(exchange) {
            let message = format!("{words}, so that its body was not read");
            seen.add(Status::Info, Evidence::header(exchange, "content-encoding"), message);
            continue;
        }
        let evidence = Evidence::header(exchange, "content-type");
        match essence(exchange).as_deref() {
            Some("application/json") => match json_fault(facts, exchange) {
                Some(fault) => seen.add(Status::Fail, Evidence::status(exchange), fault),
                None => {
                    json += 1;
                    seen.add(Status::Pass, evidence, "JSON");
                }
            },
            Some("text/event-stream") => match stream_fault(exchange) {
                Some(fault) => seen.add(Status::Fail, Evidence::line(exchange, 0), fault),
                None => {
                    streams += 1;
                    seen.add(Status::Pass, evidence, "a stream");
                }
            },
            Some(other) => seen.add(Status::Fail, evidence, format!("a reply has the type `{other}`")),
            None => {
                let status = exchange.status().unwrap_or_default();
                seen.add(Status::Fail, evidence, format!("a reply (HTTP {status}) has no readable type"));
            }
        }
    }
    let sound = format!("{json} replies came as JSON and {streams} as event streams, as labelled");
    seen.verdict(sound, "no request was answered")
}

fn calls_itself_json_rpc(facts: &Facts<'_>, exchange: &Exchange) -> bool {
    let reply = facts.reply(exchange);
    reply.answer.is_some() || reply.lenient.is_some()
}

/// What is wrong with a body labelled as JSON, as far as all of it came and can be read.
fn json_fault(facts: &Facts<'_>, exchange: &Exchange) -> Option<String> {
    if exchange.failure.is_some() || exchange.header("content-encoding").is_some() {
        return None;
    }
    match &exchange.content {
        Content::Lines { .. } => Some("an event stream is labelled as JSON".to_owned()),
        Content::Text { text, .. } if looks_like_events(text) => {
            Some("an event stream is labelled as JSON".to_owned())
        }
        Content::Text { text, cut: false, .. } => {
            let text = text.strip_prefix('\u{feff}').unwrap_or(text);
            // A body of nothing but space is no message.
            let error = match facts.body(exchange) {
                Some(read) => read.as_ref().err()?.clone(),
                None => jsonrpc::parse(text).err()?,
            };
            Some(format!("a body labelled as JSON is none ({error})"))
        }
        Content::Binary { .. } => Some("a body labelled as JSON is not UTF-8".to_owned()),
        Content::None => Some("a body labelled as JSON is empty".to_owned()),
        Content::Text { .. } | Content::Frames { .. } => None,
    }
}

/// JSON labelled as an event stream: not one line of the grammar, and the whole is a JSON text.
fn stream_fault(exchange: &Exchange) -> Option<String> {
    let lines = exchange.lines()?;
    let known = |kind: LineKind<'_>| matches!(kind, LineKind::Comment(_) | LineKind::Field(..));
    if lines.iter().any(|line| known(line.kind())) {
        return None;
    }
    let text: Vec<&str> = lines.iter().map(|line| line.text.as_str()).collect();
    jsonrpc::parse(&text.join("\n")).ok().map(|_| "JSON is labelled as an event stream".to_owned())
}

#[cfg(test)]
#[test]
fn examples() {
    use crate::checks::examples::*;
    const ANSWER: &str = r#"{"jsonrpc":"2.0","id":7,"result":{}}"#;
    const ERROR: &str = r#"{"jsonrpc":"2.0","id":7,"error":{"code":-32600}}"#;
    let call = |era, method: &str| {
        post(ProbeId::IdEcho, "integer", era, json!({"jsonrpc":"2.0","id":7,"method":method}))
    };
    let ask = || call(Era::Modern, "server/discover");
    let of = |made: Made| Scan::modern().with(made);
    let json_body = |text: &str| ask().body("application/json", text);
    let event = format!("event: message\ndata: {ANSWER}\n\n");
    let note = json!({"jsonrpc":"2.0","method":"notifications/initialized"});
    let note = post(ProbeId::Classify, "initialized", Era::Modern, note).status(202);
    let cut = json_body("{\"json").failed(Phase::Body, FailureKind::Truncated);
    let mut packed = json_body("").header("content-encoding", "gzip");
    packed.made.content = Content::Binary { base64: String::new(), bytes: 9 };
    let mut nothing = Scan::legacy(false);
    for exchange in nothing.transcript.exchanges.iter_mut().filter(|exchange| exchange.step == "initialize") {
        exchange.request.body = Some(Value::Null.to_string());
    }
    hold(
        &CHECK,
        [
            pass("JSON with a parameter", of(ask().body("application/json; charset=utf-8", ANSWER))),
            pass("a stream", of(ask().stream(&event, 0))),
            pass("a stream with a comment", of(ask().stream(": keepalive\n\n", 0))),
            pass("middleware: 502", of(ask().status(502).body("text/html", "<html>"))),
            pass("middleware: 413", of(ask().status(413).body("text/plain", "too large"))),
            pass("middleware: 401", of(ask().status(401).json(json!({"error":"x"})))),
            pass("a notification", of(note)),
            pass("a page for GET", of(get(ProbeId::Classify, "get").status(200).body("text/html", "x"))),
            pass("cut JSON", of(cut)),
            pass("compressed", of(packed)).naming("compressed with gzip though nothing asked"),
            fail("plain text", of(ask().body("text/plain", ANSWER))),
            fail("a login page", of(ask().body("text/html", "<html>login</html>"))),
            fail("no type", of(ask().status(202))),
            fail("a stream labelled as JSON", of(json_body("data: {}\n\n"))),
            fail("no JSON labelled as JSON", of(json_body("not json"))),
            fail("JSON labelled as a stream", of(ask().stream(&format!("{ANSWER}\n"), 0))),
            fail("an error in plain text", of(ask().status(400).body("text/plain", ERROR))),
            fail("an empty body", of(ask().header("content-type", "application/json"))),
            pass("an era that is not spoken", of(call(Era::Legacy, "ping").body("text/plain", "what?"))),
            undecided("no request was answered", nothing),
            not_applicable("HTTP+SSE", Scan::http_sse()),
        ],
    );
}
