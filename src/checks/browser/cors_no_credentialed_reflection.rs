//! CORS must not hand any web page the user's own session.

use crate::checks::prelude::*;
use crate::facts::auth::challenges;
use crate::facts::browser::Cors;

pub(super) static CHECK: Check = Check {
    id: "cors-no-credentialed-reflection",
    title: "CORS never allows an arbitrary Origin with credentials",
    dimension: Dimension::D7,
    severity: Severity::Critical,
    level: Level::Practice,
    applies: Applies::to(
        &[Transport::StreamableHttp, Transport::HttpSse, Transport::EventStream],
        Gated::Judged,
    ),
    reads: Reads::Of(&[ProbeId::Browser, ProbeId::Classify]),
    basis: &[
        Basis {
            title: "WHATWG Fetch, CORS protocol and credentials",
            url: "https://fetch.spec.whatwg.org/#cors-protocol-and-credentials",
        },
        Basis {
            title: "CWE-942: Permissive Cross-domain Policy with Untrusted Domains",
            url: "https://cwe.mitre.org/data/definitions/942.html",
        },
    ],
    rationale: "A server that repeats whatever Origin it is sent and allows credentials lets every web page act with \
                the cookies of the user who opens it. Agents' sessions in a browser are then anybody's.",
    remediation: "Compare Origin with a list of whole origins and never combine a repeated Origin with \
                  `Access-Control-Allow-Credentials: true`. Express: `cors({ origin: [\"https://app.example.com\"], \
                  credentials: true })`, not `origin: true`; a public API without cookies: \
                  `Access-Control-Allow-Origin: *` alone.",
    causes: &[],
    how: How {
        sent: "Correct calls and a preflight with an Origin that does not exist (`https://….invalid`), with `null` \
               and with one that begins with the host's own (`https://<host>.….invalid`).",
        passes: "No foreign Origin is allowed, or `*` without credentials.",
        warns: "A foreign Origin is repeated without credentials, or `*` with them, which browsers ignore.",
        fails: "A foreign Origin or `null` is allowed with credentials, or only the start of the Origin \
                is compared.",
    },
    judge,
};

const STEPS: [&str; 4] = ["origin", "origin-null", "origin-suffix", "preflight"];

fn judge(facts: &Facts<'_>) -> Judgement {
    let mut seen = Observations::new();
    let mut missing = None;
    let arbitrary = facts.steps(ProbeId::Browser, "origin").any(|exchange| read(exchange).reflects(exchange));
    for step in STEPS {
        let mut sent = facts.steps(ProbeId::Browser, step).peekable();
        if sent.peek().is_none() && matches!(step, "origin" | "origin-null") {
            missing = missing.or(Some(facts.why_not(ProbeId::Browser, Some(step))));
        }
        for exchange in sent {
            match exchange.status() {
                None | Some(429) => missing = missing.or(Some(format!("`{step}` was not answered"))),
                Some(_) => seen.push(judge_reply(facts, exchange, arbitrary)),
            }
        }
    }
    // What was seen may be bad enough; that all is well needs every variant.
    match missing {
        Some(reason) if seen.count(Status::Fail) + seen.count(Status::Warn) == 0 => inconclusive(reason),
        _ => seen.verdict("no foreign Origin is allowed together with credentials", "nothing was sent"),
    }
}

fn judge_reply(facts: &Facts<'_>, exchange: &Exchange, arbitrary: bool) -> Verdict {
    let cors = read(exchange);
    // The name itself is new in every scan: it stands in the evidence only.
    let sent = match exchange.request.header("origin") {
        Some("null") => "`Origin: null`",
        _ => "a foreign Origin",
    };
    let value = cors.origin.as_deref().unwrap_or("none");
    let credentials = if cors.credentials { ", with credentials" } else { "" };
    let evidence =
        Evidence::new(exchange, "header access-control-allow-origin", format!("{value}{credentials}"));
    let of = |status, severity: Severity, message: String| {
        Verdict::of(status, vec![evidence.clone()], message).with_severity(severity)
    };
    let harm = harm(facts);
    if cors.reflects(exchange) && cors.credentials {
        return of(Status::Fail, harm, format!("{sent} is allowed together with credentials"));
    }
    if cors.reflects(exchange) && exchange.step == "origin-suffix" && !arbitrary {
        return of(Status::Fail, harm, format!("{sent} is allowed: only the start of it is compared"));
    }
    if cors.reflects(exchange) {
        return of(Status::Warn, harm.lower(), format!("{sent} is repeated, without credentials"));
    }
    if cors.wildcard() && cors.credentials {
        let message = "`*` together with credentials, which browsers ignore";
        return of(Status::Warn, harm.lower(), message.to_owned());
    }
    of(Status::Pass, harm, "not allowed, or without credentials".to_owned())
}

/// A refusal shows nothing, whatever its CORS headers say.
fn read(exchange: &Exchange) -> Cors {
    if matches!(exchange.status(), Some(403 | 421)) { Cors::default() } else { Cors::read(exchange) }
}

/// Critical where a cookie authenticates; a step lower than high where only bearer tokens do, which
/// no browser sends by itself.
fn harm(facts: &Facts<'_>) -> Severity {
    if facts.header().operator_headers.iter().any(|name| name == "cookie") {
        return Severity::Critical;
    }
    let heads = || facts.exchanges().filter_map(|exchange| exchange.head.as_ref());
    let cookies = heads().any(|head| head.header("set-cookie").is_some());
    let mut asked = facts.exchanges().flat_map(challenges).peekable();
    if !cookies && asked.peek().is_some() && asked.all(|challenge| challenge.scheme == "bearer") {
        Severity::Medium
    } else {
        Severity::High
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::CHECK;
    use crate::checks::synthetic::{Made, Scan, post, request};
    use crate::finding::Finding;
    use crate::protocol::names::FOREIGN_ORIGIN;
    use crate::protocol::revision::Era;
    use crate::transcript::ProbeId;
    use crate::verdict::{Severity, Status};

    const SUFFIX: &str = "https://mcp.example.com.scanner-origin.invalid";

    fn with(mut scan: Scan, allow: impl Fn(&str) -> Option<(String, bool)>) -> Scan {
        for (step, origin) in [
            ("origin", FOREIGN_ORIGIN),
            ("origin-null", "null"),
            ("origin-suffix", SUFFIX),
            ("preflight", FOREIGN_ORIGIN),
        ] {
            let mut made: Made = if step == "preflight" {
                request("OPTIONS", ProbeId::Browser, step).negative().status(204)
            } else {
                post(ProbeId::Browser, step, Era::Modern, json!({"id":7,"method":"x"}))
                    .negative()
                    .result(json!({}))
            };
            made = made.sending("origin", origin);
            if let Some((value, credentials)) = allow(origin) {
                made = made.header("access-control-allow-origin", &value);
                if credentials {
                    made = made.header("access-control-allow-credentials", "true");
                }
            }
            scan = scan.with(made);
        }
        scan
    }

    fn judged(allow: impl Fn(&str) -> Option<(String, bool)>) -> Finding {
        with(Scan::modern(), allow).judge(&CHECK)
    }

    #[test]
    fn passes_without_cors_or_with_a_plain_wildcard_or_a_list() {
        assert_eq!(judged(|_| None).status, Status::Pass);
        assert_eq!(judged(|_| Some(("*".to_owned(), false))).status, Status::Pass);
        assert_eq!(judged(|_| Some(("https://app.example.com".to_owned(), true))).status, Status::Pass);
    }

    #[test]
    fn warns_of_reflection_without_credentials_and_of_a_wildcard_with_them() {
        assert_eq!(judged(|origin| Some((origin.to_owned(), false))).status, Status::Warn);
        assert_eq!(judged(|_| Some(("*".to_owned(), true))).status, Status::Warn);
    }

    #[test]
    fn fails_on_reflection_with_credentials_also_of_null() {
        let finding = judged(|origin| Some((origin.to_owned(), true)));
        assert_eq!((finding.status, finding.severity), (Status::Fail, Severity::High));
        let null = judged(|origin| (origin == "null").then(|| (origin.to_owned(), true)));
        assert_eq!(null.status, Status::Fail);
    }

    #[test]
    fn fails_when_only_the_start_of_the_origin_is_compared() {
        let finding = judged(|origin| (origin == SUFFIX).then(|| (origin.to_owned(), false)));
        assert_eq!(finding.status, Status::Fail);
        assert!(finding.message.contains("start"), "{}", finding.message);
    }

    #[test]
    fn fails_less_behind_bearer_tokens_and_more_with_cookies() {
        let reflect = |origin: &str| Some((origin.to_owned(), true));
        assert_eq!(with(Scan::gated(), reflect).judge(&CHECK).severity, Severity::Medium);
        let mut cookie = with(Scan::modern(), reflect);
        cookie.transcript.header.operator_headers.push("cookie".to_owned());
        assert_eq!(cookie.judge(&CHECK).severity, Severity::Critical);
    }

    #[test]
    fn undecided_when_a_variant_was_not_answered() {
        assert_eq!(Scan::modern().judge(&CHECK).status, Status::Inconclusive);
        let mut scan = with(Scan::modern(), |_| None);
        for exchange in scan.transcript.exchanges.iter_mut().filter(|exchange| exchange.step == "origin-null")
        {
            exchange.head = None;
        }
        assert_eq!(scan.judge(&CHECK).status, Status::Inconclusive);
    }
}
