//! Programs have no origin.

use crate::checks::prelude::*;
use crate::facts::barrier;
use crate::facts::quote::quoted;

pub(super) static CHECK: Check = Check {
    id: "origin-absent-ok",
    title: "Requests without Origin are served",
    dimension: Dimension::D2,
    severity: Severity::High,
    level: Level::Practice,
    applies: Applies { gated: Gated::Unseen, ..Applies::ANYWHERE },
    reads: Reads::Every(Expectation::Plain),
    basis: &[mcp!(
        "2026-07-28",
        "Transports, Streamable HTTP, Security",
        "basic/transports/streamable-http#security-warning",
    )],
    rationale: "Only browsers send `Origin`. Agents that are programs send none, and none of them can use an endpoint \
                that demands it.",
    remediation: "Check `Origin` only where it is there: refuse one that is not on the list with 403, and let requests \
                  without it pass. Against requests of web pages that have none, demand `Content-Type: application/json`.",
    causes: &[],
    how: How {
        sent: "Nothing more: all plain requests have no `Origin`. Where the first one is refused with a text that speaks \
               of it, the same is sent once more with the endpoint's own.",
        passes: "A request without `Origin` is served.",
        warns: "",
        fails: "It is refused, and answered with the endpoint's own `Origin`.",
    },
    judge,
};

fn judge(facts: &Facts<'_>) -> Judgement {
    let class = facts.class();
    if class.transports.iter().all(|transport| *transport == Transport::Websocket)
        && !class.transports.is_empty()
    {
        return not_applicable("only for HTTP");
    }
    if matches!(class.kind, Kind::None) {
        return not_applicable("nothing an agent could use was found here");
    }
    let bare = |exchange: &&Exchange| exchange.request.header("origin").is_none();
    let feed = matches!(class.kind, Kind::EventStream | Kind::HttpSse);
    let served = facts.exchanges().filter(bare).filter(|exchange| exchange.probe != ProbeId::Siblings).find(
        |exchange| {
            let stream = feed && exchange.request.method == "GET" && exchange.ok();
            stream || facts.reply(exchange).served()
        },
    );
    if let Some(exchange) = served {
        return pass(Evidence::status(exchange), "requests without `Origin` are served");
    }
    let own = facts.steps(ProbeId::Classify, "own-origin").next();
    let refused = facts.of(ProbeId::Classify).find(|exchange| barrier::wants_origin(exchange));
    match (refused, own) {
        (Some(refused), Some(own)) if answers(facts, own) => fail(
            Evidence::status(refused),
            format!(
                "a request without `Origin` is refused{}, and with that of the endpoint itself it is answered with {}",
                quoted(refused),
                own.status().unwrap_or_default(),
            ),
        ),
        (Some(refused), Some(_)) => inconclusive(format!(
            "a request without `Origin` is refused{}, and so it is with that of the endpoint itself",
            quoted(refused)
        )),
        _ => inconclusive("no request was served, and nothing says that it is for want of an `Origin`"),
    }
}

/// Whether an endpoint speaks here, whatever it says.
fn answers(facts: &Facts<'_>, exchange: &Exchange) -> bool {
    let reply = facts.reply(exchange);
    answered(exchange).is_ok()
        && exchange.status().is_some_and(|status| status < 500)
        && !barrier::name_refused(exchange)
        && reply.messages.iter().any(|message| message.json.as_ref().is_ok_and(jsonrpc::is_reply))
}

#[cfg(test)]
#[test]
fn examples() {
    use crate::checks::examples::*;
    let no = || discover().status(403).body("text/plain", "an Origin header is required");
    let own = || {
        let body = json!({"jsonrpc":"2.0","id":"d-1","method":names::DISCOVER});
        post(ProbeId::Classify, "own-origin", Era::Modern, body).sending("origin", "http://127.0.0.1:8080")
    };
    let of = |made: Made| Scan::empty().with(no()).with(made);
    hold(
        &CHECK,
        [
            pass("served", Scan::modern()),
            pass("a feed", Scan::feed("data: a\n\n")),
            fail("only with one", of(own().result(json!({})))).naming("an Origin header is required"),
            fail("another answer", of(own().error(400, -32600, "no session"))).naming("400"),
            undecided("refused either way", of(own().status(403).body("text/plain", "Origin not allowed"))),
            undecided("a crash", of(own().status(500))),
            undecided("not asked again", Scan::empty().with(no())),
        ],
    );
}
