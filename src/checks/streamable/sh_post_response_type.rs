//! A POSTed request is answered with JSON or an event stream, and the body is what its type says.

use crate::checks::prelude::*;
use crate::facts::barrier::essence;
use crate::facts::coding;
use crate::facts::reply::asks;
use crate::protocol::jsonrpc;
use crate::protocol::sse::{LineKind, looks_like_events};
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
    for exchange in facts.of_era(era).filter(|exchange| asks(exchange)) {
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
            Some("application/json") => match json_fault(exchange) {
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
fn json_fault(exchange: &Exchange) -> Option<String> {
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
            let error = jsonrpc::parse(text).err()?;
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
mod tests {
    use serde_json::{Value, json};

    use super::CHECK;
    use crate::checks::synthetic::{Made, Scan, get, post};
    use crate::protocol::revision::Era;
    use crate::transcript::{FailureKind, Phase, ProbeId};
    use crate::verdict::Status;

    const ANSWER: &str = r#"{"jsonrpc":"2.0","id":7,"result":{}}"#;

    fn ask() -> Made {
        post(
            ProbeId::IdEcho,
            "integer",
            Era::Modern,
            json!({"jsonrpc":"2.0","id":7,"method":"server/discover"}),
        )
    }

    fn status(made: Made) -> Status {
        Scan::modern().with(made).judge(&CHECK).status
    }

    #[test]
    fn passes_on_json_and_event_streams_with_parameters() {
        assert_eq!(status(ask().body("application/json; charset=utf-8", ANSWER)), Status::Pass);
        assert_eq!(status(ask().stream(&format!("event: message\ndata: {ANSWER}\n\n"), 0)), Status::Pass);
        assert_eq!(status(ask().stream(": keepalive\n\n", 0)), Status::Pass);
    }

    #[test]
    fn passes_whatever_type_middleware_and_notifications_have() {
        assert_eq!(status(ask().status(502).body("text/html", "<html>")), Status::Pass);
        assert_eq!(status(ask().status(413).body("text/plain", "too large")), Status::Pass);
        assert_eq!(status(ask().status(401).json(json!({"error":"x"}))), Status::Pass);
        let note = json!({"jsonrpc":"2.0","method":"notifications/initialized"});
        assert_eq!(
            status(post(ProbeId::Classify, "initialized", Era::Modern, note).status(202)),
            Status::Pass
        );
        assert_eq!(status(get(ProbeId::Classify, "get").status(200).body("text/html", "x")), Status::Pass);
    }

    #[test]
    fn passes_where_the_body_could_not_be_read() {
        let cut = ask().body("application/json", "{\"json").failed(Phase::Body, FailureKind::Truncated);
        assert_eq!(status(cut), Status::Pass);
        let mut packed = ask().body("application/json", "").header("content-encoding", "gzip");
        packed.made.content = crate::transcript::Content::Binary { base64: String::new(), bytes: 9 };
        let finding = Scan::modern().with(packed).judge(&CHECK);
        assert_eq!(finding.status, Status::Pass);
        assert!(finding.message.contains("compressed with gzip though nothing asked"), "{}", finding.message);
    }

    #[test]
    fn fails_on_other_types_no_type_and_wrong_labels() {
        for made in [
            ask().body("text/plain", ANSWER),
            ask().body("text/html", "<html>login</html>"),
            ask().status(202),
            ask().body("application/json", "data: {}\n\n"),
            ask().body("application/json", "not json"),
            ask().stream(&format!("{ANSWER}\n"), 0),
            ask().status(400).body("text/plain", r#"{"jsonrpc":"2.0","id":7,"error":{"code":-32600}}"#),
        ] {
            assert_eq!(status(made), Status::Fail);
        }
        assert_eq!(status(ask().header("content-type", "application/json")), Status::Fail);
    }

    #[test]
    fn fails_only_for_an_era_that_is_spoken() {
        let foreign = json!({"jsonrpc":"2.0","id":1,"method":"ping"});
        let made = post(ProbeId::IdEcho, "integer", Era::Legacy, foreign).body("text/plain", "what?");
        assert_eq!(status(made), Status::Pass);
    }

    #[test]
    fn undecided_without_an_answer() {
        let mut scan = Scan::legacy(false);
        for exchange in &mut scan.transcript.exchanges {
            if exchange.step == "initialize" {
                exchange.request.body = Some(Value::Null.to_string());
            }
        }
        assert_eq!(scan.judge(&CHECK).status, Status::Inconclusive);
        assert_eq!(Scan::http_sse().judge(&CHECK).status, Status::NotApplicable);
    }
}
