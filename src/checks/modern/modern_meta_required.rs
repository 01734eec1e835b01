//! A modern request without its mandatory `_meta` members is refused, not guessed at.

use crate::checks::prelude::*;

pub(super) static CHECK: Check = Check {
    id: "modern-meta-required",
    title: "A request without its mandatory _meta members is refused with 400 and -32602",
    dimension: Dimension::D2,
    severity: Severity::High,
    level: Level::Must,
    applies: Applies::MODERN,
    reads: Reads::Of(&[ProbeId::Classify, ProbeId::ModernRules]),
    basis: &[
        mcp!("2026-07-28", "Basic, _meta", "basic#meta"),
        Basis {
            title: "MCP conformance suite, server-stateless",
            url: "https://github.com/modelcontextprotocol/conformance",
        },
    ],
    rationale: "Without a handshake, `_meta` is all a server knows of its client. A server that serves requests \
                without it guesses version and capabilities, and may send what the agent cannot read.",
    remediation: "Check `params._meta` of every request for `io.modelcontextprotocol/protocolVersion` and \
                  `io.modelcontextprotocol/clientCapabilities`, else answer HTTP 400 with `{\"code\": -32602, \
                  \"message\": \"_meta lacks protocolVersion\"}` under its id.",
    causes: &[],
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

// A crash is no refusal: the client is told that it may try the same again.
const WANTED: Refusal =
    Refusal { echo: true, crash: Status::Fail, ..Refusal::with(400, names::INVALID_PARAMS) };

fn judge(facts: &Facts<'_>) -> Judgement {
    let none = Cases::of(facts, ProbeId::ModernRules, Era::Modern);
    let all = STEPS.iter().fold(none, |cases, (step, lacking)| {
        cases.refused(step, &format!("a request without {lacking}"), WANTED)
    });
    all.verdict("all three are refused with 400 and -32602")
}

#[cfg(test)]
#[test]
fn examples() {
    use crate::checks::examples::*;
    let refused = |made: Made| made.error(400, -32602, "_meta");
    // The second one answered so, the others as they should be.
    let second = |answer: &dyn Fn(Made) -> Made| {
        STEPS.iter().fold(Scan::dual(false), |scan, (step, _)| {
            let made = negative(ProbeId::ModernRules, step);
            scan.with(if *step == "meta-no-version" { answer(made) } else { refused(made) })
        })
    };
    let lost = json!({"jsonrpc":"2.0","id":null,"error":{"code":-32602,"message":"x"}});
    let named = "protocolVersion";
    hold(
        &CHECK,
        [
            pass("all three are refused", second(&refused)),
            warn("header mismatch", second(&|made| made.error(400, -32020, "mismatch"))).naming(named),
            warn("version", second(&|made| made.error(400, -32022, "version"))).naming(named),
            warn("the code comes with 200", second(&|made| made.error(200, -32602, "_meta"))).naming(named),
            warn("invalid", second(&|made| made.error(400, -32600, "invalid"))).naming(named),
            warn("a bare 400", second(&|made| made.status(400).body("text/plain", "Bad"))).naming(named),
            warn("the id is lost", second(&|made| made.status(400).json(lost.clone()))).naming(named),
            fail("served", second(&|made| made.result(json!({"resultType":"complete"})))).naming(named),
            fail("it crashes", second(&|made| made.status(500).body("text/html", "oops"))),
            undecided("not sent", Scan::modern()),
            undecided("lost", second(&|made| made.failed(Phase::Head, FailureKind::HeaderTimeout))),
            undecided("behind a wall", second(&|made| made.status(401))),
            undecided("neither served nor refused", second(&|made| made.status(202))),
        ],
    );
}
