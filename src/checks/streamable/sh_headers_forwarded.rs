//! What the headers of MCP say must reach the server and come back.

use crate::checks::prelude::*;
use crate::facts::headers_lost::{self, Lost};

pub(super) static CHECK: Check = Check {
    id: "sh-headers-forwarded",
    title: "MCP's headers reach the server and come back",
    dimension: Dimension::D2,
    severity: Severity::High,
    level: Level::Must,
    applies: Applies::mcp(&[Transport::StreamableHttp], Gated::Unseen),
    reads: Reads::All,
    basis: &[
        rfc!(9110, "5.1", "Field Names (a proxy forwards fields that it does not know)"),
        mcp!("2025-11-25", "Transports, Session Management", "basic/transports#session-management"),
        mcp!(
            "2026-07-28",
            "Streamable HTTP, Standard MCP Request Headers",
            "basic/transports/streamable-http#standard-mcp-request-headers"
        ),
    ],
    rationale: "A gateway with a list of allowed headers drops those it has never heard of. The server then refuses \
                correct requests for want of what the client did send, and no client can do anything about it.",
    remediation: "Let `Mcp-Session-Id`, `MCP-Protocol-Version`, `Mcp-Method` and `Mcp-Name` pass in both directions \
                  at every proxy and gateway before the server, and look them up without regard to case.",
    causes: &[],
    how: How {
        sent: "Nothing more: correct requests that were refused, against the headers that they carried.",
        passes: "A header that was changed on purpose was noticed, so it reaches the server.",
        warns: "One correct request was refused for want of a header that it carried.",
        fails: "Two or more were; or no session id comes with `initialize`, and what follows is refused for want of \
                one. The refusal must name the header, or the session, with one of: missing, required, absent, not \
                provided, must include, lacks.",
    },
    judge,
};

fn judge(facts: &Facts<'_>) -> Judgement {
    let mut lost = headers_lost::read(facts);
    lost.sort_by_key(|lost| std::cmp::Reverse(lost.met.len()));
    if let Some(Lost { header, met, kept_back }) = lost.first() {
        let Some(first) = met.first() else { return inconclusive("nothing was refused") };
        let quote = crate::facts::quote::quoted(first);
        let message = if *kept_back {
            format!(
                "`initialize` is answered without a `{header}`, and {} correct requests are refused for want of \
                 one{quote}: the server does not give it, or a proxy or gateway in front removes it",
                met.len()
            )
        } else {
            format!(
                "{} correct requests that carried `{header}` are refused as if it were missing{quote}: a proxy or \
                 gateway in front removes it, or the server does not find it under its lower-case name",
                met.len()
            )
        };
        let evidence = Evidence::status(first);
        return if met.len() > 1 { fail(evidence, message) } else { warn(evidence, message) };
    }
    match headers_lost::noticed(facts) {
        Some((exchange, header)) => pass(
            Evidence::status(exchange),
            format!("the server notices what `{header}` says: a request with another value was refused"),
        ),
        None if headers_lost::any_served(facts) => not_applicable("nothing was seen that could show it"),
        None => inconclusive("no correct request was served after the handshake"),
    }
}

#[cfg(test)]
#[test]
fn examples() {
    use crate::checks::examples::*;
    let list = |step: &str| {
        let body = json!({"jsonrpc":"2.0","id":5,"method":"tools/list"});
        post(ProbeId::Catalogue, step, Era::Legacy, body).sending("mcp-protocol-version", "2025-11-25")
    };
    let modern = |step: &str| {
        let body = json!({"jsonrpc":"2.0","id":"d-5","method":"tools/list"});
        post(ProbeId::Catalogue, step, Era::Modern, body)
            .sending("mcp-protocol-version", "2026-07-28")
            .sending("mcp-method", "tools/list")
    };
    let no = |made: Made, words: &str| made.error(400, -32600, words);
    let lost =
        |words: &'static str| Scan::legacy(false).with(no(list("a"), words)).with(no(list("b"), words));
    let unknown = |answer: &dyn Fn(Made) -> Made| {
        let body = json!({"jsonrpc":"2.0","id":2,"method":"tools/list"});
        let made = post(ProbeId::LegacySessions, "unknown", Era::Legacy, body);
        let scan = Scan::legacy(true).with(list("a").result(json!({"tools":[]})));
        let twin = scan.next_id() - 1;
        scan.with(answer(made.negative().twin(twin).sending("mcp-session-id", "x")))
    };
    hold(
        &CHECK,
        [
            fail("no session id came back", lost("Missing session ID")).naming("without a `Mcp-Session-Id`"),
            fail("a header is lost", lost("Bad Request: MCP-Protocol-Version header is required"))
                .naming("carried `MCP-Protocol-Version`"),
            fail(
                "of the modern era",
                Scan::modern()
                    .with(modern("a").error(400, -32020, "missing required Mcp-Method header"))
                    .with(modern("b").error(400, -32020, "missing required Mcp-Method header")),
            ),
            fail(
                "of the modern era, without a name",
                Scan::modern()
                    .with(modern("a").error(400, -32020, "a header is not as it should be"))
                    .with(modern("b").error(400, -32020, "a header is not as it should be")),
            ),
            warn("once", Scan::legacy(false).with(no(list("a"), "Missing session ID"))),
            undecided("a version that is not supported", lost("Unsupported protocol version")),
            undecided("a session that ended", lost("Session expired")),
            undecided("nothing was asked", Scan::legacy(true)),
            pass("an unknown session is refused", unknown(&|made| made.status(404))),
            not_applicable("an unknown session is served", unknown(&|made| made.result(json!({"tools":[]})))),
            not_applicable(
                "nothing was refused",
                Scan::legacy(true).with(list("a").result(json!({"tools":[]}))),
            ),
        ],
    );
}
