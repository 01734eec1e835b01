//! MCP should not be reachable over a WebSocket alone.

use crate::checks::prelude::*;
use crate::facts::Kind;
use crate::facts::beside::{not_looked_at, streamable_beside};

pub(super) static CHECK: Check = Check {
    id: "ws-only",
    title: "MCP is offered over a standard transport, too, not only over WebSocket",
    dimension: Dimension::D2,
    severity: Severity::Medium,
    level: Level::Practice,
    applies: Applies::mcp(&[Transport::Websocket], Gated::Unseen),
    reads: Reads::Of(&[ProbeId::Classify, ProbeId::Siblings]),
    basis: &[
        mcp!("2026-07-28", "Transports (two standard ones)", "basic/transports"),
        Basis {
            title: "MCP blog, Exploring the Future of MCP Transports (2025-12-19)",
            url: "https://blog.modelcontextprotocol.io/posts/2025-12-19-mcp-transport-future/",
        },
    ],
    rationale: "MCP defines stdio and Streamable HTTP and no WebSocket, so an agent that follows the specification \
                cannot connect. The socket itself may be perfectly sound.",
    remediation: "Host Streamable HTTP beside the socket, at `/mcp` for example: `StreamableHTTPServerTransport` in \
                  the TypeScript SDK, `mcp.streamable_http_app()` in the Python SDK.",
    causes: &[],
    how: How {
        sent: "`server/discover` and `initialize` on the URL and the usual paths beside it, over HTTP.",
        passes: "Streamable HTTP answers on one of them.",
        warns: "The WebSocket is all there is.",
        fails: "",
    },
    judge,
};

fn judge(facts: &Facts<'_>) -> Judgement {
    if facts.class().kind != Kind::McpWebsocket {
        return match facts.class().transports.first() {
            Some(Transport::StreamableHttp) => {
                not_applicable("Streamable HTTP answers on this URL; the WebSocket is only noted")
            }
            _ => not_applicable("MCP over WebSocket does not name this endpoint"),
        };
    }
    if let Some(exchange) = facts.of(ProbeId::Siblings).find(|exchange| streamable_beside(exchange)) {
        let message = format!("Streamable HTTP answers at {}", crate::verdict::cut(&exchange.request.url));
        return pass(Evidence::status(exchange), message);
    }
    let looked: Vec<&Exchange> = facts.of(ProbeId::Siblings).collect();
    if looked.is_empty() {
        return inconclusive(facts.why_not(ProbeId::Siblings, None));
    }
    if looked.iter().any(|exchange| not_looked_at(exchange)) {
        return inconclusive("the usual paths for Streamable HTTP could not be looked at");
    }
    let sockets =
        ["websocket", "websocket-retry"].into_iter().flat_map(|step| facts.steps(ProbeId::Classify, step));
    match sockets.last() {
        Some(socket) => warn(
            Evidence::status(socket),
            "MCP over WebSocket is the only transport that was found; agents speak the standard ones",
        ),
        None => inconclusive(facts.why_not(ProbeId::Classify, Some("websocket"))),
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::CHECK;
    use crate::checks::synthetic::{Made, Scan, get, post};
    use crate::protocol::revision::Era;
    use crate::transcript::{Direction, FrameKind, ProbeId};
    use crate::verdict::Status;

    fn mcp() -> Scan {
        let ask =
            r#"{"jsonrpc":"2.0","id":1,"method":"initialize","params":{"protocolVersion":"2025-11-25"}}"#;
        let say = r#"{"jsonrpc":"2.0","id":1,"result":{"protocolVersion":"2025-11-25"}}"#;
        Scan::empty().with(
            get(ProbeId::Classify, "websocket")
                .frames(&[(Direction::Out, FrameKind::Text, ask), (Direction::In, FrameKind::Text, say)]),
        )
    }

    fn sibling() -> Made {
        let body = json!({"jsonrpc":"2.0","id":"d-2","method":"server/discover","params":{}});
        post(ProbeId::Siblings, "discover /mcp", Era::Modern, body)
    }

    #[test]
    fn passes_where_streamable_http_is_found_beside_it() {
        let found = sibling().result(json!({"supportedVersions":["2026-07-28"]}));
        assert_eq!(mcp().with(found).judge(&CHECK).status, Status::Pass);
    }

    #[test]
    fn warns_where_the_socket_is_all_there_is() {
        assert_eq!(mcp().with(sibling().status(404)).judge(&CHECK).status, Status::Warn);
    }

    #[test]
    fn undecided_where_nobody_looked_or_the_paths_were_refused() {
        assert_eq!(mcp().judge(&CHECK).status, Status::Inconclusive);
        assert_eq!(mcp().with(sibling().status(403)).judge(&CHECK).status, Status::Inconclusive);
    }

    #[test]
    fn not_applicable_to_plain_sockets_and_other_transports() {
        let plain = Scan::empty().with(get(ProbeId::Classify, "websocket").status(101));
        assert_eq!(plain.judge(&CHECK).status, Status::NotApplicable);
        assert_eq!(Scan::modern().judge(&CHECK).status, Status::NotApplicable);
    }
}
