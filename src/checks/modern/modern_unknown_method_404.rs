//! A method that is not there is 404 with -32601: the status for gateways, the code for clients.

use crate::checks::prelude::*;
use crate::facts::{Outcome, barrier};
use crate::protocol::names;
use crate::transcript::exchange::request_method;

pub(super) static CHECK: Check = Check {
    id: "modern-unknown-method-404",
    title: "Unknown and removed methods are answered with 404 and -32601",
    dimension: Dimension::D2,
    severity: Severity::High,
    level: Level::Must,
    applies: Applies::MODERN,
    reads: Reads::Of(&[ProbeId::Classify, ProbeId::ModernRules]),
    basis: &[
        Basis {
            title: "MCP 2026-07-28, Streamable HTTP, Protocol version header",
            url: "https://modelcontextprotocol.io/specification/2026-07-28/basic/transports/streamable-http#protocol-version-header",
        },
        Basis {
            title: "MCP 2026-07-28, Changelog, major items 4 and 5",
            url: "https://modelcontextprotocol.io/specification/2026-07-28/changelog",
        },
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
    how: How {
        sent: "`scanner/does-not-exist`, then four methods that 2026-07-28 removed: `ping`, \
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

fn judge(facts: &Facts<'_>) -> Judgement {
    let mut seen = Observations::new();
    let mut missing = observe(facts, UNKNOWN, &mut seen).err();
    for step in REMOVED {
        if facts.step(ProbeId::ModernRules, step, Some(Era::Modern)).is_ok() {
            missing = missing.or(observe(facts, step, &mut seen).err());
        }
    }
    let removed = seen.count(Status::Pass).saturating_sub(1);
    let removed = if removed == 4 { "the four".to_owned() } else { format!("{removed} of the four") };
    let sound = format!("the invented and {removed} removed methods get 404 and -32601");
    seen.verdict_despite(missing, sound)
}

fn observe(facts: &Facts<'_>, step: &str, seen: &mut Observations) -> Result<(), Undecided> {
    let exchange = answered(facts.negative(ProbeId::ModernRules, step, Some(Era::Modern))?)?;
    let Some(outcome) = Outcome::of(exchange, facts.reply(exchange)) else {
        return inconclusive("no complete answer came");
    };
    let method = if step == UNKNOWN {
        "an invented method".to_owned()
    } else {
        format!("the removed {}", request_method(exchange).unwrap_or_default())
    };
    let at = Evidence::status(exchange);
    match outcome {
        Outcome::Served => seen.add(Status::Fail, at, format!("{method} is answered with a result")),
        Outcome::Error { status, error, echoed }
            if error.code == Some(names::METHOD_NOT_FOUND) && status < 500 =>
        {
            if status != 404 {
                seen.add(Status::Warn, at, format!("{method} gets -32601 with HTTP {status}, not 404"));
            } else if echoed {
                seen.add(Status::Pass, at, "not found");
            } else {
                let message = format!("{method} gets 404 and -32601, but the id is not echoed");
                seen.add(Status::Warn, at, message);
            }
        }
        Outcome::Bare { status: 404 } => {
            let cause = if barrier::html(exchange) {
                "an HTML page: a proxy may have replaced the body"
            } else {
                "no JSON-RPC error: clients take it for a wrong address"
            };
            seen.add(Status::Fail, at, format!("{method} gets 404 with {cause}"));
        }
        // An SDK asks for `Mcp-Name` wherever older revisions had a `uri`, also for methods it then does
        // not know: two rules met, and the other one was applied first.
        Outcome::Error { error, .. } if step != UNKNOWN && error.code == Some(names::HEADER_MISMATCH) => {
            seen.add(Status::Info, at, format!("{method} is refused for its headers before it is looked up"));
        }
        Outcome::Nothing { .. } => return inconclusive("neither served nor refused"),
        other => {
            let message = format!("{method} gets {}, instead of 404 and -32601", other.words());
            seen.add(Status::Fail, at, message);
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::{CHECK, REMOVED, UNKNOWN};
    use crate::checks::synthetic::{Made, Scan, post};
    use crate::finding::Finding;
    use crate::protocol::revision::Era;
    use crate::transcript::{FailureKind, Phase, ProbeId};
    use crate::verdict::Status;

    fn sent(step: &str) -> Made {
        let method = step.strip_prefix("removed ").unwrap_or("scanner/does-not-exist");
        let body = json!({"jsonrpc":"2.0","id":"u-1","method":method,"params":{}});
        post(ProbeId::ModernRules, step, Era::Modern, body).negative()
    }

    /// All five as they should be, but `changed` answered by `answer`.
    fn judged(changed: &str, answer: impl Fn(Made) -> Made) -> Finding {
        let mut scan = Scan::modern();
        for step in [UNKNOWN].into_iter().chain(REMOVED) {
            let made = sent(step);
            let sound = |made: Made| made.error(404, -32601, "Method not found");
            scan = scan.with(if step == changed { answer(made) } else { sound(made) });
        }
        scan.judge(&CHECK)
    }

    #[test]
    fn passes_with_404_and_the_code() {
        let finding = judged("", |made| made);
        assert_eq!(finding.status, Status::Pass, "{}", finding.message);
        let alone = Scan::modern().with(sent(UNKNOWN).error(404, -32601, "no")).judge(&CHECK);
        assert_eq!(alone.status, Status::Pass);
        assert!(alone.message.contains("0 of the four"), "{}", alone.message);
    }

    #[test]
    fn passes_with_a_note_when_headers_of_a_removed_method_are_checked_first() {
        let refuse = |made: Made| made.error(400, -32020, "missing required Mcp-Name header");
        let finding = judged("removed resources/subscribe", refuse);
        assert_eq!(finding.status, Status::Pass);
        assert!(finding.message.contains("headers"), "{}", finding.message);
        // The invented method has no such header.
        assert_eq!(judged(UNKNOWN, refuse).status, Status::Fail);
    }

    #[test]
    fn warns_of_200_or_a_lost_id() {
        let lost = json!({"jsonrpc":"2.0","id":Value::Null,"error":{"code":-32601,"message":"x"}});
        let stream =
            "data: {\"jsonrpc\":\"2.0\",\"id\":\"u-1\",\"error\":{\"code\":-32601,\"message\":\"x\"}}\n\n";
        for step in [UNKNOWN, "removed ping"] {
            assert_eq!(judged(step, |made| made.error(200, -32601, "no")).status, Status::Warn);
            assert_eq!(judged(step, |made| made.status(404).json(lost.clone())).status, Status::Warn);
            // A committed event stream cannot send 404 any more.
            assert_eq!(judged(step, |made| made.stream(stream, 0)).status, Status::Warn);
        }
    }

    #[test]
    fn fails_on_other_codes_empty_404_crashes_and_success() {
        let all: [fn(Made) -> Made; 5] = [
            |made| made.error(404, -32602, "Invalid params"),
            |made| made.status(404),
            |made| made.status(500).body("text/plain", "oops"),
            |made| made.error(500, -32601, "no"),
            |made| made.result(json!({})),
        ];
        for answer in all {
            let finding = judged("removed ping", answer);
            assert_eq!(finding.status, Status::Fail, "{}", finding.message);
            assert!(finding.message.contains("ping"), "{}", finding.message);
        }
    }

    #[test]
    fn fails_on_an_html_404_and_names_the_proxy() {
        let finding = judged(UNKNOWN, |made| made.status(404).body("text/html", "<h1>404</h1>"));
        assert_eq!(finding.status, Status::Fail);
        assert!(finding.message.contains("proxy"), "{}", finding.message);
    }

    #[test]
    fn undecided_when_not_sent_or_not_answered() {
        assert_eq!(Scan::modern().judge(&CHECK).status, Status::Inconclusive);
        let lost = judged("removed ping", |made| made.failed(Phase::Head, FailureKind::Reset));
        assert_eq!(lost.status, Status::Inconclusive);
        assert_eq!(judged(UNKNOWN, |made| made.status(429)).status, Status::Inconclusive);
    }

    #[test]
    fn not_applicable_to_legacy_endpoints() {
        assert_eq!(Scan::legacy(false).judge(&CHECK).status, Status::NotApplicable);
    }
}
