//! A modern request without its mandatory `_meta` members is refused, not guessed at.

use crate::checks::prelude::*;
use crate::facts::Outcome;
use crate::protocol::names;

pub(super) static CHECK: Check = Check {
    id: "modern-meta-required",
    title: "A request without its mandatory _meta members is refused with 400 and -32602",
    dimension: Dimension::D2,
    severity: Severity::High,
    level: Level::Must,
    applies: Applies::MODERN,
    reads: Reads::Of(&[ProbeId::Classify, ProbeId::ModernRules]),
    basis: &[
        Basis {
            title: "MCP 2026-07-28, Basic, _meta",
            url: "https://modelcontextprotocol.io/specification/2026-07-28/basic#meta",
        },
        Basis {
            title: "MCP conformance suite, server-stateless",
            url: "https://github.com/modelcontextprotocol/conformance",
        },
    ],
    rationale: "Without a handshake, `_meta` is all a server knows of its client. A server that serves requests \
                without it guesses version and capabilities, and may send what the agent cannot read.",
    remediation: "Check `params._meta` of every request for `io.modelcontextprotocol/protocolVersion` and \
                  `io.modelcontextprotocol/clientCapabilities`, and answer HTTP 400 with `{\"code\": -32602, \
                  \"message\": \"Invalid params: _meta lacks protocolVersion\"}` under the id of the request.",
    how: How {
        sent: "`server/discover` with modern headers and params `{}`; then `_meta` without the version; \
               then without the client's capabilities.",
        passes: "400 with -32602 each time.",
        warns: "Any other refusal, such as -32020, or the right code with status 200.",
        fails: "One of them is served, or met with a 5xx.",
    },
    judge,
};

/// Steps, and what each leaves out.
const STEPS: [(&str, &str); 3] = [
    ("meta-empty", "`_meta`"),
    ("meta-no-version", "`protocolVersion` in `_meta`"),
    ("meta-no-capabilities", "`clientCapabilities` in `_meta`"),
];

fn judge(facts: &Facts<'_>) -> Judgement {
    let mut seen = Observations::new();
    let mut missing = None;
    for (step, lacking) in STEPS {
        missing = missing.or(observe(facts, step, lacking, &mut seen).err());
    }
    seen.verdict_despite(missing, "all three are refused with 400 and -32602")
}

fn observe(facts: &Facts<'_>, step: &str, lacking: &str, seen: &mut Observations) -> Result<(), Undecided> {
    let exchange = answered(facts.negative(ProbeId::ModernRules, step, Some(Era::Modern))?)?;
    let Some(outcome) = Outcome::of(exchange, facts.reply(exchange)) else {
        return inconclusive("no complete answer came");
    };
    let at = Evidence::status(exchange);
    match outcome {
        Outcome::Served => seen.add(Status::Fail, at, format!("a request without {lacking} is served")),
        Outcome::Error { status: 400, error, echoed } if error.code == Some(names::INVALID_PARAMS) => {
            if echoed {
                seen.add(Status::Pass, at, "refused");
            } else {
                let message = format!("without {lacking}: refused as it should be, but the id is not echoed");
                seen.add(Status::Warn, at, message);
            }
        }
        Outcome::Nothing { .. } => return inconclusive("neither served nor refused"),
        // A crash is no refusal: the client is told that it may try the same again.
        other if exchange.status() >= Some(500) => seen.add(
            Status::Fail,
            at,
            format!("a request without {lacking} makes the server fail with {}", other.words()),
        ),
        other => seen.add(
            Status::Warn,
            at,
            format!("without {lacking}: refused with {}, instead of 400 and -32602", other.words()),
        ),
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::{CHECK, STEPS};
    use crate::checks::synthetic::{Made, Scan, post};
    use crate::finding::Finding;
    use crate::protocol::revision::Era;
    use crate::transcript::{FailureKind, Phase, ProbeId};
    use crate::verdict::Status;

    /// Every step refused as it should be, but the second answered by `answer`.
    fn judged(answer: impl Fn(Made) -> Made) -> Finding {
        let mut scan = Scan::dual(false);
        for (step, _) in STEPS {
            let body = json!({"jsonrpc":"2.0","id":step,"method":"server/discover","params":{}});
            let made = post(ProbeId::ModernRules, step, Era::Modern, body).negative();
            let second = step == "meta-no-version";
            scan = scan.with(if second { answer(made) } else { made.error(400, -32602, "_meta") });
        }
        scan.judge(&CHECK)
    }

    #[test]
    fn passes_when_all_three_are_refused() {
        let finding = judged(|made| made.error(400, -32602, "_meta"));
        assert_eq!(finding.status, Status::Pass, "{}", finding.message);
    }

    #[test]
    fn warns_of_other_codes_a_status_of_200_or_a_lost_id() {
        let lost = json!({"jsonrpc":"2.0","id":Value::Null,"error":{"code":-32602,"message":"x"}});
        let all: [Box<dyn Fn(Made) -> Made>; 6] = [
            Box::new(|made| made.error(400, -32020, "mismatch")),
            Box::new(|made| made.error(400, -32022, "version")),
            Box::new(|made| made.error(200, -32602, "_meta")),
            Box::new(|made| made.error(400, -32600, "invalid")),
            Box::new(|made| made.status(400).body("text/plain", "Bad Request")),
            Box::new(move |made| made.status(400).json(lost.clone())),
        ];
        for answer in all {
            let finding = judged(answer);
            assert_eq!(finding.status, Status::Warn, "{}", finding.message);
            assert!(finding.message.contains("protocolVersion"), "{}", finding.message);
        }
    }

    #[test]
    fn fails_when_one_is_served_or_crashes_the_server() {
        let served = judged(|made| made.result(json!({"resultType":"complete"})));
        assert_eq!(served.status, Status::Fail);
        assert!(served.message.contains("protocolVersion"), "{}", served.message);
        assert_eq!(judged(|made| made.status(500).body("text/html", "oops")).status, Status::Fail);
    }

    #[test]
    fn undecided_when_one_was_not_sent_or_not_answered() {
        assert_eq!(Scan::modern().judge(&CHECK).status, Status::Inconclusive);
        let lost = judged(|made| made.failed(Phase::Head, FailureKind::HeaderTimeout));
        assert_eq!(lost.status, Status::Inconclusive);
        assert_eq!(judged(|made| made.status(401)).status, Status::Inconclusive);
        assert_eq!(judged(|made| made.status(202)).status, Status::Inconclusive);
    }

    #[test]
    fn not_applicable_to_legacy_endpoints() {
        assert_eq!(Scan::legacy(false).judge(&CHECK).status, Status::NotApplicable);
    }
}
