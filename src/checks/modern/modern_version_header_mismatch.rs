//! Header and body must not disagree on the protocol version: gateways read the one, servers the other.

use crate::checks::prelude::*;

pub(super) static CHECK: Check = Check {
    id: "modern-version-header-mismatch",
    title: "A version header that contradicts the body is refused with 400 and -32020",
    dimension: Dimension::D7,
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
        mcp!(
            "2026-07-28",
            "Streamable HTTP, Server validation",
            "basic/transports/streamable-http#server-validation"
        ),
    ],
    rationale: "Gateways apply their policy by the header, the server acts by the body. If the two may disagree, a \
                caller passes the gateway as one thing and is executed as another.",
    remediation: "Compare the `MCP-Protocol-Version` header with `params._meta[\"io.modelcontextprotocol/\
                  protocolVersion\"]` before anything else. A header of `2026-07-28` over a body of `1900-01-01` is \
                  answered with HTTP 400 and error code -32020.",
    causes: &[],
    how: How {
        sent: "`server/discover` with header `2026-07-28` and `1900-01-01` in `_meta`; on modern-only \
               endpoints also the reverse, with header `2025-11-25`.",
        passes: "400 with -32020.",
        warns: "Any other refusal.",
        fails: "A result.",
    },
    judge,
};

// 403 is a refusal like any other here: the twin, without the contradiction, was just served.
const WANTED: Refusal = Refusal { also: &[403], ..Refusal::with(400, names::HEADER_MISMATCH) };
const WHAT: &str = "a request whose version header contradicts its body";

fn judge(facts: &Facts<'_>) -> Judgement {
    let mut cases = Cases::of(facts, ProbeId::ModernRules, Era::Modern).refused("header-newer", WHAT, WANTED);
    // A dual endpoint may hand a legacy header to its legacy side, whatever the body says.
    if facts.class().kind == Kind::Modern && cases.sent("header-older") {
        cases = cases.refused("header-older", WHAT, WANTED);
    }
    cases.verdict("refused with 400 and -32020")
}

#[cfg(test)]
#[test]
fn examples() {
    use crate::checks::examples::*;
    let newer = || negative(ProbeId::ModernRules, "header-newer");
    let older = || negative(ProbeId::ModernRules, "header-older");
    let refused = |made: Made| made.error(400, -32020, "header and body disagree");
    let served = |made: Made| made.result(json!({"resultType":"complete"}));
    let of = |made: Made| Scan::modern().with(made);
    hold(
        &CHECK,
        [
            pass("both directions are refused", of(refused(newer())).with(refused(older()))),
            pass("one direction was sent", of(refused(newer()))),
            pass("its legacy side serves it", Scan::dual(false).with(refused(newer())).with(served(older()))),
            warn("an SDK finds no session", of(newer().error(400, -32600, "Missing session ID"))),
            warn("an SDK knows no method", of(newer().error(200, -32601, "Method not found"))),
            warn("the code comes with 200", of(newer().error(200, -32020, "mismatch"))),
            warn("a bare 400", of(newer().status(400).body("text/plain", "Bad Request"))),
            warn("a bare 403", of(newer().status(403).body("text/html", "Forbidden"))),
            fail("it is served", of(served(newer()))),
            fail("the reverse is served", of(refused(newer())).with(served(older()))),
            fail("the reverse alone was seen, and served", of(served(older()))),
            fail("served, the id lost", of(newer().json(json!({"jsonrpc":"2.0","id":null,"result":{}})))),
            undecided("not sent", Scan::modern()),
            undecided("reset", of(newer().failed(Phase::Head, FailureKind::Reset))),
            undecided("rate limited", of(newer().status(429))),
            undecided("one direction alone is no pass", of(refused(older()))),
        ],
    );
}
