//! An error has a code and a message.

use serde_json::Value;

use crate::checks::prelude::*;
use crate::facts::subject;
use crate::protocol::jsonrpc;

pub(super) static CHECK: Check = Check {
    id: "rpc-error-object-shape",
    title: "Errors have an integer code and a message",
    dimension: Dimension::D2,
    severity: Severity::Medium,
    level: Level::Must,
    applies: Applies::mcp(
        &[Transport::StreamableHttp, Transport::HttpSse, Transport::Websocket],
        Gated::Hidden,
    ),
    reads: Reads::All,
    basis: &[
        Basis {
            title: "JSON-RPC 2.0, Error object",
            url: "https://www.jsonrpc.org/specification#error_object",
        },
        mcp!("2026-07-28", "Basic, Error Responses", "basic#error-responses"),
        mcp!("2025-11-25", "Basic, Responses", "basic#responses"),
    ],
    rationale: "An agent learns from the code whether to try again, and from the message what to change. Where a library \
                cannot parse the error, the call fails with words about the parser instead.",
    remediation: "Send both members, with their types: `\"error\": {\"code\": -32602, \"message\": \"Unknown tool: x\"}`.",
    causes: &[],
    how: How {
        sent: "Nothing more: every JSON-RPC error that came, in any reply of the endpoint.",
        passes: "Each `error` is an object with an integer `code` and a string `message`.",
        warns: "",
        fails: "One is bare text or the like, or lacks one of the two, or one of them has another type.",
    },
    judge,
};

/// Messages of one batch that are looked at.
const MOST: usize = 100;

fn judge(facts: &Facts<'_>) -> Judgement {
    facts.per_era(|era| judge_era(facts, era))
}

fn judge_era(facts: &Facts<'_>, era: Era) -> Judgement {
    let mut seen = Observations::new();
    let own = |exchange: &&Exchange| {
        exchange.is_message() || exchange.stream.is_some() || subject::own(facts.header(), exchange)
    };
    for exchange in facts.of_era(era).filter(own) {
        for message in &facts.reply(exchange).messages {
            let Ok(value) = &message.json else { continue };
            let batch = value.as_array().into_iter().flatten().take(MOST);
            for error in batch.chain([value]).filter(|one| is_error(one)) {
                let faults = jsonrpc::error_faults(error);
                if faults.is_empty() {
                    seen.add_with(Status::Pass, || Evidence::status(exchange), "sound");
                } else {
                    let shown = error.get("error").unwrap_or(&Value::Null);
                    let evidence = Evidence::new(exchange, message.pointer.as_str(), shown.to_string());
                    seen.add(Status::Fail, evidence, faults.join(", "));
                }
            }
        }
    }
    let sound = format!("every error has a code and a message ({} in all)", seen.count(Status::Pass));
    seen.verdict(sound, "no JSON-RPC error was seen")
}

/// Whether a message calls itself JSON-RPC and is an error alone: OAuth and gateways have errors of their own, and a
/// reply with a result is at fault in another way.
fn is_error(value: &Value) -> bool {
    value.get("jsonrpc").is_some()
        && value.get("error").is_some()
        && value.get("result").is_none()
        && !jsonrpc::is_request(value)
}

#[cfg(test)]
#[test]
fn examples() {
    use crate::checks::examples::*;
    let with = |era: Era, body: Value| {
        let asked = json!({"jsonrpc":"2.0","id":7,"method":"scanner/none"});
        post(ProbeId::ModernRules, "unknown-method", era, asked).status(404).json(body)
    };
    let says =
        |error: Value| Scan::modern().with(with(Era::Modern, json!({"jsonrpc":"2.0","id":7,"error":error})));
    let bare = || Scan::empty().with(discover());
    hold(
        &CHECK,
        [
            pass("both", says(json!({"code":-32601,"message":"no"}))).naming("1 in all"),
            pass("a whole number as a fraction", says(json!({"code":-32601.0,"message":""}))),
            pass(
                "no JSON-RPC",
                says(json!({"code":1,"message":"no"}))
                    .with(with(Era::Modern, json!({"error":"invalid_token"}))),
            ),
            pass(
                "null beside a result is for another row",
                says(json!({"code":1,"message":"no"}))
                    .with(with(Era::Modern, json!({"jsonrpc":"2.0","id":7,"result":{},"error":null}))),
            ),
            fail("text", says(json!("no"))).naming("a string"),
            fail("null", says(json!(null))).naming("null"),
            fail("a code in letters", says(json!({"code":"-32601","message":"no"}))).naming("`code`"),
            fail("no code", says(json!({"message":"no"}))).naming("no `code`"),
            fail("no message", says(json!({"code":-32601}))).naming("no `message`"),
            fail("a fraction", says(json!({"code":0.5,"message":"no"}))),
            fail("within a batch", {
                let error = json!({"jsonrpc":"2.0","id":7,"error":{"code":1}});
                Scan::legacy(false).with(with(Era::Legacy, json!([error])))
            }),
            undecided("none came", bare()),
        ],
    );
}
