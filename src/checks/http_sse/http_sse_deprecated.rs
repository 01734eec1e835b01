//! The deprecated transport should not be the only one.

use crate::checks::prelude::*;
use crate::facts::Kind;
use crate::facts::beside::{not_looked_at, streamable_beside};

pub(super) static CHECK: Check = Check {
    id: "http-sse-deprecated",
    title: "Streamable HTTP is offered, too, not only the deprecated HTTP+SSE",
    dimension: Dimension::D2,
    severity: Severity::Medium,
    level: Level::Should,
    applies: Applies::mcp(&[Transport::HttpSse], Gated::Unseen),
    reads: Reads::Of(&[ProbeId::Classify, ProbeId::Siblings]),
    basis: &[
        mcp!(
            "2026-07-28",
            "Streamable HTTP, HTTP+SSE transport (2024-11-05)",
            "basic/transports/streamable-http#http-sse-transport-2024-11-05"
        ),
        mcp!("2026-07-28", "Deprecated features", "deprecated"),
    ],
    rationale: "HTTP+SSE is deprecated and may be removed from the specification, and new clients no longer speak it. \
                Every call also depends on one long-lived connection that proxies like to cut.",
    remediation: "Host Streamable HTTP beside the old transport, at `/mcp` for example, and keep `/sse` until its \
                  clients are gone: `StreamableHTTPServerTransport` in the TypeScript SDK, \
                  `mcp.streamable_http_app()` in the Python SDK.",
    causes: &[],
    how: How {
        sent: "`server/discover` and `initialize` on the URL and the usual paths beside it.",
        passes: "Streamable HTTP answers on one of them.",
        warns: "HTTP+SSE is all there is.",
        fails: "",
    },
    judge,
};

fn judge(facts: &Facts<'_>) -> Judgement {
    let get = facts.steps(ProbeId::Classify, "get").last();
    if facts.class().kind != Kind::HttpSse {
        return match get {
            Some(get) => pass(Evidence::status(get), "Streamable HTTP answers on the same URL"),
            None => inconclusive(facts.why_not(ProbeId::Classify, Some("get"))),
        };
    }
    if let Some(exchange) = facts.of(ProbeId::Siblings).find(|exchange| streamable_beside(exchange)) {
        let message = format!("Streamable HTTP answers at {}", crate::verdict::cut(&exchange.request.url));
        return pass(Evidence::status(exchange), message);
    }
    let looked: Vec<&Exchange> = facts.of(ProbeId::Siblings).collect();
    let (Some(get), false) = (get, looked.is_empty()) else {
        return inconclusive(facts.why_not(ProbeId::Siblings, None));
    };
    if looked.iter().any(|exchange| not_looked_at(exchange)) {
        return inconclusive("the usual paths for Streamable HTTP could not be looked at");
    }
    warn(
        Evidence::status(get),
        "HTTP+SSE is the only transport that was found; 2025-03-26 replaced it, and it is listed as deprecated",
    )
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::CHECK;
    use crate::checks::synthetic::{Made, Scan, get, post};
    use crate::protocol::revision::Era;
    use crate::transcript::{FailureKind, Phase, ProbeId, SkipReason};
    use crate::verdict::{Severity, Status};

    fn sibling(kind: &str) -> Made {
        let (era, method, id) = match kind {
            "discover" => (Era::Modern, "server/discover", json!("d-2")),
            _ => (Era::Legacy, "initialize", json!(1)),
        };
        let body = json!({"jsonrpc":"2.0","id":id,"method":method,"params":{}});
        let mut made = post(ProbeId::Siblings, &format!("{kind} /mcp"), era, body);
        made.made.request.url = "http://127.0.0.1:8080/mcp".to_owned();
        made
    }

    #[test]
    fn passes_where_streamable_http_is_found_beside_it() {
        let modern = sibling("discover").result(json!({"supportedVersions":["2026-07-28"]}));
        assert_eq!(Scan::http_sse().with(modern).judge(&CHECK).status, Status::Pass);
        let legacy = sibling("initialize").result(json!({"protocolVersion":"2025-11-25"}));
        let scan = Scan::http_sse().with(sibling("discover").status(400)).with(legacy);
        assert_eq!(scan.judge(&CHECK).status, Status::Pass);
    }

    #[test]
    fn passes_where_it_is_hosted_on_the_same_url() {
        let beside = Scan::legacy(false)
            .with(get(ProbeId::Classify, "get").stream("event: endpoint\ndata: /m\n\n", 0));
        assert_eq!(beside.judge(&CHECK).status, Status::Pass);
    }

    #[test]
    fn warns_where_it_is_the_only_one() {
        let finding = Scan::http_sse().with(sibling("discover").status(404)).judge(&CHECK);
        assert_eq!((finding.status, finding.severity), (Status::Warn, Severity::Low));
    }

    #[test]
    fn undecided_where_it_was_not_looked_for_or_could_not_be() {
        let skipped = Scan::http_sse().skip(ProbeId::Siblings, None, SkipReason::Budget).judge(&CHECK);
        assert_eq!(skipped.status, Status::Inconclusive);
        assert!(skipped.message.contains("budget"), "{}", skipped.message);
        for made in [
            sibling("discover").status(429),
            sibling("discover").status(503),
            sibling("discover").failed(Phase::Head, FailureKind::HeaderTimeout),
        ] {
            assert_eq!(Scan::http_sse().with(made).judge(&CHECK).status, Status::Inconclusive);
        }
    }

    #[test]
    fn not_applicable_without_the_old_transport() {
        assert_eq!(Scan::modern().judge(&CHECK).status, Status::NotApplicable);
    }
}
