//! Header and body must not disagree on the protocol version: gateways read the one, servers the other.

use crate::checks::prelude::*;
use crate::facts::{Kind, Outcome};
use crate::protocol::names;

pub(super) static CHECK: Check = Check {
    id: "modern-version-header-mismatch",
    title: "A version header that contradicts the body is refused with 400 and -32020",
    dimension: Dimension::D7,
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
            title: "MCP 2026-07-28, Streamable HTTP, Server validation",
            url: "https://modelcontextprotocol.io/specification/2026-07-28/basic/transports/streamable-http#server-validation",
        },
    ],
    rationale: "Gateways apply their policy by the header, the server acts by the body. If the two may disagree, a \
                caller passes the gateway as one thing and is executed as another.",
    remediation: "Compare the `MCP-Protocol-Version` header with `params._meta[\"io.modelcontextprotocol/\
                  protocolVersion\"]` before anything else. A header of `2026-07-28` over a body of `1900-01-01` is \
                  answered with HTTP 400 and error code -32020.",
    how: How {
        sent: "`server/discover` with header `2026-07-28` and `1900-01-01` in `_meta`; on modern-only \
               endpoints also the reverse, with header `2025-11-25`.",
        passes: "400 with -32020.",
        warns: "Any other refusal.",
        fails: "A result.",
    },
    judge,
};

fn judge(facts: &Facts<'_>) -> Judgement {
    let mut seen = Observations::new();
    let mut missing = observe(facts, "header-newer", &mut seen).err();
    // A dual endpoint may hand a legacy header to its legacy side, whatever the body says.
    let reverse = facts.step(ProbeId::ModernRules, "header-older", Some(Era::Modern)).is_ok();
    if facts.class().kind == Kind::Modern && reverse {
        missing = missing.or(observe(facts, "header-older", &mut seen).err());
    }
    seen.verdict_despite(missing, "refused with 400 and -32020")
}

fn observe(facts: &Facts<'_>, step: &str, seen: &mut Observations) -> Result<(), Undecided> {
    let exchange = facts.negative(ProbeId::ModernRules, step, Some(Era::Modern))?;
    // 403 is a refusal like any other here: the twin, without the contradiction, was just served.
    if exchange.status() != Some(403) {
        answered(exchange)?;
    }
    let Some(outcome) = Outcome::of(exchange, facts.reply(exchange)) else {
        return inconclusive("no complete answer came");
    };
    let at = Evidence::status(exchange);
    match outcome {
        Outcome::Served => {
            seen.add(Status::Fail, at, "a request whose version header contradicts its body is served");
        }
        Outcome::Error { status: 400, error, .. } if error.code == Some(names::HEADER_MISMATCH) => {
            seen.add(Status::Pass, at, "refused");
        }
        Outcome::Nothing { .. } => return inconclusive("neither served nor refused"),
        other => seen.add(
            Status::Warn,
            at,
            format!("the contradiction is refused with {}, instead of 400 and -32020", other.words()),
        ),
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::CHECK;
    use crate::checks::synthetic::{Made, Scan, post};
    use crate::protocol::revision::Era;
    use crate::transcript::{FailureKind, Phase, ProbeId};
    use crate::verdict::Status;

    fn sent(step: &str) -> Made {
        let body = json!({"jsonrpc":"2.0","id":"m-1","method":"server/discover","params":{}});
        post(ProbeId::ModernRules, step, Era::Modern, body).negative()
    }

    fn refused(step: &str) -> Made {
        sent(step).error(400, -32020, "header and body disagree")
    }

    fn judged(made: Made) -> Status {
        Scan::modern().with(made).judge(&CHECK).status
    }

    #[test]
    fn passes_when_both_directions_are_refused() {
        let scan = Scan::modern().with(refused("header-newer")).with(refused("header-older"));
        assert_eq!(scan.judge(&CHECK).status, Status::Pass);
        assert_eq!(judged(refused("header-newer")), Status::Pass);
    }

    #[test]
    fn passes_on_a_dual_endpoint_whatever_its_legacy_side_does() {
        let routed = sent("header-older").result(json!({"tools":[]}));
        let scan = Scan::dual(false).with(refused("header-newer")).with(routed);
        assert_eq!(scan.judge(&CHECK).status, Status::Pass);
    }

    #[test]
    fn warns_of_any_other_refusal() {
        let all = [
            // What two builds of one SDK family answer.
            sent("header-newer").error(400, -32600, "Missing session ID"),
            sent("header-newer").error(200, -32601, "Method not found"),
            sent("header-newer").error(200, -32020, "mismatch"),
            sent("header-newer").status(400).body("text/plain", "Bad Request"),
            sent("header-newer").status(403).body("text/html", "Forbidden"),
        ];
        for made in all {
            assert_eq!(judged(made), Status::Warn);
        }
    }

    #[test]
    fn fails_when_a_result_comes() {
        let served = || json!({"resultType":"complete"});
        assert_eq!(judged(sent("header-newer").result(served())), Status::Fail);
        let older = Scan::modern().with(refused("header-newer")).with(sent("header-older").result(served()));
        assert_eq!(older.judge(&CHECK).status, Status::Fail);
        // Whatever else could not be seen: it was served.
        assert_eq!(judged(sent("header-older").result(served())), Status::Fail);
        let lost_id = json!({"jsonrpc":"2.0","id":null,"result":{}});
        assert_eq!(judged(sent("header-newer").status(200).json(lost_id)), Status::Fail);
    }

    #[test]
    fn undecided_when_not_sent_or_not_answered() {
        assert_eq!(Scan::modern().judge(&CHECK).status, Status::Inconclusive);
        assert_eq!(
            judged(sent("header-newer").failed(Phase::Head, FailureKind::Reset)),
            Status::Inconclusive
        );
        assert_eq!(judged(sent("header-newer").status(429)), Status::Inconclusive);
        // One direction alone is no pass.
        assert_eq!(judged(refused("header-older")), Status::Inconclusive);
    }

    #[test]
    fn not_applicable_to_legacy_endpoints() {
        assert_eq!(Scan::legacy(true).judge(&CHECK).status, Status::NotApplicable);
    }
}
