//! A method that is not there is 404 with -32601: the status for gateways, the code for clients.

use crate::checks::prelude::*;
use crate::facts::barrier;

pub(super) static CHECK: Check = Check {
    id: "modern-unknown-method-404",
    title: "Unknown and removed methods are answered with 404 and -32601",
    dimension: Dimension::D2,
    severity: Severity::High,
    level: Level::Must,
    applies: Applies::MODERN,
    reads: Reads::Of(&[ProbeId::Classify, ProbeId::ModernRules]),
    basis: &[
        mcp!(
            "2026-07-28",
            "Streamable HTTP, Protocol version header",
            "basic/transports/streamable-http#protocol-version-header"
        ),
        mcp!("2026-07-28", "Changelog, major items 4 and 5", "changelog"),
        Basis {
            title: "MCP conformance suite, server-stateless",
            url: "https://github.com/modelcontextprotocol/conformance",
        },
    ],
    rationale: "Agents try newer methods and fall back when they are told that a method is unknown. An answer \
                without the code looks like a wrong address or a broken server, and the agent gives up.",
    remediation: "Answer every method that is not implemented with HTTP 404 and `{\"code\": -32601, \"message\": \
                  \"Method not found\"}` under the id of the request, also `ping`, `logging/setLevel`, \
                  `resources/subscribe` and `resources/unsubscribe`, and let no proxy replace that body.",
    causes: &[],
    how: How {
        sent: "A method that does not exist, then four methods that 2026-07-28 removed: `ping`, \
               `logging/setLevel`, `resources/subscribe`, `resources/unsubscribe`.",
        passes: "404 with -32601 each time.",
        warns: "-32601 with status 200.",
        fails: "Another code, a 404 without a JSON-RPC body, a 5xx, or success.",
    },
    judge,
};

/// The call that must be there, and those that this revision removed.
const UNKNOWN: &str = "unknown-method";
const REMOVED: [&str; 4] = [
    "removed ping",
    "removed logging/setLevel",
    "removed resources/subscribe",
    "removed resources/unsubscribe",
];

const WANTED: Refusal = Refusal {
    echo: true,
    otherwise: Status::Fail,
    crash: Status::Fail,
    ..Refusal::with(404, names::METHOD_NOT_FOUND)
};

fn judge(facts: &Facts<'_>) -> Judgement {
    let none = Cases::of(facts, ProbeId::ModernRules, Era::Modern);
    let mut cases = none.refused_but(UNKNOWN, "an invented method", WANTED, partly);
    for step in REMOVED {
        if cases.sent(step) {
            let what = step.replace("removed", "the removed");
            cases = cases.refused_but(step, &what, WANTED, |exchange, outcome| {
                by_headers(outcome).or_else(|| partly(exchange, outcome))
            });
        }
    }
    let removed = cases.count(Status::Pass).saturating_sub(1);
    let removed = if removed == 4 { "the four".to_owned() } else { format!("{removed} of the four") };
    cases.verdict(&format!("the invented and {removed} removed methods get 404 and -32601"))
}

/// The code without the status, and the status without the code.
fn partly(exchange: &Exchange, outcome: &Outcome<'_>) -> Option<(Status, String)> {
    match outcome {
        Outcome::Error { status: 404 | 500.., .. } => None,
        Outcome::Error { status, error, .. } if error.code == Some(names::METHOD_NOT_FOUND) => {
            Some((Status::Warn, format!("gets -32601 with HTTP {status}, not 404")))
        }
        Outcome::Bare { status: 404 } if barrier::html(exchange) => {
            Some((Status::Fail, "gets 404 with an HTML page: a proxy may have replaced the body".to_owned()))
        }
        Outcome::Bare { status: 404 } => {
            let cause = "no JSON-RPC error: clients take it for a wrong address";
            Some((Status::Fail, format!("gets 404 with {cause}")))
        }
        _ => None,
    }
}

/// An SDK asks for `Mcp-Name` wherever older revisions had a `uri`, also for methods it then does not know:
/// two rules met, and the other one was applied first.
fn by_headers(outcome: &Outcome<'_>) -> Option<(Status, String)> {
    (outcome.code() == Some(names::HEADER_MISMATCH))
        .then(|| (Status::Info, "is refused for its headers before it is looked up".to_owned()))
}

#[cfg(test)]
#[test]
fn examples() {
    use crate::checks::examples::*;
    let sent = |step: &str| {
        let method = step.strip_prefix("removed ").unwrap_or("scanner/does-not-exist");
        let body = json!({"jsonrpc":"2.0","id":"u-1","method":method,"params":{}});
        post(ProbeId::ModernRules, step, Era::Modern, body).negative()
    };
    let sound = |made: Made| made.error(404, -32601, "Method not found");
    // All five as they should be, but one.
    let but = |odd: &str, answer: &dyn Fn(Made) -> Made| {
        [UNKNOWN].into_iter().chain(REMOVED).fold(Scan::modern(), |scan, step| {
            scan.with(if step == odd { answer(sent(step)) } else { sound(sent(step)) })
        })
    };
    let no_name = |made: Made| made.error(400, -32020, "missing required Mcp-Name header");
    let lost = |made: Made| {
        made.status(404).json(json!({"jsonrpc":"2.0","id":null,"error":{"code":-32601,"message":"x"}}))
    };
    // A committed event stream cannot send 404 any more.
    let stream = |made: Made| {
        made.stream(
            "data: {\"jsonrpc\":\"2.0\",\"id\":\"u-1\",\"error\":{\"code\":-32601,\"message\":\"x\"}}\n\n",
            0,
        )
    };
    let page = |made: Made| made.status(404).body("text/html", "<h1>404</h1>");
    let reset = |made: Made| made.failed(Phase::Head, FailureKind::Reset);
    let (ping, subscribe) = ("removed ping", "removed resources/subscribe");
    hold(
        &CHECK,
        [
            pass("404 with the code", but("", &sound)).naming("the four"),
            pass("the invented one alone", Scan::modern().with(sound(sent(UNKNOWN)))).naming("0 of the four"),
            pass("headers of a removed one are checked first", but(subscribe, &no_name)).naming("headers"),
            fail("the invented one has no such header", but(UNKNOWN, &no_name)),
            warn("200", but(UNKNOWN, &|made| made.error(200, -32601, "no"))),
            warn("200 to a removed one", but(ping, &|made| made.error(200, -32601, "no"))),
            warn("the id is lost", but(UNKNOWN, &lost)),
            warn("the id is lost for a removed one", but(ping, &lost)),
            warn("in a stream", but(UNKNOWN, &stream)),
            warn("a removed one in a stream", but(ping, &stream)),
            fail("another code", but(ping, &|made| made.error(404, -32602, "params"))).naming("ping"),
            fail("a bare 404", but(ping, &|made| made.status(404))).naming("ping"),
            fail("a crash", but(ping, &|made| made.status(500).body("text/plain", "x"))).naming("ping"),
            fail("the code in a crash", but(ping, &|made| made.error(500, -32601, "no"))).naming("ping"),
            fail("served", but(ping, &|made| made.result(json!({})))).naming("ping"),
            fail("a page", but(UNKNOWN, &page)).naming("proxy"),
            undecided("not sent", Scan::modern()),
            undecided("reset", but(ping, &reset)),
            undecided("rate limited", but(UNKNOWN, &|made| made.status(429))),
        ],
    );
}
