//! The announced URI is of the stream's own origin.

use url::Url;

use crate::checks::prelude::*;
use crate::facts::Kind;
use crate::protocol::announced::{Announced, announced};
use crate::protocol::sse;
use crate::verdict::cut;

pub(super) static CHECK: Check = Check {
    id: "http-sse-endpoint-usable",
    title: "The announced URI is of the stream's own origin",
    dimension: Dimension::D7,
    severity: Severity::High,
    level: Level::Practice,
    applies: Applies::mcp(&[Transport::HttpSse], Gated::Unseen),
    reads: Reads::Of(&[ProbeId::Classify, ProbeId::HttpSse]),
    basis: &[
        Basis {
            title: "MCP TypeScript SDK, SSE client transport (an endpoint of another origin is refused)",
            url: "https://github.com/modelcontextprotocol/typescript-sdk",
        },
        rfc!(3986, "5", "Reference Resolution"),
    ],
    rationale: "Clients post to whatever the stream announces, with their token. They refuse another origin, and one \
                that does not refuse it sends token and data there.",
    remediation: "Announce a path, not an absolute URL: `data: /messages?sessionId=8f14e45f`. Behind a reverse proxy \
                  give the path as the client sees it: `root_path` of the ASGI application with the Python SDK, the \
                  first argument of `SSEServerTransport(\"/prefix/messages\", res)` with the TypeScript SDK.",
    causes: &[],
    how: How {
        sent: "Nothing more: the URI of the `endpoint` event, resolved against the URL of the stream. \
               One of another origin is never contacted.",
        passes: "Scheme, host and port are those of the stream.",
        warns: "",
        fails: "It is of another origin, such as `http://localhost`, an internal name, or `http` below \
                `https`.",
    },
    judge,
};

fn judge(facts: &Facts<'_>) -> Judgement {
    if facts.class().kind != Kind::HttpSse {
        return not_applicable("the old transport is only listed beside Streamable HTTP");
    }
    let mut seen = Observations::new();
    for probe in [ProbeId::Classify, ProbeId::HttpSse] {
        for exchange in facts.steps(probe, "get") {
            judge_stream(exchange, &mut seen);
        }
    }
    seen.verdict("the announced URI is of the stream's own origin", "no URI was announced")
}

fn judge_stream(exchange: &Exchange, seen: &mut Observations) {
    let Ok(base) = Url::parse(&exchange.request.url) else { return };
    let blocks = sse::blocks(exchange.lines().unwrap_or_default());
    // A later one is of no consequence: the first is final.
    let Some(block) = blocks.iter().find(|block| block.dispatched() && block.name() == "endpoint") else {
        return;
    };
    let at = Evidence::line(exchange, block.first_line.saturating_add(1));
    match announced(&base, block.data.as_deref().unwrap_or_default()) {
        Announced::Here(_) => seen.add(Status::Pass, at, "same origin"),
        Announced::Elsewhere(url) => {
            let message = format!(
                "the announced URI is of another origin ({}); it was not contacted",
                cut(&place(&url))
            );
            seen.add(Status::Fail, at, message);
        }
        // `http-sse-endpoint-first` speaks of it.
        Announced::NoUri(_) => {}
    }
}

/// Scheme, host and port: a path may hold a token.
fn place(url: &str) -> String {
    let Ok(url) = Url::parse(url) else { return "not a URL".to_owned() };
    match url.host_str() {
        Some(host) => {
            let port = url.port().map(|port| format!(":{port}")).unwrap_or_default();
            format!("{}://{host}{port}", url.scheme())
        }
        None => format!("{}:", url.scheme()),
    }
}

#[cfg(test)]
mod tests {
    use super::CHECK;
    use crate::checks::synthetic::{Scan, get};
    use crate::finding::Finding;
    use crate::transcript::ProbeId;
    use crate::verdict::Status;

    fn announces(data: &str) -> Finding {
        Scan::feed(&format!("event: endpoint\ndata: {data}\n\n")).judge(&CHECK)
    }

    #[test]
    fn passes_on_relative_and_absolute_uris_of_the_same_origin() {
        for data in ["/messages?s=1", "messages", "http://127.0.0.1:8080/m", "//127.0.0.1:8080/m"] {
            assert_eq!(announces(data).status, Status::Pass, "{data}");
        }
    }

    #[test]
    fn passes_on_the_first_whatever_a_later_one_says() {
        let text = "event: endpoint\ndata: /m\n\nevent: endpoint\ndata: http://evil.invalid/m\n\n";
        assert_eq!(Scan::feed(text).judge(&CHECK).status, Status::Pass);
    }

    #[test]
    fn fails_on_another_origin_and_says_that_it_was_not_contacted() {
        for data in [
            "http://localhost:8080/m",
            "http://evil.invalid/m?token=1",
            "//evil.invalid/m",
            "https://127.0.0.1:8080/m",
            "http://127.0.0.1:9/m",
            "file:///etc/passwd",
        ] {
            let finding = announces(data);
            assert_eq!(finding.status, Status::Fail, "{data}");
            assert!(finding.message.contains("not contacted"), "{}", finding.message);
            assert!(!finding.message.contains("token"), "{}", finding.message);
        }
    }

    #[test]
    fn fails_where_https_becomes_http() {
        let mut scan = Scan::feed("event: endpoint\ndata: http://mcp.example.com/m\n\n");
        for exchange in &mut scan.transcript.exchanges {
            exchange.request.url = "https://mcp.example.com/sse".to_owned();
        }
        assert_eq!(scan.judge(&CHECK).status, Status::Fail);
    }

    #[test]
    fn undecided_without_a_uri() {
        assert_eq!(announces("").status, Status::Inconclusive);
    }

    #[test]
    fn not_applicable_to_other_transports() {
        assert_eq!(Scan::feed("data: 1\n\n").judge(&CHECK).status, Status::NotApplicable);
        let beside = Scan::legacy(false)
            .with(get(ProbeId::Classify, "get").stream("event: endpoint\ndata: /m\n\n", 0));
        assert_eq!(beside.judge(&CHECK).status, Status::NotApplicable);
    }
}
