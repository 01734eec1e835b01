//! What is no JSON, or no request, is refused with the right code and a 4xx.

use crate::checks::prelude::*;
use crate::facts::Kind;
use crate::facts::refusal::{NoHead, firewall, no_answer, no_head};
use crate::protocol::jsonrpc::Answer;
use crate::protocol::names;
use crate::verdict::milliseconds;

pub(super) static CHECK: Check = Check {
    id: "rpc-malformed-codes",
    title: "Malformed requests get the right JSON-RPC error code and a 4xx",
    dimension: Dimension::D2,
    severity: Severity::Medium,
    level: Level::Should,
    applies: Applies::mcp(
        &[Transport::StreamableHttp, Transport::HttpSse, Transport::Websocket],
        Gated::Hidden,
    ),
    reads: Reads::Of(&[ProbeId::Malformed]),
    basis: &[
        Basis {
            title: "JSON-RPC 2.0, Error object (table of codes)",
            url: "https://www.jsonrpc.org/specification#error_object",
        },
        rfc!(9110, "15.5", "Client Error 4xx (practice for the status)"),
    ],
    rationale: "An agent that sent something broken must learn that the fault is its own, or it repeats the call. A \
                5xx, an HTML page or a bare success tells it the opposite.",
    remediation: "Answer unparsable JSON with HTTP 400 and `{\"jsonrpc\":\"2.0\",\"id\":null,\"error\":{\"code\":-32700,\
                  \"message\":\"Parse error\"}}`, and JSON that is no request with -32600. Where a body parser runs \
                  before the MCP handler (`express.json()`, an extractor), catch its error and answer so.",
    how: How {
        sent: "Three bodies with the headers of a correct call: `{\"jsonrpc\":\"2.0\",\"id\":1,`; \
               `{\"foo\":1}`; the correct call with `\"jsonrpc\":\"1.0\"`. On a WebSocket the first one \
               as a text frame.",
        passes: "400 with -32700 for cut JSON and -32600 for `{\"foo\":1}`; any clean refusal for the \
                 third. On HTTP+SSE any 4xx; on a WebSocket -32700 or a close code.",
        warns: "Another 4xx, another code, no JSON-RPC body, an error with status 200, or 202.",
        fails: "A 5xx, a result, or silence.",
    },
    judge,
};

/// Each step with the code that JSON-RPC gives it; `None` where any clean refusal will do.
const STEPS: [(&str, &str, Option<i64>); 3] = [
    ("truncated", "cut JSON", Some(names::PARSE_ERROR)),
    ("not-a-request", "`{\"foo\":1}`", Some(names::INVALID_REQUEST)),
    ("jsonrpc-1.0", "`\"jsonrpc\":\"1.0\"`", None),
];

fn judge(facts: &Facts<'_>) -> Judgement {
    facts.per_era(|era| judge_era(facts, era))
}

fn judge_era(facts: &Facts<'_>, era: Era) -> Judgement {
    if facts.class().kind == Kind::McpWebsocket {
        return judge_frame(facts, era);
    }
    let mut seen = Observations::new();
    let mut unseen = None;
    for (step, what, code) in STEPS {
        match judge_step(facts, era, step, what, code) {
            Ok(verdict) => seen.push(verdict),
            Err(reason) => unseen = unseen.or(Some(reason)),
        }
    }
    match unseen {
        // A pass speaks of all three.
        Some(reason) if seen.count(Status::Fail) + seen.count(Status::Warn) == 0 => Err(reason),
        _ => seen.verdict("all three were refused as they should be", "nothing was sent"),
    }
}

fn judge_step(facts: &Facts<'_>, era: Era, step: &str, what: &str, code: Option<i64>) -> Judgement {
    let exchange = facts.negative(ProbeId::Malformed, step, Some(era))?;
    if no_head(exchange, facts.header().limits.negative_ms) == Some(NoHead::Silent) {
        let waited = milliseconds(exchange.took_us());
        return fail(Evidence::failure(exchange), format!("{what} met silence for {waited}"));
    }
    answered(exchange)?;
    let status = exchange.status().unwrap_or_default();
    let reply = facts.reply(exchange);
    let answer = reply.answer.as_ref().or(reply.lenient.as_ref());
    let evidence = Evidence::status(exchange);
    match (status, answer) {
        (500.., _) => match firewall(exchange) {
            Some(name) => inconclusive(format!("{what} got {status} from {name}, perhaps a block")),
            None => fail(evidence, format!("{what} got {status}, a server error")),
        },
        (200..=299, Some(Answer::Result(_))) => fail(evidence, format!("{what} was served")),
        // 2024-11-05 fixes neither code nor body.
        (400..=499, _) if http_sse_only(facts) => pass(evidence, "refused"),
        (200..=499, Some(Answer::Error(_))) if code.is_none() => pass(evidence, "refused"),
        (400..=499, _) if code.is_none() => pass(evidence, "refused"),
        (400, Some(Answer::Error(error))) if error.code == code => pass(evidence, "refused"),
        (_, Some(Answer::Error(error))) => {
            let got = error.code.map_or_else(|| "no integer code".to_owned(), |code| code.to_string());
            let wanted = code.unwrap_or_default();
            warn(evidence, format!("{what} got HTTP {status} with {got} instead of 400 with {wanted}"))
        }
        _ => warn(evidence, format!("{what} got HTTP {status} without a JSON-RPC error")),
    }
}

/// A WebSocket has no status: -32700 or a close code says as much. Only the cut JSON is judged there.
fn judge_frame(facts: &Facts<'_>, era: Era) -> Judgement {
    let exchange = facts.negative(ProbeId::Malformed, "truncated", Some(era))?;
    let reply = facts.reply(exchange);
    let shown = |words: String| Evidence::new(exchange, "frames", words);
    match reply.answer.as_ref().or(reply.lenient.as_ref()) {
        Some(Answer::Result(_)) => return fail(shown("a result".to_owned()), "cut JSON was served"),
        Some(Answer::Error(error)) if error.code == Some(names::PARSE_ERROR) => {
            return pass(shown("code -32700".to_owned()), "cut JSON is answered with -32700");
        }
        Some(Answer::Error(error)) => {
            let got = error.code.map_or_else(|| "no integer code".to_owned(), |code| code.to_string());
            return warn(shown(format!("code {got}")), format!("cut JSON got {got} instead of -32700"));
        }
        None => {}
    }
    if let Some(code) = exchange.closed() {
        return pass(shown(format!("close {code}")), "cut JSON ends the socket with a close code");
    }
    let silent = || {
        let evidence = shown("no reply".to_owned());
        warn(evidence, "cut JSON met silence: neither -32700 nor a close code")
    };
    match no_answer(exchange, reply, facts.header().limits.negative_ms) {
        Some(NoHead::Silent) => silent(),
        Some(NoHead::Dropped) => warn(
            Evidence::failure(exchange),
            "cut JSON ends the connection without a close frame, and without -32700",
        ),
        _ => inconclusive("cut JSON was not answered, and we could not wait for it"),
    }
}

fn http_sse_only(facts: &Facts<'_>) -> bool {
    facts.class().transports.first() == Some(&Transport::HttpSse)
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::CHECK;
    use crate::checks::synthetic::{Made, Scan, post};
    use crate::protocol::revision::Era;
    use crate::transcript::{FailureKind, Phase, ProbeId};
    use crate::verdict::Status;

    fn sent(step: &str) -> Made {
        let body = match step {
            "truncated" => {
                let mut made = post(ProbeId::Malformed, step, Era::Modern, Value::Null).negative();
                made.made.request.body = Some("{\"jsonrpc\":\"2.0\",\"id\":1,".to_owned());
                return made;
            }
            "not-a-request" => json!({"foo":1}),
            _ => json!({"jsonrpc":"1.0","id":1,"method":"server/discover"}),
        };
        post(ProbeId::Malformed, step, Era::Modern, body).negative()
    }

    fn refusal(made: Made, status: u16, code: i64) -> Made {
        made.status(status).json(json!({"jsonrpc":"2.0","id":null,"error":{"code":code,"message":"no"}}))
    }

    /// A scan whose three steps were answered so; `None` is the sound answer.
    fn scan(odd: &str, answer: impl Fn(Made) -> Made) -> Scan {
        let mut scan = Scan::modern();
        for (step, code) in [("truncated", -32700), ("not-a-request", -32600), ("jsonrpc-1.0", -32600)] {
            let made = sent(step);
            scan = scan.with(if step == odd { answer(made) } else { refusal(made, 400, code) });
        }
        scan
    }

    fn status(odd: &str, answer: impl Fn(Made) -> Made) -> Status {
        scan(odd, answer).judge(&CHECK).status
    }

    #[test]
    fn passes_with_the_right_codes() {
        assert_eq!(status("none", |made| made), Status::Pass);
    }

    #[test]
    fn passes_on_any_clean_refusal_of_another_jsonrpc_version() {
        assert_eq!(status("jsonrpc-1.0", |made| refusal(made, 422, -32602)), Status::Pass);
        assert_eq!(status("jsonrpc-1.0", |made| made.status(415).body("text/plain", "no")), Status::Pass);
        assert_eq!(status("jsonrpc-1.0", |made| made.error(200, -32600, "no")), Status::Pass);
    }

    #[test]
    fn warns_about_other_codes_statuses_and_bodies() {
        // Real: Rust 415 with plain text, Express 400 with HTML, Python -32602, TypeScript -32700.
        assert_eq!(status("truncated", |made| made.status(415).body("text/plain", "fail")), Status::Warn);
        assert_eq!(status("truncated", |made| made.status(400).body("text/html", "<pre>")), Status::Warn);
        assert_eq!(status("not-a-request", |made| refusal(made, 400, -32602)), Status::Warn);
        assert_eq!(status("not-a-request", |made| refusal(made, 400, -32700)), Status::Warn);
        assert_eq!(status("not-a-request", |made| refusal(made, 400, -32020)), Status::Warn);
        assert_eq!(status("not-a-request", |made| made.status(202)), Status::Warn);
        assert_eq!(status("truncated", |made| refusal(made, 200, -32700)), Status::Warn);
    }

    #[test]
    fn fails_on_5xx_success_and_silence() {
        assert_eq!(status("truncated", |made| made.status(500).body("text/html", "oops")), Status::Fail);
        assert_eq!(status("truncated", |made| refusal(made, 500, -32603)), Status::Fail);
        assert_eq!(status("jsonrpc-1.0", |made| made.result(json!({}))), Status::Fail);
        let silent = |made: Made| {
            let mut made = made.failed(Phase::Head, FailureKind::HeaderTimeout);
            made.made.ended_us = 10_000_000;
            made
        };
        assert_eq!(status("not-a-request", silent), Status::Fail);
    }

    #[test]
    fn undecided_on_transport_failures_firewalls_and_refused_access() {
        let reset = |made: Made| made.failed(Phase::Head, FailureKind::Reset);
        assert_eq!(status("truncated", reset), Status::Inconclusive);
        assert_eq!(status("truncated", |made| made.status(403)), Status::Inconclusive);
        let blocked = |made: Made| made.status(503).header("server", "cloudflare");
        assert_eq!(status("truncated", blocked), Status::Inconclusive);
        // A short wait, as in the quick profile, proves no silence.
        let short = |made: Made| {
            let mut made = made.failed(Phase::Head, FailureKind::HeaderTimeout);
            made.made.ended_us = 300_000;
            made
        };
        assert_eq!(status("truncated", short), Status::Inconclusive);
        assert_eq!(Scan::modern().judge(&CHECK).status, Status::Inconclusive);
    }

    #[test]
    fn undecided_where_the_unchanged_request_was_not_served() {
        let mut scan = scan("none", |made| made);
        for exchange in &mut scan.transcript.exchanges {
            exchange.twin = None;
        }
        assert_eq!(scan.judge(&CHECK).status, Status::Inconclusive);
    }
}
