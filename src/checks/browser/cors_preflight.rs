//! Where CORS is offered, the browser's preflight must succeed, or no page can use it.

use crate::checks::prelude::*;
use crate::facts::Kind;
use crate::facts::browser::{ALLOW_ORIGIN, Cors, broken};
use crate::protocol::headers::list;
use crate::protocol::names;
use crate::protocol::sse::{Field, LineKind};

pub(super) static CHECK: Check = Check {
    id: "cors-preflight",
    title: "The CORS preflight allows what agents in a browser must send",
    dimension: Dimension::D2,
    severity: Severity::Medium,
    level: Level::Practice,
    applies: Applies::to(
        &[Transport::StreamableHttp, Transport::HttpSse, Transport::EventStream],
        Gated::Judged,
    ),
    reads: Reads::Of(&[ProbeId::Browser, ProbeId::Classify, ProbeId::LegacyGet]),
    basis: &[
        Basis {
            title: "WHATWG Fetch, CORS-preflight fetch",
            url: "https://fetch.spec.whatwg.org/#cors-preflight-fetch",
        },
        Basis {
            title: "WHATWG Fetch, HTTP new-header syntax (`*` and Authorization)",
            url: "https://fetch.spec.whatwg.org/#http-new-header-syntax",
        },
        mcp!(
            "2026-07-28",
            "Streamable HTTP, Standard Request Headers",
            "basic/transports/streamable-http#standard-request-headers"
        ),
    ],
    rationale: "An agent in a browser sends JSON and MCP headers, so the browser asks first with OPTIONS and without \
                credentials. If that is refused or lacks a header, no call ever leaves the browser.",
    remediation: "Answer OPTIONS before authentication with 204 and name the headers: \
                  `Access-Control-Allow-Headers: authorization, content-type, mcp-protocol-version, mcp-method, \
                  mcp-name`; in older revisions also mcp-session-id and last-event-id, and `DELETE` in \
                  `Access-Control-Allow-Methods` where sessions exist.",
    causes: &[],
    how: How {
        sent: "OPTIONS with `Access-Control-Request-Method: POST` and the headers that agents send: \
               content-type, authorization, mcp-protocol-version, and those of the era.",
        passes: "2xx, and everything that agents need here is allowed. Endpoints without CORS for the \
                 foreign Origin are not judged.",
        warns: "Some are missing, `*` where authorization is needed, or a Max-Age above a day.",
        fails: "The preflight is refused or allows no origin, although the POST does.",
    },
    judge,
};

/// Browsers cap it there or below.
const LONGEST_MAX_AGE: u64 = 86_400;

fn judge(facts: &Facts<'_>) -> Judgement {
    let mut seen = Observations::new();
    let mut undecided = None;
    for origin in facts.steps(ProbeId::Browser, "origin") {
        let mut preflights = facts.steps(ProbeId::Browser, "preflight");
        let own = preflights.find(|preflight| preflight.era.is_none() || preflight.era == origin.era);
        match judge_pair(facts, origin, own) {
            Ok(verdict) => seen.push(verdict),
            // Not applicable on one side and unseen on the other is unseen.
            Err(reason @ Undecided::Inconclusive(_)) => undecided = Some(reason),
            Err(reason) => undecided = undecided.or(Some(reason)),
        }
    }
    match undecided {
        Some(reason) if seen.is_empty() => Err(reason),
        _ => seen.verdict(
            "the preflight is answered without authentication and allows what agents send",
            &facts.why_not(ProbeId::Browser, Some("origin")),
        ),
    }
}

fn judge_pair(facts: &Facts<'_>, origin: &Exchange, preflight: Option<&Exchange>) -> Judgement {
    let Some(status) = origin.status().filter(|status| *status != 429) else {
        return inconclusive("the request with a foreign Origin was not answered");
    };
    if origin.request.method == "GET" {
        return not_applicable("a stream is opened by GET, which needs no preflight");
    }
    let cors = Cors::read(origin);
    let offered = cors.wildcard() || cors.reflects(origin);
    let passes = |preflight: &&Exchange| {
        let cors = Cors::read(preflight);
        preflight.ok() && (cors.wildcard() || cors.reflects(preflight))
    };
    if unusable(origin) {
        return inconclusive("no browser can use the CORS headers of the reply: see `cors-valid`");
    }
    if status == 403 || !offered {
        return match preflight.filter(passes).and_then(Exchange::status) {
            Some(pair) if status == 403 => {
                charged_to("cors-valid", format!("the preflight is answered {pair}, but the POST 403"))
            }
            _ => not_applicable("no CORS for a foreign Origin: native agents only, or a list of origins"),
        };
    }
    let Some(preflight) = preflight else {
        // The other era's preflight may have been sent, but it asked for other headers.
        return inconclusive(facts.why_not(ProbeId::Browser, Some("preflight")));
    };
    match preflight.status() {
        None | Some(429) => return inconclusive("the preflight was not answered"),
        Some(status) if !preflight.ok() => {
            let message =
                format!("the preflight is answered with {status}, although the POST allows any origin");
            return fail(Evidence::status(preflight), message);
        }
        Some(_) => {}
    }
    if unusable(preflight) {
        return inconclusive("no browser can use the CORS headers of the preflight: see `cors-valid`");
    }
    let allowed = Cors::read(preflight);
    if !allowed.wildcard() && !allowed.reflects(preflight) {
        let message = "the preflight allows no origin, although the POST does";
        return fail(Evidence::status(preflight), message);
    }
    let mut lacks = missing_headers(facts, preflight);
    if needs_delete(facts, preflight) && !names(preflight, "access-control-allow-methods", "delete") {
        lacks.push("the method DELETE".to_owned());
    }
    let mut seen = Observations::new();
    if !lacks.is_empty() {
        let value = preflight.header("access-control-allow-headers").unwrap_or("none");
        let evidence = Evidence::new(preflight, "header access-control-allow-headers", value);
        seen.add(Status::Warn, evidence, format!("the preflight does not allow {}", lacks.join(", ")));
    }
    let age = preflight.header("access-control-max-age").unwrap_or_default();
    if age.trim().parse::<u64>().is_ok_and(|age| age > LONGEST_MAX_AGE) {
        let evidence = Evidence::new(preflight, "header access-control-max-age", age);
        seen.add(Status::Warn, evidence, "Access-Control-Max-Age is above a day");
    }
    seen.add(Status::Pass, Evidence::status(preflight), "allowed");
    seen.verdict("the preflight is answered and covers all", "nothing was sent")
}

/// Whether the reply names an origin in a way that no browser reads.
fn unusable(exchange: &Exchange) -> bool {
    broken(exchange).iter().any(|(_, name, _)| *name == ALLOW_ORIGIN)
}

/// The headers that the preflight asked for, that agents need here, and that are not allowed.
fn missing_headers(facts: &Facts<'_>, preflight: &Exchange) -> Vec<String> {
    let asked = list(preflight.request.header("access-control-request-headers").unwrap_or_default());
    let any = names(preflight, "access-control-allow-headers", "*");
    let mut lacks = Vec::new();
    for name in asked.iter().map(|name| name.to_ascii_lowercase()).filter(|name| needed(facts, name)) {
        // `*` never covers Authorization.
        let covered =
            names(preflight, "access-control-allow-headers", &name) || (any && name != "authorization");
        if !covered {
            lacks.push(name);
        }
    }
    lacks
}

/// Whether agents send this header to this endpoint.
fn needed(facts: &Facts<'_>, name: &str) -> bool {
    let class = facts.class();
    match name {
        "authorization" => {
            class.kind == Kind::AuthGated || facts.header().operator_headers.iter().any(|own| own == name)
        }
        names::SESSION_HEADER => sessions(facts),
        names::VERSION_HEADER => {
            class.kind == Kind::AuthGated
                || class.revisions.iter().any(|revision| *revision >= Revision::V2025_06_18)
        }
        "last-event-id" => {
            facts.exchanges().filter(|exchange| exchange.era != Some(Era::Modern)).any(|exchange| {
                let mut lines = exchange.lines().unwrap_or_default().iter();
                lines.any(|line| matches!(line.kind(), LineKind::Field(Field::Id, _)))
            })
        }
        _ => true,
    }
}

fn sessions(facts: &Facts<'_>) -> bool {
    facts.exchanges().any(|exchange| exchange.header(names::SESSION_HEADER).is_some())
}

/// GET and POST are safelisted and need no mention; only DELETE does.
fn needs_delete(facts: &Facts<'_>, preflight: &Exchange) -> bool {
    preflight.era != Some(Era::Modern) && facts.class().streamable(Era::Legacy) && sessions(facts)
}

/// Whether a list header of the reply names `wanted`, or, for methods, `*`.
fn names(exchange: &Exchange, header: &str, wanted: &str) -> bool {
    let Some(head) = &exchange.head else { return false };
    let mut all = head.values(header).flat_map(list);
    all.any(|one| {
        one.eq_ignore_ascii_case(wanted) || (one == "*" && header == "access-control-allow-methods")
    })
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::CHECK;
    use crate::checks::synthetic::{Made, Scan, get, post, request};
    use crate::finding::Finding;
    use crate::protocol::names::FOREIGN_ORIGIN;
    use crate::protocol::revision::Era;
    use crate::transcript::ProbeId;
    use crate::verdict::Status;

    const ALL: &str = "authorization, Content-Type, mcp-method, mcp-name, mcp-protocol-version";

    fn origin(allow: &str) -> Made {
        let made = post(ProbeId::Browser, "origin", Era::Modern, json!({"id":7,"method":"x"})).negative();
        let made = made.sending("origin", FOREIGN_ORIGIN).result(json!({}));
        if allow.is_empty() { made } else { made.header("access-control-allow-origin", allow) }
    }

    fn preflight(status: u16, headers: &str) -> Made {
        let mut made =
            request("OPTIONS", ProbeId::Browser, "preflight").negative().sending("origin", FOREIGN_ORIGIN);
        made.made.era = Some(Era::Modern);
        made.sending(
            "access-control-request-headers",
            "authorization,content-type,mcp-method,mcp-name,mcp-protocol-version",
        )
        .status(status)
        .header("access-control-allow-origin", "*")
        .header("access-control-allow-headers", headers)
    }

    fn modern(allow: &str, asked: Made) -> Finding {
        Scan::modern().with(origin(allow)).with(asked).judge(&CHECK)
    }

    fn legacy(session: bool, methods: &str) -> Finding {
        let mut first = origin("*");
        first.made.era = Some(Era::Legacy);
        let mut asked = preflight(204, "content-type, mcp-protocol-version, mcp-session-id")
            .header("access-control-allow-methods", methods);
        asked.made.era = Some(Era::Legacy);
        asked.made.request.headers = vec![
            ("origin".to_owned(), FOREIGN_ORIGIN.to_owned()),
            (
                "access-control-request-headers".to_owned(),
                "authorization,content-type,last-event-id,mcp-protocol-version,mcp-session-id".to_owned(),
            ),
        ];
        Scan::legacy(session).with(first).with(asked).judge(&CHECK)
    }

    #[test]
    fn passes_when_all_that_agents_need_is_covered() {
        assert_eq!(modern("*", preflight(204, ALL)).status, Status::Pass);
        // An open endpoint needs no Authorization, so `*` covers all of it.
        assert_eq!(modern(FOREIGN_ORIGIN, preflight(200, "*")).status, Status::Pass);
        assert_eq!(legacy(true, "GET, DELETE").status, Status::Pass);
        assert_eq!(legacy(false, "POST").status, Status::Pass);
    }

    #[test]
    fn warns_when_something_is_missing_or_kept_too_long() {
        let missing = modern("*", preflight(204, "content-type"));
        assert_eq!(missing.status, Status::Warn);
        assert!(missing.message.contains("mcp-method"), "{}", missing.message);
        assert_eq!(legacy(true, "GET, POST").status, Status::Warn);
        let long = preflight(204, ALL).header("access-control-max-age", "604800");
        assert_eq!(modern("*", long).status, Status::Warn);
        let token = Scan::modern().credential().with(origin("*")).with(preflight(204, "*")).judge(&CHECK);
        assert_eq!(token.status, Status::Warn);
        assert!(token.message.contains("authorization"), "{}", token.message);
    }

    #[test]
    fn fails_when_the_preflight_is_refused_redirected_or_allows_nobody() {
        for status in [302, 401, 403, 405] {
            assert_eq!(modern("*", preflight(status, ALL)).status, Status::Fail, "{status}");
        }
        let nobody = preflight(204, ALL).header("access-control-allow-origin", "https://app.example.com");
        assert_eq!(modern("*", nobody).status, Status::Fail);
    }

    #[test]
    fn fails_behind_authentication_when_the_preflight_asks_for_it() {
        let gate = |made: Made| made.status(401).header("access-control-allow-origin", "*");
        let finding = Scan::gated().with(gate(origin("*"))).with(preflight(401, "")).judge(&CHECK);
        assert_eq!(finding.status, Status::Fail);
    }

    #[test]
    fn not_applicable_without_cors_or_on_a_stream_by_get() {
        assert_eq!(modern("", preflight(204, ALL)).status, Status::NotApplicable);
        assert_eq!(modern("https://app.example.com", preflight(405, "")).status, Status::NotApplicable);
        let refused = Scan::modern().with(origin("*").status(403)).with(preflight(204, ALL)).judge(&CHECK);
        assert_eq!(refused.status, Status::NotApplicable);
        assert!(refused.message.contains("403"), "{}", refused.message);
        let feed = get(ProbeId::Browser, "origin").negative().stream("data: 1\n\n", 0);
        let feed = feed.header("access-control-allow-origin", "*");
        assert_eq!(Scan::feed("data: 1\n\n").with(feed).judge(&CHECK).status, Status::NotApplicable);
    }

    #[test]
    fn what_another_check_judges_is_charged_to_it_or_not_decided() {
        let refused = origin("").error(403, -32000, "no");
        let pair = Scan::modern().with(refused).with(preflight(204, ALL)).judge(&CHECK);
        assert_eq!(pair.charged_to, Some("cors-valid"), "{}", pair.message);
        let twice = origin("*").another_header("access-control-allow-origin", "*");
        let twice = Scan::modern().with(twice).with(preflight(204, ALL)).judge(&CHECK);
        assert_eq!(twice.status, Status::Inconclusive, "{}", twice.message);
        assert!(twice.message.contains("cors-valid"), "{}", twice.message);
    }

    #[test]
    fn undecided_when_nothing_was_sent_or_answered() {
        assert_eq!(Scan::modern().judge(&CHECK).status, Status::Inconclusive);
        assert_eq!(Scan::modern().with(origin("*")).judge(&CHECK).status, Status::Inconclusive);
    }
}
