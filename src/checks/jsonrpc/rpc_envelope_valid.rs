//! Every reply is a JSON-RPC 2.0 object with a result or an error.

use serde_json::Value;

use crate::checks::prelude::*;
use crate::facts::barrier::essence;
use crate::facts::reply::batch_legal;
use crate::facts::{Kind, Message, coding};
use crate::protocol::jsonrpc;
use crate::transcript::Content;
use crate::verdict::cut;

pub(super) static CHECK: Check = Check {
    id: "rpc-envelope-valid",
    title: "Replies are valid JSON-RPC 2.0 objects",
    dimension: Dimension::D2,
    severity: Severity::High,
    level: Level::Must,
    applies: Applies::mcp(
        &[Transport::StreamableHttp, Transport::HttpSse, Transport::Websocket],
        Gated::Hidden,
    ),
    reads: Reads::All,
    basis: &[
        Basis {
            title: "JSON-RPC 2.0, Response object",
            url: "https://www.jsonrpc.org/specification#response_object",
        },
        Basis {
            title: "RFC 8259, sections 4 (unique names) and 8.1 (no byte-order mark)",
            url: "https://www.rfc-editor.org/rfc/rfc8259#section-4",
        },
        mcp!("2025-11-25", "Basic, Responses", "basic#responses"),
        mcp!("2026-07-28", "Basic, Responses", "basic#responses"),
    ],
    rationale: "Client libraries validate the envelope before they look at the content. A reply that fails there is \
                dropped, and the call never returns.",
    remediation: "Send `\"jsonrpc\": \"2.0\"` and exactly one of `result` (an object) and `error`: \
                  `{\"jsonrpc\":\"2.0\",\"id\":1,\"result\":{}}`. Leave `error` out of a success instead of setting \
                  it to null.",
    causes: &[],
    how: How {
        sent: "Nothing more: every 2xx body, event and frame that answers a request of ours, and every \
               refusal that calls itself JSON-RPC.",
        passes: "All of them are JSON-RPC 2.0 objects.",
        warns: "A key that stands twice in one object, or one of the faults below in an error or in the reply \
                to a request that was wrong on purpose.",
        fails: "In the reply to a correct request, `\"jsonrpc\": \"2.0\"` is missing or different, `result` and `error` are both there or \
                both absent, the result is no object, a body is an array, or a body that is labelled JSON is none or \
                begins with a byte-order mark.",
    },
    judge,
};

fn judge(facts: &Facts<'_>) -> Judgement {
    facts.per_era(|era| judge_era(facts, era))
}

fn judge_era(facts: &Facts<'_>, era: Era) -> Judgement {
    let mut seen = Observations::new();
    for exchange in facts.of_era(era) {
        let reply = facts.reply(exchange);
        if let (Some(status), Some(fault)) = (exchange.status(), no_json(facts, exchange)) {
            seen.add(
                grave(exchange, None),
                Evidence::text(exchange),
                format!("a reply (HTTP {status}) {fault}"),
            );
        }
        if marked(facts, exchange) {
            let message = "a JSON body begins with a byte-order mark, which strict readers refuse";
            seen.add(grave(exchange, None), Evidence::text(exchange), message);
        }
        for message in &reply.messages {
            let Ok(value) = &message.json else { continue };
            if !answers(facts, exchange, message, value) {
                continue;
            }
            let at = |value: &Value| Evidence::new(exchange, message.pointer.as_str(), value.to_string());
            if let Some(key) = &message.repeated {
                let key = cut(key);
                let message =
                    format!("the key `{key}` stands twice in one object: readers differ on which counts");
                seen.add(Status::Warn, at(value), message);
            }
            for value in members(exchange, value) {
                let faults = jsonrpc::envelope_faults(value);
                // The form of an error is another rule (`rpc-error-object-shape`).
                if !faults.is_empty() {
                    seen.add(grave(exchange, Some(value)), at(value), faults.join(", "));
                } else {
                    seen.add_with(Status::Pass, || Evidence::status(exchange), "valid");
                }
            }
        }
    }
    let sound = format!("{} replies are JSON-RPC 2.0 objects", seen.count(Status::Pass));
    seen.verdict(sound, "no JSON-RPC reply was seen")
}

/// What a faulty reply comes to: clients lose the answer to a correct request. That an error is malformed changes
/// little for who made it.
fn grave(exchange: &Exchange, value: Option<&Value>) -> Status {
    let refused = exchange.status().is_some_and(|status| status >= 300);
    let error = value.is_some_and(|value| value.get("error").is_some() && value.get("result").is_none());
    if exchange.expectation == Expectation::Plain && !refused && !error { Status::Fail } else { Status::Warn }
}

/// Whether a JSON text stands where a reply must: a body that answers our request, an event or frame
/// that is no message of the server's own, or any refusal that calls itself JSON-RPC. Other bodies of
/// 4xx and 5xx (gateways, OAuth) are no JSON-RPC replies, and a named event may carry anything.
fn answers(facts: &Facts<'_>, exchange: &Exchange, message: &Message, value: &Value) -> bool {
    // On HTTP+SSE the reply stands on the stream of another exchange.
    if exchange.stream.is_some() && message.pointer != "body" {
        return event_answers(facts, exchange, message, value);
    }
    match &exchange.content {
        Content::Text { .. } if exchange.ok() => {
            facts.asks(exchange) && (is_json(exchange) || value.is_object() || value.is_array())
        }
        Content::Text { .. } => value.get("jsonrpc").is_some(),
        Content::Lines { .. } => event_answers(facts, exchange, message, value),
        Content::Frames { .. } => {
            facts.class().kind == Kind::McpWebsocket && value.is_object() && !jsonrpc::is_request(value)
        }
        Content::None | Content::Binary { .. } => false,
    }
}

fn event_answers(facts: &Facts<'_>, exchange: &Exchange, message: &Message, value: &Value) -> bool {
    let default = message.event.as_deref().is_none_or(|name| matches!(name, "" | "message"));
    // Heartbeats that are bare JSON values are the business of `sh-sse-data-is-jsonrpc`.
    let structured = value.is_object() || value.is_array();
    exchange.ok() && facts.asks(exchange) && default && structured && !jsonrpc::is_request(value)
}

/// The messages of a legal batch that are replies; anything else is taken as one message.
fn members<'v>(exchange: &Exchange, value: &'v Value) -> Vec<&'v Value> {
    match value.as_array() {
        Some(batch) if batch_legal(exchange) => {
            batch.iter().take(100).filter(|member| !jsonrpc::is_request(member)).collect()
        }
        _ => vec![value],
    }
}

fn is_json(exchange: &Exchange) -> bool {
    essence(exchange).as_deref() == Some("application/json")
}

/// A 2xx JSON body that begins with a byte-order mark.
fn marked(facts: &Facts<'_>, exchange: &Exchange) -> bool {
    let begins = matches!(&exchange.content, Content::Text { text, .. } if text.starts_with('\u{feff}'));
    begins && exchange.ok() && facts.asks(exchange) && is_json(exchange)
}

/// A complete 2xx body that says it is JSON and is not.
fn no_json(facts: &Facts<'_>, exchange: &Exchange) -> Option<String> {
    let Content::Text { text, cut: false, .. } = &exchange.content else { return None };
    let whole = coding::unasked(exchange).is_none()
        && exchange.failure.is_none()
        && exchange.ok()
        && facts.asks(exchange)
        && is_json(exchange);
    let text = text.strip_prefix('\u{feff}').unwrap_or(text);
    if !whole || text.trim().is_empty() {
        return None;
    }
    facts.body(exchange)?.as_ref().err().map(|error| format!("is no JSON ({error})"))
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::CHECK;
    use crate::checks::synthetic::{Made, Scan, get, post};
    use crate::protocol::names;
    use crate::protocol::revision::Era;
    use crate::transcript::{Direction, FrameKind, ProbeId};
    use crate::verdict::Status;

    fn ping(era: Era) -> Made {
        post(ProbeId::IdEcho, "integer", era, json!({"jsonrpc":"2.0","id":7,"method":"ping"}))
    }

    fn answered(body: Value) -> Status {
        Scan::modern().with(ping(Era::Modern).json(body)).judge(&CHECK).status
    }

    #[test]
    fn passes_on_results_and_errors_in_bodies_and_events() {
        let stream = "id: 1\ndata:\n\nevent: message\n\
                      data: {\"jsonrpc\":\"2.0\",\"method\":\"notifications/message\"}\n\n\
                      data: {\"result\":{},\"jsonrpc\":\"2.0\",\"id\":7}\n\n";
        let finding = Scan::legacy(true)
            .with(ping(Era::Legacy).stream(stream, 0))
            .with(get(ProbeId::LegacyGet, "get").status(405).json(
                json!({"jsonrpc":"2.0","error":{"code":-32000,"message":"Method not allowed."},"id":null}),
            ))
            .judge(&CHECK);
        assert_eq!(finding.status, Status::Pass, "{}", finding.message);
        assert!(!finding.evidence.is_empty());
    }

    #[test]
    fn passes_whatever_gateways_and_web_pages_say() {
        let scan = Scan::modern()
            .with(ping(Era::Modern).status(502).body("text/html", "<html>502</html>"))
            .with(ping(Era::Modern).status(401).json(json!({"error":"invalid_token"})))
            .with(ping(Era::Modern).status(500).json(json!({"message":"Internal Server Error"})));
        assert_eq!(scan.judge(&CHECK).status, Status::Pass);
    }

    #[test]
    fn passes_whatever_follows_on_what_was_no_request() {
        let old = json!({"jsonrpc":"1.0","id":7,"method":"ping"});
        let scan = Scan::modern()
            .with(
                post(ProbeId::Malformed, "jsonrpc-1.0", Era::Modern, old)
                    .negative()
                    .json(json!({"id":7,"result":{},"error":null})),
            )
            .with(
                post(ProbeId::Malformed, "not-a-request", Era::Modern, json!({"foo":1}))
                    .negative()
                    .json(json!({"error":"bad"})),
            );
        assert_eq!(scan.judge(&CHECK).status, Status::Pass);
    }

    #[test]
    fn passes_on_a_named_event_and_a_legal_batch() {
        let stream =
            "event: status\ndata: {\"load\":1}\n\ndata: [{\"jsonrpc\":\"2.0\",\"id\":7,\"result\":{}}]\n\n";
        assert_eq!(
            Scan::legacy(false).with(ping(Era::Legacy).stream(stream, 0)).judge(&CHECK).status,
            Status::Pass
        );
    }

    #[test]
    fn fails_on_each_fault_of_the_envelope() {
        for body in [
            json!({"id":7,"result":{}}),
            json!({"jsonrpc":2.0,"id":7,"result":{}}),
            json!({"jsonrpc":"2.0","id":7}),
            json!({"jsonrpc":"2.0","id":7,"result":{},"error":null}),
            json!({"jsonrpc":"2.0","id":7,"result":"pong"}),
            json!([]),
        ] {
            assert_eq!(answered(body.clone()), Status::Fail, "{body}");
        }
    }

    #[test]
    fn warns_of_errors_and_replies_to_wrong_requests() {
        let refused = ping(Era::Modern).status(400).json(json!({"jsonrpc":"1.0","error":{"code":1}}));
        assert_eq!(Scan::modern().with(refused).judge(&CHECK).status, Status::Warn);
        assert_eq!(answered(json!({"error":"nope"})), Status::Warn);
        let wrong = ping(Era::Modern).negative().json(json!({"id":7,"result":{}}));
        assert_eq!(Scan::modern().with(wrong).judge(&CHECK).status, Status::Warn);
    }

    #[test]
    fn passes_whatever_the_form_of_an_error() {
        // Another rule asks about that.
        for error in [json!("no"), json!({"code":-32000}), json!({"code":-32603,"message":""})] {
            let body = json!({"jsonrpc":"2.0","id":7,"error":error});
            assert_eq!(answered(body.clone()), Status::Pass, "{body}");
        }
    }

    #[test]
    fn warns_of_repeated_keys_and_fails_on_a_byte_order_mark() {
        let with =
            |body: &str| Scan::modern().with(ping(Era::Modern).body("application/json", body)).judge(&CHECK);
        let twice = with(r#"{"jsonrpc":"2.0","id":7,"result":{},"result":{"a":1}}"#);
        assert_eq!(twice.status, Status::Warn, "{}", twice.message);
        assert!(twice.message.contains("`result` stands twice"), "{}", twice.message);
        let marked = with("\u{feff}{\"jsonrpc\":\"2.0\",\"id\":7,\"result\":{}}");
        assert_eq!(marked.status, Status::Fail, "{}", marked.message);
        assert!(marked.message.contains("byte-order mark"), "{}", marked.message);
        let stream = "data: {\"jsonrpc\":\"2.0\",\"id\":7,\"id\":7,\"result\":{}}\n\n";
        let finding = Scan::legacy(false).with(ping(Era::Legacy).stream(stream, 0)).judge(&CHECK);
        assert_eq!(finding.status, Status::Warn, "{}", finding.message);
    }

    #[test]
    fn fails_on_a_batch_after_2025_03_26_and_on_an_array_as_a_body() {
        let array = json!([{"jsonrpc":"2.0","id":7,"result":{}}]);
        let body = Scan::legacy(false).with(ping(Era::Legacy).json(array)).judge(&CHECK);
        assert_eq!(body.status, Status::Fail, "{}", body.message);
        let made = ping(Era::Legacy)
            .sending(names::VERSION_HEADER, "2025-11-25")
            .json(json!([{"jsonrpc":"2.0","id":7,"result":{}}]));
        let finding = Scan::dual(false).with(made).judge(&CHECK);
        assert_eq!(finding.status, Status::Fail);
        assert!(finding.message.starts_with("legacy era"), "{}", finding.message);
    }

    #[test]
    fn fails_on_a_body_that_is_no_json_but_not_where_it_was_cut() {
        let made = || ping(Era::Modern).body("application/json", "{\"jsonrpc\":\"2.0\",");
        assert_eq!(Scan::modern().with(made()).judge(&CHECK).status, Status::Fail);
        let cut = made().failed(crate::transcript::Phase::Body, crate::transcript::FailureKind::Truncated);
        assert_eq!(Scan::modern().with(cut).judge(&CHECK).status, Status::Pass);
    }

    #[test]
    fn fails_on_a_frame_of_an_mcp_socket() {
        let scan = |reply: &str| {
            let ask = r#"{"jsonrpc":"2.0","id":1,"method":"initialize"}"#;
            Scan::empty().with(get(ProbeId::Classify, "websocket").frames(&[
                (Direction::Out, FrameKind::Text, ask),
                (Direction::In, FrameKind::Text, r#"{"jsonrpc":"2.0","method":"notifications/message"}"#),
                (Direction::In, FrameKind::Text, reply),
            ]))
        };
        let bad = scan(r#"{"id":1,"result":{"protocolVersion":"2025-11-25"}}"#).judge(&CHECK);
        assert_eq!(bad.status, Status::Fail, "{}", bad.message);
        let good = scan(r#"{"jsonrpc":"2.0","id":1,"result":{"protocolVersion":"2025-11-25"}}"#);
        assert_eq!(good.judge(&CHECK).status, Status::Pass);
    }

    #[test]
    fn undecided_where_no_reply_came_and_not_applicable_to_a_feed() {
        assert_eq!(Scan::http_sse().judge(&CHECK).status, Status::Inconclusive);
        assert_eq!(Scan::gated().judge(&CHECK).status, Status::Inconclusive);
        assert_eq!(Scan::feed("data: {\"a\":1}\n\n").judge(&CHECK).status, Status::NotApplicable);
    }
}
