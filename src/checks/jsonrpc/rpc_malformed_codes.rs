//! What is no JSON, or no request, is refused with the right code and a 4xx.

use crate::checks::prelude::*;
use crate::facts::refusal::{NoHead, intermediary, no_answer, no_head};
use crate::protocol::jsonrpc::Answer;
use crate::transcript::Profile;

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
    causes: &[],
    how: How {
        sent: "Three bodies with the headers of a correct call: `{\"jsonrpc\":\"2.0\",\"id\":1,`; \
               `{\"foo\":1}`; the correct call with `\"jsonrpc\":\"1.0\"`. On a WebSocket the first one \
               as a text frame. In `quick` the older era of two gets `{\"foo\":1}` alone.",
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
    // Quick asks the older era for the one that is most often answered otherwise there.
    let older = facts.profile() == Profile::Quick && facts.class().newest_era() != Some(era);
    for (step, what, code) in STEPS.into_iter().filter(|(step, ..)| !older || *step == "not-a-request") {
        match judge_step(facts, era, step, what, code) {
            Ok(verdict) => seen.push(verdict),
            Err(reason) => unseen = unseen.or(Some(reason)),
        }
    }
    match unseen {
        // A pass speaks of all three.
        Some(reason) if seen.count(Status::Fail) + seen.count(Status::Warn) == 0 => Err(reason),
        _ if older => seen.verdict("`{\"foo\":1}` was refused as it should be", "nothing was sent"),
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
        (500.., _) => match intermediary(exchange) {
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
#[test]
fn examples() {
    use crate::checks::examples::*;
    let sent = |step: &str| {
        let mut made = post(ProbeId::Malformed, step, Era::Modern, json!({"foo":1})).negative();
        match step {
            "truncated" => made.made.request.body = Some("{\"jsonrpc\":\"2.0\",\"id\":1,".to_owned()),
            "not-a-request" => {}
            _ => {
                made.made.request.body =
                    Some(json!({"jsonrpc":"1.0","id":1,"method":names::DISCOVER}).to_string());
            }
        }
        made
    };
    fn refusal(made: Made, status: u16, code: i64) -> Made {
        made.status(status).json(json!({"jsonrpc":"2.0","id":null,"error":{"code":code,"message":"no"}}))
    }
    let refuse = |status, code| move |made: Made| refusal(made, status, code);
    // All three refused as they should be, but one.
    let but = |odd: &str, answer: &dyn Fn(Made) -> Made| {
        let codes = [("truncated", -32700), ("not-a-request", -32600), ("jsonrpc-1.0", -32600)];
        codes.into_iter().fold(Scan::modern(), |scan, (step, code)| {
            scan.with(if step == odd { answer(sent(step)) } else { refusal(sent(step), 400, code) })
        })
    };
    let silent = |waited_us| {
        move |made: Made| {
            let mut made = made.failed(Phase::Head, FailureKind::HeaderTimeout);
            made.made.ended_us = waited_us;
            made
        }
    };
    let mut alone = but("none", &|made| made);
    alone.transcript.exchanges.iter_mut().for_each(|exchange| exchange.twin = None);
    let (cut, foo, old) = ("truncated", "not-a-request", "jsonrpc-1.0");
    let blocked = |made: Made| made.status(503).header("server", "cloudflare");
    hold(
        &CHECK,
        [
            pass("the right codes", but("none", &|made| made)),
            pass("any clean refusal of 1.0", but(old, &refuse(422, -32602))),
            pass("415 for 1.0", but(old, &|made| made.status(415).body("text/plain", "no"))),
            pass("an error with 200 for 1.0", but(old, &|made| made.error(200, -32600, "no"))),
            // Rust, Express, Python, TypeScript.
            warn("415 with plain text", but(cut, &|made| made.status(415).body("text/plain", "fail"))),
            warn("400 with a page", but(cut, &|made| made.status(400).body("text/html", "<pre>"))),
            warn("-32602", but(foo, &refuse(400, -32602))),
            warn("-32700", but(foo, &refuse(400, -32700))),
            warn("-32020", but(foo, &refuse(400, -32020))),
            warn("202", but(foo, &|made| made.status(202))),
            warn("the code with 200", but(cut, &refuse(200, -32700))),
            fail("500 with a page", but(cut, &|made| made.status(500).body("text/html", "oops"))),
            fail("500 with a code", but(cut, &refuse(500, -32603))),
            fail("1.0 is served", but(old, &|made| made.result(json!({})))),
            fail("silence", but(foo, &silent(10_000_000))),
            undecided("reset", but(cut, &|made| made.failed(Phase::Head, FailureKind::Reset))),
            undecided("403", but(cut, &|made| made.status(403))),
            undecided("a firewall", but(cut, &blocked)),
            // A short wait, as in the quick profile, proves no silence.
            undecided("a short wait", but(cut, &silent(300_000))),
            undecided("nothing was sent", Scan::modern()),
            undecided("the unchanged request was not served", alone),
        ],
    );
}
