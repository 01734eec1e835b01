//! What a script must read, it may read: errors, too.

use crate::checks::prelude::*;
use crate::facts::browser::{broken, exposes, readable};

pub(super) static CHECK: Check = Check {
    id: "cors-readable-errors",
    title: "Scripts that are let in can read errors and the headers they need",
    dimension: Dimension::D2,
    severity: Severity::Low,
    level: Level::Practice,
    applies: Applies::to(&[Transport::StreamableHttp], Gated::Judged),
    reads: Reads::Of(&[ProbeId::Browser, ProbeId::ContentType]),
    basis: &[
        Basis {
            title: "WHATWG Fetch, Access-Control-Expose-Headers",
            url: "https://fetch.spec.whatwg.org/#http-access-control-expose-headers",
        },
        Basis { title: "WHATWG Fetch, CORS check", url: "https://fetch.spec.whatwg.org/#cors-check" },
    ],
    rationale: "A script that cannot read `Mcp-Session-Id` has no session after the handshake; one that cannot read an \
                error sees a network failure in place of a 401 or 404, and neither signs in nor starts anew.",
    remediation: "Let the CORS layer stand before everything that can refuse, so that its headers are on 4xx and 5xx, \
                  too, and name what scripts need: `Access-Control-Expose-Headers: Mcp-Session-Id, WWW-Authenticate`. \
                  nginx: `add_header … always`.",
    causes: &[],
    how: How {
        sent: "Replies to requests with a foreign `Origin`, where such scripts may read them. Where the session header is \
               not exposed there, a handshake with it; in `standard`, broken JSON with it.",
        passes: "Error replies are readable like others, and needed headers are exposed.",
        warns: "An error reply lacks the CORS headers, or `Mcp-Session-Id` or `WWW-Authenticate` is not exposed.",
        fails: "",
    },
    judge,
};

fn judge(facts: &Facts<'_>) -> Judgement {
    let origin = |exchange: &&Exchange| {
        exchange.request.header("origin").is_some_and(|origin| origin != "null")
            && !matches!(exchange.step.as_str(), "host-and-origin" | "origin-suffix")
    };
    let sent: Vec<&Exchange> =
        facts.exchanges().filter(origin).filter(|exchange| exchange.head.is_some()).collect();
    if sent.is_empty() {
        return inconclusive(facts.why_not(ProbeId::Browser, Some("origin")));
    }
    if sent.iter().any(|exchange| !broken(exchange).is_empty()) {
        return charged_to("cors-valid", "the CORS headers cannot be used at all");
    }
    if !sent.iter().any(|exchange| readable(exchange)) {
        return not_applicable("scripts of other sites are not let in: no reply allows a foreign origin");
    }
    let (mut seen, mut unclear) = (Observations::new(), None);
    for exchange in sent.iter().filter(|exchange| exchange.request.method != "OPTIONS") {
        let status = exchange.status().unwrap_or_default();
        if exchange.step == "origin" && matches!(status, 403 | 421) && !readable(exchange) {
            // The origin itself is refused, whatever the preflight said: the business of `cors-valid`.
            unclear = unclear.or_else(|| inconclusive::<()>("a request of another site is refused").err());
            continue;
        }
        if status >= 400 {
            let (status_of, message) = if readable(exchange) {
                (Status::Pass, "readable".to_owned())
            } else {
                (Status::Warn, format!("the reply with {status} lacks the CORS headers that others have"))
            };
            seen.add(status_of, Evidence::status(exchange), message);
        }
        for name in [names::SESSION_HEADER, "www-authenticate"] {
            let issued = name != names::SESSION_HEADER || facts.method(exchange) == Some(names::INITIALIZE);
            if issued && readable(exchange) && exchange.header(name).is_some() {
                let (status, message) = if exposes(exchange, name) {
                    (Status::Pass, "exposed".to_owned())
                } else {
                    (Status::Warn, format!("`{}` is not exposed to scripts", shown(name)))
                };
                seen.add(status, Evidence::header(exchange, name), message);
            }
        }
    }
    let session =
        sent.iter().find(|exchange| exchange.step == "origin" && exposes(exchange, names::SESSION_HEADER));
    if let Some(exchange) = session {
        seen.add(Status::Pass, Evidence::header(exchange, "access-control-expose-headers"), "exposed");
    }
    if seen.count(Status::Warn) == 0
        && let Some(reason) = unclear
    {
        return Err(reason);
    }
    let sound = "errors are readable to scripts of other sites, and so are the headers that they need";
    let sound = if sent.iter().any(|exchange| exchange.status().is_some_and(|status| status >= 400)) {
        sound
    } else {
        "the headers that scripts of other sites need are exposed"
    };
    seen.distinct()
        .verdict(sound, "no error reply, and no header that scripts need, came to a request of another site")
}

fn shown(name: &str) -> &'static str {
    if name == names::SESSION_HEADER { "Mcp-Session-Id" } else { "WWW-Authenticate" }
}

#[cfg(test)]
#[test]
fn examples() {
    use crate::checks::examples::*;
    const ORIGIN: &str = "https://x.invalid";
    let sent = |step: &str| {
        post(ProbeId::Browser, step, Era::Legacy, json!({"jsonrpc":"2.0","id":8,"method":"ping"}))
            .negative()
            .sending("origin", ORIGIN)
    };
    let open = |made: Made| made.header("access-control-allow-origin", "*");
    let fine =
        || open(sent("origin").result(json!({}))).header("access-control-expose-headers", "Mcp-Session-Id");
    let hidden = || open(sent("origin").result(json!({})));
    let hello = || {
        initialize(ProbeId::Browser, "initialize-origin")
            .negative()
            .sending("origin", ORIGIN)
            .result(json!({"protocolVersion":"2025-11-25"}))
            .header("mcp-session-id", "~session-2~")
            .header("access-control-allow-origin", "*")
    };
    let of = |made: Made| Scan::legacy(true).with(made);
    hold(
        &CHECK,
        [
            pass("exposed", of(fine())).naming("exposed"),
            pass(
                "exposed where it is issued",
                of(hidden()).with(hello().header("access-control-expose-headers", "mcp-session-id")),
            ),
            pass("all exposed", of(hidden()).with(hello().header("access-control-expose-headers", "*"))),
            pass("a readable error", of(fine()).with(open(sent("truncated-origin").status(400))))
                .naming("errors"),
            warn("not exposed", of(hidden()).with(hello())).naming("Mcp-Session-Id"),
            warn("an error", of(fine()).with(sent("truncated-origin").status(400))).naming("400"),
            warn(
                "the challenge",
                Scan::gated().with(open(sent("origin").status(401)).header("www-authenticate", "Bearer")),
            )
            .naming("WWW-Authenticate"),
            undecided("nothing to read", of(hidden())),
            undecided("not sent", Scan::legacy(true)),
            not_applicable("no CORS", of(sent("origin").result(json!({})))),
            not_applicable(
                "unusable",
                of(sent("origin").result(json!({})).header("access-control-allow-origin", "a, b")),
            ),
        ],
    );
}
