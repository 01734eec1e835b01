//! CORS headers that no browser can use are no CORS.

use std::collections::BTreeMap;

use crate::checks::prelude::*;
use crate::facts::browser::{ALLOW_CREDENTIALS, ALLOW_ORIGIN, Broken, Cors, Treatment, broken, treatment};
use crate::facts::subject;
use crate::verdict::cut;

pub(super) static CHECK: Check = Check {
    id: "cors-valid",
    title: "What is sent as CORS can be used by a browser",
    dimension: Dimension::D2,
    severity: Severity::Medium,
    level: Level::Practice,
    applies: Applies::to(
        &[Transport::StreamableHttp, Transport::HttpSse, Transport::EventStream],
        Gated::Judged,
    ),
    reads: Reads::All,
    basis: &[
        Basis { title: "WHATWG Fetch, CORS check", url: "https://fetch.spec.whatwg.org/#cors-check" },
        Basis {
            title: "WHATWG Fetch, HTTP new-header syntax",
            url: "https://fetch.spec.whatwg.org/#http-new-header-syntax",
        },
        rfc!(9110, "5.3", "Field Order (no field line twice where one value is held)"),
    ],
    rationale: "A browser refuses the reply when Access-Control-Allow-Origin is not exactly one value, so the page's \
                agent gets nothing although CORS seems to be set up. One that is allowed by the preflight and then \
                refused fails where its author does not look.",
    remediation: "Send one `Access-Control-Allow-Origin` that is `*` or the one origin that asked, with `Vary: Origin`, \
                  on every reply, and `Access-Control-Allow-Credentials: true` or no such header.",
    causes: &[
        Cause {
            word: "sent-twice",
            remedy: Some(
                "Set CORS in one place, the application or the proxy. nginx: \
                 `proxy_hide_header Access-Control-Allow-Origin;` before its own `add_header`; or take the \
                 middleware out of the application.",
            ),
        },
        Cause {
            word: "list",
            remedy: Some(
                "Keep the list of origins in the server: compare `Origin` with it and answer with the one that \
                 matched, and `Vary: Origin`.",
            ),
        },
        Cause {
            word: "no-origin",
            remedy: Some(
                "Write an origin as `scheme://host` or `scheme://host:port`, as in `https://app.example.com`: without \
                 a path, a slash at the end or a pattern. Leave the header out where no origin is allowed.",
            ),
        },
        Cause {
            word: "credentials",
            remedy: Some(
                "Send `Access-Control-Allow-Credentials: true`, in lower case, or leave the header out: no other value \
                 is defined.",
            ),
        },
        Cause {
            word: "refused-after-preflight",
            remedy: Some(
                "Give the CORS middleware and the check of `Origin` one list, so that the preflight refuses what the \
                 request would be refused for.",
            ),
        },
        Cause {
            word: "preflight-only",
            remedy: Some(
                "Add the CORS headers to every reply, errors included, and not to the answers of OPTIONS alone.",
            ),
        },
    ],
    how: How {
        sent: "Nothing more: the `Access-Control-Allow-Origin` and `-Credentials` lines of every reply, and what \
               the preflight and the request with a foreign Origin were answered.",
        passes: "One `*`, `null` or origin; credentials only as `true`; preflight and request agree. Without such \
                 headers the row does not apply.",
        warns: "The preflight allows the Origin, and the request is refused or comes without the header.",
        fails: "A header comes twice, names several origins or something that is no origin, or credentials other \
                than `true`.",
    },
    judge,
};

fn judge(facts: &Facts<'_>) -> Judgement {
    let mut seen = Observations::new();
    let mut faults: BTreeMap<(Broken, &str), (usize, Evidence, String)> = BTreeMap::new();
    let (mut own, mut sound) = (0_usize, None);
    for exchange in facts.exchanges().filter(|exchange| subject::own(facts.header(), exchange)) {
        let any = [ALLOW_ORIGIN, ALLOW_CREDENTIALS].iter().find(|name| exchange.header(name).is_some());
        let Some(name) = any else { continue };
        own = own.saturating_add(1);
        let wrong = broken(exchange);
        if wrong.is_empty() {
            sound = sound.or(Some(Evidence::header(exchange, name)));
        }
        for (fault, name, value) in wrong {
            let evidence = || Evidence::new(exchange, format!("header {name}"), format!("{name}: {value}"));
            let entry = faults.entry((fault, name)).or_insert_with(|| (0, evidence(), value.clone()));
            entry.0 = entry.0.saturating_add(1);
        }
    }
    if own == 0 {
        let asked = facts.exchanges().any(|exchange| exchange.request.header("origin").is_some());
        return match facts.steps(ProbeId::Browser, "origin").find(|exchange| exchange.head.is_some()) {
            Some(_) => not_applicable("no reply allows an origin"),
            None if asked => inconclusive("the request with a foreign Origin was not answered"),
            None => inconclusive(facts.why_not(ProbeId::Browser, Some("origin"))),
        };
    }
    for ((fault, name), (count, evidence, value)) in faults {
        let (word, what) = words(fault);
        let message = format!("{name} {what} (`{}`) on {count} of {own} replies with CORS", cut(&value));
        seen.push(Verdict::of(Status::Fail, vec![evidence], message).because(word));
    }
    for origin in facts.steps(ProbeId::Browser, "origin") {
        seen_pair(facts, origin, &mut seen);
    }
    if let Some(evidence) = sound {
        seen.add(Status::Pass, evidence, "sound");
    }
    seen.verdict(format!("all {own} replies with CORS can be used by a browser"), "nothing was seen")
}

fn words(fault: Broken) -> (&'static str, &'static str) {
    match fault {
        Broken::Twice => ("sent-twice", "is sent more than once, which browsers refuse"),
        Broken::List => ("list", "names several origins, which browsers refuse"),
        Broken::NoOrigin => ("no-origin", "is neither `*`, `null` nor an origin"),
        Broken::Credentials => ("credentials", "is not `true`"),
    }
}

/// What the preflight allows and the request then does not.
fn seen_pair(facts: &Facts<'_>, origin: &Exchange, seen: &mut Observations) {
    let mut preflights = facts.steps(ProbeId::Browser, "preflight");
    let own = preflights.find(|preflight| preflight.era.is_none() || preflight.era == origin.era);
    let allows = |exchange: &Exchange| {
        let cors = Cors::read(exchange);
        cors.wildcard() || cors.reflects(exchange)
    };
    let Some(preflight) = own.filter(|preflight| preflight.ok() && allows(preflight)) else { return };
    let method = &origin.request.method;
    let (word, message) = match treatment(facts, origin) {
        Treatment::Refused(status @ 400..=499) => (
            "refused-after-preflight",
            format!(
                "the preflight allows the foreign Origin, and the {method} with it is refused with {status}"
            ),
        ),
        Treatment::Served if !allows(origin) && broken(origin).is_empty() => (
            "preflight-only",
            format!("the preflight allows the foreign Origin, and the reply to the {method} does not"),
        ),
        _ => return,
    };
    let evidence = vec![Evidence::header(preflight, ALLOW_ORIGIN), Evidence::status(origin)];
    seen.push(Verdict::of(Status::Warn, evidence, message).because(word));
}

#[cfg(test)]
mod tests {
    use super::CHECK;
    use crate::checks::examples::*;
    use crate::protocol::names::{self, FOREIGN_ORIGIN};

    /// A request with the foreign Origin, answered with these header lines.
    fn origin(lines: &[(&str, &str)]) -> Made {
        let body = json!({"jsonrpc":"2.0","id":7,"method":names::DISCOVER});
        let made = post(ProbeId::Browser, "origin", Era::Modern, body).negative();
        allowing(made.sending("origin", FOREIGN_ORIGIN).result(json!({})), lines)
    }

    fn allowing(made: Made, lines: &[(&str, &str)]) -> Made {
        lines.iter().fold(made, |made, (name, value)| made.another_header(name, value))
    }

    fn preflight(lines: &[(&str, &str)]) -> Made {
        let made = request("OPTIONS", ProbeId::Browser, "preflight").negative();
        allowing(made.sending("origin", FOREIGN_ORIGIN).status(204), lines)
    }

    fn with(lines: &[(&str, &str)]) -> Scan {
        Scan::modern().with(origin(lines))
    }

    const ANY: (&str, &str) = ("access-control-allow-origin", "*");
    const FOREIGN: (&str, &str) = ("access-control-allow-origin", FOREIGN_ORIGIN);
    const TRUE: (&str, &str) = ("access-control-allow-credentials", "true");

    #[test]
    fn cors_is_usable_or_named() {
        let value = |value: &'static str| with(&[("access-control-allow-origin", value)]);
        let refused = |made: Made| made.error(403, -32000, "Origin not allowed");
        let examples = [
            pass("any origin", with(&[ANY]).with(preflight(&[ANY]))),
            pass("the origin that asked, with credentials", with(&[FOREIGN, TRUE])),
            pass("another origin", value("https://app.example.com:8443")),
            pass("a refusal that a script may read", Scan::modern().with(refused(origin(&[ANY])))),
            pass(
                "a preflight that refuses as the request does",
                Scan::modern().with(refused(origin(&[ANY]))).with(preflight(&[]).status(403)),
            ),
            fail("sent by the application and by the proxy", with(&[ANY, FOREIGN])).naming("more than once"),
            fail("sent twice alike", with(&[ANY, ANY])).naming("1 of 1"),
            fail("a list of origins", value("https://a.example, https://b.example")).naming("several"),
            fail("a slash at the end", value("https://a.example/")).naming("nor an origin"),
            fail("a pattern", value("*.example.com")).at("header access-control-allow-origin"),
            fail("nothing", value("")),
            fail("credentials in capitals", with(&[FOREIGN, ("access-control-allow-credentials", "True")]))
                .naming("is not `true`"),
            fail("credentials twice", with(&[FOREIGN, TRUE, TRUE])).naming("credentials is sent more"),
            fail("on the preflight alone", with(&[FOREIGN]).with(preflight(&[ANY, ANY]))).naming("1 of 2"),
            warn(
                "allowed by the preflight, then refused",
                Scan::modern().with(refused(origin(&[]))).with(preflight(&[ANY])),
            )
            .naming("refused with 403"),
            warn("allowed by the preflight, and by nothing else", with(&[]).with(preflight(&[FOREIGN])))
                .naming("reply to the POST does not"),
            not_applicable("no CORS at all", with(&[])),
            undecided("no Origin was sent", Scan::modern()),
        ];
        hold(&CHECK, examples);
    }

    #[test]
    fn the_worst_cause_chooses_the_remedy_and_the_gate_hides_no_header() {
        let found = with(&[ANY, FOREIGN, ("access-control-allow-credentials", "yes")]).judge(&CHECK);
        assert_eq!(found.cause, Some("sent-twice"), "{}", found.message);
        let gated = |made: Made| made.status(401).header("www-authenticate", "Bearer");
        let finding = Scan::gated().with(gated(origin(&[ANY, ANY]))).judge(&CHECK);
        assert_eq!(finding.status, Status::Fail, "{}", finding.message);
        // A 401 behind a preflight that allows is another matter: a token would be let in.
        let finding = Scan::gated().with(gated(origin(&[]))).with(preflight(&[ANY])).judge(&CHECK);
        assert_eq!(finding.status, Status::Pass, "{}", finding.message);
    }
}
