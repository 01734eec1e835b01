//! Whoever answers in JSON-RPC lets a client begin.

use crate::checks::prelude::*;
use crate::facts::barrier::{spoke, wants_credential};
use crate::facts::quote::quoted;
use crate::facts::steps;

pub(super) static CHECK: Check = Check {
    id: "handshake-served",
    title: "A handshake of one era is served",
    dimension: Dimension::D2,
    severity: Severity::Critical,
    level: Level::Must,
    applies: Applies { gated: Gated::Hidden, ..Applies::ANYWHERE },
    reads: Reads::Of(&[ProbeId::Classify, ProbeId::HttpSse, ProbeId::WebSocket]),
    basis: &[
        Basis {
            title: "JSON-RPC 2.0, Response object",
            url: "https://www.jsonrpc.org/specification#response_object",
        },
        mcp!("2025-11-25", "Lifecycle, Error Handling", "basic/lifecycle#error-handling"),
    ],
    rationale: "Every client begins with initialize or server/discover. Where both get an error that is not about the \
                version, no client comes any further, although the address is right.",
    remediation: "Answer the handshake without the back end: version, capabilities and name are known when the server \
                  starts. The quoted error says what stood in the way; the path is right, so leave it.",
    causes: &[],
    how: How {
        sent: "Nothing of its own: `server/discover` and `initialize` of the first steps.",
        passes: "One of them is answered with a result.",
        warns: "",
        fails: "Both are answered with JSON-RPC errors under our ids that are no refusal of the version.",
    },
    judge,
};

fn judge(facts: &Facts<'_>) -> Judgement {
    let handshake =
        |exchange: &&Exchange| matches!(facts.method(exchange), Some(names::INITIALIZE | names::DISCOVER));
    let asked: Vec<&Exchange> = facts.exchanges().filter(handshake).collect();
    let result = |exchange: &Exchange| {
        let reply = facts.reply(exchange);
        reply.answer.as_ref().or(reply.lenient.as_ref()).and_then(jsonrpc::Answer::result).is_some()
    };
    if let Some(served) = asked.iter().find(|exchange| result(exchange)) {
        let method = facts.method(served).unwrap_or_default();
        return pass(Evidence::status(served), format!("`{method}` is served"));
    }
    // What begins in frames is read there.
    if facts.class().is_mcp() {
        return not_applicable("MCP answered, in messages that other rows judge");
    }
    let errors: Vec<&Exchange> = asked.iter().copied().filter(|exchange| spoke(exchange)).collect();
    let Some(first) = errors.first() else {
        return not_applicable("nothing here answers in JSON-RPC");
    };
    for method in [names::DISCOVER, names::INITIALIZE] {
        if !errors.iter().any(|exchange| facts.method(exchange) == Some(method)) {
            return inconclusive(format!("`{method}` was not answered in JSON-RPC"));
        }
    }
    if let Some(other) = errors.iter().find(|exchange| of_version(facts, exchange)) {
        return inconclusive(format!("a version is refused, not the handshake{}", quoted(other)));
    }
    if let Some(gate) = errors.iter().find(|exchange| wants_credential(exchange)) {
        return inconclusive(format!("the words may ask for a credential{}", quoted(gate)));
    }
    let message =
        format!("`server/discover` and `initialize` are both answered with an error{}", quoted(first));
    Ok(Verdict::of(Status::Fail, errors.iter().map(|one| Evidence::status(one)).collect(), message))
}

/// Whether an error is about the version that was offered.
fn of_version(facts: &Facts<'_>, exchange: &Exchange) -> bool {
    let reply = facts.reply(exchange);
    let Some(jsonrpc::Answer::Error(error)) = reply.answer.as_ref().or(reply.lenient.as_ref()) else {
        return false;
    };
    error.code == Some(names::UNSUPPORTED_VERSION)
        || !steps::versions_in(error).is_empty()
        || error.message.as_deref().is_some_and(|text| text.to_ascii_lowercase().contains("version"))
}

#[cfg(test)]
#[test]
fn examples() {
    use crate::checks::examples::*;
    let init = || initialize(ProbeId::Classify, "initialize");
    let both = |answer: &dyn Fn(Made) -> Made| Scan::empty().with(answer(discover())).with(answer(init()));
    hold(
        &CHECK,
        [
            pass("modern", Scan::modern()),
            pass("legacy", Scan::legacy(false)),
            fail("a back end is down", both(&|made| made.error(200, -32603, "Database unavailable")))
                .naming("Database unavailable"),
            fail("as a server error", both(&|made| made.error(500, -32603, "boom"))),
            fail("no such method", both(&|made| made.error(200, -32601, "Method not found"))),
            not_applicable("no JSON-RPC", both(&|made| made.status(404).body("text/html", "<p>no"))),
            undecided("the version", both(&|made| made.error(200, -32000, "Unsupported protocol version"))),
            undecided("a credential", both(&|made| made.error(200, -32000, "Invalid access key"))),
            undecided(
                "one of the two",
                Scan::empty().with(discover().error(200, -32603, "boom")).with(init().status(404)),
            ),
        ],
    );
}
