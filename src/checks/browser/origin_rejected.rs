//! A request that a foreign web page could send must be refused.

use serde_json::Value;

use crate::checks::prelude::*;
use crate::facts::Kind;
use crate::facts::browser::{Cors, Treatment, treatment};
use crate::protocol::address::Exposure;

pub(super) static CHECK: Check = Check {
    id: "origin-rejected",
    title: "Requests from a foreign Origin are refused",
    dimension: Dimension::D7,
    severity: Severity::Critical,
    level: Level::Must,
    applies: Applies::to(
        &[Transport::StreamableHttp, Transport::HttpSse, Transport::EventStream],
        Gated::Judged,
    ),
    reads: Reads::Of(&[ProbeId::Browser, ProbeId::Classify, ProbeId::Catalogue]),
    basis: &[
        mcp!(
            "2026-07-28",
            "Streamable HTTP, Security and Endpoint (403)",
            "basic/transports/streamable-http#security-&-endpoint"
        ),
        mcp!("2025-11-25", "Transports, Security Warning (403)", "basic/transports#security-warning"),
        mcp!("2025-06-18", "Transports, Security Warning (no status)", "basic/transports#security-warning"),
        mcp!("2024-11-05", "Transports, Security Warning (no status)", "basic/transports#security-warning"),
    ],
    rationale: "Any web page that the user opens can send requests to this endpoint from inside the user's network. \
                Only the Origin header tells them from an agent's, so a server that ignores it can be driven by any \
                page.",
    remediation: "Answer 403 when Origin is present and not on your list, and let requests without Origin pass. \
                  TypeScript SDK 2: `localhostOriginValidation()` or `originValidation([\"app.example.com\"])` from \
                  `@modelcontextprotocol/node` before the handler; 1.x: `enableDnsRebindingProtection: true` with \
                  `allowedOrigins: [\"https://app.example.com\"]` on the transport. Python SDK: `transport_security=\
                  TransportSecuritySettings(allowed_hosts=[..], allowed_origins=[\"https://app.example.com\"], \
                  enable_dns_rebinding_protection=True)`. Rust SDK: `StreamableHttpServerConfig::default()\
                  .with_allowed_origins([\"https://app.example.com:443\"])`, or `.enforce_origin_validation()` to \
                  refuse every Origin.",
    causes: &[],
    how: How {
        sent: "A correct call with an Origin that does not exist (`https://….invalid`, new for every scan), and with \
               `Origin: null`.",
        passes: "403; any 4xx where only revisions before 2025-11-25, HTTP+SSE or a feed are spoken.",
        warns: "Another 4xx; or it is served by a public endpoint that needs a token, or by a local feed \
                that lets the page read it.",
        fails: "It is served on a loopback or private address (critical), or by a public open endpoint \
                with a tool that changes something.",
    },
    judge,
};

/// A tool without annotations changes something if the first word of its name is one of these. Every
/// other word counts as reading.
const CHANGING: [&str; 19] = [
    "create", "delete", "drop", "edit", "execute", "insert", "move", "patch", "post", "publish", "purchase",
    "put", "remove", "rename", "send", "transfer", "update", "upload", "write",
];

fn judge(facts: &Facts<'_>) -> Judgement {
    let mut seen = Observations::new();
    let (mut undecided, mut sound) = (None, String::new());
    for origin in facts.steps(ProbeId::Browser, "origin") {
        let null = facts.steps(ProbeId::Browser, "origin-null").find(|null| null.era == origin.era);
        match judge_pair(facts, origin, null) {
            Ok(mut verdict) => {
                if let (Kind::Dual, Some(era)) = (facts.class().kind, origin.era) {
                    verdict.message = format!("{era} era: {}", verdict.message);
                }
                if sound.is_empty() && verdict.status == Status::Pass {
                    sound.clone_from(&verdict.message);
                }
                seen.push(verdict);
            }
            Err(reason) => undecided = Some(reason),
        }
    }
    match undecided {
        Some(reason) if seen.is_empty() => Err(reason),
        _ => seen.verdict(sound, &facts.why_not(ProbeId::Browser, Some("origin"))),
    }
}

fn judge_pair(facts: &Facts<'_>, origin: &Exchange, null: Option<&Exchange>) -> Judgement {
    let first = treatment(facts, origin);
    let second = null.map(|null| (null, treatment(facts, null)));
    // The worse of the two variants counts.
    if first == Treatment::Served {
        return judge_served(facts, origin, "a foreign Origin");
    }
    if let Some((null, Treatment::Served)) = second {
        return judge_served(facts, null, "`Origin: null`");
    }
    let status = match first {
        Treatment::Refused(status) => status,
        Treatment::Unclear(reason) => return inconclusive(reason),
        Treatment::Served => 200,
    };
    let other = match second {
        Some((_, Treatment::Refused(status))) => Some(status),
        // A 401 for the other variant adds nothing: the order of a server's checks is its own.
        Some((null, Treatment::Unclear(reason))) if null.status() != Some(401) => {
            return inconclusive(format!("with `Origin: null`: {reason}"));
        }
        _ => None,
    };
    // The status is a rule of Streamable HTTP; HTTP+SSE and feeds have none.
    let pinned = facts.class().transports.first() == Some(&Transport::StreamableHttp)
        && facts.class().revisions.iter().any(|revision| *revision >= Revision::V2025_11_25);
    let as_it_should = |status: u16| match status {
        403 => true,
        400..=499 => !pinned,
        _ => false,
    };
    let odd = [Some(status), other].into_iter().flatten().find(|status| !as_it_should(*status));
    match odd {
        None => pass(Evidence::status(origin), format!("a foreign Origin is refused with {status}")),
        Some(odd) => {
            let shown = null.filter(|null| null.status() == Some(odd)).unwrap_or(origin);
            let message = format!("a foreign Origin is refused with {odd} instead of 403");
            warn(Evidence::status(shown), message).map(|verdict| verdict.with_severity(Severity::Low))
        }
    }
}

fn judge_served(facts: &Facts<'_>, exchange: &Exchange, origin: &str) -> Judgement {
    let Some(exposure) = facts.exposure() else {
        return inconclusive("served, but the address of the endpoint is not known");
    };
    let local = exposure != Exposure::Public;
    let cors = Cors::read(exchange);
    let evidence = Evidence::status(exchange);
    let verdict = |status, severity, message: String| {
        Ok(Verdict::of(status, vec![evidence.clone()], message).with_severity(severity))
    };
    if facts.class().kind == Kind::EventStream {
        return if local && (cors.wildcard() || cors.reflects(exchange)) {
            verdict(
                Status::Warn,
                Severity::Medium,
                format!("any web page may read this local feed: it was served for {origin}"),
            )
        } else {
            verdict(
                Status::Info,
                Severity::Info,
                format!("the feed does not look at Origin ({origin} was served)"),
            )
        };
    }
    if local {
        let message = format!("a request with {origin} was served on a loopback or private address");
        return verdict(Status::Fail, Severity::Critical, message);
    }
    let gated = facts.header().credential();
    if gated && !(cors.credentials && cors.reflects(exchange)) {
        let message = format!("a request with {origin} was served; only the token keeps web pages out");
        return verdict(Status::Warn, Severity::Medium, message);
    }
    match changing_tool(facts) {
        Some(tool) => {
            let message = format!("a request with {origin} was served, and {tool}");
            verdict(Status::Fail, Severity::High, message)
        }
        None if gated => {
            let message = format!("a request with {origin} was served with credentialed CORS");
            verdict(Status::Warn, Severity::Medium, message)
        }
        None => {
            let message = format!(
                "a public, open, read-only endpoint serves {origin} (the specification asks every server \
                 to check it)"
            );
            verdict(Status::Info, Severity::Info, message)
        }
    }
}

/// A tool that changes something, in words.
fn changing_tool(facts: &Facts<'_>) -> Option<String> {
    let eras = facts.class().eras.iter();
    let tools = eras.filter_map(|era| facts.catalogue(*era).ok()).flat_map(|catalogue| &catalogue.tools);
    tools.map(|(_, tool)| tool).find_map(|tool| {
        let name = tool.get("name").and_then(Value::as_str).unwrap_or_default();
        let shown = crate::verdict::cut(name);
        let hint =
            |hint: &str| tool.get("annotations").and_then(|all| all.get(hint)).and_then(Value::as_bool);
        match (hint("readOnlyHint"), hint("destructiveHint")) {
            (Some(true), _) => None,
            (Some(false), _) => Some(format!("the tool `{shown}` says that it is not read-only")),
            (None, Some(true)) => Some(format!("the tool `{shown}` says that it is destructive")),
            (None, Some(false)) => None,
            (None, None) => CHANGING.contains(&first_word(name).as_str()).then(|| {
                format!(
                    "the tool `{shown}` seems to change something (its first word is one of: {})",
                    CHANGING.join(", ")
                )
            }),
        }
    })
}

/// The first word of `create_issue`, `create-issue`, `createIssue` or `Create issue`, lower case.
fn first_word(name: &str) -> String {
    let mut word = String::new();
    for character in name.chars().take(40) {
        let starts_next = character.is_uppercase() && word.chars().last().is_some_and(char::is_lowercase);
        if !character.is_alphanumeric() || starts_next {
            break;
        }
        word.push(character);
    }
    word.to_lowercase()
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::{CHECK, first_word};
    use crate::checks::synthetic::{Made, Scan, discover, get, initialize, post};
    use crate::finding::Finding;
    use crate::protocol::names::FOREIGN_ORIGIN;
    use crate::protocol::revision::Era;
    use crate::transcript::ProbeId;
    use crate::verdict::{Severity, Status};

    fn ask(step: &str, era: Era) -> Made {
        post(ProbeId::Browser, step, era, json!({"jsonrpc":"2.0","id":7,"method":"server/discover"}))
    }

    fn foreign(era: Era, answer: impl Fn(Made) -> Made) -> [Made; 2] {
        [("origin", FOREIGN_ORIGIN), ("origin-null", "null")]
            .map(|(step, origin)| answer(ask(step, era).negative().sending("origin", origin)))
    }

    fn with(scan: Scan, era: Era, answer: impl Fn(Made) -> Made) -> Scan {
        let [origin, null] = foreign(era, answer);
        scan.with(ask("base", era).result(json!({}))).with(origin).with(null)
    }

    fn local(answer: impl Fn(Made) -> Made) -> Finding {
        with(Scan::modern(), Era::Modern, answer).judge(&CHECK)
    }

    fn public(tools: &Value) -> Scan {
        let list = post(ProbeId::Catalogue, "tools/list", Era::Modern, json!({"id":1,"method":"tools/list"}));
        let scan = Scan::at("https://mcp.example.com/mcp", "8.8.8.8:443").with(discover());
        with(scan, Era::Modern, |made| made.result(json!({}))).with(list.result(json!({"tools":tools})))
    }

    #[test]
    fn passes_on_403() {
        let finding = local(|made| made.error(403, -32000, "Origin not allowed"));
        assert_eq!(finding.status, Status::Pass);
        assert!(finding.message.contains("403"));
    }

    #[test]
    fn passes_on_any_4xx_where_the_revision_names_no_status() {
        let mut scan = Scan::empty().with(discover().error(400, -32000, "no"));
        scan = scan.with(
            initialize(ProbeId::Classify, "initialize")
                .result(json!({"protocolVersion":"2025-06-18","capabilities":{},"serverInfo":{}})),
        );
        let finding = with(scan, Era::Legacy, |made| made.error(400, -32000, "no")).judge(&CHECK);
        assert_eq!(finding.status, Status::Pass, "{}", finding.message);
    }

    #[test]
    fn passes_behind_authentication_when_the_refusal_comes_before_the_401() {
        let gate = |made: Made| made.status(401).json(json!({"error":"unauthorized"}));
        let [origin, null] = foreign(Era::Modern, |made| made.status(403).body("text/plain", "no"));
        let scan = Scan::gated().with(gate(ask("base", Era::Modern)));
        let base = scan.next_id() - 1;
        let finding = scan.with(origin.twin(base)).with(null.twin(base)).judge(&CHECK);
        assert_eq!(finding.status, Status::Pass, "{}", finding.message);
    }

    #[test]
    fn warns_of_another_refusal() {
        assert_eq!(local(|made| made.error(400, -32000, "no")).status, Status::Warn);
        assert_eq!(
            local(|made| made.status(500).body("text/plain", "Not allowed by CORS")).status,
            Status::Warn
        );
        assert_eq!(local(|made| made.error(200, -32000, "no")).status, Status::Warn);
    }

    #[test]
    fn fails_when_served_on_loopback_in_either_variant_and_era() {
        let finding = local(|made| made.result(json!({})));
        assert_eq!((finding.status, finding.severity), (Status::Fail, Severity::Critical));
        let only_null = local(|made| {
            if made.made.step == "origin" { made.error(403, -32000, "no") } else { made.result(json!({})) }
        });
        assert_eq!(only_null.status, Status::Fail);
        let scan = with(Scan::dual(false), Era::Modern, |made| made.status(403));
        let finding = with(scan, Era::Legacy, |made| made.result(json!({}))).judge(&CHECK);
        assert_eq!(finding.status, Status::Fail);
        assert!(finding.message.starts_with("legacy era"), "{}", finding.message);
    }

    #[test]
    fn fails_when_an_open_public_endpoint_changes_things() {
        for tool in [
            json!({"name":"x","annotations":{"readOnlyHint":false}}),
            json!({"name":"x","annotations":{"destructiveHint":true}}),
            json!({"name":"deleteFile"}),
        ] {
            let finding = public(&json!([{"name":"search"}, tool])).judge(&CHECK);
            assert_eq!((finding.status, finding.severity), (Status::Fail, Severity::High), "{tool}");
        }
    }

    #[test]
    fn warns_when_only_a_token_protects_and_fails_with_credentialed_cors() {
        let finding = public(&json!([{"name":"delete_file"}])).credential().judge(&CHECK);
        assert_eq!(finding.status, Status::Warn);
        let scan = Scan::at("https://mcp.example.com/mcp", "8.8.8.8:443").with(discover()).credential();
        let scan = with(scan, Era::Modern, |made| {
            let origin = made.made.request.header("origin").unwrap_or_default().to_owned();
            made.result(json!({}))
                .header("access-control-allow-origin", &origin)
                .header("access-control-allow-credentials", "true")
        });
        let list = post(ProbeId::Catalogue, "tools/list", Era::Modern, json!({"id":1,"method":"tools/list"}));
        let scan = scan.with(list.result(json!({"tools":[{"name":"delete_file"}]})));
        assert_eq!(scan.judge(&CHECK).status, Status::Fail);
    }

    #[test]
    fn notes_an_open_public_endpoint_that_only_reads() {
        let tools = json!([{"name":"read_file"}, {"name":"delete","annotations":{"readOnlyHint":true}}, {"name":"add"}]);
        assert_eq!(public(&tools).judge(&CHECK).status, Status::Info);
    }

    #[test]
    fn warns_of_a_local_feed_that_any_page_may_read_and_notes_any_other() {
        let feed = |origin: Option<&str>| {
            let mut scan = Scan::feed("data: 1\n\n");
            scan = scan.with(get(ProbeId::Browser, "base").stream("data: 1\n\n", 0));
            let mut made = get(ProbeId::Browser, "origin").negative().sending("origin", FOREIGN_ORIGIN);
            made = made.twin(scan.next_id() - 1).stream("data: 1\n\n", 0);
            if let Some(origin) = origin {
                made = made.header("access-control-allow-origin", origin);
            }
            scan.with(made).judge(&CHECK).status
        };
        assert_eq!(feed(Some("*")), Status::Warn);
        assert_eq!(feed(None), Status::Info);
    }

    #[test]
    fn fails_when_an_http_sse_stream_opens() {
        let scan = Scan::http_sse();
        let open = "event: endpoint\ndata: /m\n\n";
        let scan = scan.with(get(ProbeId::Browser, "base").stream(open, 0));
        let base = scan.next_id() - 1;
        let made = get(ProbeId::Browser, "origin").negative().sending("origin", FOREIGN_ORIGIN).twin(base);
        assert_eq!(scan.with(made.stream(open, 0)).judge(&CHECK).status, Status::Fail);
    }

    #[test]
    fn undecided_on_401_429_failure_or_an_unserved_twin() {
        assert_eq!(local(|made| made.status(401)).status, Status::Inconclusive);
        assert_eq!(local(|made| made.status(429)).status, Status::Inconclusive);
        assert_eq!(local(|made| made).status, Status::Inconclusive);
        assert_eq!(Scan::modern().judge(&CHECK).status, Status::Inconclusive);
        let [origin, null] = foreign(Era::Modern, |made| made.error(403, -32000, "no"));
        let scan = Scan::modern().with(ask("base", Era::Modern).status(500));
        let base = scan.next_id() - 1;
        let finding = scan.with(origin.twin(base)).with(null.twin(base)).judge(&CHECK);
        assert_eq!(finding.status, Status::Inconclusive);
    }

    #[test]
    fn first_words_are_found_in_every_style() {
        for name in ["create_issue", "create-issue", "createIssue", "Create issue", "CREATE.ISSUE", "create"]
        {
            assert_eq!(first_word(name), "create", "{name}");
        }
        assert_eq!(first_word("creates"), "creates");
        assert_eq!(first_word(""), "");
    }
}
