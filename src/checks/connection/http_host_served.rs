//! The endpoint answers for the name by which it was reached.

use crate::checks::prelude::*;
use crate::facts::barrier::{self, Barrier, name_refused};
use crate::facts::quote::quoted;

pub(super) static CHECK: Check = Check {
    id: "http-host-served",
    title: "The endpoint answers for the name it was reached by",
    dimension: Dimension::D8,
    severity: Severity::High,
    level: Level::Practice,
    applies: Applies::ANYWHERE,
    reads: Reads::Of(&[ProbeId::Classify]),
    basis: &[
        rfc!(9110, "15.5.20", "421 Misdirected Request"),
        rfc!(9110, "7.4", "Rejecting Misdirected Requests"),
    ],
    rationale: "Servers that guard against DNS rebinding answer for the names on a list. A name that is missing there \
                shuts everybody out who uses it, with words that look like a wrong request.",
    remediation: "Add the name, with its port, to the list of allowed hosts, for example \
                  `TransportSecuritySettings(allowed_hosts=[\"mcp.example.com\"])` in the Python SDK or `allowedHosts` \
                  in the TypeScript SDK; behind a proxy, let it pass `Host` on. Keep the guard.",
    causes: &[],
    how: How {
        sent: "Nothing of its own: the first two requests.",
        passes: "Any other answer.",
        warns: "",
        fails: "All of them get 421, or 403 or 400 with words that refuse the host.",
    },
    judge,
};

fn judge(facts: &Facts<'_>) -> Judgement {
    let first: Vec<&Exchange> =
        facts.exchanges().filter(|exchange| exchange.head.is_some()).take(2).collect();
    let Some(shown) = first.first() else {
        return inconclusive("no request was answered");
    };
    if first.iter().all(|exchange| refused(exchange)) {
        let message = format!("the name by which it was reached is refused{}", quoted(shown));
        return Ok(Verdict::of(
            Status::Fail,
            first.iter().map(|one| Evidence::status(one)).collect(),
            message,
        ));
    }
    if first.iter().all(|exchange| barrier::barrier(exchange) == Some(Barrier::Blocked)) {
        return inconclusive(format!("refused without a word about the name{}", quoted(shown)));
    }
    pass(Evidence::status(shown), "the requests were answered, whatever with, for this name")
}

/// Whether the host is what is refused; words about an Origin are about something else.
fn refused(exchange: &Exchange) -> bool {
    let host = || exchange.text().is_some_and(|text| text.to_ascii_lowercase().contains("host"));
    name_refused(exchange) && (exchange.status() == Some(421) || host())
}

#[cfg(test)]
#[test]
fn examples() {
    use crate::checks::examples::*;
    let both = |answer: &dyn Fn(Made) -> Made| {
        let init = initialize(ProbeId::Classify, "initialize");
        Scan::empty().with(answer(discover())).with(answer(init))
    };
    let plain = |status, text: &'static str| move |made: Made| made.status(status).body("text/plain", text);
    hold(
        &CHECK,
        [
            pass("served", Scan::modern()),
            pass("not found is an answer", both(&plain(404, "not found"))),
            pass("so is a challenge", Scan::gated()),
            fail("421", both(&plain(421, "Invalid Host header"))).naming("Invalid Host header"),
            fail("421 without a word, once", Scan::empty().with(discover().status(421))),
            fail("403 that names the host", both(&plain(403, "Host not allowed"))),
            fail("400 of a framework", both(&plain(400, "DisallowedHost at /mcp"))),
            pass("one of the two", Scan::legacy(false).with(discover().status(421))),
            undecided("403 without a word", both(&plain(403, "Forbidden"))),
            undecided("403 about the origin", both(&plain(403, "Origin not allowed"))),
            undecided(
                "nothing came",
                Scan::empty().with(
                    initialize(ProbeId::Classify, "initialize").failed(Phase::Head, FailureKind::Reset),
                ),
            ),
        ],
    );
}
