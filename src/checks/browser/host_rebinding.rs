//! A local endpoint must not be reachable through a name that an attacker controls.

use crate::checks::prelude::*;
use crate::facts::Kind;
use crate::facts::browser::{Treatment, treatment};
use crate::facts::delivery::behind_nginx;
use crate::protocol::address::Exposure;

pub(super) static CHECK: Check = Check {
    id: "host-rebinding",
    title: "A local endpoint refuses requests for a foreign Host",
    dimension: Dimension::D7,
    severity: Severity::Critical,
    level: Level::Must,
    applies: Applies::to(
        &[Transport::StreamableHttp, Transport::HttpSse, Transport::EventStream, Transport::Websocket],
        Gated::Judged,
    ),
    reads: Reads::Of(&[ProbeId::Browser, ProbeId::Classify]),
    basis: &[
        mcp!(
            "2025-11-25",
            "Transports, Security Warning (DNS rebinding)",
            "basic/transports#security-warning"
        ),
        Basis {
            title: "MCP conformance suite, scenario dns-rebinding-protection",
            url: "https://github.com/modelcontextprotocol/conformance",
        },
    ],
    rationale: "A web page can point its own name at 127.0.0.1 and then talk to a local server as if it were its own \
                site. A Host that is not yours gives such a request away.",
    remediation: "Answer 403 or 421 to every Host that is not on your list. TypeScript SDK 2: \
                  `localhostHostValidation()` or `hostHeaderValidation([\"localhost\"])` from \
                  `@modelcontextprotocol/node` before the handler; 1.x: `createMcpExpressApp()`, or \
                  `app.use(localhostHostValidation())`. Python SDK: `transport_security=TransportSecuritySettings(\
                  allowed_hosts=[\"127.0.0.1:*\", \"localhost:*\"], allowed_origins=[\"http://localhost:*\"], \
                  enable_dns_rebinding_protection=True)`. Rust SDK: `StreamableHttpServerConfig::default()\
                  .with_allowed_hosts([\"localhost\", \"127.0.0.1\"])`, and never `.disable_allowed_hosts()`.",
    causes: &[],
    how: How {
        sent: "A correct call with a Host that does not exist (`….invalid`) and its Origin; then with that Host alone. Only on loopback and private \
               addresses.",
        passes: "A 4xx for both.",
        warns: "Refused only where the foreign Origin comes with it; or a feed is served.",
        fails: "The call with both is served.",
    },
    judge,
};

fn judge(facts: &Facts<'_>) -> Judgement {
    match facts.exposure() {
        Some(Exposure::Public) => return not_applicable("a public endpoint: its proxies choose by Host"),
        None => return inconclusive("the address of the endpoint is not known"),
        Some(_) => {}
    }
    let mut seen = Observations::new();
    let mut undecided = None;
    for both in facts.steps(ProbeId::Browser, "host-and-origin") {
        let host = facts.steps(ProbeId::Browser, "host").find(|host| host.era == both.era);
        match judge_pair(facts, both, host) {
            Ok(mut verdict) => {
                if let (Kind::Dual, Some(era)) = (facts.class().kind, both.era) {
                    verdict.message = format!("{era} era: {}", verdict.message);
                }
                seen.push(verdict);
            }
            Err(reason) => undecided = Some(reason),
        }
    }
    match undecided {
        Some(reason) if seen.is_empty() => Err(reason),
        _ => seen.verdict(
            "a foreign Host is refused, with and without an Origin",
            &facts.why_not(ProbeId::Browser, Some("host-and-origin")),
        ),
    }
}

fn judge_pair(facts: &Facts<'_>, both: &Exchange, host: Option<&Exchange>) -> Judgement {
    match treatment(facts, both) {
        Treatment::Served if facts.class().kind == Kind::EventStream => {
            let message = "a rebound name can read this local feed";
            return warn(Evidence::status(both), message)
                .map(|verdict| verdict.with_severity(Severity::Medium));
        }
        Treatment::Served => {
            return fail(
                Evidence::status(both),
                "a DNS-rebinding request (foreign Host and Origin) was served",
            );
        }
        Treatment::Refused(101 | 400..=499) => {}
        Treatment::Refused(status) => {
            return inconclusive(format!("neither served nor refused (HTTP {status})"));
        }
        Treatment::Unclear(reason) => return inconclusive(reason),
    }
    let Some(host) = host else {
        return inconclusive(facts.why_not(ProbeId::Browser, Some("host")));
    };
    match treatment(facts, host) {
        Treatment::Served => {
            let by = facts.proxy().filter(|_| behind_nginx(host)).map_or_else(String::new, |proxy| {
                format!("; replies name a proxy that by default sends a Host of its own: `{proxy}`")
            });
            let message = format!("a foreign Host is refused only when a foreign Origin comes with it{by}");
            warn(Evidence::status(host), message).map(|verdict| verdict.with_severity(Severity::Medium))
        }
        Treatment::Refused(101 | 400..=499) => pass(Evidence::status(host), "refused"),
        Treatment::Refused(status) => inconclusive(format!("neither served nor refused (HTTP {status})")),
        Treatment::Unclear(reason) => inconclusive(reason),
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::CHECK;
    use crate::checks::synthetic::{Made, Scan, discover, get, post};
    use crate::finding::Finding;
    use crate::protocol::names::FOREIGN_HOST;
    use crate::protocol::revision::Era;
    use crate::transcript::ProbeId;
    use crate::verdict::{Severity, Status};

    fn ask(step: &str) -> Made {
        post(ProbeId::Browser, step, Era::Modern, json!({"jsonrpc":"2.0","id":7,"method":"server/discover"}))
    }

    fn with(scan: Scan, answer: impl Fn(Made) -> Made) -> Finding {
        let mut scan = scan.with(ask("base").result(json!({})));
        for step in ["host-and-origin", "host"] {
            scan = scan.with(answer(ask(step).negative().sending("host", FOREIGN_HOST)));
        }
        scan.judge(&CHECK)
    }

    fn local(answer: impl Fn(Made) -> Made) -> Finding {
        with(Scan::modern(), answer)
    }

    #[test]
    fn passes_on_every_4xx() {
        for status in [400, 403, 404, 421] {
            assert_eq!(
                local(|made| made.status(status).body("text/plain", "no")).status,
                Status::Pass,
                "{status}"
            );
        }
    }

    #[test]
    fn passes_behind_authentication_when_the_refusal_comes_before_the_401() {
        let mut scan = Scan::gated().with(ask("base").status(401));
        let base = scan.next_id() - 1;
        for step in ["host-and-origin", "host"] {
            scan = scan.with(ask(step).negative().twin(base).status(421));
        }
        assert_eq!(scan.judge(&CHECK).status, Status::Pass);
    }

    #[test]
    fn warns_when_only_the_origin_gives_it_away() {
        let finding = local(|made| {
            if made.made.step == "host" { made.result(json!({})) } else { made.error(403, -32000, "no") }
        });
        assert_eq!(finding.status, Status::Warn);
        assert!(!finding.message.contains("proxy"), "{}", finding.message);
        let finding = local(|made| match made.made.step.as_str() {
            "host" => made.result(json!({})).header("server", "nginx/1.22.1"),
            _ => made.error(403, -32000, "no"),
        });
        assert!(finding.message.contains("a Host of its own: `nginx/1.22.1`"), "{}", finding.message);
    }

    #[test]
    fn fails_when_served() {
        let finding = local(|made| made.result(json!({})));
        assert_eq!((finding.status, finding.severity), (Status::Fail, Severity::Critical));
    }

    #[test]
    fn warns_at_most_of_a_feed() {
        let scan = Scan::feed("data: 1\n\n").with(get(ProbeId::Browser, "base").stream("data: 1\n\n", 0));
        let base = scan.next_id() - 1;
        let made = get(ProbeId::Browser, "host-and-origin").negative().twin(base).stream("data: 1\n\n", 0);
        assert_eq!(scan.with(made).judge(&CHECK).status, Status::Warn);
    }

    #[test]
    fn not_applicable_to_public_endpoints() {
        let scan = Scan::at("https://mcp.example.com/mcp", "8.8.8.8:443").with(discover());
        assert_eq!(with(scan, |made| made.result(json!({}))).status, Status::NotApplicable);
    }

    #[test]
    fn undecided_when_authentication_comes_first_or_nothing_was_sent() {
        assert_eq!(local(|made| made.status(401)).status, Status::Inconclusive);
        assert_eq!(local(|made| made.status(502)).status, Status::Inconclusive);
        assert_eq!(local(|made| made).status, Status::Inconclusive);
        assert_eq!(Scan::modern().judge(&CHECK).status, Status::Inconclusive);
    }
}
